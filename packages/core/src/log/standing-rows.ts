/**
 * What stands in the log, held against what comes: is it the same event, another in its place, or one that is missing
 * here (G4, G7)? Of packed chunks that are not in memory it knows the late rows; for the others it takes a peer's word.
 */

import type { DecodedBlock } from '../codec/block.js';
import { eventKind, isShown } from '../event.js';
import type { SequenceNumber } from '../ids.js';
import type { Chunk } from './chunk.js';
import type { EffectiveRows } from './effective-rows.js';
import { compareBytes } from './writer-table.js';

/** A row of the log. */
export interface StandingRow {
  readonly chunk: Chunk;
  readonly row: number;
}

/** @internal */
export class StandingRows {
  readonly #effective: EffectiveRows;

  constructor(effective: EffectiveRows) {
    this.#effective = effective;
  }

  /** An event in memory. Newest first, since that is what is mostly asked for; two columns are scanned at about a nanosecond a row. */
  find(writer: number, seq: number): StandingRow | undefined {
    if (seq > (this.#effective.tables.writers.last[writer] as number)) return undefined;
    const { chunks } = this.#effective.ordered;
    for (let i = chunks.length - 1; i >= 0; i--) {
      const chunk = chunks[i] as Chunk;
      for (let row = chunk.count - 1; row >= 0; row--) {
        if (chunk.seq[row] === seq && chunk.writer[row] === writer) return { chunk, row };
      }
    }
    return undefined;
  }

  /** 0 when there is no such event in memory. */
  findTime(writer: number, seq: SequenceNumber): number {
    const found = this.find(writer, seq);
    return found === undefined ? 0 : (found.chunk.time[found.row] as number);
  }

  /** Is a row of a block in the log, just as it is? */
  stands(block: DecodedBlock, row: number, writer: number): boolean {
    const time = block.time[row] as number;
    const found = this.locate(time, writer);
    if (found === undefined) return time < this.#effective.packed.hotFrom;
    const { chunk } = found;
    const length = block.length[row] as number;
    if (chunk.seq[found.row] !== block.seq[row]) return false;
    // What an erased row was cannot be told any more.
    const kinds = [chunk.kind[found.row], block.kind[row]] as number[];
    if (kinds.includes(eventKind.erased) && kinds.every((kind) => isShown(kind))) return true;
    if (chunk.length[found.row] !== length) return false;
    const ours = this.payload(chunk, found.row);
    const offset = block.offset[row] as number;
    return compareBytes(ours, block.bytes.subarray(offset, offset + length)) === 0;
  }

  /** Of those in memory. */
  isErased(time: number, writer: number): boolean {
    const found = this.locate(time, writer);
    return found?.chunk.kind[found.row] === eventKind.erased;
  }

  /** A view of a row's payload. */
  payload(chunk: Chunk, row: number): Uint8Array {
    const { pages } = this.#effective.tables;
    return pages.get(chunk.page[row] as number, chunk.offset[row] as number, chunk.length[row] as number);
  }

  /** Where the row of that key stands, of those in memory. */
  locate(time: number, writer: number): StandingRow | undefined {
    if (time >= this.#effective.packed.hotFrom) return this.#effective.locate(time, writer);
    return this.#effective.packed.findLate(time, writer);
  }

  /**
   * Rows of a block that are missing here before others of their writers: there is none of that number, and room for it.
   * What is packed and not in memory is taken to be whole.
   */
  missing(block: DecodedBlock, writers: readonly number[]): ReadonlySet<number> {
    const { writers: table } = this.#effective.tables;
    const { last, packed } = table;
    const { cold, coldRows, hotFrom } = this.#effective.packed;
    const missing = new Set<number>();
    // Mostly none is: then there are as many events as their numbers say.
    if (this.#effective.ordered.length + coldRows === table.countTo('last')) return missing;
    const known: number[] = [];
    for (let row = 0; row < block.count; row++) {
      const writer = writers[block.writer[row] as number] as number;
      const seq = block.seq[row] as number;
      const isHot = cold === 0 || ((block.time[row] as number) >= hotFrom && seq > (packed[writer] as number));
      if (seq > (last[writer] as number) || !isHot) continue;
      // Where another event of the writer has its time, it has no place: two rows of one key have no order.
      if (!this.stands(block, row, writer) && this.locate(block.time[row] as number, writer) === undefined)
        known.push(row);
    }
    // A missing row follows on one that is here, or on another missing one: the block has them in order.
    const lastMissing = new Map<number, SequenceNumber>();
    for (const { row, before, after, taken } of this.#around(block, writers, known)) {
      const writer = block.writer[row] as number;
      const time = block.time[row] as number;
      const seq = block.seq[row] as number;
      const follows = before > 0 ? time > before : seq === 1 || lastMissing.get(writer) === seq - 1;
      if (taken || time >= after || !follows) continue;
      missing.add(row);
      lastMissing.set(writer, seq);
    }
    return missing;
  }

  /** By row of a block: the times of its neighbours by number, as far as they are here, and whether it is. O(events). */
  #around(block: DecodedBlock, writers: readonly number[], rows: readonly number[]) {
    const around = rows.map((row) => ({ row, before: 0, after: Number.POSITIVE_INFINITY, taken: false }));
    const bySeq = new Map<number, Map<number, (typeof around)[number]>>();
    for (const found of around) {
      const writer = writers[block.writer[found.row] as number] as number;
      const ofWriter = bySeq.get(writer) ?? new Map();
      bySeq.set(writer, ofWriter.set(block.seq[found.row], found));
    }
    for (const chunk of this.#effective.ordered.chunks) {
      for (let at = 0; at < chunk.count; at++) {
        const ofWriter = bySeq.get(chunk.writer[at] as number);
        if (ofWriter === undefined) continue;
        const seq = chunk.seq[at] as number;
        const [next, same, previous] = [ofWriter.get(seq + 1), ofWriter.get(seq), ofWriter.get(seq - 1)];
        if (next !== undefined) next.before = chunk.time[at] as number;
        if (same !== undefined) same.taken = true;
        if (previous !== undefined) previous.after = chunk.time[at] as number;
      }
    }
    return around;
  }
}
