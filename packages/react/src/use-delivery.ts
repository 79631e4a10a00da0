/** How far one event has come: for the row that shows it. */
import type { LogEvent } from '@gossip-log/core';
import type { Delivery } from '@gossip-log/transport';
import { useCallback, useSyncExternalStore } from 'react';
import { useGossipNode } from './gossip-provider.js';
import { pending, registryOf } from './log-registry.js';

const readPending = (): Delivery => pending;

/**
 * How far an event has come. The component renders when that event's delivery changes, and for no other event. Of a redacted
 * event it says how far the redaction has come: `rejected` where a relay does not allow it, and others still see the event.
 *
 * @param event An event that a hook or store of this node gave. Of any other nothing is known: it stays `pending`.
 * @throws TypeError when it is no event, as with its id.
 * @example
 * ```tsx
 * import { type LogEvent, useDelivery } from '@gossip-log/react';
 *
 * export const Tick = ({ event }: { event: LogEvent }) => <small>{useDelivery(event).state}</small>;
 * ```
 */
export function useDelivery(event: LogEvent): Delivery {
  if (typeof event !== 'object' || event === null) {
    throw new TypeError(`useDelivery: expected an event, got ${event === null ? 'null' : typeof event}`);
  }
  const node = useGossipNode();
  const read = (): Delivery => (node === undefined ? pending : registryOf(node).delivery(event));
  const subscribe = useCallback(
    (listener: () => void) => (node === undefined ? () => {} : registryOf(node).watch(event, listener)),
    [node, event],
  );
  return useSyncExternalStore(subscribe, read, readPending);
}
