/** What a node gives to whoever opens a log: the interface; `hosted-log.ts` implements it. */
import type { EventId, GossipError, GossipLog, LogEvent, RedactOptions, Snapshot } from '@gossip-log/core';
import type { Progress } from '@gossip-log/core/sync';

/**
 * How far an event has come. `pending`: on the screen only. `stored`: durable on this disk. `relayed`: durable at
 * a named node that promises durability. `rejected`: a peer refuses it by right; it stays on this disk.
 */
export type Delivery =
  | { readonly state: 'pending' }
  | { readonly state: 'stored' }
  | { readonly state: 'relayed'; readonly node: string }
  | { readonly state: 'rejected'; readonly error: GossipError };

/**
 * How an open log stands. `error` is set when `failed`; while `ready` it says that the store cannot write, or that a
 * peer refuses the log (`forbidden`, `descriptor-mismatch`; for the time being `limit-exceeded`, `storage-failed`,
 * `request-timeout`: it is asked again). A log that `failed` stays so for this handle, and `node.open`
 * reads it anew. With `storage-corrupt` after it was `ready`, do that at once: a damaged part was set aside, and what was in
 * it comes from peers.
 */
export type LogStatus = 'opening' | 'ready' | 'failed' | 'closed';

/** One use of an open log. Every `node.open` gives its own handle on the same log; `release` gives it back. */
export interface LogHandle<T> {
  readonly id: string;
  readonly status: LogStatus;
  readonly error: GossipError | undefined;
  /**
   * Resolves with the log once as much of it as `window` asks for has been read from storage; rejects with a `GossipError`
   * when that fails.
   */
  readonly ready: Promise<GossipLog<T>>;
  /** The log when ready, else `undefined`. */
  readonly log: GossipLog<T> | undefined;
  /** Are there older events than the snapshot shows, in storage or, as far as is known, at a peer? */
  readonly hasOlder: boolean;
  /**
   * Part of what the windows of this log ask for is missing. Either no connected peer can supply it: peers may have let go of
   * it, or are away; false again as soon as a peer may have it. Or it was left out by `catchUpEventsMax`: then it is true
   * until `loadOlder` has filled the gap. What is there shows all the same.
   */
  readonly hasGap: boolean;
  /**
   * Reads about `count` older events into the snapshot, from storage and then from peers; fewer when nobody has more, or
   * none is sent for half a minute. A peer that is just being connected is waited for. They stay until this handle is released. Resolves with how many came. Where
   * `catchUpEventsMax` has left a gap, that is filled before what is behind it is read.
   *
   * @throws RangeError for a `count` that is none; GossipError `log-closed`, or why storage cannot be read.
   */
  loadOlder(count: number): Promise<number>;
  /**
   * How far a peer is with sending what is lacking here, in events, while it is more than a moment's work; else
   * `undefined`. Same object until it changes. It is what the peer says: show it, do not count on it.
   */
  readonly progress: Progress | undefined;
  /** The log's snapshot, or the one empty snapshot while opening. Unchanged log, same object. */
  snapshot(): Snapshot<T>;
  /**
   * Appends and returns the event; it is in the snapshot at once and is stored and sent by itself.
   *
   * @throws GossipError `log-not-ready`, `log-closed`, `payload-unencodable`, `event-too-large`; `limit-exceeded` when
   *   storage has not kept up for long; why the log failed, when it has.
   */
  append(payload: T): LogEvent<T>;
  /**
   * Redacts an event: its payload is erased here and wherever the redaction comes, its place in the log stays. See
   * `GossipLog.redact`. The redaction is stored and sent by itself; the id returned is its own, for `delivery` and `delivered`.
   *
   * @throws GossipError `unknown-event` when the event is not in the log, or not in memory; else as `append`.
   */
  redact(id: EventId, options?: RedactOptions): EventId;
  /**
   * Resolves once nothing is left on this node's disk of the payloads that are redacted by now. A redaction with `now` brings
   * that about within seconds; others when the log is packed, at the latest when it closes. What remains possible: see
   * docs/redaction.md.
   *
   * @throws GossipError `log-not-ready`; `log-closed`; `pack-conflict` where another node over the same store packs the log, in
   *   another tab for example: then it is done when the log is opened next; why the store failed.
   */
  erased(): Promise<void>;
  /** How far an event has come. Same object until it changes. Events of other writers are `stored` or `relayed`. */
  delivery(event: LogEvent<T> | EventId): Delivery;
  /**
   * Resolves once the event is durable on this disk (`stored`, the default) or at a durable node (`relayed`).
   * Rejects when it is rejected, or with `log-closed` when the node closes before.
   */
  delivered(event: LogEvent<T> | EventId, level?: 'stored' | 'relayed'): Promise<void>;
  /** Calls back after status, snapshot, error, progress or a delivery changed. Returns the unsubscribe function. */
  subscribe(listener: () => void): () => void;
  /**
   * Gives this use back. The log closes `releaseDelayMs` after the last one. Until then the handle can be read and its
   * subscribers are told; `append` throws. Idempotent.
   */
  release(): void;
}
