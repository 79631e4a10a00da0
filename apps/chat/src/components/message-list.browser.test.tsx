import type { LogEvent, Snapshot } from '@gossip-log/core';
import { act, createRef } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import '../chat.css';
import { windowRows } from '../message-rows.js';
import type { Place } from '../places.js';
import { MessageList, type MessageListHandle } from './message-list.js';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

const start = Date.UTC(2026, 0, 1);
const author = { id: 'ada', name: 'Ada', color: '#0f766e' };

/** An event at a place of its own in log order. Texts differ in height. */
function eventAt(place: number): LogEvent {
  const text = `message ${place} ${'and more words '.repeat((place * 7) % 40)}`;
  const timestamp = start + place * 10_000;
  const id = `r.${place}`;
  return {
    id,
    writer: 'r',
    seq: place,
    timestamp,
    clock: timestamp * 2048,
    payload: { text, author },
    error: undefined,
  } as LogEvent;
}

/** A snapshot over a plain list: all that the component asks of one. */
function snapshotOf(events: readonly LogEvent[]): Snapshot {
  return {
    length: events.length,
    at: (index) => events.at(index),
    slice: (from, to) => events.slice(from, to),
    map: (project) => events.map(project),
    indexOf: (event) => events.indexOf(event),
    [Symbol.iterator]: () => events[Symbol.iterator](),
  };
}

let host: HTMLElement;
let root: Root;
let jumped: number;
/** What somebody wants to delete. */
let doomed: LogEvent[];
/** Where reading begins, and where it was when the list went. */
let place: Place | undefined;
let isOnline: boolean;
let isExplained: boolean;
const list = createRef<MessageListHandle>();

beforeEach(() => {
  host = document.createElement('div');
  host.style.cssText = 'display: flex; flex-direction: column; width: 400px; height: 600px';
  document.body.append(host);
  root = createRoot(host);
  jumped = 0;
  doomed = [];
  place = undefined;
  isOnline = true;
  isExplained = false;
});

afterEach(() => {
  act(() => root.unmount());
  host.remove();
});

/** What is older than the events shown, if anything is. */
interface Older {
  readonly isLoading?: boolean;
  load(): Promise<number>;
}

function show(events: readonly LogEvent[], older?: Older): void {
  act(() =>
    root.render(
      <MessageList
        ref={list}
        events={snapshotOf(events)}
        profileId="me"
        onDelete={(event) => doomed.push(event)}
        onJumped={() => jumped++}
        hasOlder={older !== undefined}
        isLoadingOlder={older?.isLoading === true}
        isOnline={isOnline}
        isExplained={isExplained}
        place={place}
        onLeave={(left) => {
          place = left;
        }}
        loadOlder={() => older?.load() ?? Promise.resolve(0)}
      />,
    ),
  );
}

const scroller = () => host.querySelector('.scroller') as HTMLElement;
const rows = () => [...host.querySelectorAll('li')];
const topOf = (id: string) => host.querySelector(`[data-event-id="${id}"]`)?.getBoundingClientRect().top;
const atEnd = () => scroller().scrollHeight - scroller().scrollTop - scroller().clientHeight < 2;
const olderButton = () => host.querySelector<HTMLButtonElement>('.older button');
const jump = () => host.querySelector<HTMLButtonElement>('.jump');

const bubbleTop = (id: string) =>
  host.querySelector(`[data-event-id="${id}"] .bubble`)?.getBoundingClientRect().top ?? Number.NaN;

/** Scrolls as a reader does, and waits until the list has taken note. */
async function scrollTo(top: number): Promise<void> {
  await act(async () => {
    const noted = new Promise((resolve) => scroller().addEventListener('scroll', resolve, { once: true }));
    scroller().scrollTop = top;
    await noted;
  });
}

/** The first row of which a part is in sight: the one that is to keep its place. */
function firstInSight(): HTMLElement {
  const top = scroller().getBoundingClientRect().top;
  return rows().find((item) => item.getBoundingClientRect().bottom > top) as HTMLElement;
}

const numbers = (from: number, to: number, step = 1) =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, i) => from + i * step);

test('a room opens at its newest message, and stays there when more come', () => {
  const events = numbers(0, 300).map(eventAt);
  show(events);
  expect(atEnd()).toBe(true);
  show([...events, eventAt(300), eventAt(301)]);
  expect(atEnd()).toBe(true);
  expect(rows().at(-1)?.dataset['eventId']).toBe('r.301');
  expect(jump()).toBeNull();
});

test('what is being read keeps its place when older messages are inserted above and newer ones come below', async () => {
  const sparse = numbers(0, 2000, 2).map(eventAt);
  show(sparse);
  await scrollTo(scroller().scrollTop - 1500);
  const id = firstInSight().dataset['eventId'] as string;
  const before = topOf(id) as number;
  const place = Number(id.slice(2));
  const late = [place - 31, place - 9, place - 1, place + 1, 1999].map(eventAt);
  show([...sparse, ...late].sort((a, b) => a.clock - b.clock));
  for (const event of late.slice(0, 4)) expect(topOf(event.id)).toBeDefined();
  expect(topOf(id)).toBeCloseTo(before, 0);
});

