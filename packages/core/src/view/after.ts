/** The filter `after`. */
import type { LogEvent } from '../event.js';
import { checkEvent } from './check-arguments.js';
import { filter } from './filter.js';
import { orderIn } from './order-in.js';
import type { Operator } from './view.js';

/**
 * Events that stand after `event` in the log, whether their writers knew of it or not (`causallyAfter` asks that).
 *
 * @throws TypeError when it is no event; RangeError from `view` when it is not before a `before` or `until`.
 */
export function after<T>(event: LogEvent): Operator<T, T> {
  const bound = orderIn(checkEvent('after', event));
  return filter({
    bounds: { after: bound.event },
    create: () => ({ passes: (store, row) => bound.compare(store, row) > 0 }),
  });
}
