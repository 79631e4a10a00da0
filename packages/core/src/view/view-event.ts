/** An event as a view shows it, where that differs from what is stored (V6: what failed shows without payload). */
import type { GossipError } from '../errors.js';
import type { LogEvent, RedactedBy } from '../event.js';
import type { EventId, SequenceNumber, WriterId } from '../ids.js';
import { checkEvent } from './check-arguments.js';
import { property } from './property.js';

/** What a view shows otherwise. @internal */
export interface Shown {
  readonly id?: EventId;
  readonly writer?: WriterId;
  readonly payload?: unknown;
  readonly error?: GossipError | undefined;
  readonly redacted?: RedactedBy | undefined;
  readonly tags?: readonly string[];
}

/** @internal */
export class ViewEvent implements LogEvent {
  readonly id: EventId;
  readonly writer: WriterId;
  readonly seq: SequenceNumber;
  readonly timestamp: number;
  readonly clock: number;
  readonly payload: unknown;
  readonly error: GossipError | undefined;
  readonly redacted: RedactedBy | undefined;
  readonly tags: readonly string[] | undefined;
  readonly #stored: LogEvent;

  constructor(source: LogEvent, shown: Shown) {
    this.id = shown.id ?? source.id;
    this.writer = shown.writer ?? source.writer;
    this.seq = source.seq;
    this.timestamp = source.timestamp;
    this.clock = source.clock;
    this.payload = 'payload' in shown ? shown.payload : source.payload;
    this.error = 'error' in shown ? shown.error : source.error;
    this.redacted = 'redacted' in shown ? shown.redacted : source.redacted;
    this.tags = shown.tags === undefined ? givenTags(source) : Object.freeze([...shown.tags]);
    this.#stored = storedEvent(source);
    Object.freeze(this);
  }

  static stored(event: LogEvent): LogEvent {
    return event instanceof ViewEvent ? event.#stored : event;
  }
}

/** The event of the log behind one that a view shows. @internal */
export function storedEvent(event: LogEvent): LogEvent {
  return ViewEvent.stored(event);
}

/**
 * The tags of an event: those that `tag` and `untag` gave it, else its payload's `tags`, where that is an array.
 *
 * @throws TypeError when it is no event.
 * @example
 * ```ts
 * import { createGossipLog, writerIdFromBytes } from '@gossip-log/core';
 * import { tagsOf } from '@gossip-log/core/view';
 *
 * const writer = writerIdFromBytes(new Uint8Array(16));
 * const log = createGossipLog<{ tags: string[] }>({ id: 'notes', writer, now: Date.now });
 * tagsOf(log.append({ tags: ['todo'] })); // ['todo']
 * ```
 */
export function tagsOf(event: LogEvent): readonly string[] {
  checkEvent('tagsOf', event);
  const given = givenTags(event);
  if (given !== undefined) return given;
  const tags = property(event.payload, 'tags');
  return Array.isArray(tags) ? tags : [];
}

/** The tags that `tag` or `untag` gave an event. @internal */
export function givenTags(event: LogEvent): readonly string[] | undefined {
  return event instanceof ViewEvent ? event.tags : undefined;
}
