import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonCodec } from './payload.js';

const loop: Record<string, unknown> = {};
loop['self'] = loop;

test('[L1] JSON values come back as they went', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      expect(jsonCodec.decode(jsonCodec.encode(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
  for (const value of [null, [null], { a: null }, 'null', '\ud800', '\ufeff']) {
    expect(jsonCodec.decode(jsonCodec.encode(value))).toEqual(value);
  }
});

test.each([
  ['undefined', undefined],
  ['a function', () => 1],
  ['a symbol', Symbol('x')],
  ['a cycle', loop],
  ['a BigInt', 1n],
  ['a BigInt within', { a: [1n] }],
  ['NaN', Number.NaN],
  ['NaN within', { a: { b: [1, Number.NaN] } }],
  ['an infinity within', [Number.NEGATIVE_INFINITY]],
  ['a hole in an array', [1, undefined]],
  ['a function in an array', [() => 1]],
])('[L6] JSON refuses %s rather than changing it', (_, value) => {
  expect(() => jsonCodec.encode(value)).toThrow(TypeError);
});

test('[L1] a property that is undefined is left out', () => {
  expect(jsonCodec.decode(jsonCodec.encode({ a: 1, b: undefined }))).toEqual({ a: 1 });
});
