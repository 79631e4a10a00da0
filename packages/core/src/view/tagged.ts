/** The filter `tagged`. */
import { filter } from './filter.js';
import type { Operator } from './view.js';
import { tagsOf } from './view-event.js';

/** Events that have that tag: in their payload's `tags`, or from `tag`. */
export function tagged<T>(name: string): Operator<T, T> {
  return filter({ create: () => ({ passes: (store, row) => tagsOf(store.event(row)).includes(name) }) });
}
