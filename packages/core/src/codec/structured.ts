/**
 * A codec that keeps what JSON has no form for. The bytes are CBOR (RFC 8949), of which this is a part in which every value
 * has one form: numbers in their shortest form, definite lengths, properties sorted by name. Other CBOR is not read.
 *
 * | value | CBOR |
 * | --- | --- |
 * | whole numbers to ±(2^53 − 1) | major types 0 and 1 |
 * | other numbers, -0, NaN, infinities | 64-bit float |
 * | BigInt | tags 2 and 3 |
 * | text, `Uint8Array`, array, object | major types 3, 2, 4, 5 |
 * | `Date` | tag 1, seconds |
 * | `Set`, `Map` | tags 258 and 259, in their order |
 * | `false`, `true`, `null`, `undefined` | simple values 20 to 23 |
 */
import { GossipError } from '../errors.js';
import { eventBytesMax, payloadDepthMax } from '../limits.js';
import { ByteReader, ByteWriter, invalid } from './bytes.js';
import type { PayloadCodec } from './payload.js';
import { isBuiltIn, isPlainObject, type Place, unencodable } from './unencodable.js';
import { utf8Decoder, utf8Encoder } from './utf8.js';

/** What `structuredCodec` writes, as it comes back. */
export type Structured =
  | undefined
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uint8Array
  | readonly Structured[]
  | ReadonlySet<Structured>
  | ReadonlyMap<Structured, Structured>
  | { readonly [name: string]: Structured };

const name = 'structured';
const decoder = utf8Decoder({ fatal: true, ignoreBOM: true });
const loneSurrogate = /\p{Surrogate}/u;
/** So long a text is copied letter by letter while it is ASCII: a call of the encoder takes longer. */
const shortText = 64;

/** Scratch for one number. */
const float = new DataView(new ArrayBuffer(8));

const datePrototype = Object.getPrototypeOf(new Date(0)) as object;

/** What comes back cannot be changed: events are shared by all that read them. */
const readonly = {
  Date: withoutChanges(
    datePrototype,
    Object.getOwnPropertyNames(datePrototype).filter((method) => method.startsWith('set')),
  ),
  Map: withoutChanges(Map.prototype, ['set', 'delete', 'clear']),
  Set: withoutChanges(Set.prototype, ['add', 'delete', 'clear']),
};

function withoutChanges(prototype: object, methods: readonly string[]): object {
  const value = () => {
    throw new TypeError('an event never changes: copy the value first');
  };
  return Object.create(prototype, Object.fromEntries(methods.map((method) => [method, { value }])));
}

function freezeAs<V extends object>(kind: keyof typeof readonly, value: V): V {
  return Object.freeze(Object.setPrototypeOf(value, readonly[kind]));
}

function isKept(value: object, kind: keyof typeof readonly): boolean {
  return Object.getPrototypeOf(value) === readonly[kind] || isBuiltIn(value, kind);
}

/**
 * A codec for payloads with values that JSON has no form for: `undefined`, BigInt, -0, NaN, the infinities, `Date` (invalid
 * ones too), `Uint8Array`, `Map`, `Set`, whose keys and members may be any of these. All of them come back as they went, and
 * equal values have equal bytes; the properties of an object come back sorted by name. What comes back cannot be changed,
 * but for the items of a `Uint8Array`: copy them first.
 *
 * Other values are refused with their path (`payload-unencodable`, `context.path`): functions, symbols, promises, errors,
 * instances of other classes, `Buffer` (pass `new Uint8Array(buffer)`), cycles, more than `payloadDepthMax` levels, text with
 * half a surrogate pair. It generates no code, so it works under any content security policy.
 *
 * @example
 * ```ts
 * import { createGossipLog, writerIdFromBytes } from '@gossip-log/core';
 * import { structuredCodec } from '@gossip-log/core/structured';
 *
 * interface Meeting {
 *   readonly at: Date;
 *   readonly guests: ReadonlySet<string>;
 * }
 * const writer = writerIdFromBytes(new Uint8Array(16));
 * const log = createGossipLog({ id: 'meetings', writer, now: Date.now, codec: structuredCodec<Meeting>() });
 * log.append({ at: new Date(0), guests: new Set(['Ada']) });
 * log.snapshot().at(0)?.payload.guests.has('Ada'); // true
 * ```
 */
