import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ada } from '../../test/sample-blocks.js';
import { GossipError } from '../errors.js';
import { createGossipLog } from '../index.js';
import { eventBytesMax, payloadDepthMax } from '../limits.js';
import { jsonCodec } from './payload.js';
import { structuredCodec } from './structured.js';

declare const structuredClone: <V>(value: V) => V;

const codec = structuredCodec<unknown>();
const back = (value: unknown): unknown => codec.decode(codec.encode(value));
const bytesOf = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
const hexOf = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
// biome-ignore lint/style/noRestrictedGlobals: values of time, not the time
const dateOf = (ms: number) => new Date(ms);

/** All dates there are, and more of those whose milliseconds are hard to tell. */
const date = fc.oneof(
  fc.integer({ min: -8.64e15, max: 8.64e15 }).map(dateOf),
  fc.integer({ min: 4.398e15, max: 4.504e15 }).map(dateOf),
);
const leaf = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.bigInt(),
  fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }),
  fc.boolean(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(undefined, null, -0, Number.NaN, dateOf(Number.NaN), '', '\0', 'é'.repeat(70), 'a'.repeat(300)),
  date,
  fc.uint8Array({ maxLength: 300 }),
);
const { value: structured } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('__proto__', '1', '10', '2')), tie('value'), { maxKeys: 5 }),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 4 }).map((entries) => new Map(entries)),
    fc.array(tie('value'), { maxLength: 4 }).map((members) => new Set(members)),
  ),
}));

test('structured values come back as they went, and the same value has the same bytes [L1]', () => {
  fc.assert(
    fc.property(structured, (value) => {
      const bytes = codec.encode(value);
      expect(codec.decode(bytes)).toEqual(value);
      expect(codec.encode(codec.decode(bytes))).toEqual(bytes);
      expect(codec.encode(structuredClone(value))).toEqual(bytes);
    }),
    { numRuns: 500 },
  );
});

test('the order in which properties were set does not matter, that of a map and a set does [L1]', () => {
  expect(codec.encode({ b: 1, a: { d: 2, c: 3 } })).toEqual(codec.encode({ a: { c: 3, d: 2 }, b: 1 }));
  expect([
    ...(
      back(
        new Map([
          ['b', 1],
          ['a', 2],
        ]),
      ) as Map<string, number>
    ).keys(),
  ]).toEqual(['b', 'a']);
  expect([...(back(new Set(['b', 'a'])) as Set<string>)]).toEqual(['b', 'a']);
});

test.each<[string, unknown, string]>([
  [
    'whole numbers',
    [0, 23, 24, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER],
    '8a00171818' + '18ff19010019ffff1a000100001affffffff1b00000001000000001b001fffffffffffff',
  ],
  ['negative numbers', [-1, -24, -25, Number.MIN_SAFE_INTEGER], '84203738183b001ffffffffffffe'],
  [
    'other numbers',
    [1.5, -0, Number.NaN, Number.POSITIVE_INFINITY, 1e300],
    '85fb3ff8000000000000fb8000000000000000fb7ff8000000000000fb7ff0000000000000fb7e37e43c8800759c',
  ],
  [
    'BigInt',
    [0n, 1n, -1n, 18446744073709551616n, -18446744073709551617n],
    '85c240c24101c340c249010000000000000000c349010000000000000000',
  ],
  ['text and bytes', ['', 'ü', Uint8Array.of(1, 2)], '836062c3bc420102'],
  ['simple values', [false, true, null, undefined], '84f4f5f6f7'],
  [
    'dates',
    [dateOf(0), dateOf(1500), dateOf(-1), dateOf(Number.NaN)],
    '84c100c1fb3ff8000000000000c1fbbf50624dd2f1a9fcc1fb7ff8000000000000',
  ],
  ['an object', { b: 1, a: undefined }, 'a26161f7616201'],
  ['a set and a map', [new Set([1]), new Map<unknown, unknown>([[1, 2]])], '82d901028101d90103a10102'],
])('the bytes of %s are frozen', (_, value, hex) => {
  expect(hexOf(codec.encode(value))).toBe(hex);
  expect(codec.decode(bytesOf(hex))).toEqual(value);
});