test('what is being read keeps its place when the view changes its width', async () => {
  show(numbers(0, 400).map(eventAt));
  await scrollTo(scroller().scrollTop - 2000);
  const held = firstInSight();
  const before = held.getBoundingClientRect().top;
  await act(async () => {
    const observed = new Promise((resolve) => new ResizeObserver(resolve).observe(scroller()));
    host.style.width = '700px';
    await observed;
    await new Promise(requestAnimationFrame);
  });
  expect(held.getBoundingClientRect().top).toBeCloseTo(before, 0);
});

test('few rows are in the document however long the room, and scrolling leads to its very first message', async () => {
  show(numbers(0, 2000).map(eventAt));
  let most = 0;
  let moves = 0;
  while (topOf('r.0') === undefined || scroller().scrollTop > 0) {
    moves++;
    await scrollTo(Math.max(0, scroller().scrollTop - 4000));
    most = Math.max(most, rows().length);
    expect(moves).toBeLessThan(500);
  }
  expect(most).toBe(windowRows);
  // And back, by the wheel alone.
  while (jump() !== null) {
    moves++;
    await scrollTo(scroller().scrollTop + 4000);
    expect(moves).toBeLessThan(1000);
  }
  expect(rows().at(-1)?.dataset['eventId']).toBe('r.1999');
});

test('new messages below are counted, those inserted above are not; the button leads to the end', async () => {
  const events = numbers(0, 600, 2).map(eventAt);
  show(events);
  await scrollTo(scroller().scrollTop - 3000);
  expect(jump()?.textContent).toBe('Jump to newest');
  show([...events, eventAt(11), eventAt(700), eventAt(702)].sort((a, b) => a.clock - b.clock));
  expect(jump()?.textContent).toBe('2 new');
  act(() => jump()?.click());
  expect(atEnd()).toBe(true);
  expect(jump()).toBeNull();
  expect(jumped).toBe(1);
});

test('whoever sends is taken to the end', async () => {
  const events = numbers(0, 300).map(eventAt);
  show(events);
  await scrollTo(0);
  show([...events, eventAt(300)]);
  expect(atEnd()).toBe(false);
  act(() => list.current?.jumpToNewest());
  expect(atEnd()).toBe(true);
});

test('a row that did not change is not rendered again: its element and what is in it stay', () => {
  const events = numbers(0, 50).map(eventAt);
  show(events);
  const text = host.querySelector('[data-event-id="r.20"] .text')?.firstChild;
  expect(text).toBeTruthy();
  show([...events, eventAt(50)]);
  expect(host.querySelector('[data-event-id="r.20"] .text')?.firstChild).toBe(text);
});

test('what is no message has no row', () => {
  show([eventAt(1), { ...eventAt(2), payload: { oops: true } }, eventAt(3)]);
  expect(rows().map((row) => row.dataset['eventId'])).toEqual(['r.1', 'r.3']);
});

test('near the first message older ones are asked for, and those that come in above move nothing', async () => {
  const all = numbers(0, 1000).map(eventAt);
  let asked = 0;
  const older: Older = { load: () => Promise.resolve(++asked) };
  show(all.slice(500), older);
  await scrollTo(scroller().scrollTop - 1000);
  expect(asked).toBe(0);
  expect(olderButton()).toBeNull();
  let moves = 0;
  while (topOf('r.500') === undefined || scroller().scrollTop > 0) {
    await scrollTo(Math.max(0, scroller().scrollTop - 4000));
    expect(moves++).toBeLessThan(100);
  }
  expect(asked).toBeGreaterThan(0);
  expect(olderButton()?.textContent).toBe('Show older messages');

  // Above the first message stood the day, which now stands farther up.
  const before = bubbleTop('r.500');
  show(all.slice(200), older);
  expect(bubbleTop('r.500')).toBeCloseTo(before, 0);
  expect(rows().some((row) => row.dataset['eventId'] === 'r.499')).toBe(true);
  expect(olderButton()).toBeNull();
  show(all);
  while (topOf('r.0') === undefined || scroller().scrollTop > 0) {
    await scrollTo(Math.max(0, scroller().scrollTop - 4000));
    expect(moves++).toBeLessThan(100);
  }
  expect(olderButton()).toBeNull();
});

