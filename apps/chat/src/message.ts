/**
 * What the chat writes into the log, and how it reads what others wrote.
 *
 * Payloads come from strangers: everything is checked here, once, and nothing outside this file touches a raw one.
 */
import { type Colour, parseColour } from './colour.js';

/** Who wrote a message. `id` tells one person's devices and tabs from a namesake; it proves nothing. */
export interface Author {
  readonly id?: string;
  readonly name: string;
  readonly color: Colour;
}

/** The payload of one event. */
export interface Message {
  readonly text: string;
  readonly author: Author;
}

/** Longest text the composer sends. In JSON it stays below the log's limit for one event, whatever it holds. */
export const textCharsMax = 16_000;
/** Longest nickname. */
export const nameCharsMax = 40;
const idCharsMax = 64;

/** Memory for `readMessage`: payloads are frozen and keep their identity, so each is checked once. */
const known = new WeakMap<object, Message | undefined>();

/** The message in a payload, or `undefined` when it is not one of ours. */
export function readMessage(payload: unknown): Message | undefined {
  if (!isRecord(payload)) return undefined;
  if (!known.has(payload)) known.set(payload, checkedMessage(payload));
  return known.get(payload);
}

function checkedMessage(payload: Record<string, unknown>): Message | undefined {
  const { text, author } = payload;
  if (typeof text !== 'string' || text === '' || !isRecord(author)) return undefined;
  const name = typeof author['name'] === 'string' ? cleanName(author['name']) : '';
  const color = parseColour(author['color']);
  if (name === '' || color === undefined) return undefined;
  const id = author['id'];
  const hasId = typeof id === 'string' && id !== '' && id.length <= idCharsMax;
  return { text, author: { name, color, ...(hasId ? { id } : {}) } };
}

/** A nickname on one line, without invisible characters, at most `nameCharsMax` long. May be empty. */
export function cleanName(name: string): string {
  const visible = name
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Cs}\p{Bidi_Control}]/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  const short = [...visible].slice(0, nameCharsMax).join('').trim();
  return /[\p{L}\p{N}\p{P}\p{S}]/u.test(short) ? short : '';
}

/** One or two letters that stand for a name, for its picture. */
export function initials(name: string): string {
  const words = name.split(' ').filter((word) => word !== '');
  const first = firstGlyph(words[0] ?? '?');
  const last = words.length > 1 ? firstGlyph(words.at(-1) ?? '') : '';
  // Two emoji or two wide glyphs would not fit.
  return /^[\p{L}\p{N}]$/u.test(first) && /^[\p{L}\p{N}]$/u.test(last)
    ? (first + last).toLocaleUpperCase()
    : first.toLocaleUpperCase();
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

function firstGlyph(word: string): string {
  for (const { segment } of graphemes.segment(word)) return segment;
  return '';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
