/** The filter `until`. */
import { clockStepsPerMs } from '../hybrid-logical-clock.js';
import { checkTime } from './check-arguments.js';
import { filter } from './filter.js';
import type { Operator } from './view.js';

/**
 * Events written before `ms`, by their writers' clocks: with `from`, `[from, until)`. Makes no event objects.
 *
 * @param ms Milliseconds since 1970.
 * @throws TypeError when it is no number; RangeError from `view` when it is not after a `from`.
 */
export function until<T>(ms: number): Operator<T, T> {
  const clock = checkTime('until', ms) * clockStepsPerMs;
  return filter({
    bounds: { until: clock },
    create: () => ({ passes: (store, row) => store.time(row) < clock }),
  });
}
