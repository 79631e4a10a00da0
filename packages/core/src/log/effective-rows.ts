/**
 * The effective log (G3) read by spans of time: how many rows, their fingerprint, the rows themselves.
 *
 * A chunk keeps the sum of its rows once all of them are stored, so a span costs its chunks and the rows of the two at
 * its ends. What is summed stays in the log, except when events give way: then `epoch` moves on. Of packed chunks the sums
 * are known; where their rows are needed, reading may throw `ColdRows`.
 */
import { isShown } from '../event.js';
import type { Chunk } from './chunk.js';
import { addTo, contribution, type Fingerprint, lanes } from './contribution.js';
import type { Edges } from './edges.js';
import type { LogTables } from './log-tables.js';
import type { OrderedLog } from './ordered-log.js';
import { hiddenRowsOf, type PackedChunks, type PackedSlot, rowsOf } from './packed-chunks.js';

/** @internal */
export class EffectiveRows {
  readonly ordered: OrderedLog;
  readonly packed: PackedChunks;
  readonly tables: LogTables;
  /** Where the effective log begins (K1). */
  readonly edges: Edges;
  readonly #scratch = new Uint32Array(lanes);
  #epoch = 0;
  /** Rows looked at one by one so far: the work that questions about the log have made. */
  walked = 0;

  constructor(ordered: OrderedLog, packed: PackedChunks, tables: LogTables, edges: Edges) {
    this.ordered = ordered;
    this.packed = packed;
    this.tables = tables;
    this.edges = edges;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Rows that were stored may not be any more: no sum kept so far counts. */
  forget(): void {
    this.#epoch++;
  }

  /** Have more writers than so many stored events? */
  hasMoreWriters(max: number): boolean {
    const { size, stored, directory } = this.tables.writers;
    let count = directory?.writers ?? 0;
    for (let writer = 0; writer < size && count <= max; writer++) if ((stored[writer] as number) > 0) count++;
    return count > max;
  }

  /** Is that event here, at that time? O(log n). */
  has(writer: number, { last, lastTime }: { readonly last: number; readonly lastTime: number }): boolean {
    const { writers } = this.tables;
    if (writers.last[writer] === last) return writers.lastTime[writer] === lastTime;
    const found = this.locate(lastTime, writer);
    return found !== undefined && found.chunk.seq[found.row] === last;
  }

  /** Where the row of that key stands, stored or not. O(log n). */
  locate(time: number, writer: number): { readonly chunk: Chunk; readonly row: number } | undefined {
    const { ordered, packed } = this;
    if (time >= packed.hotFrom) {
      const found = ordered.locate(time, writer);
      return found && { chunk: ordered.chunks[found.chunk] as Chunk, row: found.row };
    }
    const late = packed.findLate(time, writer);
    if (late !== undefined) return late;
    const chunk = packed.rows(packed.indexAt(time));
    const row = lowerRow(chunk, time, (at) => this.tables.writers.compare(chunk.writer[at] as number, writer));
    return chunk.time[row] === time && chunk.writer[row] === writer ? { chunk, row } : undefined;
  }

  fingerprint(from: number, to: number): Fingerprint {
    const sum = new Uint32Array(lanes);
    let count = 0;
    this.#eachPart(
      from,
      to,
      (chunk, first, end) => {
        count += this.#add(chunk, first, end, sum);
      },
      (slot) => {
        count += this.#addPacked(slot, sum);
      },
    );
    return { count, sum };
  }

  /** Events of the effective log, by their numbers. O(writers). */
  get rowCount(): number {
    return this.tables.writers.countTo('stored');
  }

