/** The value of an aggregate, for a component that shows it. */
import type { Derived } from '@gossip-log/core/view';
import { useCallback, useSyncExternalStore } from 'react';

/**
 * The value of an aggregate; the component renders when it changes. Build the aggregate once, outside of the component or
 * in `useMemo`.
 *
 * What is unread is told by what was there when the log was last looked at, not by a time: a message may come long after it
 * was written. `seen` is such a map, kept where the person's devices share it.
 *
 * @example
 * ```tsx
 * import { type WriterId, useAggregate, useViewSource } from '@gossip-log/react';
 * import { aggregate, count, group, max, view, where } from '@gossip-log/core/view';
 * import { useMemo } from 'react';
 *
 * type Seen = ReadonlyMap<WriterId, number | undefined>;
 *
 * export function Unread({ room, seen, onRead }: { room: string; seen: Seen; onRead(seen: Seen): void }) {
 *   const log = useViewSource<{ text: string }>(room);
 *   const now = useAggregate(useMemo(() => aggregate(log, group((_, { writer }) => writer, max((_, { seq }) => seq))), [log]));
 *   const isNew = useMemo(() => where<{ text: string }>((_, { writer, seq }) => seq > (seen.get(writer) ?? 0)), [seen]);
 *   const unread = useAggregate(useMemo(() => aggregate(view(log, isNew), count()), [log, isNew]));
 *   return <button type="button" onClick={() => onRead(now)}>{unread} unread</button>;
 * }
 * ```
 */
export function useAggregate<V>(aggregate: Derived<V>): V {
  const subscribe = useCallback((listener: () => void) => aggregate.subscribe(listener), [aggregate]);
  const read = () => aggregate.value();
  return useSyncExternalStore(subscribe, read, read);
}
