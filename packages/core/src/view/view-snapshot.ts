/** A view's rows at one moment, as readers see them. Events are made when they are read. */
import type { LogEvent } from '../event.js';
import { isSameEvent, SnapshotBase } from '../log/snapshot.js';
import type { Rows } from './rows.js';

/** @internal */
export class ViewSnapshot<T> extends SnapshotBase<T> {
  readonly #view: object;
  #rows: Rows;

  constructor(view: object, rows: Rows) {
    super();
    this.#view = view;
    this.#rows = rows;
  }

  /** The view it is of: only its own snapshots can be compared. */
  get view(): object {
    return this.#view;
  }

  get rows(): Rows {
    return this.#rows;
  }

  /** The same rows may come to stand in other stores: they are set to them, so that no old chunk is kept for it. */
  set rows(rows: Rows) {
    this.#rows = rows;
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

  indexOf(event: LogEvent<T>): number {
    if (typeof event?.clock !== 'number') return -1;
    for (let position = this.rows.lowerBound(event.clock); position < this.length; position++) {
      const found = this.rows.at(position);
      if (isSameEvent(found as LogEvent, event)) return position;
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
