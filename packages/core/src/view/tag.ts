/** The transformation `tag`. */
import type { LogEvent } from '../event.js';
import { checkFunction, checkText } from './check-arguments.js';
import { transformation } from './map-node.js';
import type { Operator } from './view.js';
import { givenTags, tagsOf } from './view-event.js';

/**
 * Gives a tag to the events for which `when` says so (default: all). The stored events stay as they are; `tagged` and
 * `tagsOf` see it from here on, also behind a `map`: the tags of such an event are no longer read from its payload.
 *
 * Where `when` throws the event goes without the tag.
 *
 * @throws TypeError when `name` is no text, or `when` no function.
 * @example
 * ```ts
 * import { createGossipLog, writerIdFromBytes } from '@gossip-log/core';
 * import { map, tag, tagged, view } from '@gossip-log/core/view';
 *
 * const writer = writerIdFromBytes(new Uint8Array(16));
 * const log = createGossipLog<{ text: string; points: number }>({ id: 'game', writer, now: Date.now });
 * const hot = tag<{ text: string; points: number }>('hot', ({ payload }) => payload.points > 9);
 * const texts = view(log, hot, map((message) => message.text), tagged('hot'));
 * log.append({ text: 'Goal!', points: 10 });
 * texts.snapshot().at(0)?.payload; // 'Goal!'
 * ```
 */
export function tag<T>(name: string, when: (event: LogEvent<T>) => boolean = () => true): Operator<T, T> {
  checkText('tag', name);
  checkFunction('tag', when);
  return transformation({
    name: 'tag',
    keepsPayload: true,
    bounds: (bounds) => bounds,
    create: () => (event) => {
      if (givenTags(event)?.includes(name) || !when(event as LogEvent<T>)) return undefined;
      const tags = tagsOf(event);
      return { tags: tags.includes(name) ? tags : [...tags, name] };
    },
  });
}
