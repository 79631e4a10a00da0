/**
 * Where rows lie that wait in the causal buffer: in columns, each row in a slot, without an object of its own. Of rows that
 * come one by one in a wrong order thousands wait, and objects that live so long are what collecting garbage costs most.
 *
 * Payloads stay in the bytes that they came in, which are kept as long as one of their rows waits. Slots are used again.
 */
import { type DecodedBlock, timeBeforeRow } from './codec/block.js';
import { Chunk } from './log/chunk.js';
import { DependencyArena } from './log/dependency-arena.js';
import type { LogTables } from './log/log-tables.js';
import { takeDependencies } from './log/take-rows.js';

/** Slots that are kept when nothing waits any more. */
const spareSlots = 64;

/** Bytes that rows came in, and how many of these wait. */
interface Source {
  readonly bytes: Uint8Array;
  rows: number;
}

const noSource: Source = { bytes: new Uint8Array(), rows: 0 };

/** @internal */
export class ParkedRows {
  /** The rows by slot. Their `page` is none of the log's, and their dependencies lie here. */
  #slots = new Chunk(spareSlots);
  #timeBefore = new Float64Array(spareSlots);
  #sources: (Source | undefined)[] = [];
  #free: number[] = [];
  #dependencies = new DependencyArena();
  /** Rows whose dependencies lie in the arena though they are gone. */
  #gone = 0;
  #lastSource = noSource;
  /** Of all blocks that rows wait of. */
  bytes = 0;

  writer(slot: number): number {
    return this.#slots.writer[slot] as number;
  }

  seq(slot: number): number {
    return this.#slots.seq[slot] as number;
  }

  time(slot: number): number {
    return this.#slots.time[slot] as number;
  }

  /** The time of its writer's event before; 0 where that is not told. */
  timeBefore(slot: number): number {
    return this.#timeBefore[slot] as number;
  }

  kind(slot: number): number {
    return this.#slots.kind[slot] as number;
  }

  /** A view of its payload. */
  payload(slot: number): Uint8Array {
    const from = this.#slots.offset[slot] as number;
    return (this.#sources[slot] as Source).bytes.subarray(from, from + (this.#slots.length[slot] as number));
  }

  eachDependency(slot: number, visit: (writer: number, seq: number, time: number) => void): void {
    this.#dependencies.each(this.#slots.deps[slot] as number, this.time(slot), visit);
  }

  /** Takes a row of a block in, and says where. `writers` are the log's indexes for the block's. */
  add(block: DecodedBlock, row: number, writers: readonly number[]): number {
    const slots = this.#slots;
    const slot = this.#free.pop() ?? this.#appendSlot();
    slots.writer[slot] = writers[block.writer[row] as number] as number;
    slots.seq[slot] = block.seq[row] as number;
    slots.time[slot] = block.time[row] as number;
    slots.kind[slot] = block.kind[row] as number;
    slots.offset[slot] = block.offset[row] as number;
    slots.length[slot] = block.length[row] as number;
    slots.deps[slot] = takeDependencies(block, row, writers, this.#dependencies);
    this.#timeBefore[slot] = timeBeforeRow(block, row);
    // Rows of one block come one after another.
    if (this.#lastSource.bytes !== block.bytes || this.#lastSource.rows === 0) {
      this.#lastSource = { bytes: block.bytes, rows: 0 };
      this.bytes += block.bytes.length;
    }
    this.#lastSource.rows++;
    this.#sources[slot] = this.#lastSource;
    return slot;
  }

  /** Appends a row to a chunk of the log, which must have room. */
  copy(slot: number, chunk: Chunk, { pages, dependencies }: LogTables): void {
    const { writer, seq, time, kind, offset, length, deps } = this.#slots;
    const from = offset[slot] as number;
    const bytes = length[slot] as number;
    const at = time[slot] as number;
    pages.place((this.#sources[slot] as Source).bytes, from, from + bytes);
    const record = dependencies.begin(this.#dependencies.count(deps[slot] as number));
    this.eachDependency(slot, (other, needed, neededTime) => dependencies.add(other, needed, at - neededTime));
    chunk.push(
      writer[slot] as number,
      seq[slot] as number,
      at,
      kind[slot] as number,
      pages.page,
      pages.offset,
      bytes,
      record,
    );
  }

  /** The row is gone, the slot is free. */
  free(slot: number): void {
    const source = this.#sources[slot] as Source;
    if (--source.rows === 0) this.bytes -= source.bytes.length;
    this.#sources[slot] = undefined;
    this.#free.push(slot);
    if (this.#free.length === this.#slots.count) {
      this.#empty();
    } else if (this.#slots.deps[slot] !== 0) {
      this.#slots.deps[slot] = 0;
      // Once as many are gone as wait, copying those costs no more than coming in did.
      if (++this.#gone > this.#slots.count) {
        this.#dependencies.compact([this.#slots]);
        this.#gone = 0;
      }
    }
  }

  /** What a crowd of rows needed is not kept for the few that come next. */
  #empty(): void {
    this.#gone = 0;
    this.#free = [];
    this.#sources = [];
    this.#lastSource = noSource;
    if (this.#slots.capacity > spareSlots) {
      this.#slots = new Chunk(spareSlots);
      this.#timeBefore = new Float64Array(spareSlots);
      this.#dependencies = new DependencyArena();
    }
    this.#dependencies.clear();
    this.#slots.count = 0;
  }

  #appendSlot(): number {
    const slots = this.#slots;
    if (slots.count === slots.capacity) {
      slots.reserveOneMore();
      const timeBefore = new Float64Array(slots.capacity);
      timeBefore.set(this.#timeBefore);
      this.#timeBefore = timeBefore;
    }
    return slots.count++;
  }
}
