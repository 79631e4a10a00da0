/**
 * Entries on their way to the store whose events come before others of their writers: they fill gaps. What lies behind a gap
 * may be promised, what fills it not before it is stored (S12).
 */
import type { ReplicaId, SequenceNumber } from '../ids.js';
import type { LogEntry } from '../runs.js';
import type { ReplicaTable } from './replica-table.js';

/** @internal */
export class UnstoredFills {
  readonly #replicas: ReplicaTable;
  readonly #entries = new Set<LogEntry>();

  constructor(replicas: ReplicaTable) {
    this.#replicas = replicas;
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  /** These have just been taken in, and are to be stored. */
  took(entries: readonly LogEntry[]): void {
    const { last } = this.#replicas;
    for (const entry of entries) {
      const isFill = entry.runs.some((run) => run.last < (last[this.#replicas.find(run.replica)] as number));
      if (isFill) this.#entries.add(entry);
    }
  }

  stored(entries: readonly LogEntry[]): void {
    if (this.isEmpty) return;
    for (const entry of entries) this.#entries.delete(entry);
  }

  /** From which event of a replica on, `first` or later, all are stored up to `last`, which is. */
  storedFrom(replica: ReplicaId, first: SequenceNumber, last: SequenceNumber): SequenceNumber {
    let from = first;
    for (const { runs } of this.#entries) {
      for (const run of runs) if (run.replica === replica && run.last < last) from = Math.max(from, run.last + 1);
    }
    return from;
  }
}
