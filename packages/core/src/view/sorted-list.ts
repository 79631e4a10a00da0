/**
 * A multiset in order: arrays of at most `partMax` values, so that a value is put in or taken out by moving few others.
 * O(log n + partMax); at the end O(1).
 */
import { invariant } from '../errors.js';

const partMax = 512;

/** @internal */
export class SortedList<V> {
  readonly #compare: (a: V, b: V) => number;
  /** None is empty. */
  readonly #parts: V[][] = [];
  size = 0;

  /** @param compare 0 only for values that may stand for one another. */
  constructor(compare: (a: V, b: V) => number) {
    this.#compare = compare;
  }

  first(): V | undefined {
    return this.#parts[0]?.[0];
  }

  last(): V | undefined {
    return this.#parts.at(-1)?.at(-1);
  }

  add(value: V): void {
    this.size++;
    const at = Math.min(this.#partOf(value), this.#parts.length - 1);
    const part = this.#parts[at];
    if (part === undefined) {
      this.#parts.push([value]);
      return;
    }
    const row = this.#rowOf(part, value);
    if (row === part.length) part.push(value);
    else part.splice(row, 0, value);
    if (part.length <= partMax) return;
    // Values mostly come in order: what is behind keeps growing.
    const isLast = at === this.#parts.length - 1;
    this.#parts.splice(at + 1, 0, part.splice(isLast ? partMax : partMax / 2));
  }

  remove(value: V): void {
    const at = this.#partOf(value);
    const part = this.#parts[at] ?? [];
    const row = this.#rowOf(part, value);
    invariant(row < part.length && this.#compare(part[row] as V, value) === 0, 'what is removed is in the list');
    part.splice(row, 1);
    if (part.length === 0) this.#parts.splice(at, 1);
    this.size--;
  }

  /** The first or the last `count`, in order. */
  ends(count: number): V[] {
    const values: V[] = [];
    if (count >= 0) {
      for (const part of this.#parts) {
        if (values.length >= count) break;
        values.push(...part.slice(0, count - values.length));
      }
    } else {
      const taken: V[][] = [];
      let left = -count;
      for (let i = this.#parts.length - 1; i >= 0 && left > 0; i--) {
        const part = (this.#parts[i] as V[]).slice(-left);
        taken.push(part);
        left -= part.length;
      }
      for (const part of taken.reverse()) values.push(...part);
    }
    return values;
  }

  /** The first part whose last value is not below. */
  #partOf(value: V): number {
    let low = 0;
    let high = this.#parts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare((this.#parts[middle] as V[]).at(-1) as V, value) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #rowOf(part: readonly V[], value: V): number {
    let low = 0;
    let high = part.length;
    if (high > 0 && this.#compare(part[high - 1] as V, value) < 0) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(part[middle] as V, value) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