export function structuredCodec<T = Structured>(): PayloadCodec<T> {
  return codec as PayloadCodec<T>;
}

const codec: PayloadCodec<unknown> = {
  name,
  encode(value) {
    return new Encoder().encode(value);
  },
  decode(bytes) {
    const reader = new ByteReader(bytes);
    const value = read(reader, payloadDepthMax);
    if (reader.remaining > 0) throw invalid(`${reader.remaining} bytes too many`);
    return value;
  },
};

class Encoder {
  readonly #writer = new ByteWriter();
  readonly #place: Place = [];
  readonly #around = new Set<object>();

  encode(value: unknown): Uint8Array {
    this.#write(value);
    return this.#writer.finish();
  }

  #write(value: unknown): void {
    const writer = this.#writer;
    // A value that is referred to often is written as often: it must not grow beyond what an event may take.
    if (writer.length > eventBytesMax) {
      throw new GossipError('event-too-large', `a payload of more than ${eventBytesMax} bytes`, {
        context: { eventBytesMax },
      });
    }
    switch (typeof value) {
      case 'string':
        this.#text(value);
        break;
      case 'number':
        this.#number(value);
        break;
      case 'boolean':
        writer.u8(value ? 0xf5 : 0xf4);
        break;
      case 'undefined':
        writer.u8(0xf7);
        break;
      case 'bigint':
        this.#bigint(value);
        break;
      case 'object':
        if (value === null) writer.u8(0xf6);
        else this.#object(value);
        break;
      default:
        throw this.#refused(value);
    }
  }

  #object(value: object): void {
    const around = this.#around;
    if (around.has(value)) throw this.#refused(value, 'a value within itself');
    if (around.size === payloadDepthMax) throw this.#refused(value, `more than ${payloadDepthMax} levels`);
    around.add(value);
    if (Array.isArray(value)) this.#array(value);
    else if (isPlainObject(value)) this.#properties(value as Record<string, unknown>);
    else this.#instance(value);
    around.delete(value);
  }

  #array(value: readonly unknown[]): void {
    if (!isBuiltIn(Object.getPrototypeOf(value) as object, 'Array')) throw this.#refused(value);
    this.#head(4, value.length);
    for (let i = 0; i < value.length; i++) {
      if (value[i] === undefined && !(i in value)) throw this.#refused(undefined, 'a hole in an array', i);
      this.#at(i, value[i]);
    }
  }

  #properties(value: Readonly<Record<string, unknown>>): void {
    const keys = Object.keys(value).sort();
    this.#head(5, keys.length);
    for (const key of keys) {
      this.#text(key);
      this.#at(key, value[key]);
    }
  }

  #instance(value: object): void {
    if (isBytes(value)) {
      const bytes = value as Uint8Array;
      this.#head(2, bytes.length);
      this.#writer.bytes(bytes);
    } else if (isKept(value, 'Date')) {
      this.#date(value as Date);
    } else if (isKept(value, 'Set')) {
      const members = value as ReadonlySet<unknown>;
      this.#head(6, 258);
      this.#head(4, members.size);
      let i = 0;
      for (const member of members) this.#at(i++, member);
    } else if (isKept(value, 'Map')) {
      const entries = value as ReadonlyMap<unknown, unknown>;
      this.#head(6, 259);
      this.#head(5, entries.size);
      let i = 0;
      for (const [key, inner] of entries) {
        this.#at(i++, key);
        this.#at(typeof key === 'string' ? key : i - 1, inner);
      }
    } else {
      throw this.#refused(value);
    }
  }

  #at(step: string | number, value: unknown): void {
    this.#place.push(step);
    this.#write(value);
    this.#place.pop();
  }

  #date(value: Date): void {
    this.#head(6, 1);
    this.#number(value.getTime() / 1000);
  }

  #number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      if (value >= 0) this.#head(0, value);
      else this.#head(1, -1 - value);
      return;
    }
    this.#writer.u8(0xfb);
    float.setFloat64(0, Number.isNaN(value) ? Number.NaN : value);
    for (let i = 0; i < 8; i++) this.#writer.u8(float.getUint8(i));
  }

  #bigint(value: bigint): void {
    this.#head(6, value < 0n ? 3 : 2);
    const magnitude = value < 0n ? -1n - value : value;
    const hex = magnitude === 0n ? '' : magnitude.toString(16);
    const even = hex.length % 2 === 0 ? hex : `0${hex}`;
    this.#head(2, even.length / 2);
    for (let i = 0; i < even.length; i += 2) this.#writer.u8(Number.parseInt(even.slice(i, i + 2), 16));
  }

  #text(text: string): void {
    if (text.length <= shortText && isAscii(text)) {
      this.#head(3, text.length);
      for (let i = 0; i < text.length; i++) this.#writer.u8(text.charCodeAt(i));
      return;
    }
    if (loneSurrogate.test(text)) throw this.#refused(text, 'text with half a surrogate pair');
    const bytes = utf8Encoder.encode(text);
    this.#head(3, bytes.length);
    this.#writer.bytes(bytes);
  }

  /** A major type and its number, in as few bytes as will do. */
  #head(major: number, value: number): void {
    const writer = this.#writer;
    const type = major << 5;
    if (value < 24) {
      writer.u8(type | value);
      return;
    }
    const size = value < 0x100 ? 1 : value < 0x1_0000 ? 2 : value < 0x1_0000_0000 ? 4 : 8;
    writer.u8(type | (size === 1 ? 24 : size === 2 ? 25 : size === 4 ? 26 : 27));
    for (let i = size - 1; i >= 0; i--) writer.u8(Math.floor(value / 256 ** i) % 256);
  }

  #refused(value: unknown, what?: string, step?: number): GossipError {
    const place = step === undefined ? this.#place : [...this.#place, step];
    return unencodable(name, place.length > payloadDepthMax / 2 ? place.slice(0, 8) : place, value, what);
  }
}

