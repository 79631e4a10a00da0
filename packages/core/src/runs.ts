/** Runs of events with their times: how logs speak of what they hold. */
import { type DecodedBlock, decodeBlock } from './codec/block.js';
import { type ReplicaId, replicaIdFromBytes, type SequenceNumber } from './ids.js';
import type { Chunk } from './log/chunk.js';
import type { JournalEntry, Run } from './ports/storage.js';

/** A run with the times of its first and last event. */
export interface TimedRun extends Run {
  readonly firstTime: number;
  readonly lastTime: number;
}

/** Own writers with events that are not known to be at a durable node, and up to which event they are. */
export type OwnRuns = ReadonlyMap<ReplicaId, SequenceNumber>;

/** Events of one replica of which none is missing between these two. */
export type KeptRun = Pick<Run, 'first' | 'last'>;

/** A block with what it holds, ready for the journal and for peers. */
export interface LogEntry extends JournalEntry {
  /** One run per replica. */
  readonly runs: readonly TimedRun[];
  /** `own`: written by this node. `received`: from a peer. */
  readonly origin: 'own' | 'received';
}

/** The last event of a replica before the first that a peer lacks; `time` is 0 where it is not known. */
export interface KnownEvent {
  readonly seq: SequenceNumber;
  readonly time: number;
  /** Of the replica nothing behind this event is lacking. Absent: all is. */
  readonly until?: SequenceNumber;
}

/** What somebody lacks, less what lies before a time. */
export function lacksFrom(lacks: ReadonlyMap<ReplicaId, KnownEvent>, time: number): Map<ReplicaId, KnownEvent> {
  return new Map(
    Array.from(lacks, ([replica, known]) => [replica, { ...known, time: Math.max(known.time, time - 1) }]),
  );
}

type Mutable<V> = { -readonly [K in keyof V]: V[K] };

/** What rows `[from, to)` of a chunk hold, one run per replica. Within each replica they follow one another. */
export function chunkRuns(chunk: Chunk, from: number, to: number, ids: readonly ReplicaId[]): TimedRun[] {
  const runs = new Map<number, Mutable<TimedRun>>();
  for (let row = from; row < to; row++) {
    const replica = chunk.replica[row] as number;
    const last = chunk.seq[row] as number;
    const lastTime = chunk.time[row] as number;
    const run = runs.get(replica);
    if (run === undefined) {
      runs.set(replica, { replica: ids[replica] as ReplicaId, first: last, last, firstTime: lastTime, lastTime });
    } else {
      run.last = last;
      run.lastTime = lastTime;
    }
  }
  return [...runs.values()];
}

/** The same for a decoded block; `replicas` maps its table to the log's. */
export function blockRuns(block: DecodedBlock, replicas: readonly number[], ids: readonly ReplicaId[]): TimedRun[] {
  const runs: Mutable<TimedRun>[] = block.firstSeq.map((first, writer) => ({
    replica: ids[replicas[writer] as number] as ReplicaId,
    first,
    last: first - 1,
    firstTime: 0,
    lastTime: 0,
  }));
  for (let row = 0; row < block.count; row++) {
    const run = runs[block.replica[row] as number] as Mutable<TimedRun>;
    run.lastTime = block.time[row] as number;
    if (run.last++ < run.first) run.firstTime = run.lastTime;
  }
  return runs;
}

/** What a block holds, by its bytes. */
export function runsOf(bytes: Uint8Array): TimedRun[] {
  const block = decodeBlock(bytes);
  return blockRuns(block, [...block.replicas.keys()], block.replicas.map(replicaIdFromBytes));
}
