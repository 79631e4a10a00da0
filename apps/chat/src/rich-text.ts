/** What is inside a message's text: links, emoji, and where a very long one is cut. Never HTML. */

export type TextPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'link'; readonly text: string; readonly href: string };

const address = /\bhttps?:\/\/[^\s<>"'`\p{Bidi_Control}]+/giu;

/** Splits a text into plain parts and links. The parts' texts, joined, are the text. Only http and https are links. */
export function textParts(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let from = 0;
  for (const match of text.matchAll(address)) {
    const shown = withoutTrailingPunctuation(match[0]);
    if (!URL.canParse(shown)) continue;
    if (match.index > from) parts.push({ kind: 'text', text: text.slice(from, match.index) });
    parts.push({ kind: 'link', text: shown, href: new URL(shown).href });
    from = match.index + shown.length;
  }
  if (from < text.length) parts.push({ kind: 'text', text: text.slice(from) });
  return parts;
}

/** A sentence may end right after a link, and a link may stand in brackets; a bracket opened inside belongs to it. */
function withoutTrailingPunctuation(url: string): string {
  let end = url.length;
  for (;;) {
    const last = url.charAt(end - 1);
    const unopened = last === ')' && !url.slice(0, end - 1).includes('(');
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
  // Not between the halves of a surrogate pair.
  if (end < text.length && /[\uD800-\uDBFF]/.test(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}
