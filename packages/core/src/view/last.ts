/** The aggregator `last`. */
import type { LogEvent } from '../event.js';
import type { Aggregator } from './aggregate.js';
import { checkWhole } from './check-arguments.js';
import { compareEntries, type Entry } from './event-list.js';
import { sameItems } from './same-items.js';
import { SortedList } from './sorted-list.js';

/**
 * The last `count` events, in log order. Within `group`: the last ones of each.
 *
 * @throws RangeError when `count` is not a whole number from 1.
 */
export function last<T>(count: number): Aggregator<T, readonly LogEvent<T>[]> {
  checkWhole('last', count, 1);
  return {
    questions: [],
    create() {
      const entries = new SortedList<Entry>(compareEntries);
      let before: readonly LogEvent<T>[] | undefined;
      return {
        add: (_columns, _column, _row, entry) => entries.add(entry()),
        remove: (_columns, _column, _row, entry) => entries.remove(entry()),
        value() {
          const now = entries.ends(-count).map(({ event }) => event as LogEvent<T>);
          before = sameItems(before, now);
          return before;
        },
      };
    },
    read: (rows, before) => sameItems(before, rows.slice(-count)),
  };
}
