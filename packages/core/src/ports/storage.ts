/**
 * What a store must do for a node. Implementations live in `@gossip-log/storage`; anyone may write another
 * and run the contract suite against it.
 *
 * A store keeps, per log, a **journal** (blocks in the order written), **heads** (replica → highest sequence number
 * written), **packed chunks** (what the journal held before, in log order) under one **manifest** that names them, and for
 * the whole store a small **metadata** keyspace and a pool of replica ids.
 *
 * Rules, each proven by the contract suite:
 * - [P1] `commit` is atomic: after a crash all of it is there or none.
 * - [P2] When `commit` resolves with `durability: 'strict'`, it survives a loss of power. `'relaxed'` promises the
 *   order only: if a later strict commit survives, so does it.
 * - [P3] An own entry whose run does not start right after the stored head fails the whole commit with
 *   `head-conflict`, and nothing is written.
 * - [P4] A received entry all of whose runs are at or below the stored heads is skipped: another tab wrote it.
 *   With `repair` it is written all the same, because the head outlived the record.
 * - [P5] `load` gives the records in the order written.
 * - [P6] A record that `setAside` names no longer loads, and its bytes stay in the store for inspection. Heads stay.
 * - [P7] Logs do not touch one another; `forget` removes all of one log, and no more.
 * - [P8] No two holders have the same replica id at the same time; a released id is leased again.
 * - [P9] After `close` every call rejects with `storage-closed`.
 * - [P10] A store written by a newer format version is refused with `storage-format`.
 * - [P11] Bytes given in may be reused by the caller once the promise settles; bytes given out are the caller's.
 * - [P12] `pack` is atomic and durable (P1, P2 `strict`): chunks, manifest and journal change together, and the revision
 *   rises by one. With another revision than the store's, or in a log that nothing is stored of, it fails with
 *   `head-conflict`, and nothing is written.
 * - [P13] A chunk never changes: neither its id nor a record's key is given twice. What a pack removes stays readable by id
 *   for storages that had the store open already, in other processes or tabs, and is gone at last when none of them is
 *   left. A storage that has the store for itself may remove it at once.
 * - [P14] `setAsideChunk` moves a damaged chunk out of `readChunks`, where its bytes stay for inspection, and removes the
 *   manifest, which would name it: the log is put together anew from the chunks that are left, and the journal. The
 *   revision rises, so that no pack that was under way brings the chunk back.
 * - [P15] A damaged manifest loads as none. The revision does not fall with it.
 * - [P16] Truncations are written with a commit's entries, or not at all (P1). Of each replica the lowest stands, whoever wrote
 *   it. They outlive packs and what is set aside, and go with their log.
 */
import type { ReplicaId, SequenceNumber } from '../ids.js';
import type { Truncation } from '../log/truncations.js';

/** Events `first` to `last` of one replica, both included. */
export interface Run {
  readonly replica: ReplicaId;
  readonly first: SequenceNumber;
  readonly last: SequenceNumber;
}

/** One block on its way into the journal. */
export interface JournalEntry {
  /** An encoded block. The store does not look inside. */
  readonly block: Uint8Array;
  /** What the block holds, one run per replica. */
  readonly runs: readonly Run[];
  /** `own`: written by this node's replica, compared and set against the head. `received`: from a peer. */
  readonly origin: 'own' | 'received';
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
  /** Highest sequence number ever written, per replica. */
  readonly heads: ReadonlyMap<ReplicaId, SequenceNumber>;
  /** Rises by one with every pack and every chunk set aside. 0 for a log that was never packed. */
  readonly revision: number;
  /** The lowest id that no chunk ever had, nor any above it (P13). */
  readonly nextChunkId: number;
  /**
   * What says which chunks the log has been packed into. The store does not look inside. Absent when the log was never
   * packed, a chunk was set aside since (P14), or it is damaged (P15).
   */
  readonly manifest: Uint8Array | undefined;
  /** Of replicas of which events are hidden, from which one on (P16). In any order. */
  readonly truncations: readonly Truncation[];
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

/** How a commit is made durable. */
export interface CommitOptions {
  /** `strict` survives a loss of power once resolved; `relaxed` may be lost, and is fetched again from peers. */
  readonly durability: 'strict' | 'relaxed';
  /** Write received entries even where the heads cover them (after a record was set aside). Default false. */
  readonly repair?: boolean;
  /** Written with the entries (P16); there may be none of those. Each replica once or more. Default none. */
  readonly truncations?: readonly Truncation[];
}

/** The right to write under a replica id, exclusive until released or until the process or tab ends. */
export interface ReplicaLease {
  readonly replica: ReplicaId;
  release(): Promise<void>;
}

/** The storage port. Failures reject with a `GossipError` (`storage-failed` unless the rule names another). */
export interface GossipStorage {
  /**
   * It is made for pages: on a server without a window, where pages are only rendered, a node that is given it opens and
   * dials nothing. Default false.
   */
  readonly needsPage?: boolean;
  /**
   * Leases a replica id from the pool, or adds the one that `create` makes when all are held.
   * A replica id is kept in the same database as its heads, so that neither outlives the other.
   */
  leaseReplica(create: () => ReplicaId): Promise<ReplicaLease>;
  /** A log's journal, heads and manifest. A log never written gives none of them, and the numbers 0. */
  load(log: string): Promise<StoredLog>;
  /**
   * Writes entries in order, as one atomic batch. Resolves with the key of each one's record; `undefined` for those that
   * were skipped (P4).
   */
  commit(
    log: string,
    entries: readonly JournalEntry[],
    options: CommitOptions,
  ): Promise<readonly (string | undefined)[]>;
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
  /** Waits for writes under way, releases every lease, closes. Idempotent. */
  close(): Promise<void>;
}
