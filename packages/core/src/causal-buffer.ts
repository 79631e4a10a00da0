/**
 * Events that wait for a dependency, bounded. Each waits at one replica: that of the first reference it lacks.
 * Above the bounds the newest are dropped; they can be fetched again.
 */
import type { DecodedBlock } from './codec/block.js';
import { causalBufferBytesMax, causalBufferRowsMax } from './limits.js';

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
  readonly #waiting = new Map<number, Set<ParkedRow>>();
  readonly #byDot = new Map<number, { parked: ParkedRow; waitsFor: number }>();
  #bytes = 0;

  get rows(): number {
    return this.#byDot.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  has(replica: number, seq: number): boolean {
    return this.#byDot.has(dot(replica, seq));
  }

  isWaitedFor(replica: number): boolean {
    return this.#waiting.has(replica);
  }

  /** Parks a row, or moves it to another replica to wait for. */
  park(parked: ParkedRow, waitsFor: number): void {
    this.remove(parked);
    let waiting = this.#waiting.get(waitsFor);
    if (waiting === undefined) {
      waiting = new Set();
      this.#waiting.set(waitsFor, waiting);
    }
    waiting.add(parked);
    this.#byDot.set(dot(parked.replica, parked.seq), { parked, waitsFor });
    this.#bytes += parked.block.length[parked.row] as number;
  }

  remove(parked: ParkedRow): void {
    const key = dot(parked.replica, parked.seq);
    const entry = this.#byDot.get(key);
    if (entry === undefined) return;
    this.#byDot.delete(key);
    const waiting = this.#waiting.get(entry.waitsFor) as Set<ParkedRow>;
    waiting.delete(entry.parked);
    if (waiting.size === 0) this.#waiting.delete(entry.waitsFor);
    this.#bytes -= entry.parked.block.length[entry.parked.row] as number;
  }

  /** The rows that wait for an event of `replica`, in causal order. */
  waitingFor(replica: number): ParkedRow[] {
    return [...(this.#waiting.get(replica) ?? [])].sort((a, b) => a.time - b.time);
  }

  all(): ParkedRow[] {
    return Array.from(this.#byDot.values(), ({ parked }) => parked);
  }

  /** Drops the newest rows until the buffer is within seven eighths of its bounds, if it is over one. Returns how many. */
  shed(): number {
    if (this.rows <= causalBufferRowsMax && this.#bytes <= causalBufferBytesMax) return 0;
    const newestFirst = this.all().sort((a, b) => b.time - a.time);
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
