/** The aggregator `unique`. */
import type { Aggregator } from './aggregate.js';
import { asking, type Question } from './question.js';

/** How many different values there are, compared as a `Map` does. Which ones: the keys of `group`. */
export function unique<T>(of: Question<T, unknown>): Aggregator<T, number> {
  return {
    questions: [asking(of)],
    create() {
      const counts = new Map<unknown, number>();
      const take = (value: unknown, change: 1 | -1) => {
        const many = (counts.get(value) ?? 0) + change;
        if (many === 0) counts.delete(value);
        else counts.set(value, many);
      };
      return {
        add: (columns, column, row) => take(columns[column]?.[row], 1),
        remove: (columns, column, row) => take(columns[column]?.[row], -1),
        value: () => counts.size,
      };
    },
  };
}
