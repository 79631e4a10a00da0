/** A view's rows at one moment, as readers see them. Events are made when they are read. */
import type { LogEvent } from '../event.js';
import type { Snapshot } from '../log/snapshot.js';
import type { Rows } from './rows.js';

/** @internal */
export class ViewSnapshot<T> implements Snapshot<T> {
  /** The view it is of: only its own snapshots can be compared. */
  readonly view: object;
  /** The same rows may come to stand in other stores; then this is set to them, so that no old chunk is kept for it. */
  rows: Rows;

  constructor(view: object, rows: Rows) {
    this.view = view;
    this.rows = rows;
  }

  get length(): number {
    return this.rows.length;
  }

  at(index: number): LogEvent<T> | undefined {
    const position = index < 0 ? this.length + Math.trunc(index) : Math.trunc(index);
    if (!(position >= 0 && position < this.length)) return undefined;
    return this.rows.at(position) as LogEvent<T>;
  }

  slice(from = 0, to = this.length): LogEvent<T>[] {
    return [...this.rows.events(clamp(from, this.length), clamp(to, this.length))] as LogEvent<T>[];
  }

  map<U>(project: (event: LogEvent<T>, index: number) => U): U[] {
    return Array.from(this, project);
  }

  indexOf(event: LogEvent<T>): number {
    for (let position = this.rows.lowerBound(event.clock); position < this.length; position++) {
      const found = this.rows.at(position);
      if (found === event) return position;
      if (found.clock > event.clock) break;
    }
    return -1;
  }

  [Symbol.iterator](): IterableIterator<LogEvent<T>> {
    return this.rows.events(0, this.length) as IterableIterator<LogEvent<T>>;
  }
}

function clamp(index: number, length: number): number {
  const whole = Math.trunc(index) || 0;
  return whole < 0 ? Math.max(length + whole, 0) : Math.min(whole, length);
}
