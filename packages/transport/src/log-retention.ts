/**
 * Lets go of what is not to be kept of a log.
 *
 * - [H14] With a retention the oldest packed chunks go that are over its bounds: the edges rise, that is kept and told, then
 *   the events go from memory, and from the store with the next pack. Of own events those are kept that no durable node
 *   is known to have (H5), with all behind them; and everything while such an event waits for a lost one (H7): peers cannot take
 *   it either. What is gone is not taken again.
 */
import { type Environment, type GossipStorage, limits } from '@gossip-log/core';
import type { OwnRuns, ReplicatedLog, Retention } from '@gossip-log/core/sync';
import type { Deliveries } from './deliveries.js';
import type { JournalGaps } from './journal-gaps.js';
import { asGossipError } from './log-errors.js';
import type { LogReach } from './log-reach.js';
import type { LogReading } from './log-reading.js';

/** The log, as far as it matters here. */
export interface RetainedLog {
  readonly id: string;
  readonly storage: GossipStorage;
  readonly environment: Environment;
  /** The node promises durability. */
  readonly durable: boolean;
  readonly reading: LogReading;
  readonly reach: LogReach;
  readonly deliveries: Deliveries;
  readonly gaps: Pick<JournalGaps, 'lacking'>;
  isReady(): boolean;
  /** Milliseconds since 1970 by the corrected clock. */
  now(): number;
  /** What has no age yet is to be packed, and it is to be looked whether events may go. */
  wake(): void;
  onError(error: unknown): void;
}

/** An event goes at the latest this part of its age later. */
const retentionSteps = 8;

/** @internal */
export class LogRetention {
  readonly #of: RetainedLog;
  readonly #retention: Retention | undefined;
  #isDue: boolean;
  #cancel = () => {};

  /** Without a retention all is kept. */
  constructor(of: RetainedLog, retention: Retention | undefined) {
    this.#of = of;
    this.#retention = retention;
    this.#isDue = retention !== undefined;
    this.#wakeLater();
  }

  /** It is to be looked whether events may go. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /** More was packed. */
  packed(): void {
    this.#isDue = this.#retention !== undefined;
  }

  /** What was packed before is not joined with what is packed now: it goes sooner. */
  get joinsFromMs(): number {
    const ageMsMax = this.#retention?.ageMsMax;
    return ageMsMax === undefined ? 0 : this.#of.now() - ageMsMax / retentionSteps;
  }

  /** What has no age yet is packed, and what is too old goes, a few times within that age. */
  #wakeLater(): void {
    const ageMsMax = this.#retention?.ageMsMax;
    if (ageMsMax === undefined) return;
    const pauseMs = Math.min(limits.retentionMsMax, Math.max(limits.retentionMsMin, ageMsMax / retentionSteps));
    this.#cancel = this.#of.environment.setTimer(pauseMs, () => {
      this.#wakeLater();
      this.#isDue = true;
      this.#of.wake();
    });
  }

  /** Lets go of what is not to be kept. Peers learn of it, and it is noted, before anything goes. */
  async letGo(log: ReplicatedLog<unknown>): Promise<void> {
    const { id, storage, durable, reading, reach, deliveries } = this.#of;
    this.#isDue = false;
    if (this.#retention === undefined || this.#floor(log, this.#retention) <= log.droppedBefore) return;
    try {
      if (!durable) {
        // Other tabs over this store may have written since, and some of that may have come here from a peer.
        const { ownRuns } = await storage.load(id);
        deliveries.wroteElsewhere(ownRuns);
        // Nothing goes before it is noted that a durable node has it: after a crash nobody could say so.
        if (!(await deliveries.whenKept())) return;
      }
      const floor = this.#floor(log, this.#retention);
      if (floor <= log.droppedBefore) return;
      reach.letGo(log, floor);
      await reach.keep(log);
      await reading.run(log.drop(floor), () => undefined);
    } catch (cause) {
      if (this.#of.isReady()) this.#of.onError(asGossipError(cause, `log "${id}" cannot let go of events`));
    }
  }

  /** The time before which events may go. */
  #floor(log: ReplicatedLog<unknown>, retention: Retention): number {
    const { durable, deliveries, gaps } = this.#of;
    const ownRuns: OwnRuns = durable ? new Map() : deliveries.ownRuns;
    for (const writer of gaps.lacking(log).keys()) if (ownRuns.has(writer)) return 0;
    let notRelayed = Number.POSITIVE_INFINITY;
    for (const [writer, seq] of ownRuns) {
      notRelayed = Math.min(notRelayed, log.timeBehind(writer, seq) ?? Number.POSITIVE_INFINITY);
    }
    return log.floorOf(retention, notRelayed);
  }

  /** The log has ended. */
  end(): void {
    this.#cancel();
  }
}
