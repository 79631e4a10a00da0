/** What is inside a message's text: links, emoji, and where a very long one is cut. Never HTML. */
import { wholeCharacters } from './characters.js';

export type TextPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'link'; readonly text: string; readonly href: string };

const address = /\b(?:https?:\/\/|www\.)[^\s<>"'`\p{Bidi_Control}]+/giu;
/** Addresses of one text that become links. Thousands of them would keep a browser busy for a minute. */
export const linksMax = 100;

/**
 * Splits a text into plain parts and links. The parts' texts, joined, are the text. Only http and https are links, and
 * `www.` addresses, which lead to https.
 */
export function textParts(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let from = 0;
  let tried = 0;
  for (const match of text.matchAll(address)) {
    if (++tried > linksMax) break;
    const shown = withoutTrailingPunctuation(match[0]);
    const href = hrefOf(shown);
    if (href === undefined) continue;
    if (match.index > from) parts.push({ kind: 'text', text: text.slice(from, match.index) });
    parts.push({ kind: 'link', text: shown, href });
    from = match.index + shown.length;
  }
  if (from < text.length) parts.push({ kind: 'text', text: text.slice(from) });
  return parts;
}

function hrefOf(shown: string): string | undefined {
  const isBare = /^www\./i.test(shown);
  // A bare name of two parts or more behind `www.`: not the end of a sentence about www.
  if (isBare && !/^www\.[^./?#]+\.[^./?#]/i.test(shown)) return undefined;
  const url = isBare ? `https://${shown}` : shown;
  try {
    // `URL.canParse` is missing in Safari before 17 and Chrome before 120.
    return new URL(url).href;
  } catch {
    return undefined;
  }
}

/** A sentence may end right after a link, and a link may stand in brackets; a bracket opened inside belongs to it. */
function withoutTrailingPunctuation(url: string): string {
  const firstOpened = url.indexOf('(');
  let end = url.length;
  for (;;) {
    const last = url.charAt(end - 1);
    const unopened = last === ')' && (firstOpened < 0 || firstOpened >= end - 1);
    if (!/[.,:;!?*_~\]}…]/.test(last) && !unopened) return url.slice(0, end);
    end--;
  }
}

const emojiOnly =
  /^(?:(?:\p{Regional_Indicator}{2}|[0-9#*]\uFE0F\u20E3|\p{Extended_Pictographic}(?:\uFE0F|\p{Emoji_Modifier}|\u200D\p{Extended_Pictographic}\uFE0F?)*)\s?){1,3}$/u;

/** Is the text nothing but one to three emoji? Those are shown large. */
export function isEmojiOnly(text: string): boolean {
  return text.length <= 48 && emojiOnly.test(text);
}

/** A text above these is folded until somebody asks for the rest. */
export const foldedCharsMax = 1200;
export const foldedLinesMax = 16;

/** The beginning that a folded message shows; the text itself when it is short enough. */
export function folded(text: string): string {
  let end = text.length;
  if (end > foldedCharsMax * 1.25) end = foldedCharsMax;
  let line = -1;
  for (let lines = 0; lines < foldedLinesMax; lines++) {
    line = text.indexOf('\n', line + 1);
    if (line < 0 || line >= end) break;
  }
  if (line > 0 && line < end) end = line;
  return text.slice(0, wholeCharacters(text, end));
}
