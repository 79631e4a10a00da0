/**
 * An immutable reading view of a log at one moment: a list of chunk pointers, shared with the log and with other
 * snapshots. Events are made when they are read.
 */
import type { LogEvent, StoredEvent } from '../event.js';
import type { Chunk } from './chunk.js';
import type { OrderedLog } from './ordered-log.js';

/**
 * An immutable reading view of a log at one moment, in log order. An unchanged log returns the same object; a changed
 * one shares all chunks that did not change. It reads as an array does, but is not an Array, because making one would
 * make every event. `JSON.stringify` writes it as an array of its events; `structuredClone` takes `slice()`.
 *
 * @example
 * ```ts
 * import { createGossipLog, writerIdFromBytes } from '@gossip-log/core';
 *
 * const writer = writerIdFromBytes(new Uint8Array(16));
 * const log = createGossipLog<string>({ id: 'notes', writer, now: Date.now });
 * log.append('first');
 * const before = log.snapshot();
 * log.append('second');
 * before.length; // 1: a snapshot never changes
 * log.snapshot().map((event) => event.payload); // ['first', 'second']
 * ```
 */
export interface Snapshot<T = unknown> extends Iterable<LogEvent<T>> {
  readonly length: number;
  /** The i-th event in log order; negative counts from the end; `undefined` outside. */
  at(index: number): LogEvent<T> | undefined;
  /** `[from, to)`, as `Array.prototype.slice`. Makes only those events. */
  slice(from?: number, to?: number): LogEvent<T>[];
  map<U>(project: (event: LogEvent<T>, index: number) => U): U[];
  /** Position of an event of this log, or -1. Also that of one which was redacted since: it has the same id. O(log n). */
  indexOf(event: LogEvent<T>): number;
}

/** Are they one event? A redacted one is another object than before. @internal */
export function isSameEvent(a: LogEvent, b: LogEvent): boolean {
  return a === b || (a.clock === b.clock && a.writer === b.writer && a.seq === b.seq);
}

/** What consoles show of a snapshot at most: Node shows a hundred items of an array, the last of which says how many are left. */
const shownMax = 99;

/** What all snapshots have in common. @internal */
export abstract class SnapshotBase<T> implements Snapshot<T> {
  abstract readonly length: number;
  abstract at(index: number): LogEvent<T> | undefined;
  abstract slice(from?: number, to?: number): LogEvent<T>[];
  abstract indexOf(event: LogEvent<T>): number;
  abstract [Symbol.iterator](): IterableIterator<LogEvent<T>>;

  map<U>(project: (event: LogEvent<T>, index: number) => U): U[] {
    if (typeof project !== 'function') throw new TypeError(`map: expected a function, got ${typeof project}`);
    return Array.from(this, project);
  }

  toJSON(): LogEvent<T>[] {
    return this.slice();
  }

  // In a console it is an array of events too, not what it is made of.
  [Symbol.for('nodejs.util.inspect.custom')](): unknown {
    const more = this.length - shownMax;
    return more > 1 ? [...this.slice(0, shownMax), `… ${more} more events`] : this.slice();
  }
}

/** So many chunks from the end a position is looked for there, without the position of every chunk. */
const nearChunks = 4;

/**
 * Position of each chunk's first row, made when a reader first goes far from the end. It belongs to the list, which
 * snapshots share, and which is copied before any of these counts changes (O4).
 */
const startsOf = new WeakMap<readonly Chunk[], Uint32Array>();

/** @internal */
export class ChunkSnapshot<T> extends SnapshotBase<T> {
  readonly length: number;
  // Private, so that neither `{ ...snapshot }` nor a console sees them.
  readonly #log: OrderedLog;
  readonly #chunks: readonly Chunk[];
  readonly #tailRows: number;
  /** Where nothing is hidden, nothing is looked for. */
  readonly #hidesRows: boolean;

  /** The log at this moment. */
  constructor(log: OrderedLog) {
    super();
    const chunks = log.share();
    const tail = chunks[chunks.length - 1];
    this.#log = log;
    this.#chunks = chunks;
    this.#hidesRows = log.hidesRows;
    this.#tailRows = tail === undefined ? 0 : this.#shownOf(tail);
    this.length = log.shownLength;
    Object.freeze(this);
  }

  get log(): OrderedLog {
    return this.#log;
  }
  get chunks(): readonly Chunk[] {
    return this.#chunks;
  }
  /** Rows of the last chunk that show. It may grow later; the snapshot ends where it did. */
  get tailRows(): number {
    return this.#tailRows;
  }

