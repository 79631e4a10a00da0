/**
 * What happened before or after one event, by recorded dependencies. Of every replica the past of an event is a first
 * part, its future a last part: one sequence number a replica says all.
 */
import type { LogEvent } from '../event.js';
import type { ReplicaId } from '../ids.js';
import type { Chunk } from '../log/chunk.js';
import type { OrderedLog } from '../log/ordered-log.js';
import { difference } from './difference.js';
import { lostRows, type RowTest } from './filter.js';
import type { ViewNode } from './node.js';
import { ChunkStore, nodeOf } from './root.js';
import { noRows, type Rows, type Store } from './rows.js';
import { storedEvent } from './view-event.js';

/** The root of a view of one log. @throws TypeError when it has several. */
function rootOf(name: string, input: ViewNode): ViewNode {
  const [source, ...others] = input.sources;
  if (source === undefined || others.length > 0)
    throw new TypeError(`${name}: the events of several logs have no common past`);
  return nodeOf(source);
}

/** Is the event of that key in the log? A reference with a wrong time is void. */
function stands(log: OrderedLog, replica: number, seq: number, time: number): boolean {
  const found = log.locate(time, replica);
  return found !== undefined && (log.chunks[found.chunk] as Chunk).seq[found.row] === seq;
}

/** @internal */
export function pastTest(name: string, given: LogEvent, input: ViewNode): RowTest {
  const event = storedEvent(given);
  const root = rootOf(name, input);
  let seen: Rows = noRows;
  /** Replica → the last event that `event` depends on; absent until `event` is in the log. */
  let past: Map<ReplicaId, number> | undefined;
  return {
    begin() {
      const rows = root.sync();
      // The past of an event that is in the log never grows: its dependencies came before it.
      const anew = past === undefined || lostRows(seen, rows);
      seen = rows;
      if (anew) past = pastOf(rows, event);
      return anew;
    },
    passes: (store, row) => store.seq(row) <= (past?.get(store.replica(row)) ?? 0),
  };
}

/** O(events before it), once. */
function pastOf(rows: Rows, event: LogEvent): Map<ReplicaId, number> | undefined {
  const first = rows.stores[0];
  if (!(first instanceof ChunkStore)) return undefined;
  const { log } = first;
  const { replicas, dependencies } = log.tables;
  const writer = replicas.find(event.replica);
  const start = writer < 0 ? undefined : log.locate(event.clock, writer);
  if (start === undefined || (log.chunks[start.chunk] as Chunk).seq[start.row] !== event.seq) return undefined;
  const reached = new Map<number, number>([[writer, event.seq]]);
  for (let i = start.chunk; i >= 0; i--) {
    const chunk = log.chunks[i] as Chunk;
    for (let row = i === start.chunk ? start.row : chunk.count - 1; row >= 0; row--) {
      if ((chunk.seq[row] as number) > (reached.get(chunk.replica[row] as number) ?? 0)) continue;
      dependencies.each(chunk.deps[row] as number, chunk.time[row] as number, (replica, seq, time) => {
        if (seq > (reached.get(replica) ?? 0) && stands(log, replica, seq, time)) reached.set(replica, seq);
      });
    }
  }
  const past = new Map([...reached].map(([replica, seq]) => [replicas.ids[replica] as ReplicaId, seq]));
  past.set(event.replica, event.seq - 1);
  return past;
}

/** @internal */
export function futureTest(name: string, given: LogEvent, input: ViewNode): RowTest {
  const event = storedEvent(given);
  const root = rootOf(name, input);
  let seen: Rows = noRows;
  /** Replica → its first event that depends on `event`. */
  const future = new Map<ReplicaId, number>();
  const note = (store: ChunkStore, row: number) => {
    const replica = store.replica(row);
    if (store.time(row) <= event.clock || future.has(replica)) return;
    const { replicas, dependencies } = store.log.tables;
    let follows = false;
    dependencies.each(store.chunk.deps[row] as number, store.time(row), (index, seq, time) => {
      if (seq >= (future.get(replicas.ids[index] as ReplicaId) ?? Number.POSITIVE_INFINITY)) {
        follows ||= stands(store.log, index, seq, time);
      }
    });
    if (follows) future.set(replica, store.seq(row));
  };
  return {
    begin() {
      const rows = root.sync();
      const anew = lostRows(seen, rows);
      if (anew) seen = noRows;
      if (seen === noRows) {
        future.clear();
        future.set(event.replica, event.seq);
      }
      // Events come after what they depend on, in the log and in time: one pass over what is new.
      for (const { oldStore, newStore, newRow, length } of difference(seen, rows).parts) {
        if (oldStore >= 0) continue;
        const store = rows.stores[newStore] as Store;
        for (let row = newRow; row < newRow + length; row++) note(store as ChunkStore, row);
      }
      seen = rows;
      return anew;
    },
    passes: (store, row) =>
      store.seq(row) >= (future.get(store.replica(row)) ?? Number.POSITIVE_INFINITY) && store.time(row) > event.clock,
  };
}
