/**
 * The redactions of a span of the log, summed and read: two nodes compare those below their edges, where nothing else is
 * compared (S27). Of packed chunks the headers tell most; only chunks that have redactions are read.
 */
import type { RedactionSum } from '../edges.js';
import { eventKind } from '../event.js';
import type { LogEntry } from '../runs.js';
import { Chunk } from './chunk.js';
import { addTo, contribution, type Fingerprint, lanes } from './contribution.js';
import type { EffectiveRows } from './effective-rows.js';
import type { PackedSlot, Reading } from './packed-chunks.js';
import { encodeRows, rowBytes } from './rows-lacking.js';
import { lookUpIn, lookUpInChunk } from './times-before.js';

/** Redactions of `[from, to)`, of which the peer has some. */
export interface RedactionsQuery {
  readonly from: number;
  readonly to: number;
  /** What it has there. Absent: it is known to lack some. */
  readonly known: RedactionSum | undefined;
  /** Stop once the blocks are about this large. */
  readonly bytesMax: number;
}

/** A part of what was asked for, and from where on there is more. */
export interface RedactionsRead {
  readonly entries: readonly LogEntry[];
  readonly next: number | undefined;
}

/** Of the redactions below the log's edge, what a peer is to be told; `undefined` where no events are held there. @internal */
export function* sumBelow(effective: EffectiveRows): Reading<RedactionSum | undefined> {
  const { edges, packed, ordered } = effective;
  const from = packed.cold > 0 ? (packed.slots[0] as PackedSlot).start : (ordered.chunks[0]?.time[0] ?? edges.complete);
  if (ordered.length + packed.cold === 0 || from >= edges.complete) return undefined;
  return { from, ...(yield* sumRedactions(effective, from, edges.complete)) };
}

/** @internal */
export function* sumRedactions(effective: EffectiveRows, from: number, to: number): Reading<Fingerprint> {
  const { packed } = effective;
  return yield* packed.reading(() => {
    const sum = new Uint32Array(lanes);
    const scratch = new Uint32Array(lanes);
    let count = 0;
    const add = (chunk: Chunk, row: number) => {
      contribution(chunk, row, effective.tables, scratch);
      addTo(sum, scratch);
      count++;
    };
    for (let at = packed.coldIndex(from); at < packed.cold; at++) {
      const slot = packed.slots[at] as PackedSlot;
      if (slot.start >= to) break;
      if (slot.redactions.count > 0 && slot.start >= from && slot.lastTime < to) {
        addTo(sum, slot.redactions.sum);
        count += slot.redactions.count;
        if (slot.late !== undefined) eachRedaction(effective, slot.late, 0, from, to, add);
      } else if (hasSome(slot)) {
        eachRedaction(effective, packed.rows(at), 0, from, to, add);
      }
    }
    eachInMemory(effective, from, to, add);
    return { count, sum };
  });
}

/** Redactions of `[from, to)` in log order, about `bytesMax` of them. @internal */
export function* readRedactions(
  effective: EffectiveRows,
  from: number,
  to: number,
  bytesMax: number,
): Reading<RedactionsRead> {
  const { packed, tables } = effective;
  const entries: LogEntry[] = [];
  let left = bytesMax;
  let next = from;
  while (next < Math.min(to, packed.hotFrom)) {
    const time = next;
    const { read, end } = yield* packed.reading(() => {
      // The chunks may be others than they were before their bytes came.
      if (time >= packed.hotFrom) return { read: [], end: time };
      const at = packed.indexAt(time);
      const end = packed.endOf(at);
      const slot = packed.slots[at] as PackedSlot;
      if (!hasSome(slot)) return { read: [], end };
      const rows = new Chunk();
      const chunk = packed.rows(at);
      eachRedaction(effective, chunk, 0, time, to, (_, row) => take(rows, chunk, row));
      // Who gets them would wait for the events before without end, if it were not told of when those are.
      return { read: encodeRows(rows, tables, 'received', lookUpInChunk(effective, slot, chunk, rows)), end };
    });
    entries.push(...read);
    for (const { block } of read) left -= block.length;
    next = end;
    if (left <= 0) return { entries, next: next < to ? next : undefined };
  }
  const rows = new Chunk();
  let more: number | undefined;
  eachInMemory(effective, next, to, (chunk, row) => {
    const time = chunk.time[row] as number;
    if (more === undefined && left <= 0 && time > rows.lastTime) more = time;
    if (more !== undefined) return;
    left -= rowBytes(chunk, row, tables);
    take(rows, chunk, row);
  });
  return { entries: [...entries, ...encodeRows(rows, tables, 'received', lookUpIn(effective, rows))], next: more };
}

function hasSome({ redactions, late }: PackedSlot): boolean {
  return redactions.count > 0 || late !== undefined;
}

function take(rows: Chunk, chunk: Chunk, row: number): void {
  rows.reserveOneMore();
  rows.copyRow(chunk, row);
}

function eachInMemory(
  effective: EffectiveRows,
  from: number,
  to: number,
  visit: (chunk: Chunk, row: number) => void,
): void {
  const { ordered } = effective;
  const start = ordered.lowerBound(from);
  for (let at = start.chunk; at < ordered.chunks.length; at++) {
    const chunk = ordered.chunks[at] as Chunk;
    if ((chunk.time[0] as number) >= to) return;
    eachRedaction(effective, chunk, at === start.chunk ? start.row : 0, from, to, visit);
  }
}

/** Stored redactions among rows of a chunk, from `first` on. */
function eachRedaction(
  { tables }: EffectiveRows,
  chunk: Chunk,
  first: number,
  from: number,
  to: number,
  visit: (chunk: Chunk, row: number) => void,
): void {
  const { stored } = tables.writers;
  for (let row = first; row < chunk.count; row++) {
    if (chunk.kind[row] !== eventKind.redaction) continue;
    const time = chunk.time[row] as number;
    if (time < from || time >= to) continue;
    if ((chunk.seq[row] as number) <= (stored[chunk.writer[row] as number] as number)) visit(chunk, row);
  }
}
