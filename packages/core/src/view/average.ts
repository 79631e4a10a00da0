/** The aggregator `average`. */
import type { Aggregator } from './aggregate.js';
import { ExactSum } from './exact-sum.js';
import { askingNumber, type Question } from './question.js';

/** The mean of a number per event, of an exact sum; `undefined` while there is none. What counts is as in `sum`. */
export function average<T>(of: Question<T, number | undefined>): Aggregator<T, number | undefined> {
  return {
    questions: [askingNumber(of)],
    create() {
      const total = new ExactSum();
      let many = 0;
      const take = (value: unknown, sign: 1 | -1) => {
        if (value === undefined) return;
        total.add(sign * (value as number));
        many += sign;
      };
      return {
        add: (columns, column, row) => take(columns[column]?.[row], 1),
        remove: (columns, column, row) => take(columns[column]?.[row], -1),
        value: () => (many === 0 ? undefined : total.value() / many),
      };
    },
  };
}
