/** Two logs find out what each lacks of the other, whatever they share: against their version vectors. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arbitraryRanges } from '../../test/arbitrary-ranges.js';
import { readNow } from '../../test/read-now.js';
import { decodeMessage, encodeMessage } from '../codec/message.js';
import { type WriterId, writerIdFromBytes } from '../ids.js';
import { comparisonPassesMax, comparisonRowsMin } from '../limits.js';
import { isQuestion, type Range } from '../range.js';
import { ReplicatedLog } from '../replicated-log.js';
import type { KnownEvent } from '../runs.js';
import { missingRuns } from '../version-vector.js';

const id = (index: number): WriterId =>
  writerIdFromBytes(Uint8Array.from({ length: 16 }, (_, i) => (i === 0 ? index & 255 : i === 1 ? index >> 8 : 7)));

const startMs = 1_700_000_000_000;

/** Blocks of one event each, by many writers who take turns; times go up in steps of 0 to 2 ms. */
function history(writers: number, events: number, seed: number): Uint8Array[] {
  let nowMs = startMs;
  const now = () => nowMs;
  const logs = Array.from({ length: writers }, (_, i) => new ReplicatedLog({ id: 'tea', writer: id(i), now }, journal));
  return Array.from({ length: events }, (_, i) => {
    nowMs += (i * seed) % 3;
    const log = logs[(i * ((seed % 97) | 1)) % writers] as ReplicatedLog;
    log.append(`${seed} ${i}`);
    return (log.takeUnflushed()[0] as { block: Uint8Array }).block;
  });
}

const journal = { freshWriter: () => id(9_999) };

/** A log that holds these blocks, all stored. */
function holding(blocks: readonly Uint8Array[]): ReplicatedLog {
  const log = new ReplicatedLog({ id: 'tea', writer: id(9_998), now: () => startMs + 3_600_000 }, journal);
  log.markStored(log.receive(blocks).entries);
  return log;
}

interface Outcome {
  readonly turns: number;
  readonly bytes: number;
  /** The larger part of what comparing may cost (S20) that one of them used. */
  readonly used: number;
  /** What the other one lacks. */
  readonly lacks: readonly [ReadonlyMap<WriterId, KnownEvent>, ReadonlyMap<WriterId, KnownEvent>];
}

function compare(left: ReplicatedLog, right: ReplicatedLog): Outcome {
  const lacks: [Map<WriterId, KnownEvent>, Map<WriterId, KnownEvent>] = [new Map(), new Map()];
  let turn: readonly Range[] = readNow(left.describe());
  let turns = 1;
  let bytes = 0;
  const used: [number, number] = [0, 0];
  for (let side: 0 | 1 = 1; ; side = side === 0 ? 1 : 0) {
    bytes += encodeMessage({
      kind: 'ranges',
      channel: 1,
      comparison: 5,
      own: true,
      more: false,
      begins: false,
      yields: false,
      frame: 0,
      ranges: turn,
    }).length;
    const { lacks: noted, reply, walked, rows } = readNow((side === 0 ? left : right).compare(turn, 5));
    used[side] += walked / (comparisonPassesMax * (rows + comparisonRowsMin));
    for (const [writer, event] of noted) {
      const known = lacks[side].get(writer);
      if (known === undefined || event.seq < known.seq) lacks[side].set(writer, event);
    }
    if (!turn.some(isQuestion)) return { turns, bytes, used: Math.max(...used), lacks };
    turn = reply;
    turns++;
    if (turns > 20) throw new Error('the comparison does not end');
  }
}

/** The comparison told just what the version vectors say, and reading by it gives just that. */
function expectExact(left: ReplicatedLog, right: ReplicatedLog, { lacks }: Outcome): void {
  for (const [from, to, lacking] of [
    [left, right, lacks[0]],
    [right, left, lacks[1]],
  ] as const) {
    const missing = missingRuns(to.version(), from.version());
    const told = Array.from(lacking, ([writer, { seq }]) => ({ writer, first: seq + 1 }));
    expect(told.sort(byWriter)).toEqual(missing.map(({ writer, first }) => ({ writer, first })).sort(byWriter));
    const read = readNow(
      from.read({ lacks: lacking, bytesMax: Number.POSITIVE_INFINITY, upTo: Number.MAX_SAFE_INTEGER }),
    );
    const sent = read.entries.flatMap(({ runs }) => runs).reduce((sum, { first, last }) => sum + last - first + 1, 0);
    expect(sent).toBe(missing.reduce((sum, { first, last }) => sum + last - first + 1, 0));
  }
}

function byWriter(a: { writer: string }, b: { writer: string }): number {
  return a.writer < b.writer ? -1 : 1;
}

