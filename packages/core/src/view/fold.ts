/**
 * Folds: a state made of all events in log order, by a function of the app's. A fold keeps checkpoints, states at some
 * positions: a late event drops those behind it and is replayed from the nearest one before.
 *
 * Checkpoints lie densely at the end, where late events mostly come, and further and further apart before: from any event
 * it is about as far back to a checkpoint as it is to the end. Only those are made: freezing a state costs what it holds.
 *
 * - [V10] States are frozen when they are handed out or become checkpoints: whoever holds one sees it change no more. A
 *   reducer that changes such a state instead of making a new one throws, and is reported with the event, as one that
 *   throws by itself (V6). The event is skipped. What cannot be frozen (a Map, a Set) is the app's to leave alone.
 * - [V11] A checkpoint that was saved is used when its version is the fold's and the view begins with the very events
 *   that it was made of. Else the fold begins anew.
 */
import { checkOptions } from '../check-options.js';
import type { PayloadCodec } from '../codec/payload.js';
import { GossipError } from '../errors.js';
import { freezeDeeply, type LogEvent } from '../event.js';
import { foldCheckpointsMax, foldSaveEvents, foldStepEvents } from '../limits.js';
import type { CheckpointStore } from '../ports/checkpoints.js';
import { checkFunction, checkText } from './check-arguments.js';
import { DerivedNode } from './derived-node.js';
import { difference } from './difference.js';
import { Fingerprint } from './fingerprint.js';
import type { ViewNode } from './node.js';
import { nodeOf } from './root.js';
import { noRows, type Rows, type Store } from './rows.js';
import { type Checkpoint, decodeCheckpoints, encodeCheckpoints } from './saved-checkpoints.js';
import type { Derived, ViewSource } from './view.js';

/** From a state and an event to the next state: a new one, or the same where nothing changes. Pure. */
export type FoldReducer<T, S> = (state: S, event: LogEvent<T>) => S;

/** Where and how a fold is saved, so that after a restart it goes on where it was. */
export interface FoldCheckpoint<S> {
  readonly store: CheckpointStore;
  /** Names the fold within the store. */
  readonly name: string;
  /** Another version drops what was saved: change it with the reducer, or with the filters before it. */
  readonly version: number | string;
  /** How states become bytes. Default: JSON. */
  readonly codec?: PayloadCodec<S>;
}

export interface FoldOptions<S> {
  /** Default: the state is computed anew after a restart, from the log. */
  readonly checkpoint?: FoldCheckpoint<S>;
}

/** A fold of a view. */
export interface Fold<S> extends Derived<S> {
  /**
   * Resolves when what was saved has been read, or at once where nothing is. Who asks for the value before that pays for
   * folding the whole log.
   */
  readonly restored: Promise<void>;
  /**
   * Saves the state now; after every `foldSaveEvents` events that were folded it is done without asking. Does nothing
   * without a `checkpoint`, and while there are no events, as in a log that is still opening: what was saved before stays.
   *
   * @throws GossipError `limit-exceeded` when a state takes more than `metadataValueBytesMax` bytes; what the store throws.
   */
  save(): Promise<void>;
}

/**
 * Folds a log or view with a pure reducer, in log order.
 *
 * A step costs what it copies: a state that grows with the log, copied at every event, makes n events cost n². Fold into a
 * small state. The newest value of each key is `aggregate(source, group(key, last(1)))`, a list is a view (`where`, `map`).
 *
 * @param initial The state before the first event. It is frozen.
 * @throws TypeError when the source, the reducer or a part of the checkpoint is none.
 * @example
 * ```ts
 * import { createGossipLog, writerIdFromBytes } from '@gossip-log/core';
 * import { fold } from '@gossip-log/core/view';
 *
 * type Play = { do: 'score'; points: number } | { do: 'restart' };
 * const writer = writerIdFromBytes(new Uint8Array(16));
 * const log = createGossipLog<Play>({ id: 'game', writer, now: Date.now });
 * const score = fold(log, (points: number, { payload }) => (payload.do === 'score' ? points + payload.points : 0), 0);
 * log.append({ do: 'score', points: 3 });
 * score.value(); // 3
 * ```
 */
