/**
 * Packs a log's journal into chunks.
 *
 * - [H9] Once all is stored and much of it lies in the journal, that is packed. A journal that has events which the log could not
 *   take in (H7) is kept. A pack that fails, or has nothing that may be packed, is tried again when as much has come again; one that
 *   another tab was faster with is not.
 * - [H13] After a redaction the log is packed at the latest when it closes or is opened next, and at once where the redaction says so, though
 *   not more often than every `scrubMsMin`. Then the store is scrubbed (P16), and saved folds go, which may be made of what
 *   was erased.
 */
import { type Environment, GossipError, type GossipStorage, limits } from '@gossip-log/core';
import type { ReplicatedLog } from '@gossip-log/core/sync';
import { asGossipError } from './log-errors.js';
import type { StoredLog } from './log-opening.js';
import type { LogReach } from './log-reach.js';
import type { LogReading } from './log-reading.js';
import type { UsedWindow } from './log-window.js';
import type { Scrubbing } from './scrubbing.js';
import type { UnsentEvents } from './unsent-events.js';

/** The log, as far as it matters here. */
export interface PackedLog {
  readonly id: string;
  readonly storage: GossipStorage;
  readonly environment: Environment;
  readonly scrubbing: Scrubbing;
  readonly reading: LogReading;
  readonly reach: LogReach;
  /** The windows of those who use the log. */
  readonly windows: ReadonlySet<UsedWindow>;
  isReady(): boolean;
  /** Does the store hold events that the log could not take in (H7)? */
  isLacking(log: ReplicatedLog<unknown>): boolean;
  /** What is to stay in the journal. */
  readonly unsent: Pick<UnsentEvents, 'runs' | 'kept' | 'count' | 'holds' | 'allSent'>;
  /** A peer sends many events. */
  isCatchingUp(): boolean;
  /** What was packed before that time, in milliseconds since 1970, is not joined with what is packed now. */
  joinsFromMs(): number;
  /** All that is stored is packed. */
  packed(): void;
  /** Removes saved folds. */
  forgetFolds(): Promise<void>;
  /** Looks what is due. */
  wake(): void;
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
  /** Of the erased payloads so many are gone from the store's chunks and records, */
  #erased = { all: 0, atOnce: 0 };
  /** and so many from its files too. */
  #scrubbed = 0;
  /** What is erased at once is being packed. */
  #erases = false;
  /** Such a pack began not long ago. */
  #rests = false;
  #cancelRest = () => {};
  /** Those that wait until so many are gone. */
  #waiters: { readonly until: number; resolve(): void; reject(error: unknown): void }[] = [];

  constructor(of: PackedLog) {
    this.#of = of;
  }

  /** The log was read. */
  begin({ log, revision, records, chunkIds }: StoredLog<unknown>): void {
    this.#erases = log.erasures.all > 0;
    this.#revision = revision;
    this.#records = records.map(({ key }) => key);
    this.#chunkIds = chunkIds;
  }

  get chunkIds(): readonly number[] {
    return this.#chunkIds;
  }

  /** The journal has another record. */
  kept(key: string): void {
    this.#records.push(key);
  }

  /** Records of the journal were replaced by others. */
  replaced(records: readonly string[], keys: readonly string[]): void {
    const gone = new Set(records);
    this.#records = [...this.#records.filter((key) => !gone.has(key)), ...keys];
  }

  /** The log is about to close. */
  tidy(): void {
    this.#tidies = true;
  }

  /** From now on the age of all that is stored counts. */
  packAll(): void {
    this.#packsAll = true;
  }

