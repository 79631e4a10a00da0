/** The aggregator `topGroups`. */
import type { LogEvent } from '../event.js';
import type { Aggregator } from './aggregate.js';
import { checkAggregator, checkWhole } from './check-arguments.js';
import { Groups } from './groups.js';
import { asking, type Question } from './question.js';
import { sameItems } from './same-items.js';
import { SortedList } from './sorted-list.js';

/** A key and what its events add up to. The same object until the value changes. */
export interface Ranked<K> {
  readonly key: K;
  readonly value: number;
}

/**
 * The `count` keys with the largest values, the largest first; of equal ones the first as text: a leaderboard. Only keys
 * whose events changed are ranked anew. Groups without a value are left out.
 *
 * @throws RangeError when `count` is not a whole number from 1; TypeError when `each` is no aggregator.
 */
export function topGroups<T, K extends keyof T>(
  count: number,
  key: K,
  each: Aggregator<T, number | undefined>,
): Aggregator<T, readonly Ranked<T[K]>[]>;
export function topGroups<T, K>(
  count: number,
  key: (payload: T, event: LogEvent<T>) => K,
  each: Aggregator<T, number | undefined>,
): Aggregator<T, readonly Ranked<K>[]>;
export function topGroups<T, K>(
  count: number,
  key: Question<T, K>,
  each: Aggregator<T, number | undefined>,
): Aggregator<T, readonly Ranked<K>[]> {
  checkWhole('topGroups', count, 1);
  return {
    questions: [asking(key), ...checkAggregator('topGroups', each).questions],
    create() {
      const groups = new Groups<K, number | undefined>(each);
      const ranked = new Map<K, Place<K>>();
      const order = new SortedList<Place<K>>(comparePlaces);
      let met = 0;
      let before: readonly Ranked<K>[] | undefined;
      return {
        add: (...row) => groups.add(...row),
        remove: (...row) => groups.remove(...row),
        value() {
          for (const key of groups.touched) {
            const value = groups.has(key) ? groups.value(key) : undefined;
            const old = ranked.get(key);
            if (old?.rank.value === value) continue;
            if (old !== undefined) order.remove(old);
            ranked.delete(key);
            if (value === undefined) continue;
            const place = { rank: Object.freeze({ key, value }), met: old?.met ?? met++ };
            ranked.set(key, place);
            order.add(place);
          }
          groups.settle();
          before = sameItems(
            before,
            order.ends(count).map(({ rank }) => rank),
          );
          return before;
        },
      };
    },
  };
}

interface Place<K> {
  readonly rank: Ranked<K>;
  /** Different keys may have one text: then the order is as they were met. */
  readonly met: number;
}

function comparePlaces({ rank: a, met }: Place<unknown>, { rank: b, met: otherMet }: Place<unknown>): number {
  const [left, right] = [String(a.key), String(b.key)];
  return b.value - a.value || (left < right ? -1 : left > right ? 1 : met - otherMet);
}
