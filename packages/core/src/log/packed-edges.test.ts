/**
 * A log that does not hold all, packed, cooled and started anew at random: what it holds and what it misses stays what it
 * was, at chunks of a few rows.
 */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { numberedId, PackedNode } from '../../test/packed-node.js';
import { readNow } from '../../test/read-now.js';
import { rowsOf } from '../../test/sample-blocks.js';
import type { UnmetRun } from '../edges.js';
import type { EventId, WriterId } from '../ids.js';
import { timeMax } from '../limits.js';
import { type LogEntry, ReplicatedLog } from '../sync/index.js';

vi.mock('../limits.js', async (original) => ({
  ...(await original<typeof import('../limits.js')>()),
  ...{ chunkRowsMax: 8, packedChunkBytesTarget: 512, packedChunksMax: 7, listedPackedMax: 4, pageWritersMax: 2 },
}));

/** Four writers who hear of one another now and then. */
function history(picks: readonly number[]): { entries: LogEntry[]; whole: ReplicatedLog<string> } {
  const logOf = (n: number) =>
    new ReplicatedLog<string>(
      { id: 'tea', writer: numberedId(n), now: () => 1_800_000_000_000 },
      { freshWriter: () => numberedId(99) },
    );
  const logs = [1, 2, 3, 4].map(logOf);
  const whole = logOf(50);
  const entries: LogEntry[] = [];
  picks.forEach((pick, i) => {
    const writer = logs[pick % 4] as ReplicatedLog<string>;
    if (pick % 3 === 0) for (const { block } of entries) writer.receive([block]);
    writer.append(`${i}${'x'.repeat(pick % 40)}`);
    const own = writer.takeUnflushed();
    for (const { block } of own) whole.receive([block]);
    entries.push(...own);
  });
  return { entries, whole };
}

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant('deliver' as const),
      from: fc.nat(200),
      count: fc.integer({ min: 1, max: 12 }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ op: 'store' as const }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('pack' as const), isLost: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('trim' as const), keep: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('raise' as const), at: fc.nat(200) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('want' as const), at: fc.nat(200) }) },
  { weight: 2, arbitrary: fc.constant({ op: 'restart' as const }) },
);

const inText = (run: UnmetRun) => JSON.stringify(run);
const ids = (log: ReplicatedLog<string>): EventId[] => log.snapshot().map(({ id }) => id);

