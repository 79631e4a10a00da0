/** What somebody lacks of a log, picked out in log order, and rows as blocks. */
import { encodeBlock } from '../codec/block.js';
import { eventKind } from '../event.js';
import type { WriterId } from '../ids.js';
import { blockBytesTarget, chunkRowsMax, seqMax } from '../limits.js';
import { chunkRuns, type KnownEvent, type LogEntry } from '../runs.js';
import { Chunk } from './chunk.js';
import type { LogTables } from './log-tables.js';
import type { OrderedLog } from './ordered-log.js';
import { dot, type RowForm } from './payload-pages.js';
import { type LookUpTimes, timesBefore } from './times-before.js';
import type { WriterTable } from './writer-table.js';

/** Where picking ends. */
interface Bounds {
  /** Stop before the blocks are larger than this; one row is picked in any case. */
  readonly bytesMax: number;
  /** Leave rows above this time. */
  readonly upTo: number;
}

/** What was picked, whether there is more, and the time of the first row above `upTo`. @internal */
export interface PickedRows {
  readonly rows: Chunk;
  readonly more: boolean;
  readonly heldTime: number | undefined;
}

/** What somebody lacks of the rows up to each writer's `last` or `stored` one. @internal */
export class Lacking {
  /** No lacking row is earlier. */
  readonly from: number;
  /** How many are lacking. */
  readonly count: number;
  /** Where they begin is known only of some. */
  readonly isTimed: boolean;
  readonly #writers: WriterTable;
  readonly #column: 'last' | 'stored';
  readonly #has: Uint32Array;
  readonly #hasTime: Float64Array;
  readonly #until: Uint32Array;

  /** Of a writer in `lacks` all behind the event given, and behind its time, up to its `until`; of others none. */
  constructor({ writers }: LogTables, lacks: ReadonlyMap<WriterId, KnownEvent>, column: 'last' | 'stored') {
    this.#writers = writers;
    this.#column = column;
    // Looked up first: that may bring more writers into the table.
    const known = Array.from(lacks, ([id, event]) => [writers.find(id), event] as const);
    this.#has = new Uint32Array(writers.size).fill(seqMax);
    this.#hasTime = new Float64Array(writers.size);
    this.#until = new Uint32Array(writers.size);
    let from = Number.POSITIVE_INFINITY;
    let count = 0;
    let isTimed = true;
    for (const [writer, { seq, time, until = seqMax }] of known) {
      const end = Math.min(writers[column][writer] ?? 0, until);
      if (end <= seq) continue;
      this.#has[writer] = seq;
      this.#hasTime[writer] = time;
      this.#until[writer] = end;
      count += end - seq;
      const isKnown = seq === 0 || time > 0;
      isTimed &&= isKnown;
      const first = writers.firstTime[writer] as number;
      from = Math.min(from, seq === 0 || !isKnown ? Math.max(first, time) : time + 1);
    }
    this.from = from;
    this.count = count;
    this.isTimed = isTimed;
  }

