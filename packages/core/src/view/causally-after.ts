/** The filter `causallyAfter`. */
import type { LogEvent } from '../event.js';
import { futureTest } from './causal-past.js';
import { checkEvent } from './check-arguments.js';
import { filter } from './filter.js';
import type { Operator } from './view.js';

/**
 * Events that depend on `event`, directly or through others: those whose writers knew of it. While it is not in the log, as
 * before a window, those of which the log tells that.
 *
 * @throws TypeError when it is no event, and from `view` where several logs are merged.
 */
export function causallyAfter<T>(event: LogEvent): Operator<T, T> {
  checkEvent('causallyAfter', event);
  return filter({ alone: true, create: (_node, input) => futureTest('causallyAfter', event, input) });
}
