/** How an app's values become bytes: a port, and the default, JSON. */

/**
 * Turns payloads into bytes and back. `decode(encode(value))` must equal `value`, and equal values must give equal
 * results on every node.
 */
export interface PayloadCodec<T = unknown> {
  /** Part of the log's descriptor: peers with another codec are told so. At most 32 ASCII characters. */
  readonly name: string;
  /** Throws when the value cannot be written; the log turns that into `payload-unencodable`. */
  encode(value: T): Uint8Array;
  /** Must not keep or change `bytes`: they are a view into the log's memory. */
  decode(bytes: Uint8Array): T;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

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
    return encoder.encode(text);
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
