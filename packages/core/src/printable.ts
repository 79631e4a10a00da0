/**
 * A peer's text for people to read, in a log or on a terminal: what could break a line, move the cursor, or hide or reorder
 * text stands as its number. Letters of all scripts and most emoji stay.
 *
 * @example
 * ```ts
 * import { printable } from '@gossip-log/core/sync';
 *
 * printable('all is well\n\u001b[2Jrelay: stopped'); // 'all is well\\u{a}\\u{1b}[2Jrelay: stopped'
 * ```
 */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** Control characters, invisible formatting, line and paragraph separators, halves of surrogate pairs. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