/** A `Uint8Array` has another parent class between itself and `Object`. */
function isBytes(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object;
  return (
    ArrayBuffer.isView(value) &&
    Object.prototype.toString.call(value) === '[object Uint8Array]' &&
    Object.hasOwn(prototype, 'BYTES_PER_ELEMENT')
  );
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}

/** The number after a major type. Refuses other forms than the shortest, and numbers that are not exact. */
function readNumber(reader: ByteReader, first: number): number {
  const info = first & 31;
  if (info < 24) return info;
  if (info > 27) throw invalid('a length that is left open');
  const size = 2 ** (info - 24);
  let value = 0;
  for (let i = 0; i < size; i++) value = value * 256 + reader.u8();
  const least = size === 1 ? 24 : 256 ** (size / 2);
  if (value < least || value > Number.MAX_SAFE_INTEGER) throw invalid('a number in another form than the shortest');
  return value;
}

/** How many follow, each at least a byte long. */
function readCount(reader: ByteReader, first: number, bytesEach: number): number {
  const count = readNumber(reader, first);
  if (count * bytesEach > reader.remaining) throw invalid(`${count} values in ${reader.remaining} bytes`);
  return count;
}

function read(reader: ByteReader, levels: number): unknown {
  const first = reader.u8();
  switch (first >>> 5) {
    case 0:
      return readNumber(reader, first);
    case 1: {
      const value = -1 - readNumber(reader, first);
      if (!Number.isSafeInteger(value)) throw invalid('a whole number that is not exact');
      return value;
    }
    case 2:
      return reader.bytes(readNumber(reader, first)).slice();
    case 3:
      return readText(reader, first);
    case 4:
      return Object.freeze(readItems(reader, first, levels));
    case 5:
      return readProperties(reader, first, levels);
    case 6:
      return readTagged(reader, readNumber(reader, first), levels);
    default:
      return readSimple(reader, first);
  }
}

function below(levels: number): number {
  if (levels === 0) throw invalid(`more than ${payloadDepthMax} levels`);
  return levels - 1;
}

