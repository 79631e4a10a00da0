import { expect, test } from 'vitest';
import { xxHash32 } from './checksum.js';

const ascii = (text: string) => new TextEncoder().encode(text);

test('[checksum] published vectors of xxHash32', () => {
  expect(xxHash32(ascii(''))).toBe(0x02cc5d05);
  expect(xxHash32(ascii('a'))).toBe(0x550d7456);
  expect(xxHash32(ascii('abc'))).toBe(0x32d153ff);
  expect(xxHash32(ascii('Nobody inspects the spammish repetition'))).toBe(0xe2293b2f);
});

test('[checksum] a part is hashed as if it stood alone, and the seed counts', () => {
  const whole = ascii('xxNobody inspects the spammish repetitionyy');
  expect(xxHash32(whole, 0, 2, whole.length - 2)).toBe(0xe2293b2f);
  expect(xxHash32(whole, 1)).not.toBe(xxHash32(whole, 0));
});

test('[checksum] a long input, which is read otherwise, has the same checksum', () => {
  const long = Uint8Array.from({ length: 4099 }, (_, i) => i * 31);
  expect(xxHash32(long, 7)).toBe(0x643da47f);
  expect(xxHash32(long, 7, 1, 4098)).toBe(0x26936279);
});
