/** A log of ten writers merged into an empty one: what joining a room costs before and after payloads are read. */
import type { Snapshot } from '@gossip-log/core';
import { type ChatEvent, type Fixtures, fixtureEvents, newLog } from '../fixtures.js';
import { type Figure, floors, rate, sameBytes, timed, verify, type Workload } from '../workload.js';

const newest = 200;

export const merge: Workload = {
  name: 'merge',
  passes: 3,
  run(fixtures) {
    return [
      ...mergeParts('one log of ten writers', fixtures.read('ten-writers'), fixtures.readOne('ten-writers'), fixtures),
      ...mergeParts('ten logs written apart', fixtures.read('apart'), fixtures.readOne('apart-merged'), fixtures),
    ];
  },
};

function mergeParts(shape: string, parts: Uint8Array[], expected: Uint8Array, { counts }: Fixtures): Figure[] {
  const count = counts.events;
  const copy = floors.copy(count, parts);
  const parse = floors.parse(count);
  const { log } = newLog(300);
  const first = timed(() => {
    for (const part of parts) log.merge(part);
    const snapshot = log.snapshot();
    read(snapshot, -newest);
    return snapshot;
  });
  const rest = timed(() => read(first.result, 0));

  const events = fixtureEvents(count);
  verify(log.length === count && first.result.length === count, 'count');
  verify(rest.result === events.reduce((sum, { text }) => sum + text.length, 0), 'payloads');
  verify(sameBytes(log.encode(), expected), 'bytes');
  return [
    {
      name: `${shape}, newest ${newest} read`,
      value: rate(count, first.seconds),
      unit: 'events/s',
      floor: copy,
      aim: 1_000_000,
    },
    {
      name: `${shape}, all payloads read`,
      value: rate(count, first.seconds + rest.seconds),
      unit: 'events/s',
      floor: parse,
    },
  ];
}

/** Decodes the payloads from `from` on; gives the length of their texts. */
function read(snapshot: Snapshot<ChatEvent>, from: number): number {
  let length = 0;
  for (const { payload } of snapshot.slice(from)) length += payload.text.length;
  return length;
}
