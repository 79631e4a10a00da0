/** Aggregates and folds beside the naive computation over the whole sequence. */
import type { GossipLog, LogEvent } from '@gossip-log/core';
import {
  aggregate,
  average,
  count,
  type Derived,
  fold,
  group,
  last,
  max,
  merge,
  min,
  standardDeviation,
  sum,
  tagged,
  top,
  topGroups,
  unique,
  view,
  where,
} from '@gossip-log/core/view';
import { Calls, type Message, readable } from './view-probes.js';

type Event = LogEvent<Message>;

export interface DerivedProbe {
  readonly name: string;
  readonly made: Derived<unknown>;
  readonly naive: (events: readonly Event[]) => unknown;
  readonly calls: Calls;
  /** A fold replays. */
  readonly mayRepeat?: boolean;
}

const pointsOf = (events: readonly Event[]) => readable(events).map(({ payload }) => payload.points);
const total = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0);
const mean = (numbers: readonly number[]) => (numbers.length === 0 ? undefined : total(numbers) / numbers.length);

function grouped<K, R>(
  events: readonly Event[],
  key: (event: Event) => K,
  each: (events: readonly Event[]) => R,
): Map<K, R> {
  const keys = [...new Set(events.map(key))];
  return new Map(keys.map((one) => [one, each(events.filter((event) => key(event) === one))]));
}

export function derivedProbes(log: GossipLog<Message>): DerivedProbe[] {
  const probe = (
    name: string,
    build: (calls: Calls) => Derived<unknown>,
    naive: (events: readonly Event[]) => unknown,
  ): DerivedProbe => {
    const calls = new Calls();
    return { name, made: build(calls), naive, calls };
  };
  const roomOf = ({ payload }: Event) => payload?.room;
  const maxOf = (points: readonly number[]) => (points.length === 0 ? undefined : Math.max(...points) + 0);
  return [
    probe(
      'count of a filter',
      () => aggregate(view(log, tagged('x')), count()),
      (events) => readable(events).filter(({ payload }) => payload.tags.includes('x')).length,
    ),
    probe(
      'sum',
      (calls) => aggregate(log, sum(calls.counting(({ points }) => points))),
      (events) => total(pointsOf(events)),
    ),
    probe(
      'average of a filter',
      () => aggregate(view(log, where('room', 'a')), average('points')),
      (events) => mean(pointsOf(events.filter((event) => roomOf(event) === 'a'))),
    ),
    probe(
      'min',
      (calls) => aggregate(log, min(calls.counting(({ points }) => points))),
      (events) => (readable(events).length === 0 ? undefined : Math.min(...pointsOf(events)) + 0),
    ),
    probe(
      'max of a merge',
      () => aggregate(merge(log, view(log, tagged('x'))), max('points')),
      (events) => maxOf(pointsOf(events)),
    ),
    probe(
      'standardDeviation',
      (calls) => aggregate(log, standardDeviation(calls.counting(({ points }) => points))),
      (events) => {
        const points = pointsOf(events);
        const center = mean(points);
        return center === undefined
          ? undefined
          : Math.sqrt(total(points.map((one) => (one - center) ** 2)) / points.length);
      },
    ),
    probe(
      'unique',
      (calls) => aggregate(log, unique(calls.counting(({ author }) => author))),
      (events) => new Set(readable(events).map(({ payload }) => payload.author)).size,
    ),
    probe(
      'group',
      (calls) =>
        aggregate(
          log,
          group(
            calls.counting(({ room }) => room),
            count(),
          ),
        ),
      (events) => grouped(readable(events), roomOf, (each) => each.length),
    ),
    probe(
      'group of last, of a filter',
      (calls) =>
        aggregate(
          view(log, tagged('y')),
          group(
            calls.counting(({ room }) => room),
            last(2),
          ),
        ),
      (events) =>
        grouped(
          readable(events).filter(({ payload }) => payload.tags.includes('y')),
          roomOf,
          (each) => each.slice(-2),
        ),
    ),
    probe(
      'group of group',
      () => aggregate(log, group('room', group('author', max('points')))),
      (events) =>
        grouped(events, roomOf, (each) =>
          grouped(
            each,
            ({ payload }) => payload?.author,
            (inner) => maxOf(pointsOf(inner)),
          ),
        ),
    ),
    probe(
      'last',
      () => aggregate(log, last(3)),
      (events) => events.slice(-3),
    ),
    probe(
      'top',
      (calls) =>
        aggregate(
          log,
          top(
            3,
            calls.counting(({ points }) => points),
          ),
        ),
      (events) =>
        readable(events)
          .sort((a, b) => b.payload.points - a.payload.points)
          .slice(0, 3),
    ),
    probe(
      'topGroups',
      () => aggregate(log, topGroups(2, 'author', count())),
      (events) =>
        [
          ...grouped(
            events,
            ({ payload }) => payload?.author,
            (each) => each.length,
          ),
        ]
          .map(([key, value]) => ({ key, value }))
          .sort((a, b) => b.value - a.value || (String(a.key) < String(b.key) ? -1 : 1))
          .slice(0, 2),
    ),
    {
      ...probe(
        'fold',
        () => fold(log, (state: string, { payload }) => `${state.slice(-40)}${payload.room}${payload.points}`, ''),
        (events) =>
          readable(events).reduce((state, { payload }) => `${state.slice(-40)}${payload.room}${payload.points}`, ''),
      ),
      mayRepeat: true,
    },
    {
      ...probe(
        'fold of a filter',
        () => fold(view(log, tagged('x')), (rows: readonly string[], { id }) => [...rows, id], []),
        (events) =>
          readable(events)
            .filter(({ payload }) => payload.tags.includes('x'))
            .map(({ id }) => id),
      ),
      mayRepeat: true,
    },
  ];
}
