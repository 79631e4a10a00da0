import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ExactSum } from './exact-sum.js';

const number = fc.oneof(
  fc.integer({ min: -(2 ** 40), max: 2 ** 40 }).map((n) => n / 2 ** 20),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e140, max: 1e140 }).map((n) => n + 0),
);

test('[V1] a sum does not depend on the order, and what was taken out again leaves nothing behind', () => {
  fc.assert(
    fc.property(fc.array(number), fc.array(number), (kept, gone) => {
      const [straight, other] = [new ExactSum(), new ExactSum()];
      for (const n of kept) straight.add(n);
      for (const n of [...gone, ...kept.toReversed()]) other.add(n);
      for (const n of gone) other.add(-n);
      expect(other.value()).toBe(straight.value());
    }),
  );
});

test('[V1] a sum is the number nearest to the exact one', () => {
  const whole = fc.array(fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }).map((n) => BigInt(Number(n))));
  fc.assert(
    fc.property(whole, (numbers) => {
      const sum = new ExactSum();
      for (const n of numbers) sum.add(Number(n));
      expect(sum.value()).toBe(Number(numbers.reduce((a, b) => a + b, 0n)));
    }),
  );
  const cancelled = new ExactSum();
  for (const n of [1e300, 1, -1e300, 2 ** -60]) cancelled.add(n);
  expect(cancelled.value()).toBe(1 + 2 ** -60);
});

test('[V1] products are added without rounding', () => {
  const factor = fc.bigInt({ min: -(2n ** 53n), max: 2n ** 53n });
  fc.assert(
    fc.property(fc.array(fc.tuple(factor, factor)), (pairs) => {
      const sum = new ExactSum();
      for (const [a, b] of pairs) sum.addProduct(Number(a), Number(b));
      expect(sum.value()).toBe(Number(pairs.reduce((total, [a, b]) => total + a * b, 0n)));
    }),
  );
});
