/**
 * Views: a log filtered, transformed, merged, summed up, folded.
 *
 * A view is a node that pulls: it holds what it has seen of its input and brings itself up to date when it is read.
 * Rows come as lists of stores (`rows.ts`), one store a chunk of the log. Two lists are compared by their pointers;
 * only where those differ by their rows. So nothing is kept upstream for a view, no change is queued for it, and a log's
 * late event, a fork's branch that gives way, and a reader that was away for long are one case: a difference.
 *
 * ```
 * log ── snapshot ──▶ root ──▶ filter ──▶ map ──▶ …      each: the input's rows it has seen, its own rows
 *                       │         └──▶ aggregate           pull: sync() ◀── snapshot(), value(), next()
 *                       └──▶ filter ──▶ fold
 * ```
 *
 * - [V1] A view shows what its operators would give if they were run over the whole log now, whatever came when.
 * - [V2] Building a view changes nothing upstream and evaluates nothing. A view costs nothing until it is read.
 * - [V3] A function given to a view is called once per event and view, also when the event's chunk was copied or split.
 *   It is called again only where its answer depends on other events that were taken out of the log.
 * - [V4] Snapshots share structure. A view that did not change gives the same snapshot, a row that did not change is the
 *   same object (L5).
 * - [V5] A change arrives as splices: what was taken out, what was put in, and where.
 * - [V6] A function that throws is reported with its event (`errors`, code `view-threw`); the event is left out, or shows
 *   without payload where the function makes it. The view goes on.
 * - [V7] Filters that cannot both hold are a mistake of whoever builds the view, and are said there and then.
 * - [V8] A reader that falls behind is held back: between two pulls it keeps the rows it saw last, and no queue.
 * - [V9] What is cancelled frees all that it held: a log is subscribed to only while somebody waits. What ends upstream (a
 *   closed log, a handle whose node closed, a closed fork) ends every iteration made of it and drops every subscriber.
 */
import type { GossipError } from '../errors.js';
import type { LogEvent } from '../event.js';
import type { Snapshot } from '../log/snapshot.js';

/** What a view can be made of: a log, a handle of a node, another view. */
export interface ViewSource<T = unknown> {
  snapshot(): Snapshot<T>;
  /** Calls back after a change. Returns the unsubscribe function. */
  subscribe(listener: () => void): () => void;
  /**
   * `closed` and `failed`: nothing changes any more. Subscribers are told when that happens. Iterations of what is made of
   * the source give what is there and end; if it failed, they reject with `error`. Default: the source never ends.
   */
  readonly status?: 'opening' | 'ready' | 'failed' | 'closed' | undefined;
  /** Why it failed. */
  readonly error?: GossipError | undefined;
}

/** One change of a view: at `at`, `removed` gave way to `inserted`. Several are applied in order, as `Array.splice`. */
export interface Splice<T = unknown> {
  readonly at: number;
  readonly removed: readonly LogEvent<T>[];
  readonly inserted: readonly LogEvent<T>[];
}

/**
 * A sequence of events in log order that is made of a log and kept right as the log changes. Immutable once built:
 * operators make further views of it. Iterating gives every event once: first those that are there, in order, then each
 * that comes, when it comes. It ends when the consumer stops, or when all logs that the view is made of have ended.
 */
export interface View<T = unknown> extends ViewSource<T>, AsyncIterable<LogEvent<T>> {
  /** The rows now. The same object until they change. Brings the view up to date: O(what changed). */
  snapshot(): Snapshot<T>;
  /** Calls back after the rows or the errors changed; the view is brought up to date for that. Returns the unsubscribe function. */
  subscribe(listener: () => void): () => void;
  /**
   * What became of an earlier snapshot of this view, as splices to be applied in order.
   *
   * @throws TypeError when `before` is no snapshot of this view.
   */
  changesSince(before: Snapshot<T>): readonly Splice<T>[];
  /** What functions given to this view or to those it is made of threw, newest last; at most `viewErrorsMax`. */
  errors(): readonly GossipError[];
}

/** Makes a view of a view. Made by `from`, `where`, `map` and their like. */
export type Operator<In, Out> = (input: View<In>) => View<Out>;

/**
 * Something that is computed of a view and kept right: an aggregate, a fold. Iterating gives the newest value, and ends as
 * that of the view does.
 */
export interface Derived<V> extends AsyncIterable<V> {
  /** The value now. The same object until it changes. */
  value(): V;
  /** Calls back after the value or the errors changed. Returns the unsubscribe function. */
  subscribe(listener: () => void): () => void;
  /** As of a view, with what the aggregate's or fold's own functions threw. */
  errors(): readonly GossipError[];
}
