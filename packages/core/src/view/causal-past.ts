/**
 * What happened before or after one event, by recorded dependencies. Of every writer the past of an event is a first
 * part, its future a last part: one sequence number a writer says all.
 *
 * Both are read off the log, whatever the view shows of it: redactions too, which no view shows, lead from one event to another. An event comes after those that it depends on, so late events
 * change neither, but where the log has holes: in a window, below an edge, in a gap that is filled later. A dependency that
 * is not there is noted as `void`; when it comes, past or future is made again.
 */
import type { LogEvent } from '../event.js';
import { type EventId, eventId, type WriterId } from '../ids.js';
import type { Chunk } from '../log/chunk.js';
import type { OrderedLog } from '../log/ordered-log.js';
import { type Difference, difference } from './difference.js';
import type { RowTest } from './filter.js';
import type { ViewNode } from './node.js';
import { ChunkStore, wholeNodeOf } from './root.js';
import { noRows, type Rows, type Store } from './rows.js';
import { storedEvent } from './view-event.js';

/** The root of a view of one log. @throws TypeError when it has several. */
function rootOf(name: string, input: ViewNode): ViewNode {
  const [source, ...others] = input.sources;
  if (source === undefined || others.length > 0)
    throw new TypeError(`${name}: the events of several logs have no common past`);
  return wholeNodeOf(source);
}

/** Is the event of that key in the log? A reference with a wrong time is void. */
function stands(log: OrderedLog, writer: number, seq: number, time: number): boolean {
  const found = log.locate(time, writer);
  return found !== undefined && (log.chunks[found.chunk] as Chunk).seq[found.row] === seq;
}

/** A writer's first or last event that counts, and the dependencies that were not there. */
interface Reach {
  readonly of: ReadonlyMap<WriterId, number>;
  readonly voids: ReadonlySet<EventId>;
}

function isSame(a: Reach | undefined, b: Reach | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.of.size === b.of.size && [...a.of].every(([writer, seq]) => b.of.get(writer) === seq);
}

/** Is one of the rows that came, or of those that went, of that kind? */
function hasRow(
  { parts }: Difference,
  before: Rows,
  after: Rows,
  is: (store: Store, row: number, isNew: boolean) => boolean,
): boolean {
  for (const { oldStore, oldRow, newStore, newRow, length } of parts) {
    if (oldStore >= 0 && newStore >= 0) continue;
    const isNew = oldStore < 0;
    const store = (isNew ? after.stores[newStore] : before.stores[oldStore]) as Store;
    const first = isNew ? newRow : oldRow;
    for (let row = first; row < first + length; row++) if (is(store, row, isNew)) return true;
  }
  return false;
}

/** @internal */
export function pastTest(name: string, given: LogEvent, input: ViewNode): RowTest {
  const event = storedEvent(given);
  const root = rootOf(name, input);
  let seen: Rows = noRows;
  /** Of each writer the last event that `event` depends on; absent until `event` is in the log. */
  let past: Reach | undefined;
  /** A row of the past came or went, or one that was missing. */
  const isTouched = (before: Rows, { of, voids }: Reach) =>
    hasRow(difference(before, seen), before, seen, (store, row) => {
      if (store.time(row) > event.clock) return false;
      const writer = store.writer(row);
      const upTo = writer === event.writer ? event.seq : (of.get(writer) ?? 0);
      return store.seq(row) <= upTo || (voids.size > 0 && voids.has(eventId(writer, store.seq(row))));
    });
  return {
    outside: {
      node: root,
      look() {
        const before = seen;
        seen = root.sync();
        if (seen === before || (past !== undefined && !isTouched(before, past))) return false;
        const known = past;
        past = pastOf(seen, event);
        return !isSame(known, past);
      },
    },
    passes: (store, row) => store.seq(row) <= (past?.of.get(store.writer(row)) ?? 0),
  };
}

