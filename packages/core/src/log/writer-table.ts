/**
 * The writers of one log, interned: a writer is a small number in every column, and this table says which. Columns of typed
 * arrays, about 90 bytes a writer; no object exists for a writer until its id is asked for as text.
 *
 * Per writer it keeps the last event of the log (`last`, `lastTime`) and the last one that is stored
 * (`stored`, `storedTime`): the log's version vector, and that of its effective part. `packed` says how far its events lie
 * in packed chunks, `gone` what of them is not in memory, `dropped` what of them was deleted.
 *
 * A column is another array after a writer was added: read it from the table each time.
 */
import { type WriterId, writerIdFromBytes, writeWriterId } from '../ids.js';
import { writerIdBytes } from '../limits.js';
import type { RunEnds } from './run-ends.js';
import { type IdColumn, WriterIndex } from './writer-index.js';

const firstWriters = 8;

/** For ids that are given as text. */
const scratch = new Uint8Array(writerIdBytes);

/** @internal */
export class WriterTable implements IdColumn {
  size = 0;
  last = new Uint32Array(firstWriters);
  lastTime = new Float64Array(firstWriters);
  firstTime = new Float64Array(firstWriters);
  stored = new Uint32Array(firstWriters);
  storedTime = new Float64Array(firstWriters);
  packed = new Uint32Array(firstWriters);
  packedTime = new Float64Array(firstWriters);
  /** The last event that is not in memory, and its time; 0 where that is not known. */
  gone = new Uint32Array(firstWriters);
  goneTime = new Float64Array(firstWriters);
  /** The last event that was deleted: it counts as held, and would not be taken again. */
  dropped = new Uint32Array(firstWriters);
  /** Ids, one behind another. */
  idBytes = new Uint8Array(firstWriters * writerIdBytes);
  readonly #texts: (WriterId | undefined)[] = [];
  readonly #index = new WriterIndex(this);
  /** Numbers that serve again. */
  #free: number[] = [];
  /** How many were interned so far, some of them again. */
  added = 0;
  /** Where the log's events end, by writer. */
  readonly ends: RunEnds = {
    lastOf: (writer) => this.last[writer] ?? 0,
    lastTimeOf: (writer) => this.lastTime[writer] ?? 0,
    setEnd: (writer, seq, time) => {
      this.last[writer] = seq;
      this.lastTime[writer] = time;
    },
  };
  /** Where the packed ones end. */
  readonly packedEnds: RunEnds = {
    lastOf: (writer) => this.packed[writer] ?? 0,
    lastTimeOf: (writer) => this.packedTime[writer] ?? 0,
    setEnd: (writer, seq, time) => {
      this.packed[writer] = seq;
      this.packedTime[writer] = time;
    },
  };

  /** The number of a writer, or -1 when it never was interned. */
  find(id: WriterId): number {
    return writeWriterId(id, scratch) ? this.#index.find(scratch, 0) : -1;
  }

  /** The number of a writer, interned when it is new. */
  intern(id: WriterId): number {
    const known = this.find(id);
    return known >= 0 ? known : this.#add(scratch);
  }

  /** The same for 16 bytes, which may be a view into a larger buffer. */
  internBytes(bytes: Uint8Array): number {
    const known = this.#index.find(bytes, 0);
    return known >= 0 ? known : this.#add(bytes);
  }

  /** Its id as text, made when it is first asked for. */
  id(writer: number): WriterId {
    let text = this.#texts[writer];
    if (text === undefined) {
      text = writerIdFromBytes(this.bytes(writer));
      this.#texts[writer] = text;
    }
    return text;
  }

  /** A view of its id. */
  bytes(writer: number): Uint8Array {
    return this.idBytes.subarray(writer * writerIdBytes, (writer + 1) * writerIdBytes);
  }

  /** Byte order of two writers: the tie-break of the total order. */
  compare(a: number, b: number): number {
    if (a === b) return 0;
    const { idBytes: ids } = this;
    const [from, other] = [a * writerIdBytes, b * writerIdBytes];
    for (let i = 0; i < writerIdBytes; i++) {
      const difference = (ids[from + i] as number) - (ids[other + i] as number);
      if (difference !== 0) return difference;
    }
    return 0;
  }

  /** Events of all writers, by their numbers. O(writers). */
  countTo(column: 'last' | 'stored'): number {
    const numbers = this[column];
    let count = 0;
    for (let writer = 0; writer < this.size; writer++) count += numbers[writer] as number;
    return count;
  }

  /** Forgets writers without an event, but for those that are `used`: others take their numbers. O(writers). */
  forgetUnused(used: ReadonlySet<number>): void {
    const free: number[] = [];
    this.#index.clear();
    for (let writer = 0; writer < this.size; writer++) {
      if (this.last[writer] === 0 && this.dropped[writer] === 0 && !used.has(writer)) free.push(writer);
      else this.#index.add(writer);
    }
    for (const writer of free) this.#texts[writer] = undefined;
    this.#free = free;
  }

  /** How many it knows. */
  get known(): number {
    return this.size - this.#free.length;
  }

  bytesOf(): Uint8Array {
    return this.idBytes;
  }

  offsetOf(writer: number): number {
    return writer * writerIdBytes;
  }

  #add(bytes: Uint8Array): number {
    this.added++;
    const writer = this.#free.pop() ?? this.#append();
    this.idBytes.set(bytes, writer * writerIdBytes);
    this.#index.add(writer);
    return writer;
  }

  #append(): number {
    if (this.size === this.last.length) this.reserve(Math.ceil(this.size * 1.5));
    this.#texts.push(undefined);
    return this.size++;
  }

  /** Makes room for so many writers. */
  reserve(writers: number): void {
    if (writers <= this.last.length) return;
    this.last = longer(this.last, new Uint32Array(writers));
    this.lastTime = longer(this.lastTime, new Float64Array(writers));
    this.firstTime = longer(this.firstTime, new Float64Array(writers));
    this.stored = longer(this.stored, new Uint32Array(writers));
    this.storedTime = longer(this.storedTime, new Float64Array(writers));
    this.packed = longer(this.packed, new Uint32Array(writers));
    this.packedTime = longer(this.packedTime, new Float64Array(writers));
    this.gone = longer(this.gone, new Uint32Array(writers));
    this.goneTime = longer(this.goneTime, new Float64Array(writers));
    this.dropped = longer(this.dropped, new Uint32Array(writers));
    this.idBytes = longer(this.idBytes, new Uint8Array(writers * writerIdBytes));
  }
}

function longer<Column extends Uint8Array | Uint32Array | Float64Array>(column: Column, into: Column): Column {
  into.set(column);
  return into;
}

/** Lexicographic order of two arrays of the same length. @internal */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}
