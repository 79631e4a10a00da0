import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GossipError } from '../errors.js';
import { eventBytesMax, payloadDepthMax } from '../limits.js';
import { jsonCodec } from './payload.js';

const loop: Record<string, unknown> = { list: [] };
(loop['list'] as unknown[]).push(loop);

/** The error that `encode` throws. */
function refusal(value: unknown): GossipError {
  try {
    jsonCodec.encode(value);
  } catch (error) {
    if (error instanceof GossipError) return error;
    throw error;
  }
  throw new Error('encode wrote the value');
}

function nested(levels: number): unknown {
  let value: unknown = [];
  for (let i = 1; i < levels; i++) value = i % 2 ? { a: value } : [value];
  return value;
}

test('JSON values come back as they went [L1]', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      expect(jsonCodec.decode(jsonCodec.encode(value))).toEqual(value);
    }),
  );
  const kept = [
    null,
    [null],
    { a: null },
    'null',
    '\ud800',
    { '\udfff': 1 },
    '\ufeff',
    5e-324,
    1e21,
    -0,
    { a: [1, -0] },
  ];
  for (const value of kept) expect(jsonCodec.decode(jsonCodec.encode(value))).toEqual(value);
  const own = JSON.parse('{"__proto__":{"a":1},"b":-0}');
  expect(Object.keys(jsonCodec.decode(jsonCodec.encode(own)) as object)).toEqual(['__proto__', 'b']);
});

test('any value is either refused with its path or comes back as it went [L1]', () => {
  const kinds = {
    ...{ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true, withSparseArray: true },
    ...{ withNullPrototype: true, withBoxedValues: true },
  };
  let refused = 0;
  let written = 0;
  fc.assert(
    fc.property(fc.oneof(fc.anything(kinds), fc.object({ withNullPrototype: true })), (value) => {
      try {
        expect(jsonCodec.decode(jsonCodec.encode(value))).toEqual(value);
        written++;
      } catch (error) {
        if (!(error instanceof GossipError)) throw error;
        expect(error).toMatchObject({ code: 'payload-unencodable', context: { codec: 'json' } });
        refused++;
      }
    }),
    { numRuns: 500 },
  );
  expect(refused).toBeGreaterThan(10);
  expect(written).toBeGreaterThan(10);
});

// biome-ignore lint/style/noRestrictedGlobals: values of time, not the time
const [date, invalidDate] = [new Date(0), new Date('no')];

class Point {
  x = 1;
}

class Inbox extends Map {}

test.each<[string, unknown, string, string]>([
  ['undefined', undefined, '', 'undefined'],
  ['a function', () => 1, '', 'a function'],
  ['a symbol', Symbol('x'), '', 'a symbol'],
  ['a BigInt', { a: [1n] }, 'a[0]', 'a bigint'],
  ['NaN', { a: { b: [1, 2, 3, Number.NaN] } }, 'a.b[3]', 'NaN'],
  ['an infinity', [Number.NEGATIVE_INFINITY], '[0]', '-Infinity'],
  ['undefined in an array', [1, undefined], '[1]', 'undefined'],
  // biome-ignore lint/suspicious/noSparseArray: what the test is about
  ['a hole in an array', { a: [1, , 2] }, 'a[1]', 'a hole in an array'],
  ['a function in an object', { run: () => 1 }, 'run', 'a function'],
  ['a symbol in an object', { kind: Symbol('x') }, 'kind', 'a symbol'],
  ['a cycle', { a: loop }, 'a.list[0]', 'a value within itself'],
  ['a Map', { a: new Map([[1, 2]]) }, 'a', 'an instance of Map'],
  ['a Set', { 'two words': new Set() }, '["two words"]', 'an instance of Set'],
  ['an Error', { a: new RangeError('x') }, 'a', 'an instance of RangeError'],
  ['a promise', { a: Promise.resolve(1) }, 'a', 'an instance of Promise'],
  ['a Date', { at: date }, 'at', 'an instance of Date'],
  ['an invalid Date', { at: invalidDate }, 'at', 'an invalid Date'],
  ['bytes', { a: new Uint8Array(2) }, 'a', 'an instance of Uint8Array'],
  ['an ArrayBuffer', { a: new ArrayBuffer(2) }, 'a', 'an instance of ArrayBuffer'],
  ['a RegExp', { a: /x/ }, 'a', 'an instance of RegExp'],
  ['a WeakRef', { a: new WeakRef({ a: 1 }) }, 'a', 'an instance of WeakRef'],
  ['an instance of a class', { a: [new Point()] }, 'a[0]', 'an instance of Point'],
  ['a class made of a built-in one', new Inbox(), '', 'an instance of Inbox'],
  ['an Array of a class', { a: new (class Row extends Array {})() }, 'a', 'an instance of Row'],
  ['a boxed string', { a: Object('x') }, 'a', 'an instance of String'],
  ['an object with toJSON', { a: { toJSON: () => 5 } }, 'a.toJSON', 'a function'],
])('JSON refuses %s and says where it is', (_, value, path, what) => {
  expect(refusal(value)).toMatchObject({ code: 'payload-unencodable', context: { path, value: what, codec: 'json' } });
});

test('a promise in a payload is answered with the likely reason', () => {
  expect(refusal({ text: Promise.resolve('Tea?') }).message).toContain('is an await missing?');
});

test('properties that are undefined, or have a symbol for a name, are left out [L1]', () => {
  expect(jsonCodec.decode(jsonCodec.encode({ a: 1, [Symbol('x')]: 2 }))).toEqual({ a: 1 });
  expect(jsonCodec.decode(jsonCodec.encode({ a: 1, b: undefined }))).toEqual({ a: 1 });
  expect(jsonCodec.decode(jsonCodec.encode({ a: -0, b: undefined }))).toEqual({ a: -0 });
  const bare = Object.assign(Object.create(null), { a: 1 });
  expect(jsonCodec.decode(jsonCodec.encode(bare))).toEqual({ a: 1 });
});

test('what the closer look writes is what JSON.stringify writes', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      // A -0 behind it makes the whole value be written by the closer look.
      const text = new TextDecoder('utf-8').decode(jsonCodec.encode([value, -0]));
      const kept = new TextDecoder('utf-8').decode(jsonCodec.encode([value]));
      expect(text).toBe(`${kept.slice(0, -1)},-0]`);
    }),
  );
});

test('a payload has a bounded depth, and one as deep as allowed is written [L7]', () => {
  expect(jsonCodec.decode(jsonCodec.encode(nested(payloadDepthMax)))).toEqual(nested(payloadDepthMax));
  expect(refusal(nested(payloadDepthMax + 1))).toMatchObject({ code: 'payload-unencodable' });
  expect(refusal(nested(100_000))).toMatchObject({ code: 'payload-unencodable' });
});

test('a value that refers to itself many times over is refused before it is written out [L7]', () => {
  let value: unknown = 'x';
  for (let i = 0; i < 60; i++) value = [value, value];
  expect(refusal(value)).toMatchObject({ code: 'event-too-large', context: { eventBytesMax } });
  expect(refusal(new Array(2 ** 31))).toMatchObject({ code: 'event-too-large' });
  expect(refusal([-0, value])).toMatchObject({ code: 'event-too-large' });
});

test('the path in an error is short, however long the name of a property is [L7]', () => {
  try {
    jsonCodec.encode({ ['k'.repeat(1_000_000)]: new Map() });
  } catch (error) {
    expect((error as Error).message.length).toBeLessThan(200);
    return;
  }
  expect.unreachable();
});
