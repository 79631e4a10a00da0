/**
 * The one table of close codes, shared by client and server: how a `CloseReason` travels in a WebSocket's close
 * frame, and whether a client dials again after it.
 *
 * Numbers from 4000 are free for applications (RFC 6455, 7.4.2), and a browser may send no others but 1000.
 * A number once given stays with its code; new codes take the next free one.
 */

import { type CloseReason, limits, utf8Encoder } from '@gossip-log/core';
import { printable } from '@gossip-log/core/sync';

/**
 * What a client does after a connection ended. `soon`: dial again with back-off. `later`: the same, with the longest
 * pause. `never`: not by itself, because the answer would be the same. There is no "at once": a server that closes
 * each connection right away would be hammered.
 */
export type Pace = 'soon' | 'later' | 'never';

interface Row {
  readonly closeCode: number;
  readonly pace: Pace;
}

/** @internal */
export const closeCodes: Readonly<Record<CloseReason['code'], Row>> = {
  normal: { closeCode: 1000, pace: 'soon' },

  // The other side or the way to it is gone or overtaxed for a while.
  'connection-lost': { closeCode: 4000, pace: 'soon' },
  'node-closed': { closeCode: 4001, pace: 'soon' },
  'slow-reader': { closeCode: 4002, pace: 'soon' },
  'request-timeout': { closeCode: 4003, pace: 'soon' },
  'limit-exceeded': { closeCode: 4004, pace: 'later' },

  // One side does what the other cannot accept: a bug or damage. It may pass, but not by haste.
  'frame-invalid': { closeCode: 4010, pace: 'later' },
  'frame-too-large': { closeCode: 4011, pace: 'later' },
  protocol: { closeCode: 4012, pace: 'later' },
  'credit-exceeded': { closeCode: 4013, pace: 'later' },
  'block-invalid': { closeCode: 4014, pace: 'later' },
  'bytes-truncated': { closeCode: 4015, pace: 'later' },
  checksum: { closeCode: 4016, pace: 'later' },
  clock: { closeCode: 4018, pace: 'later' },
  early: { closeCode: 4019, pace: 'later' },

  // The same try would get the same answer.
  'version-unsupported': { closeCode: 4020, pace: 'never' },
  forbidden: { closeCode: 4021, pace: 'never' },
  'descriptor-mismatch': { closeCode: 4022, pace: 'never' },

  // Trouble of one log or one store. It seldom ends a connection, but where it does the peer learns the reason.
  'event-too-large': { closeCode: 4030, pace: 'later' },
  'unknown-event': { closeCode: 4047, pace: 'later' },
  'not-redactable': { closeCode: 4050, pace: 'later' },
  'pack-conflict': { closeCode: 4031, pace: 'later' },
  'log-closed': { closeCode: 4032, pace: 'later' },
  'log-not-ready': { closeCode: 4033, pace: 'later' },
  'not-found': { closeCode: 4034, pace: 'later' },
  'payload-undecodable': { closeCode: 4035, pace: 'later' },
  'payload-unencodable': { closeCode: 4036, pace: 'later' },
  'storage-closed': { closeCode: 4037, pace: 'later' },
  'storage-corrupt': { closeCode: 4038, pace: 'later' },
  'storage-failed': { closeCode: 4039, pace: 'later' },
  'storage-format': { closeCode: 4040, pace: 'later' },
  'log-in-use': { closeCode: 4041, pace: 'later' },
  forked: { closeCode: 4042, pace: 'later' },
  'clock-offset': { closeCode: 4043, pace: 'later' },
  'storage-in-use': { closeCode: 4044, pace: 'later' },
  'view-threw': { closeCode: 4045, pace: 'later' },
  'no-window': { closeCode: 4049, pace: 'later' },
};

/**
 * What the standard's own numbers mean here. Proxies, browsers and `ws` send them.
 *
 * @internal
 */
export const standardCloseCodes: ReadonlyMap<number, CloseReason> = new Map<number, CloseReason>([
  [1001, { code: 'node-closed', message: 'the peer is going away' }],
  [1002, { code: 'frame-invalid', message: 'the peer saw a breach of the WebSocket protocol' }],
  [1003, { code: 'frame-invalid', message: 'the peer takes no data of this kind' }],
  [1005, { code: 'connection-lost', message: 'the peer closed the connection and gave no reason' }],
  [1006, { code: 'connection-lost', message: 'the connection broke' }],
  [1007, { code: 'frame-invalid', message: 'the peer saw text that is not UTF-8' }],
  [1008, { code: 'forbidden', message: 'the connection breaks a policy of the peer' }],
  [1009, { code: 'frame-too-large', message: 'the frame is larger than the peer takes' }],
  [1010, { code: 'protocol', message: 'the peer wants an extension' }],
  [1011, { code: 'connection-lost', message: 'the peer met an internal error' }],
  [1012, { code: 'node-closed', message: 'the peer restarts' }],
  [1013, { code: 'limit-exceeded', message: 'the peer is busy' }],
  [1014, { code: 'connection-lost', message: 'a gateway on the way had no answer' }],
  [1015, { code: 'connection-lost', message: 'TLS failed' }],
]);

const reasons = new Map(Object.entries(closeCodes).map(([code, row]) => [row.closeCode, code as CloseReason['code']]));

/**
 * The reason that a close frame carries. Numbers that nobody knows count as a lost connection.
 *
 * @internal
 */
export function closeReason(closeCode: number, text: string): CloseReason {
  const own = reasons.get(closeCode);
  if (own !== undefined) return { code: own, message: printable(text) };
  const standard = standardCloseCodes.get(closeCode);
  return {
    code: standard?.code ?? 'connection-lost',
    message: printable(text) || (standard?.message ?? `the peer closed the connection with code ${closeCode}`),
  };
}

/**
 * As much of a message as a close frame holds, cut between characters. A longer one would make `close` throw.
 *
 * @internal
 */
export function closeText(message: string): string {
  const { read } = utf8Encoder.encodeInto(message, new Uint8Array(limits.closeMessageBytesMax));
  return message.slice(0, read);
}
