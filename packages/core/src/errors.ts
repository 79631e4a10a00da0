/**
 * Trouble that is to be expected, with stable codes. Messages may improve; codes stay.
 *
 * A caller's mistake is a `TypeError` or `RangeError`. Expected trouble (bad bytes, a full disk, a closed
 * log) is a `GossipError`. An impossible state is a broken `invariant`.
 */

/** Every code, with what the reader can do about it. */
export const errorCodes = {
  'block-invalid': 'The block breaks the format. Refuse it; the sender has a bug or is hostile.',
  'bytes-truncated': 'The bytes end before they should. Fetch them again.',
  checksum: 'The bytes were changed on their way or on the disk. Fetch them again.',
  clock: "An event's time does not rise above its predecessor's or a dependency's. Refuse the block.",
  'clock-offset': 'The clocks of this node and of a relay are more than `clockOffsetMsMax` apart. Set the wrong one.',
  'connection-lost': 'The connection ended. It is retried by itself.',
  'credit-exceeded': 'The peer sent more than it was granted. The session ends.',
  'descriptor-mismatch':
    'The log has another name or codec there than here. Bytes go to the log that they are of; a log with another codec needs another name.',
  early:
    'Events lie in the future by more than the allowed drift: they wait until the clock has come there (`until` of the context). Correct the clock of their writer.',
  'event-too-large': 'The encoded payload is over `eventBytesMax`. Store the bytes elsewhere and append a link.',
  forbidden:
    'The peer does not allow this: the message says what (to read, write or redact). Get another token. What was refused stays on this device.',
  forked:
    'Two writers use one id, as after a running machine was copied. The events that came second are ignored: restart one.',
  'frame-invalid': 'The frame breaks the format. The session ends.',
  'frame-too-large': 'The frame is over `frameBytesMax`. The session ends.',
  'limit-exceeded': 'A bound of `limits.ts` was met. Wait, or raise the bound.',
  'log-closed': 'The log was closed. Open it again.',
  'log-in-use': 'The log is in use in this node. Release it first.',
  'log-not-ready':
    'The log is still being read from storage. Wait for `ready`; a merge into a log that shows a window may have to be tried again.',
  'no-window':
    'On a server that renders pages a node opens and dials nothing. Make it on the page. A program of its own gives `webSocketClient` a `WebSocket` class, and a storage that Node has.',
  'not-redactable': 'A redaction cannot be redacted. To bring the event back, append its payload again.',
  'node-closed': 'The node was closed. Make a new one.',
  'not-found': 'The peer does not hold this log.',
  'pack-conflict': 'Another process or tab has packed the log. Nothing is to be done: its chunks serve.',
  'payload-undecodable': 'The codec cannot read this payload. Append and read with the same codec.',
  'payload-unencodable': 'The codec cannot write this value. Append plain data.',
  protocol: 'The peer sent something that the protocol does not allow here. The session ends.',
  'request-timeout': 'An effect was not answered in time. The session ends and is retried.',
  'slow-reader': 'The peer reads too slowly and was cut off. It catches up after reconnecting.',
  'storage-closed': 'The storage was closed.',
  'storage-corrupt':
    'A stored record is damaged. It was set aside and is fetched again from peers; a small value beside a log was deleted.',
  'storage-failed': 'The storage could not write or read. Free some space; writing is tried again.',
  'storage-format':
    'The store was written by another version. Update gossip-log; what an unreleased version wrote, delete.',
  'storage-in-use': 'Another process uses the folder. Stop it, or take another folder.',
  'unknown-event': 'No event of that id is in the log. Look it up in a snapshot.',
  'version-unsupported': 'The peer or the bytes use another version of the format. Update the older side.',
  'view-threw': 'A function given to a view or fold threw at the event in `context`. Mend it; the view goes on.',
} as const;

/** A stable error code. */
export type GossipErrorCode = keyof typeof errorCodes;

/** Is `code` one that this version knows? Codes from the wire are checked with it. */
export function isErrorCode(code: string): code is GossipErrorCode {
  return Object.hasOwn(errorCodes, code);
}

const brand = Symbol.for('gossip-log/error');

/**
 * Expected trouble. `code` is stable, `context` holds the values that explain it, `cause` what lies below.
 *
 * `instanceof GossipError` is true for errors of every copy of gossip-log in a program: a bundle and a dependency may bring
 * one each. `JSON.stringify` keeps all of it. `structuredClone`, and so `postMessage`, keeps the message alone, which ends
 * with the code; send `error.toJSON()`.
 *
 * @example
 * ```ts
 * import { GossipError } from '@gossip-log/core';
 *
 * const error = new GossipError('event-too-large', 'payload of 300000 bytes, at most 262144', {
 *   context: { bytes: 300_000 },
 * });
 * error.code; // 'event-too-large'
 * ```
 */
export class GossipError extends Error {
  override readonly name = 'GossipError';
  readonly code: GossipErrorCode;
  readonly context: Readonly<Record<string, unknown>>;

  constructor(
    code: GossipErrorCode,
    message: string,
    options: { context?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    // A message that came over the wire ends with its code already.
    super(
      message.endsWith(` [${code}]`) ? message : `${message} [${code}]`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.context = options.context ?? {};
  }

  /** What an error shows, as a plain object. */
  toJSON(): Readonly<Record<string, unknown>> {
    const { name, code, message, context, cause } = this;
    return { name, code, message, context, cause: isPlainError(cause) ? String(cause) : cause };
  }
}

// On the prototype and not enumerable: neither JSON nor a console shows it.
Object.defineProperty(GossipError.prototype, brand, { value: true });
Object.defineProperty(GossipError, Symbol.hasInstance, {
  value(this: unknown, value: unknown): boolean {
    // A class that extends this one inherits the method, and knows its own by their prototype.
    if (this !== GossipError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === 'object' && value !== null && brand in value;
  },
});

/** JSON would write it as `{}`. */
function isPlainError(value: unknown): boolean {
  return value instanceof Error && !('toJSON' in value);
}

/**
 * States what must be true. Kept in production: a broken invariant is a bug in gossip-log, never bad input.
 *
 * @internal
 */
export function invariant(condition: unknown, why: string): asserts condition {
  if (!condition) throw new Error(`gossip-log invariant broken: ${why}`);
}
