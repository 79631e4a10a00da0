/**
 * The truncation table of a hosted log on its way: from peers into the log, one after another, and from there into storage
 * (J3) and to peers (J4).
 */
import { GossipError, limits, type ReplicaId, type Truncation } from '@gossip-log/core';
import type { LogEntry, ReplicatedLog, Truncated } from '@gossip-log/core/sync';

/** What is done with it. */
export interface HidingLog {
  log(): ReplicatedLog<unknown> | undefined;
  /** Hides these, at once where all of it is in memory. */
  hide(told: readonly Truncation[]): void | Promise<void>;
  onError(error: unknown): void;
}

/** @internal */
export class HiddenEvents {
  readonly #of: HidingLog;
  /** The table as it is stored. */
  #stored: readonly Truncation[] = [];
  /** Entries on their way to storage that hold hidden events: their records are never packed. */
  readonly #entries = new Set<LogEntry>();
  /** What peers have told of while something is being read. */
  #told = new Map<ReplicaId, Truncation>();
  #hiding: Promise<void> | undefined;

  constructor(of: HidingLog) {
    this.#of = of;
  }

  /** Resolves once what is being hidden is; `undefined` while nothing is. */
  get hiding(): Promise<void> | undefined {
    return this.#hiding;
  }

  /** What peers may be told. */
  get stored(): readonly Truncation[] {
    return this.#stored;
  }

  /** The log's table is to be stored, if it has grown; `undefined` when it has not. */
  get grown(): readonly Truncation[] | undefined {
    const table = this.#of.log()?.truncations;
    return table === this.#stored ? undefined : table;
  }

  /** It is stored. */
  keep(table: readonly Truncation[]): void {
    this.#stored = table;
  }

  /** What became of a truncation; these entries wait for storage. */
  took({ hidden }: Truncated): void {
    for (const entry of hidden) this.#entries.add(entry);
  }

  has(entry: LogEntry): boolean {
    return this.#entries.has(entry);
  }

  /** They are stored. */
  settle(entries: readonly LogEntry[]): void {
    for (const entry of entries) this.#entries.delete(entry);
  }

  /** A peer says that these are hidden. */
  told(truncations: readonly Truncation[]): void {
    for (const truncation of truncations) {
      const known = this.#told.get(truncation.replica);
      if (known === undefined || truncation.from < known.from) this.#told.set(truncation.replica, truncation);
    }
    if (this.#told.size > 2 * limits.truncationsMax) {
      this.#told.clear();
      this.#of.onError(new GossipError('limit-exceeded', 'peers tell of more hidden replicas than a table may name'));
    }
    this.#next();
  }

  #next(): void {
    while (this.#hiding === undefined && this.#told.size > 0) {
      const told = [...this.#told.values()];
      this.#told = new Map();
      try {
        this.#hiding = this.#of.hide(told)?.then(
          () => this.#hid(),
          (error) => this.#hid(error),
        );
      } catch (error) {
        this.#of.onError(error);
      }
    }
  }

  #hid(error?: unknown): void {
    if (error !== undefined) this.#of.onError(error);
    this.#hiding = undefined;
    this.#next();
  }
}
