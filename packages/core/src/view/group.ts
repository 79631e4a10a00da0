/** The aggregator `group`. */
import type { LogEvent } from '../event.js';
import type { Aggregator } from './aggregate.js';
import { checkAggregator } from './check-arguments.js';
import { Groups } from './groups.js';
import { asking, type Question } from './question.js';

/**
 * An aggregate per key: `group('room', count())`. Keys are compared as a `Map` does; one whose last event goes is gone.
 * The map is another object only when a value in it is; it is copied then, once a read. Its order differs from node to
 * node: sort what you show.
 *
 * @throws TypeError when `key` is neither a name nor a function, or `each` is no aggregator.
 * @example
 * ```ts
 * import { createGossipLog, writerIdFromBytes } from '@gossip-log/core';
 * import { aggregate, group, last } from '@gossip-log/core/view';
 *
 * const writer = writerIdFromBytes(new Uint8Array(16));
 * const log = createGossipLog<{ card: string; column: string }>({ id: 'board', writer, now: Date.now });
 * const board = aggregate(log, group('card', last(1))); // the newest move of each card
 * log.append({ card: 'Tea', column: 'doing' });
 * board.value().get('Tea')?.[0]?.payload.column; // 'doing'
 * ```
 */
export function group<T, K extends keyof T, R>(key: K, each: Aggregator<T, R>): Aggregator<T, ReadonlyMap<T[K], R>>;
export function group<T, K, R>(
  key: (payload: T, event: LogEvent<T>) => K,
  each: Aggregator<T, R>,
): Aggregator<T, ReadonlyMap<K, R>>;
export function group<T, K, R>(key: Question<T, K>, each: Aggregator<T, R>): Aggregator<T, ReadonlyMap<K, R>> {
  return {
    questions: [asking(key), ...checkAggregator('group', each).questions],
    create() {
      const groups = new Groups<K, R>(each);
      let values: ReadonlyMap<K, R> = new Map();
      return {
        add: (...row) => groups.add(...row),
        remove: (...row) => groups.remove(...row),
        value() {
          let next: Map<K, R> | undefined;
          for (const key of groups.touched) {
            if (groups.has(key)) {
              const value = groups.value(key);
              if (values.has(key) && Object.is(values.get(key), value)) continue;
              next ??= new Map(values);
              next.set(key, value);
            } else if (values.has(key)) {
              next ??= new Map(values);
              next.delete(key);
            }
          }
          groups.settle();
          values = next ?? values;
          return values;
        },
      };
    },
  };
}
