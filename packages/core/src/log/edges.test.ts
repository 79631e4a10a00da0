/** Edges by themselves against sets of numbers, and logs that have them against logs that hold everything. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readNow } from '../../test/read-now.js';
import { type WriterId, writerIdFromBytes } from '../ids.js';
import { ReplicatedLog } from '../replicated-log.js';
import type { LogEntry } from '../runs.js';
import { Edges } from './edges.js';
import { WriterTable } from './writer-table.js';

const writers = Array.from({ length: 4 }, (_, i) => writerIdFromBytes(new Uint8Array(16).fill(i + 1)));
const reader = writerIdFromBytes(new Uint8Array(16).fill(99));

function logOf(writer: WriterId): ReplicatedLog<number> {
  return new ReplicatedLog<number>({ id: 'tea', writer, now: () => 1_700_000_000_000 }, { freshWriter: () => writer });
}

test('[K2] what is held of a writer is what came, in whatever order, and the lowest edge is above what is missing', () => {
  const arrivals = fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 30, size: 'max' });
  fc.assert(
    fc.property(arrivals, fc.boolean(), (seqs, isTold) => {
      const writers = new WriterTable();
      const writer = writers.intern(reader);
      const edges = new Edges(writers.ends, writers);
      const came = new Set<number>();
      for (const seq of seqs) {
        expect(edges.holds(writer, seq)).toBe(came.has(seq));
        if (came.has(seq)) continue;
        came.add(seq);
        const before = isTold ? (seq - 1) * 10 : 0;
        expect(edges.fits(writer, seq, seq * 10, before)).toBe(true);
        if (writers.last[writer] === seq - 1) {
          writers.last[writer] = seq;
          writers.lastTime[writer] = seq * 10;
        } else {
          edges.add(writer, seq, seq * 10, before);
        }
        const held = [...came].sort((a, b) => a - b);
        const starts = held.filter((at) => at > 1 && !came.has(at - 1));
        expect(Array.from(edges.missing(), (event) => event.seq)).toEqual(starts.map((at) => at - 1));
        const latest = starts.at(-1);
        expect(edges.lowest()).toBe(latest === undefined ? 0 : isTold ? (latest - 1) * 10 + 1 : latest * 10);
        for (let at = 1; at <= 31; at++) {
          expect(edges.holds(writer, at)).toBe(came.has(at));
          expect(edges.heldBefore(writer, at)).toBe(held.filter((other) => other < at).at(-1) ?? 0);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('[K2] a row whose time cannot be, by those around it, is not taken', () => {
  const writers = new WriterTable();
  const writer = writers.intern(reader);
  const edges = new Edges(writers.ends, writers);
  edges.add(writer, 3, 30, 20);
  edges.add(writer, 7, 70, 60);
  expect(edges.fits(writer, 2, 20, 10)).toBe(true);
  expect(edges.fits(writer, 2, 19, 10)).toBe(false);
  expect(edges.fits(writer, 5, 30, 0)).toBe(false);
  expect(edges.fits(writer, 5, 70, 0)).toBe(false);
  expect(edges.fits(writer, 5, 50, 29)).toBe(false);
  expect(edges.fits(writer, 5, 50, 40)).toBe(true);
  expect(edges.fits(writer, 9, 80, 69)).toBe(false);
});

/** A history of four writers who hear of one another now and then, each event an entry of its own. */
function history(picks: readonly number[]): { entries: LogEntry[]; whole: ReplicatedLog<number> } {
  const logs = writers.map(logOf);
  const whole = logOf(reader);
  const entries: LogEntry[] = [];
  picks.forEach((pick, i) => {
    const writer = logs[pick % 4] as ReplicatedLog<number>;
    if (pick % 3 === 0) for (const { block } of entries) writer.receive([block]);
    writer.append(i);
    const own = writer.takeUnflushed();
    for (const { block } of own) whole.receive([block]);
    entries.push(...own);
  });
  return { entries, whole };
}

const ids = (log: ReplicatedLog<number>, from = 0) =>
  [...log.snapshot()].filter(({ clock }) => clock >= from).map(({ id }) => id);

const histories = fc.tuple(
  fc.array(fc.nat(1_000), { minLength: 2, maxLength: 40 }),
  fc.nat(1_000),
  fc.array(fc.nat(1_000), { maxLength: 120, size: 'max' }),
);

test('[K1] [K2] [L3] above its edge a log holds all, below it what came, in any order and with any duplicates', () => {
  let residue = 0;
  let unmet = 0;
  fc.assert(
    fc.property(histories, ([picks, cut, order]) => {
      const { entries, whole } = history(picks);
      const edge = whole.snapshot().at(cut % whole.length)?.clock ?? 0;
      const log = logOf(reader);
      log.want(edge);
      log.raise(edge);
      const above = entries.filter(({ runs }) => (runs[0]?.firstTime ?? 0) >= edge);
      const came = new Set<LogEntry>();
      for (const pick of order) {
        const entry = entries[pick % entries.length] as LogEntry;
        came.add(entry);
        log.receive([entry.block]);
        // Nothing shows before what it depends on, as far as that lies above the edge.
        for (const id of ids(log, edge)) expect(whole.get(id)).toBeDefined();
      }
      for (const entry of above.toReversed()) log.receive([entry.block]);
      const below = [...came].filter((entry) => !above.includes(entry));
      expect(log.parked).toBe(0);
      expect(ids(log, edge)).toEqual(ids(whole, edge));
      expect(log.length).toBe(above.length + below.length);
      expect(log.edges).toEqual({ wanted: edge, complete: edge });
      residue += below.length;
      // K4: wanted moves down, what is missing is named, comes, and the edge falls to the beginning.
      log.want(0);
      for (let rounds = 0; log.edges.complete > 0; rounds++) {
        const missing = log.missingBelow();
        expect(missing.length).toBeGreaterThan(0);
        expect(rounds).toBeLessThan(entries.length);
        unmet += missing.length;
        for (const { block, runs } of entries) {
          const [run] = runs;
          if (run === undefined) continue;
          if (
            missing.some(({ writer, first, last }) => writer === run.writer && first <= run.first && run.last <= last)
          ) {
            log.receive([block]);
          }
        }
      }
      for (const { block } of entries) log.receive([block]);
      expect(ids(log)).toEqual(ids(whole));
      expect(log.encode()).toEqual(whole.encode());
    }),
    { numRuns: 150 },
  );
  expect(residue).toBeGreaterThan(0);
  expect(unmet).toBeGreaterThan(0);
});

