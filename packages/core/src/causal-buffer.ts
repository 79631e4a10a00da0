/**
 * Events that wait for a predecessor or a dependency, bounded. Each waits at one replica: that of the first reference
 * it lacks. Above the bounds the newest are dropped; they can be fetched again.
 *
 * Who waits for its writer's previous event is found by that event's number. Lists are kept for the others alone, and
 * those are few: a writer's first event that waits for a dependency keeps all later ones waiting for their predecessor.
 */
import { type DecodedBlock, timeBeforeRow } from './codec/block.js';
import { invariant } from './errors.js';
import type { ReplicaId } from './ids.js';
import { causalBufferBytesMax, causalBufferRowsMax } from './limits.js';
import type { Edges, MissingEvent } from './log/edges.js';
import type { ReplicaTable } from './log/replica-table.js';
import type { Run } from './ports/storage.js';
import { WaitingRows } from './waiting-rows.js';

/** A row of a decoded block that cannot show yet. @internal */
export interface ParkedRow {
  readonly block: DecodedBlock;
  readonly row: number;
  /** The log's replica index for each of the block's replicas. */
  readonly replicas: Uint32Array;
  readonly replica: number;
  readonly seq: number;
  readonly time: number;
}

/** @internal */
export class CausalBuffer {
  /** A replica of which it is open which events stand (G4): no reference to it is void until that is settled. */
  disputed: number | undefined;
  readonly #replicas: ReplicaTable;
  readonly #edges: Edges;
  readonly #waiting = new Map<number, WaitingRows<ParkedRow>>();
  readonly #byDot = new Map<number, { parked: ParkedRow; waitsFor: number }>();
  /** Per replica, the last event that is known to be missing. */
  readonly #needed = new Map<number, number>();
  /** How many rows keep a block: as long as one does, all of its bytes are kept. */
  readonly #blocks = new Map<DecodedBlock, number>();
  #bytes = 0;

  /** `replicas` says what is in the log: up to `last`, per replica; `edges` which references count as met (K1). */
  constructor(replicas: ReplicaTable, edges: Edges) {
    this.#replicas = replicas;
    this.#edges = edges;
  }

  get rows(): number {
    return this.#byDot.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  has(replica: number, seq: number): boolean {
    return this.#byDot.has(dot(replica, seq));
  }

  /** The replica that a row of a block waits for, or -1 when nothing is missing (G2). */
  waitsFor(block: DecodedBlock, row: number, replicas: Uint32Array): number {
    const replica = replicas[block.replica[row] as number] as number;
    if (this.#lacksPredecessor(block, row, replica)) return replica;
    const end = block.depStart[row + 1] as number;
    for (let i = block.depStart[row] as number; i < end; i++) {
      const other = replicas[block.depReplica[i] as number] as number;
      if (this.#isMissing(other, block.depSeq[i] as number, block.depTime[i] as number)) return other;
    }
    return -1;
  }

  /** Parks a row, or moves it to another replica to wait for. */
  park(parked: ParkedRow, waitsFor: number): void {
    this.remove(parked);
    if (waitsFor !== parked.replica) {
      const waiting =
        this.#waiting.get(waitsFor) ?? new WaitingRows<ParkedRow>(this.#replicas.last[waitsFor] as number);
      this.#waiting.set(waitsFor, waiting);
      const reference = this.#missingReference(parked, waitsFor);
      waiting.add(parked, reference.seq, reference.time);
    }
    this.#byDot.set(dot(parked.replica, parked.seq), { parked, waitsFor });
    const rows = this.#blocks.get(parked.block) ?? 0;
    this.#blocks.set(parked.block, rows + 1);
    if (rows === 0) this.#bytes += parked.block.bytes.length;
  }

  remove(parked: ParkedRow): void {
    const key = dot(parked.replica, parked.seq);
    const entry = this.#byDot.get(key);
    if (entry === undefined) return;
    this.#byDot.delete(key);
    const waiting = this.#waiting.get(entry.waitsFor);
    waiting?.delete(entry.parked);
    if (waiting?.size === 0) this.#waiting.delete(entry.waitsFor);
    const { block } = entry.parked;
    const rows = this.#blocks.get(block) as number;
    if (rows > 1) {
      this.#blocks.set(block, rows - 1);
    } else {
      this.#blocks.delete(block);
      this.#bytes -= block.bytes.length;
    }
  }

  /** The rows that the last events of `replica` may have freed. */
  waitingFor(replica: number): ParkedRow[] {
    const last = this.#replicas.last[replica] as number;
    const rows = this.#waiting.get(replica)?.wake(last, this.#replicas.lastTime[replica] as number) ?? [];
    const next = this.#byDot.get(dot(replica, last + 1));
    if (next !== undefined) rows.push(next.parked);
    return rows;
  }

  /** Notes what a row that was just parked refers to and is neither here nor parked. */
  need(parked: ParkedRow): void {
    this.#eachMissing(parked, (replica, seq) => this.#need(replica, seq));
  }

  /** What parked rows refer to and that is neither here nor parked, each once. O(parked rows). */
  unmet(): MissingEvent[] {
    const unmet = new Map<number, MissingEvent>();
    for (const { parked } of this.#byDot.values()) {
      this.#eachMissing(parked, (replica, seq, time) => {
        const key = dot(replica, seq);
        if (!this.has(replica, seq) && (unmet.get(key)?.time ?? -1) < time) unmet.set(key, { replica, seq, time });
      });
    }
    return [...unmet.values()];
  }

