/**
 * The effective log (G3) read by spans of time: how many rows, their fingerprint, the rows themselves.
 *
 * A chunk keeps the sum of its rows once all of them are stored, so a span costs its chunks and the rows of the two at
 * its ends. What is summed stays in the log, except when events give way: then `epoch` moves on.
 */
import type { Chunk } from './chunk.js';
import { contribution, lanes } from './contribution.js';
import type { Edges } from './edges.js';
import type { LogTables } from './log-tables.js';
import type { OrderedLog } from './ordered-log.js';

/** Rows and the sum of their contributions. */
export interface Fingerprint {
  readonly count: number;
  readonly sum: Uint32Array;
}

/** @internal */
export class EffectiveRows {
  readonly #ordered: OrderedLog;
  readonly tables: LogTables;
  /** Where the effective log begins (K1). */
  readonly edges: Edges;
  readonly #scratch = new Uint32Array(lanes);
  #epoch = 0;

  constructor(ordered: OrderedLog, tables: LogTables, edges: Edges) {
    this.#ordered = ordered;
    this.tables = tables;
    this.edges = edges;
  }

  /** Rows that were stored may not be any more: no sum kept so far counts. */
  forget(): void {
    this.#epoch++;
  }

  /** Replicas that have stored events. */
  get replicaCount(): number {
    let count = 0;
    for (const seq of this.tables.replicas.stored) if (seq > 0) count++;
    return count;
  }

  /** Is that event here, at that time? O(log n). */
  has(replica: number, { last, lastTime }: { readonly last: number; readonly lastTime: number }): boolean {
    const found = this.#ordered.locate(lastTime, replica);
    return found !== undefined && this.#ordered.chunks[found.chunk]?.seq[found.row] === last;
  }

  fingerprint(from: number, to: number): Fingerprint {
    const sum = new Uint32Array(lanes);
    let count = 0;
    this.#eachChunk(from, to, (chunk, first, end) => {
      count += this.#add(chunk, first, end, sum);
    });
    return { count, sum };
  }

  /** Calls back for each row of `[from, to)` in order. */
  each(from: number, to: number, visit: (chunk: Chunk, row: number) => void): void {
    this.#eachChunk(from, to, (chunk, first, end) => {
      for (let row = first; row < end; row++) if (this.#isStored(chunk, row)) visit(chunk, row);
    });
  }

  /** Times that cut the log so that the last part has about `rowsMin` rows, the one before twice as many, and so on. */
  ladder(rowsMin: number): number[] {
    const { chunks } = this.#ordered;
    const cuts: number[] = [];
    let rows = 0;
    let rung = rowsMin;
    for (let at = chunks.length - 1; at >= 0; at--) {
      const chunk = chunks[at] as Chunk;
      for (let row = chunk.count - 1; row >= 0; row--) {
        // Far from the end it does not matter on which row of a chunk a cut falls.
        const step = rung > 4 * chunk.count ? row + 1 : 1;
        row -= step - 1;
        rows += step;
        if (rows < rung) continue;
        const time = chunk.time[row] as number;
        if (time < (cuts[0] ?? Number.POSITIVE_INFINITY)) cuts.unshift(time);
        rows = 0;
        rung *= 2;
      }
    }
    return cuts;
  }

  #eachChunk(from: number, to: number, visit: (chunk: Chunk, first: number, end: number) => void): void {
    const { chunks } = this.#ordered;
    const start = this.#ordered.lowerBound(from);
    const end = this.#ordered.lowerBound(to);
    for (let at = start.chunk; at <= end.chunk && at < chunks.length; at++) {
      const chunk = chunks[at] as Chunk;
      const first = at === start.chunk ? start.row : 0;
      const last = at === end.chunk ? end.row : chunk.count;
      if (last > first) visit(chunk, first, last);
    }
  }

  #isStored(chunk: Chunk, row: number): boolean {
    return (chunk.seq[row] as number) <= (this.tables.replicas.stored[chunk.replica[row] as number] as number);
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
    for (let lane = 0; lane < lanes; lane++) sum[lane] = (sum[lane] as number) + (kept.sum[lane] as number);
    return stored + this.#addRows(chunk, stored, end, sum);
  }

  #addRows(chunk: Chunk, first: number, end: number, sum: Uint32Array): number {
    const scratch = this.#scratch;
    let count = 0;
    for (let row = first; row < end; row++) {
      if (!this.#isStored(chunk, row)) continue;
      contribution(chunk, row, this.tables, scratch);
      for (let lane = 0; lane < lanes; lane++) sum[lane] = (sum[lane] as number) + (scratch[lane] as number);
      count++;
    }
    return count;
  }
}