/** O(events before it). */
function pastOf(rows: Rows, event: LogEvent): Reach | undefined {
  const first = rows.stores[0];
  if (!(first instanceof ChunkStore)) return undefined;
  const { log } = first;
  const { writers, dependencies } = log.tables;
  const writer = writers.find(event.writer);
  const start = writer < 0 ? undefined : log.locate(event.clock, writer);
  if (start === undefined || (log.chunks[start.chunk] as Chunk).seq[start.row] !== event.seq) return undefined;
  const reached = new Map<number, number>([[writer, event.seq]]);
  const voids = new Set<EventId>();
  const reach = (writer: number, seq: number, time: number) => {
    if (seq <= (reached.get(writer) ?? 0)) return;
    if (stands(log, writer, seq, time)) reached.set(writer, seq);
    else voids.add(eventId(writers.id(writer), seq));
  };
  for (let i = start.chunk; i >= 0; i--) {
    const chunk = log.chunks[i] as Chunk;
    for (let row = i === start.chunk ? start.row : chunk.count - 1; row >= 0; row--) {
      if ((chunk.seq[row] as number) > (reached.get(chunk.writer[row] as number) ?? 0)) continue;
      dependencies.each(chunk.deps[row] as number, chunk.time[row] as number, reach);
    }
  }
  const of = new Map([...reached].map(([writer, seq]) => [writers.id(writer), seq]));
  of.set(event.writer, event.seq - 1);
  return { of, voids };
}

/** @internal */
export function futureTest(name: string, given: LogEvent, input: ViewNode): RowTest {
  const event = storedEvent(given);
  const root = rootOf(name, input);
  let seen: Rows = noRows;
  let future = new Future(event);
  /** Takes in what came. Is what is known of the other rows no longer right? */
  const isTouched = (before: Rows) => {
    const change = difference(before, seen);
    const isAtEnd = isGrowth(change, seen);
    return hasRow(change, before, seen, (store, row, isNew) =>
      isNew ? future.take(store as ChunkStore, row) && !isAtEnd : future.has(store, row),
    );
  };
  return {
    outside: {
      node: root,
      look() {
        const before = seen;
        seen = root.sync();
        if (seen === before || !isTouched(before)) return false;
        future = new Future(event);
        for (const { store, row, length } of seen.spans(seen.lowerBound(event.clock), seen.length)) {
          for (let at = row; at < row + length; at++) future.take(store as ChunkStore, at);
        }
        return true;
      },
    },
    passes: (store, row) => store.time(row) > event.clock && future.has(store, row),
  };
}

/** Did rows come at the end, and is all else as it was? */
function isGrowth({ newEnd, parts }: Difference, after: Rows): boolean {
  const firstNew = parts.findIndex(({ oldStore }) => oldStore < 0);
  const end = firstNew < 0 ? [] : parts.slice(firstNew);
  return newEnd === after.stores.length && end.every(({ oldStore }) => oldStore < 0);
}

/** What is known to follow an event. */
class Future {
  readonly #event: LogEvent;
  /** Of each writer the first event that depends on `event`, or is it. */
  readonly #from: Map<WriterId, number>;
  readonly #voids = new Set<EventId>();

  constructor(event: LogEvent) {
    this.#event = event;
    this.#from = new Map([[event.writer, event.seq]]);
  }

  has(store: Store, row: number): boolean {
    return store.seq(row) >= (this.#from.get(store.writer(row)) ?? Number.POSITIVE_INFINITY);
  }

  /** Takes in a row; rows before it were taken in. True when rows behind it may follow for it. */
  take(store: ChunkStore, row: number): boolean {
    const isAwaited = this.#voids.size > 0 && this.#voids.has(eventId(store.writer(row), store.seq(row)));
    if (store.time(row) <= this.#event.clock || this.has(store, row)) return isAwaited;
    const { writers, dependencies } = store.log.tables;
    let follows = false;
    dependencies.each(store.chunk.deps[store.in(row)] as number, store.time(row), (index, seq, time) => {
      const writer = writers.id(index);
      if (seq < (this.#from.get(writer) ?? Number.POSITIVE_INFINITY)) return;
      if (stands(store.log, index, seq, time)) follows = true;
      else this.#voids.add(eventId(writer, seq));
    });
    if (follows) this.#from.set(store.writer(row), store.seq(row));
    return follows || isAwaited;
  }
}
