/** The filter `before`. */
import type { LogEvent } from '../event.js';
import { checkEvent } from './check-arguments.js';
import { filter } from './filter.js';
import { orderIn } from './order-in.js';
import type { Operator } from './view.js';

/**
 * Events that stand before `event` in the log, whether its writer knew of them or not (`causallyBefore` asks that).
 *
 * @throws TypeError when it is no event; RangeError from `view` when it is not after an `after` or `from`.
 */
export function before<T>(event: LogEvent): Operator<T, T> {
  const bound = orderIn(checkEvent('before', event));
  return filter({
    bounds: { before: bound.event },
    create: () => ({ passes: (store, row) => bound.compare(store, row) < 0 }),
  });
}
