import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventId, parseEventId, parseWriterId, writerIdFromBytes, writerIdToBytes } from './ids.js';

const id = fc.uint8Array({ minLength: 16, maxLength: 16 });

test('[L1] writer ids and event ids come back as they went, as base64url', () => {
  fc.assert(
    fc.property(id, fc.integer({ min: 1, max: 0xffffffff }), (bytes, seq) => {
      const writer = writerIdFromBytes(bytes);
      expect(writer).toMatch(/^[A-Za-z0-9_-]{22}$/);
      expect(writerIdToBytes(writer)).toEqual(bytes);
      expect(parseWriterId(writer)).toBe(writer);
      expect(parseEventId(eventId(writer, seq))).toEqual({ writer, seq });
    }),
  );
  expect(writerIdFromBytes(new Uint8Array(16).fill(255))).toBe('_____________________w');
});

const writer = writerIdFromBytes(new Uint8Array(16));

test.each(['', 'A', 'A'.repeat(21), 'A'.repeat(23), `${'A'.repeat(21)}B`, `${'A'.repeat(21)}+`, ` ${'A'.repeat(21)}`])(
  '[L6] no writer id: "%s"',
  (text) => {
    expect(() => parseWriterId(text)).toThrow(TypeError);
  },
);

test.each(['', writer, `${writer}.`, `${writer}.0`, `${writer}.01`, `${writer}.-1`, `${writer}.1.5`, `${writer}.1e3`])(
  '[L6] no event id: "%s"',
  (text) => {
    expect(() => parseEventId(text)).toThrow(TypeError);
  },
);

test('[L6] no event id: sequence numbers end at 2^32 - 1; ids have 16 bytes', () => {
  expect(() => parseEventId(`${writer}.4294967296`)).toThrow(TypeError);
  expect(() => writerIdFromBytes(new Uint8Array(15))).toThrow(RangeError);
});
