/** Rows of a feed, as they came: events of them are made when they are read. */
import type { DecodedBlock } from '../codec/block.js';
import type { PayloadCodec } from '../codec/payload.js';
import { eventOf, isShown, type LogEvent } from '../event.js';
import { type WriterId, writerIdFromBytes } from '../ids.js';

/** The rows of one block, in its order. */
export class FeedRows {
  readonly #block: DecodedBlock;
  readonly #writers: readonly WriterId[];

  constructor(block: DecodedBlock) {
    this.#block = block;
    this.#writers = block.writers.slice(0, block.withRows).map(writerIdFromBytes);
  }

  get count(): number {
    return this.#block.count;
  }

  writer(row: number): WriterId {
    return this.#writers[this.#block.writer[row] as number] as WriterId;
  }

  seq(row: number): number {
    return this.#block.seq[row] as number;
  }

  time(row: number): number {
    return this.#block.time[row] as number;
  }

  /** The event of a row: another object at each call. `undefined` for a row of the log's own, which no app sees. */
  event<T>(row: number, codec: PayloadCodec<T>): LogEvent<T> | undefined {
    if (!isShown(this.#block.kind[row] as number)) return undefined;
    return eventOf(this.#block, row, this.writer(row), this.#block.bytes, codec);
  }
}
