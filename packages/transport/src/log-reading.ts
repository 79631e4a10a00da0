/** Readings of a log that may need packed chunks: they are given what they ask the store for. */
import type { GossipStorage } from '@gossip-log/core';
import { DamagedChunk, type Reading } from '@gossip-log/core/sync';
import { closedError } from './log-errors.js';
import type { LogStatus } from './log-handle.js';

/** The log, as far as it matters here. */
export interface ReadLog {
  readonly id: string;
  readonly storage: GossipStorage;
  status(): LogStatus;
  /** A packed chunk proved damaged while the log was in use. */
  damaged(error: DamagedChunk): void;
}

/** @internal */
export class LogReading {
  readonly #of: ReadLog;

  constructor(of: ReadLog) {
    this.#of = of;
  }

  /**
   * Carries a reading out: at once where all of it is in memory. `take` is given what was read before anything else
   * happens to the log. A damaged chunk ends the log (H10).
   */
  run<V, R>(reading: Reading<V>, take: (value: V) => R): R | Promise<R> {
    const step = reading.next();
    return step.done ? take(step.value) : this.#readOn(reading, take, step.value);
  }

  async #readOn<V, R>(reading: Reading<V>, take: (value: V) => R, needed: readonly number[]): Promise<R> {
    const { id, storage } = this.#of;
    try {
      for (let ids = needed; ; ) {
        const chunks = await storage.readChunks(id, ids);
        const status = this.#of.status();
        if (status !== 'ready' && status !== 'opening') throw closedError(id);
        const step = reading.next(chunks);
        if (step.done) return take(step.value);
        ids = step.value;
      }
    } catch (error) {
      // A log that is being opened is read again without it.
      if (!(error instanceof DamagedChunk) || this.#of.status() === 'opening') throw error;
      this.#of.damaged(error);
      throw closedError(id);
    }
  }
}
