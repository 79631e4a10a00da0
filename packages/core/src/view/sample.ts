/** The filter `sample`. */
import { drawing } from './draw.js';
import { filter } from './filter.js';
import type { Operator } from './view.js';

/**
 * About that share of the events, picked by their ids: every node picks the same, and a smaller sample is part of a
 * larger one. Makes no event objects.
 *
 * @param rate 0 to 1.
 * @throws TypeError when it is no number, RangeError when it is out of these.
 */
export function sample<T>(rate: number): Operator<T, T> {
  if (typeof rate !== 'number') throw new TypeError(`sample: expected a number of 0 to 1, got ${String(rate)}`);
  if (!(rate >= 0 && rate <= 1)) throw new RangeError(`sample: expected a rate of 0 to 1, got ${rate}`);
  const draw = drawing(1);
  return filter({ create: () => ({ passes: (store, row) => draw(store, row) < rate }) });
}
