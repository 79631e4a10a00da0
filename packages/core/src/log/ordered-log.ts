/**
 * The chunk list: all events of a log in total order, as chunks of columns.
 *
 * Appending at the tail is the fast path. A sorted batch is merged into the chunks that it touches, never row by
 * row, except that one row goes in place where no snapshot looks.
 *
 * - [O1] Chunks are never empty; their rows and the chunks themselves are in order.
 * - [O2] What a snapshot has seen of a chunk never changes (`sharedRows`): the chunk is copied first.
 * - [O3] Only the last chunk grows at its end in place; a snapshot remembers how much of it it saw.
 * - [O4] The list itself is shared with snapshots, and copied before it or the count of a chunk before its last changes.
 */

import type { PayloadCodec } from '../codec/payload.js';
import { eventOf, isShown, type LogEvent } from '../event.js';
import { chunkRowsMax } from '../limits.js';
import { Listeners, reportUncaught } from '../listeners.js';
import { Chunk } from './chunk.js';
import type { LogTables } from './log-tables.js';

/** Where a row stands. */
interface Position {
  chunk: number;
  row: number;
}

/** @internal */
export class OrderedLog {
  readonly tables: LogTables;
  readonly #codec: PayloadCodec<unknown>;
  #chunks: Chunk[] = [];
  /** A snapshot holds the list. */
  #listShared = false;
  #length = 0;
  /** Rows of the log's own kinds. */
  #hidden = 0;
  /** Called when nothing changed but rows that apps do not see: what follows dependencies reads these too. */
  readonly hiddenListeners = new Listeners(reportUncaught);
  /** How often a row was changed that had been here. */
  changes = 0;
  /** Chunks with rows that no snapshot has seen; the tail need not stand here. */
  readonly #unseen = new Set<Chunk>();

  constructor(tables: LogTables, codec: PayloadCodec<unknown>) {
    this.tables = tables;
    this.#codec = codec;
  }

  get length(): number {
    return this.#length;
  }

  /** Rows that apps see. */
  get shownLength(): number {
    return this.#length - this.#hidden;
  }

  /** Does it have rows that apps do not see? */
  get hidesRows(): boolean {
    return this.#hidden > 0;
  }

  get chunks(): readonly Chunk[] {
    return this.#chunks;
  }

  /** Marks all rows as seen and returns the chunk list, for a snapshot to keep. */
  share(): readonly Chunk[] {
    for (const chunk of this.#unseen) chunk.sharedRows = chunk.count;
    this.#unseen.clear();
    const tail = this.#chunks[this.#chunks.length - 1];
    if (tail !== undefined) tail.sharedRows = tail.count;
    this.#listShared = true;
    return this.#chunks;
  }

  /** The list, to be changed: a copy of its own when a snapshot holds it (O4). O(chunks), once in a thousand appends. */
  #ownChunks(): Chunk[] {
    if (this.#listShared) {
      this.#chunks = this.#chunks.slice();
      this.#listShared = false;
    }
    return this.#chunks;
  }

  /** The chunk that takes a row at the log's end, with room for it. Call `appended` once the row stands. */
  tail(): Chunk {
    let tail = this.#chunks[this.#chunks.length - 1];
    if (tail === undefined || tail.count === chunkRowsMax) {
      tail = this.#pushTail(new Chunk(tail === undefined ? undefined : chunkRowsMax));
    } else if (tail.count === tail.capacity) {
      tail.reserve(Math.min(tail.capacity * 2, chunkRowsMax));
    }
    return tail;
  }

  /** Counts a row that the caller wrote into `tail()`. */
  appended(kind: number): void {
    this.#length++;
    if (!isShown(kind)) this.#hidden++;
  }

