/** The filter `from`. */
import { clockStepsPerMs } from '../hybrid-logical-clock.js';
import { checkTime } from './check-arguments.js';
import { filter } from './filter.js';
import type { Operator } from './view.js';

/**
 * Events written at `ms` or later, by their writers' clocks. Makes no event objects.
 *
 * @param ms Milliseconds since 1970.
 * @throws TypeError when it is no number; RangeError from `view` when it is not before an `until`.
 */
export function from<T>(ms: number): Operator<T, T> {
  const clock = checkTime('from', ms) * clockStepsPerMs;
  return filter({
    bounds: { from: clock },
    create: () => ({ passes: (store, row) => store.time(row) >= clock }),
  });
}
