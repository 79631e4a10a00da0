/**
 * When to try again: exponential back-off with full jitter, as in "Exponential Backoff And Jitter" (AWS
 * Architecture Blog, 2015). Pure: time and randomness are arguments.
 *
 * A server that accepts and drops at once would be hammered if every opened connection counted as success, so
 * only one that lasted `stableMsMin` starts the pauses again from the beginning.
 */
import { limits } from '@gossip-log/core';
import type { Pace } from './close-codes.js';

/** What the next pause depends on. */
export interface LastTry {
  /** Pauses made since the last stable connection. */
  readonly pauses: number;
  /** How long the connection lasted, in milliseconds; 0 when it never opened. */
  readonly lastedMs: number;
  /** `later` goes straight to the longest pause: the peer is full, or the network is gone. */
  readonly pace: Exclude<Pace, 'never'>;
  /** From [0, 1). */
  readonly random: number;
}

/** How long to wait, and what to hand in as `pauses` the next time. */
export interface NextTry {
  readonly pauseMs: number;
  readonly pauses: number;
}

/** @internal */
export function nextTry({ pauses, lastedMs, pace, random }: LastTry): NextTry {
  const before = lastedMs >= limits.stableMsMin ? 0 : pauses;
  const ceiling = Math.min(limits.reconnectMsMax, limits.reconnectMsMin * 2 ** before);
  // Who is asked to come later keeps away for half of the longest pause at least; only the rest is jitter.
  const pauseMs = pace === 'later' ? (limits.reconnectMsMax * (1 + random)) / 2 : ceiling * random;
  return { pauseMs: Math.floor(pauseMs), pauses: before + 1 };
}