  /** Merges a sorted batch of new rows. The batch's columns may be adopted: the caller gives it away. */
  insert(batch: Chunk): void {
    this.#hidden += hiddenIn(batch);
    let from = 0;
    while (from < batch.count) {
      const last = this.#chunks.length - 1;
      if (
        last < 0 ||
        this.#compareRows(this.#chunks[last] as Chunk, (this.#chunks[last] as Chunk).count - 1, batch, from) < 0
      ) {
        this.#appendRows(batch, from);
        break;
      }
      const at = this.#chunkFor(batch, from);
      const to =
        at === last ? this.#endWithin(batch, from) : this.#endBefore(batch, from, this.#chunks[at + 1] as Chunk);
      this.#mergeInto(at, batch, from, to);
      from = to;
    }
    this.#length += batch.count;
  }

  /** Puts chunks before all others: rows that are older than any here, in order. */
  prepend(chunks: readonly Chunk[]): void {
    for (const chunk of chunks) {
      this.#unseen.add(chunk);
      this.#length += chunk.count;
      this.#hidden += hiddenIn(chunk);
    }
    this.#ownChunks().unshift(...chunks);
  }

  /**
   * Gives up all rows before `time`, and what they alone point to. Each is visited. Snapshots keep what they have seen.
   * O(rows). Returns how many there were.
   */
  dropBefore(time: number, visit: (chunk: Chunk, row: number) => void): number {
    const before = this.#length;
    const { chunk: at, row } = this.lowerBound(time);
    const dropped = this.#chunks.slice(0, at);
    const kept = this.#chunks.slice(at);
    const [first] = kept;
    if (first !== undefined && row > 0) {
      const rest = new Chunk(chunkRowsMax);
      rest.copyRows(first, row, first.count);
      kept[0] = rest;
      this.#supersede(first);
      this.#unseen.add(rest);
      dropped.push(first);
      this.#length += rest.count;
      this.#hidden += hiddenIn(rest);
    }
    for (const chunk of dropped) {
      for (let i = 0; i < chunk.count && (chunk.time[i] as number) < time; i++) visit(chunk, i);
      this.#unseen.delete(chunk);
      this.#length -= chunk.count;
      this.#hidden -= hiddenIn(chunk);
      this.#keepPages(chunk);
    }
    this.#chunks = kept;
    this.#listShared = false;
    return before - this.#length;
  }

