/** Characters as strangers write them: half ones, towers of marks, and such as are not seen. */

/** Most combining marks on one letter. Tibetan and pointed Hebrew need fewer; dozens paint over what stands around. */
export const marksMax = 8;

const tooManyMarks = new RegExp(`(\\p{M}{${marksMax}})\\p{M}+`, 'gu');

/** The text in which no letter carries more marks than a script needs. */
export function withoutTowers(text: string): string {
  return text.replace(tooManyMarks, '$1');
}

/** `end`, or one less where it lies between the halves of a surrogate pair. */
export function wholeCharacters(text: string, end: number): number {
  return end < text.length && /^[\uD800-\uDBFF][\uDC00-\uDFFF]$/.test(text.slice(end - 1, end + 1)) ? end - 1 : end;
}

/** The text with a replacement character for every half of a surrogate pair that stands alone. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}

/** Controls and blanks: they become a space. */
const blanks = /(?:(?!\ufeff)[\p{Cc}\p{Cs}\p{Bidi_Control}\u2800\s])+/gu;
/** What is not seen and takes no room: zero-width spaces, joiners, selectors, tags, fillers. */
const zeroWidth = /[\p{Default_Ignorable_Code_Point}\p{Cf}]/gu;
/** Where a joiner or a selector changes what is seen: within emoji, and at letters that change their shape for it. */
const seenJoiners = [
  /(?<=\p{Extended_Pictographic}\ufe0f?\p{Emoji_Modifier}?)\u200d(?=\p{Extended_Pictographic})/gu,
  /(?<=(?!\p{Emoji_Presentation})\p{Extended_Pictographic})\ufe0f|(?<=[0-9#*])\ufe0f(?=\u20e3)/gu,
  // Behind a virama of Indian scripts; between Arabic letters that would otherwise be joined.
  /(?<=[\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca])[\u200c\u200d]/gu,
  /(?<=[\u0626\u0628\u062a-\u062e\u0633-\u063a\u0641-\u0647\u0649\u064a\u067e\u0686\u06a9\u06af\u06be\u06cc])\u200c(?=\p{Script=Arabic})/gu,
];

/**
 * A name on one line, without characters that are not seen: two names that differ in such characters alone are the same
 * afterwards.
 */
export function seenCharacters(text: string): string {
  const line = text.replace(blanks, ' ');
  const kept = new Set(seenJoiners.flatMap((joiner) => [...line.matchAll(joiner)].map(({ index }) => index)));
  const visible = line
    .replace(zeroWidth, (character, index: number) => (kept.has(index) ? character : ''))
    .replace(/ +/g, ' ')
    .normalize('NFC');
  return withoutTowers(visible).trim();
}
