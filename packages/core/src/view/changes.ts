/** `changes`: a view as a stream of what changes in it. */
import type { Snapshot } from '../log/snapshot.js';
import { pulled } from './pulled.js';
import { nodeOf } from './root.js';
import type { Splice, ViewSource } from './view.js';

/**
 * What changes in a view, as splices to be applied in order: first all that is there, then each change. A consumer that is
 * slow gets several changes as one; nothing is kept for it but the rows that it saw last. Ends when the consumer stops, or
 * when the view has ended.
 *
 * @example
 * ```ts
 * import { createGossipLog, writerIdFromBytes } from '@gossip-log/core';
 * import { changes } from '@gossip-log/core/view';
 *
 * const writer = writerIdFromBytes(new Uint8Array(16));
 * const log = createGossipLog<string>({ id: 'tea', writer, now: Date.now });
 * log.append('Tea?');
 * for await (const [splice] of changes(log)) {
 *   console.log(splice?.inserted.map((event) => event.payload)); // ['Tea?']
 *   break;
 * }
 * ```
 */
export function changes<T>(source: ViewSource<T>): AsyncIterableIterator<readonly Splice<T>[]> {
  const node = nodeOf(source);
  let seen: Snapshot<T> | undefined;
  const take = () => {
    const now = node.snapshot();
    const value = seen === undefined ? whole(now) : node.changesSince(seen);
    seen = now;
    return value.length === 0 ? undefined : { value };
  };
  return pulled({ take, subscribe: (listener) => node.follow(listener), end: () => node.end() });
}

function whole<T>(rows: Snapshot<T>): readonly Splice<T>[] {
  return rows.length === 0 ? [] : [{ at: 0, removed: [], inserted: rows.slice() }];
}
