/**
 * Two branches of one replica: a writer whose store is an older copy writes its numbers a second time.
 *
 * - [G4] When a peer holds other events under this writer's id than this log does, the store is an older copy. The
 *   peer's are taken as the log's own past, from the first that differs; what stood in their place is appended again
 *   under a fresh id, with its former one. Until that is settled nothing of the disputed id is told to anybody.
 * - [G5] Who holds another event than a peer sends or says that it has, and has not stored it yet, refuses the peer:
 *   `forked`. It could not have told of its own before; when the peer comes back, it has, and G4 decides.
 * - [G6] Who sends another event than is stored here, or one behind another than is here (its time says so), writes on
 *   another branch: what it sends of that replica behind it is passed over, until it compares the log anew. By then it
 *   knows of ours. It has none of ours for having sent those: they are sent, and nothing is acknowledged.
 */

import type { CausalBuffer } from '../causal-buffer.js';
import { type DecodedBlock, timeBeforeRow } from '../codec/block.js';
import { GossipError } from '../errors.js';
import type { ReplicaId, SequenceNumber } from '../ids.js';
import type { KnownRun } from '../range.js';
import type { Edges } from './edges.js';
import type { EffectiveRows } from './effective-rows.js';
import type { Heads } from './heads.js';
import type { LogParts } from './log-parts.js';
import type { OwnRows } from './own-rows.js';
import { PackedOtherwise } from './packed-chunks.js';
import type { Packer } from './packer.js';
import type { ReissuedEvents, Yielded } from './reissued-events.js';
import { compareBytes, type ReplicaTable } from './replica-table.js';
import type { StandingRows } from './standing-rows.js';
import type { Truncations } from './truncations.js';

/** Own events that a peer holds otherwise, while it is not clear from where on. */
interface Dispute {
  readonly replica: number;
  /** The same on both sides up to here. */
  agreed: SequenceNumber;
  /** What is stored, kept here meanwhile: in the effective log there is nothing of the replica. */
  stored: SequenceNumber;
}

/** @internal */
export class SecondBranches {
  readonly #effective: EffectiveRows;
  readonly #replicas: ReplicaTable;
  readonly #edges: Edges;
  readonly #standing: StandingRows;
  readonly #heads: Heads;
  readonly #buffer: CausalBuffer;
  readonly #truncations: Truncations;
  readonly #own: OwnRows;
  readonly #reissued: ReissuedEvents;
  readonly #packer: Packer;
  #dispute: Dispute | undefined;

  constructor({ effective, standing, heads, buffer, truncations, own, reissued, packer }: LogParts) {
    this.#effective = effective;
    this.#replicas = effective.tables.replicas;
    this.#edges = effective.edges;
    this.#standing = standing;
    this.#heads = heads;
    this.#buffer = buffer;
    this.#truncations = truncations;
    this.#own = own;
    this.#reissued = reissued;
    this.#packer = packer;
  }

  /** The replica whose events may not stand, while that is open. */
  get disputed(): number | undefined {
    return this.#dispute?.replica;
  }

  /** The last stored event of a replica, disputed or not; 0 when there is none. */
  storedSeq(replica: number): SequenceNumber {
    return this.#dispute?.replica === replica ? this.#dispute.stored : (this.#replicas.stored[replica] ?? 0);
  }

  /** What is disputed became stored up to there: it is not spoken of. */
  noteStored(seq: SequenceNumber): void {
    const dispute = this.#dispute as Dispute;
    dispute.stored = Math.max(dispute.stored, seq);
  }

