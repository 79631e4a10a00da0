/** The aggregator `count`. */
import type { Aggregator } from './aggregate.js';

/** How many events. */
export function count<T>(): Aggregator<T, number> {
  return {
    questions: [],
    create: () => {
      let many = 0;
      return { add: () => void many++, remove: () => void many--, value: () => many };
    },
    read: (rows) => rows.length,
  };
}
