/** What somebody lacks of a log, picked out in log order, and rows as blocks. */
import { encodeBlock } from '../codec/block.js';
import type { ReplicaId } from '../ids.js';
import { blockBytesTarget, chunkRowsMax, seqMax } from '../limits.js';
import type { JournalEntry } from '../ports/storage.js';
import { chunkRuns, type KnownEvent, type LogEntry } from '../runs.js';
import { Chunk } from './chunk.js';
import type { LogTables } from './log-tables.js';
import type { OrderedLog } from './ordered-log.js';
import { type LookUpTimes, timesBefore } from './times-before.js';

/** Where picking ends. */
interface Bounds {
  /** Stop before the blocks are larger than this; one row is picked in any case. */
  readonly bytesMax: number;
  /** Leave rows above this time. */
  readonly upTo: number;
}

/** Rows that were picked, whether there are more, and the time of the first one above `upTo`. @internal */
export interface PickedRows {
  readonly rows: Chunk;
  readonly more: boolean;
  readonly heldTime: number | undefined;
}

/**
 * Rows that somebody lacks, of those up to the sequence numbers in `last` (by replica index). Of a replica in `lacks` all
 * behind the event given, and behind its time, of others none.
 *
 * @internal
 */
export function rowsLacking(
  ordered: OrderedLog,
  tables: LogTables,
  lacks: ReadonlyMap<ReplicaId, KnownEvent>,
  last: readonly number[],
  { bytesMax, upTo }: Bounds,
): PickedRows {
  const { replicas } = tables;
  const has = new Uint32Array(replicas.size).fill(seqMax);
  const hasTime = new Float64Array(replicas.size);
  const until = new Uint32Array(replicas.size);
  // Nothing that lies before the first lacking event of any replica need be looked at.
  let from = Number.POSITIVE_INFINITY;
  let lacking = 0;
  let isTimed = true;
  for (const [id, known] of lacks) {
    const { seq, time } = known;
    const replica = replicas.find(id);
    const end = Math.min(last[replica] ?? 0, known.until ?? seqMax);
    if (end <= seq) continue;
    has[replica] = seq;
    hasTime[replica] = time;
    until[replica] = end;
    lacking += end - seq;
    isTimed &&= seq === 0 || time > 0;
    from = Math.min(from, seq === 0 ? Math.max(replicas.firstTime[replica] as number, time + 1) : time + 1);
  }
  const rows = new Chunk();
  if (lacking === 0) return { rows, more: false, heldTime: undefined };

  const { chunks } = ordered;
  const isLacking = (chunk: Chunk, row: number) => {
    const replica = chunk.replica[row] as number;
    const seq = chunk.seq[row] as number;
    if (seq <= (has[replica] as number) || seq > (until[replica] as number)) return false;
    return (chunk.time[row] as number) > (hasTime[replica] as number);
  };
  // Without times the first is found from the end, where mostly little is lacking: there are at most as many as counted.
  const start = isTimed ? ordered.lowerBound(from) : nthFromEnd(chunks, lacking, isLacking);
  let bytes = 0;
  for (let i = start.chunk; i < chunks.length; i++) {
    const chunk = chunks[i] as Chunk;
    for (let row = i === start.chunk ? start.row : 0; row < chunk.count; row++) {
      if (!isLacking(chunk, row)) continue;
      const time = chunk.time[row] as number;
      if (time > upTo) return { rows, more: false, heldTime: time };
      bytes += rowBytes(chunk, row, tables);
      if (rows.count > 0 && bytes > bytesMax) return { rows, more: true, heldTime: undefined };
      rows.reserveOneMore();
      rows.copyRow(chunk, row);
    }
  }
  return { rows, more: false, heldTime: undefined };
}

/** Where the n-th row from the end stands of those that are wanted. */
function nthFromEnd(chunks: readonly Chunk[], n: number, isWanted: (chunk: Chunk, row: number) => boolean) {
  let left = n;
  for (let i = chunks.length - 1; i >= 0; i--) {
    const chunk = chunks[i] as Chunk;
    for (let row = chunk.count - 1; row >= 0; row--) {
      if (isWanted(chunk, row) && --left === 0) return { chunk: i, row };
    }
  }
  return { chunk: 0, row: 0 };
}

/**
 * Sorted rows as blocks, each of at most a chunk's rows and about `blockBytesTarget`. `lookUp` finds the times of the
 * events before those rows that do not follow another one here.
 *
 * @internal
 */
export function encodeRows(
  rows: Chunk,
  tables: LogTables,
  origin: JournalEntry['origin'],
  lookUp: LookUpTimes,
): LogEntry[] {
  const { before, gaps } = timesBefore(rows, tables.replicas.size, lookUp);
  const entries: LogEntry[] = [];
  let from = 0;
  let bytes = 0;
  const finish = (to: number) => {
    if (to === from) return;
    const runs = chunkRuns(rows, from, to, tables.replicas.ids);
    entries.push({ block: encodeBlock(rows, from, to, tables, before), runs, origin });
    from = to;
    bytes = 0;
  };
  for (let row = 0; row < rows.count; row++) {
    const size = rowBytes(rows, row, tables);
    if (row - from === chunkRowsMax || gaps.has(row) || bytes + size > blockBytesTarget) finish(row);
    bytes += size;
  }
  finish(rows.count);
  return entries;
}

/** What a row takes in a block, at most: a dependency out of the block has 16 bytes of replica and up to 21 more. @internal */
export function rowBytes(chunk: Chunk, row: number, { dependencies }: LogTables): number {
  return (chunk.length[row] as number) + 16 + dependencies.count(chunk.deps[row] as number) * 37;
}
