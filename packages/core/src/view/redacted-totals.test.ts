import { expect, test } from 'vitest';
import { createGossipLog, type EventId, writerIdFromBytes } from '../index.js';
import { aggregate, average, count, fold, group, last, max, min, sum, top, unique, view, where } from './index.js';

interface Play {
  readonly player: string;
  readonly points: number;
}

test('redacted events count as events without a payload: nothing fails, and totals are without them [V1, V6]', () => {
  const log = createGossipLog<Play>({
    id: 'game',
    writer: writerIdFromBytes(new Uint8Array(16)),
    now: () => 1_800_000_000_000,
  });
  const all = {
    count: aggregate(log, count()),
    byAda: aggregate(view(log, where('player', 'ada')), count()),
    sum: aggregate(log, sum('points')),
    average: aggregate(
      log,
      average(({ points }) => points),
    ),
    max: aggregate(log, max('points')),
    min: aggregate(
      log,
      min(({ points }) => points),
    ),
    unique: aggregate(log, unique('player')),
    groups: aggregate(log, group('player', count())),
    top: aggregate(log, top(1, 'points')),
    last: aggregate(log, last(1)),
    fold: fold(log, (points: number, { payload }) => points + payload.points, 0),
  };
  const read = () => ({
    ...Object.fromEntries(Object.entries(all).map(([name, derived]) => [name, derived.value()])),
    groups: [...all.groups.value()],
    top: all.top.value().map(({ payload }) => payload?.points),
    last: all.last.value().map(({ id }) => id),
  });
  for (const [player, points] of [
    ['ada', 3],
    ['ada', 9],
    ['bob', 5],
  ] as const) {
    log.append({ player, points });
  }
  expect(read()).toMatchObject({ count: 3, byAda: 2, sum: 17, max: 9, unique: 2, top: [9], fold: 17 });
  log.redact(log.snapshot().at(1)?.id as EventId);
  const seen = read();
  expect(seen).toMatchObject({ count: 3, byAda: 1, sum: 8, average: 4, max: 5, min: 3, top: [5], fold: 8 });
  // Its player is `undefined`, as that of a payload without one is.
  expect(seen).toMatchObject({ unique: 3, groups: expect.arrayContaining([[undefined, 1]]) });
  expect(
    aggregate(
      view(
        log,
        where((_, { redacted }) => redacted === undefined),
      ),
      count(),
    ).value(),
  ).toBe(2);
  for (const derived of Object.values(all)) expect(derived.errors()).toEqual([]);
});
