/** Time, randomness and timers that a test moves by hand. */
import type { Environment } from '@gossip-log/core';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** Starts at 1,000,000 ms, with a wall clock that shows the same until it is set. Every draw of random bytes is `80 00 00 …`: one half, read as a fraction. */
export class FakeEnvironment implements Environment {
  #now = 1_000_000;
  #wallAheadMs = 0;
  #timers = new Set<Timer>();

  now(): number {
    return this.#now + this.#wallAheadMs;
  }

  elapsed(): number {
    return this.#now;
  }

  /** Sets the wall clock by so much; no time passes. */
  setWallClock(byMs: number): void {
    this.#wallAheadMs += byMs;
  }

  randomBytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    bytes[0] = 0x80;
    return bytes;
  }

  setTimer(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Milliseconds until the timers that are set, in order. */
  get pending(): number[] {
    return [...this.#timers].map(({ at }) => at - this.#now).sort((a, b) => a - b);
  }

  /** Lets `ms` pass, with every timer that falls into it. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#now = due.at;
      due.callback();
    }
    this.#now = end;
  }

  /** Lets time pass up to the next timer. */
  advanceToNext(): void {
    this.advance(this.pending[0] ?? 0);
  }
}
