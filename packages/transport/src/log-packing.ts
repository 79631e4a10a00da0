/**
 * Packs a log's journal into chunks.
 *
 * - [H9] Once all is stored and much of it lies in the journal, that is packed. A journal that has events which the log could not take in (H7) is kept. A pack that fails is tried again when as
 *   much has come again; one that another tab was faster with is not.
 */
import { type GossipStorage, limits } from '@gossip-log/core';
import type { ReplicatedLog } from '@gossip-log/core/sync';
import { asGossipError } from './log-errors.js';
import type { StoredLog } from './log-opening.js';
import type { LogReach } from './log-reach.js';
import type { LogReading } from './log-reading.js';
import type { UsedWindow } from './log-window.js';

/** The log, as far as it matters here. */
export interface PackedLog {
  readonly id: string;
  readonly storage: GossipStorage;
  readonly reading: LogReading;
  readonly reach: LogReach;
  /** The windows of those who use the log. */
  readonly windows: ReadonlySet<UsedWindow>;
  isReady(): boolean;
  /** Does the store hold events that the log could not take in (H7)? */
  isLacking(log: ReplicatedLog<unknown>): boolean;
  /** A peer sends many events. */
  isCatchingUp(): boolean;
  /** What was packed before that time, in milliseconds since 1970, is not joined with what is packed now. */
  joinsFromMs(): number;
  /** All that is stored is packed. */
  packed(): void;
  onError(error: unknown): void;
}

/** @internal */
export class LogPacking {
  readonly #of: PackedLog;
  /** Records of the journal, by key. */
  #records: string[] = [];
  /** Chunks that were read like the journal, since no manifest serves. */
  #chunkIds: readonly number[] = [];
  #revision = 0;
  /** Events in the journal at which it is packed; infinite when another tab packs. */
  #packAt = limits.journalRowsMax;
  /** Also a journal of few events is packed: the log is about to close. */
  #tidies = false;
  /** All that lies in the journal is to be packed: from then on its age counts. */
  #packsAll = false;

  constructor(of: PackedLog) {
    this.#of = of;
  }

  /** The log was read. */
  begin({ revision, records, chunkIds }: StoredLog<unknown>): void {
    this.#revision = revision;
    this.#records = [...records];
    this.#chunkIds = chunkIds;
  }

  get chunkIds(): readonly number[] {
    return this.#chunkIds;
  }

  /** The journal has another record. */
  kept(key: string): void {
    this.#records.push(key);
  }

  /** The log is about to close. */
  tidy(): void {
    this.#tidies = true;
  }

  /** From now on the age of all that is stored counts. */
  packAll(): void {
    this.#packsAll = true;
  }

  /** Once all is stored: is it to be packed? */
  isDue(log: ReplicatedLog<unknown>): boolean {
    if (this.#packAt === Number.POSITIVE_INFINITY) return false;
    // What the log could not take in lies in the old chunks alone.
    if (this.#chunkIds.length > 0 && this.#of.isLacking(log)) return false;
    if (log.isPackedAnew && this.#packAt === limits.journalRowsMax) return true;
    if (log.hasObsoleteChunks && this.#packAt === limits.journalRowsMax) return true;
    if (this.#records.length === 0) return false;
    if (this.#packsAll && log.unpackedRows > 0) return true;
    if (this.#tidies && this.#records.length > limits.journalRecordsMax) return true;
    const rows = log.unpackedRows;
    if (this.#of.isCatchingUp()) {
      // Where all is shown, nothing that is packed goes from memory: first it is to be seen.
      const showsAll = Array.from(this.#of.windows).some(({ from }) => from === 0);
      if (rows < (showsAll ? limits.catchUpShownRowsMax : limits.catchUpRowsMax)) return false;
    }
    // The manifest names every writer and every chunk: it is not written for every few of their events.
    return rows >= Math.max(this.#packAt, log.writerCount / 8, 2 * log.packedChunks);
  }

  /** One step of packing. */
  async pack(log: ReplicatedLog<unknown>): Promise<void> {
    const { id, storage, reading, reach } = this.#of;
    try {
      const before = this.#records.length;
      const plan = await reading.run(log.pack(this.#of.joinsFromMs()), (step) => step);
      const packed = plan.isComplete && !this.#of.isLacking(log) ? this.#records.slice(0, before) : [];
      const { manifest, add, remove } = plan;
      await storage.pack(id, { revision: this.#revision, manifest, add, remove, packed });
      this.#revision++;
      plan.apply();
      this.#records = this.#records.slice(packed.length);
      this.#packAt = limits.journalRowsMax;
      if (this.#records.length === 0) await reach.packed(log);
      if (plan.isComplete) {
        this.#chunkIds = [];
        this.#tidies = false;
        this.#packsAll = false;
        this.#of.packed();
      }
    } catch (cause) {
      const error = asGossipError(cause, `log "${id}" cannot be packed`);
      this.#tidies = false;
      this.#packsAll = false;
      this.#packAt =
        error.code === 'pack-conflict' ? Number.POSITIVE_INFINITY : log.unpackedRows + limits.journalRowsMax;
      if (error.code !== 'pack-conflict' && this.#of.isReady()) this.#of.onError(error);
    }
  }
}
