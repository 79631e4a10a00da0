/**
 * How two nodes find out what each of them lacks of a log, without listing what they share.
 *
 * A comparison goes back and forth. Each turn is a list of ranges; a range asks (`runs`, `fingerprint`, `rows`) or
 * answers (`lacking-runs`, `lacking-rows`). A turn without a question ends the comparison: then each side knows which of
 * its events the other lacks, and sends them.
 *
 * - [C1] A log of few writers is described by its `runs`: the last event of each. That is one turn there and one back.
 * - [C2] Another one by a ladder of fingerprints: of the last rows, of twice as many before, and so on to the first.
 * - [C3] A fingerprint that agrees needs no answer. A span that differs is answered by `rows` when they are few here, by
 *   one fingerprint when they are few only at the peer, else by fingerprints of parts. Small neighbours are joined first.
 * - [C4] `runs` and `rows` are answered by what of them is lacking here. What the peer lacks shows by itself.
 * - [C5] Rows go by short names, which mean something in one comparison only. Should two events share a name, the one
 *   that is thought to be there is asked for when something depends on it, and found by the next comparison.
 * - [C6] A thorough comparison lists no runs as long as fingerprints differ: it also finds rows that are missing before others
 *   of their writer.
 * - [C7] Fingerprints and names speak of what lies above both nodes' `complete` edges (K5): a span that begins below the
 *   receiver's is described again from there. Of a writer that a run list does not name, what lies below the peer's
 *   `wanted` is not lacking there (K6). What was written here is offered all the same while no durable node is known to
 *   have all of that run, unless the peer has just asked for the last events (S21).
 *
 * Source: Aljoscha Meyer, "Range-Based Set Reconciliation" (2022), with spans of time, which are causally closed, and
 * with run lists where those are shorter.
 */
import type { LogEdges } from '../edges.js';
import type { WriterId } from '../ids.js';
import {
  coldChunksAtOnceMax,
  coldRowsAtOnceMax,
  ladderRowsMin,
  listedRowsMax,
  listedWritersMax,
  namesPerRangeMax,
  spanParts,
} from '../limits.js';
import { endOfTime, type KnownRun, type Range, type Span } from '../range.js';
import type { KnownEvent, OwnRuns } from '../runs.js';
import type { Chunk } from './chunk.js';
import { contribution, lanes, shortName } from './contribution.js';
import type { EffectiveRows } from './effective-rows.js';

/** What a received turn told, and what to answer. */
export interface Compared {
  /** Writer → the last event before the first one that the peer lacks. */
  readonly lacks: Map<WriterId, KnownEvent>;
  readonly reply: Range[];
  /** Of what lies before, the comparison says nothing. */
  readonly from: number;
  /** Rows and writers that were looked at one by one, and how many the effective log has. */
  readonly walked: number;
  readonly rows: number;
}

/** Who compares, and how. */
export interface Comparing {
  readonly peer: LogEdges;
  /** What was written here and is not known to be at a durable node. */
  readonly own: OwnRuns;
  /** Of these the peer is to promise to keep them, and may lack some though it has later ones. */
  readonly offersAgain: OwnRuns;
  /** C6. */
  readonly thorough: boolean;
}

/** The first turn of a comparison (C1, C2). @internal */
export function describeRows(rows: EffectiveRows): Range[] {
  if (!rows.hasMoreWriters(listedWritersMax)) return [listRuns(rows)];
  const { complete } = rows.edges;
  const cuts = [complete, ...rows.ladder(ladderRowsMin).filter((time) => time > complete), endOfTime];
  return spansBetween(cuts).map((span) => ({ kind: 'fingerprint', ...span, ...rows.fingerprint(span.from, span.to) }));
}

/**
 * Sees to it that what a turn asks about can be read: all at once, rather than as it is come by.
 *
 * @throws ColdRows; GossipError `limit-exceeded` for a turn that needs more packed chunks than an honest one.
 * @internal
 */
export function requireRows({ packed, tables: { writers } }: EffectiveRows, received: readonly Range[]): void {
  if (packed.cold === 0) return;
  const times: number[] = [];
  for (const range of received) {
    if ('runs' in range) {
      for (const { writer, last, lastTime } of range.runs) {
        // Of a writer's last event the table knows the time.
        const index = writers.find(writer);
        if (last > 0 && last < (writers.last[index] ?? 0)) times.push(lastTime);
      }
    } else {
      for (const time of [range.from, range.to]) {
        // A packed chunk that begins with a span lies in it as a whole.
        if (time > 0 && time < packed.hotFrom && packed.slots[packed.indexAt(time)]?.start !== time) times.push(time);
      }
    }
  }
  packed.requireAt(times, coldChunksAtOnceMax);
}

