/** Keeps an array while its items are the same (V4). All who ask are given it: it is frozen. */

/** @internal */
export function sameItems<V>(before: readonly V[] | undefined, now: readonly V[]): readonly V[] {
  const isSame = before !== undefined && before.length === now.length && now.every((item, i) => item === before[i]);
  return isSame ? before : Object.freeze(now);
}