  has(writer: number, seq: number, time: number): boolean {
    if (seq <= (this.#has[writer] ?? seqMax) || seq > (this.#until[writer] as number)) return false;
    return time > (this.#hasTime[writer] as number);
  }

  /** All of a writer's rows from this one on, none of which is before `time`. */
  hasAll(writer: number, seq: number, time: number): boolean {
    return this.has(writer, seq, time) && this.#until[writer] === this.#writers[this.#column][writer];
  }
}

/** Picks the rows that are lacking of these chunks, in order. @internal */
export function pickLacking(
  chunks: Iterable<{ readonly chunk: Chunk; readonly row: number }>,
  lacking: Lacking,
  tables: LogTables,
  { bytesMax, upTo }: Bounds,
): PickedRows {
  const rows = new Chunk();
  let bytes = 0;
  for (const { chunk, row: first } of chunks) {
    for (let row = first; row < chunk.count; row++) {
      const time = chunk.time[row] as number;
      if (!lacking.has(chunk.writer[row] as number, chunk.seq[row] as number, time)) continue;
      if (time > upTo) return { rows, more: false, heldTime: time };
      bytes += rowBytes(chunk, row, tables);
      if (rows.count > 0 && bytes > bytesMax) return { rows, more: true, heldTime: undefined };
      rows.reserveOneMore();
      rows.copyRow(chunk, row);
    }
  }
  return { rows, more: false, heldTime: undefined };
}

/** The chunks of the ordered log that may have lacking rows. @internal */
export function* chunksLacking(ordered: OrderedLog, lacking: Lacking, from = lacking.from) {
  const { chunks } = ordered;
  // Without times the first is found from the end, where mostly little is lacking: there are at most as many as counted.
  const start = lacking.isTimed ? ordered.lowerBound(from) : nthFromEnd(chunks, lacking);
  for (let i = start.chunk; i < chunks.length; i++) {
    yield { chunk: chunks[i] as Chunk, row: i === start.chunk ? start.row : 0 };
  }
}

/** Where the first of the lacking rows stands. */
function nthFromEnd(chunks: readonly Chunk[], lacking: Lacking) {
  let left = lacking.count;
  for (let i = chunks.length - 1; i >= 0; i--) {
    const chunk = chunks[i] as Chunk;
    for (let row = chunk.count - 1; row >= 0; row--) {
      const isLacking = lacking.has(chunk.writer[row] as number, chunk.seq[row] as number, chunk.time[row] as number);
      if (isLacking && --left === 0) return { chunk: i, row };
    }
  }
  return { chunk: 0, row: 0 };
}

/**
 * Sorted rows as blocks, each of at most a chunk's rows and about `blockBytesTarget`. `lookUp` finds the times of the
 * events before those rows that do not follow another one here. Received rows whose redactions are not stored yet are
 * written as they were (G10), and stay erased where they stand.
 *
 * @internal
 */
export function encodeRows(
  given: Chunk,
  tables: LogTables,
  origin: LogEntry['origin'],
  lookUp: LookUpTimes,
): LogEntry[] {
  // Own rows go to the journal together with the redactions of some of them.
  const rows = origin === 'received' && tables.pages.formers.size > 0 ? restored(given, tables) : given;
  const { before, gaps } = timesBefore(rows, tables.writers.size, lookUp);
  const entries: LogEntry[] = [];
  let from = 0;
  let bytes = 0;
  const finish = (to: number) => {
    if (to === from) return;
    const runs = chunkRuns(rows, from, to, tables.writers);
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

/** What a row takes in a block, at most: a dependency out of the block has 16 bytes of writer and up to 21 more. @internal */
export function rowBytes(chunk: Chunk, row: number, { dependencies, pages }: LogTables): number {
  const former = pages.formers.size > 0 ? formerOf(chunk, row, pages)?.length : undefined;
  return (former ?? (chunk.length[row] as number)) + 16 + dependencies.count(chunk.deps[row] as number) * 37;
}

/** What a row was that is erased here, while its redaction is not stored (G10). */
function formerOf(chunk: Chunk, row: number, pages: LogTables['pages']): RowForm | undefined {
  if (chunk.kind[row] !== eventKind.erased) return undefined;
  return pages.formers.get(dot(chunk.writer[row] as number, chunk.seq[row] as number));
}

/** Rows as they were: a copy, where that makes a difference. The caller's rows may stand in the log, or are about to. */
function restored(rows: Chunk, { pages }: LogTables): Chunk {
  let copy: Chunk | undefined;
  for (let row = 0; row < rows.count; row++) {
    const former = formerOf(rows, row, pages);
    if (former === undefined) continue;
    if (copy === undefined) {
      copy = new Chunk(rows.count);
      copy.copyRows(rows, 0, rows.count);
    }
    copy.reform(row, former);
  }
  return copy ?? rows;
}
