/**
 * Runs on their way to the store that come before other events of their writers: they fill gaps. What lies behind a gap may
 * be promised, what fills it not before it is stored (S12).
 */
import type { SequenceNumber, WriterId } from '../ids.js';
import type { LogEntry, TimedRun } from '../runs.js';
import type { WriterTable } from './writer-table.js';

/** @internal */
export class UnstoredFills {
  readonly #writers: WriterTable;
  /** By writer: a block may hold events of a thousand, and is asked about for each. */
  readonly #runs = new Map<WriterId, Set<TimedRun>>();

  constructor(writers: WriterTable) {
    this.#writers = writers;
  }

  get isEmpty(): boolean {
    return this.#runs.size === 0;
  }

  /** These have just been taken in, and are to be stored. */
  took(entries: readonly LogEntry[]): void {
    for (const { runs } of entries) {
      for (const run of runs) {
        const writer = this.#writers.find(run.writer);
        if (run.last >= (this.#writers.last[writer] as number)) continue;
        const known = this.#runs.get(run.writer);
        if (known === undefined) this.#runs.set(run.writer, new Set([run]));
        else known.add(run);
      }
    }
  }

  stored(entries: readonly LogEntry[]): void {
    if (this.isEmpty) return;
    for (const { runs } of entries) {
      for (const run of runs) {
        const known = this.#runs.get(run.writer);
        if (known?.delete(run) && known.size === 0) this.#runs.delete(run.writer);
      }
    }
  }

  /** From which event of a writer on, `first` or later, all are stored up to `last`, which is. */
  storedFrom(writer: WriterId, first: SequenceNumber, last: SequenceNumber): SequenceNumber {
    let from = first;
    for (const run of this.#runs.get(writer) ?? []) if (run.last < last) from = Math.max(from, run.last + 1);
    return from;
  }
}