const loop: unknown[] = [];
loop.push(new Map([['again', loop]]));

test.each<[string, unknown, string, string]>([
  ['a function', { run: () => 1 }, 'run', 'a function'],
  ['a symbol', [Symbol('x')], '[0]', 'a symbol'],
  ['a promise', { a: [Promise.resolve(1)] }, 'a[0]', 'an instance of Promise'],
  ['an error', new Error('x'), '', 'an instance of Error'],
  ['a RegExp', { a: /x/ }, 'a', 'an instance of RegExp'],
  ['an instance of a class', new Map([['key', new (class Point {})()]]), '["key"]', 'an instance of Point'],
  ['a class made of Map', new (class Inbox extends Map {})(), '', 'an instance of Inbox'],
  ['a class made of Uint8Array', new (class Bytes extends Uint8Array {})(2), '', 'an instance of Bytes'],
  [
    'what passes for bytes',
    {
      a: new (class Bytes {
        readonly [Symbol.toStringTag] = 'Uint8Array';
      })(),
    },
    'a',
    'an instance of Bytes',
  ],
  ['another typed array', { a: new Float32Array(2) }, 'a', 'an instance of Float32Array'],
  ['an ArrayBuffer', { a: new ArrayBuffer(2) }, 'a', 'an instance of ArrayBuffer'],
  // biome-ignore lint/suspicious/noSparseArray: what the test is about
  ['a hole in an array', [1, , 2], '[1]', 'a hole in an array'],
  ['half a surrogate pair', { a: 'x\ud800' }, 'a', 'text with half a surrogate pair'],
  ['half a surrogate pair in a name', { '\ud800': 1 }, '', 'text with half a surrogate pair'],
  ['a cycle', loop, '[0].again', 'a value within itself'],
])('%s is refused, and where it is', (_, value, path, what) => {
  try {
    codec.encode(value);
  } catch (error) {
    const at = path === '["key"]' ? 'key' : path;
    expect(error).toMatchObject({
      code: 'payload-unencodable',
      context: { codec: 'structured', path: at, value: what },
    });
    return;
  }
  expect.unreachable();
});

test('what comes back cannot be changed [L5]', () => {
  const log = createGossipLog({ id: 'tea', writer: ada, now: () => 1_700_000_000_000, codec: structuredCodec() });
  const given = { at: dateOf(5), map: new Map([['a', [1]]]), set: new Set([{ b: 2 }]), list: [1] };
  const payload = log.append(given).payload as typeof given;
  expect(payload).toEqual(given);
  for (const change of [
    () => payload.at.setTime(6),
    () => payload.at.setUTCFullYear(2000),
    () => payload.map.set('a', []),
    () => payload.map.delete('a'),
    () => payload.map.get('a')?.push(2),
    () => payload.set.add({ b: 3 }),
    () => payload.set.clear(),
    () => payload.list.push(2),
    () => Object.assign(payload, { at: dateOf(7) }),
    () => Object.assign(payload.map, { extra: 1 }),
  ]) {
    expect(change).toThrow(TypeError);
  }
  expect(payload).toEqual(given);
  expect([payload.at instanceof dateOf(0).constructor, payload.map instanceof Map]).toEqual([true, true]);
  expect(structuredClone(payload)).toEqual(given);
  expect(log.append(payload).payload).toEqual(given);
});

test('bytes that come back are a copy of the log', () => {
  const log = createGossipLog({ id: 'tea', writer: ada, now: () => 1_700_000_000_000, codec: structuredCodec() });
  const bytes = log.append(Uint8Array.of(1, 2, 3)).payload as Uint8Array;
  const before = log.encode();
  bytes.fill(0);
  expect(log.encode()).toEqual(before);
});

