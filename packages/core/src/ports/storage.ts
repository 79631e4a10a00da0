/**
 * What a store must do for a node. Implementations live in `@gossip-log/storage`; anyone may write another
 * and run the contract suite against it.
 *
 * A store keeps, per log, a **journal** (blocks in the order written), **packed chunks** (what the journal held before, in
 * log order) under one **manifest** that names them, and the **own runs** that are not settled: what was written here, and
 * is not known to be at a durable node. For the whole store it keeps a small **metadata** keyspace.
 *
 * Rules, each proven by the contract suite:
 * - [P1] `commit` is atomic: after a crash all of it is there or none.
 * - [P2] When `commit` resolves with `durability: 'strict'`, it survives a loss of power. `'relaxed'` promises the
 *   order only: if a later strict commit survives, so does it.
 * - [P3] With entries it is noted, in the same step (P1), up to which event each of the own runs among them was written. The
 *   note stays, whatever becomes of the journal, until `settleRun` removes it.
 * - [P4] The note of an own run says, too, up to which event it may have been sent to peers (`sent`); the highest number
 *   counts. Entries may take the place of records (`instead`): in the same step these go, and the notes of their runs are
 *   cut. Where one of the records is not there, or a run may have been sent beyond what is left of it, `commit` fails with
 *   `pack-conflict`, and nothing is written.
 * - [P5] `load` gives the records in the order written.
 * - [P6] A record that `setAside` names no longer loads, and its bytes stay in the store for inspection.
 * - [P7] Logs do not touch one another; `forget` removes all of one log, and no more.
 * - [P9] After `close` every call rejects with `storage-closed`.
 * - [P10] A store of another format version, newer or older, is refused with `storage-format`.
 * - [P11] Bytes given in may be reused by the caller once the promise settles; bytes given out are the caller's.
 * - [P12] `pack` is atomic and durable (P1, P2 `strict`): chunks, manifest and journal change together, and the revision
 *   rises by one. With another revision than the store's, or in a log that nothing is stored of, it fails with
 *   `pack-conflict`, and nothing is written.
 * - [P13] A chunk never changes: neither its id nor a record's key is given twice. What a pack removes stays readable by id
 *   for storages that had the store open already, in other processes or tabs, and is gone at last when none of them is
 *   left. A storage that has the store for itself may remove it at once.
 * - [P14] `setAsideChunk` moves a damaged chunk out of `readChunks`, where its bytes stay for inspection, and removes the
 *   manifest, which would name it: the log is put together anew from the chunks that are left, and the journal. The
 *   revision rises, so that no pack that was under way brings the chunk back.
 * - [P15] A damaged manifest loads as none. The revision does not fall with it.
 * - [P16] A storage with `scrub` overwrites what its files keep of removed records and chunks, in bounded steps. Once it
 *   resolves with false, nothing is left of what was removed before the first of these steps, except what others may still
 *   read (P13) and what was set aside as damaged (P6, P14). It changes nothing that can be read.
 * - [P17] `replaceMetadata` looks at a value and sets it in one step: no other call comes between, of whichever storage.
 */
import type { SequenceNumber, WriterId } from '../ids.js';

/** Events `first` to `last` of one writer, both included. */
export interface Run {
  readonly writer: WriterId;
  readonly first: SequenceNumber;
  readonly last: SequenceNumber;
}

/** One block on its way into the journal. */
export interface JournalEntry {
  /** An encoded block. The store does not look inside. */
  readonly block: Uint8Array;
}

/** A block as the journal holds it. */
export interface JournalRecord {
  /** Names the record within its log; opaque to the caller. */
  readonly key: string;
  readonly block: Uint8Array;
}

/** What a log's part of the store holds, but for its packed chunks, read in one consistent view. */
export interface StoredLog {
  /** The journal, in the order written. */
  readonly records: readonly JournalRecord[];
  /** Own runs that are not settled, with the last event of each (P3). */
  readonly ownRuns: ReadonlyMap<WriterId, SequenceNumber>;
  /** Of these the ones that events may have been sent of, with the last such event (P4). */
  readonly sent: ReadonlyMap<WriterId, SequenceNumber>;
  /** Rises by one with every pack and every chunk set aside. 0 for a log that was never packed. */
  readonly revision: number;
  /** The lowest id that no chunk ever had, nor any above it (P13). */
  readonly nextChunkId: number;
  /**
   * What says which chunks the log has been packed into. The store does not look inside. Absent when the log was never
   * packed, a chunk was set aside since (P14), or it is damaged (P15).
   */
  readonly manifest: Uint8Array | undefined;
}