  /** H13. Resolves once nothing is left in the store of payloads that are erased by now. */
  erased(log: ReplicatedLog<unknown>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ until: log.erasures.all, resolve, reject });
      if (this.#packAt === Number.POSITIVE_INFINITY) this.#refuse(conflictError(this.#of.id));
      this.#tell();
    });
  }

  /** The log has ended. */
  end(error: GossipError): void {
    this.#cancelRest();
    this.#refuse(error);
  }

  #tell(): void {
    this.#waiters = this.#waiters.filter((waiter) => {
      if (waiter.until > this.#scrubbed) return true;
      waiter.resolve();
      return false;
    });
  }

  #refuse(error: unknown): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }

  /** H13: is the log to be packed for what was erased? */
  #mayErase(log: ReplicatedLog<unknown>): boolean {
    const { all, atOnce } = log.erasures;
    if (all === this.#erased.all || this.#of.isLacking(log)) return false;
    if (this.#tidies || this.#erases) return true;
    if (atOnce === this.#erased.atOnce || this.#rests) return false;
    this.#erases = true;
    this.#rests = true;
    this.#cancelRest = this.#of.environment.setTimer(limits.scrubMsMin, () => {
      this.#rests = false;
      this.#of.wake();
    });
    return true;
  }

  /** Once all is stored: is it to be packed? */
  isDue(log: ReplicatedLog<unknown>): boolean {
    if (this.#packAt === Number.POSITIVE_INFINITY) return false;
    // What the log could not take in lies in the old chunks alone.
    if (this.#chunkIds.length > 0 && this.#of.isLacking(log)) return false;
    if (this.#mayErase(log)) return true;
    if (log.isPackedAnew && this.#packAt === limits.journalRowsMax) return true;
    if (log.hasObsoleteChunks && this.#packAt === limits.journalRowsMax) return true;
    const rows = log.unpackedRows - this.#of.unsent.count;
    if (this.#records.length === 0 || rows <= 0) return false;
    if (this.#packsAll) return true;
    if (this.#tidies && this.#records.length > limits.journalRecordsMax) return true;
    if (this.#of.isCatchingUp()) {
      // Where all is shown, nothing that is packed goes from memory: first it is to be seen.
      const showsAll = Array.from(this.#of.windows).some(({ from }) => from === 0);
      if (rows < (showsAll ? limits.catchUpShownRowsMax : limits.catchUpRowsMax)) return false;
    }
    // The manifest names every chunk: it is not written for every few events.
    return rows >= Math.max(this.#packAt, 2 * log.packedChunks);
  }

  /** One step of packing. */
  async pack(log: ReplicatedLog<unknown>): Promise<void> {
    const { id, storage, scrubbing, reading, reach, unsent } = this.#of;
    try {
      // Its payload lies in a record that is to stay: what was redacted is to go from the disk, and comes first.
      if (log.erasures.all > this.#erased.all && log.hasErased(unsent.kept)) unsent.allSent();
      const before = this.#records.filter((key) => !unsent.holds(key));
      const plan = await reading.run(log.pack(this.#of.joinsFromMs(), unsent.runs), (step) => step);
      const packed = plan.isComplete && !this.#of.isLacking(log) ? before : [];
      const { manifest, add, remove, erasures } = plan;
      const erases = plan.isComplete && !this.#of.isLacking(log) && erasures.all > this.#erased.all;
      if (erases) {
        await scrubbing.due();
        await this.#of.forgetFolds();
      }
      await storage.pack(id, { revision: this.#revision, manifest, add, remove, packed });
      this.#revision++;
      plan.apply();
      const gone = new Set(packed);
      this.#records = this.#records.filter((key) => !gone.has(key));
      // What this step had to leave, the next one would leave, too.
      const isIdle = plan.isComplete && add.length + remove.length === 0;
      this.#packAt = limits.journalRowsMax + (isIdle ? Math.max(0, log.unpackedRows - unsent.count) : 0);
      if (this.#records.length === 0) await reach.packed(log);
      if (plan.isComplete) {
        this.#chunkIds = [];
        this.#tidies = false;
        this.#packsAll = false;
        this.#erases = false;
        this.#of.packed();
      }
      if (erases) {
        this.#erased = erasures;
        this.#scrub(erasures.all);
      }
    } catch (cause) {
      const error = asGossipError(cause, `log "${id}" cannot be packed`);
      this.#tidies = false;
      this.#packsAll = false;
      this.#erases = false;
      if (error.code === 'pack-conflict') this.#refuse(error);
      this.#packAt =
        error.code === 'pack-conflict' ? Number.POSITIVE_INFINITY : log.unpackedRows + limits.journalRowsMax;
      if (error.code !== 'pack-conflict' && this.#of.isReady()) this.#of.onError(error);
    }
  }

  /** The store's chunks and records have none of so many erased payloads any more: then neither are its files to have any. */
  #scrub(count: number): void {
    this.#of.scrubbing.done().then(
      () => {
        this.#scrubbed = Math.max(this.#scrubbed, count);
        this.#tell();
      },
      (error) => {
        this.#refuse(error);
        if (this.#of.isReady()) this.#of.onError(error);
      },
    );
  }
}

function conflictError(id: string): GossipError {
  return new GossipError('pack-conflict', `log "${id}" is packed by another node over the same store`, {
    context: { log: id },
  });
}
