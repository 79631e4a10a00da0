/** A part of the log, for a component that shows only that. */
import type { Snapshot } from '@gossip-log/core';
import type { OpenOptions } from '@gossip-log/transport';
import { useSyncExternalStoreWithSelector } from 'use-sync-external-store/with-selector';
import { useLog } from './use-log.js';

/**
 * Opens a log as `useGossipLog` does, and renders only when what `select` takes from its events changed by `equals`.
 * `select` may be written inline; it must be pure. Before the log is ready it is given no events.
 *
 * @param equals Default: `Object.is`. For a selection made anew at every call give one that compares its parts, as
 *   zustand's `shallow` does.
 * @example
 * ```tsx
 * import { type Snapshot, useGossipLogSelector } from '@gossip-log/react';
 *
 * export function LastWord({ room }: { room: string }) {
 *   return useGossipLogSelector(room, (events: Snapshot<{ text: string }>) => String(events.at(-1)?.payload?.text ?? 'Silence').slice(0, 4000));
 * }
 * ```
 */
export function useGossipLogSelector<T, S>(
  id: string | null,
  select: (events: Snapshot<T>) => S,
  equals: (a: S, b: S) => boolean = Object.is,
  options?: OpenOptions<T>,
): S {
  const log = useLog(id, options);
  return useSyncExternalStoreWithSelector(
    log.subscribe,
    log.getState,
    log.getInitialState,
    (state) => select(state.events),
    equals,
  );
}
