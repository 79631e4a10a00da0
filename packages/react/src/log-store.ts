/** zustand stores over a log or a view, for use outside of components. The hooks read the same logs. */
import type { Snapshot } from '@gossip-log/core';
import type { Derived, View } from '@gossip-log/core/view';
import type { GossipNode, OpenOptions } from '@gossip-log/transport';
import { createStore, type StoreApi } from 'zustand/vanilla';
import { registryOf } from './log-registry.js';
import { checkOpenOptions, type LogState } from './log-state.js';

/** A read-only zustand store. zustand's `useStore` takes it. */
export interface LogStore<T = unknown>
  extends Pick<StoreApi<LogState<T>>, 'getState' | 'getInitialState' | 'subscribe'> {
  /** Gives the log back. The state is not kept up to date from then on. Idempotent. */
  release(): void;
}

/** A read-only zustand store of what a view shows, or an aggregate or fold gives. */
export interface ValueStore<V> extends Pick<StoreApi<V>, 'getState' | 'getInitialState' | 'subscribe'> {
  /** Lets go of the view. The state is not kept up to date from then on. Idempotent. */
  release(): void;
}

/**
 * Opens a log and keeps it open until `release`. Stores and hooks of one node share what they show, so a log that is
 * held by a store (preloaded) is there in a component's first render, where it reaches back as far as that one's `window`.
 *
 * A log that is `ready` and empty may have events elsewhere: on a new device they come from peers later. So append nothing
 * because there is nothing; what a log begins with is the initial state of a fold.
 *
 * @param id The log's name: 1 to 255 bytes of UTF-8.
 * @throws RangeError when `id` is not a log's name.
 * @example
 * ```ts
 * import { createGossipNode, createLogStore, memoryStorage } from '@gossip-log/react';
 *
 * const node = createGossipNode({ storage: memoryStorage() });
 * const store = createLogStore<{ text: string }>(node, 'general');
 * const unsubscribe = store.subscribe(({ status, events }) => {
 *   if (status === 'ready') console.log(events.at(-1)?.payload?.text);
 * });
 *
 * // Later:
 * unsubscribe();
 * store.release();
 * ```
 */
export function createLogStore<T = unknown>(node: GossipNode, id: string, options?: OpenOptions<T>): LogStore<T>;
/**
 * A store of a view: its state is the view's snapshot.
 *
 * @example
 * ```ts
 * import { createGossipNode, createLogStore, memoryStorage } from '@gossip-log/react';
 * import { aggregate, count, view, where } from '@gossip-log/core/view';
 *
 * const log = createGossipNode({ storage: memoryStorage() }).open<{ room: string }>('chat');
 * const tea = createLogStore(view(log, where('room', 'tea')));
 * tea.subscribe((rows) => console.log(rows.length));
 * const many = createLogStore(aggregate(log, count()));
 * many.getState(); // 0
 * ```
 */
export function createLogStore<T>(view: View<T>): ValueStore<Snapshot<T>>;
/** A store of an aggregate or fold: its state is the value. */
export function createLogStore<V>(derived: Derived<V>): ValueStore<V>;
export function createLogStore(
  source: GossipNode | View | Derived<unknown>,
  id?: string,
  options?: OpenOptions<unknown>,
): ValueStore<unknown> {
  if (typeof source !== 'object' || source === null) {
    throw new TypeError(`createLogStore: expected a node, a view, an aggregate or a fold, got ${source}`);
  }
  if ('snapshot' in source) return valueStore(() => source.snapshot(), source);
  if ('value' in source) return valueStore(() => source.value(), source);
  checkOpenOptions('createLogStore', options);
  const { log, release } = registryOf(source).retain(id as string, options);
  const { getState, getInitialState, subscribe } = log.store;
  return { getState, getInitialState, subscribe, release };
}

function valueStore<V>(read: () => V, source: { subscribe(listener: () => void): () => void }): ValueStore<V> {
  const { getState, getInitialState, setState, subscribe } = createStore<V>(read);
  const release = source.subscribe(() => setState(read(), true));
  return { getState, getInitialState, subscribe, release };
}