test('any bytes are refused, or are the very bytes of their value [L6]', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.tuple(structured, fc.nat(), fc.nat(255)).map(([value, at, byte]) => {
      const changed = codec.encode(value).slice();
      changed[at % changed.length] = byte;
      return changed;
    }),
    fc.tuple(structured, fc.nat()).map(([value, end]) => codec.encode(value).slice(0, end)),
  );
  let read = 0;
  fc.assert(
    fc.property(bytes, (given) => {
      let value: unknown;
      try {
        value = codec.decode(given);
      } catch (error) {
        expect(error instanceof GossipError || error instanceof TypeError).toBe(true);
        return;
      }
      read++;
      // Not one byte that is text alone is half a surrogate pair, so all that is read can be written.
      expect(codec.encode(value)).toEqual(given);
    }),
    { numRuns: 2000 },
  );
  expect(read).toBeGreaterThan(100);
});

test.each([
  ['a number longer than needed', '1817'],
  ['a number of two bytes longer than needed', '1900ff'],
  ['a whole number beyond 2^53', '1b0020000000000000'],
  ['a whole number as a float', 'fb3ff0000000000000'],
  ['another NaN', 'fb7ff8000000000001'],
  ['a float of 32 bits', 'fa3fc00000'],
  ['an open length', '9f01ff'],
  ['more items than bytes', '9affffffff'],
  ['more bytes than there are', '5affffffff00'],
  ['more properties than bytes', 'baffffffff'],
  ['a property twice', 'a2616101616102'],
  ['properties not sorted', 'a2616201616102'],
  ['a property named by a number', 'a10102'],
  ['a member twice', 'd9010282' + '0101'],
  ['-0 in a set', 'd9010281fb8000000000000000'],
  ['a key twice', 'd90103a201020103'],
  ['-0 as a key', 'd90103a1fb800000000000000001'],
  ['a padded BigInt', 'c24200ff'],
  ['a date of text', 'c16130'],
  ['a date within a date', 'c1c100'],
  ['a part of a millisecond', 'c1fb3f1a36e2eb1c432d'],
  ['an unknown tag', 'd82a00'],
  ['bytes behind the value', '0000'],
  ['nothing', ''],
  ['text that is not UTF-8', '61ff'],
  ['a reserved simple value', 'e0'],
])('%s is not read [L6]', (_, hex) => {
  expect(() => codec.decode(bytesOf(hex))).toThrow();
});

test('the depth is bounded both ways, whatever the stack has room for [L7]', () => {
  const nested = (levels: number) => new Uint8Array(levels).fill(0x81).fill(0x80, levels - 1);
  expect(codec.encode(codec.decode(nested(payloadDepthMax)))).toEqual(nested(payloadDepthMax));
  for (const levels of [payloadDepthMax + 1, eventBytesMax]) {
    expect(() => codec.decode(nested(levels))).toThrow(/more than 256 levels/);
  }
  let value: unknown = 'x';
  for (let i = 0; i < 10_000; i++) value = { a: value };
  expect(() => codec.encode(value)).toThrow(/more than 256 levels/);
});

test('a value that refers to itself many times over is refused before it is written out [L7]', () => {
  let value: unknown = 'x';
  for (let i = 0; i < 60; i++) value = [value, value];
  expect(() => codec.encode(value)).toThrow(expect.objectContaining({ code: 'event-too-large' }));
});

test('JSON values take no more bytes than as JSON', () => {
  let structuredBytes = 0;
  let jsonBytes = 0;
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      try {
        structuredBytes += codec.encode(value).length;
        jsonBytes += jsonCodec.encode(value).length;
      } catch (error) {
        expect(error).toMatchObject({ context: { value: 'text with half a surrogate pair' } });
      }
    }),
  );
  expect(structuredBytes).toBeLessThan(jsonBytes);
});
