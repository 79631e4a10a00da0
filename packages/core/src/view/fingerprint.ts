/** Which events these are, in two numbers: sums, so that they do not depend on the order in which events are added. */
import { drawing } from './draw.js';
import type { Store } from './rows.js';

const erasedStep = 0x9e37_79b9;

/** @internal */
export class Fingerprint {
  readonly #draws = [drawing(2), drawing(3)] as const;
  #sums: readonly [number, number] = [0, 0];

  add(store: Store, row: number): void {
    const time = store.time(row);
    // What was made of a payload is not the same once that is erased.
    const erased = store.isErased(row) ? erasedStep : 0;
    const [a, b] = this.#sums;
    const [first, second] = this.#draws;
    // Ids say which event; times tell two branches under one id apart.
    this.#sums = [
      (a + first(store, row) * 2 ** 32 + (time % 2 ** 32) + erased) % 2 ** 32,
      (b + second(store, row) * 2 ** 32 + Math.floor(time / 2048)) % 2 ** 32,
    ];
  }

  get(): readonly [number, number] {
    return this.#sums;
  }

  set(sums: readonly [number, number]): void {
    this.#sums = sums;
  }

  is([a, b]: readonly [number, number]): boolean {
    return this.#sums[0] === a && this.#sums[1] === b;
  }
}
