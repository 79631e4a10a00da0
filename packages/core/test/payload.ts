/** fast-check arbitraries for what apps append. */
import fc from 'fast-check';

/** Texts that break careless code: emoji with joiners, right-to-left, empty, combining, lone surrogates. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constantFrom('', ' ', '\n', '\0', '👩‍👩‍👧‍👦', '🇳🇿', 'שלום', 'مرحبا', 'cafe\u0301', '\ud800', '"\\', '\u2028'),
  fc
    .tuple(fc.constantFrom('x', 'é', '好', '👍🏽'), fc.integer({ min: 1, max: 1024 }))
    .map(([unit, times]) => unit.repeat(times)),
);

/** What apps append: texts of 0 B to 8 KB and nested JSON values. */
export const payload: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: fc.nat(99) },
  { weight: 2, arbitrary: text },
  { weight: 1, arbitrary: fc.record({ user: text, text, tags: fc.array(text, { maxLength: 3 }) }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
);
