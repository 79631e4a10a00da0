/**
 * From events to rows of the screen: which part of a long room is shown, where a day begins, and which messages form
 * a group (one author, one minute).
 */
import type { LogEvent } from '@gossip-log/core';
import { type Message, readMessage } from './message.js';
import { dayNumber, minuteNumber } from './time-label.js';

/** One message as it is shown. The flags are plain values, so that an unchanged row is not rendered again. */
export interface MessageRow {
  readonly event: LogEvent;
  /** `undefined`: somebody wrote what this chat cannot read. */
  readonly message: Message | undefined;
  readonly own: boolean;
  /** First message of a day among those shown. */
  readonly startsDay: boolean;
  /** First and last of a group: names go with the first, time and picture with the last. */
  readonly startsGroup: boolean;
  readonly endsGroup: boolean;
}

/** Rows for a run of events. `profileId` says which messages are the reader's own. */
export function messageRows(events: readonly LogEvent[], profileId: string): MessageRow[] {
  const starts = events.map((event, i) => !belongsTogether(events[i - 1], event));
  return events.map((event, i) => {
    const before = events[i - 1];
    const message = readMessage(event.payload);
    return {
      event,
      message,
      own: message?.author.id === profileId,
      startsDay: before === undefined || dayNumber(before.timestamp) !== dayNumber(event.timestamp),
      startsGroup: starts[i] as boolean,
      endsGroup: starts[i + 1] ?? true,
    };
  });
}

function belongsTogether(before: LogEvent | undefined, event: LogEvent): boolean {
  if (before === undefined || minuteNumber(before.timestamp) !== minuteNumber(event.timestamp)) return false;
  const a = readMessage(before.payload)?.author;
  const b = readMessage(event.payload)?.author;
  if (a === undefined || b === undefined) return a === b && before.replica === event.replica;
  return a.id === b.id && a.name === b.name && a.color === b.color;
}

/** Rows in the document at once: several screens, few enough that a change costs little. */
export const windowRows = 200;

/**
 * The part `[from, to)` of `length` events to show: the newest, or those around the one at `focus`. Always
 * `windowRows` events, where there are so many.
 */
export function windowAround(length: number, focus: number | undefined): { from: number; to: number } {
  const to = focus === undefined ? length : Math.min(length, Math.max(focus + windowRows / 2, windowRows));
  return { from: Math.max(0, to - windowRows), to };
}
