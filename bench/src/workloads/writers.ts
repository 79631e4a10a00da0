/**
 * A log of ten writers beside logs of many, as long as one another: memory for each writer, what an event costs at the
 * end, and a small sync. Writers wrote apart; then one event after another named them all.
 */
import { chatEvents, payloadBytes } from '../events.js';
import { exchange } from '../systems/exchange.js';
import { id, inStorage, LogReplica } from '../systems/gossip-log.js';
import { type Figure, rate, timed, verify, type Workload } from '../workload.js';
import { settle, used } from './memory.js';

const eventsOfEach = 10;
const appendedMax = 10_000;
/** New events of each side that syncs. */
const fresh = 100;
/** Numbers from here on are nobody's who wrote the history. */
const firstReader = 1_000_000;
/** So many writers an event names at most. */
const namedMax = 64;

export const writers: Workload = {
  name: 'writers',
  title: 'As writers grow in number (gossip-log alone)',
  systems: [],
  events: 99_900,
  counts: 'writers',
  runs: 1,
  secondsMax: 150,
  async run({ count }) {
    const figures: Figure[] = [];
    for (const many of [Math.max(20, Math.round(count / 10)), count]) {
      const few = await measure(10, many * eventsOfEach);
      const lots = await measure(many, many * eventsOfEach);
      const name = (what: string, size: number) =>
        `${what}, ${size.toLocaleString('en')} writers${size === 10 ? ` (${(many * eventsOfEach).toLocaleString('en')} events)` : ''}`;
      figures.push({ name: name('memory for each', many), value: (lots.bytes - few.bytes) / many, unit: 'bytes' });
      for (const [size, { first, later, merged, sync }] of [
        [10, few],
        [many, lots],
      ] as const) {
        figures.push(
          { name: name('first events', size), value: first, unit: 'events/s' },
          { name: name('append', size), value: later, unit: 'events/s' },
          { name: name('tail merge', size), value: merged, unit: 'events/s' },
          { name: name('small sync beyond payload', size), value: sync, unit: 'bytes' },
        );
      }
    }
    return figures;
  },
};

async function measure(writers: number, events: number) {
  const appended = Math.min(appendedMax, events);
  let all = chatEvents(events + 2 * appended);
  const each = Math.ceil(events / writers);
  let blocks: Uint8Array[] = [];
  for (let from = 0; from < events; from += each) {
    const writer = new LogReplica(from / each);
    for (const event of all.slice(from, Math.min(events, from + each))) writer.append(event);
    blocks.push(...writer.take());
  }
  // A million objects of ours would be what collecting garbage takes its time for, in what is measured.
  const [naming, rest, news] = [
    all.slice(events, events + Math.ceil(writers / namedMax)),
    all.slice(events + Math.ceil(writers / namedMax), events + appended),
    all.slice(events + appended),
  ];
  all = [];
  await settle();
  // They are the receiver's from here on, counted only if it keeps them.
  const given = blocks.reduce((sum, { length }) => sum + length, 0);
  const before = used();
  const replica = new LogReplica(firstReader);
  replica.receive(blocks);
  blocks = [];
  await settle();
  const after = used();
  const bytes = after.heap + after.external - before.heap - before.external + given;

  const first = await timed(() => {
    for (const event of naming) replica.append(event);
  });
  const later = await timed(() => {
    for (const event of rest) replica.append(event);
  });
  const other = new LogReplica(firstReader + 1);
  for (const event of news) other.append(event);
  const tail = other.take();
  const merged = await timed(() => replica.receive(tail));
  verify(replica.length() === events + 2 * appended, 'count');
  const sync = await syncBytes(replica.blocks(), replica.length());
  return {
    bytes,
    first: rate(naming.length, first.seconds),
    later: rate(rest.length, later.seconds),
    merged: rate(news.length, merged.seconds),
    sync,
  };
}

/** Bytes beyond the payloads when two nodes meet that share a history and have new events each. */
async function syncBytes(shared: readonly Uint8Array[], length: number): Promise<number> {
  const events = chatEvents(length + 2 * fresh).slice(length);
  const [here, there] = [0, 1].map((side) => {
    const writer = new LogReplica(firstReader + 2 + side);
    writer.receive(shared);
    for (const event of events.slice(side * fresh, (side + 1) * fresh)) writer.append(event);
    return writer.take();
  });
  const { bytes } = await exchange(
    id,
    [
      { storage: await inStorage([...shared, ...(here ?? [])]) },
      { storage: await inStorage([...shared, ...(there ?? [])]) },
    ],
    (logs) => logs.every((log) => log.length === events.length + length),
    () => undefined,
  );
  return bytes - payloadBytes(events);
}