test('[C1] [C2] [C3] [C4] a comparison tells what each side lacks, and no more', () => {
  let fingerprinted = 0;
  let listed = 0;
  let parted = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(1, 5, 39, 41, 60, 300),
      fc.constantFrom(0, 1, 40, 700, 3_000),
      fc.constantFrom(0, 1, 30, 600),
      fc.constantFrom(0, 1, 30, 600),
      fc.nat(1_000),
      (writers, shared, onLeft, onRight, seed) => {
        const past = history(writers, shared, seed + 1);
        // On one side the writers of the past go on, on the other there is a new one.
        const grown = history(writers, shared + onLeft, seed + 1).slice(shared);
        const left = holding([...past, ...grown]);
        const right = holding(past);
        const fresh = new ReplicatedLog({ id: 'tea', writer: id(5_000 + seed), now: () => startMs + 10 }, journal);
        for (let i = 0; i < onRight; i++) fresh.append(`fresh ${i}`);
        right.markStored(right.receive(fresh.takeUnflushed().map(({ block }) => block)).entries);
        const outcome = compare(left, right);
        expectExact(left, right, outcome);
        // S20: an honest comparison is far from the bound.
        expect(outcome.used).toBeLessThan(0.5);
        const first = readNow(left.describe())[0]?.kind;
        if (first === 'fingerprint') fingerprinted++;
        if (first === 'runs') listed++;
        if (outcome.turns > 3) parted++;
        expectExact(right, left, compare(right, left));
      },
    ),
    { numRuns: 60 },
  );
  for (const times of [fingerprinted, listed, parted]) expect(times).toBeGreaterThan(0);
}, 60_000);

test('[C2] many writers who differ at the end exchange little more than the names of what differs', () => {
  const blocks = history(1_000, 10_000, 4);
  const left = holding(blocks);
  const right = holding(blocks.slice(0, 9_900));
  const outcome = compare(left, right);
  expectExact(left, right, outcome);
  expect(outcome.turns).toBeLessThanOrEqual(3);
  expect(outcome.bytes).toBeLessThan(2_000);
});

test('[C3] one difference anywhere among many rows is found in a few turns', () => {
  const blocks = history(50, 20_000, 8);
  // The last event of a writer who then fell silent, far from the end.
  const silent = new ReplicatedLog({ id: 'tea', writer: id(7_777), now: () => startMs + 1_000 }, journal);
  silent.append('once');
  const right = holding(blocks);
  const left = holding(blocks);
  left.markStored(left.receive(silent.takeUnflushed().map(({ block }) => block)).entries);
  const outcome = compare(left, right);
  expectExact(left, right, outcome);
  expect(outcome.turns).toBeLessThanOrEqual(6);
  expect(outcome.bytes).toBeLessThan(4_000);
});

test('[C3] rows of one time are never parted, however many', () => {
  const journalOf = (index: number) => {
    const log = new ReplicatedLog({ id: 'tea', writer: id(index), now: () => startMs }, journal);
    log.append(`at once ${index}`);
    return (log.takeUnflushed()[0] as { block: Uint8Array }).block;
  };
  const blocks = Array.from({ length: 1_500 }, (_, i) => journalOf(i));
  const left = holding(blocks.slice(0, 900));
  const right = holding(blocks.slice(400));
  const outcome = compare(left, right);
  expectExact(left, right, outcome);
});

test('[C2] a sum that was kept counts only what is stored, also while that grows', () => {
  const blocks = history(60, 2_000, 2);
  const whole = holding(blocks);
  const slow = new ReplicatedLog({ id: 'tea', writer: id(9_998), now: () => startMs + 3_600_000 }, journal);
  const { entries } = slow.receive(blocks);
  for (let stored = 0; stored < entries.length; stored += 313) {
    slow.markStored(entries.slice(stored, stored + 313));
    const { lacks } = compare(whole, slow);
    const left = Array.from(lacks[0], ([writer, { seq }]) => [writer, seq] as const).sort();
    const expected = Array.from(whole.version())
      .map(([writer, last]) => [writer, slow.storedVersion().get(writer) ?? 0, last] as const)
      .filter(([, seq, last]) => seq < last)
      .map(([writer, seq]) => [writer, seq] as const)
      .sort();
    expect(left).toEqual(expected);
  }
});

test('[L6] [C3] [C4] whatever a peer says in a comparison, its answer is a turn, tells nothing false, and changes nothing', () => {
  const blocks = history(60, 1_500, 5);
  const log = holding(blocks);
  const before = log.snapshot();
  const version = log.version();
  const writer = fc.oneof(fc.constantFrom(...version.keys()), fc.nat(9_000).map(id));
  const time = fc.oneof(
    fc.maxSafeNat(),
    fc.nat(4_000).map((ms) => (startMs + ms) * 2048),
  );
  let questions = 0;
  fc.assert(
    fc.property(arbitraryRanges(writer, time), fc.nat(1_000), (ranges, salt) => {
      const { lacks, reply } = readNow(log.compare(ranges, salt));
      if (reply.some(isQuestion)) questions++;
      const turn = {
        kind: 'ranges' as const,
        channel: 1,
        comparison: salt,
        own: true,
        more: false,
        begins: false,
        yields: false,
        frame: 0,
      };
      expect(decodeMessage(encodeMessage({ ...turn, ranges: reply }))).toEqual({ ...turn, ranges: reply });
      for (const [writer, { seq }] of lacks) expect(seq).toBeLessThan(version.get(writer) ?? 0);
      expect(log.snapshot()).toBe(before);
    }),
    { numRuns: 400 },
  );
  expect(questions).toBeGreaterThan(20);
});
