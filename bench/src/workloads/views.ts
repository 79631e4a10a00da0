/**
 * Twenty views of one log, all read after every change: what a view costs per event. First over a log that is there, then
 * as events come at its end, then as they come late. Only reading is timed, not the log's own work.
 */
import { type LogEvent, replicaIdFromBytes } from '@gossip-log/core';
import { ReplicatedLog } from '@gossip-log/core/sync';
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
  type ViewSource,
  view,
  where,
} from '@gossip-log/core/view';
import { mulberry32 } from '../../../packages/core/test/message-generator.js';
import { type ChatEvent, chatEvents } from '../events.js';
import { collectGarbage, type Figure, verify, type Workload } from '../workload.js';

type Message = LogEvent<ChatEvent>;

const many = 20;
const changes = 1_000;
/** So often the plain recomputation is timed: it takes as long every time. */
const floorRounds = 20;

const words = ['the', 'meeting', 'deploy', 'coffee', 'lunch', 'bug', 'fixed', 'tomorrow', 'branch', 'review'];
/** Texts are searched by half of them, writers compared by the other half. */
const predicates = Array.from({ length: many }, (_, i) => {
  const word = words[i % words.length] as string;
  const users = ['ada', 'Björn', 'Chidi', 'דנה', 'Nguyễn', "O'Hara", 'ana_maria', 'zoe', 'k8', 'Ingrid'];
  const user = users[i % users.length];
  return i % 2 === 0
    ? (message: ChatEvent) => message.text.includes(word)
    : (message: ChatEvent) => message.user === user;
});

export const views: Workload = {
  name: 'views',
  title: 'Twenty views of one log (gossip-log alone)',
  systems: [],
  events: 100_000,
  runs: 3,
  secondsMax: 120,
  async run({ count }) {
    return [
      ...measure('filters', count, (log) =>
        predicates.map((predicate) => {
          const made = view(log, where(predicate));
          return () => made.snapshot().length;
        }),
      ),
      ...measure('of all kinds', count, mixed),
    ];
  },
};

/** Twenty views as an app may have them. */
function mixed(log: ViewSource<ChatEvent>): (() => unknown)[] {
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
    ...predicates.slice(0, 7).map((predicate) => view(log, where(predicate))),
  ];
  const folded = Array.from({ length: 4 }, (_, i) =>
    fold(
      log,
      (state: { longest: string }, { payload }) =>
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

function measure(kind: string, count: number, build: (log: ViewSource<ChatEvent>) => (() => unknown)[]): Figure[] {
  const { log, clock } = newLog(1);
  const late = newLog(2);
  const events = chatEvents(count + changes);
  for (const event of events.slice(0, count)) {
    clock.now = event.at;
    log.append(event);
  }
  const random = mulberry32(count);
  const lateEvents = Array.from({ length: changes }, () => events[Math.floor(random() * count)] as ChatEvent);
  lateEvents.sort((a, b) => a.at - b.at);
  const parts = lateEvents.flatMap((event) => {
    late.clock.now = event.at;
    late.log.append(event);
    return late.log.takeUnflushed().map(({ block }) => block);
  });
  clock.now = 2_000_000_000_000;

  // Payloads are decoded once for all views, by whoever reads first: not part of what a view costs.
  for (const event of log.snapshot()) verify(event.payload.at > 0, 'payload');
  collectGarbage();
  const before = used();
  const reads = build(log);
  verify(reads.length === many, 'twenty views');
  const readAll = () => {
    const start = performance.now();
    for (const read of reads) read();
    return performance.now() - start;
  };
  const first = readAll();
  const bytes = used() - before;

  let live = 0;
  for (const event of events.slice(count)) {
    clock.now = event.at;
    log.append(event);
    live += readAll();
  }
  clock.now = 2_000_000_000_000;
  let delayed = 0;
  for (const part of parts) {
    log.receive([part]);
    delayed += readAll();
  }
  verify(log.length === count + changes + parts.length, 'all events came');

  const floor = kind === 'filters' ? recomputation([...log.snapshot()]) : undefined;
  if (kind === 'filters') {
    predicates.forEach((predicate, i) => {
      const expected = [...log.snapshot()].filter(({ payload }) => predicate(payload)).length;
      verify(reads[i]?.() === expected, 'rows');
    });
  }
  const figure = (name: string, ms: number, work: number): Figure => ({
    name: `${kind}: ${name}, per event and view`,
    value: (ms * 1000) / work / many,
    unit: 'µs',
  });
  return [
    figure('log that is there', first, count),
    figure('new event', live, changes),
    figure('late event', delayed, parts.length),
    { name: `${kind}: memory, per view`, value: bytes / count / many, unit: 'bytes/event' },
    ...(floor === undefined ? [] : [{ name: 'Array.filter made anew, per view', value: floor, unit: 'µs' } as const]),
  ];
}

/** A log as a node keeps it, whose clock is set by hand. */
function newLog(writer: number) {
  const clock = { now: 0 };
  const replica = replicaIdFromBytes(new Uint8Array(16).fill(writer));
  const options = { id: 'bench', replica, now: () => clock.now };
  return { log: new ReplicatedLog<ChatEvent>(options, { freshReplica: () => replica }), clock };
}

/** A view made anew from an array of all events: µs. */
function recomputation(events: readonly Message[]): number {
  const start = performance.now();
  let rows = 0;
  for (let round = 0; round < floorRounds; round++) {
    const predicate = predicates[round % many] as (message: ChatEvent) => boolean;
    rows += events.filter(({ payload }) => predicate(payload)).length;
  }
  verify(rows > 0, 'plain rows');
  return ((performance.now() - start) * 1000) / floorRounds;
}

function used(): number {
  collectGarbage();
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
