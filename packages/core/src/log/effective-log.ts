/**
 * The effective log: what of it there is, and may be told to peers.
 *
 * - [G3] What is stored (`mark`) and released is the effective log: only of that does the log speak to peers.
 */
import type { Supply } from '../edges.js';
import type { ReplicaId, SequenceNumber } from '../ids.js';
import type { Run } from '../ports/storage.js';
import type { KeptRun, KnownEvent, LogEntry, OwnRuns } from '../runs.js';
import type { Edges } from './edges.js';
import type { EffectiveRows } from './effective-rows.js';
import type { LogParts } from './log-parts.js';
import type { ReplicaTable } from './replica-table.js';
import type { StandingRows } from './standing-rows.js';
import type { UnstoredFills } from './unstored-fills.js';

/** @internal */
export class EffectiveLog {
  readonly #effective: EffectiveRows;
  readonly #replicas: ReplicaTable;
  readonly #edges: Edges;
  readonly #standing: StandingRows;
  readonly #fills: UnstoredFills;

  constructor({ effective, standing, fills }: LogParts) {
    this.#effective = effective;
    this.#replicas = effective.tables.replicas;
    this.#edges = effective.edges;
    this.#standing = standing;
    this.#fills = fills;
  }

  /** These are stored. */
  mark(entries: readonly LogEntry[]): void {
    const { stored, storedTime } = this.#replicas;
    this.#fills.stored(entries);
    for (const { runs } of entries) {
      for (const run of runs) {
        const replica = this.#replicas.intern(run.replica);
        if (run.last <= (stored[replica] as number)) continue;
        stored[replica] = run.last;
        storedTime[replica] = run.lastTime;
      }
    }
  }

  /** The time of the newest stored event in memory that a peer has which lacks these; 0 where there is none. */
  newestKnown(lacks: ReadonlyMap<ReplicaId, { readonly seq: SequenceNumber }>): number {
    const { ids, stored } = this.#replicas;
    const known = ids.map((id, i) => Math.min(lacks.get(id)?.seq ?? Number.POSITIVE_INFINITY, stored[i] as number));
    for (const chunk of [...this.#effective.ordered.chunks].reverse()) {
      for (let row = chunk.count - 1; row >= 0; row--) {
        if ((chunk.seq[row] as number) <= (known[chunk.replica[row] as number] as number))
          return chunk.time[row] as number;
      }
    }
    return 0;
  }

  /** All of the log is stored. */
  markAll(): void {
    const { size, last, lastTime, stored, storedTime } = this.#replicas;
    for (let replica = 0; replica < size; replica++) {
      stored[replica] = last[replica] as number;
      storedTime[replica] = lastTime[replica] as number;
    }
  }

  /** The last stored event of a replica; 0 when there is none. */
  lastOf(replica: ReplicaId): SequenceNumber {
    return this.#replicas.stored[this.#replicas.find(replica)] ?? 0;
  }

  /** The last stored event of each replica. */
  version(): Map<ReplicaId, SequenceNumber> {
    const { ids, stored } = this.#replicas;
    const version = new Map<ReplicaId, SequenceNumber>();
    for (let i = 0; i < ids.length; i++)
      if ((stored[i] as number) > 0) version.set(ids[i] as ReplicaId, stored[i] as number);
    return version;
  }

  /**
   * Does a node that holds the log from `complete` on have all events of a writer, when it has had those up to `relayed`, and
   * the last?
   */
  isProven(complete: number, writer: ReplicaId, relayed: SequenceNumber): boolean {
    if (complete === 0 || relayed >= this.lastOf(writer)) return true;
    return this.#standing.findTime(this.#replicas.find(writer), relayed + 1) >= complete;
  }

  /** What of it a node has that from that time on lacks nothing. Of `own` writers it has had the events up to these. O(writers). */
  provenVersion(from: number, own: OwnRuns): Map<ReplicaId, SequenceNumber> {
    const version = this.version();
    if (from === 0) return version;
    const proven = new Map<ReplicaId, SequenceNumber>();
    for (const writer of version.keys()) {
      const relayed = own.get(writer) ?? 0;
      const last = this.isProven(from, writer, relayed) ? this.lastOf(writer) : relayed;
      if (last > 0) proven.set(writer, last);
    }
    return proven;
  }

  /** The stored events of a replica up to the last, as far back as none is missing: a node may promise that it keeps these. */
  keptRun(replica: ReplicaId): KeptRun {
    const index = this.#replicas.find(replica);
    const last = this.lastOf(replica);
    return { first: this.#fills.storedFrom(replica, this.#edges.wholeFrom(index, last), last), last };
  }

  /** What may be promised of the replicas of these entries, where that is not all from the first event on. */
  keptOf(entries: readonly LogEntry[]): ReadonlyMap<ReplicaId, KeptRun> | undefined {
    if (!this.#edges.hasGaps && this.#fills.isEmpty) return undefined;
    return new Map(entries.flatMap(({ runs }) => runs.map(({ replica }) => [replica, this.keptRun(replica)] as const)));
  }

  /** What of these runs is here, for a peer that wants nothing before `from`. */
  supply(runs: readonly Run[], from: number): Supply {
    const lacks = new Map<ReplicaId, Required<KnownEvent>>();
    const absent: Run[] = [];
    for (const { replica, first, last } of runs) {
      const index = this.#replicas.find(replica);
      let next = first;
      for (const held of this.#edges.heldRuns(index, first, Math.min(last, this.#replicas.stored[index] ?? 0))) {
        if (held.first > next) absent.push({ replica, first: next, last: held.first - 1 });
        next = held.last + 1;
        // Runs of one replica may overlap.
        const known = lacks.get(replica);
        const seq = Math.min(first - 1, known?.seq ?? first);
        lacks.set(replica, { seq, time: Math.max(0, from - 1), until: Math.max(held.last, known?.until ?? 0) });
      }
      if (next <= last) absent.push({ replica, first: next, last });
    }
    return { lacks, absent };
  }
}
