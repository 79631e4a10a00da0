/**
 * What docs/views.md recommends, at two sizes in one run: where it is more than linear, the ratio of the two shows it. A fold
 * that copies a growing state at every step, which it advises against, shows that the ratio would tell.
 */
import { createGossipLog, type GossipLog, writerIdFromBytes } from '@gossip-log/core';
import { aggregate, fold, group, last, map, view, where } from '@gossip-log/core/view';
import { expect, test } from 'vitest';

interface Move {
  readonly card: string;
  readonly column: string;
}

const [few, many] = [500, 8_000];

function logOf(moves: number): GossipLog<Move> {
  let nowMs = 1_000;
  const writer = writerIdFromBytes(new Uint8Array(16).fill(1));
  const log = createGossipLog<Move>({ id: 'board', writer, now: () => nowMs++ });
  for (let i = 0; i < moves; i++) log.append({ card: `card ${i}`, column: 'doing' });
  // What reading payloads costs is no cost of a view.
  for (const { payload } of log.snapshot()) if (payload.column === '') throw new Error('none is empty');
  return log;
}

/** The best of some runs, in this process's own time: the machine does other work. */
function fastest(log: GossipLog<Move>, show: (log: GossipLog<Move>) => unknown, runs: number): number {
  const times = Array.from({ length: runs }, () => {
    const start = process.cpuUsage();
    show(log);
    const { user, system } = process.cpuUsage(start);
    return user + system;
  });
  return Math.min(...times);
}

const recommended: readonly [string, (log: GossipLog<Move>) => unknown][] = [
  ['group and last', (log) => aggregate(log, group('card', last(1))).value()],
  ['a fold into a small state', (log) => fold(log, (moves: number) => moves + 1, 0).value()],
  [
    'a list as a view',
    (log) =>
      view(
        log,
        where('column', 'doing'),
        map(({ card }) => card),
      )
        .snapshot()
        .slice(),
  ],
];
const advisedAgainst = (log: GossipLog<Move>) =>
  fold(
    log,
    (at: Readonly<Record<string, string>>, { payload }) => ({ ...at, [payload.card]: payload.column }),
    {},
  ).value();

test('what documents recommend takes time in proportion to the log; what they advise against does not', () => {
  const [short, long] = [logOf(few), logOf(many)];
  const shown = aggregate(long, group('card', last(1))).value();
  expect(shown.size).toBe(many);
  const linear = many / few;
  for (const [name, show] of recommended) {
    const ratio = fastest(long, show, 7) / fastest(short, show, 21);
    expect(ratio, name).toBeLessThan(6 * linear);
  }
  const mid = logOf(2 * few);
  expect(fastest(mid, advisedAgainst, 1)).toBeGreaterThan(20 * fastest(mid, recommended[0]?.[1] ?? advisedAgainst, 7));
});