test('the button reads older messages by keyboard too: it says so, keeps the focus, and leaves it to the messages', async () => {
  const all = numbers(0, 300).map(eventAt);
  let came = (_count: number): void => {};
  const reading = new Promise<number>((resolve) => {
    came = resolve;
  });
  show(all.slice(298), { load: () => reading });
  const button = olderButton() as HTMLButtonElement;
  button.focus();
  const before = bubbleTop('r.299');
  act(() => button.click());
  show(all.slice(298), { load: () => reading, isLoading: true });
  expect(document.activeElement).toBe(button);
  expect(button.textContent).toBe('Reading older messages…');
  expect(button.ariaDisabled).toBe('true');
  show(all);
  await act(async () => came(298));
  expect(olderButton()).toBeNull();
  expect(document.activeElement).toBe(scroller());
  expect(host.querySelector('[role=status]')?.textContent).toBe('298 older messages');
  expect(bubbleTop('r.299')).toBeCloseTo(before, 0);
});

test.each([
  [true, 'try again later'],
  [false, 'You are offline'],
])(
  'a wish for older messages that brings nothing is answered (online: %s), until some come',
  async (online, answer) => {
    isOnline = online;
    const all = numbers(0, 300).map(eventAt);
    show(all.slice(295), { load: () => Promise.resolve(0) });
    expect(host.textContent).not.toContain(answer);
    await act(async () => olderButton()?.click());
    expect(host.querySelector('.older [role=status]')?.textContent).toContain(answer);
    isExplained = true;
    show(all.slice(295), { load: () => Promise.resolve(0) });
    expect(host.textContent).not.toContain(answer);
    show(all.slice(100), { load: () => Promise.resolve(0) });
    await scrollTo(0);
    expect(host.textContent).not.toContain(answer);
  },
);

/** The list goes, and comes back: somebody was in another room. */
function leaveAndReturn(events: readonly LogEvent[]): void {
  act(() => root.render(null));
  show(events);
}

test('the place in a room is kept for those who come back, also when more was written meanwhile', async () => {
  const events = numbers(0, 1000).map(eventAt);
  show(events);
  await scrollTo(scroller().scrollTop - 3000);
  const id = firstInSight().dataset['eventId'] as string;
  const before = bubbleTop(id);
  leaveAndReturn([...events, ...numbers(1000, 1007).map(eventAt)]);
  expect(bubbleTop(id)).toBeCloseTo(before, 0);
  expect(jump()?.textContent).toBe('7 new');
  // And once more, without having moved.
  leaveAndReturn([...events, ...numbers(1000, 1007).map(eventAt)]);
  expect(bubbleTop(id)).toBeCloseTo(before, 0);
});

test('those who were at the end come back to the end', async () => {
  const events = numbers(0, 300).map(eventAt);
  show(events);
  await scrollTo(0);
  act(() => jump()?.click());
  leaveAndReturn([...events, eventAt(300)]);
  expect(atEnd()).toBe(true);
  expect(jump()).toBeNull();
});

test('where the message that was read is gone, the room opens at its end', async () => {
  const events = numbers(0, 1000).map(eventAt);
  show(events);
  await scrollTo(scroller().scrollTop - 3000);
  leaveAndReturn(events.slice(990));
  expect(atEnd()).toBe(true);
  expect(jump()).toBeNull();
});

test('a row that changes its height moves the others at a fraction of what a column of flex items costs', () => {
  show(numbers(0, 400).map(eventAt));
  const list = host.querySelector('.messages') as HTMLElement;
  const layoutMs = () => {
    const times = Array.from({ length: 31 }, (_, i) => {
      (rows().at(-1) as HTMLElement).style.paddingBottom = `${i % 2}px`;
      const startedAt = performance.now();
      list.getBoundingClientRect();
      return performance.now() - startedAt;
    });
    return times.sort((a, b) => a - b)[15] as number;
  };
  layoutMs();
  const asBlock = layoutMs();
  list.style.cssText = 'display: flex; flex-direction: column';
  layoutMs();
  expect(asBlock).toBeLessThan(layoutMs() / 3);
});

test('marks piled on letters stay within their own message', () => {
  const tower = `Z${'\u0335\u0310\u0323'.repeat(60)}`;
  show([eventAt(1), { ...eventAt(2), payload: { text: tower.repeat(20), author } }]);
  const bubble = rows()[1]?.querySelector('.bubble') as HTMLElement;
  expect(getComputedStyle(bubble).overflowY).toBe('clip');
  expect(bubble.textContent).not.toMatch(/\p{M}{9}/u);
});

test('a message of 20,000 links is shown and opened about as fast as plain text', async () => {
  const time = async (text: string) => {
    show([{ ...eventAt(1), id: `r.${text.length}` as LogEvent['id'], payload: { text, author } }]);
    const startedAt = performance.now();
    act(() => host.querySelector<HTMLButtonElement>('.more')?.click());
    expect(host.querySelector('button.more')).toBeNull();
    scroller().getBoundingClientRect();
    const ms = performance.now() - startedAt;
    act(() => root.render(null));
    return ms;
  };
  const links = 'https://a.example/b '.repeat(20_000);
  const words = 'some words of text, '.repeat(20_000);
  await time(words);
  const plain = Math.min(await time(words), await time(words), await time(words));
  const linked = Math.min(await time(links), await time(links), await time(links));
  expect(linked).toBeLessThan(10 * plain + 50);
});
