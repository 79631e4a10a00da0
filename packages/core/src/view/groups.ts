/** What `group` and `topGroups` share: an accumulator per key. */
import type { Accumulator, Aggregator, Columns } from './aggregate.js';
import type { Entry } from './event-list.js';

/** @internal */
export class Groups<K, R> {
  /** Keys whose value may be another. Whoever reads clears it. */
  readonly touched = new Set<K>();
  readonly #inner: Aggregator<never, R>;
  readonly #groups = new Map<K, { rows: number; readonly accumulator: Accumulator<R> }>();

  constructor(inner: Aggregator<never, R>) {
    this.#inner = inner;
  }

  has(key: K): boolean {
    return this.#groups.has(key);
  }

  /** The value of a key that is there. */
  value(key: K): R {
    return (this.#groups.get(key) as { accumulator: Accumulator<R> }).accumulator.value();
  }

  add(columns: Columns, column: number, row: number, entry: () => Entry): void {
    const key = columns[column]?.[row] as K;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { rows: 0, accumulator: this.#inner.create() };
      this.#groups.set(key, group);
    }
    group.rows++;
    group.accumulator.add(columns, column + 1, row, entry);
    this.touched.add(key);
  }

  remove(columns: Columns, column: number, row: number, entry: () => Entry): void {
    const key = columns[column]?.[row] as K;
    const group = this.#groups.get(key) as { rows: number; accumulator: Accumulator<R> };
    group.accumulator.remove(columns, column + 1, row, entry);
    if (--group.rows === 0) this.#groups.delete(key);
    this.touched.add(key);
  }
}
