/**
 * Bounded reader and growing writer of bytes: a pair, one the inverse of the other.
 *
 * Numbers are varints: seven bits a byte, lowest first, the high bit says that more follow. Up to 2^53 - 1, so
 * arithmetic beyond 28 bits uses multiplication, never shifts. A varint has one form: a reader refuses padding.
 */

import { GossipError } from '../errors.js';
import { utf8Decoder, utf8Encoder } from './utf8.js';

// A byte order mark is part of a text, or a log's name would change on its way.
const decoder = utf8Decoder({ fatal: true, ignoreBOM: true });

/** @internal */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written, as a copy of exactly its length. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** Starts again; the buffer is kept. */
  reset(): void {
    this.#length = 0;
  }

  u8(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  u32(value: number): void {
    this.setU32(this.#skip(4), value);
  }

  /** A whole number below 2^48, lowest byte first. */
  u48(value: number): void {
    this.u32(value % 0x1_0000_0000);
    this.u8(Math.floor(value / 0x1_0000_0000));
    this.u8(Math.floor(value / 0x100_0000_0000));
  }

  /** Overwrites four bytes written before, lowest first. */
  setU32(at: number, value: number): void {
    const bytes = this.#bytes;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 24;
  }

  varint(value: number): void {
    if (this.#length + 8 > this.#bytes.length) this.#grow(8);
    const bytes = this.#bytes;
    let rest = value;
    while (rest > 0x0fffffff) {
      bytes[this.#length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    while (rest > 127) {
      bytes[this.#length++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    bytes[this.#length++] = rest;
  }

  bytes(value: Uint8Array): void {
    const at = this.#skip(value.length);
    this.#bytes.set(value, at);
  }

  /** Copies `[from, to)` of `source`; small pieces byte by byte, which beats a view and a `set`. */
  copy(source: Uint8Array, from: number, to: number): void {
    let at = this.#skip(to - from);
    if (to - from > 64) {
      this.#bytes.set(source.subarray(from, to), at);
      return;
    }
    const bytes = this.#bytes;
    for (let i = from; i < to; i++) bytes[at++] = source[i] as number;
  }

  /** UTF-8, preceded by its length in bytes. */
  text(value: string): void {
    const bytes = utf8Encoder.encode(value);
    this.varint(bytes.length);
    this.bytes(bytes);
  }

  /** What was written so far from `from` on, as a view that the next write may invalidate. */
  view(from = 0): Uint8Array {
    return this.#bytes.subarray(from, this.#length);
  }

  #skip(count: number): number {
    if (this.#length + count > this.#bytes.length) this.#grow(count);
    const at = this.#length;
    this.#length += count;
    return at;
  }

  #grow(count: number): void {
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** @internal */
export class ByteReader {
  readonly source: Uint8Array;
  at: number;
  readonly end: number;

  constructor(source: Uint8Array, from = 0, to = source.length) {
    this.source = source;
    this.at = from;
    this.end = to;
  }

  get remaining(): number {
    return this.end - this.at;
  }

  u8(): number {
    if (this.at >= this.end) throw truncated(this.at);
    return this.source[this.at++] as number;
  }

  u32(): number {
    const at = this.take(4);
    const { source } = this;
    return (
      ((source[at] as number) |
        ((source[at + 1] as number) << 8) |
        ((source[at + 2] as number) << 16) |
        ((source[at + 3] as number) << 24)) >>>
      0
    );
  }

  u48(): number {
    return this.u32() + this.u8() * 0x1_0000_0000 + this.u8() * 0x100_0000_0000;
  }

  varint(): number {
    if (this.at >= this.end) throw truncated(this.at);
    const first = this.source[this.at++] as number;
    return first < 128 ? first : this.#longVarint(first);
  }

  /** A varint that may not exceed `max`; `what` names it in the error. */
  bounded(max: number, what: string): number {
    const value = this.varint();
    if (value > max) throw invalid(`${what}: ${value}, at most ${max}`);
    return value;
  }

  /** Moves past `count` bytes and gives the offset where they begin. */
  take(count: number): number {
    if (count > this.end - this.at) throw truncated(this.at);
    const at = this.at;
    this.at += count;
    return at;
  }

  /** `count` bytes as a view into the source. */
  bytes(count: number): Uint8Array {
    const at = this.take(count);
    return this.source.subarray(at, at + count);
  }

  /** UTF-8 of at most `max` bytes, preceded by its length. */
  text(max: number, what: string): string {
    const bytes = this.bytes(this.bounded(max, what));
    try {
      return decoder.decode(bytes);
    } catch (cause) {
      throw new GossipError('block-invalid', `${what}: not UTF-8`, { cause });
    }
  }

  #longVarint(first: number): number {
    let value = first & 127;
    let unit = 128;
    for (let length = 2; length <= 8; length++) {
      const byte = this.u8();
      // Eight bytes hold 56 bits; what is over 2^53 - 1 no longer counts exactly.
      value += (byte & 127) * unit;
      unit *= 128;
      if (byte < 128) {
        if (byte === 0) throw invalid('a number is padded');
        if (value > Number.MAX_SAFE_INTEGER) throw invalid('a number is over 2^53 - 1');
        return value;
      }
    }
    throw invalid('a number is longer than eight bytes');
  }
}

function truncated(at: number): GossipError {
  return new GossipError('bytes-truncated', `the bytes end too early, at ${at}`, { context: { at } });
}

/** @internal */
export function invalid(message: string): GossipError {
  return new GossipError('block-invalid', message);
}
