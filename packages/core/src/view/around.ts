/** The filter `around`. */
import type { LogEvent } from '../event.js';
import { checkEvent, checkWhole } from './check-arguments.js';
import { type Entry, EventList } from './event-list.js';
import { ViewNode } from './node.js';
import { orderIn } from './order-in.js';
import { noRows, type Rows, type Store } from './rows.js';
import type { Operator, ViewSource } from './view.js';

/**
 * `event` and its neighbours in the view: at most `count` before it and as many after. Nothing while the view does not
 * hold it. For a search hit, a quotation.
 *
 * @throws TypeError when it is no event; RangeError when `count` is not a whole number from 0.
 */
export function around<T>(event: LogEvent, count: number): Operator<T, T> {
  const { compare } = orderIn(checkEvent('around', event));
  checkWhole('around', count, 0);
  return (input) => new AroundNode<T>(input as unknown as ViewNode, compare, event.clock, count);
}

class AroundNode<T> extends ViewNode<T> {
  readonly sources: ReadonlySet<ViewSource>;
  readonly #input: ViewNode;
  readonly #compare: (store: Store, row: number) => number;
  readonly #clock: number;
  readonly #count: number;
  readonly #list = new EventList();
  #entries: readonly Entry[] = [];
  #seen: Rows = noRows;

  constructor(input: ViewNode, compare: (store: Store, row: number) => number, clock: number, count: number) {
    super([input], input.bounds);
    this.sources = input.sources;
    this.#input = input;
    this.#compare = compare;
    this.#clock = clock;
    this.#count = count;
  }

  protected update(): void {
    const input = this.#input.sync();
    if (input === this.#seen) return;
    this.#seen = input;
    const before = this.#entries;
    this.#entries = this.#neighbours(input);
    const [was, is] = [before, this.#entries].map((entries) => new Set(entries.map(({ event }) => event)));
    const removed = before.filter(({ event }) => !is?.has(event));
    const inserted = this.#entries.filter(({ event }) => !was?.has(event));
    if (removed.length + inserted.length === 0) return;
    this.#list.apply(removed, inserted);
    this.rows = this.#list.rows;
    this.revision++;
  }

  #neighbours(rows: Rows): Entry[] {
    for (let position = rows.lowerBound(this.#clock); position < rows.length; position++) {
      const { store, row } = rows.locate(position);
      const order = this.#compare(store, row);
      if (order > 0) break;
      if (order < 0) continue;
      const from = Math.max(0, position - this.#count);
      const to = Math.min(rows.length, position + this.#count + 1);
      return Array.from({ length: to - from }, (_, i) => {
        const { store, row } = rows.locate(from + i);
        return { event: store.event(row), tie: store.tie(row) };
      });
    }
    return [];
  }
}
