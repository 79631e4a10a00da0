/**
 * Finds rows of a column of writer ids, of 16 bytes each, by their bytes: a hash table of row numbers, without an object a row.
 * Open addressing with linear probing, at most half full.
 *
 * Peers choose ids, so a peer can make many that collide. Once a search takes long, all rows are hashed again with a salt made of
 * all ids that are here, which no peer knows. Ids that are random, as ours are, never come to that.
 */
import { writerIdBytes } from '../limits.js';

const firstSlots = 16;
/** Among random ids a search of so many steps does not happen. */
const stepsMax = 256;
/** Rows that must be added before all are hashed again for long searches. */
const rehashRowsMin = 1024;

/** Where row n of a column of ids begins is the owner's to say: ids may lie in several arrays. @internal */
export interface IdColumn {
  /** The array that row n's id lies in, */
  bytesOf(row: number): Uint8Array;
  /** and where. */
  offsetOf(row: number): number;
}

/** @internal */
export class WriterIndex {
  readonly #ids: IdColumn;
  /** Row + 1 by slot; 0 where a slot is free. */
  #slots = new Int32Array(firstSlots);
  #count = 0;
  #salt = 0;
  /** The sum of all ids' hashes. */
  #sum = 0;
  #nextRehash = rehashRowsMin;

  constructor(ids: IdColumn) {
    this.#ids = ids;
  }

  /** Bytes that it takes. */
  get bytes(): number {
    return this.#slots.byteLength;
  }

  /** Makes room for so many rows. */
  reserve(rows: number): void {
    let slots = this.#slots.length;
    while (slots < rows * 2) slots *= 2;
    if (slots > this.#slots.length) this.#hashAll(slots);
  }

  /** The row with that id; -1 when there is none. */
  find(bytes: Uint8Array, offset: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = this.#hash(bytes, offset) & mask; ; slot = (slot + 1) & mask) {
      const row = (this.#slots[slot] as number) - 1;
      if (row < 0) return -1;
      if (this.#isAt(row, bytes, offset)) return row;
    }
  }

  /** Adds a row whose id is not here. */
  add(row: number): void {
    this.reserve(this.#count + 1);
    this.#count++;
    const steps = this.#put(row);
    this.#sum = (this.#sum + this.#hash(this.#ids.bytesOf(row), this.#ids.offsetOf(row))) | 0;
    if (steps < stepsMax || this.#count < this.#nextRehash) return;
    this.#nextRehash = this.#count + rehashRowsMin;
    this.#salt = mix(this.#salt ^ this.#sum);
    this.#hashAll(this.#slots.length);
  }

  /** Forgets all rows. */
  clear(): void {
    this.#slots.fill(0);
    this.#count = 0;
  }

  #hashAll(slots: number): void {
    const before = this.#slots;
    this.#slots = new Int32Array(slots);
    for (const entry of before) if (entry > 0) this.#put(entry - 1);
  }

  /** Puts a row where its search ends. Returns how long that took. */
  #put(row: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = this.#hash(this.#ids.bytesOf(row), this.#ids.offsetOf(row)) & mask;
    let steps = 0;
    for (; slots[slot] !== 0; slot = (slot + 1) & mask) steps++;
    slots[slot] = row + 1;
    return steps;
  }

  #hash(bytes: Uint8Array, at: number): number {
    let hash = this.#salt;
    for (let word = at; word < at + writerIdBytes; word += 4) {
      hash = Math.imul(hash ^ wordAt(bytes, word), 0x85ebca6b);
      hash ^= hash >>> 15;
    }
    return mix(hash);
  }

  #isAt(row: number, bytes: Uint8Array, offset: number): boolean {
    const ids = this.#ids.bytesOf(row);
    const at = this.#ids.offsetOf(row);
    for (let i = 0; i < writerIdBytes; i++) if (ids[at + i] !== bytes[offset + i]) return false;
    return true;
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

/** The finalizer of MurmurHash3 (Austin Appleby, public domain). */
function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
