/** What every view is inside: a node that pulls from its inputs. */
import type { GossipError } from '../errors.js';
import type { LogEvent } from '../event.js';
import { viewErrorsMax } from '../limits.js';
import { Listeners } from '../listeners.js';
import type { Snapshot } from '../log/snapshot.js';
import { type Bounds, unbounded } from './bounds.js';
import { difference, hasChanged } from './difference.js';
import { Faults } from './faults.js';
import { type End, pulled } from './pulled.js';
import { compareRows, noRows, type Rows, type Store } from './rows.js';
import type { Splice, View, ViewSource } from './view.js';
import { ViewSnapshot } from './view-snapshot.js';

/** @internal */
export abstract class ViewNode<T = unknown> implements View<T> {
  /** The logs that it is made of. */
  abstract readonly sources: ReadonlySet<ViewSource>;
  readonly inputs: readonly ViewNode[];
  /** What is known of all its rows. */
  readonly bounds: Bounds;
  readonly faults = new Faults();
  protected rows: Rows = noRows;
  /** Rises when rows come, go or move; not when they merely stand in other stores. */
  revision = 0;
  #snapshot: ViewSnapshot<T> | undefined;
  #snapshotRevision = 0;
  readonly #listeners = new Listeners(undefined, () => this.#connect());

  constructor(inputs: readonly ViewNode[], bounds: Bounds = unbounded) {
    this.inputs = inputs;
    this.bounds = bounds;
  }

  /** Brings `rows` and `revision` up to date. */
  protected abstract update(): void;
  /** Follows what it is made of. */
  protected connect(listener: () => void): () => void {
    const ends = this.inputs.map((input) => input.follow(listener));
    return () => {
      for (const end of ends) end();
    };
  }

  sync(): Rows {
    this.update();
    return this.rows;
  }

  snapshot(): Snapshot<T> {
    const rows = this.sync();
    let snapshot = this.#snapshot;
    // What came may have gone again while only others looked.
    const isNew = this.#snapshotRevision !== this.revision && hasChanged(snapshot?.rows ?? noRows, rows);
    if (snapshot === undefined || isNew) snapshot = new ViewSnapshot<T>(this, rows);
    snapshot.rows = rows;
    this.#snapshot = snapshot;
    this.#snapshotRevision = this.revision;
    return snapshot;
  }

  /** What it shows, not what it is made of. */
  toJSON(): LogEvent<T>[] {
    return this.snapshot().slice();
  }

  /** Set once nothing changes any more: when all that it is made of has ended. */
  end(): End | undefined {
    const ends = this.inputs.map((input) => input.end());
    if (ends.some((end) => end === undefined)) return undefined;
    return ends.find((end) => end?.error !== undefined) ?? ends.find((end) => end?.cancelled === false) ?? ends[0];
  }

  subscribe(listener: () => void): () => void {
    return this.end() === undefined ? this.#listeners.add(listener) : () => {};
  }

  /** As `subscribe`; called when the node has ended, too. */
  follow(listener: () => void): () => void {
    return this.end() === undefined ? this.#listeners.add(listener, true) : () => {};
  }

  #connect(): () => void {
    const mark = () => {
      this.sync();
      return this.revision + this.faultCount();
    };
    let before = mark();
    return this.connect(() => {
      const now = mark();
      const isNews = now !== before;
      before = now;
      try {
        if (isNews) this.#listeners.tell();
      } finally {
        if (this.end() !== undefined) this.finish();
      }
    });
  }

  /** It has ended: whoever follows it is told, and all are dropped. */
  protected finish(): void {
    this.#listeners.end();
  }

  changesSince(before: Snapshot<T>): readonly Splice<T>[] {
    if (!(before instanceof ViewSnapshot) || before.view !== this) {
      throw new TypeError('changesSince: expected a snapshot of this very view');
    }
    return splices(before.rows, this.sync()) as readonly Splice<T>[];
  }

  errors(): readonly GossipError[] {
    // Inputs may have one in common.
    const all = new Set([...this.inputs.flatMap((input) => input.errors()), ...this.faults.list]);
    return [...all].slice(-viewErrorsMax);
  }

  faultCount(): number {
    return this.inputs.reduce((count, input) => count + input.faultCount(), this.faults.count);
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<LogEvent<T>> {
    return this.arrivals(noRows);
  }

  /** Every event that comes after these rows, once, as it comes. */
  arrivals(after: Rows): AsyncIterableIterator<LogEvent<T>> {
    const events = this.#arrivals(after);
    const take = () => {
      const next = events.next();
      return next.value === undefined ? undefined : { value: next.value as LogEvent<T> };
    };
    return pulled({ take, subscribe: (listener) => this.follow(listener), end: () => this.end() });
  }

  /** What came since `before`, one by one; `undefined` whenever there is no further one yet. */
  *#arrivals(before: Rows): Generator<LogEvent | undefined, never> {
    let seen = before;
    while (true) {
      const now = this.sync();
      if (now !== seen) {
        for (const [i, { oldStore, newStore, newRow, length }] of difference(seen, now).parts.entries()) {
          if (oldStore >= 0) continue;
          const isKnown = isRedactedSince(seen, now, i);
          for (let row = isKnown ? newRow + 1 : newRow; row < newRow + length; row++) {
            yield (now.stores[newStore] as Store).event(row);
          }
        }
        seen = now;
      }
      if (this.sync() === seen) yield undefined;
    }
  }
}

/** Does a part begin with an event that stood there before, and was redacted meanwhile? It came already. */
function isRedactedSince(before: Rows, after: Rows, part: number): boolean {
  const { parts } = difference(before, after);
  const [removed, inserted] = [parts[part - 1], parts[part]];
  if (removed === undefined || inserted === undefined || removed.newStore >= 0) return false;
  const [old, store] = [before.stores[removed.oldStore] as Store, after.stores[inserted.newStore] as Store];
  const last = removed.oldRow + removed.length - 1;
  return store.isErased(inserted.newRow) && compareRows(old, last, store, inserted.newRow) === 0;
}

/** A difference as positions and events. */
function splices(before: Rows, after: Rows): Splice[] {
  const result: { at: number; removed: LogEvent[]; inserted: LogEvent[] }[] = [];
  if (before === after) return result;
  const { from, parts } = difference(before, after);
  let at = after.start(from);
  let open = false;
  for (const { oldStore, oldRow, newStore, newRow, length } of parts) {
    if (oldStore >= 0 && newStore >= 0) {
      at += length;
      open = false;
      continue;
    }
    if (!open) result.push({ at, removed: [], inserted: [] });
    open = true;
    const splice = result[result.length - 1] as (typeof result)[number];
    for (let i = 0; i < length; i++) {
      if (newStore < 0) splice.removed.push((before.stores[oldStore] as Store).event(oldRow + i));
      else splice.inserted.push((after.stores[newStore] as Store).event(newRow + i));
    }
    if (newStore >= 0) at += length;
  }
  return result;
}
