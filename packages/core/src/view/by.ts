/** The filter `by`. */
import { parseWriterId, type WriterId } from '../ids.js';
import { filter } from './filter.js';
import { property } from './property.js';
import type { Operator } from './view.js';

/** A person, as the app's payloads name them in `author`. */
export interface Author {
  readonly author: unknown;
}

/**
 * Events by a writer (a tab, a start of a program), by any of several, or by a person: `{ author }` compares the
 * payload's `author`. By writer it makes no event objects.
 *
 * @throws TypeError when it is no writer id, and from `view` when another `by` leaves nobody.
 */
export function by<T>(who: WriterId | readonly WriterId[] | Author): Operator<T, T> {
  if (typeof who === 'object' && who !== null && 'author' in who) {
    const { author } = who;
    return filter({
      bounds: { values: new Map([['author', author]]) },
      create: () => ({ passes: (store, row) => Object.is(property(store.event(row).payload, 'author'), author) }),
    });
  }
  const ids: unknown = typeof who === 'string' ? [who] : who;
  if (!Array.isArray(ids)) throw new TypeError('by: expected a writer id, several in an array, or { author }');
  const writers: ReadonlySet<WriterId> = new Set(ids.map(parseWriterId));
  return filter({
    bounds: { writers },
    create: () => ({ passes: (store, row) => writers.has(store.shownWriter(row)) }),
  });
}
