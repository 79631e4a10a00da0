/**
 * The dependencies of all rows of a log, packed: a row's column holds an offset into one growing byte array, 0 for
 * a row without any. There stand the count and then, per dependency, writer index, sequence number and how much
 * older it is, as varints: about 6 bytes instead of 16 in typed columns.
 *
 * Rows that are in memory for one reading only have theirs in an arena of its own, which is emptied afterwards.
 */
import { clockStepsPerMs } from '../hybrid-logical-clock.js';
import type { Chunk } from './chunk.js';

/** Offsets with this bit are of the arena of rows that are read. */
export const passingBit = 0x8000_0000;

/** @internal */
export class DependencyArena {
  #bytes = new Uint8Array(64);
  // Offset 0 means "none", so the first record starts at 1.
  #end = 1;
  #passing: DependencyArena | undefined;

  /** Where the dependencies of rows go that are in memory for one reading only; `clear` it then. */
  get passing(): DependencyArena {
    this.#passing ??= new DependencyArena();
    return this.#passing;
  }

  clear(): void {
    this.#end = 1;
  }

  /** Keeps the records of these chunks alone, and sets their columns right. */
  compact(chunks: Iterable<Chunk>): void {
    const kept = new DependencyArena();
    for (const { deps, time, count } of chunks) {
      for (let row = 0; row < count; row++) {
        const offset = deps[row] as number;
        if (offset === 0) continue;
        deps[row] = kept.begin(this.count(offset));
        const rowTime = time[row] as number;
        this.each(offset, rowTime, (writer, seq, at) => kept.add(writer, seq, rowTime - at));
      }
    }
    this.#bytes = kept.#bytes;
    this.#end = kept.#end;
  }

  /** Starts a record of `count` dependencies and returns its offset; `add` follows `count` times. */
  begin(count: number): number {
    if (count === 0) return 0;
    this.#reserve(1 + count * 24);
    const offset = this.#end;
    this.#varint(count);
    return offset;
  }

  /** One dependency of the record begun last; `age` is the event's time less the dependency's. */
  add(writer: number, seq: number, age: number): void {
    // Mostly both counters stand at 0, and milliseconds will do, which are two bytes fewer.
    const isWhole = age % clockStepsPerMs === 0;
    this.#varint(writer * 2 + (isWhole ? 1 : 0));
    this.#varint(seq);
    this.#varint(isWhole ? age / clockStepsPerMs : age);
  }

  /** Calls `visit(writer, seq, time)` for every dependency of a row, newest first. */
  each(offset: number, rowTime: number, visit: (writer: number, seq: number, time: number) => void): void {
    if (offset === 0) return;
    if (offset >= passingBit) {
      this.passing.each(offset - passingBit, rowTime, visit);
      return;
    }
    const cursor = { at: offset };
    for (let count = this.#read(cursor); count > 0; count--) {
      const writer = this.#read(cursor);
      const seq = this.#read(cursor);
      const age = this.#read(cursor);
      visit(writer >>> 1, seq, rowTime - (writer % 2 === 1 ? age * clockStepsPerMs : age));
    }
  }

  /** How many dependencies a row has recorded. */
  count(offset: number): number {
    if (offset >= passingBit) return this.passing.count(offset - passingBit);
    return offset === 0 ? 0 : this.#read({ at: offset });
  }

  #reserve(count: number): void {
    if (this.#end + count <= this.#bytes.length) return;
    // By a quarter rather than by doubling: half of what is kept would be slack, and copying it costs next to nothing.
    const larger = new Uint8Array(Math.max(Math.ceil(this.#bytes.length * 1.25), this.#end + count));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }

  #varint(value: number): void {
    const bytes = this.#bytes;
    let rest = value;
    while (rest > 0x0fffffff) {
      bytes[this.#end++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    while (rest > 127) {
      bytes[this.#end++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    bytes[this.#end++] = rest;
  }

  #read(cursor: { at: number }): number {
    const bytes = this.#bytes;
    let byte = bytes[cursor.at++] as number;
    if (byte < 128) return byte;
    let value = byte & 127;
    for (let unit = 128; ; unit *= 128) {
      byte = bytes[cursor.at++] as number;
      value += (byte & 127) * unit;
      if (byte < 128) return value;
    }
  }
}