test('[K1] [K2] [K4] [Q4] packed or not, after any crash, a log with gaps holds what it held, and takes what it misses', () => {
  const reached = { gaps: 0, anew: 0, late: 0 };
  const histories = fc.tuple(
    fc.array(fc.nat(1_000), { minLength: 30, maxLength: 120, size: 'max' }),
    fc.nat(1_000),
    fc.array(step, { minLength: 10, maxLength: 40, size: 'max' }),
  );
  fc.assert(
    fc.property(histories, ([picks, cut, steps]) => {
      const { entries, whole } = history(picks);
      const clockAt = (at: number) => whole.snapshot().at(at % whole.length)?.clock as number;
      const node = new PackedNode(numberedId(0));
      node.log.want(clockAt(cut));
      node.log.raise(clockAt(cut));
      node.store();
      const check = () => {
        const held = new Set(ids(node.log));
        for (const { id, clock } of whole.snapshot()) if (held.has(id)) expect(whole.get(id)?.clock).toBe(clock);
        expect(node.log.edges.complete).toBeGreaterThanOrEqual(node.log.edges.wanted);
      };
      for (const action of steps) {
        switch (action.op) {
          case 'deliver':
            for (let i = 0; i < action.count; i++) {
              const before = node.log.olderLength;
              node.receive([(entries[(action.from + i) % entries.length] as LogEntry).block]);
              if (node.log.olderLength > before) reached.late++;
            }
            break;
          case 'store':
            node.store();
            break;
          case 'pack':
            node.store();
            node.pack(action.isLost);
            break;
          case 'trim':
            node.log.trim(node.log.snapshot().at(-action.keep)?.clock ?? 0);
            break;
          case 'raise':
            node.hold(node.log.raise(clockAt(action.at)));
            break;
          case 'want':
            node.log.want(Math.min(node.log.edges.wanted, clockAt(action.at)));
            break;
          case 'restart': {
            node.store();
            const { wanted, complete } = node.log.edges;
            const { length, olderLength } = node.log;
            const { parked } = node.log;
            const missing = node.log.missingBelow();
            node.restart();
            expect(node.log.length + node.log.olderLength).toBe(length + olderLength);
            // It may have been higher than what is missing asks for.
            expect(node.log.edges.wanted).toBe(wanted);
            expect(node.log.edges.complete).toBeLessThanOrEqual(complete);
            expect(new Set(node.log.missingBelow().map(inText))).toEqual(new Set(missing.map(inText)));
            expect(node.log.parked).toBe(0);
            if (parked > 0 || missing.length > 0) reached.anew++;
            break;
          }
        }
        if (node.log.missingBelow().length > 0) reached.gaps++;
        check();
      }
      // K4: all is wanted at last. What is told to be missing is all that is missing, as far as it is referred to.
      node.store();
      for (let i = 0; i < 30; i++) node.pack(false);
      node.restart();
      node.load(Number.POSITIVE_INFINITY);
      node.log.want(0);
      for (let rounds = 0; node.log.edges.complete > 0; rounds++) {
        expect(rounds).toBeLessThan(entries.length);
        const missing = node.log.missingBelow();
        expect(missing.length).toBeGreaterThan(0);
        for (const { block, runs } of entries) {
          const [run] = runs;
          const isMissing = missing.some(
            (gap) => gap.writer === run?.writer && gap.first <= run.first && run.last <= gap.last,
          );
          if (isMissing) node.receive([block]);
        }
      }
      for (const { block } of entries) node.receive([block]);
      node.store();
      expect(ids(node.log)).toEqual(ids(whole));
      for (let i = 0; i < 60; i++) node.pack(false);
      expect(node.onDisk).toBe(0);
      node.restart();
      expect(node.log.edges).toEqual({ wanted: 0, complete: 0 });
      node.load(Number.POSITIVE_INFINITY);
      expect(ids(node.log)).toEqual(ids(whole));
    }),
    { numRuns: 80 },
  );
  expect(Math.min(...Object.values(reached))).toBeGreaterThan(10);
});

test('[B6] [Q2] what came late into packed spans tells the times of the events before, also of those that were let go of', () => {
  const [often, seldom] = [numberedId(1), numberedId(2)];
  let now = 1_700_000_000_000;
  const logOf = (writer: WriterId) =>
    new ReplicatedLog<string>({ id: 'tea', writer, now: () => now }, { freshWriter: () => numberedId(99) });
  const [oftenLog, seldomLog] = [logOf(often), logOf(seldom)];
  const times = [0];
  const blocks: Uint8Array[] = [];
  for (let i = 0; i < 60; i++) {
    now += 1_000;
    oftenLog.append(`${i}`);
    if (i % 12 !== 6) continue;
    times.push(seldomLog.append(`${i}`).clock);
    blocks.push(...seldomLog.takeUnflushed().map(({ block }) => block));
  }
  const [first, ...late] = blocks;
  const node = new PackedNode(numberedId(0));
  const told = (behind: number) => {
    const lacks = new Map([[seldom, { seq: 0, time: times[behind] as number }]]);
    const { entries } = readNow(node.log.read({ lacks, bytesMax: 10_000, upTo: timeMax }), node.chunks);
    return entries.flatMap(({ block }) => rowsOf(block).map(({ before }) => before));
  };
  node.receive([first as Uint8Array, ...oftenLog.takeUnflushed().map(({ block }) => block)]);
  node.store();
  for (let i = 0; i < 5; i++) node.pack(false);
  node.log.trim(timeMax);
  for (const block of late) node.receive([block]);
  node.store();
  expect(node.log.length).toBe(0);
  expect(told(0)).toEqual([undefined, ...times.slice(1, -1)]);
  for (const behind of [1, 2, 3]) expect(told(behind)).toEqual(times.slice(behind, -1));
  const floor = times[3] as number;
  node.log.want(floor);
  node.log.raise(floor);
  expect(readNow(node.log.drop(floor), node.chunks)).toBeGreaterThan(0);
  expect(told(2)).toEqual(times.slice(2, -1));
});