/** Reads a turn and answers it (C3, C4). `salt` is the number of the comparison. @internal */
export function compareRows(
  rows: EffectiveRows,
  received: readonly Range[],
  salt: number,
  between: Comparing,
): Compared {
  const floor = Math.max(rows.edges.complete, between.peer.complete);
  const walkedBefore = rows.walked;
  const lacks = new Map<WriterId, KnownEvent>();
  for (const [writer, relayed] of between.offersAgain) lacks.set(writer, { seq: relayed, time: 0 });
  const reply: Range[] = [];
  const differing: Differing[] = [];
  for (const range of received) {
    switch (range.kind) {
      case 'runs':
        reply.push({ kind: 'lacking-runs', runs: compareRuns(rows, range.runs, lacks, between) });
        break;
      case 'lacking-runs':
        for (const run of range.runs) noteRun(rows, run, lacks, between);
        break;
      case 'fingerprint': {
        const { to, count, sum } = range;
        if (to <= floor) break;
        const from = Math.max(range.from, floor);
        const ours = rows.fingerprint(from, to);
        if (from > range.from) {
          differing.push({ from, to, rows: ours.count, peerRows: count });
          break;
        }
        if (ours.count === count && ours.sum.every((value, lane) => value === sum[lane])) break;
        join(differing, { from, to, rows: ours.count, peerRows: count });
        break;
      }
      case 'rows':
        if (range.to > floor) {
          const above = { ...range, from: Math.max(range.from, floor) };
          reply.push(...(partsOfCold(rows, above) ?? [compareNames(rows, above, salt, lacks)]));
        }
        break;
      case 'lacking-rows': {
        // It answers what was listed here, and that was a short span, unless much came into it since: then all of it is sent.
        if (partsOfCold(rows, range) !== undefined) {
          noteAllFrom(rows, range.from, lacks);
          break;
        }
        const names = new Set(range.names);
        eachName(rows, range, salt, (name, chunk, row) => {
          if (names.has(name)) noteRow(rows, chunk, row, lacks);
        });
        break;
      }
    }
  }
  const listed = !between.thorough && differing.length > 0 && !rows.hasMoreWriters(listedWritersMax);
  if (listed) reply.push(listRuns(rows));
  else for (const span of differing) reply.push(...describeSpan(rows, span, salt));
  reply.sort((a, b) => startOf(a) - startOf(b));
  return { lacks, reply, from: floor, walked: rows.walked - walkedBefore, rows: rows.rowCount };
}

/** A span in which the two differ, and how many rows each has there. */
interface Differing extends Span {
  readonly rows: number;
  readonly peerRows: number;
}

/** Spans are joined while all rows may be listed; joining parts of what was cut would cut it again, for ever. */
function join(differing: Differing[], span: Differing): void {
  const before = differing[differing.length - 1];
  const rows = (before?.rows ?? 0) + span.rows;
  const peerRows = (before?.peerRows ?? 0) + span.peerRows;
  if (before?.to === span.from && rows <= listedRowsMax && peerRows <= listedRowsMax) {
    differing[differing.length - 1] = { from: before.from, to: span.to, rows, peerRows };
  } else {
    differing.push(span);
  }
}

function listRuns({ tables: { writers } }: EffectiveRows): Range {
  const runs: KnownRun[] = [];
  writers.takeIn(0);
  for (let i = 0; i < writers.size; i++) {
    const last = writers.stored[i] as number;
    if (last > 0) runs.push({ writer: writers.id(i), last, lastTime: writers.storedTime[i] as number });
  }
  return { kind: 'runs', runs };
}

/** Notes what the peer lacks beside all that it has, and returns what is lacking here. */
function compareRuns(
  rows: EffectiveRows,
  theirs: readonly KnownRun[],
  lacks: Map<WriterId, KnownEvent>,
  between: Comparing,
): KnownRun[] {
  const { writers } = rows.tables;
  const { wanted } = rows.edges;
  rows.walked += writers.size;
  const listed = new Set<number>();
  const lacking: KnownRun[] = [];
  for (const run of theirs) {
    const index = writers.find(run.writer);
    listed.add(index);
    const last = writers.stored[index] ?? 0;
    noteRun(rows, run, lacks, between);
    const isWanted = run.lastTime === 0 || run.lastTime >= wanted;
    if (isWanted && run.last > last) {
      lacking.push({ writer: run.writer, last, lastTime: writers.storedTime[index] ?? 0 });
    }
  }
  writers.takeIn(between.peer.wanted);
  for (const writer of between.own.keys()) writers.find(writer);
  for (let index = 0; index < writers.size; index++) {
    if ((writers.stored[index] as number) === 0 || listed.has(index)) continue;
    noteRun(rows, { writer: writers.id(index), last: 0, lastTime: 0 }, lacks, between);
  }
  return lacking;
}

