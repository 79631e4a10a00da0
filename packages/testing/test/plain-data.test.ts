/** What events, snapshots and errors are to code that knows nothing of them: spreading, cloning, JSON, consoles. */
import { inspect } from 'node:util';
import {
  createGossipLog,
  emptySnapshot,
  GossipError,
  type LogEvent,
  type Snapshot,
  writerIdFromBytes,
} from '@gossip-log/core';
import { map, view } from '@gossip-log/core/view';
import { expect, test } from 'vitest';

const writer = writerIdFromBytes(new Uint8Array(16));
const newLog = <T>() => createGossipLog<T>({ id: 'tea', writer, now: () => 1_700_000_000_123 });
const shown = (seq: number, payload: unknown) => ({
  ...{ id: `${writer}.${seq}`, writer, seq, timestamp: 1_700_000_000_123 },
  ...{ clock: 1_700_000_000_123 * 2048 + seq - 1, payload },
});
const names = ['id', 'writer', 'seq', 'timestamp', 'clock', 'payload', 'error'];

test('an event is what its type says: spread, cloned, as JSON, and in a console', () => {
  const log = newLog<{ text: string }>();
  const stored = log.append({ text: 'Tea?' });
  const viewed = view(
    log,
    map((payload) => payload),
  )
    .snapshot()
    .at(0) as LogEvent<{ text: string }>;
  for (const event of [stored, viewed]) {
    expect(Object.keys(event)).toEqual(expect.arrayContaining(names));
    const expected = { ...shown(1, { text: 'Tea?' }), error: undefined };
    expect({ ...event }).toMatchObject(expected);
    expect(structuredClone(event)).toMatchObject(expected);
    expect(JSON.parse(JSON.stringify(event))).toEqual(shown(1, { text: 'Tea?' }));
    expect(inspect(event)).toContain("payload: { text: 'Tea?' }");
    const { id, payload } = { ...event };
    expect([id, payload]).toEqual([event.id, event.payload]);
  }
  expect(Object.isFrozen(stored)).toBe(true);
  expect({ ...stored }.payload).toBe(stored.payload);
});

test('an event that cannot be decoded says so as plain data too', () => {
  const codec = {
    name: 'broken',
    encode: () => Uint8Array.of(1),
    decode: () => {
      throw new RangeError('no');
    },
  };
  const log = createGossipLog<never>({ id: 'tea', writer, now: () => 1, codec });
  const event = log.append(undefined as never);
  const { error, payload } = { ...event };
  expect([error?.code, payload]).toEqual(['payload-undecodable', undefined]);
  expect(JSON.parse(JSON.stringify(event)).error).toMatchObject({
    ...{ name: 'GossipError', code: 'payload-undecodable', context: { id: event.id }, cause: 'RangeError: no' },
    message: expect.stringContaining('[payload-undecodable]'),
  });
  expect(structuredClone(event).error?.message).toContain('[payload-undecodable]');
});

test('a snapshot is an array of its events as JSON and in a console, and shows nothing of its inside', () => {
  const log = newLog<number>();
  const snapshots: [Snapshot<unknown>, number][] = [
    [emptySnapshot, 0],
    [view(log).snapshot(), 0],
  ];
  for (let i = 1; i <= 150; i++) log.append(i);
  snapshots.push(
    [log.snapshot(), 150],
    [
      view(
        log,
        map((payload) => payload),
      ).snapshot(),
      150,
    ],
  );
  for (const [snapshot, length] of snapshots) {
    const events = Array.from({ length }, (_, i) => shown(i + 1, i + 1));
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual(events);
    expect(JSON.parse(JSON.stringify({ status: 'ready', events: snapshot }))).toEqual({ status: 'ready', events });
    expect(Object.keys(snapshot).filter((name) => name !== 'length')).toEqual([]);
    expect(structuredClone(snapshot)).not.toHaveProperty('chunks');
    const text = inspect(snapshot, { depth: 0 });
    expect(text.startsWith('[')).toBe(true);
    expect(text.includes('… 51 more events')).toBe(length > 100);
  }
});

test('an error keeps message, code, context and cause as JSON', () => {
  const error = new GossipError('storage-failed', 'full', { context: { bytes: 5 }, cause: new Error('ENOSPC') });
  const expected = { name: 'GossipError', code: 'storage-failed', message: 'full [storage-failed]' };
  expect(JSON.parse(JSON.stringify({ error }))).toEqual({
    error: { ...expected, context: { bytes: 5 }, cause: 'Error: ENOSPC' },
  });
  expect(JSON.parse(JSON.stringify(new GossipError('clock', 'late', { cause: error }))).cause).toMatchObject(expected);
});
