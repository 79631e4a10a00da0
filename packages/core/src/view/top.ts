/** The aggregator `top`. */
import type { LogEvent } from '../event.js';
import type { Aggregator } from './aggregate.js';
import { checkWhole } from './check-arguments.js';
import { compareEntries, type Entry } from './event-list.js';
import { askingNumber, type Question } from './question.js';
import { sameItems } from './same-items.js';
import { SortedList } from './sorted-list.js';

interface Rated extends Entry {
  readonly rate: number;
}

/**
 * The `count` events with the largest number, the largest first; of equal ones the earlier. What counts is as in `sum`.
 *
 * @throws RangeError when `count` is not a whole number from 1.
 */
export function top<T>(count: number, of: Question<T, number | undefined>): Aggregator<T, readonly LogEvent<T>[]> {
  checkWhole('top', count, 1);
  return {
    questions: [askingNumber(of)],
    create() {
      const rated = new SortedList<Rated>((a, b) => b.rate - a.rate || compareEntries(a, b));
      let before: readonly LogEvent<T>[] | undefined;
      return {
        add(columns, column, row, entry) {
          const rate = columns[column]?.[row] as number | undefined;
          if (rate !== undefined) rated.add({ ...entry(), rate });
        },
        remove(columns, column, row, entry) {
          const rate = columns[column]?.[row] as number | undefined;
          if (rate !== undefined) rated.remove({ ...entry(), rate });
        },
        value() {
          const now = rated.ends(count).map(({ event }) => event as LogEvent<T>);
          before = sameItems(before, now);
          return before;
        },
      };
    },
  };
}
