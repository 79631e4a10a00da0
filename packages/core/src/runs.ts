/** Runs of events with their times: how logs speak of what they hold. */
import { type DecodedBlock, decodeBlock } from './codec/block.js';
import { type SequenceNumber, type WriterId, writerIdFromBytes } from './ids.js';
import type { Chunk } from './log/chunk.js';
import type { JournalEntry, Run } from './ports/storage.js';

/** A run with the times of its first and last event. */
export interface TimedRun extends Run {
  readonly firstTime: number;
  readonly lastTime: number;
}

/** Own writers with events that are not known to be at a durable node, and up to which event they are. */
export type OwnRuns = ReadonlyMap<WriterId, SequenceNumber>;

/** Events of one writer of which none is missing between these two. */
export type KeptRun = Pick<Run, 'first' | 'last'>;

/** A block with what it holds, ready for the journal and for peers. */
export interface LogEntry extends JournalEntry {
  /** One run per writer. */
  readonly runs: readonly TimedRun[];
  /** `own`: written by this node. `received`: from a peer. */
  readonly origin: 'own' | 'received';
  /** No peer is to be sent it before the store says so: it goes by reading. Default false. */
  readonly isUnsent?: boolean;
}

/** The last event of a writer before the first that a peer lacks; `time` is 0 where it is not known. */
export interface KnownEvent {
  readonly seq: SequenceNumber;
  readonly time: number;
  /** Of the writer nothing behind this event is lacking. Absent: all is. */
  readonly until?: SequenceNumber;
}

/** What somebody lacks, less what lies before a time. */
export function lacksFrom(lacks: ReadonlyMap<WriterId, KnownEvent>, time: number): Map<WriterId, KnownEvent> {
  return new Map(Array.from(lacks, ([writer, known]) => [writer, { ...known, time: Math.max(known.time, time - 1) }]));
}

/** Says which writer a number stands for. */
interface WriterNames {
  id(writer: number): WriterId;
}

type Mutable<V> = { -readonly [K in keyof V]: V[K] };

/** What rows `[from, to)` of a chunk hold, one run per writer. Within each writer they follow one another. */
export function chunkRuns(chunk: Chunk, from: number, to: number, names: WriterNames): TimedRun[] {
  const runs = new Map<number, Mutable<TimedRun>>();
  for (let row = from; row < to; row++) {
    const writer = chunk.writer[row] as number;
    const last = chunk.seq[row] as number;
    const lastTime = chunk.time[row] as number;
    const run = runs.get(writer);
    if (run === undefined) {
      runs.set(writer, { writer: names.id(writer), first: last, last, firstTime: lastTime, lastTime });
    } else {
      run.last = last;
      run.lastTime = lastTime;
    }
  }
  return [...runs.values()];
}

/** The same for a decoded block; `writers` maps its table to the log's. */
export function blockRuns(block: DecodedBlock, writers: readonly number[], names: WriterNames): TimedRun[] {
  const runs: Mutable<TimedRun>[] = block.firstSeq.map((first, writer) => ({
    writer: names.id(writers[writer] as number),
    first,
    last: first - 1,
    firstTime: 0,
    lastTime: 0,
  }));
  for (let row = 0; row < block.count; row++) {
    const run = runs[block.writer[row] as number] as Mutable<TimedRun>;
    run.lastTime = block.time[row] as number;
    if (run.last++ < run.first) run.firstTime = run.lastTime;
  }
  // Of a block that is taken in part.
  return block.count < block.seq.length ? runs.filter(({ first, last }) => first <= last) : runs;
}

/** What a block holds, by its bytes. */
export function runsOf(bytes: Uint8Array): TimedRun[] {
  const block = decodeBlock(bytes);
  const id = (writer: number) => writerIdFromBytes(block.writers[writer] as Uint8Array);
  return blockRuns(block, [...block.writers.keys()], { id });
}
