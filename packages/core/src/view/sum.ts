/** The aggregator `sum`. */
import type { Aggregator } from './aggregate.js';
import { ExactSum } from './exact-sum.js';
import { askingNumber, type Question } from './question.js';

/**
 * The sum of a number per event. Exact, rounded once when it is read: it does not drift, and does not depend on the order
 * in which events came. What is no finite number, or beyond `aggregateNumberMax`, does not count.
 */
export function sum<T>(of: Question<T, number | undefined>): Aggregator<T, number> {
  return {
    questions: [askingNumber(of)],
    create() {
      const total = new ExactSum();
      return {
        add: (columns, column, row) => total.add((columns[column]?.[row] as number | undefined) ?? 0),
        remove: (columns, column, row) => total.add(-((columns[column]?.[row] as number | undefined) ?? 0)),
        value: () => total.value(),
      };
    },
  };
}
