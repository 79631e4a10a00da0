import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SortedList } from './sorted-list.js';

test('[V1] a sorted list has what an array that is sorted anew has, over many parts', () => {
  const steps = fc.array(fc.tuple(fc.nat(9), fc.integer({ min: 0, max: 5_000 })), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(steps, fc.boolean(), (moves, inOrder) => {
      const list = new SortedList<number>((a, b) => a - b);
      let plain: number[] = [];
      for (const [kind, at] of moves) {
        if (kind < 7) {
          const values = Array.from({ length: 60 }, (_, i) =>
            inOrder ? plain.length + i : (at * 31 + i * 977) % 5_003,
          );
          for (const value of values) list.add(value);
          plain.push(...values);
        } else {
          const gone = plain.slice(at % (plain.length + 1)).slice(0, 50);
          plain = [...plain.slice(0, at % (plain.length + 1)), ...plain.slice((at % (plain.length + 1)) + 50)];
          for (const value of gone) list.remove(value);
        }
        plain.sort((a, b) => a - b);
        expect(list.size).toBe(plain.length);
        expect([list.first(), list.last()]).toEqual([plain[0], plain.at(-1)]);
        expect(list.ends(600)).toEqual(plain.slice(0, 600));
        expect(list.ends(-600)).toEqual(plain.slice(-600));
      }
    }),
    { numRuns: 40 },
  );
  expect(() => new SortedList<number>((a, b) => a - b).remove(1)).toThrow('invariant');
});
