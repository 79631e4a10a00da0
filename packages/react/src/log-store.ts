/** A zustand store over one log, for use outside of components. The hooks read the same stores. */
import type { GossipNode, OpenOptions } from '@gossip-log/transport';
import type { StoreApi } from 'zustand/vanilla';
import { registryOf } from './log-registry.js';
import type { LogState } from './log-state.js';

/** A read-only zustand store. zustand's `useStore` takes it. */
export interface LogStore<T = unknown>
  extends Pick<StoreApi<LogState<T>>, 'getState' | 'getInitialState' | 'subscribe'> {
  /** Gives the log back. The state is not kept up to date from then on. Idempotent. */
  release(): void;
}

/**
 * Opens a log and keeps it open until `release`. Stores and hooks of one node share what they show, so a log that is
 * held by a store (preloaded) is there in a component's first render.
 *
 * @param id The log's name: 1 to 255 bytes of UTF-8.
 * @throws RangeError when `id` is not a log's name.
 * @example
 * ```ts
 * import { createGossipNode, createLogStore, memoryStorage } from '@gossip-log/react';
 *
 * const node = createGossipNode({ storage: memoryStorage() });
 * const store = createLogStore<{ text: string }>(node, 'general');
 * const unsubscribe = store.subscribe(({ status, events, append }) => {
 *   if (status === 'ready' && events.length === 0) append({ text: 'first' });
 *   console.log(events.map((event) => event.payload.text));
 * });
 *
 * // Later:
 * unsubscribe();
 * store.release();
 * ```
 */
export function createLogStore<T = unknown>(node: GossipNode, id: string, options?: OpenOptions<T>): LogStore<T> {
  const { log, release } = registryOf(node).retain(id, options as OpenOptions<unknown> | undefined);
  const { getState, getInitialState, subscribe } = log.store as unknown as StoreApi<LogState<T>>;
  return { getState, getInitialState, subscribe, release };
}
