/**
 * The effective log: what of it there is, and may be told to peers.
 *
 * - [G3] What is stored (`mark`) and released is the effective log: only of that does the log speak to peers.
 */
import type { Supply } from '../edges.js';
import { type SequenceNumber, type WriterId, writerIdFromBytes } from '../ids.js';
import type { Run } from '../ports/storage.js';
import type { KeptRun, KnownEvent, LogEntry, OwnRuns } from '../runs.js';
import type { Chunk } from './chunk.js';
import type { Edges } from './edges.js';
import type { EffectiveRows } from './effective-rows.js';
import type { LogParts } from './log-parts.js';
import type { Redactions } from './redactions.js';
import type { StandingRows } from './standing-rows.js';
import type { UnstoredFills } from './unstored-fills.js';
import type { WriterTable } from './writer-table.js';

/** @internal */
export class EffectiveLog {
  readonly #effective: EffectiveRows;
  readonly #writers: WriterTable;
  readonly #edges: Edges;
  readonly #standing: StandingRows;
  readonly #fills: UnstoredFills;
  readonly #redactions: Redactions;

  constructor({ effective, standing, fills, redactions }: LogParts) {
    this.#effective = effective;
    this.#writers = effective.tables.writers;
    this.#edges = effective.edges;
    this.#standing = standing;
    this.#fills = fills;
    this.#redactions = redactions;
  }

  /** These are stored. */
  mark(entries: readonly LogEntry[]): void {
    this.#fills.stored(entries);
    this.#redactions.stored(entries);
    for (const { runs } of entries) {
      for (const run of runs) {
        const writer = this.#writers.intern(run.writer);
        const { stored, storedTime } = this.#writers;
        if (run.last <= (stored[writer] as number)) continue;
        stored[writer] = run.last;
        storedTime[writer] = run.lastTime;
      }
    }
  }

  /**
   * The time of the newest stored event that a peer has which lacks these, as far as is known; 0 where there is none. Of what is
   * not in memory, or was let go of, each writer's last event counts.
   */
  newestKnown(lacks: ReadonlyMap<WriterId, { readonly seq: SequenceNumber }>): number {
    const { chunks } = this.#effective.ordered;
    for (let at = chunks.length - 1; at >= 0; at--) {
      const chunk = chunks[at] as Chunk;
      for (let row = chunk.count - 1; row >= 0; row--) {
        const writer = chunk.writer[row] as number;
        const seq = chunk.seq[row] as number;
        if (seq > (this.#writers.stored[writer] as number)) continue;
        if (seq <= (lacks.get(this.#writers.id(writer))?.seq ?? Number.POSITIVE_INFINITY))
          return chunk.time[row] as number;
      }
    }
    let newest = 0;
    for (let writer = 0; writer < this.#writers.size; writer++) {
      const known = lacks.get(this.#writers.id(writer));
      const time =
        known === undefined
          ? (this.#writers.storedTime[writer] as number)
          : this.#edges.timeBefore(writer, known.seq + 1);
      newest = Math.max(newest, time);
    }
    return newest;
  }

  /** All of the log is stored. */
  markAll(): void {
    const { size, last, lastTime, stored, storedTime } = this.#writers;
    for (let writer = 0; writer < size; writer++) {
      stored[writer] = last[writer] as number;
      storedTime[writer] = lastTime[writer] as number;
    }
  }

  /** The last stored event of a writer; 0 when there is none. */
  lastOf(writer: WriterId): SequenceNumber {
    const index = this.#writers.find(writer);
    return this.#writers.stored[index] ?? 0;
  }

  /** The last stored event of each writer. */
  version(): Map<WriterId, SequenceNumber> {
    const version = new Map<WriterId, SequenceNumber>();
    for (let writer = 0; writer < this.#writers.size; writer++) {
      const last = this.#writers.stored[writer] as number;
      if (last > 0) version.set(this.#writers.id(writer), last);
    }
    for (const { id, last } of this.#writers.directory ?? []) version.set(writerIdFromBytes(id), last);
    return version;
  }

  /**
   * Does a node that holds the log from `complete` on have all events of a writer that were not deleted here, when it has had
   * those up to `relayed`, and the last? Of own events retention deletes only what was relayed.
   */
  isProven(complete: number, writer: WriterId, relayed: SequenceNumber): boolean {
    const last = this.lastOf(writer);
    if (complete === 0 || relayed >= last) return true;
    const index = this.#writers.find(writer);
    const first = Math.max(relayed, this.#edges.droppedUpTo(index)) + 1;
    return first > last || this.#standing.findTime(index, first) >= complete;
  }

  /** What of it a node has that from that time on lacks nothing. Of `own` writers it has had the events up to these. O(writers). */
  provenVersion(from: number, own: OwnRuns): Map<WriterId, SequenceNumber> {
    const version = this.version();
    if (from === 0) return version;
    const proven = new Map<WriterId, SequenceNumber>();
    for (const writer of version.keys()) {
      const relayed = own.get(writer) ?? 0;
      const last = this.isProven(from, writer, relayed) ? this.lastOf(writer) : relayed;
      if (last > 0) proven.set(writer, last);
    }
    return proven;
  }

  /** The stored events of a writer up to the last, as far back as none is missing: a node may promise that it keeps these. */
  keptRun(writer: WriterId): KeptRun {
    const index = this.#writers.find(writer);
    const last = this.lastOf(writer);
    return { first: this.#fills.storedFrom(writer, this.#edges.wholeFrom(index, last), last), last };
  }

  /** What is stored of these runs before a gap of their writers. */
  keptBefore(runs: readonly Run[]): Run[] {
    if (!this.#edges.hasGaps) return [];
    return runs.flatMap(({ writer, first, last }) => {
      const upTo = Math.min(last, this.keptRun(writer).first - 1);
      return this.#edges.heldRuns(this.#writers.find(writer), first, upTo).map((held) => ({ writer, ...held }));
    });
  }

  /** What may be promised of the writers of these entries, where that is not all from the first event on. */
  keptOf(entries: readonly LogEntry[]): ReadonlyMap<WriterId, KeptRun> | undefined {
    if (!this.#edges.hasGaps && this.#fills.isEmpty) return undefined;
    return new Map(entries.flatMap(({ runs }) => runs.map(({ writer }) => [writer, this.keptRun(writer)] as const)));
  }

  /** What of these runs is here, for a peer that wants nothing before `from`. */
  supply(runs: readonly Run[], from: number): Supply {
    const lacks = new Map<WriterId, Required<KnownEvent>>();
    const absent: Run[] = [];
    for (const { writer, first, last } of runs) {
      const index = this.#writers.find(writer);
      let next = first;
      for (const held of this.#edges.heldRuns(index, first, Math.min(last, this.#writers.stored[index] ?? 0))) {
        if (held.first > next) absent.push({ writer, first: next, last: held.first - 1 });
        next = held.last + 1;
        // Runs of one writer may overlap.
        const known = lacks.get(writer);
        const seq = Math.min(first - 1, known?.seq ?? first);
        lacks.set(writer, { seq, time: Math.max(0, from - 1), until: Math.max(held.last, known?.until ?? 0) });
      }
      if (next <= last) absent.push({ writer, first: next, last });
    }
    return { lacks, absent };
  }
}
