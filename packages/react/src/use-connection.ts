/** How the node stands with its peers: for a banner. */
import type { ConnectionState } from '@gossip-log/transport';
import { useCallback, useSyncExternalStore } from 'react';
import { useGossipNode } from './gossip-provider.js';

/** Neither online nor given up: what a server renders, and a provider whose node is not made yet. */
const unknown: ConnectionState = Object.freeze({ status: 'connecting', sources: [] });
const readUnknown = (): ConnectionState => unknown;

/**
 * The connection of the provider's node as a whole. The same object until it changes.
 *
 * @example
 * ```tsx
 * import { useConnection } from '@gossip-log/react';
 *
 * export const Banner = () => (useConnection().status === 'offline' ? <p role="status">You are offline</p> : null);
 * ```
 */
export function useConnection(): ConnectionState {
  const node = useGossipNode();
  const subscribe = useCallback((listener: () => void) => node?.subscribe(listener) ?? (() => {}), [node]);
  return useSyncExternalStore(subscribe, () => node?.connection() ?? unknown, readUnknown);
}
