/**
 * Twenty views of one log, all read after every change: what a view costs per event. First over events that are there,
 * then as events come at the end, then as they come late. A change is timed with taking it in, since some systems bring
 * their views up to date there; what taking in costs without a view is told beside it.
 */
import type { LogEvent } from '@gossip-log/core';
import {
  type Aggregator,
  aggregate,
  count,
  dedup,
  fold,
  from,
  group,
  last,
  map,
  max,
  sum,
  topGroups,
  view,
  where,
} from '@gossip-log/core/view';
import { mulberry32 } from '../../../packages/core/test/message-generator.js';
import { type ChatEvent, chatEvents, eventFilters, predicateOf, sameEvents } from '../events.js';
import type { HeldEvents } from '../system.js';
import { HeldLog } from '../systems/gossip-log.js';
import { collectGarbage, type Figure, verify, type Workload } from '../workload.js';

const filters = eventFilters();
const many = filters.length;
const changes = 1_000;
/** Changes of one kind are broken off after so long: whoever makes all anew takes as long for each. */
const changesMsMax = 8_000;

export const views: Workload = {
  name: 'views',
  title: 'Twenty filters, read after each change',
  systems: ['floor', 'tanstack-db'],
  events: 100_000,
  runs: 3,
  secondsMax: 120,
  async run({ system, count }) {
    const { views: hold } = system;
    verify(hold !== undefined, 'it has no views');
    const { figures, held, shown } = await measure(count, hold, async (events) => {
      const made = await events.follow(filters);
      return { reads: made.map((one) => () => one.length()), shown: made };
    });
    shown.forEach((one, i) => {
      const expected = held.filter(predicateOf(filters[i] as (typeof filters)[number]));
      verify(expected.length > 0 && one.length() === expected.length && sameEvents(one.events(), expected), 'rows');
    });
    return figures;
  },
};

export const viewsOfAllKinds: Workload = {
  name: 'views-of-all-kinds',
  title: 'Twenty views of all kinds, read after each change (gossip-log alone)',
  systems: [],
  events: 100_000,
  runs: 3,
  secondsMax: 120,
  async run({ count }) {
    const hold = (events: readonly ChatEvent[]) => new HeldLog(events);
    const { figures, held, shown } = await measure(count, hold, (events) => ({ reads: mixed(events), shown: events }));
    verify(shown.length() === held.length, 'all events came');
    return figures;
  },
};

/** Twenty views as an app may have them. */
function mixed({ log }: HeldLog): (() => unknown)[] {
  const read = <R>(aggregator: Aggregator<ChatEvent, R>) => {
    const made = aggregate(log, aggregator);
    return () => made.value();
  };
  const rows = [
    view(log, from(1_700_000_100_000)),
    view(
      log,
      where('user', 'ada'),
      map(({ text }) => text.length),
    ),
    view(
      log,
      dedup(({ text }) => text),
    ),
    ...filters.slice(0, 7).map((filter) => view(log, where(predicateOf(filter)))),
  ];
  const folded = Array.from({ length: 4 }, (_, i) =>
    fold(
      log,
      (state: { longest: string }, { payload }: LogEvent<ChatEvent>) =>
        payload.text.length > state.longest.length + i ? { longest: payload.text } : state,
      { longest: '' },
    ),
  );
  return [
    read(count()),
    read(sum('at')),
    read(max('at')),
    read(group('user', count())),
    read(group('user', last(1))),
    read(topGroups(3, 'user', count())),
    ...rows.map((one) => () => one.snapshot().at(-1)),
    ...folded.map((one) => () => one.value()),
  ];
}

type Eventually<V> = V | Promise<V>;
type Hold<H> = (events: readonly ChatEvent[]) => Eventually<H>;

/** @returns `held`: all events that are there in the end, in order; `shown`: what `follow` gave to look at */
async function measure<H extends Pick<HeldEvents, 'arrivals'>, S>(
  count: number,
  hold: Hold<H>,
  follow: (held: H) => Eventually<{ readonly reads: readonly (() => unknown)[]; readonly shown: S }>,
): Promise<{ figures: Figure[]; held: ChatEvent[]; shown: S }> {
  // As read from bytes: the first search would otherwise pay for texts that are still in pieces, and free some.
  const events: ChatEvent[] = JSON.parse(JSON.stringify(chatEvents(count + changes)));
  const there = events.slice(0, count);
  const random = mulberry32(count);
  const late = Array.from({ length: changes }, () => there[Math.floor(random() * count)] as ChatEvent);
  const coming = [events.slice(count), late.sort((a, b) => a.at - b.at)];
  const change = (to: H, reads: readonly (() => unknown)[]) => coming.map((some) => takeIn(to.arrivals(some), reads));

  const alone = change(await hold(there), []);

  const followed = await hold(there);
  const before = used();
  const start = performance.now();
  const { reads, shown } = await follow(followed);
  for (const read of reads) read();
  const first = performance.now() - start;
  const bytes = used() - before;
  verify(reads.length === many, 'as many views as filters');
  const done = change(followed, reads);

  const perChange = ({ ms, taken }: TakenIn) => (ms * 1000) / taken;
  return {
    figures: [
      { name: 'events that are there, per event and view', value: (first * 1000) / count / many, unit: 'µs' },
      ...['new', 'late'].flatMap((kind, i): Figure[] => [
        { name: `${kind} event, per view`, value: perChange(done[i] as TakenIn) / many, unit: 'µs' },
        { name: `${kind} event, no view`, value: perChange(alone[i] as TakenIn), unit: 'µs', isDetail: true },
      ]),
      { name: 'memory, per view', value: bytes / count / many, unit: 'bytes/event' },
    ],
    held: [there, ...coming.map((some, i) => some.slice(0, done[i]?.taken))].flat().sort((a, b) => a.at - b.at),
    shown,
  };
}

interface TakenIn {
  readonly ms: number;
  /** How many, from the first. */
  readonly taken: number;
}

function takeIn(arrivals: readonly (() => void)[], reads: readonly (() => unknown)[]): TakenIn {
  collectGarbage();
  let [ms, taken] = [0, 0];
  for (const arrive of arrivals) {
    if (ms > changesMsMax) break;
    const start = performance.now();
    arrive();
    for (const read of reads) read();
    ms += performance.now() - start;
    taken += 1;
  }
  return { ms, taken };
}

function used(): number {
  collectGarbage();
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
