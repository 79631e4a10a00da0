/**
 * Reads a log from storage: manifest or chunks, then the journal.
 *
 * - [H4] A damaged record is set aside and reported. What it held is missing from what the log tells peers, so they
 *   send it again.
 */
import {
  GossipError,
  type GossipStorage,
  type JournalRecord,
  type SequenceNumber,
  type WriterId,
} from '@gossip-log/core';
import { blocksOf, DamagedChunk, PackedOtherwise, type Receipt, type ReplicatedLog } from '@gossip-log/core/sync';
import type { JournalGaps } from './journal-gaps.js';
import type { LogCodec } from './log-codec.js';
import type { LogReach } from './log-reach.js';
import type { LogReading } from './log-reading.js';
import type { Oldest, UsedWindow } from './log-window.js';
import type { RecordRuns } from './unsent-events.js';

/** The log, as far as it matters here. */
export interface OpenedLog<T> {
  readonly id: string;
  readonly storage: GossipStorage;
  readonly codec: Pick<LogCodec<T>, 'recall'>;
  readonly reading: LogReading;
  readonly reach: LogReach;
  readonly gaps: JournalGaps;
  /** The windows of those who use the log. */
  readonly windows: ReadonlySet<UsedWindow>;
  /** The node promises durability. */
  readonly durable: boolean;
  /** Resolves when the log may be read. */
  mayOpen(): Promise<void>;
  /** An empty log. */
  newLog(): ReplicatedLog<T>;
  onError(error: unknown): void;
}

/** A log as the store has it. */
export interface StoredLog<T> {
  readonly log: ReplicatedLog<T>;
  /** What was written here and is not settled. */
  readonly ownRuns: ReadonlyMap<WriterId, SequenceNumber>;
  /** How far these may have been sent (P4). */
  readonly sent: ReadonlyMap<WriterId, SequenceNumber>;
  readonly revision: number;
  /** Records of the journal, by key, but for damaged ones. */
  readonly records: readonly RecordRuns[];
  /** Chunks that were read like the journal, since no manifest serves. */
  readonly chunkIds: readonly number[];
}

/** @throws GossipError, or why storage cannot be read. @internal */
export async function openLog<T>(of: OpenedLog<T>): Promise<StoredLog<T>> {
  await of.mayOpen();
  await of.codec.recall();
  await of.reach.recall();
  return fromStore(of);
}

/** The log as the store has it, with as much in memory as is wanted (H10). */
async function fromStore<T>(of: OpenedLog<T>): Promise<StoredLog<T>> {
  const { id, storage, windows } = of;
  /** The manifest does not serve: all chunks are read. */
  let isOutdated = false;
  for (;;) {
    const { records, ownRuns, sent, revision, nextChunkId, manifest } = await loadSent(of);
    const log = of.newLog();
    of.gaps.forget();
    let chunkIds: readonly number[] = [];
    const asked = Array.from(windows, ({ window }) => window);
    of.reach.begin(log, records.length + ownRuns.size + revision === 0, asked);
    try {
      if (manifest !== undefined && !isOutdated) log.resume(manifest, nextChunkId);
      else if (revision > 0) chunkIds = await loadChunks(of, log, nextChunkId, manifest);
      if (log.needsWriters) await of.reading.run(log.readWriters(), done);
      const { damaged, read } = await replay(of, log, records);
      // What was written here is told of by its writer.
      if (![...ownRuns.keys()].every((writer) => log.isSureOf(writer))) await of.reading.run(log.readWriters(), done);
      const isEnough = (oldest: Oldest) => [...windows].every((window) => window.isReached(oldest));
      await of.reading.run(log.loadOlder(isEnough), done);
      for (const [key, error] of damaged) {
        await storage.setAside(id, key);
        of.onError(damageError(id, `record ${key}`, error));
      }
      return { log, ownRuns, sent, revision, records: read, chunkIds };
    } catch (error) {
      if (error instanceof DamagedChunk) {
        await setAsideChunk(id, of, error);
      } else if (manifest !== undefined && !isOutdated && isUnreadable(error)) {
        isOutdated = true;
      } else {
        throw error;
      }
    }
  }
}

/**
 * The log's part of the store. What another node over it may still append again, under other ids, counts as sent from here on
 * (H11): otherwise this node would show and send what is not there any more.
 */
async function loadSent<T>({ id, storage, durable }: OpenedLog<T>) {
  for (;;) {
    const stored = await storage.load(id);
    const unsent = new Map([...stored.ownRuns].filter(([writer, last]) => (stored.sent.get(writer) ?? 0) < last));
    const isAlone = async () => (await storage.isShared?.()) === false;
    if (durable || unsent.size === 0 || (await isAlone())) return stored;
    await storage.commit(id, [], { durability: 'strict', sent: unsent });
  }
}

/** Reads packed chunks as if they were the journal. Returns their ids. */
async function loadChunks<T>(
  { id, storage, gaps }: OpenedLog<T>,
  log: ReplicatedLog<T>,
  nextChunkId: number,
  manifest: Uint8Array | undefined,
): Promise<number[]> {
  const chunks = await storage.readChunks(id);
  const ids = [...log.anew(chunks, nextChunkId, manifest)];
  const read = new Map(ids.map((chunk) => [chunk, chunks.get(chunk) as Uint8Array]));
  for (const block of blocksOf(read)) gaps.note(log.load(block));
  return ids;
}

/** Reads the journal into a log that is not in use yet. Returns the damaged records, and what the others hold. */
async function replay<T>(
  { gaps, reading }: OpenedLog<T>,
  log: ReplicatedLog<T>,
  records: readonly JournalRecord[],
): Promise<{ damaged: Map<string, GossipError>; read: RecordRuns[] }> {
  const damaged = new Map<string, GossipError>();
  const read: RecordRuns[] = [];
  for (const { key, block } of records) {
    try {
      const take = (receipt: Receipt) => {
        gaps.note(receipt);
        read.push({ key, runs: receipt.runs });
      };
      const loaded = reading.run(log.loading(block), take);
      if (loaded !== undefined) await loaded;
    } catch (error) {
      if (error instanceof DamagedChunk) throw error;
      if (!(error instanceof GossipError)) throw error;
      damaged.set(key, error);
    }
  }
  return { damaged, read };
}

/** H10: a packed chunk is set aside, and reported. @internal */
export async function setAsideChunk(
  id: string,
  host: { readonly storage: GossipStorage; onError(error: unknown): void },
  error: DamagedChunk,
): Promise<void> {
  await host.storage.setAsideChunk(id, error.id);
  host.onError(damageError(id, `packed chunk ${error.id}`, error));
}

function damageError(log: string, what: string, cause: GossipError): GossipError {
  return new GossipError('storage-corrupt', `${what} of log "${log}" is damaged, and was set aside`, {
    context: { log },
    cause,
  });
}

/** Another reading may serve: of all chunks, without the manifest. */
function isUnreadable(error: unknown): boolean {
  return error instanceof PackedOtherwise || (error instanceof GossipError && error.code !== 'storage-failed');
}

const done = () => undefined;
