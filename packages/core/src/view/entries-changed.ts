/** A difference as two lists of events, for views that keep events rather than rows. */
import { difference } from './difference.js';
import type { Entry } from './event-list.js';
import type { Rows, Store } from './rows.js';

/** @internal */
export function entriesChanged(before: Rows, after: Rows): { removed: Entry[]; inserted: Entry[] } {
  const removed: Entry[] = [];
  const inserted: Entry[] = [];
  for (const { oldStore, oldRow, newStore, newRow, length } of difference(before, after).parts) {
    if (oldStore >= 0 && newStore >= 0) continue;
    const store = (newStore < 0 ? before.stores[oldStore] : after.stores[newStore]) as Store;
    const first = newStore < 0 ? oldRow : newRow;
    for (let row = first; row < first + length; row++) {
      (newStore < 0 ? removed : inserted).push({ event: store.event(row), tie: store.tie(row) });
    }
  }
  return { removed, inserted };
}
