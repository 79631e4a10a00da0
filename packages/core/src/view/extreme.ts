/** What `min` and `max` share: the numbers in order. */
import type { Aggregator } from './aggregate.js';
import { askingNumber, type Question } from './question.js';
import { SortedList } from './sorted-list.js';

/** @internal */
export function extreme<T>(
  of: Question<T, number | undefined>,
  read: (numbers: SortedList<number>) => number | undefined,
): Aggregator<T, number | undefined> {
  return {
    questions: [askingNumber(of)],
    create() {
      const numbers = new SortedList<number>((a, b) => a - b);
      return {
        add(columns, column, row) {
          const value = columns[column]?.[row] as number | undefined;
          if (value !== undefined) numbers.add(value);
        },
        remove(columns, column, row) {
          const value = columns[column]?.[row] as number | undefined;
          if (value !== undefined) numbers.remove(value);
        },
        value: () => read(numbers),
      };
    },
  };
}
