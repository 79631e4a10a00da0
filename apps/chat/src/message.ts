/**
 * What the chat writes into the log, and how it reads what others wrote.
 *
 * Payloads come from strangers: everything is checked here, once, and nothing outside this file touches a raw one.
 */
import { seenCharacters, wellFormed, wholeCharacters, withoutTowers } from './characters.js';
import { type Colour, parseColour } from './colour.js';

/** Who wrote a message. `id` tells one person's devices and tabs from a namesake; it proves nothing. */
export interface Author {
  readonly id?: string;
  readonly name: string;
  readonly color: Colour;
}

/** The payload of one event. Newer versions may write other kinds of events: those have a `kind`. */
export interface Message {
  readonly text: string;
  readonly author: Author;
}

/** A message as it is shown. */
export interface ReadMessage extends Message {
  /** The text went on: the rest is longer than anybody is shown. */
  readonly isCut: boolean;
}

/**
 * Longest text the composer sends, and longest that is shown of a stranger's. In JSON it stays below the log's limit for
 * one event, whatever it holds.
 */
export const textCharsMax = 16_000;
/** Most lines of one message: 16,000 empty ones would be a page of nothing. */
export const textLinesMax = 1_000;
/** Longest nickname. */
export const nameCharsMax = 40;
const idCharsMax = 64;

/** Memory for `readMessage`: payloads are frozen and keep their identity, so each is checked once. */
const known = new WeakMap<object, ReadMessage | undefined>();

/** The message in a payload, or `undefined` when it is not one that this version of the chat can show. */
export function readMessage(payload: unknown): ReadMessage | undefined {
  if (!isRecord(payload)) return undefined;
  if (!known.has(payload)) known.set(payload, checkedMessage(payload));
  return known.get(payload);
}

function checkedMessage(payload: Record<string, unknown>): ReadMessage | undefined {
  const { kind, text, author } = payload;
  if (kind !== undefined || typeof text !== 'string' || !isRecord(author)) return undefined;
  const name = typeof author['name'] === 'string' ? cleanName(author['name']) : '';
  const color = parseColour(author['color']);
  const shown = cleanText(text);
  if (name === '' || color === undefined || shown.text === '') return undefined;
  const id = author['id'];
  const hasId = typeof id === 'string' && id !== '' && id.length <= idCharsMax;
  return { ...shown, author: { name, color, ...(hasId ? { id } : {}) } };
}

/** What is shown of a text: a bounded beginning, in which no letter carries more marks than a script needs. */
function cleanText(text: string): { readonly text: string; readonly isCut: boolean } {
  let end = Math.min(text.length, textCharsMax);
  for (let line = -1, lines = 0; lines < textLinesMax; lines++) {
    line = text.indexOf('\n', line + 1);
    if (line < 0 || line >= end) break;
    if (lines === textLinesMax - 1) end = line;
  }
  return {
    text: withoutTowers(wellFormed(text.slice(0, wholeCharacters(text, end)))),
    isCut: end < text.length,
  };
}

/** Characters of a name that are looked at: a longer one is cut first. */
const rawNameCharsMax = 1_000;

/**
 * A name on one line, at most `nameCharsMax` long, without characters that are not seen: two names that differ in such
 * characters alone are the same afterwards. May be empty.
 */
export function cleanName(name: string): string {
  const visible = seenCharacters(name.slice(0, rawNameCharsMax));
  // Cutting may leave a joiner at the end, where it shows.
  const short = seenCharacters([...visible].slice(0, nameCharsMax).join(''));
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
