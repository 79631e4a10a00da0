/** Which own events count as sent. */
import { type WriterId, writerIdFromBytes } from '@gossip-log/core';
import type { LogEntry } from '@gossip-log/core/sync';
import { memoryStorage } from '@gossip-log/storage/memory';
import { expect, test } from 'vitest';
import { UnsentEvents } from './unsent-events.js';

const [earlier, later] = [1, 2].map((byte) => writerIdFromBytes(new Uint8Array(16).fill(byte))) as [WriterId, WriterId];
const run = (writer: WriterId, last: number) => ({ writer, first: 1, last, firstTime: 1, lastTime: last });
const entry = (writer: WriterId, last: number): LogEntry => ({
  ...{ block: new Uint8Array(), runs: [run(writer, last)], origin: 'own' },
});

function unsentOf() {
  const sent: unknown[] = [];
  const storage = memoryStorage();
  const commit: typeof storage.commit = (_log, _entries, options) => {
    sent.push([...(options.sent ?? [])]);
    return Promise.resolve([]);
  };
  const unsent = new UnsentEvents({ id: 'room', storage: { ...storage, commit } });
  unsent.loaded(new Map([[earlier, 3]]), new Map(), [{ key: '0', runs: [run(earlier, 3)] }]);
  return { unsent, sent };
}

test('an own event that is sent as it is stored takes earlier runs with it [H11]', () => {
  const { unsent } = unsentOf();
  expect([...unsent.before]).toEqual([[earlier, 3]]);
  unsent.stored('1', entry(later, 1), true);
  expect(unsent.count).toBe(0);
});

test('an own event that is sent later takes earlier runs with it, and the store says so [H11]', async () => {
  const { unsent, sent } = unsentOf();
  unsent.stored('1', entry(later, 2), false);
  expect(unsent.count).toBe(5);
  await unsent.beforeSending([run(later, 1)]);
  expect(sent).toEqual([
    [
      [later, 1],
      [earlier, 3],
    ],
  ]);
  expect([...unsent.runs]).toEqual([[later, 2]]);
  expect(unsent.holds('0')).toBe(false);
});