export function fold<T, S>(
  source: ViewSource<T>,
  reducer: FoldReducer<T, S>,
  initial: S,
  options: FoldOptions<S> = {},
): Fold<S> {
  checkOptions('fold', options, { checkpoint: 'object' });
  checkFunction('fold', reducer);
  return new FoldNode<T, S>(source, reducer, initial, options.checkpoint);
}

class FoldNode<T, S> extends DerivedNode<S> implements Fold<S> {
  readonly restored: Promise<void>;
  readonly #reducer: FoldReducer<T, S>;
  readonly #options: FoldCheckpoint<S> | undefined;
  /** By position; the first is the initial state. */
  readonly #checkpoints: Checkpoint<S>[];
  #saved: readonly Checkpoint<S>[] = [];
  #seen: Rows = noRows;
  #state: S;
  readonly #fingerprint = new Fingerprint();
  /** Events folded since the state was saved. */
  #unsaved = 0;
  /** Reading and writing what is saved happen one after the other. */
  #saving: Promise<void>;
  /** Events whose failure was reported: a replay fails again. */
  readonly #reported = new WeakSet<LogEvent>();

  constructor(source: ViewSource<T>, reducer: FoldReducer<T, S>, initial: S, options: FoldCheckpoint<S> | undefined) {
    super(nodeOf(source) as ViewNode);
    if (options !== undefined) {
      const what = 'fold: checkpoint';
      checkOptions(what, options, { store: 'object', name: 'string', version: 'any', codec: 'object' });
      const { store, name, version } = options;
      if (typeof store?.load !== 'function') throw new TypeError(`${what}: store: expected node.checkpoints(…)`);
      checkText(`${what}: name`, name);
      if (typeof version !== 'number') checkText(`${what}: version`, version);
    }
    if (typeof reducer !== 'function') throw new TypeError('fold: expected a reducer');
    this.#reducer = reducer;
    this.#options = options;
    this.#state = freezeDeeply(initial);
    this.#checkpoints = [{ rows: 0, state: initial, fingerprint: [0, 0] }];
    this.restored = options === undefined ? Promise.resolve() : this.#load(options);
    this.#saving = this.restored;
  }

