/** The state of a fold, for a component that shows it. */
import type { Fold } from '@gossip-log/core/view';
import { useAggregate } from './use-aggregate.js';

/**
 * The state of a fold; the component renders when it changes. Build the fold once, outside of the component or in
 * `useMemo`.
 *
 * @example
 * ```tsx
 * import { useFold, useViewSource } from '@gossip-log/react';
 * import { fold } from '@gossip-log/core/view';
 * import { useMemo } from 'react';
 *
 * type Move = { card: string; column: string };
 *
 * export function Board({ id }: { id: string }) {
 *   const log = useViewSource<Move>(id);
 *   const board = useMemo(
 *     () => fold(log, (at: Record<string, string>, { payload }) => ({ ...at, [payload.card]: payload.column }), {}),
 *     [log],
 *   );
 *   return <ul>{Object.entries(useFold(board)).map(([card, column]) => <li key={card}>{card}: {column}</li>)}</ul>;
 * }
 * ```
 */
export function useFold<S>(fold: Fold<S>): S {
  return useAggregate(fold);
}
