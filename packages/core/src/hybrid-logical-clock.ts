/**
 * Hybrid logical clock in one float64-safe integer: `time = milliseconds × 2048 + counter`.
 *
 * 42 bits of milliseconds (to the year 2109) and 11 bits of counter; a counter that overflows carries into the
 * milliseconds by itself, because the two are one number. Times rise along causality, so every cut by time is
 * causally closed.
 *
 * Source: Kulkarni, Demirbas, Madeppa, Avva, Leone, "Logical Physical Clocks" (2014), with the paper's pair
 * (l, c) packed into one integer, which keeps its properties because counters here never reset below a time seen.
 */
import { aheadOfClockMsMax, aheadOfLogMsMax, clockDriftMsMax, timeMax } from './limits.js';

/** Steps of the counter within one millisecond. */
export const clockStepsPerMs = 2048;

/**
 * The time of a new event: above `last`, and not behind `nowMs`.
 *
 * @example
 * ```ts
 * import { clockMilliseconds, tick } from '@gossip-log/core';
 *
 * const first = tick(0, 1_000);
 * const second = tick(first, 1_000); // same millisecond: the counter rises
 * const third = tick(second, 500); // the clock was set back: the hybrid time still rises
 * first < second && second < third; // true
 * clockMilliseconds(third); // 1000
 * ```
 */
export function tick(last: number, nowMs: number): number {
  return Math.max(last + 1, Math.floor(nowMs) * clockStepsPerMs);
}

/** What a clock says after it has seen a remote time: the later of the two. */
export function observe(last: number, remote: number): number {
  return remote > last ? remote : last;
}

/** The milliseconds since 1970 in a hybrid time. */
export function clockMilliseconds(time: number): number {
  return Math.floor(time / clockStepsPerMs);
}

/** The last time that a node whose corrected clock says `nowMs` accepts; above it an event is `early`. */
export function horizon(nowMs: number): number {
  return (Math.floor(nowMs) + clockDriftMsMax) * clockStepsPerMs + clockStepsPerMs - 1;
}

/** The last time that is accepted from a peer whose clock is trusted. */
export function farHorizon(nowMs: number): number {
  return Math.min(timeMax, horizon(nowMs + aheadOfClockMsMax));
}

/** The last time of what may follow on an event of the time `newest`, whatever the clock says. */
export function lastFollowing(newest: number, nowMs: number): number {
  return Math.min(farHorizon(nowMs), newest + aheadOfLogMsMax * clockStepsPerMs);
}
