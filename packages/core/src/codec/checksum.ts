/**
 * xxHash32, the checksum of blocks and of stored values: it notices accidents, not attackers.
 *
 * Source: Yann Collet, "xxHash fast digest algorithm", specification version 0.1.1, section "XXH32".
 */
const prime1 = 0x9e3779b1;
const prime2 = 0x85ebca77;
const prime3 = 0xc2b2ae3d;
const prime4 = 0x27d4eb2f;
const prime5 = 0x165667b1;
/** From so many bytes on they are read through a view. */
const viewedBytesMin = 1024;

/**
 * The 32-bit checksum of `bytes[from, to)`.
 *
 * @example
 * ```ts
 * import { xxHash32 } from '@gossip-log/core';
 *
 * xxHash32(new TextEncoder().encode('abc')).toString(16); // '32d153ff'
 * ```
 */
export function xxHash32(bytes: Uint8Array, seed = 0, from = 0, to = bytes.length): number {
  let at = from;
  let hash: number;
  if (to - from >= 16) {
    let a = (seed + prime1 + prime2) | 0;
    let b = (seed + prime2) | 0;
    let c = seed | 0;
    let d = (seed - prime1) | 0;
    const last = to - 16;
    if (to - from >= viewedBytesMin) {
      // Two to four times as fast as putting words together; making the view costs as much as 500 bytes.
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      for (; at <= last; at += 16) {
        a = round(a, view.getInt32(at, true));
        b = round(b, view.getInt32(at + 4, true));
        c = round(c, view.getInt32(at + 8, true));
        d = round(d, view.getInt32(at + 12, true));
      }
    }
    for (; at <= last; at += 16) {
      a = round(a, word(bytes, at));
      b = round(b, word(bytes, at + 4));
      c = round(c, word(bytes, at + 8));
      d = round(d, word(bytes, at + 12));
    }
    hash = (rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)) | 0;
  } else {
    hash = (seed + prime5) | 0;
  }
  hash = (hash + (to - from)) | 0;
  for (; at + 4 <= to; at += 4) {
    hash = Math.imul(rotate((hash + Math.imul(word(bytes, at), prime3)) | 0, 17), prime4);
  }
  for (; at < to; at++) {
    hash = Math.imul(rotate((hash + Math.imul(bytes[at] as number, prime5)) | 0, 11), prime1);
  }
  hash = Math.imul(hash ^ (hash >>> 15), prime2);
  hash = Math.imul(hash ^ (hash >>> 13), prime3);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function round(lane: number, input: number): number {
  return Math.imul(rotate((lane + Math.imul(input, prime2)) | 0, 13), prime1);
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

function word(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}