/** The peer has this much of a writer. */
function noteRun(rows: EffectiveRows, run: KnownRun, lacks: Map<WriterId, KnownEvent>, between: Comparing): void {
  const { writers } = rows.tables;
  const { writer, last, lastTime } = run;
  const index = writers.find(writer);
  if ((writers.stored[index] ?? 0) <= last) return;
  const { peer, own } = between;
  const isLate =
    peer.cut === undefined && (writers.stored[index] as number) > (own.get(writer) ?? Number.POSITIVE_INFINITY);
  const from = isLate ? 0 : peer.wanted;
  if ((writers.storedTime[index] as number) < from) return;
  const known = lacks.get(writer);
  if (known !== undefined && last >= known.seq) return;
  // The time of an event that is not here says nothing of where the ones behind it stand.
  const time = last > 0 && rows.has(index, run) ? lastTime : 0;
  lacks.set(writer, { seq: last, time: Math.max(time, from - 1, 0) });
}

/** The peer lacks this row, and with it all later ones of its writer. */
function noteRow({ tables }: EffectiveRows, chunk: Chunk, row: number, lacks: Map<WriterId, KnownEvent>): void {
  const writer = tables.writers.id(chunk.writer[row] as number);
  const seq = (chunk.seq[row] as number) - 1;
  const known = lacks.get(writer);
  if (known === undefined || seq < known.seq) lacks.set(writer, { seq, time: (chunk.time[row] as number) - 1 });
}

/** The peer may lack whatever stands from that time on. */
function noteAllFrom({ tables: { writers } }: EffectiveRows, from: number, lacks: Map<WriterId, KnownEvent>): void {
  writers.takeIn(from);
  for (let index = 0; index < writers.size; index++) {
    if ((writers.stored[index] as number) === 0 || (writers.storedTime[index] as number) < from) continue;
    lacks.set(writers.id(index), { seq: 0, time: Math.max(from - 1, 0) });
  }
}

function compareNames(
  rows: EffectiveRows,
  { from, to, names }: Span & { readonly names: readonly number[] },
  salt: number,
  lacks: Map<WriterId, KnownEvent>,
): Range {
  const unmatched = new Set(names);
  const scratch = new Uint32Array(lanes);
  rows.each(from, to, (chunk, row) => {
    // Once all names are found, or where there are none, what is left is lacking at the peer: no row need be mixed for that.
    if (unmatched.size > 0) {
      contribution(chunk, row, rows.tables, scratch);
      if (unmatched.delete(shortName(scratch, salt))) return;
    }
    noteRow(rows, chunk, row, lacks);
  });
  return { kind: 'lacking-rows', from, to, names: [...unmatched] };
}

function eachName(
  rows: EffectiveRows,
  { from, to }: Span,
  salt: number,
  visit: (name: number, chunk: Chunk, row: number) => void,
): void {
  const scratch = new Uint32Array(lanes);
  rows.each(from, to, (chunk, row) => {
    contribution(chunk, row, rows.tables, scratch);
    visit(shortName(scratch, salt), chunk, row);
  });
}

/** C3. */
function describeSpan(rows: EffectiveRows, { from, to, rows: count, peerRows }: Differing, salt: number): Range[] {
  const span = { from, to };
  if (count > listedRowsMax) {
    if (peerRows <= listedRowsMax) return [{ kind: 'fingerprint', ...span, ...rows.fingerprint(from, to) }];
    const parts = fingerprintParts(rows, span);
    if (parts.length > 1) return parts;
  }
  const names: number[] = [];
  eachName(rows, span, salt, (name) => {
    // Of rows of one time beyond the bound the peer sends what it has: they are known here, and passed over.
    if (names.length < namesPerRangeMax) names.push(name);
  });
  return [{ kind: 'rows', from, to, names }];
}

/** Of a span with more cold rows than are read at once, its parts: they are compared first. */
function partsOfCold(rows: EffectiveRows, span: Span): Range[] | undefined {
  const { packed } = rows;
  if (span.from >= packed.hotFrom) return undefined;
  const chunks = packed.coldIndex(span.to - 1) - packed.coldIndex(span.from);
  if (chunks <= coldChunksAtOnceMax && rows.fingerprint(span.from, span.to).count <= coldRowsAtOnceMax)
    return undefined;
  const parts = fingerprintParts(rows, span);
  return parts.length > 1 ? parts : undefined;
}

/** Fingerprints of parts of a span. */
function fingerprintParts(rows: EffectiveRows, { from, to }: Span): Range[] {
  const { count } = rows.fingerprint(from, to);
  const parts = spansBetween(rows.cuts(from, to, count, spanParts));
  return parts.map((part) => ({ kind: 'fingerprint', ...part, ...rows.fingerprint(part.from, part.to) }));
}

/** Where a range stands in a turn. */
function startOf(range: Range): number {
  return 'from' in range ? range.from : 0;
}

function spansBetween(cuts: readonly number[]): Span[] {
  return cuts.slice(1).map((to, i) => ({ from: cuts[i] as number, to }));
}
