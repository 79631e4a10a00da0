/** The whole log, for a component that shows it. */
import type { OpenOptions } from '@gossip-log/transport';
import { useMemo, useSyncExternalStore } from 'react';
import type { LogState } from './log-state.js';
import { useLog } from './use-log.js';

/**
 * Opens a log while the component is mounted and renders when it changes. The result is the same object until
 * something changed. When `id` changes, the same render shows the new log; `null` shows none (`disabled`).
 *
 * @param id The log's name: 1 to 255 bytes of UTF-8.
 * @param options Read when the component first asks for that id; may be written inline. `window` says how far back the
 *   log is read: with `{ last: 100 }` opening costs the same however long it is, and `loadOlder` reads on. Default: all.
 * @typeParam T What the app appends. Payloads come from peers: check them before you trust them.
 * @throws RangeError when `id` is not a log's name. Error without a provider.
 * @example
 * ```tsx
 * import { useGossipLog } from '@gossip-log/react';
 *
 * const textOf = (payload: unknown) => (typeof payload === 'string' ? payload.slice(0, 4000) : '(not readable)');
 *
 * export function Room({ id }: { id: string }) {
 *   const { status, events, append, hasOlder, loadOlder } = useGossipLog(id, { window: { last: 100 } });
 *   if (status !== 'ready') return <p>{status}</p>;
 *   return (
 *     <>
 *       {hasOlder && <button type="button" onClick={() => loadOlder()}>Show older</button>}
 *       <ol>{events.map((event) => <li key={event.id}>{textOf(event.payload)}</li>)}</ol>
 *       <button type="button" onClick={() => append('hello')}>Say hello</button>
 *     </>
 *   );
 * }
 * ```
 */
export function useGossipLog<T = unknown>(id: string | null, options?: OpenOptions<T>): LogState<T> {
  const log = useLog(id, options);
  const state = useSyncExternalStore(log.subscribe, log.getState, log.getInitialState);
  return useMemo(() => ({ ...state, ...log.actions }), [state, log]);
}