  /**
   * The fingerprint of all rows of `[from, to)`; `undefined` when that takes more than about `rowsMax` rows that were not
   * summed before. The next call goes on from there.
   */
  fingerprintWithin(from: number, to: number, rowsMax: number): Fingerprint | undefined {
    const sum = new Uint32Array(lanes);
    const walkedMax = this.walked + rowsMax;
    let count = 0;
    const isWithin = () => this.walked <= walkedMax;
    this.#eachPart(
      from,
      to,
      (chunk, first, end) => {
        if (isWithin()) count += this.#add(chunk, first, end, sum);
      },
      (slot) => {
        if (isWithin()) count += this.#addPacked(slot, sum);
      },
    );
    return isWithin() ? { count, sum } : undefined;
  }

  /** The time of the newest event; 0 where there is none. */
  get newestTime(): number {
    const { packed, ordered, edges } = this;
    const chunk = ordered.chunks[ordered.chunks.length - 1];
    const inMemory = chunk === undefined || chunk.count === 0 ? 0 : (chunk.time[chunk.count - 1] as number);
    // What was let go of was in the log.
    return Math.max(inMemory, packed.end - 1, edges.droppedBefore - 1, 0);
  }

  /** About how many rows there are from a time on: of a packed chunk all. O(chunks in memory). */
  countFrom(from: number): number {
    const { packed, ordered } = this;
    let count = packed.rowsWithin(packed.coldIndex(from), packed.cold);
    const start = ordered.lowerBound(from);
    for (let at = start.chunk; at < ordered.chunks.length; at++) count += (ordered.chunks[at] as Chunk).count;
    return count - start.row;
  }

  /** The same of rows that apps see. */
  shownFrom(from: number): number {
    const { ordered, packed } = this;
    let hidden = 0;
    for (let at = packed.coldIndex(from); at < packed.cold; at++)
      hidden += hiddenRowsOf(packed.slots[at] as PackedSlot);
    if (ordered.hidesRows) {
      const { chunks } = ordered;
      const start = ordered.lowerBound(from);
      for (let at = start.chunk; at < chunks.length; at++) {
        const chunk = chunks[at] as Chunk;
        const first = at === start.chunk ? start.row : 0;
        hidden += chunk.count - first - (chunk.shownWithin(chunk.count) - chunk.shownWithin(first));
      }
    }
    return this.countFrom(from) - hidden;
  }

  /**
   * About where the last `count` rows begin that apps see: at the time of one; where the log begins, when it has no more. Of none, behind
   * the last one. O(chunks).
   */
  startOfLast(count: number): number {
    const { complete } = this.edges;
    const { packed, ordered } = this;
    let left = count;
    /** Of these rows, from the last on: the time that is sought, when it is among them. */
    const lookThrough = (chunk: Chunk): number | undefined => {
      for (let row = chunk.count - 1; row >= 0; row--) {
        const time = chunk.time[row] as number;
        if (time < complete) return complete;
        if (!this.#isStored(chunk, row) || !isShown(chunk.kind[row] as number)) continue;
        if (left === 0) return time + 1;
        if (--left === 0) return time;
      }
      return undefined;
    };
    for (let at = ordered.chunks.length - 1; at >= 0; at--) {
      const chunk = ordered.chunks[at] as Chunk;
      const shown = ordered.hidesRows ? chunk.shownWithin(chunk.count) : chunk.count;
      if ((chunk.time[0] as number) >= complete && shown < left) {
        left -= shown;
        continue;
      }
      const found = lookThrough(chunk);
      if (found !== undefined) return found;
    }
    for (let at = packed.cold - 1; at >= 0; at--) {
      const slot = packed.slots[at] as PackedSlot;
      const shown = rowsOf(slot) - hiddenRowsOf(slot);
      if (slot.start >= complete && shown < left) {
        left -= shown;
        continue;
      }
      const found = lookThrough(packed.rows(at));
      if (found !== undefined) return found;
    }
    return complete;
  }

  /** Calls back for each row of `[from, to)` in order. */
  each(from: number, to: number, visit: (chunk: Chunk, row: number) => void): void {
    this.packed.require(from, to);
    this.#eachPart(from, to, (chunk, first, end) => {
      this.walked += end - first;
      for (let row = first; row < end; row++) if (this.#isStored(chunk, row)) visit(chunk, row);
    });
  }

  /** Times that cut the log so that the last part has about `rowsMin` rows, the one before twice as many, and so on. */
  ladder(rowsMin: number): number[] {
    const { chunks } = this.ordered;
    const cuts: number[] = [];
    let rows = 0;
    let rung = rowsMin;
    const step = (more: number, time: number) => {
      rows += more;
      if (rows < rung) return;
      if (time < (cuts[0] ?? Number.POSITIVE_INFINITY)) cuts.unshift(time);
      rows = 0;
      rung *= 2;
    };
    for (let at = chunks.length - 1; at >= 0; at--) {
      const chunk = chunks[at] as Chunk;
      for (let row = chunk.count - 1; row >= 0; row--) {
        // Far from the end it does not matter on which row of a chunk a cut falls.
        const many = rung > 4 * chunk.count ? row + 1 : 1;
        row -= many - 1;
        step(many, chunk.time[row] as number);
      }
    }
    const { packed } = this;
    for (let at = packed.cold - 1; at > 0; at--) {
      const slot = packed.slots[at] as PackedSlot;
      step(rowsOf(slot), slot.start);
    }
    return cuts;
  }

  /**
   * Times that cut `[from, to)`, with about `count` rows, into `parts` of about as many. Rows of one time stay together, and
   * where a packed chunk is less than a part it stays whole.
   */
  cuts(from: number, to: number, count: number, parts: number): number[] {
    const { packed } = this;
    const cuts = [from];
    const share = Math.ceil(count / parts);
    let inPart = 0;
    let last = Number.NaN;
    const visit = (rows: number, time: number) => {
      if (inPart >= share && time > last) {
        cuts.push(time);
        inPart = 0;
      }
      last = time;
      inPart += rows;
    };
    let next = from;
    for (let at = packed.coldIndex(from); at < packed.cold && (packed.slots[at] as PackedSlot).start < to; at++) {
      const slot = packed.slots[at] as PackedSlot;
      const end = Math.min(packed.endOf(at), to);
      const isWhole = slot.start >= next && packed.endOf(at) <= to;
      if (isWhole && rowsOf(slot) <= share) visit(rowsOf(slot), slot.start);
      else this.each(next, end, (chunk, row) => visit(1, chunk.time[row] as number));
      next = end;
    }
    this.each(next, to, (chunk, row) => visit(1, chunk.time[row] as number));
    // All but one time lie before the share is full: the last time is a part of its own.
    if (cuts.length === 1 && last > from && this.fingerprint(from, last).count > 0) cuts.push(last);
    cuts.push(to);
    return cuts;
  }

  /** Chunks with their rows in `[from, to)`. Cold ones that lie in it as a whole go to `visitWhole`, where it is given. */
  #eachPart(
    from: number,
    to: number,
    visit: (chunk: Chunk, first: number, end: number) => void,
    visitWhole?: (slot: PackedSlot) => void,
  ): void {
    const { packed } = this;
    for (let at = packed.coldIndex(from); at < packed.cold; at++) {
      const slot = packed.slots[at] as PackedSlot;
      if (slot.start >= to) return;
      const isFirst = slot.start < from && (at > 0 || from > 0);
      if (visitWhole !== undefined && !isFirst && packed.endOf(at) <= to) {
        visitWhole(slot);
        continue;
      }
      const chunk = packed.rows(at);
      const first = isFirst ? lowerRow(chunk, from) : 0;
      const end = packed.endOf(at) > to ? lowerRow(chunk, to) : chunk.count;
      if (end > first) visit(chunk, first, end);
    }
    const { chunks } = this.ordered;
    const start = this.ordered.lowerBound(from);
    const end = this.ordered.lowerBound(to);
    for (let at = start.chunk; at <= end.chunk && at < chunks.length; at++) {
      const chunk = chunks[at] as Chunk;
      const first = at === start.chunk ? start.row : 0;
      const last = at === end.chunk ? end.row : chunk.count;
      if (last > first) visit(chunk, first, last);
    }
  }

  #isStored(chunk: Chunk, row: number): boolean {
    return (chunk.seq[row] as number) <= (this.tables.writers.stored[chunk.writer[row] as number] as number);
  }

  /** Adds a packed chunk as a whole to a sum, and says how many rows that were. */
  #addPacked({ rows, sum: packedSum, late }: PackedSlot, sum: Uint32Array): number {
    addTo(sum, packedSum);
    return rows + (late === undefined ? 0 : this.#addRows(late, 0, late.count, sum));
  }

  /** Adds rows `[first, end)` of a chunk to a sum, and says how many there were. */
  #add(chunk: Chunk, first: number, end: number, sum: Uint32Array): number {
    if (first > 0 || end < chunk.count) return this.#addRows(chunk, first, end, sum);
    let kept = chunk.summed;
    if (kept === undefined || kept.epoch !== this.#epoch) {
      kept = { epoch: this.#epoch, rows: 0, sum: new Uint32Array(lanes) };
      chunk.summed = kept;
    }
    // What is stored grows: the sum is kept as far as it is, and the rest is added each time.
    let stored = kept.rows;
    while (stored < end && this.#isStored(chunk, stored)) stored++;
    this.#addRows(chunk, kept.rows, stored, kept.sum);
    kept.rows = stored;
    addTo(sum, kept.sum);
    return stored + this.#addRows(chunk, stored, end, sum);
  }

  #addRows(chunk: Chunk, first: number, end: number, sum: Uint32Array): number {
    const scratch = this.#scratch;
    let count = 0;
    for (let row = first; row < end; row++) {
      if (!this.#isStored(chunk, row)) continue;
      contribution(chunk, row, this.tables, scratch);
      addTo(sum, scratch);
      count++;
    }
    this.walked += count;
    return count;
  }
}

/** The first row of a chunk that is not before a time; of those at it the first that `compare` does not put before. */
function lowerRow(chunk: Chunk, time: number, compare: (row: number) => number = () => 0): number {
  let low = 0;
  let high = chunk.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const difference = (chunk.time[middle] as number) - time || compare(middle);
    if (difference < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
