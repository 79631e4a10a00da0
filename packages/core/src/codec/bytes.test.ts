import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesOf } from '../../test/frames.js';
import { refusal } from '../../test/sample-blocks.js';
import { ByteReader, ByteWriter } from './bytes.js';

const written = (write: (writer: ByteWriter) => void, capacity = 1) => {
  const writer = new ByteWriter(capacity);
  write(writer);
  return writer.finish();
};
const readVarint = (bytes: Uint8Array) => new ByteReader(bytes).varint();

const boundaries = Array.from({ length: 8 }, (_, i) => 2 ** (7 * i)).flatMap((power) => [power - 1, power, power + 1]);
const varint = fc.oneof(fc.maxSafeNat(), fc.constantFrom(...boundaries, Number.MAX_SAFE_INTEGER));

test('[B5] numbers up to 2^53 - 1 come back as they went, in the fewest bytes', () => {
  fc.assert(
    fc.property(fc.array(varint), (values) => {
      const bytes = written((writer) => {
        for (const value of values) writer.varint(value);
      });
      const reader = new ByteReader(bytes);
      expect(values.map(() => reader.varint())).toEqual(values);
      expect(reader.remaining).toBe(0);
    }),
  );
  for (const value of boundaries) {
    expect(written((writer) => writer.varint(value)).length).toBe(Math.ceil(value.toString(2).length / 7));
  }
});

test('[B5] a number that is cut, padded or too large is refused', () => {
  expect(refusal(() => readVarint(bytesOf()))).toBe('bytes-truncated');
  expect(refusal(() => readVarint(bytesOf(0x80)))).toBe('bytes-truncated');
  expect(refusal(() => readVarint(bytesOf(0x80, 0)))).toBe('block-invalid');
  expect(refusal(() => readVarint(bytesOf(0xff, 0x80, 0)))).toBe('block-invalid');
  // 2^53 - 1, then 2^53.
  expect(readVarint(bytesOf(255, 255, 255, 255, 255, 255, 255, 15))).toBe(Number.MAX_SAFE_INTEGER);
  expect(refusal(() => readVarint(bytesOf(128, 128, 128, 128, 128, 128, 128, 16)))).toBe('block-invalid');
  expect(refusal(() => readVarint(bytesOf(255, 255, 255, 255, 255, 255, 255, 127)))).toBe('block-invalid');
  expect(refusal(() => readVarint(new Uint8Array(100).fill(255)))).toBe('block-invalid');
});

test('[B5] a length over what remains, or over its bound, is refused before anything is taken', () => {
  const gigabytes = written((writer) => writer.varint(2 ** 40));
  expect(refusal(() => new ByteReader(gigabytes).text(10, 'name'))).toBe('block-invalid');
  expect(refusal(() => new ByteReader(gigabytes).bytes(new ByteReader(gigabytes).varint()))).toBe('bytes-truncated');
  expect(refusal(() => new ByteReader(bytesOf(1, 2, 3)).u32())).toBe('bytes-truncated');
  expect(refusal(() => new ByteReader(bytesOf(1, 2, 3), 1, 2).bytes(2))).toBe('bytes-truncated');
});

test('[B5] texts come back as they went, a byte order mark too; what is not UTF-8 is refused', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('', '\ufeff', '\ufefftea', '\0')), (text) => {
      expect(new ByteReader(written((writer) => writer.text(text))).text(1000, 'text')).toBe(text);
    }),
  );
  expect(refusal(() => new ByteReader(bytesOf(2, 0xc3, 0x28)).text(10, 'text'))).toBe('block-invalid');
});

test('[B5] bytes, u8 and u32 come back as they went, also across the growth of the buffer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(0xffffffff), fc.nat(255), (value, u32, u8) => {
      const bytes = written((writer) => {
        writer.u32(u32);
        writer.u8(u8);
        writer.copy(value, 0, value.length);
        writer.bytes(value);
        writer.setU32(0, u32);
      });
      const reader = new ByteReader(bytes);
      expect([reader.u32(), reader.u8()]).toEqual([u32, u8]);
      expect(reader.bytes(value.length)).toEqual(value);
      expect(reader.bytes(value.length)).toEqual(value);
    }),
  );
});
