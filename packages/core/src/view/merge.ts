/** `merge`: several views as one. */
import type { LogEvent } from '../event.js';
import { entriesChanged } from './entries-changed.js';
import { compareEntries, type Entry, EventList } from './event-list.js';
import { ViewNode } from './node.js';
import { nodeOf } from './root.js';
import { noRows, type Rows } from './rows.js';
import type { View, ViewSource } from './view.js';
import { storedEvent } from './view-event.js';

/**
 * The events of several logs and views in one order: by time, writer and sequence number, then the order of the logs here.
 * An event of a log that several views show is there once, as the first of them shows it. Ids are unique within a log only:
 * events of two logs may share one.
 *
 * @throws TypeError without a source, or for one that is none.
 * @example
 * ```ts
 * import { createGossipLog, writerIdFromBytes } from '@gossip-log/core';
 * import { merge } from '@gossip-log/core/view';
 *
 * const writer = writerIdFromBytes(new Uint8Array(16));
 * const [tea, coffee] = ['tea', 'coffee'].map((id) => createGossipLog<string>({ id, writer, now: Date.now }));
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
  /** Where one log may come in through several inputs: what each shows of an event of the log. */
  readonly #shown: Map<LogEvent, (Entry | undefined)[]> | undefined;

  constructor(inputs: readonly ViewNode[]) {
    super(inputs);
    this.sources = new Set(inputs.flatMap((input) => [...input.sources]));
    this.#seen = inputs.map(() => noRows);
    const all = [...this.sources];
    this.#places = inputs.map((input) => [...input.sources].map((source) => all.indexOf(source)));
    const many = inputs.reduce((count, input) => count + input.sources.size, 0);
    this.#shown = many > all.length ? new Map() : undefined;
  }

  protected update(): void {
    const removed: Entry[] = [];
    const inserted: Entry[] = [];
    /** Events that several inputs may show: what of each showed before. */
    const touched = new Map<LogEvent, Entry | undefined>();
    for (const [i, input] of this.inputs.entries()) {
      const rows = input.sync();
      const seen = this.#seen[i] as Rows;
      if (rows === seen) continue;
      this.#seen[i] = rows;
      const changed = entriesChanged(seen, rows);
      const placed = ({ event, tie }: Entry): Entry => ({ event, tie: (this.#places[i] as number[])[tie] as number });
      if (this.#shown === undefined) {
        removed.push(...changed.removed.map(placed));
        inserted.push(...changed.inserted.map(placed));
      } else {
        for (const entry of changed.removed) this.#show(touched, i, entry.event, undefined);
        for (const entry of changed.inserted) this.#show(touched, i, entry.event, placed(entry));
      }
    }
    for (const [stored, was] of touched) {
      const is = firstOf(this.#shown?.get(stored));
      if (is === undefined) this.#shown?.delete(stored);
      if (is?.event === was?.event) continue;
      if (was !== undefined) removed.push(was);
      if (is !== undefined) inserted.push(is);
    }
    if (removed.length + inserted.length === 0) return;
    this.#list.apply(removed.sort(compareEntries), inserted.sort(compareEntries));
    this.rows = this.#list.rows;
    this.revision++;
  }

  #show(touched: Map<LogEvent, Entry | undefined>, input: number, event: LogEvent, entry: Entry | undefined): void {
    const stored = storedEvent(event);
    const shown = this.#shown?.get(stored) ?? [];
    this.#shown?.set(stored, shown);
    if (!touched.has(stored)) touched.set(stored, firstOf(shown));
    shown[input] = entry;
  }
}

function firstOf(shown: readonly (Entry | undefined)[] | undefined): Entry | undefined {
  return shown?.find((entry) => entry !== undefined);
}
