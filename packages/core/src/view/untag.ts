/** The transformation `untag`. */
import { checkText } from './check-arguments.js';
import { transformation } from './map-node.js';
import type { Operator } from './view.js';
import { givenTags, tagsOf } from './view-event.js';

/**
 * Takes a tag away from what this view shows. The stored events, and their payloads, stay as they are. From here on tags are
 * no longer read from payloads: a `map` behind it does not bring the tag back.
 *
 * @throws TypeError when `name` is no text.
 */
export function untag<T>(name: string): Operator<T, T> {
  checkText('untag', name);
  return transformation({
    name: 'untag',
    bounds: (bounds) => bounds,
    create: () => (event) => {
      const given = givenTags(event);
      if (given !== undefined && !given.includes(name)) return undefined;
      return { tags: tagsOf(event).filter((other) => other !== name) };
    },
  });
}
