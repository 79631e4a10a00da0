/**
 * The rows of a view at one moment: a list of stores, each up to `chunkRowsMax` rows in order. A store that has been seen
 * only grows at its end; the list says how much of its last store belongs to it.
 */
import type { LogEvent } from '../event.js';
import { type WriterId, writerIdToBytes } from '../ids.js';
import { compareBytes } from '../log/writer-table.js';

/** Some rows of a view. A log's are columns; a view's point into its input's. @internal */
export abstract class Store {
  abstract time(row: number): number;
  /** Who wrote the event: breaks ties of time. */
  abstract writer(row: number): WriterId;
  abstract seq(row: number): number;
  /** The same object every time. */
  abstract event(row: number): LogEvent;
  /** Is it the very same event, of two rows whose keys may be equal? */
  abstract same(row: number, other: Store, otherRow: number): boolean;

  /** Was the event redacted? */
  isErased(row: number): boolean {
    return this.event(row).redacted !== undefined;
  }

  /** Who wrote it as readers may know. */
  shownWriter(row: number): WriterId {
    return this.writer(row);
  }

  /** The place of the row's log among those of the view: keeps rows of several logs apart that have one key. */
  tie(_row: number): number {
    return 0;
  }

  /** How many rows from here on are the same as `other`'s, at most `limit`. */
  sameRows(row: number, other: Store, otherRow: number, limit: number): number {
    let count = 0;
    while (count < limit && this.same(row + count, other, otherRow + count)) count++;
    return count;
  }
}

/** Order of two rows: by time, writer, and where they are of different logs, sequence number and log. @internal */
export function compareRows(a: Store, row: number, b: Store, otherRow: number): number {
  const difference = a.time(row) - b.time(otherRow);
  if (difference !== 0) return difference;
  return (
    compareWriters(a.writer(row), b.writer(otherRow)) || a.seq(row) - b.seq(otherRow) || a.tie(row) - b.tie(otherRow)
  );
}

/** @internal */
export function compareWriters(a: WriterId, b: WriterId): number {
  return a === b ? 0 : compareBytes(writerIdToBytes(a), writerIdToBytes(b));
}

/** Position of each store's first row, made when first asked for. */
const startsOf = new WeakMap<readonly Store[], Uint32Array>();

let made = 0;

/** @internal */
export class Rows {
  /** Tells this list from any other. */
  readonly number = made++;
  readonly stores: readonly Store[];
  /** Rows of each store but the last, whose are `tail`. Shared by lists that differ in `tail` alone. */
  readonly counts: readonly number[];
  readonly tail: number;
  readonly length: number;

  constructor(stores: readonly Store[], counts: readonly number[], tail: number, length: number) {
    this.stores = stores;
    this.counts = counts;
    this.tail = tail;
    this.length = length;
  }

  static of(stores: readonly Store[], counts: readonly number[]): Rows {
    return new Rows(
      stores,
      counts,
      counts.at(-1) ?? 0,
      counts.reduce((sum, count) => sum + count, 0),
    );
  }

  /** The same stores, the last one grown. */
  grown(tail: number): Rows {
    return tail === this.tail ? this : new Rows(this.stores, this.counts, tail, this.length + tail - this.tail);
  }

  count(store: number): number {
    return store === this.stores.length - 1 ? this.tail : (this.counts[store] as number);
  }

  /** Position of a store's first row. */
  start(store: number): number {
    if (store === this.stores.length) return this.length;
    if (store === this.stores.length - 1) return this.length - this.tail;
    return this.#starts()[store] as number;
  }

  /** The event at a position that is inside. */
  at(position: number): LogEvent {
    const { store, row } = this.locate(position);
    return store.event(row);
  }

  /** Where a position stands that is inside. */
  locate(position: number): { store: Store; row: number } {
    const at = this.#storeOf(position);
    return { store: this.stores[at] as Store, row: position - this.start(at) };
  }

  /** Positions `[from, to)`, a piece per store. */
  *spans(from: number, to: number): Generator<{ store: Store; row: number; length: number }, void> {
    let position = from;
    for (let i = this.#storeOf(from); position < to; i++) {
      const start = this.start(i);
      const length = Math.min(to, start + this.count(i)) - position;
      if (length > 0) yield { store: this.stores[i] as Store, row: position - start, length };
      position += length;
    }
  }

  *events(from: number, to: number): Generator<LogEvent, void> {
    for (const { store, row, length } of this.spans(from, to)) {
      for (let at = row; at < row + length; at++) yield store.event(at);
    }
  }

  /** First position whose time is at least `time`. */
  lowerBound(time: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { store, row } = this.locate(middle);
      if (store.time(row) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #storeOf(position: number): number {
    const last = this.stores.length - 1;
    if (position >= this.length - this.tail) return last;
    const starts = this.#starts();
    let low = 0;
    let high = last;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((starts[middle] as number) <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #starts(): Uint32Array {
    let starts = startsOf.get(this.stores);
    if (starts === undefined) {
      starts = new Uint32Array(this.stores.length);
      for (let i = 1; i < starts.length; i++) {
        starts[i] = (starts[i - 1] as number) + (this.counts[i - 1] as number);
      }
      startsOf.set(this.stores, starts);
    }
    return starts;
  }
}

/** @internal */
export const noRows = new Rows([], [], 0, 0);
