/** `merge`: several views as one. */
import type { LogEvent } from '../event.js';
import { entriesChanged } from './entries-changed.js';
import { compareEntries, type Entry, EventList } from './event-list.js';
import { ViewNode } from './node.js';
import { nodeOf } from './root.js';
import { noRows, type Rows } from './rows.js';
import type { View, ViewSource } from './view.js';

/**
 * The events of several logs and views in one order: by time, then replica, then the order of the logs here. An event
 * that several views of one log show is there once. Ids are unique within a log only: events of two logs may share one.
 *
 * @throws TypeError without a source, or for one that is none.
 * @example
 * ```ts
 * import { createGossipLog, replicaIdFromBytes } from '@gossip-log/core';
 * import { merge } from '@gossip-log/core/view';
 *
 * const replica = replicaIdFromBytes(new Uint8Array(16));
 * const [tea, coffee] = ['tea', 'coffee'].map((id) => createGossipLog<string>({ id, replica, now: Date.now }));
 * if (tea && coffee) merge(tea, coffee).snapshot().length; // 0
 * ```
 */
export function merge<T>(...sources: readonly ViewSource<T>[]): View<T> {
  if (sources.length === 0) throw new TypeError('merge: expected at least one log or view');
  return new MergeNode<T>(sources.map((source) => nodeOf(source) as ViewNode));
}

class MergeNode<T> extends ViewNode<T> {
  readonly sources: ReadonlySet<ViewSource>;
  readonly #list = new EventList();
  readonly #seen: Rows[];
  /** Per input, the place of each of its logs among all of them. */
  readonly #places: readonly (readonly number[])[];
  /** How many inputs show an event, where one log may come in through several. */
  readonly #copies: Map<LogEvent, number> | undefined;

  constructor(inputs: readonly ViewNode[]) {
    super(inputs);
    this.sources = new Set(inputs.flatMap((input) => [...input.sources]));
    this.#seen = inputs.map(() => noRows);
    const all = [...this.sources];
    this.#places = inputs.map((input) => [...input.sources].map((source) => all.indexOf(source)));
    const many = inputs.reduce((count, input) => count + input.sources.size, 0);
    this.#copies = many > all.length ? new Map() : undefined;
  }

  protected update(): void {
    const removed: Entry[] = [];
    const inserted: Entry[] = [];
    for (const [i, input] of this.inputs.entries()) {
      const rows = input.sync();
      const seen = this.#seen[i] as Rows;
      if (rows === seen) continue;
      this.#seen[i] = rows;
      const changed = entriesChanged(seen, rows);
      const placed = ({ event, tie }: Entry): Entry => ({ event, tie: (this.#places[i] as number[])[tie] as number });
      for (const entry of changed.removed) if (this.#count(entry.event, -1) === 0) removed.push(placed(entry));
      for (const entry of changed.inserted) if (this.#count(entry.event, 1) === 1) inserted.push(placed(entry));
    }
    if (removed.length + inserted.length === 0) return;
    // What left one input and came into another is as it was.
    const put = new Set(inserted.map(({ event }) => event));
    const both = new Set(removed.map(({ event }) => event).filter((event) => put.has(event)));
    this.#list.apply(
      removed.filter(({ event }) => !both.has(event)).sort(compareEntries),
      inserted.filter(({ event }) => !both.has(event)).sort(compareEntries),
    );
    this.rows = this.#list.rows;
    this.revision++;
  }

  /** How many inputs show it now. */
  #count(event: LogEvent, change: 1 | -1): number {
    if (this.#copies === undefined) return change === 1 ? 1 : 0;
    const count = (this.#copies.get(event) ?? 0) + change;
    if (count === 0) this.#copies.delete(event);
    else this.#copies.set(event, count);
    return count;
  }
}
