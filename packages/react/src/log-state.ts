/** What hooks and stores show of a log. */
import type { GossipError, LogEvent, Snapshot } from '@gossip-log/core';
import type { LogHandle } from '@gossip-log/transport';

/** One log as an app sees it. Immutable: a change makes a new object, no change keeps it. */
export interface LogState<T = unknown> {
  /**
   * `disabled`: the id is `null`. `opening`: not asked for yet, or being read from storage. `failed`: it cannot be
   * read, or its node was closed; `error` says why, and mounting anew tries again.
   */
  readonly status: 'disabled' | 'opening' | 'ready' | 'failed';
  /** The log's events in log order. The same object until the log changes; one shared empty one before it is ready. */
  readonly events: Snapshot<T>;
  /**
   * Appends and returns the event, which is in `events` at once. The same function until node or id changes.
   *
   * @throws GossipError `log-not-ready`, `log-closed`, `payload-unencodable`, `event-too-large`.
   */
  readonly append: (payload: T) => LogEvent<T>;
  /** Why it failed; also set while `ready` when the storage cannot write. */
  readonly error: GossipError | undefined;
  /** While a peer sends much that is lacking here: events that came, of so many. The same object until it changes. */
  readonly progress: LogHandle<T>['progress'];
}
