import fc from 'fast-check';
import { expect, test } from 'vitest';
import { plainDecoder, plainEncoder } from './utf8.js';

/** Text with what is seldom: lone surrogates, characters outside the plane, byte order marks. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 }).map((units) => String.fromCharCode(...units)),
  fc.constantFrom('', '\ufeff', '\ufefftea', 'é', '€', '𝄞', '\ud834', '\udd1e', '\ud834x'),
);

/** Bytes that are UTF-8 nearly: a wrong byte, a piece cut out, or none of either. */
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc
    .array(
      fc.constantFrom(0x41, 0x80, 0xbf, 0xc1, 0xc2, 0xe0, 0xa0, 0x9f, 0xed, 0xef, 0xbb, 0xf0, 0x8f, 0x90, 0xf4, 0xf5),
    )
    .map((list) => Uint8Array.from(list)),
  fc.tuple(text, fc.nat(60), fc.nat(60)).map(([text, from, to]) => new TextEncoder().encode(text).subarray(from, to)),
);

const options = fc.record({ fatal: fc.boolean(), ignoreBOM: fc.boolean() });

test('without the platform, text becomes the same bytes', () => {
  fc.assert(
    fc.property(text, fc.nat(30), (text, room) => {
      const platform = new TextEncoder();
      expect(plainEncoder.encode(text)).toEqual(platform.encode(text));
      const [here, there] = [new Uint8Array(room), new Uint8Array(room)];
      expect(plainEncoder.encodeInto(text, here)).toEqual(platform.encodeInto(text, there));
      expect(here).toEqual(there);
    }),
  );
});

test('without the platform, bytes become the same text, or the same refusal', () => {
  fc.assert(
    fc.property(bytes, options, (bytes, options) => {
      const decode = (decoder: { decode(bytes: Uint8Array): string }) => {
        try {
          return decoder.decode(bytes);
        } catch (error) {
          return error instanceof TypeError ? 'refused' : error;
        }
      };
      expect(decode(plainDecoder(options))).toBe(decode(new TextDecoder('utf-8', options)));
    }),
    { numRuns: 2000 },
  );
});
