/** What everybody works on: chat events from a seed, and who writes them. */
import { mulberry32 } from '../../packages/core/test/message-generator.js';

/** One chat message: about fifty characters, and about a hundred bytes as JSON. */
export interface ChatEvent {
  readonly user: string;
  readonly text: string;
  /** Milliseconds since 1970; rises from event to event, by 1.5 s on average. */
  readonly at: number;
}

/** Some events that one writer writes at a stretch. */
export interface Stint {
  readonly writer: number;
  readonly events: readonly ChatEvent[];
}

const seed = 20;
const users = ['ada', 'Björn', 'Chidi', 'דנה', 'Nguyễn', "O'Hara", 'ana_maria', 'zoe', 'k8', 'Ingrid'];
const words =
  'the a we it is not and then so maybe meeting tomorrow deploy branch review coffee lunch bug fixed "quoted" café über 👍 🎉 שלום ありがとう'.split(
    ' ',
  );

/** The first `count` events, always the same. Texts of 41 to 64 characters, 51 on average; of words, nearly one in four not ASCII. */
export function chatEvents(count: number): ChatEvent[] {
  const random = mulberry32(seed);
  const pick = (from: readonly string[]) => from[Math.floor(random() * from.length)] as string;
  let at = 1_700_000_000_000;
  return Array.from({ length: count }, () => {
    at += 1 + Math.floor(random() * 3_000);
    const length = 40 + random() * 16;
    let text = pick(words);
    while (text.length < length) text += ` ${pick(words)}`;
    return { user: pick(users), text, at };
  });
}

/** Passes the events of a user, or those whose text has a word. */
export type EventFilter = { readonly user: string } | { readonly word: string };

/** Twenty filters: one for each user, and as many that search texts. */
export function eventFilters(): EventFilter[] {
  const searched = words.filter((word) => /^[a-z]{3,}$/.test(word));
  return users.flatMap((user, i) => [{ user }, { word: searched[i] as string }]);
}

export function predicateOf(filter: EventFilter): (event: ChatEvent) => boolean {
  if ('user' in filter) {
    const { user } = filter;
    return (event) => event.user === user;
  }
  const { word } = filter;
  return (event) => event.text.includes(word);
}

/** Bytes of all payloads as JSON. */
export function payloadBytes(events: readonly ChatEvent[]): number {
  return events.reduce((sum, event) => sum + Buffer.byteLength(JSON.stringify(event)), 0);
}

/** The same events in the same order? */
export function sameEvents(shown: readonly ChatEvent[], expected: readonly ChatEvent[]): boolean {
  return (
    shown.length === expected.length &&
    shown.every((event, i) => {
      const other = expected[i] as ChatEvent;
      return event.text === other.text && event.user === other.user && event.at === other.at;
    })
  );
}

/** In random order (Fisher and Yates), as a new array. */
export function shuffled<V>(values: readonly V[]): V[] {
  const random = mulberry32(seed);
  const result = [...values];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j] as V, result[i] as V];
  }
  return result;
}