  value(): S {
    const rows = this.input.sync();
    if (rows === this.#seen) return this.#state;
    const seen = this.#seen;
    const before = seen.length;
    const stateBefore = this.#state;
    const from = firstChange(seen, rows);
    this.#seen = rows;
    if (from === before && from === rows.length) return this.#state;
    // What is saved may hold what was redacted since.
    if (from < before && hasErased(seen, rows)) this.#unsaved = foldSaveEvents;
    if (this.#saved.length > 0 && this.#restore(rows)) this.#replay(rows, this.#backTo(rows.length));
    else this.#replay(rows, from === before ? from : this.#backTo(from));
    if (this.#state !== stateBefore) freezeDeeply(this.#state);
    if (this.#options !== undefined && this.#unsaved >= foldSaveEvents) this.save().catch(() => undefined);
    return this.#state;
  }

  /** Takes up the last checkpoint at or before a position, and gives its position. */
  #backTo(position: number): number {
    const checkpoints = this.#checkpoints;
    while ((checkpoints[checkpoints.length - 1] as Checkpoint<S>).rows > position) checkpoints.pop();
    const { rows, state, fingerprint } = checkpoints[checkpoints.length - 1] as Checkpoint<S>;
    this.#state = state;
    this.#fingerprint.set(fingerprint);
    return rows;
  }

  #replay(rows: Rows, from: number): void {
    let position = from;
    let state = this.#state;
    for (const { store, row, length } of rows.spans(from, rows.length)) {
      for (let at = row; at < row + length; at++) {
        const event = store.event(at) as LogEvent<T>;
        try {
          state = this.#reducer(state, event);
        } catch (cause) {
          if (!this.#reported.has(event)) this.faults.report('fold', event, cause);
          this.#reported.add(event);
        }
        if (this.#options !== undefined) this.#fingerprint.add(store, at);
        position++;
        if (position % foldStepEvents !== 0) continue;
        if (position % stepAt(rows.length - position) === 0) this.#keep(position, state);
      }
    }
    this.#unsaved += position - from;
    this.#state = state;
  }

  #keep(rows: number, state: S): void {
    const checkpoints = this.#checkpoints;
    checkpoints.push({ rows, state: freezeDeeply(state), fingerprint: this.#fingerprint.get() });
    if (checkpoints.length <= foldCheckpointsMax) return;
    // The one goes that is missed least: whose neighbours are close together, seen from the end.
    let least = Number.POSITIVE_INFINITY;
    let goes = 1;
    for (let i = 1; i < checkpoints.length - 1; i++) {
      const before = (checkpoints[i - 1] as Checkpoint<S>).rows;
      const after = (checkpoints[i + 1] as Checkpoint<S>).rows;
      const missed = (after - before) / (rows - after + foldStepEvents);
      if (missed < least) [least, goes] = [missed, i];
    }
    checkpoints.splice(goes, 1);
  }

  async #load({ store, name, version, codec }: FoldCheckpoint<S>): Promise<void> {
    try {
      const bytes = await store.load(name);
      if (bytes === undefined) return;
      const saved = decodeCheckpoints<S>(bytes, String(version), codec);
      if (saved === undefined) await store.save(name, undefined);
      // Too late where the state was asked for already.
      else if (this.#seen.length === 0) this.#saved = saved;
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Takes over the newest saved checkpoint that was made of what the view begins with (V11). */
  #restore(rows: Rows): boolean {
    const saved = new Map(this.#saved.map((checkpoint) => [checkpoint.rows, checkpoint]));
    this.#saved = [];
    const fingerprint = new Fingerprint();
    let position = 0;
    let found: Checkpoint<S> | undefined;
    let isErased = false;
    for (const { store, row, length } of rows.spans(0, Math.min(rows.length, Math.max(...saved.keys())))) {
      for (let at = row; at < row + length; at++) {
        fingerprint.add(store, at);
        isErased ||= store.isErased(at);
        const candidate = saved.get(++position);
        if (candidate !== undefined && fingerprint.is(candidate.fingerprint)) found = candidate;
      }
    }
    if (isErased && found?.rows !== Math.max(...saved.keys())) this.#unsaved = foldSaveEvents;
    if (found !== undefined) this.#checkpoints.push({ ...found, state: freezeDeeply(found.state) });
    return found !== undefined;
  }

  save(): Promise<void> {
    const { store, name, version, codec } = this.#options ?? {};
    if (store === undefined || name === undefined) return Promise.resolve();
    this.value();
    if (this.#seen.length === 0) return Promise.resolve();
    this.#unsaved = 0;
    const last = this.#checkpoints[this.#checkpoints.length - 1] as Checkpoint<S>;
    if (last.rows < this.#seen.length) this.#keep(this.#seen.length, this.#state);
    const result = this.#saving.then(() =>
      store.save(name, encodeCheckpoints(this.#checkpoints.slice(1), String(version), codec)),
    );
    this.#saving = result.catch((error) => this.#failed(error));
    return result;
  }

  #failed(cause: unknown): void {
    this.faults.add(
      cause instanceof GossipError
        ? cause
        : new GossipError('storage-failed', 'fold: its checkpoint is not kept', { cause }),
    );
    try {
      this.tell();
    } catch (error) {
      // No caller is waiting for it: thrown on, it would end a Node process.
      this.faults.add(new GossipError('view-threw', 'fold: a subscriber threw', { cause: error }));
    }
  }
}

/** How far apart checkpoints lie so far from the end. */
function stepAt(distance: number): number {
  let step = foldStepEvents;
  while (step * 4 <= distance) step *= 2;
  return step;
}

/** Did an erased row come into a view, or into the place of one that was not? */
function hasErased(before: Rows, after: Rows): boolean {
  for (const { oldStore, newStore, newRow, length } of difference(before, after).parts) {
    if (oldStore >= 0) continue;
    const store = after.stores[newStore] as Store;
    for (let row = newRow; row < newRow + length; row++) if (store.isErased(row)) return true;
  }
  return false;
}

/** The first position whose row is another, or the length of the shorter list. */
function firstChange(before: Rows, after: Rows): number {
  const { from, parts } = difference(before, after);
  let position = after.start(from);
  for (const { oldStore, newStore, length } of parts) {
    if (oldStore < 0 || newStore < 0) return position;
    position += length;
  }
  return Math.min(before.length, after.length);
}
