/** The transformation `map`. */
import type { LogEvent } from '../event.js';
import { checkFunction } from './check-arguments.js';
import { transformation } from './map-node.js';
import type { Operator } from './view.js';

/**
 * The same events with other payloads. Each is made once, when its row is first read. Where the function throws, the
 * event shows without payload, and its `error` says so. Redacted events have no payload to project: they stay as they are.
 *
 * @throws TypeError for what is no function.
 * @example
 * ```ts
 * import { createGossipLog, writerIdFromBytes } from '@gossip-log/core';
 * import { map, view } from '@gossip-log/core/view';
 *
 * const writer = writerIdFromBytes(new Uint8Array(16));
 * const log = createGossipLog<{ text: string }>({ id: 'chat', writer, now: Date.now });
 * log.append({ text: 'Tea?' });
 * view(log, map((message) => message.text.length)).snapshot().at(0)?.payload; // 4
 * ```
 */
export function map<In, Out>(project: (payload: In, event: LogEvent<In>) => Out): Operator<In, Out> {
  checkFunction('map', project);
  return transformation({
    name: 'map',
    bounds: ({ values: _, ...bounds }) => bounds,
    // What cannot be read cannot be projected: it goes on showing why.
    create: () => (event) => {
      if (event.error !== undefined || event.redacted !== undefined) return undefined;
      return { payload: project(event.payload as In, event as LogEvent<In>) };
    },
  });
}
