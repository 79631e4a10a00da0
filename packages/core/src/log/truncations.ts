/**
 * The truncation table: which events of a log are hidden.
 *
 * - [J1] It says of a replica from which event on its events are hidden, and why. Tables are merged by the lowest number of
 *   each replica: in whatever order they come, all nodes end up with one (L1). No entry is ever taken back.
 * - [J2] A hidden event is in no snapshot, view, fingerprint, run list or count, and nothing depends on it: a reference to it
 *   counts as met. One that arrives is passed over.
 * - [J3] What was here when it was hidden stays in storage, in journal records of its own, written in one batch with the
 *   table; packing leaves them alone.
 * - [J4] A table is stored before peers are told of it. They are told before events: just before each `open`, and at once
 *   when it has grown.
 * - [J5] A writer that withdraws an event appends the later ones of its replica again, under a fresh id. So does a writer
 *   whose replica somebody else has withdrawn, with those that nobody is known to have.
 */
import { GossipError } from '../errors.js';
import type { ReplicaId, SequenceNumber } from '../ids.js';
import { truncationsMax } from '../limits.js';
import type { ReplicaTable } from './replica-table.js';

/** Why events are hidden. `withdrawn`: their writer says so. `forked`, with a proof, is reserved for signed logs. */
export type TruncationReason = 'withdrawn';

/** Events of a replica from one on are hidden. */
export interface Truncation {
  readonly replica: ReplicaId;
  readonly from: SequenceNumber;
  readonly reason: TruncationReason;
}

/** @internal */
export class Truncations {
  readonly #replicas: ReplicaTable;
  readonly #entries = new Map<ReplicaId, Truncation>();
  #sorted: readonly Truncation[] = [];

  /** The table keeps in `hiddenFrom` what is asked at every event. */
  constructor(replicas: ReplicaTable) {
    this.#replicas = replicas;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** In the order of their replicas: equal tables are equal lists. The same list until the table grows. */
  get entries(): readonly Truncation[] {
    return this.#sorted;
  }

  /** Is it hidden that the replica wrote this event? */
  hides(replica: number, seq: SequenceNumber): boolean {
    return seq >= (this.#replicas.hiddenFrom[replica] as number);
  }

  /**
   * J1. Returns whether the table has grown.
   *
   * @throws GossipError `limit-exceeded` when it would grow over its bound; then it is as before.
   */
  merge(told: readonly Truncation[]): boolean {
    const lower = told.filter(
      ({ replica, from }) => from < (this.#entries.get(replica)?.from ?? Number.POSITIVE_INFINITY),
    );
    const fresh = new Set(lower.flatMap(({ replica }) => (this.#entries.has(replica) ? [] : replica)));
    if (this.size + fresh.size > truncationsMax) {
      throw new GossipError('limit-exceeded', `a truncation table names at most ${truncationsMax} replicas`, {
        context: { truncationsMax },
      });
    }
    for (const truncation of lower) {
      const { replica, from } = truncation;
      const index = this.#replicas.intern(replica);
      // A list may name a replica twice.
      if (from >= (this.#replicas.hiddenFrom[index] as number)) continue;
      this.#entries.set(replica, truncation);
      this.#replicas.hiddenFrom[index] = from;
    }
    if (lower.length > 0) {
      this.#sorted = [...this.#entries.values()].sort((a, b) => (a.replica < b.replica ? -1 : 1));
    }
    return lower.length > 0;
  }
}
