/**
 * The effective log: what of it there is, and may be told to peers.
 *
 * - [G3] What is stored (`mark`) and released is the effective log: only of that does the log speak to peers.
 */
import type { Supply } from '../edges.js';
import type { ReplicaId, SequenceNumber } from '../ids.js';
import type { Run } from '../ports/storage.js';
import type { KeptRun, KnownEvent, LogEntry } from '../runs.js';
import type { Edges } from './edges.js';
import { withoutHidden } from './hidden-entries.js';
import type { LogParts } from './log-parts.js';
import type { LogTables } from './log-tables.js';
import type { OwnRows } from './own-rows.js';
import type { ReplicaTable } from './replica-table.js';
import type { SecondBranches } from './second-branches.js';
import type { StandingRows } from './standing-rows.js';
import type { Truncations } from './truncations.js';
import type { UnstoredFills } from './unstored-fills.js';

/** @internal */
export class EffectiveLog {
  readonly #tables: LogTables;
  readonly #replicas: ReplicaTable;
  readonly #edges: Edges;
  readonly #standing: StandingRows;
  readonly #truncations: Truncations;
  readonly #own: OwnRows;
  readonly #fills: UnstoredFills;
  readonly #branches: SecondBranches;

  constructor({ effective, standing, truncations, own, fills }: LogParts, branches: SecondBranches) {
    this.#tables = effective.tables;
    this.#replicas = effective.tables.replicas;
    this.#edges = effective.edges;
    this.#standing = standing;
    this.#truncations = truncations;
    this.#own = own;
    this.#fills = fills;
    this.#branches = branches;
  }

  /** These are stored. Returns those that peers may be told of. */
  mark(entries: readonly LogEntry[]): LogEntry[] {
    const { stored, storedTime } = this.#replicas;
    this.#fills.stored(entries);
    return withoutHidden(entries, this.#truncations, this.#tables).filter(({ runs }) => {
      let standing = true;
      for (const run of runs) {
        const replica = this.#replicas.intern(run.replica);
        // What was let go of while it waited to be stored is stored all the same.
        const { droppedBefore } = this.#edges;
        const isLetGo = run.lastTime < droppedBefore && run.last <= (this.#replicas.last[replica] as number);
        if (!isLetGo && !this.#standing.holds(replica, run)) {
          standing = false;
        } else if (this.#branches.disputed === replica) {
          this.#branches.noteStored(run.last);
          standing = false;
        } else if (run.last > (stored[replica] as number)) {
          stored[replica] = run.last;
          storedTime[replica] = run.lastTime;
        }
      }
      return standing;
    });
  }

  /** All of the log is stored. */
  markAll(): void {
    const { size, last, lastTime, stored, storedTime } = this.#replicas;
    for (let replica = 0; replica < size; replica++) {
      stored[replica] = last[replica] as number;
      storedTime[replica] = lastTime[replica] as number;
    }
  }

  /** Own events that gave way to others are not stored any more. */
  mayStore({ origin, runs }: LogEntry): boolean {
    if (origin !== 'own') return true;
    return runs.every((run) => {
      const replica = this.#replicas.intern(run.replica);
      return this.#truncations.hides(replica, run.last) || this.#standing.holds(replica, run);
    });
  }

  /** The last stored event of a replica, disputed or not; 0 when there is none. */
  lastOf(replica: ReplicaId): SequenceNumber {
    return this.#branches.storedSeq(this.#replicas.find(replica));
  }

  /** The last stored event of each replica. */
  version(): Map<ReplicaId, SequenceNumber> {
    const { ids, stored } = this.#replicas;
    const version = new Map<ReplicaId, SequenceNumber>();
    for (let i = 0; i < ids.length; i++)
      if ((stored[i] as number) > 0) version.set(ids[i] as ReplicaId, stored[i] as number);
    return version;
  }

  /** Does a node that holds the log from `complete` on have all own events, when it has had those up to `relayed`, and the last? */
  isProven(complete: number, relayed: SequenceNumber): boolean {
    const { self } = this.#own;
    if (complete === 0 || relayed >= this.#branches.storedSeq(self)) return true;
    return this.#standing.findTime(self, relayed + 1) >= complete;
  }

  /** What of it a node has that from that time on lacks nothing. */
  provenVersion(from: number, relayed: SequenceNumber): Map<ReplicaId, SequenceNumber> {
    if (from === 0) return this.version();
    const { self } = this.#own;
    const last = this.isProven(from, relayed) ? this.#branches.storedSeq(self) : relayed;
    return last === 0 ? new Map() : new Map([[this.#replicas.ids[self] as ReplicaId, last]]);
  }

  /** The stored events of a replica up to the last, as far back as none is missing: a node may promise that it keeps these. */
  keptRun(replica: ReplicaId): KeptRun {
    const index = this.#replicas.find(replica);
    const last = this.#branches.storedSeq(index);
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
      // While own events are disputed nobody is told that they are here, nor that they are not.
      if (this.#branches.disputed === index) continue;
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