  /** Where the row of that key stands and may be changed: what a snapshot has seen is copied first (O2). */
  rowToChange(time: number, writer: number): { readonly chunk: Chunk; readonly row: number } | undefined {
    const found = this.locate(time, writer);
    if (found === undefined) return undefined;
    this.changes++;
    const { row } = found;
    const chunk = this.#chunks[found.chunk] as Chunk;
    if (row >= chunk.sharedRows) return { chunk, row };
    const copy = new Chunk(chunk.capacity);
    copy.copyRows(chunk, 0, chunk.count);
    this.#supersede(chunk);
    if (found.chunk < this.#chunks.length - 1) this.#unseen.add(copy);
    this.#ownChunks()[found.chunk] = copy;
    return { chunk: copy, row };
  }

  /** Takes rows out, none of which is before `from`. The others stay as they are (L5). Snapshots keep what they have seen. O(rows). */
  remove(from: number, isGone: (chunk: Chunk, row: number) => boolean): void {
    this.changes++;
    const at = this.lowerBound(from).chunk;
    const kept = this.#chunks.slice(0, at);
    for (const chunk of this.#chunks.slice(at)) {
      const rest = new Chunk(chunk.capacity);
      for (let row = 0; row < chunk.count; row++) {
        if (!isGone(chunk, row)) rest.copyRow(chunk, row);
        // A snapshot may ask for it when the number of its writer stands for another one.
        else if (row < chunk.sharedRows) this.event(chunk, row);
      }
      this.#length += rest.count - chunk.count;
      this.#hidden += hiddenIn(rest) - hiddenIn(chunk);
      if (rest.count === chunk.count) {
        kept.push(chunk);
        continue;
      }
      this.#supersede(chunk);
      if (rest.count === 0) continue;
      this.#unseen.add(rest);
      kept.push(rest);
    }
    this.#chunks = kept;
    this.#listShared = false;
  }

  /** The event object of a row, made when first asked for. */
  event(chunk: Chunk, row: number): LogEvent<unknown> {
    const made = chunk.events?.[row];
    if (made !== undefined) return made;
    if (chunk.superseded) {
      // The row lives on in a newer chunk, which owns its object (L5), unless it was taken out of the log.
      const found = this.locate(chunk.time[row] as number, chunk.writer[row] as number);
      if (found !== undefined) return this.event(this.#chunks[found.chunk] as Chunk, found.row);
    }
    const { writers, pages } = this.tables;
    const writer = writers.id(chunk.writer[row] as number);
    const number = chunk.page[row] as number;
    const event = eventOf(chunk, row, writer, chunk.pages?.get(number) ?? pages.whole(number), this.#codec);
    chunk.events ??= [];
    chunk.events[row] = event;
    return event;
  }

  /** Where the event of that key stands. O(log n). */
  locate(time: number, writer: number): Position | undefined {
    const { chunk, row } = this.lowerBound(time, writer);
    const found = this.#chunks[chunk];
    if (found === undefined || row === found.count) return undefined;
    return found.time[row] === time && found.writer[row] === writer ? { chunk, row } : undefined;
  }

  /** The first row whose time is at least `time` (or, given a writer, whose key is). May be one past the last. */
  lowerBound(time: number, writer?: number): Position {
    const chunks = this.#chunks;
    let low = 0;
    let high = chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const chunk = chunks[middle] as Chunk;
      if (this.#compareKey(chunk, chunk.count - 1, time, writer) < 0) low = middle + 1;
      else high = middle;
    }
    const chunk = chunks[low];
    return { chunk: low, row: chunk === undefined ? 0 : this.#lowerRow(chunk, time, writer) };
  }

  /** First row of a chunk whose key is at least the given one. */
  #lowerRow(chunk: Chunk, time: number, writer: number | undefined): number {
    let low = 0;
    let high = chunk.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compareKey(chunk, middle, time, writer) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #compareKey(chunk: Chunk, row: number, time: number, writer: number | undefined): number {
    const difference = (chunk.time[row] as number) - time;
    if (difference !== 0 || writer === undefined) return difference;
    return this.tables.writers.compare(chunk.writer[row] as number, writer);
  }

  #compareRows(a: Chunk, rowA: number, b: Chunk, rowB: number): number {
    return this.#compareKey(a, rowA, b.time[rowB] as number, b.writer[rowB] as number);
  }

  /** The last chunk whose first row is not after the batch's row, or the first chunk. */
  #chunkFor(batch: Chunk, row: number): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compareRows(this.#chunks[middle] as Chunk, 0, batch, row) <= 0) low = middle + 1;
      else high = middle;
    }
    return Math.max(low - 1, 0);
  }

