/**
 * The time of each row's predecessor, its writer's event before: a block tells it of each writer's first row (B6). No
 * column holds it. It mostly stands among the rows themselves, or is known of where they come from; what is left is
 * searched for backwards through the log, all of it in one pass.
 */
import type { WriterId } from '../ids.js';
import type { KnownEvent } from '../runs.js';
import type { Chunk } from './chunk.js';
import type { EffectiveRows } from './effective-rows.js';
import type { OrderedLog } from './ordered-log.js';
import type { PackedSlot } from './packed-chunks.js';

/** Writes the times before these rows into `before`; leaves 0 where they are not known. @internal */
export type LookUpTimes = (starts: readonly number[], before: Float64Array) => void;

/** By row; and the rows that do not follow the row before of their writer: one block cannot hold both (B3). */
export interface TimesBefore {
  readonly before: Float64Array;
  readonly gaps: ReadonlySet<number>;
}

/** A writer's last row so far, + 1; 0 between calls. Reused: one row of a log of many writers is written often. */
let lastRow = new Uint32Array(64);

/** `lookUp` is asked for the rows that do not follow another one here. @internal */
export function timesBefore(rows: Chunk, writers: number, lookUp: LookUpTimes): TimesBefore {
  const before = new Float64Array(rows.count);
  if (lastRow.length < writers) lastRow = new Uint32Array(writers * 2);
  const starts: number[] = [];
  const gaps = new Set<number>();
  for (let row = 0; row < rows.count; row++) {
    const writer = rows.writer[row] as number;
    const seq = rows.seq[row] as number;
    const earlier = (lastRow[writer] as number) - 1;
    if (earlier >= 0 && rows.seq[earlier] === seq - 1) {
      before[row] = rows.time[earlier] as number;
    } else {
      if (seq > 1) starts.push(row);
      if (earlier >= 0) gaps.add(row);
    }
    lastRow[writer] = row + 1;
  }
  for (let row = 0; row < rows.count; row++) lastRow[rows.writer[row] as number] = 0;
  if (starts.length > 0) lookUp(starts, before);
  return { before, gaps };
}

/**
 * Looks into the part of the log that is in memory, which the rows are of. `known` are events that may be the ones before, and may bear another time;
 * what was read before mostly ends with them.
 *
 * @internal
 */
export function lookUpIn(
  { ordered, edges }: EffectiveRows,
  rows: Chunk,
  known?: ReadonlyMap<WriterId, KnownEvent>,
): LookUpTimes {
  return (starts, before) => {
    const { writers } = ordered.tables;
    const sought: number[] = [];
    for (const row of starts) {
      const writer = rows.writer[row] as number;
      const seq = (rows.seq[row] as number) - 1;
      before[row] = edges.timeBefore(writer, seq + 1);
      if (before[row] !== 0) continue;
      const hint = known?.get(writers.id(writer));
      const found = hint?.seq === seq ? ordered.locate(hint.time, writer) : undefined;
      if (hint !== undefined && found !== undefined && ordered.chunks[found.chunk]?.seq[found.row] === seq) {
        before[row] = hint.time;
      } else {
        sought.push(row);
      }
    }
    if (sought.length > 0) search(ordered, rows, sought, before);
  };
}

/**
 * Looks into `chunk`, which holds all rows of a packed chunk's span and is where the rows come from, and at what the packed
 * blocks tell. What came late stands in none of them: the edges know.
 *
 * @internal
 */
export function lookUpInChunk(
  { packed, edges }: EffectiveRows,
  slot: PackedSlot,
  chunk: Chunk,
  rows: Chunk,
): LookUpTimes {
  return (starts, before) => {
    const times = new Map<string, number>();
    for (const { block, writers } of packed.blocks(slot)) {
      block.timeBefore.forEach((time, writer) => {
        times.set(`${writers[writer]} ${(block.firstSeq[writer] as number) - 1}`, time);
      });
    }
    for (let row = 0; row < chunk.count; row++) {
      times.set(`${chunk.writer[row]} ${chunk.seq[row]}`, chunk.time[row] as number);
    }
    for (const row of starts) {
      const writer = rows.writer[row] as number;
      const seq = rows.seq[row] as number;
      before[row] = times.get(`${writer} ${seq - 1}`) || edges.timeBefore(writer, seq);
    }
  };
}

/** For rows whose predecessor's time is nowhere asked for: a feed's. @internal */
export const notTold: LookUpTimes = () => {};

/** O(rows between the events and those before them). `sought` are in order, one of each writer. */
function search(ordered: OrderedLog, rows: Chunk, sought: readonly number[], before: Float64Array): void {
  const { chunks } = ordered;
  /** By writer, the row whose predecessor is sought. */
  const startOf = new Map<number, number>();
  for (const row of sought) startOf.set(rows.writer[row] as number, row);
  const end = ordered.lowerBound((rows.time[sought[sought.length - 1] as number] as number) + 1);
  for (let at = Math.min(end.chunk, chunks.length - 1); at >= 0; at--) {
    const chunk = chunks[at] as Chunk;
    for (let row = (at === end.chunk ? end.row : chunk.count) - 1; row >= 0; row--) {
      const writer = chunk.writer[row] as number;
      const start = startOf.get(writer);
      if (start === undefined) continue;
      const seq = (rows.seq[start] as number) - 1;
      if ((chunk.seq[row] as number) > seq) continue;
      if (chunk.seq[row] === seq) before[start] = chunk.time[row] as number;
      startOf.delete(writer);
      if (startOf.size === 0) return;
    }
  }
}
