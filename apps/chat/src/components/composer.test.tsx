import { act, createRef } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { draftOf, keepDraft } from '../drafts.js';
import { textCharsMax } from '../message.js';
import { Composer } from './composer.js';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

let host: HTMLElement;
let root: Root;
let sent: string[];
let refusal: Error | undefined;

beforeEach(() => {
  host = document.createElement('div');
  document.body.append(host);
  root = createRoot(host);
  sent = [];
  refusal = undefined;
  for (const room of ['a', 'b']) keepDraft(room, '');
});

afterEach(() => {
  act(() => root.unmount());
  host.remove();
});

function show(room = 'a', disabled = false): void {
  const onSend = (text: string): void => {
    if (refusal !== undefined) throw refusal;
    sent.push(text);
  };
  act(() => root.render(<Composer key={room} room={room} disabled={disabled} onSend={onSend} ref={createRef()} />));
}

const textarea = () => host.querySelector('textarea') as HTMLTextAreaElement;
const alert = () => host.querySelector('[role=alert]')?.textContent;

function type(text: string): void {
  const { set } = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value') as PropertyDescriptor;
  act(() => {
    set?.call(textarea(), text);
    textarea().dispatchEvent(new Event('input', { bubbles: true }));
  });
}

/** Presses Enter; returns whether the browser would go on and break the line. */
function enter(init: KeyboardEventInit = {}): boolean {
  let goesOn = true;
  act(() => {
    goesOn = textarea().dispatchEvent(
      new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true, ...init }),
    );
  });
  return goesOn;
}

test('Enter sends, and leaves an empty field and no draft', () => {
  show();
  type('  one\ntwo \n');
  expect(enter()).toBe(false);
  expect(sent).toEqual(['one\ntwo']);
  expect(textarea().value).toBe('');
  expect(draftOf('a')).toBe('');
});

test('Shift and Enter break the line', () => {
  show();
  type('one');
  expect(enter({ shiftKey: true })).toBe(true);
  expect(sent).toEqual([]);
});

test('Enter that chooses a word of an input method does not send', () => {
  show();
  type('日本');
  expect(enter({ isComposing: true })).toBe(true);
  expect(enter({ keyCode: 229 })).toBe(true);
  expect(sent).toEqual([]);
});

test('blank text is not sent', () => {
  show();
  type(' \n ');
  enter();
  expect(sent).toEqual([]);
});

test('the draft stays with its room', () => {
  show('a');
  type('half a thought');
  show('b');
  expect(textarea().value).toBe('');
  show('a');
  expect(textarea().value).toBe('half a thought');
});

test('a text that is too long says so before it is sent, and is not sent', () => {
  show();
  type('x'.repeat(textCharsMax));
  expect(alert()).toBeUndefined();
  type('x'.repeat(textCharsMax + 3));
  expect(alert()).toMatch(/^Too long by 3 characters/);
  expect(textarea().getAttribute('aria-invalid')).toBe('true');
  enter();
  expect(sent).toEqual([]);
});

test('what the log refuses stays in the field, with the reason, until it is changed', () => {
  show();
  type('hello');
  refusal = new Error('payload too large [event-too-large]');
  enter();
  expect(alert()).toBe('Not sent: payload too large [event-too-large]');
  expect(textarea().value).toBe('hello');
  type('hell');
  expect(alert()).toBeUndefined();
});

/** Another tab has written what this browser keeps. */
function otherTabKeeps(drafts: readonly (readonly [string, string])[]): void {
  localStorage.setItem('gossip-log-chat.drafts', JSON.stringify(drafts));
  act(() => {
    dispatchEvent(new StorageEvent('storage', { key: 'gossip-log-chat.drafts' }));
  });
}

test('a draft that another tab has sent is gone from this one, and is not sent twice', () => {
  show();
  type('hello');
  otherTabKeeps([['b', 'of another room']]);
  expect(textarea().value).toBe('');
  enter();
  expect(sent).toEqual([]);
});

test('what is typed in another tab shows in this one', () => {
  show();
  otherTabKeeps([['a', 'half a thought']]);
  expect(textarea().value).toBe('half a thought');
  enter();
  expect(sent).toEqual(['half a thought']);
  expect(draftOf('a')).toBe('');
});

test('nothing can be written while the room opens', () => {
  show('a', true);
  expect(textarea().disabled).toBe(true);
});
