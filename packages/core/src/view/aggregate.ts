/**
 * Aggregates: what a view adds up to, kept right row by row. An aggregate asks its function once per event and keeps the
 * answer, so that a row can be taken out again.
 */
import type { LogEvent } from '../event.js';
import type { Snapshot } from '../log/snapshot.js';
import { checkAggregator } from './check-arguments.js';
import { DerivedNode } from './derived-node.js';
import { type Carrier, carry } from './difference.js';
import type { Entry } from './event-list.js';
import type { ViewNode } from './node.js';
import { nodeOf } from './root.js';
import { noRows, type Rows, type Store } from './rows.js';
import type { Derived, ViewSource } from './view.js';

/** The answers kept for the rows of one store: a column for each of an aggregator's questions. @internal */
export type Columns = unknown[][];

/** What rows add up to. @internal */
export interface Accumulator<R> {
  /** A row comes in. Its answers stand in `columns` from `column` on. */
  add(columns: Columns, column: number, row: number, entry: () => Entry): void;
  /** A row that was added goes out. */
  remove(columns: Columns, column: number, row: number, entry: () => Entry): void;
  /** The same object until it changes. */
  value(): R;
}

/** A way to sum up events: `count()`, `sum('points')`, `group('room', count())`. What is in it is gossip-log's affair. */
export interface Aggregator<T, R> {
  /** What is asked of each event, once. @internal */
  readonly questions: readonly ((event: LogEvent<T>) => unknown)[];
  /** @internal */
  create(): Accumulator<R>;
  /** Reads the value off the rows, where that is all there is to do. @internal */
  read?(rows: Snapshot<T>, before: R | undefined): R;
}

/**
 * Sums a view up. The value is right after late events, and after events were taken out; a late event costs what a new
 * one costs. Events for which a function throws are reported and do not count.
 *
 * @throws TypeError when the source is none.
 * @example
 * ```ts
 * import { createGossipLog, writerIdFromBytes } from '@gossip-log/core';
 * import { aggregate, count, group, sum } from '@gossip-log/core/view';
 *
 * const writer = writerIdFromBytes(new Uint8Array(16));
 * const log = createGossipLog<{ user: string; points: number }>({ id: 'game', writer, now: Date.now });
 * const total = aggregate(log, sum('points'));
 * const perUser = aggregate(log, group('user', count()));
 * log.append({ user: 'ada', points: 3 });
 * total.value(); // 3
 * perUser.value().get('ada'); // 1
 * ```
 */
export function aggregate<T, R>(source: ViewSource<T>, aggregator: Aggregator<T, R>): Derived<R> {
  return new AggregateNode<T, R>(source, aggregator);
}

/** Stands for the answers of an event for which a question threw: it does not count. */
const failed = Symbol('failed');

class AggregateNode<T, R> extends DerivedNode<R> implements Carrier<unknown[][]> {
  readonly #aggregator: Aggregator<T, R>;
  readonly #accumulator: Accumulator<R>;
  #seen: Rows = noRows;
  #columns: readonly unknown[][][] = [];
  #read: { readonly rows: Snapshot<unknown>; readonly value: R } | undefined;

  constructor(source: ViewSource<T>, aggregator: Aggregator<T, R>) {
    super(nodeOf(source) as ViewNode);
    checkAggregator('aggregate', aggregator);
    this.#aggregator = aggregator;
    this.#accumulator = aggregator.create();
  }

  value(): R {
    const { read } = this.#aggregator;
    if (read === undefined) {
      const rows = this.input.sync();
      this.#columns = carry(this.#seen, rows, this.#columns, this);
      this.#seen = rows;
      return this.#accumulator.value();
    }
    const rows = this.input.snapshot();
    if (this.#read?.rows !== rows) this.#read = { rows, value: read(rows as Snapshot<T>, this.#read?.value) };
    return this.#read.value;
  }

  make(): unknown[][] {
    return this.#aggregator.questions.map(() => []);
  }

  keep(from: Columns, fromRow: number, to: Columns, toRow: number, length: number): void {
    for (const [i, column] of to.entries()) {
      for (let row = 0; row < length; row++) column[toRow + row] = from[i]?.[fromRow + row];
    }
  }

  add(to: Columns, store: Store, row: number, length: number): void {
    for (let at = row; at < row + length; at++) {
      if (this.#ask(to, store, at))
        this.#accumulator.add(to, 0, at, () => ({ event: store.event(at), tie: store.tie(at) }));
    }
  }

  /** Asks for a row's answers; false when one of the questions threw. */
  #ask(to: Columns, store: Store, row: number): boolean {
    const { questions } = this.#aggregator;
    if (questions.length === 0) return true;
    const event = store.event(row) as LogEvent<T>;
    try {
      for (let i = 0; i < questions.length; i++) {
        (to[i] as unknown[])[row] = (questions[i] as (event: LogEvent<T>) => unknown)(event);
      }
      return true;
    } catch (cause) {
      this.faults.report('aggregate', event, cause);
      (to[0] as unknown[])[row] = failed;
      return false;
    }
  }

  drop(from: Columns, store: Store, row: number, length: number): void {
    for (let at = row; at < row + length; at++) {
      if (from[0]?.[at] !== failed)
        this.#accumulator.remove(from, 0, at, () => ({ event: store.event(at), tie: store.tie(at) }));
    }
  }
}
