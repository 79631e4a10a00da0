/** The transformation `tag`. */
import type { LogEvent } from '../event.js';
import { transformation } from './map-node.js';
import type { Operator } from './view.js';
import { tagsOf } from './view-event.js';

/**
 * Gives a tag to the events for which `when` says so (default: all). The stored events stay as they are; `tagged` and
 * `tagsOf` see it from here on.
 */
export function tag<T>(name: string, when: (event: LogEvent<T>) => boolean = () => true): Operator<T, T> {
  return transformation({
    name: 'tag',
    bounds: (bounds) => bounds,
    create: () => (event) => {
      const tags = tagsOf(event);
      return !tags.includes(name) && when(event as LogEvent<T>) ? { tags: [...tags, name] } : undefined;
    },
  });
}
