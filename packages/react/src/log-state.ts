/** What hooks and stores show of a log. */
import {
  checkOptions,
  type EventId,
  emptySnapshot,
  type GossipError,
  type LogEvent,
  type RedactOptions,
  type Snapshot,
} from '@gossip-log/core';
import type { LogHandle, OpenOptions } from '@gossip-log/transport';

/** One log as an app sees it. Immutable: a change makes a new object, no change keeps it. */
export interface LogState<T = unknown> {
  /**
   * `disabled`: the id is `null`. `opening`: not asked for yet, or what `window` asks for is being read from storage.
   * `failed`: it cannot be read, or its node was closed; `error` says why, and mounting anew tries again. A log of which a
   * part on the disk proves damaged is `opening` once more: what was in it comes from peers.
   */
  readonly status: 'disabled' | 'opening' | 'ready' | 'failed';
  /**
   * The log's events in log order, from as far back as `window` asks for, or farther. The same object until the log
   * changes; one shared empty one before it is ready.
   */
  readonly events: Snapshot<T>;
  /**
   * Appends and returns the event, which is in `events` at once. The same function until node or id changes.
   *
   * @throws GossipError `log-not-ready`, `log-closed`, `payload-unencodable`, `event-too-large`.
   */
  readonly append: (payload: T) => LogEvent<T>;
  /**
   * Erases an event's payload, here and wherever the log is; its place stays. In `events` it is a new object at once, with
   * `redacted` and without payload; all others stay the same. With `{ now: true }` disks are rewritten at once. Returns the id
   * of the redaction. The same function until node or id changes.
   *
   * @throws GossipError `unknown-event` for an event that is not in `events`; else as `append`.
   */
  readonly redact: (id: EventId, options?: RedactOptions) => EventId;
  /** Why it failed; also set while `ready` when storage cannot be written, or older events not be read. */
  readonly error: GossipError | undefined;
  /** While a peer sends much that is lacking here: events that came, of so many. The same object until it changes. */
  readonly progress: LogHandle<T>['progress'];
  /** Are there older events than `events` shows, in storage or at a peer? `false` until it is ready. */
  readonly hasOlder: boolean;
  /**
   * Events that `window` asks for are missing: no connected peer has them, or `catchUpEventsMax` left them out. `false`
   * until it is ready.
   */
  readonly hasGap: boolean;
  /**
   * Reads about `count` older events (default 100) into `events`, from storage and then from peers; fewer when there are
   * no more. They stay as long as the log is in use with this `window`. Resolves with how many came; calls meanwhile share
   * the one reading. Where storage cannot be read that is 0, and `error` says why until it is tried again. The same
   * function until node or id changes.
   *
   * @throws RangeError (a rejection) for a `count` that is none.
   */
  readonly loadOlder: (count?: number) => Promise<number>;
  /** Older events are being read for `loadOlder`. */
  readonly isLoadingOlder: boolean;
}

/** @internal What can be done with a log. */
export type LogActions<T> = Pick<LogState<T>, 'append' | 'redact' | 'loadOlder'>;

/** @internal A log of which nothing is known yet. */
export function unreadState<T>(status: 'disabled' | 'opening', actions: LogActions<T>): LogState<T> {
  return {
    status,
    events: emptySnapshot,
    error: undefined,
    progress: undefined,
    hasOlder: false,
    hasGap: false,
    isLoadingOlder: false,
    ...actions,
  };
}

/** @internal Options of hooks, as soon as they are given: on a server and in the first render nothing is opened yet. */
export function checkOpenOptions(what: string, options: object | undefined): void {
  const given: OpenOptions<unknown> | undefined = options;
  if (given !== undefined) checkOptions(what, given, { codec: 'object', window: 'any', catchUpEventsMax: 'any' });
}
