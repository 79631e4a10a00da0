import type { LogEvent } from '@gossip-log/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { messageRows, windowAround, windowRows } from './message-rows.js';

const minute = 60_000;
const noon = new Date(2026, 2, 10, 12).getTime();
let made = 0;

function event(timestamp: number, author: string | undefined, replica = 'r'): LogEvent {
  const payload = author === undefined ? 'junk' : { text: 'x', author: { id: author, name: author, color: '#123456' } };
  return {
    id: `${replica}.${++made}`,
    replica,
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

test('what cannot be read is a row of its own kind, grouped by who wrote it', () => {
  const rows = messageRows(
    [event(noon, undefined), event(noon, undefined), event(noon, undefined, 'other'), event(noon, 'ada')],
    'me',
  );
  expect(rows.map((row) => row.message === undefined)).toEqual([true, true, true, false]);
  expect(rows.map((row) => row.startsGroup)).toEqual([true, false, true, true]);
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