test('[K3] when the edge rises, what waited for events below shows, and what is held stays', () => {
  let freed = 0;
  fc.assert(
    fc.property(histories, ([picks, cut, order]) => {
      const { entries, whole } = history(picks);
      const log = logOf(reader);
      for (const pick of order) log.receive([(entries[pick % entries.length] as LogEntry).block]);
      const before = ids(log);
      const { parked } = log;
      const edge = whole.snapshot().at(cut % whole.length)?.clock ?? 0;
      const stored = log.raise(edge);
      expect(log.parked).toBe(
        parked - stored.flatMap(({ runs }) => runs).reduce((n, { first, last }) => n + last - first + 1, 0),
      );
      const after = new Set(ids(log));
      for (const id of before) expect(after.has(id)).toBe(true);
      expect(log.unmet().every(({ time }) => time >= edge)).toBe(true);
      freed += parked - log.parked;
      for (const { block } of entries) log.receive([block]);
      expect(ids(log)).toEqual(ids(whole));
      expect(log.parked).toBe(0);
      expect(log.edges).toEqual({ wanted: 0, complete: 0 });
    }),
    { numRuns: 150 },
  );
  expect(freed).toBeGreaterThan(0);
});

test('[K6] [C7] by comparison a log is not sent what lies below its wanted edge, but what it wrote itself and the late events of its peer', () => {
  const { whole } = history(Array.from({ length: 30 }, (_, i) => i * 7 + 1));
  const edge = whole.snapshot().at(20)?.clock ?? 0;
  whole.loaded();
  const late = logOf(reader);
  late.want(edge);
  late.raise(edge);
  const told = readNow(whole.compare(readNow(late.describe()), 1, false, late.edges));
  const query = { lacks: told.lacks, bytesMax: 1_000_000, upTo: Number.MAX_SAFE_INTEGER };
  late.receive(readNow(whole.read(query)).entries.map(({ block }) => block));
  expect(ids(late)).toEqual(ids(whole, edge));
  // What was written here and no durable node is known to have is offered, however old.
  const [ada] = writers as [WriterId];
  const writer = logOf(ada);
  writer.append(1);
  writer.loaded();
  const young = logOf(reader);
  young.want(edge + 2 ** 40);
  young.raise(edge + 2 ** 40);
  const offered = readNow(young.compare(readNow(writer.describe()), 1));
  expect(offered.reply).toEqual([{ kind: 'lacking-runs', runs: [] }]);
  const compare = (relayed: number) =>
    readNow(writer.compare(offered.reply, 1, false, young.edges, new Map([[ada, relayed]]), true)).lacks;
  expect(compare(0).get(ada)).toEqual({ seq: 0, time: 0 });
  expect(compare(1).size).toBe(0);
});

test('[S11] [K4] runs of one writer that overlap are all supplied', () => {
  const { whole } = history([0, 4, 8, 12, 16]);
  whole.loaded();
  const [ada] = writers as [WriterId];
  const runs = [
    { writer: ada, first: 1, last: 4 },
    { writer: ada, first: 2, last: 2 },
    { writer: ada, first: 5, last: 9 },
  ];
  const { lacks, absent } = whole.supply(runs, 0);
  expect(lacks).toEqual(new Map([[ada, { seq: 0, time: 0, until: 5 }]]));
  expect(absent).toEqual([{ writer: ada, first: 6, last: 9 }]);
});

test('[S12] [L4] what lies behind a gap is promised; what fills it is once it is stored, in whatever order', () => {
  const [ada] = writers as [WriterId];
  const writer = logOf(ada);
  const entries = Array.from({ length: 8 }, (_, i) => {
    writer.append(i);
    return writer.takeUnflushed()[0] as LogEntry;
  });
  const edge = writer.snapshot().at(5)?.clock as number;
  const log = logOf(reader);
  log.want(edge);
  log.raise(edge);
  const receive = (...at: number[]) => log.receive(at.map((i) => (entries[i] as LogEntry).block)).entries;
  log.markStored(receive(1, 5));
  expect(log.keptRun(ada)).toEqual({ first: 6, last: 6 });
  const [next, before] = [receive(6), receive(2, 3, 4)];
  expect(log.keptRun(ada)).toEqual({ first: 6, last: 6 });
  log.markStored(next);
  expect(log.keptRun(ada)).toEqual({ first: 6, last: 7 });
  const [first, last] = [receive(0), receive(7)];
  log.markStored([...first, ...last]);
  expect(log.keptRun(ada)).toEqual({ first: 6, last: 8 });
  expect(log.keptOf(last)).toEqual(new Map([[ada, { first: 6, last: 8 }]]));
  log.markStored(before);
  expect(log.keptRun(ada)).toEqual({ first: 1, last: 8 });
  expect(log.keptOf(last)).toBeUndefined();
});
