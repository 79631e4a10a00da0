/**
 * What core needs from the outside besides bytes: the time, and randomness. Passed in, so that a simulation
 * replays from its seed (L8).
 */
export interface Environment {
  /** Milliseconds since 1970, as `Date.now()` gives. May jump; the hybrid clock never runs backwards for it. */
  now(): number;
  /**
   * Milliseconds since some moment, by a monotonic clock, which cannot be set, as `performance.now()` gives.
   * Silence, pauses and time limits are measured with it. It may stand still while the machine sleeps.
   */
  elapsed(): number;
  /** `length` random bytes, newly allocated, as `crypto.getRandomValues` fills. */
  randomBytes(length: number): Uint8Array;
  /** Calls back once after `ms` milliseconds, unless cancelled by the function returned. */
  setTimer(ms: number, callback: () => void): () => void;
}
