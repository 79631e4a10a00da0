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
 * type Play = { do: 'score'; points: number } | { do: 'restart' };
 *
 * export function Score({ id }: { id: string }) {
 *   const log = useViewSource<Play>(id);
 *   const score = useMemo(
 *     () => fold(log, (points: number, { payload }) => (payload.do === 'score' ? points + payload.points : 0), 0),
 *     [log],
 *   );
 *   return <b>{useFold(score)}</b>;
 * }
 * ```
 */
export function useFold<S>(fold: Fold<S>): S {
  return useAggregate(fold);
}
