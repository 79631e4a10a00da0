/**
 * Chat messages for tests and benchmarks, the same for the same seed on every machine.
 *
 * Lengths follow what people write: most messages are a line of about fifty characters, some a word, some a
 * paragraph, a few up to 8 KB. The text holds what breaks careless code: emoji with joiners and skin tones,
 * flags, right-to-left scripts, CJK, combining marks, newlines, quotes and markup.
 */

/** One chat message. */
export interface GeneratedMessage {
  readonly user: string;
  /** 1 B to 8 KB of UTF-8. */
  readonly text: string;
  /** Milliseconds since 1970; rises from message to message. */
  readonly at: number;
}

/** No text is longer, in UTF-8. */
export const messageTextBytesMax = 8 * 1024;

const users = ['ada', 'Björn', 'Chidi', 'דנה', 'إيمان', '藤原', 'Nguyễn', 'Zoë 🦊', "O'Hara", 'ana_maria'];

/** Words by script; a message stays in one of them mostly, as people do. */
const scripts = [
  'the a we it is not and then so maybe meeting tomorrow deploy branch review coffee lunch bug fixed <b>bold</b> "quoted" it\'s https://example.org/?q=1&r=2',
  'o que não está já amanhã reunião café über Straße naïve Åse žluťoučký kůň İstanbul ıssız',
  'مرحبا كيف الحال اليوم الاجتماع غدا شكرا جزيلا ١٢٣ قهوة',
  'שלום מה שלומך היום פגישה מחר תודה רבה קפה שבת',
  '今日は 会議 明日 ありがとう コーヒー 你好 谢谢 没问题 漢字 회의 내일 감사합니다',
  // Combining marks: decomposed Latin, stacked marks, Devanagari, Thai.
  'cafe\u0301 n\u0303 a\u0308\u0323 Z\u0351\u036b\u0343 नमस्ते धन्यवाद क्षि สวัสดี ขอบคุณ',
].map((words) => words.split(' '));

const emoji = ['👍', '😂', '❤️', '🎉', '👍🏽', '👩‍👩‍👧‍👦', '🧑🏿‍🚀', '🏳️‍🌈', '🏴󠁧󠁢󠁳󠁣󠁴󠁿', '🇳🇿', '🇧🇷🇯🇵', '1️⃣', '🫱🏻‍🫲🏾'];

/** Smallest texts, one byte and up. */
const shortTexts = ['k', '?', '1', ' ', 'ok', 'é', '好', '👍', '🏳️‍🌈', '\u202e!', '\n'];

/**
 * `count` messages. The first `n` of a longer list are the list of `n`.
 *
 * @example
 * ```ts
 * const messages = generateMessages(2_000, 1);
 * messages.length; // 2000
 * ```
 */
export function generateMessages(count: number, seed: number): GeneratedMessage[] {
  const random = mulberry32(seed);
  const messages: GeneratedMessage[] = [];
  let at = 1_700_000_000_000;
  for (let i = 0; i < count; i++) {
    at += Math.floor(random() * 3_000);
    messages.push({ user: pick(users, random), text: text(random), at });
  }
  return messages;
}

/** A number in [0, 1) at each call. Source: Tommy Ettinger's mulberry32. */
export function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function pick<V>(from: readonly V[], random: () => number): V {
  return from[Math.floor(random() * from.length)] as V;
}

function text(random: () => number): string {
  const kind = random();
  if (kind < 0.08) return pick(shortTexts, random);
  if (kind < 0.92) return sentence(15 + Math.floor((random() + random()) * 35), random);
  if (kind < 0.99) return sentence(150 + Math.floor(random() * 1_000), random);
  return sentence(messageTextBytesMax, random);
}

/** Words up to about `bytes` of UTF-8, never over it by more than one word and never over the bound. */
function sentence(bytes: number, random: () => number): string {
  const script = pick(scripts, random);
  let line = pick(script, random);
  let used = utf8Bytes(line);
  while (used < bytes) {
    const kind = random();
    const words = kind < 0.06 ? emoji : kind < 0.1 ? pick(scripts, random) : script;
    const next = (kind > 0.97 ? '\n' : ' ') + pick(words, random);
    used += utf8Bytes(next);
    if (used > messageTextBytesMax) break;
    line += next;
  }
  return line;
}

const encoder = new TextEncoder();

function utf8Bytes(value: string): number {
  return encoder.encode(value).length;
}
