/** How an app's values become bytes: a port, and the default, JSON. */
import { GossipError } from '../errors.js';
import { eventBytesMax, payloadDepthMax } from '../limits.js';
import { isBuiltIn, isPlainObject, type Place, unencodable } from './unencodable.js';
import { utf8Decoder, utf8Encoder } from './utf8.js';

/**
 * Turns payloads into bytes and back. `decode(encode(value))` must equal `value`, and equal values must give equal
 * results on every node.
 */
export interface PayloadCodec<T = unknown> {
  /** Part of the log's descriptor: peers with another codec are told so. At most 32 ASCII characters. */
  readonly name: string;
  /**
   * A `Uint8Array` of its own, not a buffer used again. Throws when the value cannot be written: `append` throws
   * `payload-unencodable` then, as it does for any other result.
   */
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
 * JSON in UTF-8: the default. What is written comes back as it was. A value that JSON would change without a word is refused,
 * with its path (`payload-unencodable`, `context.path`): `undefined`, holes, functions, symbols, BigInt, NaN, the
 * infinities, instances of classes (`Date`, `Map`, `Set`, `Error`, promises, typed arrays), cycles, more than
 * `payloadDepthMax` levels. A property that is `undefined` is left out; so are one that is named by a symbol or not
 * enumerable, and what an array holds beside its items, as the `index` of `text.match(…)`. A getter is read twice, and must give
 * the same both times. For bytes, dates, maps, sets and BigInt there is `structuredCodec` of `@gossip-log/core/structured`.
 *
 * @example
 * ```ts
 * import { jsonCodec } from '@gossip-log/core';
 *
 * jsonCodec.decode(jsonCodec.encode({ text: 'Tea?', to: undefined })); // { text: 'Tea?' }
 * try {
 *   jsonCodec.encode({ meeting: { at: [new Date(0)] } });
 * } catch (error) {
 *   error; // GossipError payload-unencodable, context.path 'meeting.at[0]'
 * }
 * ```
 */
export const jsonCodec: PayloadCodec<unknown> = {
  name: 'json',
  encode(value) {
    visitsLeft = eventBytesMax;
    return encodeText(isJson(value, payloadDepthMax) ? JSON.stringify(value) : writeJson(value));
  },
  decode(bytes) {
    return JSON.parse(decoder.decode(bytes));
  },
};

/** Values that may still be looked at. Each takes a byte at least; one that is referred to often is written as often. */
let visitsLeft = 0;

/** Does `JSON.stringify` write this value just as it is? Where it is not certain, `writeJson` looks closer. */
function isJson(value: unknown, levels: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return value === 0 ? 1 / value > 0 : value - value === 0;
    case 'object':
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if (levels === 0 || --visitsLeft < 0) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) {
    for (const key in value) {
      const inner = (value as Record<string, unknown>)[key];
      if (inner !== undefined && !isJson(inner, levels - 1)) return false;
    }
    return true;
  }
  if (prototype !== Array.prototype || !Array.isArray(value)) return false;
  if (value.length > visitsLeft) return false;
  for (let i = 0; i < value.length; i++) if (!isJson(value[i], levels - 1)) return false;
  return true;
}

/**
 * JSON of values that are rare: -0, which JSON has and `JSON.stringify` does not write, and objects of other realms.
 *
 * @throws GossipError `payload-unencodable`, `event-too-large`.
 */
function writeJson(payload: unknown): string {
  const place: Place = [];
  const around = new Set<object>();
  visitsLeft = eventBytesMax;
  return write(payload);

  function write(value: unknown): string {
    if (--visitsLeft < 0) throw tooLarge();
    if (typeof value === 'string' || typeof value === 'boolean' || value === null) return JSON.stringify(value);
    if (typeof value === 'number' && Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value);
    if (typeof value !== 'object') throw unencodable('json', place, value);
    if (around.has(value)) throw unencodable('json', place, value, 'a value within itself');
    if (around.size === payloadDepthMax) {
      throw unencodable('json', place.slice(0, 8), value, `more than ${payloadDepthMax} levels`);
    }
    around.add(value);
    const text = Array.isArray(value) ? writeArray(value) : writeObject(value);
    around.delete(value);
    return text;
  }

  function writeArray(value: readonly unknown[]): string {
    if (!isBuiltIn(Object.getPrototypeOf(value) as object, 'Array')) throw unencodable('json', place, value);
    if (value.length > visitsLeft) throw tooLarge();
    return `[${Array.from(value, (item, i) => {
      if (!(i in value)) throw unencodable('json', [...place, i], item, 'a hole in an array');
      return at(i, item);
    }).join()}]`;
  }

  function writeObject(value: object): string {
    if (!isPlainObject(value)) throw unencodable('json', place, value);
    const properties: string[] = [];
    for (const [key, inner] of Object.entries(value)) {
      if (inner !== undefined) properties.push(`${JSON.stringify(key)}:${at(key, inner)}`);
    }
    return `{${properties.join()}}`;
  }

  function at(step: string | number, value: unknown): string {
    place.push(step);
    const text = write(value);
    place.pop();
    return text;
  }
}

function tooLarge(): GossipError {
  return new GossipError('event-too-large', `a payload of more than ${eventBytesMax} values, each a byte at least`, {
    context: { eventBytesMax },
  });
}
