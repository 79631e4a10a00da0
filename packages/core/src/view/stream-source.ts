/** `streamSource`: a view as a Web stream. */
import type { LogEvent } from '../event.js';
import { nodeOf } from './root.js';
import type { ViewSource } from './view.js';

/** What `new ReadableStream` takes, as far as it is used here: core knows no platform's streams. */
export interface StreamSource<T> {
  pull(controller: { enqueue(event: LogEvent<T>): void; close(): void }): Promise<void>;
  cancel(): Promise<void>;
}

/**
 * A view as the source of a Web `ReadableStream`: `new ReadableStream(streamSource(view), { highWaterMark: 0 })`. An
 * event is taken when the stream asks for one; cancelling it releases the view. For one stream each.
 *
 * @throws TypeError when the source is none.
 * @example
 * ```ts
 * import { createGossipLog, writerIdFromBytes } from '@gossip-log/core';
 * import { streamSource } from '@gossip-log/core/view';
 *
 * const writer = writerIdFromBytes(new Uint8Array(16));
 * const log = createGossipLog<string>({ id: 'tea', writer, now: Date.now });
 * log.append('Tea?');
 * const reader = new ReadableStream(streamSource(log), { highWaterMark: 0 }).getReader();
 * (await reader.read()).value?.payload; // 'Tea?'
 * await reader.cancel();
 * ```
 */
export function streamSource<T>(source: ViewSource<T>): StreamSource<T> {
  const events = nodeOf(source)[Symbol.asyncIterator]();
  return {
    async pull(controller) {
      const { done, value } = await events.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await events.return?.();
    },
  };
}
