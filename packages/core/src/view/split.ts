/** `split`: a view in parts. */
import { checkWhole } from './check-arguments.js';
import { view } from './create-view.js';
import { drawing } from './draw.js';
import { filter } from './filter.js';
import type { View, ViewSource } from './view.js';

/**
 * A view in `parts` parts of about the same size, every event in one of them, by its id: the same one on every node.
 * For workers that share the work.
 *
 * @throws RangeError when `parts` is not a whole number from 1.
 */
export function split<T>(source: ViewSource<T>, parts: number): View<T>[] {
  checkWhole('split', parts, 1);
  const draw = drawing(4);
  return Array.from({ length: parts }, (_, part) =>
    view(
      source,
      filter<T>({ create: () => ({ passes: (store, row) => Math.floor(draw(store, row) * parts) === part }) }),
    ),
  );
}
