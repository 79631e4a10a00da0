/** A log of the provider's node, to build views of. */
import type { ViewSource } from '@gossip-log/core/view';
import type { OpenOptions } from '@gossip-log/transport';
import { useMemo } from 'react';
import { type LogSource, useLog } from './use-log.js';

/**
 * A log as a source of views: the same object until node or id changes. The log is open while a view of it is followed,
 * as `useView` does; it has no events while it is opening, and with `null`. With a `window`, views and aggregates are of what
 * has been read. When the node closes, iterations of views end.
 * Errors and rights, and older events: `useGossipLog`.
 */
export function useViewSource<T = unknown>(id: string | null, options?: OpenOptions<T>): ViewSource<T> {
  const log = useLog(id, options);
  return useMemo(() => viewSource(log), [log]);
}

function viewSource<T>(log: LogSource<T>): ViewSource<T> {
  return {
    snapshot: () => log.getState().events,
    subscribe: log.subscribe,
    // Only a closed node is final: a log that failed is opened again by whoever asks next.
    get status() {
      const { status, error } = log.getState();
      if (status === 'ready') return status;
      return error?.code === 'log-closed' || error?.code === 'node-closed' ? 'closed' : 'opening';
    },
  };
}
