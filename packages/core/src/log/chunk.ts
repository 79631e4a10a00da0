/**
 * Columns of one chunk: about a thousand events, sorted, without an object per event.
 *
 * A row is an index into eight typed arrays. Columns point into what the log holds once for all chunks: the writer
 * table, the dependency arena, the payload pages. 33 bytes a row beyond payload and dependencies.
 *
 * Rows below `sharedRows` are seen by a snapshot and never change; a chunk that must change below is replaced by a
 * copy and marked `superseded`. An event object belongs to its row, so a superseded chunk makes none: its
 * replacement does (L5).
 */
import { isShown, type StoredEvent } from '../event.js';
import type { RowForm } from './payload-pages.js';

const firstCapacity = 16;
/** Fewer rows are copied one by one: a view of each column costs more than they do. */
const copiedTogetherMin = 8;

/** @internal */
export class Chunk {
  count = 0;
  /** Rows `[0, sharedRows)` are visible in a snapshot. */
  sharedRows = 0;
  superseded = false;
  writer: Uint32Array;
  seq: Uint32Array;
  time: Float64Array;
  kind: Uint8Array;
  page: Uint32Array;
  offset: Uint32Array;
  length: Uint32Array;
  /** Offset into the dependency arena; 0 when the row depends on its writer's previous event alone. */
  deps: Uint32Array;
  /** Event objects made so far, by row. Absent until the first is. */
  events: (StoredEvent<unknown> | undefined)[] | undefined;
  /** The payload pages of a chunk that is not in the log any more: only snapshots have it, and the log may drop pages. */
  pages: Map<number, Uint8Array> | undefined;
  /** The sum of the first `rows` rows' contributions, as long as `epoch` is the log's. Absent until it is asked for. */
  summed: { readonly epoch: number; rows: number; readonly sum: Uint32Array } | undefined;

  /** The rows that apps see, once there is one that they do not: of the first `#indexed` rows. */
  #shown: number[] | undefined;
  #indexed = 0;

  constructor(capacity = firstCapacity) {
    this.writer = new Uint32Array(capacity);
    this.seq = new Uint32Array(capacity);
    this.time = new Float64Array(capacity);
    this.kind = new Uint8Array(capacity);
    this.page = new Uint32Array(capacity);
    this.offset = new Uint32Array(capacity);
    this.length = new Uint32Array(capacity);
    this.deps = new Uint32Array(capacity);
  }

  get capacity(): number {
    return this.seq.length;
  }

  get lastTime(): number {
    return this.time[this.count - 1] as number;
  }

  /** How many of the first `rows` rows apps see. */
  shownWithin(rows: number): number {
    for (; this.#indexed < this.count; this.#indexed++) {
      if (isShown(this.kind[this.#indexed] as number)) this.#shown?.push(this.#indexed);
      else this.#shown ??= Array.from({ length: this.#indexed }, (_, row) => row);
    }
    if (this.#shown === undefined) return rows;
    return rows === this.count ? this.#shown.length : lowerBound(this.#shown, rows);
  }

  /** The row that apps see at a position. It was counted by `shownWithin` before. */
  shownRow(position: number): number {
    return this.#shown === undefined ? position : (this.#shown[position] as number);
  }

  /** Makes room for one more row, by doubling. */
  reserveOneMore(): void {
    if (this.count === this.capacity) this.reserve(Math.max(firstCapacity, this.capacity * 2));
  }

  /** Appends one row. There must be room. */
  push(
    writer: number,
    seq: number,
    time: number,
    kind: number,
    page: number,
    offset: number,
    length: number,
    deps: number,
  ): void {
    const at = this.count++;
    this.writer[at] = writer;
    this.seq[at] = seq;
    this.time[at] = time;
    this.kind[at] = kind;
    this.page[at] = page;
    this.offset[at] = offset;
    this.length[at] = length;
    this.deps[at] = deps;
  }

  /** Makes room for `capacity` rows. Row numbers and contents stay. */
  reserve(capacity: number): void {
    if (capacity <= this.capacity) return;
    const larger = new Chunk(capacity);
    larger.copyRows(this, 0, this.count);
    this.writer = larger.writer;
    this.seq = larger.seq;
    this.time = larger.time;
    this.kind = larger.kind;
    this.page = larger.page;
    this.offset = larger.offset;
    this.length = larger.length;
    this.deps = larger.deps;
  }

  /** Appends rows `[from, to)` of another chunk. There must be room. */
  copyRows(source: Chunk, from: number, to: number): void {
    if (to - from < copiedTogetherMin) {
      for (let row = from; row < to; row++) this.copyRow(source, row);
      return;
    }
    const at = this.count;
    this.writer.set(source.writer.subarray(from, to), at);
    this.seq.set(source.seq.subarray(from, to), at);
    this.time.set(source.time.subarray(from, to), at);
    this.kind.set(source.kind.subarray(from, to), at);
    this.page.set(source.page.subarray(from, to), at);
    this.offset.set(source.offset.subarray(from, to), at);
    this.length.set(source.length.subarray(from, to), at);
    this.deps.set(source.deps.subarray(from, to), at);
    if (source.events !== undefined) {
      this.events ??= [];
      for (let row = from; row < to; row++) {
        const event = source.events[row];
        if (event !== undefined) this.events[at + row - from] = event;
      }
    }
    this.count += to - from;
  }

  /** Appends one row of another chunk. There must be room. */
  copyRow(source: Chunk, row: number): void {
    const at = this.count++;
    this.writer[at] = source.writer[row] as number;
    this.seq[at] = source.seq[row] as number;
    this.time[at] = source.time[row] as number;
    this.kind[at] = source.kind[row] as number;
    this.page[at] = source.page[row] as number;
    this.offset[at] = source.offset[row] as number;
    this.length[at] = source.length[row] as number;
    this.deps[at] = source.deps[row] as number;
    const event = source.events?.[row];
    if (event !== undefined) {
      this.events ??= [];
      this.events[at] = event;
    }
  }

  /** Gives a row another kind and payload: it is another event object from now on. */
  reform(row: number, { kind, page, offset, length }: RowForm): void {
    this.kind[row] = kind;
    this.page[row] = page;
    this.offset[row] = offset;
    this.length[row] = length;
    if (this.events !== undefined && row < this.events.length) this.events[row] = undefined;
  }

  /** Inserts one row of another chunk at `at`, moving the rows behind. There must be room. */
  insertRow(at: number, source: Chunk, row: number): void {
    const end = this.count;
    this.summed = undefined;
    // Rows that a snapshot has seen stay as they are.
    if (this.#shown !== undefined) this.#shown.length = lowerBound(this.#shown, at);
    this.#indexed = Math.min(this.#indexed, at);
    this.writer.copyWithin(at + 1, at, end);
    this.seq.copyWithin(at + 1, at, end);
    this.time.copyWithin(at + 1, at, end);
    this.kind.copyWithin(at + 1, at, end);
    this.page.copyWithin(at + 1, at, end);
    this.offset.copyWithin(at + 1, at, end);
    this.length.copyWithin(at + 1, at, end);
    this.deps.copyWithin(at + 1, at, end);
    if (this.events !== undefined && at < this.events.length) this.events.splice(at, 0, undefined);
    this.count = at;
    this.copyRow(source, row);
    this.count = end + 1;
  }
}

/** How many of the sorted numbers are below `end`. */
function lowerBound(numbers: readonly number[], end: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] as number) < end) low = middle + 1;
    else high = middle;
  }
  return low;
}
