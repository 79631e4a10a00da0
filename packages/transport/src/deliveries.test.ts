/** How far events have come, by what durable nodes acknowledge. */
import { type WriterId, writerIdFromBytes } from '@gossip-log/core';
import { ReplicatedLog } from '@gossip-log/core/sync';
import { memoryStorage } from '@gossip-log/storage/memory';
import { expect, test } from 'vitest';
import { Deliveries } from './deliveries.js';
import { readRelayed, relayedKey } from './relayed-runs.js';
import { FormerIds } from './successors.js';

const writer = writerIdFromBytes(new Uint8Array(16).fill(1));

function deliveriesOf(writer: WriterId, storage = memoryStorage()): Deliveries {
  const log = new ReplicatedLog({ id: 'tea', writer, now: () => 1_700_000_000_000 }, { freshWriter: () => writer });
  for (let seq = 1; seq <= 7; seq++) log.append(seq);
  return new Deliveries({
    ...{ id: 'tea', storage, log: () => log, isSureOf: () => true },
    formerIds: new FormerIds(),
    ended: () => undefined,
    onError: (error) => {
      throw error;
    },
  });
}

type Ack = readonly [node: string, first: number, last: number];

test.each<[string, readonly Ack[], relayed: number]>([
  [
    'in their turn',
    [
      ['a', 1, 2],
      ['a', 3, 4],
    ],
    4,
  ],
  [
    'out of turn: what lies before comes later',
    [
      ['a', 3, 4],
      ['a', 1, 2],
    ],
    4,
  ],
  [
    'out of turn in parts',
    [
      ['a', 3, 4],
      ['a', 5, 6],
      ['a', 1, 2],
    ],
    6,
  ],
  [
    'over a gap, for ever',
    [
      ['a', 1, 1],
      ['a', 3, 4],
    ],
    1,
  ],
  [
    'over a gap that another node fills: who has all of it has the part',
    [
      ['a', 3, 4],
      ['b', 1, 2],
    ],
    2,
  ],
  [
    'once more, as one that fills a gap',
    [
      ['a', 3, 4],
      ['a', 1, 4],
    ],
    4,
  ],
  [
    'with an overlap',
    [
      ['a', 2, 5],
      ['a', 1, 3],
    ],
    5,
  ],
  [
    'behind a second gap: the first part is forgotten',
    [
      ['a', 3, 4],
      ['a', 6, 7],
      ['a', 1, 2],
    ],
    2,
  ],
])('[S12] acknowledgements that come %s', (_, acks, relayed) => {
  const deliveries = deliveriesOf(writer);
  deliveries.wrote(new Map([[writer, 7]]));
  for (const [node, first, last] of acks) deliveries.acknowledged(node, [{ writer: writer, first, last }]);
  expect(deliveries.ownRuns.get(writer)).toBe(relayed);
});

test("how far a relay has another tab's run is kept by the tab that knows it, before anything of the run may go [H5] [H14] [L4]", async () => {
  const storage = memoryStorage();
  const deliveries = deliveriesOf(writer, storage);
  deliveries.acknowledged('relay', [{ writer, first: 1, last: 4 }]);
  expect(await storage.getMetadata(relayedKey('tea'))).toBeUndefined();
  // The tab that wrote it has noted so much in the store they share, and may end at any time.
  deliveries.wroteElsewhere(new Map([[writer, 6]]));
  expect(await deliveries.whenKept()).toBe(true);
  const kept = readRelayed((await storage.getMetadata(relayedKey('tea'))) as Uint8Array);
  expect(kept).toEqual([{ writer, seq: 4, node: 'relay' }]);
});

test('what the store did not take is not kept, as retention is told [H14] [L4]', async () => {
  const storage = memoryStorage();
  const errors: unknown[] = [];
  const log = new ReplicatedLog({ id: 'tea', writer, now: () => 1_700_000_000_000 }, { freshWriter: () => writer });
  log.append(1);
  const failing = { ...storage, getMetadata: () => Promise.reject(new Error('the disk is away')) };
  const deliveries = new Deliveries({
    ...{ id: 'tea', storage: failing, log: () => log, isSureOf: () => true, formerIds: new FormerIds() },
    ended: () => undefined,
    onError: (error) => errors.push(error),
  });
  deliveries.acknowledged('relay', [{ writer, first: 1, last: 1 }]);
  deliveries.wroteElsewhere(new Map([[writer, 1]]));
  expect(await deliveries.whenKept()).toBe(false);
  expect(errors).toHaveLength(1);
});
