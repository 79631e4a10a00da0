import { expect, test } from 'vitest';
import { ada, baseTime, blockOf, exported } from '../test/sample-blocks.js';
import { createGossipLog, type PayloadCodec, writerIdFromBytes } from './index.js';

const options = { id: 'tea', writer: writerIdFromBytes(new Uint8Array(16)), now: () => 1_700_000_000_123 };

test('[L5] an event and its payload are frozen all the way down', () => {
  const log = createGossipLog<{ list: { text: string }[] }>(options);
  const event = log.append({ list: [{ text: 'tea' }] });
  expect([event, event.payload, event.payload.list, event.payload.list[0]].every(Object.isFrozen)).toBe(true);
  expect(() => event.payload.list.push({ text: 'more' })).toThrow(TypeError);
  expect(event.payload).toBe(event.payload);
});

test('[L5] what was appended may change afterwards: the event does not', () => {
  const log = createGossipLog<string[]>(options);
  const mine = ['tea'];
  const event = log.append(mine);
  mine.push('coffee');
  expect(event.payload).toEqual(['tea']);
  expect(Object.isFrozen(mine)).toBe(false);
});

test('[L1] an event shows id, time and payload, also as JSON', () => {
  const log = createGossipLog<string>(options);
  log.append('first');
  const event = log.append('second');
  const shown = {
    id: `${options.writer}.2`,
    writer: options.writer,
    seq: 2,
    timestamp: 1_700_000_000_123,
    clock: 1_700_000_000_123 * 2048 + 1,
    payload: 'second',
  };
  expect(JSON.parse(JSON.stringify(event))).toEqual(shown);
  expect(event).toMatchObject({ ...shown, error: undefined });
});

test('[L6] a payload that cannot be decoded shows as an error, and the events around it as they are', () => {
  const log = createGossipLog(options);
  const row = (seq: number, payload: string) => ({ writer: ada, seq, time: baseTime + seq, payload });
  log.merge(
    exported([blockOf([row(1, '"fine"'), row(2, '{"not": JSON}'), row(3, '\ufffd'), row(4, ''), row(5, '5')])]),
  );
  const events = log.snapshot().slice();
  expect(events.map((event) => event.error?.code)).toEqual([
    ...[undefined, 'payload-undecodable', 'payload-undecodable', 'payload-undecodable', undefined],
  ]);
  expect(events.map((event) => event.payload)).toEqual(['fine', undefined, undefined, undefined, 5]);
  expect(events[1]?.error).toBe(events[1]?.error);
  expect(() => JSON.stringify(events)).not.toThrow();
});

test('[L5] a payload is decoded once, when it is first read', () => {
  let decoded = 0;
  const codec: PayloadCodec<number> = {
    name: 'one-byte',
    encode: (value) => Uint8Array.of(value),
    decode: (bytes) => {
      decoded++;
      return bytes[0] as number;
    },
  };
  const log = createGossipLog<number>({ ...options, codec });
  const event = log.append(7);
  expect(decoded).toBe(0);
  expect([event.payload, event.payload, log.snapshot().at(0)?.payload]).toEqual([7, 7, 7]);
  expect(decoded).toBe(1);
});
