/** The aggregator `standardDeviation`. */
import type { Aggregator } from './aggregate.js';
import { ExactSum } from './exact-sum.js';
import { askingNumber, type Question } from './question.js';

/**
 * How far a number per event lies from its mean: the standard deviation of all of them (the population's); `undefined`
 * while there is none. Of exact sums, so that nothing drifts or cancels out. What counts is as in `sum`.
 */
export function standardDeviation<T>(of: Question<T, number | undefined>): Aggregator<T, number | undefined> {
  return {
    questions: [askingNumber(of)],
    create() {
      const total = new ExactSum();
      const squares = new ExactSum();
      let many = 0;
      const take = (value: unknown, sign: 1 | -1) => {
        if (value === undefined) return;
        const number = value as number;
        total.add(sign * number);
        squares.addProduct(sign * number, number);
        many += sign;
      };
      return {
        add: (columns, column, row) => take(columns[column]?.[row], 1),
        remove: (columns, column, row) => take(columns[column]?.[row], -1),
        value() {
          if (many === 0) return undefined;
          // n·Σx² − (Σx)², without rounding.
          const spread = new ExactSum();
          for (const part of squares.parts) spread.addProduct(part, many);
          for (const a of total.parts) for (const b of total.parts) spread.addProduct(-a, b);
          return Math.sqrt(Math.max(0, spread.value())) / many;
        },
      };
    },
  };
}
