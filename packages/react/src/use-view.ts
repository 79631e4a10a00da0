/** What a view shows, for a component that shows it. */
import { emptySnapshot, type Snapshot } from '@gossip-log/core';
import type { View } from '@gossip-log/core/view';
import { useCallback, useSyncExternalStore } from 'react';

const readEmpty = (): Snapshot<never> => emptySnapshot;

/**
 * The rows of a view; the component renders when they change. Build the view once, outside of the component or in
 * `useMemo`: another one is another source. A row that did not change is the same object, so that a `memo` component over
 * it does not render. A server renders no rows.
 *
 * @example
 * ```tsx
 * import { type LogEvent, useView, useViewSource } from '@gossip-log/react';
 * import { view, where } from '@gossip-log/core/view';
 * import { memo, useMemo } from 'react';
 *
 * type Message = { room: string; text: string };
 * const Row = memo(({ event }: { event: LogEvent<Message> }) => <li>{String(event.payload?.text).slice(0, 4000)}</li>);
 *
 * export function Room({ name }: { name: string }) {
 *   const chat = useViewSource<Message>('chat');
 *   const rows = useView(useMemo(() => view(chat, where('room', name)), [chat, name]));
 *   return <ol>{rows.map((event) => <Row key={event.id} event={event} />)}</ol>;
 * }
 * ```
 */
export function useView<T>(view: View<T>): Snapshot<T> {
  const subscribe = useCallback((listener: () => void) => view.subscribe(listener), [view]);
  return useSyncExternalStore(subscribe, () => view.snapshot(), readEmpty);
}
