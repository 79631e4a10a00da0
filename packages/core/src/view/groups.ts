/** What `group` and `topGroups` share: an accumulator per key. */
import type { Accumulator, Aggregator, Columns } from './aggregate.js';
import type { Entry } from './event-list.js';

/** @internal */
export class Groups<K, R> {
  /** Keys whose value may be another, until `settle`. */
  readonly touched = new Set<K>();
  readonly #inner: Aggregator<never, R>;
  readonly #groups = new Map<K, { rows: number; readonly accumulator: Accumulator<R> }>();

  constructor(inner: Aggregator<never, R>) {
    this.#inner = inner;
  }

  has(key: K): boolean {
    return (this.#groups.get(key)?.rows ?? 0) > 0;
  }

  /** The touched keys were read. Only now groups without rows go: one that got another row meanwhile is the same. */
  settle(): void {
    for (const key of this.touched) if (!this.has(key)) this.#groups.delete(key);
    this.touched.clear();
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
    group.rows--;
    this.touched.add(key);
  }
}
