/** The filter `tagged`. */
import { checkText } from './check-arguments.js';
import { filter } from './filter.js';
import type { Operator } from './view.js';
import { tagsOf } from './view-event.js';

/**
 * Events that have that tag: in their payload's `tags`, or from `tag`.
 *
 * @throws TypeError when `name` is no text.
 */
export function tagged<T>(name: string): Operator<T, T> {
  checkText('tagged', name);
  return filter({ create: () => ({ passes: (store, row) => tagsOf(store.event(row)).includes(name) }) });
}