/** A packed chunk on its way into the store. */
export interface PackedChunk {
  /** Names it within its log: from `nextChunkId` to 2^32 - 1. */
  readonly id: number;
  /** One or more blocks, at most `packedChunkBytesMax`. The store does not look inside. */
  readonly bytes: Uint8Array;
}

/** One step of packing a log (P12). How much one step may hold is in `limits.ts`. */
export interface Packing {
  /** The revision that it starts from. */
  readonly revision: number;
  /** At most `manifestBytesMax`. */
  readonly manifest: Uint8Array;
  readonly add: readonly PackedChunk[];
  /** Chunks that the new manifest does not name any more. Those that are not there are passed over. */
  readonly remove: readonly number[];
  /** Journal records whose events all lie in packed chunks now, by key. Those that are not there are passed over. */
  readonly packed: readonly string[];
}

/** What entries take the place of (P4). */
export interface ReplacedRecords {
  /** Records of the journal, by key. */
  readonly records: readonly string[];
  /** The own runs in them, each with the last event that is left of it; 0 when none is. */
  readonly runs: ReadonlyMap<WriterId, SequenceNumber>;
}

/** How a commit is made durable, and what it notes. */
export interface CommitOptions {
  /** `strict` survives a loss of power once resolved; `relaxed` may be lost, and is fetched again from peers. */
  readonly durability: 'strict' | 'relaxed';
  /** Own runs among the entries, each with its last event in them (P3). Default none. */
  readonly ownRuns?: ReadonlyMap<WriterId, SequenceNumber>;
  /** Own runs with the last event that may have been sent to a peer (P4). What is not noted is passed over. Default none. */
  readonly sent?: ReadonlyMap<WriterId, SequenceNumber>;
  /** What the entries take the place of. Default nothing. */
  readonly instead?: ReplacedRecords;
}

/** The storage port. Failures reject with a `GossipError` (`storage-failed` unless the rule names another). */
export interface GossipStorage {
  /**
   * It is made for pages: on a server without a window, where pages are only rendered, a node that is given it opens and
   * dials nothing. Default false.
   */
  readonly needsPage?: boolean;
  /** A log's journal, own runs and manifest. A log never written gives none of them, and the numbers 0. */
  load(log: string): Promise<StoredLog>;
  /** Writes entries in order, as one atomic batch. Resolves with the key of each one's record. */
  commit(log: string, entries: readonly JournalEntry[], options: CommitOptions): Promise<readonly string[]>;
  /** May another storage have this store open now, in this process or elsewhere? Absent: it may. */
  isShared?(): Promise<boolean>;
  /** Removes the note of an own run (P3), unless it was written beyond the event `upTo` by now. */
  settleRun(log: string, writer: WriterId, upTo: SequenceNumber): Promise<void>;
  /** Moves a damaged record out of the journal. */
  setAside(log: string, key: string): Promise<void>;
  /** Puts packed chunks and a new manifest in the place of journal records and older chunks. */
  pack(log: string, packing: Packing): Promise<void>;
  /** Packed chunks by id; without `ids` all that are not removed. Those that are not there are left out. */
  readChunks(log: string, ids?: readonly number[]): Promise<ReadonlyMap<number, Uint8Array>>;
  /** Moves a damaged chunk aside (P14). */
  setAsideChunk(log: string, id: number): Promise<void>;
  /** Names of the logs that anything is stored of, sorted. */
  logs(): Promise<readonly string[]>;
  /** Removes a log. Resolves when it is gone for good. */
  forget(log: string): Promise<void>;
  /** A value of the metadata keyspace; `undefined` where there is none. */
  getMetadata(key: string): Promise<Uint8Array | undefined>;
  /** Sets a value, or removes it with `undefined`. */
  setMetadata(key: string, value: Uint8Array | undefined): Promise<void>;
  /**
   * The same where the value is `expected` still (P17); `undefined` stands for none. Resolves with whether it was: tabs that
   * change one value at a time do not overwrite one another.
   */
  replaceMetadata(key: string, expected: Uint8Array | undefined, value: Uint8Array | undefined): Promise<boolean>;
  /**
   * Overwrites a part of what files keep of removed data (P16). Resolves with whether there is more to do: call it again.
   * Absent where nothing can be done about it, or nothing need be.
   */
  scrub?(): Promise<boolean>;
  /** Waits for writes under way, closes. Idempotent. */
  close(): Promise<void>;
}
