/** The transformation `untag`. */
import { transformation } from './map-node.js';
import type { Operator } from './view.js';
import { tagsOf } from './view-event.js';

/** Takes a tag away from what this view shows. The stored events, and their payloads, stay as they are. */
export function untag<T>(name: string): Operator<T, T> {
  return transformation({
    name: 'untag',
    bounds: (bounds) => bounds,
    create: () => (event) => {
      const tags = tagsOf(event);
      return tags.includes(name) ? { tags: tags.filter((other) => other !== name) } : undefined;
    },
  });
}
