/** Keeps an array while its items are the same (V4). */

/** @internal */
export function sameItems<V>(before: readonly V[] | undefined, now: readonly V[]): readonly V[] {
  const isSame = before !== undefined && before.length === now.length && now.every((item, i) => item === before[i]);
  return isSame ? before : now;
}
