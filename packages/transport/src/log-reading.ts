/** Readings of a log that may need packed chunks: they are given what they ask the store for. */
import type { GossipStorage } from '@gossip-log/core';
import { DamagedChunk, type Reading } from '@gossip-log/core/sync';
import { closedError } from './log-errors.js';
import type { LogStatus } from './log-handle.js';
import type { PeerTurns } from './turns.js';

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
   * happens to the log. A damaged chunk ends the log (H10). What is read for a peer takes its `turns`, chunk by chunk.
   */
  run<V, R>(reading: Reading<V>, take: (value: V) => R, turns?: PeerTurns): R | Promise<R> {
    const step = reading.next();
    return step.done ? take(step.value) : this.#readOn(reading, take, step.value, turns);
  }

  async #readOn<V, R>(
    reading: Reading<V>,
    take: (value: V) => R,
    needed: readonly number[],
    turns: PeerTurns | undefined,
  ): Promise<R> {
    const { id, storage } = this.#of;
    const counted = <T>(work: () => T): T => (turns === undefined ? work() : turns.measure(work));
    try {
      for (let ids = needed; ; ) {
        const waiting = turns?.next();
        if (waiting !== undefined) await waiting;
        const chunks = await counted(() => storage.readChunks(id, ids));
        const status = this.#of.status();
        if (status !== 'ready' && status !== 'opening') throw closedError(id);
        const step = counted(() => {
          const next = reading.next(chunks);
          return next.done ? { taken: take(next.value) } : { needed: next.value };
        });
        if ('taken' in step) return step.taken;
        ids = step.needed;
      }
    } catch (error) {
      // A log that is being opened is read again without it.
      if (!(error instanceof DamagedChunk) || this.#of.status() === 'opening') throw error;
      this.#of.damaged(error);
      throw closedError(id);
    }
  }
}