  /** Rows of the batch from `from` on that lie before the first row of `next`: the end of that run. */
  #endBefore(batch: Chunk, from: number, next: Chunk): number {
    let low = from + 1;
    let high = batch.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compareRows(next, 0, batch, middle) > 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Rows of the batch from `from` on that lie before the last row of the log: what is behind is appended. */
  #endWithin(batch: Chunk, from: number): number {
    const tail = this.#chunks[this.#chunks.length - 1] as Chunk;
    let low = from + 1;
    let high = batch.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compareRows(tail, tail.count - 1, batch, middle) > 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Others stand in the chunk's place: from now on only snapshots have it. */
  #supersede(chunk: Chunk): void {
    chunk.superseded = true;
    this.#unseen.delete(chunk);
    this.#keepPages(chunk);
  }

  /** What a snapshot has seen of a chunk stays readable, whatever pages the log gives up. */
  #keepPages(chunk: Chunk): void {
    if (chunk.sharedRows === 0) return;
    chunk.pages ??= new Map();
    for (let row = 0, known = -1; row < chunk.sharedRows; row++) {
      const page = chunk.page[row] as number;
      if (page !== known) chunk.pages.set(page, this.tables.pages.whole(page));
      known = page;
    }
  }

  #pushTail(chunk: Chunk): Chunk {
    const before = this.#chunks[this.#chunks.length - 1];
    if (before !== undefined) this.#unseen.add(before);
    this.#ownChunks().push(chunk);
    return chunk;
  }

  #appendRows(batch: Chunk, from: number): void {
    let tail = this.#chunks[this.#chunks.length - 1];
    const room = tail === undefined ? 0 : chunkRowsMax - tail.count;
    if (from === 0 && batch.count > room && batch.count <= chunkRowsMax && batch.count >= chunkRowsMax / 2) {
      // About a chunk's worth that does not fit behind the tail: its columns become the chunk's, uncopied.
      this.#pushTail(batch);
      return;
    }
    for (let next = from; next < batch.count; ) {
      if (tail === undefined || tail.count === chunkRowsMax) {
        tail = this.#pushTail(new Chunk(Math.min(chunkRowsMax, batch.count - next)));
      }
      const many = Math.min(batch.count - next, chunkRowsMax - tail.count);
      if (tail.count + many > tail.capacity) {
        tail.reserve(Math.min(chunkRowsMax, Math.max(tail.capacity * 2, tail.count + many)));
      }
      tail.copyRows(batch, next, next + many);
      next += many;
    }
  }

  #mergeInto(at: number, batch: Chunk, from: number, to: number): void {
    const chunk = this.#chunks[at] as Chunk;
    if (to - from === 1 && chunk.count < chunkRowsMax) {
      const row = this.#lowerRow(chunk, batch.time[from] as number, batch.writer[from] as number);
      // A snapshot that saw the whole chunk counts on its length, unless it saw it as its last.
      const grows = chunk.sharedRows < chunk.count;
      if (row >= chunk.sharedRows && grows) {
        if (chunk.count === chunk.capacity) chunk.reserve(Math.min(chunk.capacity * 2, chunkRowsMax));
        if (at < this.#chunks.length - 1) this.#ownChunks();
        chunk.insertRow(row, batch, from);
        return;
      }
    }
    const merged = this.#merge(chunk, batch, from, to);
    this.#supersede(chunk);
    for (const part of merged) this.#unseen.add(part);
    this.#ownChunks().splice(at, 1, ...merged);
  }

  /** Two-way merge into as many new chunks as are needed, none of them full, so that the next late row has room. */
  #merge(chunk: Chunk, batch: Chunk, from: number, to: number): Chunk[] {
    const total = chunk.count + to - from;
    const isTail = chunk === this.#chunks[this.#chunks.length - 1];
    const parts = total <= chunkRowsMax ? 1 : Math.ceil(total / (chunkRowsMax * 0.75));
    // Near the tail a split is lopsided: what is behind keeps growing, what is before hardly changes.
    const share = parts === 2 && isTail ? Math.min(chunkRowsMax, Math.floor(total * 0.9)) : Math.ceil(total / parts);
    const merged: Chunk[] = [];
    let left = 0;
    let right = from;
    for (let done = 0; done < total; ) {
      const many = Math.min(share, total - done);
      const part = new Chunk(parts === 1 ? Math.min(chunkRowsMax, Math.max(chunk.capacity, many)) : chunkRowsMax);
      for (let rows = 0; rows < many; ) {
        const fromChunk = right === to ? many - rows : this.#runBefore(chunk, left, batch, right, many - rows);
        if (fromChunk > 0) {
          part.copyRows(chunk, left, left + fromChunk);
          left += fromChunk;
          rows += fromChunk;
        }
        while (
          rows < many &&
          right < to &&
          (left === chunk.count || this.#compareRows(chunk, left, batch, right) > 0)
        ) {
          part.copyRow(batch, right++);
          rows++;
        }
      }
      merged.push(part);
      done += many;
    }
    return merged;
  }

  /** How many rows of `chunk` from `left` on, at most `limit`, come before the batch's row. */
  #runBefore(chunk: Chunk, left: number, batch: Chunk, right: number, limit: number): number {
    const end = Math.min(chunk.count, left + limit);
    let row = left;
    while (row < end && this.#compareRows(chunk, row, batch, right) < 0) row++;
    return row - left;
  }
}

function hiddenIn(chunk: Chunk): number {
  let hidden = 0;
  for (let row = 0; row < chunk.count; row++) if (!isShown(chunk.kind[row] as number)) hidden++;
  return hidden;
}
