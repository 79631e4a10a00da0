/** The filter `causallyBefore`. */
import type { LogEvent } from '../event.js';
import { pastTest } from './causal-past.js';
import { checkEvent } from './check-arguments.js';
import { filter } from './filter.js';
import type { Operator } from './view.js';

/**
 * Events that `event` depends on, directly or through others: what its writer knew. Nothing while it is not in the log.
 *
 * @throws TypeError when it is no event, and from `view` where several logs are merged.
 */
export function causallyBefore<T>(event: LogEvent): Operator<T, T> {
  checkEvent('causallyBefore', event);
  return filter({ alone: true, create: (_node, input) => pastTest('causallyBefore', event, input) });
}
