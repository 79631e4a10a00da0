/** How an app's values become bytes: a port, and the default, JSON. */

import { utf8Decoder, utf8Encoder } from './utf8.js';

/**
 * Turns payloads into bytes and back. `decode(encode(value))` must equal `value`, and equal values must give equal
 * results on every node.
 */
export interface PayloadCodec<T = unknown> {
  /** Part of the log's descriptor: peers with another codec are told so. At most 32 ASCII characters. */
  readonly name: string;
  /** Bytes of their own, not a buffer used again. Throws when the value cannot be written: `payload-unencodable`. */
  encode(value: T): Uint8Array;
  /** Must not keep or change `bytes`: they are a view into the log's memory. */
  decode(bytes: Uint8Array): T;
}

const decoder = utf8Decoder({ fatal: true });

const sharedBytes = 16 * 1024;
let shared = new Uint8Array(sharedBytes);
let sharedUsed = 0;

/** UTF-8 of a text. Small ones lie side by side in one buffer: a buffer for each costs twice as much as the text. */
function encodeText(text: string): Uint8Array {
  // A UTF-16 unit takes at most three bytes.
  const bytesMax = text.length * 3;
  if (bytesMax > sharedBytes / 8) return utf8Encoder.encode(text);
  if (bytesMax > sharedBytes - sharedUsed) {
    shared = new Uint8Array(sharedBytes);
    sharedUsed = 0;
  }
  const from = sharedUsed;
  sharedUsed += utf8Encoder.encodeInto(text, shared.subarray(from)).written;
  return shared.subarray(from, sharedUsed);
}

/**
 * JSON in UTF-8: the default. Values that JSON has no words for (`undefined`, functions, symbols, cycles, BigInt,
 * NaN and the infinities) are refused rather than changed silently. A property that is `undefined` is left out, as
 * everywhere with JSON; so are functions and symbols.
 */
export const jsonCodec: PayloadCodec<unknown> = {
  name: 'json',
  encode(value) {
    const text = JSON.stringify(value);
    if (text === undefined) throw new TypeError(`JSON has no form for ${typeof value}`);
    // NaN, the infinities and holes become `null` without a word; only a text with a null needs the slower look.
    if (text.includes('null')) JSON.stringify(value, refuseSilentLoss);
    return encodeText(text);
  },
  decode(bytes) {
    return JSON.parse(decoder.decode(bytes));
  },
};

/** Refuses what JSON would write as `null`: numbers that are not finite, and holes in arrays. */
function refuseSilentLoss(this: unknown, key: string, value: unknown): unknown {
  const isLost =
    typeof value === 'number'
      ? !Number.isFinite(value)
      : Array.isArray(this) && (value === undefined || typeof value === 'function' || typeof value === 'symbol');
  if (isLost) throw new TypeError(`JSON has no form for ${String(value)}${key === '' ? '' : ` at "${key}"`}`);
  return value;
}
