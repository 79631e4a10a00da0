/**
 * Branded ids: who wrote an event, and which one it is.
 *
 * A writer id is 16 bytes. As text it is base64url without padding, 22 characters. An event id is
 * `writer.seq`: 22 characters, a dot, a decimal number. Both are safe in URLs, in HTML ids and as keys.
 */
import { utf8Encoder } from './codec/utf8.js';
import { logIdBytesMax, writerIdBytes } from './limits.js';

declare const brand: unique symbol;

/** Text form of a writer's 16 bytes: base64url, 22 characters. */
export type WriterId = string & { readonly [brand]: 'WriterId' };

/** `writer.seq`: names one event, everywhere and for ever. */
export type EventId = string & { readonly [brand]: 'EventId' };

/** 1, 2, 3 … without gaps, per writer and log. A plain number, because it is counted with. */
export type SequenceNumber = number;

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const writerCharacters = 22;
const writerPattern = /^[A-Za-z0-9_-]{21}[AQgw]$/;

/**
 * The text form of 16 bytes, which the caller draws at random (`crypto.getRandomValues`).
 *
 * @throws RangeError when `bytes` is not 16 bytes long.
 * @example
 * ```ts
 * import { writerIdFromBytes } from '@gossip-log/core';
 *
 * const writer = writerIdFromBytes(crypto.getRandomValues(new Uint8Array(16)));
 * writer.length; // 22
 * ```
 */
export function writerIdFromBytes(bytes: Uint8Array): WriterId {
  if (bytes.length !== writerIdBytes) {
    throw new RangeError(`writer id: expected ${writerIdBytes} bytes, got ${bytes.length}`);
  }
  let text = '';
  for (let i = 0; i < writerIdBytes; i += 3) {
    const a = bytes[i] as number;
    const b = bytes[i + 1] ?? 0;
    const c = bytes[i + 2] ?? 0;
    text += alphabet.charAt(a >> 2) + alphabet.charAt(((a & 3) << 4) | (b >> 4));
    if (i + 1 < writerIdBytes) {
      text += alphabet.charAt(((b & 15) << 2) | (c >> 6)) + alphabet.charAt(c & 63);
    }
  }
  return text as WriterId;
}

/** The 16 bytes of a writer id, newly allocated. */
export function writerIdToBytes(writer: WriterId): Uint8Array {
  const bytes = new Uint8Array(writerIdBytes);
  writeWriterId(writer, bytes);
  return bytes;
}

/** By ASCII code, the six bits of a character; those that are no base64url count as 0. */
const sixBits = Uint8Array.from({ length: 128 }, (_, code) => Math.max(0, alphabet.indexOf(String.fromCharCode(code))));

/** Writes the 16 bytes of a writer id into `out`. False: it has not the length of one. @internal */
export function writeWriterId(writer: WriterId, out: Uint8Array): boolean {
  if (writer.length !== writerCharacters) return false;
  let bits = 0;
  let held = 0;
  let at = 0;
  for (let i = 0; i < writerCharacters; i++) {
    bits = (bits << 6) | (sixBits[writer.charCodeAt(i) & 127] as number);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out[at++] = (bits >> held) & 255;
  }
  return true;
}

/**
 * Checks that `text` is a writer id and says so to the compiler.
 *
 * @throws TypeError when it is not.
 */
export function parseWriterId(text: string): WriterId {
  if (typeof text !== 'string' || !writerPattern.test(text)) {
    throw new TypeError(`writer id: expected 22 base64url characters, got ${JSON.stringify(text)}`);
  }
  return text as WriterId;
}

/** `writer.seq` */
export function eventId(writer: WriterId, seq: SequenceNumber): EventId {
  return `${writer}.${seq}` as EventId;
}

/**
 * The two parts of an event id.
 *
 * @throws TypeError when `id` is not one.
 */
export function parseEventId(id: string): { writer: WriterId; seq: SequenceNumber } {
  if (typeof id !== 'string') throw new TypeError(`event id: expected "writer.seq", got ${typeof id}`);
  const dot = id.indexOf('.');
  const seq = Number(id.slice(dot + 1));
  if (dot < 0 || !/^[1-9][0-9]{0,9}$/.test(id.slice(dot + 1)) || seq > 0xffffffff) {
    throw new TypeError(`event id: expected "writer.seq", got ${JSON.stringify(id)}`);
  }
  return { writer: parseWriterId(id.slice(0, dot)), seq };
}

/**
 * Checks the name of a log and gives it back: any text of 1 to `logIdBytesMax` bytes of UTF-8.
 *
 * @throws TypeError when it is no text, RangeError when it is empty, too long, or not well-formed Unicode.
 */
export function parseLogId(id: string): string {
  if (typeof id !== 'string') throw new TypeError(`log id: expected text, got ${typeof id}`);
  const { length } = utf8Encoder.encode(id);
  if (length === 0 || length > logIdBytesMax) {
    throw new RangeError(`log id: expected 1 to ${logIdBytesMax} bytes of UTF-8, got ${length}`);
  }
  // A lone surrogate would come back from storage and wire as another name.
  if (/\p{Surrogate}/u.test(id)) throw new RangeError('log id: a surrogate stands alone');
  return id;
}
