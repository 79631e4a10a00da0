/**
 * Lends code a clock and randomness of its own while it runs, so that whoever looks at them gets what a seed says, and
 * is found out when another world gives another result. Synchronous code only.
 */
import { Random } from './sim/random.js';

/** What code sees of the outside. */
export interface World {
  readonly nowMs: number;
  readonly random: Random;
}

export function world(nowMs: number, seed: number): World {
  return { nowMs, random: new Random(seed) };
}

/** Runs `task` with `Date` and `Math.random` of that world. */
export function within<R>({ nowMs, random }: World, task: () => R): R {
  const outside = { Date: globalThis.Date, random: Math.random };
  globalThis.Date = new Proxy(outside.Date, {
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [nowMs] : args, newTarget),
    apply: (target) => new target(nowMs).toString(),
    get: (target, key) => (key === 'now' ? () => nowMs : Reflect.get(target, key)),
  });
  Math.random = () => random.next();
  try {
    return task();
  } finally {
    globalThis.Date = outside.Date;
    Math.random = outside.random;
  }
}
