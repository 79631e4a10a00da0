/**
 * What there may be one of in a process, whichever copy of a module asks: a bundle and a dependency, or a test runner that
 * evaluates modules again, bring one each. A worker thread has a `globalThis` of its own.
 *
 * @internal
 */
export function processWide<V>(name: string, make: () => V): V {
  const key = Symbol.for(`gossip-log/${name}`);
  const held = globalThis as { [key: symbol]: V | undefined };
  held[key] ??= make();
  return held[key];
}
