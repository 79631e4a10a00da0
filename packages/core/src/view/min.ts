/** The aggregator `min`. */
import type { Aggregator } from './aggregate.js';
import { extreme } from './extreme.js';
import type { Question } from './question.js';

/** The smallest of a number per event; `undefined` while there is none. What counts is as in `sum`. */
export function min<T>(of: Question<T, number | undefined>): Aggregator<T, number | undefined> {
  return extreme(of, (numbers) => numbers.first());
}