  /** Takes all rows out, in log order: what they wait for is to be looked at anew. */
  takeAll(): ParkedRow[] {
    const parked = Array.from(this.#byDot.values(), (entry) => entry.parked);
    for (const row of parked) this.remove(row);
    return parked.sort((a, b) => a.time - b.time || this.#replicas.compare(a.replica, b.replica));
  }

  #eachMissing(
    { block, row, replicas, replica, seq, time }: ParkedRow,
    visit: (replica: number, seq: number, time: number) => void,
  ): void {
    if (seq - 1 > (this.#replicas.last[replica] as number) && this.#lacksPredecessor(block, row, replica)) {
      visit(replica, seq - 1, timeBeforeRow(block, row) || time - 1);
    }
    const end = block.depStart[row + 1] as number;
    for (let i = block.depStart[row] as number; i < end; i++) {
      const other = replicas[block.depReplica[i] as number] as number;
      const needed = block.depSeq[i] as number;
      const neededTime = block.depTime[i] as number;
      if (this.#isMissing(other, needed, neededTime)) visit(other, needed, neededTime);
    }
  }

  #lacksPredecessor(block: DecodedBlock, row: number, replica: number): boolean {
    if (this.#replicas.last[replica] === (block.seq[row] as number) - 1) return false;
    return this.#edges.complete === 0 || !this.#edges.begins(replica, timeBeforeRow(block, row));
  }

  /** What parked rows lack, per replica: from the first event that is not here to the last one needed. */
  missing(): Run[] {
    const { ids, last, hiddenFrom } = this.#replicas;
    for (const [replica, seq] of this.#needed) {
      const needed = Math.min(seq, (hiddenFrom[replica] as number) - 1);
      if (this.rows === 0 || needed <= (last[replica] as number)) this.#needed.delete(replica);
      else this.#needed.set(replica, needed);
    }
    return Array.from(this.#needed, ([replica, seq]) => ({
      replica: ids[replica] as ReplicaId,
      first: (last[replica] as number) + 1,
      last: seq,
    }));
  }

  /** What a row lacks first of a replica's events. */
  #missingReference({ block, row, replicas }: ParkedRow, replica: number): { seq: number; time: number } {
    const end = block.depStart[row + 1] as number;
    for (let i = block.depStart[row] as number; i < end; i++) {
      const seq = block.depSeq[i] as number;
      const time = block.depTime[i] as number;
      if (replicas[block.depReplica[i] as number] === replica && this.#isMissing(replica, seq, time))
        return { seq, time };
    }
    invariant(false, 'a parked row lacks an event of the replica that it waits for');
  }

  #need(replica: number, seq: number): void {
    if (seq > (this.#needed.get(replica) ?? 0) && !this.has(replica, seq)) this.#needed.set(replica, seq);
  }

  /** A reference whose replica has passed its time without its number is void, not missing (G2); one to a hidden event is met. */
  #isMissing(replica: number, seq: number, time: number): boolean {
    if (seq <= (this.#replicas.last[replica] as number) || time < this.#edges.complete) return false;
    if (seq >= (this.#replicas.hiddenFrom[replica] as number)) return false;
    return replica === this.disputed || time > (this.#replicas.lastTime[replica] as number);
  }

  /** Drops the newest rows until the buffer is within seven eighths of its bounds, if it is over one. Returns how many. */
  shed(): number {
    if (this.rows <= causalBufferRowsMax && this.#bytes <= causalBufferBytesMax) return 0;
    const newestFirst = Array.from(this.#byDot.values(), ({ parked }) => parked).sort((a, b) => b.time - a.time);
    let dropped = 0;
    for (const parked of newestFirst) {
      if (this.rows <= causalBufferRowsMax * 0.875 && this.#bytes <= causalBufferBytesMax * 0.875) break;
      this.remove(parked);
      dropped++;
    }
    return dropped;
  }
}

function dot(replica: number, seq: number): number {
  return replica * 0x1_0000_0000 + seq;
}