  at(index: number): LogEvent<T> | undefined {
    const position = index < 0 ? this.length + Math.trunc(index) : Math.trunc(index);
    if (!(position >= 0 && position < this.length)) return undefined;
    const { chunk, first } = this.#locate(position);
    return this.#event(chunk, position - first);
  }

  slice(from = 0, to = this.length): LogEvent<T>[] {
    const start = clamp(from, this.length);
    const end = clamp(to, this.length);
    const events: LogEvent<T>[] = [];
    if (start >= end) return events;
    let { chunk, first } = this.#locate(start);
    for (let position = start; position < end; chunk++) {
      const next = first + this.#rows(chunk);
      const stop = Math.min(end, next);
      for (; position < stop; position++) events.push(this.#event(chunk, position - first));
      first = next;
    }
    return events;
  }

  indexOf(event: LogEvent<T>): number {
    if (typeof event?.clock !== 'number') return -1;
    const starts = this.#starting();
    let low = 0;
    let high = this.length;
    // By time, then along the few rows of equal time.
    while (low < high) {
      const middle = (low + high) >>> 1;
      const chunk = this.#chunkAt(starts, middle);
      const { time: times } = this.#chunks[chunk] as Chunk;
      const time = times[this.#row(chunk, middle - (starts[chunk] as number))] as number;
      if (time < event.clock) low = middle + 1;
      else high = middle;
    }
    for (let position = low; position < this.length; position++) {
      const found = this.at(position) as LogEvent<T>;
      if (isSameEvent(found, event)) return position;
      if (found.clock > event.clock) break;
    }
    return -1;
  }

  *[Symbol.iterator](): IterableIterator<LogEvent<T>> {
    for (let chunk = 0; chunk < this.#chunks.length; chunk++) {
      const rows = this.#rows(chunk);
      for (let row = 0; row < rows; row++) yield this.#event(chunk, row);
    }
  }

  #event(chunk: number, row: number): LogEvent<T> {
    return this.#log.event(this.#chunks[chunk] as Chunk, this.#row(chunk, row)) as StoredEvent<T>;
  }

  #row(chunk: number, shown: number): number {
    return (this.#chunks[chunk] as Chunk).shownRow(shown);
  }

  /** Rows of a chunk that belong to this snapshot, and show. */
  #rows(chunk: number): number {
    return chunk === this.#chunks.length - 1 ? this.#tailRows : this.rowsOf(chunk);
  }

  /** Rows of a chunk before the last that show. */
  rowsOf(chunk: number): number {
    return this.#shownOf(this.#chunks[chunk] as Chunk);
  }

  #shownOf(chunk: Chunk): number {
    return this.#hidesRows ? chunk.shownWithin(chunk.count) : chunk.count;
  }

  /** The chunk that holds a position, and the position of its first row. */
  #locate(position: number): { chunk: number; first: number } {
    let first = this.length;
    const { length } = this.#chunks;
    for (let chunk = length - 1; chunk >= 0 && length - chunk <= nearChunks; chunk--) {
      first -= this.#rows(chunk);
      if (position >= first) return { chunk, first };
    }
    const starts = this.#starting();
    const chunk = this.#chunkAt(starts, position);
    return { chunk, first: starts[chunk] as number };
  }

  #starting(): Uint32Array {
    let starts = startsOf.get(this.#chunks);
    if (starts === undefined) {
      const { length } = this.#chunks;
      starts = new Uint32Array(length);
      for (let i = 1; i < length; i++) starts[i] = (starts[i - 1] as number) + this.rowsOf(i - 1);
      startsOf.set(this.#chunks, starts);
    }
    return starts;
  }

  #chunkAt(starts: Uint32Array, position: number): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    if (position >= (starts[high] as number)) return high;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((starts[middle] as number) <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function clamp(index: number, length: number): number {
  const whole = Math.trunc(index) || 0;
  return whole < 0 ? Math.max(length + whole, 0) : Math.min(whole, length);
}

/** The snapshot of a log that is not there yet: no events, always the same object. */
export const emptySnapshot: Snapshot<never> = Object.freeze(
  new (class EmptySnapshot extends SnapshotBase<never> {
    readonly length = 0;
    at(): undefined {}
    slice(): never[] {
      return [];
    }
    indexOf(): number {
      return -1;
    }
    [Symbol.iterator](): IterableIterator<never> {
      return [][Symbol.iterator]();
    }
  })(),
);
