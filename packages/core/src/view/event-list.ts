/**
 * Rows that are no part of one input's rows: events in log order, taken out and put in in batches. A batch makes the
 * stores anew that it touches; events behind the last go in place.
 */
import type { LogEvent } from '../event.js';
import type { WriterId } from '../ids.js';
import { chunkRowsMax } from '../limits.js';
import { compareWriters, noRows, Rows, Store } from './rows.js';
import { storedEvent } from './view-event.js';

/** An event of a view. @internal */
export interface Entry {
  readonly event: LogEvent;
  /** The place of its log among those of the view. */
  readonly tie: number;
}

/** @internal */
export function compareEntries(a: Entry, b: Entry): number {
  return (
    a.event.clock - b.event.clock ||
    compareWriters(storedEvent(a.event).writer, storedEvent(b.event).writer) ||
    a.event.seq - b.event.seq ||
    a.tie - b.tie
  );
}

class EventStore extends Store {
  readonly entries: Entry[];

  constructor(entries: Entry[]) {
    super();
    this.entries = entries;
  }

  event(row: number): LogEvent {
    return (this.entries[row] as Entry).event;
  }

  time(row: number): number {
    return this.event(row).clock;
  }

  writer(row: number): WriterId {
    return storedEvent(this.event(row)).writer;
  }

  override shownWriter(row: number): WriterId {
    return this.event(row).writer;
  }

  seq(row: number): number {
    return this.event(row).seq;
  }

  override tie(row: number): number {
    return (this.entries[row] as Entry).tie;
  }

  same(row: number, other: Store, otherRow: number): boolean {
    return other instanceof EventStore && other.event(otherRow) === this.event(row);
  }
}

/** @internal */
export class EventList {
  rows: Rows = noRows;
  #stores: readonly EventStore[] = [];

  /** Takes events out and puts others in. Both sorted; what is removed is there. */
  apply(removed: readonly Entry[], inserted: readonly Entry[]): void {
    const tail = this.#stores[this.#stores.length - 1];
    const [first] = inserted;
    if (
      removed.length === 0 &&
      first !== undefined &&
      tail !== undefined &&
      tail.entries.length + inserted.length <= chunkRowsMax &&
      compareEntries(tail.entries[tail.entries.length - 1] as Entry, first) < 0
    ) {
      tail.entries.push(...inserted);
      this.rows = this.rows.grown(tail.entries.length);
      return;
    }
    let out = 0;
    let put = 0;
    const made: EventStore[] = [];
    for (const [i, store] of this.#stores.entries()) {
      const next = this.#stores[i + 1]?.entries[0];
      const isBefore = (entry: Entry | undefined, end: Entry | undefined) =>
        entry !== undefined && (end === undefined || compareEntries(entry, end) < 0);
      if (!isBefore(inserted[put], next) && !isBefore(removed[out], next)) {
        made.push(store);
        continue;
      }
      const entries: Entry[] = [];
      for (const entry of store.entries) {
        while (put < inserted.length && compareEntries(inserted[put] as Entry, entry) < 0) {
          entries.push(inserted[put++] as Entry);
        }
        if (out < removed.length && (removed[out] as Entry).event === entry.event) out++;
        else entries.push(entry);
      }
      while (isBefore(inserted[put], next)) entries.push(inserted[put++] as Entry);
      made.push(...split(entries));
    }
    if (this.#stores.length === 0) made.push(...split(inserted.slice()));
    this.#stores = made;
    this.rows = Rows.of(
      made,
      made.map(({ entries }) => entries.length),
    );
  }
}

/** As few stores as are needed; several leave room for late events. */
function split(entries: Entry[]): EventStore[] {
  if (entries.length === 0) return [];
  if (entries.length <= chunkRowsMax) return [new EventStore(entries)];
  const parts: EventStore[] = [];
  const share = Math.floor(chunkRowsMax * 0.75);
  for (let at = 0; at < entries.length; at += share) parts.push(new EventStore(entries.slice(at, at + share)));
  return parts;
}
