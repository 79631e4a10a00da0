/**
 * Which part of a log is in memory: the packed chunks from some chunk on, and all that is not packed (Q3). Older chunks
 * are read into memory (`loadSome`), given back (`trim`), and let go of for good (`drop`).
 */
import { chunkRowsMax, packedChunksMax } from '../limits.js';
import { Chunk } from './chunk.js';
import type { EffectiveRows } from './effective-rows.js';
import { mergeRows } from './merge-rows.js';
import { hiddenRowsOf, type PackedSlot, rowsOf } from './packed-chunks.js';
import type { Packer } from './packer.js';

/** Are these events in memory enough: all from a time on, so many? */
export type IsEnough = (oldest: { readonly from: number; readonly length: number }) => boolean;

/** Bytes that a row takes beside its payload. */
const rowBytes = 33;

/** @internal */
export class Residence {
  readonly #effective: EffectiveRows;
  readonly #packer: Packer;

  constructor(effective: EffectiveRows, packer: Packer) {
    this.#effective = effective;
    this.#packer = packer;
  }

  /** Rows behind the packed ones, and late ones. */
  get unpackedRows(): number {
    const { ordered, packed } = this.#effective;
    const { chunks } = ordered;
    const { chunk, row } = ordered.lowerBound(packed.end);
    let rows = packed.lateRows - row;
    for (let at = chunk; at < chunks.length; at++) rows += (chunks[at] as Chunk).count;
    return rows;
  }

  /** About how many bytes the rows in memory take. */
  get bytes(): number {
    const { ordered, tables } = this.#effective;
    return tables.pages.bytes + ordered.length * rowBytes;
  }

  /**
   * Moves the next chunks into the ordered log, as many as are needed or one reading gives. False: it was enough before.
   *
   * @throws ColdRows until their bytes are given.
   */
  loadSome(isEnough: IsEnough): boolean {
    const { ordered, packed } = this.#effective;
    let at = packed.cold;
    let length = ordered.shownLength;
    while (at > 0 && !isEnough({ from: packed.slots[at]?.start ?? packed.end, length })) {
      at--;
      const slot = packed.slots[at] as PackedSlot;
      length += rowsOf(slot) - hiddenRowsOf(slot);
      if (packed.cold - at === packedChunksMax) break;
    }
    return this.warm(at);
  }

  /**
   * Chunks from `at` on move into the ordered log. False: they were there.
   *
   * @throws ColdRows until their bytes are given.
   */
  warm(at: number): boolean {
    const { ordered, packed, tables, edges } = this.#effective;
    const { slots, cold } = packed;
    if (at >= cold) return false;
    packed.require((slots[at] as PackedSlot).start, packed.hotFrom);
    // Before anything of them is taken in: who wrote them may have to be read.
    if (!tables.writers.isRead) for (const slot of slots.slice(at, cold)) packed.blocks(slot);
    const chunks: Chunk[] = [];
    /** By writer, the event before the first that comes into memory. */
    const before = new Map<number, { seq: number; time: number }>();
    for (const slot of slots.slice(at, cold)) {
      const own = packed.decode(slot, false, (block, writers) => {
        block.firstSeq.forEach((seq, slot) => {
          const writer = writers[slot] as number;
          if (!before.has(writer)) before.set(writer, { seq: seq - 1, time: block.timeBefore[slot] as number });
        });
      });
      const { late } = slot;
      for (let row = 0; row < (late?.count ?? 0); row++) {
        const writer = late?.writer[row] as number;
        const seq = late?.seq[row] as number;
        if ((before.get(writer)?.seq ?? seq) < seq) continue;
        before.set(writer, { seq: seq - 1, time: edges.timeBefore(writer, seq) });
      }
      const rows = late === undefined ? own : mergeRows(own, late, 0, late.count, tables.writers);
      for (let from = 0; from < rows.count; ) {
        let chunk = chunks[chunks.length - 1];
        if (chunk === undefined || chunk.count === chunkRowsMax) {
          chunk = new Chunk(chunkRowsMax);
          chunks.push(chunk);
        }
        const to = Math.min(rows.count, from + chunkRowsMax - chunk.count);
        chunk.copyRows(rows, from, to);
        from = to;
      }
    }
    for (const [writer, { seq, time }] of before) edges.residesFrom(writer, seq, time);
    ordered.prepend(chunks);
    packed.warmFrom(at);
    return true;
  }

  /**
   * Gives back the memory of packed rows before that time. What `unflushed` rows point to stays. Snapshots keep what they
   * have seen. O(rows in memory). False: it was not in memory.
   */
  trim(from: number, unflushed: Chunk): boolean {
    const { ordered, packed, tables } = this.#effective;
    const { slots, cold, end } = packed;
    const at = Math.min(this.#packer.joined, from >= end ? slots.length : packed.indexAt(from));
    if (at <= cold) return false;
    packed.warmFrom(at);
    ordered.dropBefore(packed.hotFrom, this.#letGo);
    const kept = [...ordered.chunks, ...slots.flatMap(({ late }) => late ?? []), unflushed];
    const pages = new Set<number>();
    for (const { page, count } of kept) for (let row = 0; row < count; row++) pages.add(page[row] as number);
    tables.pages.keep(pages);
    tables.dependencies.compact(new Set(kept));
    return true;
  }

  /**
   * Lets go of rows before `time`: of the next packed chunks that lie before it as a whole, which the next pack removes,
   * and of what is in memory before that chunk that is kept first. Returns how many rows, and whether there are more.
   *
   * @throws ColdRows until their bytes are given.
   */
  dropSome(time: number): { readonly rows: number; readonly more: boolean } {
    const { ordered, packed, edges } = this.#effective;
    const { slots, cold } = packed;
    let count = 0;
    while (count < slots.length && packed.endOf(count) <= time && count < packedChunksMax) count++;
    const more = count < slots.length && packed.endOf(count) <= time;
    let rows = 0;
    // Whose events these were is not in memory.
    if (cold > 0 && count > 0) packed.require(0, packed.endOf(Math.min(count, cold) - 1));
    for (const slot of slots.slice(0, Math.min(count, cold))) {
      rows += rowsOf(slot);
      for (const { block, writers } of packed.blocks(slot)) {
        for (let row = 0; row < block.count; row++) {
          edges.drop(writers[block.writer[row] as number] as number, block.seq[row] as number);
        }
      }
      for (let row = 0; row < (slot.late?.count ?? 0); row++) {
        edges.drop(slot.late?.writer[row] as number, slot.late?.seq[row] as number);
      }
    }
    if (count > 0) {
      this.#packer.obsolete.push(...slots.slice(0, count).map(({ id }) => id));
      packed.replace(0, count, [], Math.max(0, cold - count));
    }
    // A packed chunk that is kept is kept whole (Q3).
    const cut = Math.min(time, packed.slots[0]?.start ?? time);
    if (packed.cold === 0) {
      rows += ordered.dropBefore(cut, (chunk, row) => {
        this.#letGo(chunk, row);
        edges.drop(chunk.writer[row] as number, chunk.seq[row] as number);
      });
    }
    edges.droppedBefore = Math.max(edges.droppedBefore, cut);
    return { rows, more };
  }

  readonly #letGo = (chunk: Chunk, row: number): void => {
    this.#effective.edges.letGo(chunk.writer[row] as number, chunk.seq[row] as number, chunk.time[row] as number);
  };
}
