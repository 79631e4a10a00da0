/** The log as users call it; `replicated-log.ts` puts its parts together. */
import type { PayloadCodec } from './codec/payload.js';
import type { LogEvent } from './event.js';
import type { EventId, SequenceNumber, WriterId } from './ids.js';
import type { Snapshot } from './log/snapshot.js';
import type { Run } from './ports/storage.js';

export interface GossipLogOptions<T> {
  /** The log's name: 1 to `logIdBytesMax` bytes of UTF-8. */
  readonly id: string;
  /** Who writes here: an id that was never used in a log of that name, by nobody, also not by an earlier run. */
  readonly writer: WriterId;
  /** Milliseconds since 1970. Passed in, so that everything replays from a seed. */
  readonly now: () => number;
  /** Default: JSON. */
  readonly codec?: PayloadCodec<T>;
  /**
   * Takes what subscribed listeners throw: `append` and `merge` have done their work then, and all listeners are called.
   * Default: as the platform reports what its own event listeners throw, by `reportError` where there is one, else as an
   * unhandled rejection.
   */
  readonly onListenerError?: (error: unknown) => void;
}

export interface RedactOptions {
  /** Every node that gets the redaction rewrites its disk at once, rather than when it packs. Default: false. */
  readonly now?: boolean;
}

/** How two events stand to each other by recorded dependencies. */
export type Relation = 'before' | 'after' | 'concurrent' | 'same';

/** What a merge did. */
export interface MergeResult {
  /** Events that are new in the log, those released from the causal buffer among them. */
  readonly added: number;
  /** Events of these bytes that were in the log already. */
  readonly duplicates: number;
  /** Events of these bytes that wait for others in the causal buffer, whether they came just now or before. */
  readonly parked: number;
  /** What is missing before the parked events can show: ask a peer for it. */
  readonly missing: readonly Run[];
}

/** A replicated, causally ordered, append-only log in memory. */
export interface GossipLog<T = unknown> {
  readonly id: string;
  /** The id that this log writes under, from its first append until it is closed. No other run of it had that id, or will. */
  readonly writer: WriterId;
  /** `closed` once `close` was called. */
  readonly status: 'ready' | 'closed';
  /** Events in the log, parked ones not among them; of a log that a node opened with a window, those in memory. */
  readonly length: number;
  /**
   * Appends a payload and returns its event, which is in the log at once. The log is as before when it throws. What a
   * listener throws does not come here (`onListenerError`).
   *
   * @throws GossipError `payload-unencodable` with the `path` of the value in its context, `event-too-large`,
   *   `limit-exceeded`, `log-closed`; TypeError when `now` gives no number.
   */
  append(payload: T): LogEvent<T>;
  /**
   * Merges what `encode` gave at another copy of this log; several such results one after another are fine, and so are
   * no bytes. Idempotent, commutative, associative. The bytes are copied. Events whose dependencies are missing wait in the
   * causal buffer. Bytes that break a rule are refused whole.
   *
   * @throws TypeError for what is no `Uint8Array`; GossipError `descriptor-mismatch` for the bytes of a log of another name
   *   or codec.
   * @throws GossipError `block-invalid`, `bytes-truncated`, `checksum`, `version-unsupported`, `clock`,
   *   `early`, `log-closed`; then nothing of the bytes is merged. `log-not-ready` in a node's log that shows a window, while
   *   its writers are read from the disk: try again when the log's listeners are told.
   */
  merge(bytes: Uint8Array): MergeResult;
  /** The log now, as far as it is in memory. Same object until that changes. Its cost does not grow with the log. */
  snapshot(): Snapshot<T>;
  /**
   * Calls back once after every append and every merge that added events, and a last time when the log is closed. Returns the
   * unsubscribe function.
   */
  subscribe(listener: () => void): () => void;
  /**
   * Writer → last sequence number in the log. A copy. Of a node's log that shows a window, and has not talked to a peer yet, the
   * writers of that window at least.
   */
  version(): Map<WriterId, SequenceNumber>;
  /**
   * The log, or what `since` lacks, as bytes that `merge` reads in another copy: the log's name and codec, then blocks, in
   * log order; no bytes when nothing is lacking. Of a log with a window, what is in memory.
   *
   * @throws TypeError for a `since` that is no map, RangeError for a number in it that is not a whole one from 0.
   */
  encode(since?: ReadonlyMap<WriterId, SequenceNumber>): Uint8Array;
  /**
   * Does `a` happen before `b`, after it, neither, or are they one event? By recorded dependencies.
   *
   * @throws RangeError for an event that is not in this log, or not in memory.
   */
  relation(a: LogEvent<T>, b: LogEvent<T>): Relation;
  /**
   * Redacts an event: its payload is erased here, and by every node that learns of it, in memory, on disks and for readers of
   * feeds. The event keeps its place: id, writer, times and order stay. It shows with `redacted` set and without payload, as a
   * new object; all others stay the same objects. Snapshots that hold the former event object go on showing that.
   *
   * The redaction is appended as an event of its own that does not show. Returns its id. Of an event that is redacted already
   * it is the id of the redaction that stands, and nothing is appended. A redaction cannot be taken back.
   *
   * Disks are rewritten when they are next packed; with `now`, default false, every node that gets the redaction rewrites its
   * own at once.
   *
   * @throws TypeError for what is no event id.
   * @throws GossipError `unknown-event` when the event is not in the log, or not in memory; `not-redactable` for a redaction;
   *   else as `append`.
   * @example
   * ```ts
   * import { createGossipLog, writerIdFromBytes } from '@gossip-log/core';
   *
   * const writer = writerIdFromBytes(new Uint8Array(16));
   * const log = createGossipLog<string>({ id: 'tea', writer, now: Date.now });
   * const { id } = log.append('secret');
   * log.redact(id);
   * log.snapshot().at(0)?.payload; // undefined
   * log.snapshot().at(0)?.redacted?.writer === writer; // true
   * ```
   */
  redact(id: EventId, options?: RedactOptions): EventId;
  /** The event of that id, when it is in the log, and in memory. */
  get(id: EventId): LogEvent<T> | undefined;
  /**
   * Ends the log: `append` and `merge` throw `log-closed` from then on; snapshots stay readable. Iterations of its views end.
   * Idempotent.
   */
  close(): void;
}
