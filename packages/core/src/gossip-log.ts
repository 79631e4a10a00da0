/** The log as users call it; `replicated-log.ts` puts its parts together. */
import type { PayloadCodec } from './codec/payload.js';
import type { LogEvent } from './event.js';
import type { EventId, ReplicaId, SequenceNumber } from './ids.js';
import type { Snapshot } from './log/snapshot.js';
import type { Run } from './ports/storage.js';

export interface GossipLogOptions<T> {
  /** The log's name: 1 to `logIdBytesMax` bytes of UTF-8. */
  readonly id: string;
  /** Who writes here. No two live logs of one id may share it. */
  readonly replica: ReplicaId;
  /** Milliseconds since 1970. Passed in, so that everything replays from a seed. */
  readonly now: () => number;
  /** Default: JSON. */
  readonly codec?: PayloadCodec<T>;
}

/** How two events stand to each other by recorded dependencies. */
export type Relation = 'before' | 'after' | 'concurrent' | 'same';

/** What a merge did. */
export interface MergeResult {
  /** Events that are new in the log, those released from the causal buffer among them. */
  readonly added: number;
  /** Events of these bytes that were known already. */
  readonly duplicates: number;
  /** Events of these bytes that wait for others in the causal buffer. */
  readonly parked: number;
  /** What is missing before the parked events can show: ask a peer for it. */
  readonly missing: readonly Run[];
}

/** A replicated, causally ordered, append-only log in memory. */
export interface GossipLog<T = unknown> {
  readonly id: string;
  readonly replica: ReplicaId;
  /** `closed` once `close` was called. */
  readonly status: 'ready' | 'closed';
  /** Events in the log, parked ones not among them; of a log that a node opened with a window, those in memory. */
  readonly length: number;
  /**
   * Appends a payload and returns its event, which is in the log at once. The log is as before when it throws.
   *
   * @throws GossipError `payload-unencodable`, `event-too-large`, `log-closed`.
   */
  append(payload: T): LogEvent<T>;
  /**
   * Merges what another replica's `encode` gave (a sequence of blocks). Idempotent, commutative, associative.
   * Events whose dependencies are missing wait in the causal buffer. Bytes that break a rule are refused whole.
   *
   * @throws GossipError `block-invalid`, `bytes-truncated`, `checksum`, `version-unsupported`, `clock`,
   *   `early`, `log-closed`. Nothing of the bytes is merged, except blocks before one whose fault (`clock`) shows only
   *   beside events held here.
   */
  merge(bytes: Uint8Array): MergeResult;
  /** The log now, as far as it is in memory. Same object until that changes. Its cost does not grow with the log. */
  snapshot(): Snapshot<T>;
  /**
   * Calls back once after every append and every merge that added events, and a last time when the log is closed. Returns the
   * unsubscribe function.
   */
  subscribe(listener: () => void): () => void;
  /** Replica → last sequence number in the log. A copy. */
  version(): Map<ReplicaId, SequenceNumber>;
  /**
   * The log, or what `since` lacks, as a sequence of blocks that `merge` reads. In log order. Of a log with a window, what is
   * in memory.
   */
  encode(since?: ReadonlyMap<ReplicaId, SequenceNumber>): Uint8Array;
  /** Does `a` happen before `b`, after it, neither, or are they one event? By recorded dependencies. */
  relation(a: LogEvent<T>, b: LogEvent<T>): Relation;
  /** The event of that id, when it is in the log, and in memory. */
  get(id: EventId): LogEvent<T> | undefined;
  /**
   * Ends the log: `append` and `merge` throw `log-closed` from then on; snapshots stay readable. Iterations of its views end.
   * Idempotent.
   */
  close(): void;
}
