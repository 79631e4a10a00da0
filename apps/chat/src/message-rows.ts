/**
 * From messages to rows of the screen: which part of a long room is shown, where a day begins, which messages form a
 * group (one author, one minute), and who has the name of somebody else.
 */
import type { LogEvent, WriterId } from '@gossip-log/core';
import { type Author, type ReadMessage, readMessage } from './message.js';
import { dayNumber, minuteNumber } from './time-label.js';

/** One message as it is shown. The flags are plain values, so that an unchanged row is not rendered again. */
export interface MessageRow {
  readonly event: LogEvent;
  /** `undefined` when it was deleted. */
  readonly message: ReadMessage | undefined;
  /** `undefined` for a deleted one of which nothing tells who wrote it. */
  readonly author: Author | undefined;
  readonly own: boolean;
  /** Others among those shown have the same name: a few characters that tell them apart. Else empty. */
  readonly tag: string;
  /** First message of a day among those shown. */
  readonly startsDay: boolean;
  /** First and last of a group: names go with the first, time and picture with the last. */
  readonly startsGroup: boolean;
  readonly endsGroup: boolean;
}

/**
 * Can this version of the chat show that event? Others are of newer versions, or no messages. A redacted one shows that there
 * was a message.
 */
export function isMessage(payload: unknown, { redacted }: Pick<LogEvent, 'redacted'>): boolean {
  return redacted !== undefined || readMessage(payload) !== undefined;
}

/**
 * Authors by writer id, learned from the messages that this page has read: a deleted message does not name its author. After a
 * reload other messages of the same run name the author, if the page shows any.
 */
const authors = new Map<WriterId, Author>();
/** Writers that are remembered; above it the one that was learned first is forgotten. */
const authorsMax = 2_000;

function remember(writer: WriterId, author: Author): void {
  if (authors.get(writer) === author) return;
  authors.delete(writer);
  authors.set(writer, author);
  for (const first of authors.keys()) {
    if (authors.size <= authorsMax) break;
    authors.delete(first);
  }
}

/** People delete their own messages alone, maybe in a later run of the page than the one that wrote it. */
function authorOf({ writer, redacted }: LogEvent): Author | undefined {
  return authors.get(writer) ?? (redacted && authors.get(redacted.writer));
}

/** Rows for a run of messages. `profileId` says which are the reader's own. */
export function messageRows(events: readonly LogEvent[], profileId: string): MessageRow[] {
  for (const { writer, payload } of events) {
    const author = readMessage(payload)?.author;
    if (author !== undefined) remember(writer, author);
  }
  const shown = events.flatMap((event): Shown[] => {
    if (event.redacted !== undefined) return [{ event, message: undefined, author: authorOf(event) }];
    const message = readMessage(event.payload);
    return message === undefined ? [] : [{ event, message, author: message.author }];
  });
  const shared = sharedNames(shown.flatMap(({ author }) => author ?? []));
  const starts = shown.map((each, i) => !belongsTogether(shown[i - 1], each));
  return shown.map(({ event, message, author }, i) => {
    const before = shown[i - 1];
    return {
      event,
      message,
      author,
      own: author?.id === profileId,
      tag: author !== undefined && shared.has(author.name) ? nameTag(author.id) : '',
      startsDay: before === undefined || dayNumber(before.event.timestamp) !== dayNumber(event.timestamp),
      startsGroup: starts[i] as boolean,
      endsGroup: starts[i + 1] ?? true,
    };
  });
}

type Shown = Pick<MessageRow, 'event' | 'message' | 'author'>;

function belongsTogether(before: Shown | undefined, { event, author }: Shown): boolean {
  if (before === undefined || minuteNumber(before.event.timestamp) !== minuteNumber(event.timestamp)) return false;
  const { author: other } = before;
  return author?.id === other?.id && author?.name === other?.name && author?.color === other?.color;
}

/** Names that more than one of these people have. */
function sharedNames(authors: readonly Author[]): ReadonlySet<string> {
  const holders = new Map<string, string | undefined>();
  const shared = new Set<string>();
  for (const { id, name } of authors) {
    if (holders.has(name) && holders.get(name) !== id) shared.add(name);
    holders.set(name, id);
  }
  return shared;
}

/** Four characters that differ between two people, as a rule. They prove nothing: whoever writes chooses the id. */
function nameTag(id: string | undefined): string {
  let hash = 0;
  for (const character of id ?? '') hash = Math.imul(hash, 31) + (character.codePointAt(0) ?? 0);
  return `#${(hash >>> 0).toString(36).padStart(4, '0').slice(-4)}`;
}

/** Rows in the document at once: several screens, few enough that a change costs little. */
export const windowRows = 200;

/**
 * The part `[from, to)` of `length` messages to show: the newest, or those around the one at `focus`. Always
 * `windowRows` messages, where there are so many.
 */
export function windowAround(length: number, focus: number | undefined): { from: number; to: number } {
  const to = focus === undefined ? length : Math.min(length, Math.max(focus + windowRows / 2, windowRows));
  return { from: Math.max(0, to - windowRows), to };
}

/** Who wrote last, for the head of a room: `You, Ada, Bo and others`. Empty without messages. */
export function peopleLabel(newest: readonly LogEvent[], profileId: string): string {
  const names = new Map<string, string>();
  for (const event of newest.toReversed()) {
    const author = readMessage(event.payload)?.author;
    if (author === undefined) continue;
    names.set(author.id ?? author.name, names.get(author.id ?? author.name) ?? author.name);
    if (names.size > namedMax) break;
  }
  const shown = [...names].map(([id, name]) => (id === profileId ? 'You' : name));
  return shown.length > namedMax ? `${shown.slice(0, namedMax).join(', ')} and others` : shown.join(', ');
}

/** People whom the head of a room names. */
const namedMax = 3;
