/**
 * Live updates: one event at a time from a writer to a reader, who takes a snapshot and reads the newest event after
 * each. Both hold a room's history already. As nodes do it, and through the log's public `encode` and `merge`.
 */
import type { GossipLog } from '@gossip-log/core';
import { type ChatEvent, type Fixtures, fixtureEvents, newNodeLog } from '../fixtures.js';
import { type Figure, floors, rate, sameBytes, timed, verify, type Workload } from '../workload.js';

export const live: Workload = {
  name: 'live',
  passes: 3,
  run(fixtures) {
    const aim = 50_000;
    return [
      ...update('as nodes do', fixtures, fixtures.counts.live, aim, (writer, reader) => {
        let bytes = 0;
        for (const { block } of writer.takeUnflushed()) {
          bytes += block.length;
          reader.receive([block]);
        }
        return bytes;
      }),
      // Fewer, since this was slow: an `encode` that walks the whole log shows here.
      ...update('encode and merge', fixtures, fixtures.counts.live / 10, aim, (writer, reader, known) => {
        const bytes = writer.encode(known);
        reader.merge(bytes);
        known.set(writer.replica, (known.get(writer.replica) ?? 0) + 1);
        return bytes.length;
      }),
    ];
  },
};

type NodeLog = ReturnType<typeof newNodeLog>['log'];

function update(
  name: string,
  fixtures: Fixtures,
  count: number,
  aim: number,
  send: (writer: NodeLog, reader: NodeLog, known: ReturnType<GossipLog['version']>) => number,
): Figure[] {
  const floor = floors.roundTrip(count);
  const events = fixtureEvents(count);
  const writer = newNodeLog(400);
  const reader = newNodeLog(401);
  const history = fixtures.readOne('ten-writers');
  // The writer is an old one: its first event stands before the history.
  writer.clock.now = 1_600_000_000_000;
  writer.log.append(events[0] as ChatEvent);
  writer.clock.now = reader.clock.now;
  for (const { block } of writer.log.takeUnflushed()) reader.log.receive([block]);
  writer.log.merge(history);
  reader.log.merge(history);
  const before = reader.log.length;
  const known = reader.log.version();
  const { result, seconds } = timed(() => {
    let bytes = 0;
    for (const event of events) {
      writer.log.append(event);
      bytes += send(writer.log, reader.log, known);
      const seen: ChatEvent | undefined = reader.log.snapshot().at(-1)?.payload;
      if (seen?.text !== event.text) throw new Error('bench: the reader does not see the newest event');
    }
    return bytes;
  });
  const payload = events.reduce((sum, event) => sum + Buffer.byteLength(JSON.stringify(event)), 0);
  verify(reader.log.length === before + count, 'count');
  verify(sameBytes(reader.log.encode(), writer.log.encode()), 'bytes');
  return [
    { name, value: rate(count, seconds), unit: 'events/s', floor, aim },
    { name: `${name}, beyond payload`, value: (result - payload) / count, unit: 'bytes/event' },
  ];
}