  /** Does a block hold events under this writer's id that do not stand here? */
  contradictsOwn(block: DecodedBlock): boolean {
    const self = this.#own.self;
    const own = this.#replicas.bytes(self);
    const writer = block.replicas.findIndex((bytes) => compareBytes(bytes, own) === 0);
    if (writer < 0 || writer >= block.writers) return false;
    for (let row = 0; row < block.count; row++) {
      if (block.replica[row] !== writer) continue;
      if (
        (block.seq[row] as number) > (this.#replicas.last[self] as number) ||
        !this.#standing.stands(block, row, self)
      )
        return true;
    }
    return false;
  }

  /** The disputed replica was withdrawn: the dispute is over. */
  drop(): void {
    const { replica, stored } = this.#dispute as Dispute;
    this.#replicas.stored[replica] = stored;
    this.#replicas.storedTime[replica] = this.#standing.findTime(replica, stored);
    this.#dispute = undefined;
    this.#buffer.disputed = undefined;
  }

  #beginDispute(): void {
    const { stored, storedTime } = this.#replicas;
    this.#dispute = { replica: this.#own.self, agreed: 0, stored: stored[this.#own.self] as number };
    this.#buffer.disputed = this.#own.self;
    stored[this.#own.self] = 0;
    storedTime[this.#own.self] = 0;
    this.#effective.forget();
    this.#packer.forget();
  }

  /**
   * G4: a peer's events under this writer's id are held against what stands here, up to the first that differs. What gives
   * way goes to `yielded`. Returns whether a dispute began.
   */
  compareOwn(block: DecodedBlock, replicas: readonly number[], yielded: Yielded[]): boolean {
    const self = this.#own.self;
    const writer = replicas.indexOf(self);
    if (writer < 0 || writer >= block.writers) return false;
    let hasBegun = false;
    let missing: ReadonlySet<number> | undefined;
    for (let row = 0; row < block.count; row++) {
      if (block.replica[row] !== writer || this.#isUncertain(block, row, self)) continue;
      const seq = block.seq[row] as number;
      if (this.#dispute === undefined) {
        if (seq <= (this.#replicas.last[self] as number)) {
          if (this.#standing.stands(block, row, self)) continue;
          missing ??= this.#standing.missing(block, replicas);
          if (missing.has(row)) continue;
        }
        this.#beginDispute();
        hasBegun = true;
      }
      const dispute = this.#dispute as Dispute | undefined;
      if (dispute === undefined) continue;
      // What lies below the edge is not compared (K2): the dispute begins with what is above.
      const timeBefore = timeBeforeRow(block, row);
      const isFirst = timeBefore > 0 && timeBefore < this.#edges.certainFrom;
      const isBelow = (block.time[row] as number) < this.#edges.certainFrom;
      if (isFirst || isBelow) dispute.agreed = Math.max(dispute.agreed, seq - 1);
      if (seq !== dispute.agreed + 1) continue;
      const from = isFirst ? this.#standing.partsFrom(self, seq, timeBefore) : seq;
      if (from === seq && this.#standing.stands(block, row, self)) {
        dispute.agreed = seq;
        continue;
      }
      yielded.push(this.#yield(self, from));
      break;
    }
    return hasBegun;
  }

  /** G4: the journal may hold both branches of a dispute that was settled before. The later one is the one that stands. */
  compareStored(block: DecodedBlock, replicas: readonly number[], yielded: Yielded[]): void {
    const { last, lastTime } = this.#replicas;
    for (let row = 0; row < block.count; row++) {
      const writer = block.replica[row] as number;
      const replica = replicas[writer] as number;
      const seq = block.seq[row] as number;
      let timeBefore = seq === block.firstSeq[writer] ? (block.timeBefore[writer] as number) : 0;
      if (seq > (last[replica] as number)) {
        if (timeBefore === 0 || timeBefore >= (lastTime[replica] as number)) continue;
      } else {
        // Of two that the journal holds it is certain that they are two, wherever the edge is.
        if (this.#standing.stands(block, row, replica) || !this.#standing.find(replica, seq)) continue;
        timeBefore = timeBeforeRow(block, row);
      }
      // Of the branch that stands the part before may lie below the edge, and not be read yet (K2).
      const from = timeBefore === 0 ? seq : this.#standing.partsFrom(replica, seq, timeBefore);
      // A manifest may be older than the table (J3).
      if (this.#truncations.hides(replica, seq)) continue;
      if (this.#effective.packed.slots.length > 0) throw new PackedOtherwise();
      yielded.push(this.#yield(replica, from));
    }
  }

  /** An event below the edge says nothing of what is here (K2), unless another one stands above in its place. */
  #isUncertain(block: DecodedBlock, row: number, replica: number): boolean {
    const { certainFrom } = this.#edges;
    if ((block.time[row] as number) >= certainFrom) return false;
    const seq = block.seq[row] as number;
    const writer = block.replica[row] as number;
    const { last, lastTime } = this.#replicas;
    if (seq > (last[replica] as number)) {
      // Nor can it follow what is later.
      const timeBefore = seq === block.firstSeq[writer] ? (block.timeBefore[writer] as number) : 0;
      return timeBefore === 0 || timeBefore >= (lastTime[replica] as number);
    }
    if (!this.#edges.holds(replica, seq) || this.#standing.stands(block, row, replica)) return true;
    return this.#standing.findTime(replica, seq) < certainFrom;
  }

  /**
   * A peer says that it has these events. Returns those under this writer's id that are others than stand here (G4).
   *
   * @throws GossipError `forked` when another one stands here in the place of the last of a run, which nobody could be told
   *   of yet (G5).
   */
  doubted(runs: readonly KnownRun[]): KnownRun[] {
    const { stored, last } = this.#replicas;
    const doubted: KnownRun[] = [];
    for (const run of runs) {
      const replica = this.#replicas.find(run.replica);
      // Without its time an event is not claimed: the peer asks for what comes behind it.
      if (replica < 0 || run.lastTime === 0 || run.lastTime < this.#edges.certainFrom) continue;
      if (replica === this.#own.self) {
        if (this.#dispute === undefined && !this.#effective.has(replica, run)) doubted.push(run);
      } else if (run.last > (stored[replica] as number) && run.last <= (last[replica] as number)) {
        if (!this.#effective.has(replica, run)) throw forked(run.replica, run.last);
      }
    }
    return doubted;
  }

  /** Why a peer that sends these is refused, if it is (G5). */
  contradiction(block: DecodedBlock, replicas: readonly number[]): GossipError | undefined {
    const { ids, last, stored } = this.#replicas;
    for (let row = 0; row < block.count; row++) {
      const replica = replicas[block.replica[row] as number] as number;
      const seq = block.seq[row] as number;
      if (seq <= (stored[replica] as number) || seq > (last[replica] as number)) continue;
      if ((block.time[row] as number) < this.#edges.certainFrom) continue;
      if (
        replica === this.#own.self ||
        this.#dispute?.replica === replica ||
        this.#standing.stands(block, row, replica)
      )
        continue;
      return forked(ids[replica] as ReplicaId, seq);
    }
    return undefined;
  }

  /** Takes the events of a replica from `from` on out of the log. If it was this writer, it goes on under a fresh id. */
  #yield(replica: number, from: SequenceNumber): Yielded {
    const { ids, last, lastTime, firstTime, stored, storedTime } = this.#replicas;
    const wasStored = this.storedSeq(replica);
    if (this.#dispute?.replica === replica) {
      this.#dispute = undefined;
      this.#buffer.disputed = undefined;
    }
    const rows = this.#effective.ordered.remove(
      (chunk, row) => chunk.replica[row] === replica && (chunk.seq[row] as number) >= from,
    );
    this.#reissued.forget(rows, false);
    last[replica] = this.#edges.heldBefore(replica, from);
    this.#edges.cut(replica, from);
    lastTime[replica] = this.#standing.findTime(replica, last[replica] as number);
    if (from === 1) firstTime[replica] = 0;
    stored[replica] = Math.min(wasStored, from - 1);
    storedTime[replica] = this.#standing.findTime(replica, stored[replica] as number);
    this.#effective.forget();
    if (replica === this.#own.self) this.#own.giveWay();
    this.#heads.recount(this.#effective.ordered.chunks);
    return { replica: ids[replica] as ReplicaId, from, rows };
  }
}

function forked(replica: ReplicaId, seq: SequenceNumber): GossipError {
  return new GossipError('forked', 'the peer has another event in the place of one that is being stored here', {
    context: { replica, seq },
  });
}
