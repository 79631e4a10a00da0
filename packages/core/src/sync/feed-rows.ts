/** Rows of a feed, as they came: events of them are made when they are read. */
import type { DecodedBlock } from '../codec/block.js';
import type { PayloadCodec } from '../codec/payload.js';
import { eventOf, type LogEvent } from '../event.js';
import { type ReplicaId, replicaIdFromBytes } from '../ids.js';

/** The rows of one block, in its order. */
export class FeedRows {
  readonly #block: DecodedBlock;
  readonly #writers: readonly ReplicaId[];

  constructor(block: DecodedBlock) {
    this.#block = block;
    this.#writers = block.replicas.slice(0, block.writers).map(replicaIdFromBytes);
  }

  get count(): number {
    return this.#block.count;
  }

  replica(row: number): ReplicaId {
    return this.#writers[this.#block.replica[row] as number] as ReplicaId;
  }

  seq(row: number): number {
    return this.#block.seq[row] as number;
  }

  time(row: number): number {
    return this.#block.time[row] as number;
  }

  /** The event of a row: another object at each call. */
  event<T>(row: number, codec: PayloadCodec<T>): LogEvent<T> {
    return eventOf(this.#block, row, this.replica(row), this.#block.bytes, codec);
  }
}
