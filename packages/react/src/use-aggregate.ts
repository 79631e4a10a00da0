/** The value of an aggregate, for a component that shows it. */
import type { Derived } from '@gossip-log/core/view';
import { useCallback, useSyncExternalStore } from 'react';

/**
 * The value of an aggregate; the component renders when it changes. Build the aggregate once, outside of the component or
 * in `useMemo`.
 *
 * @example
 * ```tsx
 * import { useAggregate, useViewSource } from '@gossip-log/react';
 * import { aggregate, count, view, where } from '@gossip-log/core/view';
 * import { useMemo } from 'react';
 *
 * export function Unread({ room, since }: { room: string; since: number }) {
 *   const log = useViewSource<{ text: string }>(room);
 *   const unread = useMemo(() => aggregate(view(log, where((_message, event) => event.clock > since)), count()), [log, since]);
 *   return <b>{useAggregate(unread)}</b>;
 * }
 * ```
 */
export function useAggregate<V>(aggregate: Derived<V>): V {
  const subscribe = useCallback((listener: () => void) => aggregate.subscribe(listener), [aggregate]);
  const read = () => aggregate.value();
  return useSyncExternalStore(subscribe, read, read);
}
