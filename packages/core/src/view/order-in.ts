/** Where rows stand beside one event. */
import type { LogEvent } from '../event.js';
import { compareWriters, type Store } from './rows.js';
import { storedEvent } from './view-event.js';

/** @internal */
export function orderIn(given: LogEvent): { event: LogEvent; compare(store: Store, row: number): number } {
  // A view may show it under another writer's name.
  const event = storedEvent(given);
  return {
    event,
    compare: (store, row) =>
      store.time(row) - event.clock || compareWriters(store.writer(row), event.writer) || store.seq(row) - event.seq,
  };
}