function readText(reader: ByteReader, first: number): string {
  const length = readNumber(reader, first);
  const at = reader.take(length);
  const { source } = reader;
  if (length <= shortText) {
    let text = '';
    let i = at;
    for (; i < at + length && (source[i] as number) < 128; i++) text += String.fromCharCode(source[i] as number);
    if (i === at + length) return text;
  }
  return decoder.decode(source.subarray(at, at + length));
}

function readItems(reader: ByteReader, first: number, levels: number): unknown[] {
  const inner = below(levels);
  const count = readCount(reader, first, 1);
  const items: unknown[] = [];
  for (let i = 0; i < count; i++) items.push(read(reader, inner));
  return items;
}

function readProperties(reader: ByteReader, first: number, levels: number): object {
  const inner = below(levels);
  const count = readCount(reader, first, 2);
  const properties: Record<string, unknown> = {};
  let before: string | undefined;
  for (let i = 0; i < count; i++) {
    const type = reader.u8();
    if (type >>> 5 !== 3) throw invalid('a property whose name is no text');
    const key = readText(reader, type);
    if (before !== undefined && key <= before) throw invalid('properties that are not sorted by name');
    before = key;
    const value = read(reader, inner);
    // An assignment would set the prototype.
    if (key === '__proto__') Object.defineProperty(properties, key, { value, enumerable: true });
    else properties[key] = value;
  }
  return Object.freeze(properties);
}

function readTagged(reader: ByteReader, tag: number, levels: number): unknown {
  const first = reader.u8();
  const major = first >>> 5;
  if (tag === 1 && (major < 2 || major === 7)) {
    reader.at--;
    return readDate(read(reader, levels));
  }
  if ((tag === 2 || tag === 3) && major === 2) return readBigInt(reader, first, tag === 3);
  if (tag === 258 && major === 4) {
    const items = readItems(reader, first, levels);
    const members = new Set(items);
    if (members.size < items.length || items.some(isNegativeZero)) throw invalid('a member of a set that stands twice');
    return freezeAs('Set', members);
  }
  if (tag === 259 && major === 5) {
    const inner = below(levels);
    const count = readCount(reader, first, 2);
    const entries = new Map<unknown, unknown>();
    for (let i = 0; i < count; i++) {
      const key = read(reader, inner);
      if (entries.has(key) || isNegativeZero(key)) throw invalid('a key of a map that stands twice');
      entries.set(key, read(reader, inner));
    }
    return freezeAs('Map', entries);
  }
  throw invalid(`tag ${tag} before major type ${major}`);
}

/** Sets and maps make 0 of it. */
function isNegativeZero(value: unknown): boolean {
  return Object.is(value, -0);
}

function readDate(seconds: unknown): Date {
  let ms = typeof seconds === 'number' ? Math.round(seconds * 1000) : Number.NaN;
  // In the years 141,000 to 144,000 a product that ends in one half may be of the millisecond below.
  if (ms / 1000 !== seconds) ms--;
  const date = new Date(ms);
  if (!Object.is(date.getTime() / 1000, seconds)) throw invalid('a date that is not in whole milliseconds');
  return freezeAs('Date', date);
}

function readBigInt(reader: ByteReader, first: number, isNegative: boolean): bigint {
  const bytes = reader.bytes(readNumber(reader, first));
  if (bytes[0] === 0) throw invalid('a BigInt is padded');
  const magnitude = BigInt(`0x0${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`);
  return isNegative ? -1n - magnitude : magnitude;
}

function readSimple(reader: ByteReader, first: number): unknown {
  switch (first) {
    case 0xf4:
      return false;
    case 0xf5:
      return true;
    case 0xf6:
      return null;
    case 0xf7:
      return undefined;
    case 0xfb: {
      for (let i = 0; i < 8; i++) float.setUint8(i, reader.u8());
      const value = float.getFloat64(0);
      const isOtherForm = Number.isNaN(value)
        ? float.getUint32(0) !== 0x7ff80000 || float.getUint32(4) !== 0
        : Number.isSafeInteger(value) && !Object.is(value, -0);
      if (isOtherForm) throw invalid('a number in another form than the shortest');
      return value;
    }
    default:
      throw invalid(`a simple value ${first & 31}`);
  }
}
