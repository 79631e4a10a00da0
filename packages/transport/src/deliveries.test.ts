/** How far events have come, by what durable nodes acknowledge. */
import { type WriterId, writerIdFromBytes } from '@gossip-log/core';
import { ReplicatedLog } from '@gossip-log/core/sync';
import { memoryStorage } from '@gossip-log/storage/memory';
import { expect, test } from 'vitest';
import { Deliveries } from './deliveries.js';
import { FormerIds } from './successors.js';

const writer = writerIdFromBytes(new Uint8Array(16).fill(1));

function deliveriesOf(writer: WriterId): Deliveries {
  const log = new ReplicatedLog({ id: 'tea', writer, now: () => 1_700_000_000_000 }, { freshWriter: () => writer });
  for (let seq = 1; seq <= 7; seq++) log.append(seq);
  return new Deliveries({
    ...{ id: 'tea', storage: memoryStorage(), log: () => log, isSureOf: () => true },
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
