/**
 * A sum without rounding: what was added and taken out again leaves nothing behind, and the same numbers give the same
 * sum in whatever order they come, on every node. Kept as a few numbers that do not overlap; rounded once, when read.
 *
 * Source: Jonathan Richard Shewchuk, "Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric
 * Predicates" (1997), theorem 10 (Grow-Expansion) and theorem 18 (Two-Product); rounding as in CPython's `math.fsum`.
 */

/** @internal */
export class ExactSum {
  /** By rising magnitude; their exact sum is the value. */
  readonly #parts: number[] = [];

  add(value: number): void {
    const parts = this.#parts;
    let x = value;
    let kept = 0;
    for (let i = 0; i < parts.length; i++) {
      let y = parts[i] as number;
      if (Math.abs(x) < Math.abs(y)) [x, y] = [y, x];
      const high = x + y;
      const low = y - (high - x);
      if (low !== 0) parts[kept++] = low;
      x = high;
    }
    parts.length = kept;
    if (x !== 0) parts.push(x);
  }

  /** Adds `a × b`. */
  addProduct(a: number, b: number): void {
    const product = a * b;
    const [aHigh, aLow] = halves(a);
    const [bHigh, bLow] = halves(b);
    this.add(product);
    this.add(aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow));
  }

  get parts(): readonly number[] {
    return this.#parts;
  }

  /** The nearest number to the sum; of two, the even one. */
  value(): number {
    const parts = this.#parts;
    let i = parts.length - 1;
    let high = parts[i] ?? 0;
    let low = 0;
    while (i > 0 && low === 0) {
      const x = high;
      const y = parts[--i] as number;
      high = x + y;
      low = y - (high - x);
    }
    // Halfway: what is left below decides.
    const next = parts[i - 1];
    if (next !== undefined && low !== 0 && next < 0 === low < 0) {
      const doubled = low * 2;
      const further = high + doubled;
      if (doubled === further - high) high = further;
    }
    return high;
  }
}

/** Two numbers of at most 26 bits each whose sum it is (Veltkamp). */
function halves(value: number): readonly [number, number] {
  const scaled = 134_217_729 * value;
  const high = scaled - (scaled - value);
  return [high, value - high];
}
