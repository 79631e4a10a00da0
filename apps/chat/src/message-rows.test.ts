import type { LogEvent } from '@gossip-log/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isMessage, messageRows, peopleLabel, windowAround, windowRows } from './message-rows.js';

const minute = 60_000;
const noon = new Date(2026, 2, 10, 12).getTime();
let made = 0;

function event(timestamp: number, author: string | undefined, writer = 'r'): LogEvent {
  const payload = author === undefined ? 'junk' : { text: 'x', author: { id: author, name: author, color: '#123456' } };
  return {
    id: `${writer}.${++made}`,
    writer,
    seq: made,
    timestamp,
    clock: timestamp * 2048,
    payload,
    error: undefined,
  } as LogEvent;
}

function flags(events: LogEvent[]): string[] {
  return messageRows(events, 'me').map(
    (row) =>
      `${row.startsDay ? 'D' : ''}${row.startsGroup ? '<' : ''}${row.own ? 'me' : '-'}${row.endsGroup ? '>' : ''}`,
  );
}

test('messages of one author in one minute are a group', () => {
  expect(
    flags([
      event(noon, 'me'),
      event(noon + 1000, 'me'),
      event(noon + 2000, 'ada'),
      event(noon + 3000, 'me'),
      event(noon + minute, 'me'),
    ]),
  ).toEqual(['D<me', 'me>', '<->', '<me>', '<me>']);
});

test('one person in two tabs is one author', () => {
  expect(flags([event(noon, 'me', 'tab1'), event(noon, 'me', 'tab2')])).toEqual(['D<me', 'me>']);
});

test('what is no message, or of a newer version, has no row and parts nothing', () => {
  const written = event(noon, 'ada');
  const newer = { ...event(noon, 'ada'), payload: { ...(written.payload as object), kind: 'reaction' } };
  const oops = { ...event(noon, 'ada'), payload: { oops: true } };
  expect([newer, oops, event(noon, undefined)].filter((each) => isMessage(each.payload, each))).toEqual([]);
  const rows = messageRows([event(noon, undefined), written, newer, oops, event(noon, 'ada')], 'me');
  expect(rows.map(({ author }) => author?.name)).toEqual(['ada', 'ada']);
  expect(rows.map(({ startsDay, startsGroup, endsGroup }) => [startsDay, startsGroup, endsGroup])).toEqual([
    [true, true, false],
    [false, false, true],
  ]);
});

/** A message of somebody with that id and name. */
const by = (id: string, name: string): LogEvent => ({
  ...event(noon, 'x'),
  payload: { text: 'x', author: { id, name, color: '#123456' } },
});

test('people of one name are told apart, also where the names differ in characters that are not seen', () => {
  const tags = (...events: LogEvent[]) => messageRows(events, 'me').map(({ tag }) => tag);
  expect(tags(by('1', 'Bob'), by('1', 'Bob'), by('2', 'Ada'))).toEqual(['', '', '']);
  const [one, two, three, ada] = tags(by('1', 'Bob'), by('2', 'Bob\u200b'), by('1', 'Bob'), by('3', 'Ada'));
  expect(one).toMatch(/^#[0-9a-z]{4}$/);
  expect(two).toMatch(/^#[0-9a-z]{4}$/);
  expect(two).not.toBe(one);
  expect([three, ada]).toEqual([one, '']);
});

/** What is left of a message. */
const deleted = (of: LogEvent, by = of.writer): LogEvent =>
  ({ ...of, payload: undefined, redacted: { id: `${by}.99`, writer: by, timestamp: of.timestamp } }) as LogEvent;

test('a deleted message keeps its row, its place in a group, and its author as far as others of the same writer tell', () => {
  const [first, second, third] = [event(noon, 'me', 'a'), event(noon + 1, 'me', 'a'), event(noon + 2, 'me', 'a')];
  const rows = messageRows([first, deleted(second), third] as LogEvent[], 'me');
  expect(rows.map(({ message, author, own }) => [message?.text, author?.name, own])).toEqual([
    ['x', 'me', true],
    [undefined, 'me', true],
    ['x', 'me', true],
  ]);
  expect(rows.map(({ startsGroup, endsGroup }) => [startsGroup, endsGroup])).toEqual([
    [true, false],
    [false, false],
    [false, true],
  ]);
  expect(isMessage(undefined, deleted(second as LogEvent))).toBe(true);

  // The author is known by the run of the redaction; the author of the second one is not known.
  const alone = event(noon, 'ada', 'b');
  messageRows([event(noon, 'ada', 'c')], 'me');
  const row = messageRows([deleted(alone, 'c' as never)], 'me')[0];
  expect([row?.author?.name, row?.own]).toEqual(['ada', false]);
  const [unknown, next] = messageRows([deleted(event(noon, 'x', 'nobody')), event(noon, 'bo', 'd')], 'me');
  expect([unknown?.author, unknown?.own, unknown?.startsGroup, unknown?.endsGroup]).toEqual([
    undefined,
    false,
    true,
    true,
  ]);
  expect(next?.startsGroup).toBe(true);
});

test('a deleted message names its author as long as this page has read it before', () => {
  const once = event(noon, 'ada', 'e');
  messageRows([once], 'me');
  expect(messageRows([deleted(once)], 'me')[0]?.author?.name).toBe('ada');
  expect(peopleLabel([deleted(once)], 'me')).toBe('');
});

test('a room is headed by those who wrote last', () => {
  expect(peopleLabel([], 'me')).toBe('');
  expect(peopleLabel([by('1', 'Ada'), by('me', 'Robin'), by('1', 'Ada L.')], 'me')).toBe('Ada L., You');
  const many = ['Ada', 'Bo', 'Cy', 'Di', 'Ed'].map((name) => by(name, name));
  expect(peopleLabel(many.slice(0, 3), 'me')).toBe('Cy, Bo, Ada');
  expect(peopleLabel(many, 'me')).toBe('Ed, Di, Cy and others');
});

test('a day begins where the reader sees midnight', () => {
  const midnight = new Date(2026, 2, 11).getTime();
  expect(flags([event(midnight - 1, 'a'), event(midnight, 'a'), event(midnight + 1, 'a')])).toEqual([
    'D<->',
    'D<-',
    '->',
  ]);
});

test('the window holds as many rows as there are, up to its size, and the focus is among them', () => {
  fc.assert(
    fc.property(fc.nat(5000), fc.option(fc.nat(5000), { nil: undefined }), (length, wanted) => {
      const focus = wanted === undefined || length === 0 ? undefined : wanted % length;
      const { from, to } = windowAround(length, focus);
      expect(to - from).toBe(Math.min(length, windowRows));
      expect(from).toBeGreaterThanOrEqual(0);
      expect(to).toBeLessThanOrEqual(length);
      if (focus === undefined) expect(to).toBe(length);
      else expect(from <= focus && focus < to).toBe(true);
    }),
  );
});

test('the window lies around its focus, with rows on both sides', () => {
  expect(windowAround(2000, 1000)).toEqual({ from: 1000 - windowRows / 2, to: 1000 + windowRows / 2 });
  expect(windowAround(2000, 3)).toEqual({ from: 0, to: windowRows });
});
