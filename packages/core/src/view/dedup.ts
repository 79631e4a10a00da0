/** The filter `dedup`. */
import type { LogEvent } from '../event.js';
import { checkFunction } from './check-arguments.js';
import { entriesChanged } from './entries-changed.js';
import { compareEntries, type Entry, EventList } from './event-list.js';
import { ViewNode } from './node.js';
import { noRows, type Rows } from './rows.js';
import { SortedList } from './sorted-list.js';
import type { Operator, ViewSource } from './view.js';

/**
 * Of the events with one key, the first in log order. A late event takes over from one that it comes before. Keys are
 * compared as a `Map` does. An event for which the function throws is left out.
 *
 * @example
 * ```ts
 * import { createGossipLog, writerIdFromBytes } from '@gossip-log/core';
 * import { dedup, view } from '@gossip-log/core/view';
 *
 * const writer = writerIdFromBytes(new Uint8Array(16));
 * const log = createGossipLog<{ order: number }>({ id: 'orders', writer, now: Date.now });
 * for (const order of [1, 2, 1]) log.append({ order });
 * view(log, dedup((payload) => payload.order)).snapshot().length; // 2
 * ```
 */
export function dedup<T>(key: (payload: T, event: LogEvent<T>) => unknown): Operator<T, T> {
  checkFunction('dedup', key);
  return (input) =>
    new DedupNode<T>(input as unknown as ViewNode, key as (payload: unknown, event: LogEvent) => unknown);
}

class DedupNode<T> extends ViewNode<T> {
  readonly sources: ReadonlySet<ViewSource>;
  readonly #input: ViewNode;
  readonly #key: (payload: unknown, event: LogEvent) => unknown;
  readonly #list = new EventList();
  /** Per event that has one, its key: asked for once. */
  readonly #keys = new Map<LogEvent, unknown>();
  /** Events by key, in log order; a lone one without a list around it. */
  readonly #groups = new Map<unknown, Entry | SortedList<Entry>>();
  #seen: Rows = noRows;

  constructor(input: ViewNode, key: (payload: unknown, event: LogEvent) => unknown) {
    super([input], input.bounds);
    this.sources = input.sources;
    this.#input = input;
    this.#key = key;
  }

  protected update(): void {
    const input = this.#input.sync();
    if (input === this.#seen) return;
    const { removed, inserted } = entriesChanged(this.#seen, input);
    this.#seen = input;
    /** Firsts of the keys that are touched, as they were. */
    const before = new Map<unknown, Entry | undefined>();
    for (const entry of removed) {
      if (!this.#keys.has(entry.event)) continue;
      const key = this.#keys.get(entry.event);
      this.#keys.delete(entry.event);
      this.#touch(before, key);
      const group = this.#groups.get(key);
      if (group instanceof SortedList) group.remove(entry);
      if (!(group instanceof SortedList) || group.size === 0) this.#groups.delete(key);
    }
    for (const entry of inserted) {
      let key: unknown;
      try {
        key = this.#key(entry.event.payload, entry.event);
      } catch (cause) {
        this.faults.report('dedup', entry.event, cause);
        continue;
      }
      this.#keys.set(entry.event, key);
      this.#touch(before, key);
      this.#add(key, entry);
    }
    const out: Entry[] = [];
    const put: Entry[] = [];
    for (const [key, was] of before) {
      const is = this.#first(key);
      if (is?.event === was?.event) continue;
      if (was !== undefined) out.push(was);
      if (is !== undefined) put.push(is);
    }
    if (out.length + put.length === 0) return;
    this.#list.apply(out.sort(compareEntries), put.sort(compareEntries));
    this.rows = this.#list.rows;
    this.revision++;
  }

  #touch(before: Map<unknown, Entry | undefined>, key: unknown): void {
    if (!before.has(key)) before.set(key, this.#first(key));
  }

  #first(key: unknown): Entry | undefined {
    const group = this.#groups.get(key);
    return group instanceof SortedList ? group.first() : group;
  }

  #add(key: unknown, entry: Entry): void {
    const group = this.#groups.get(key);
    if (group === undefined) {
      this.#groups.set(key, entry);
    } else if (group instanceof SortedList) {
      group.add(entry);
    } else {
      const list = new SortedList(compareEntries);
      list.add(group);
      list.add(entry);
      this.#groups.set(key, list);
    }
  }
}
