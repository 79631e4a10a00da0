/**
 * The writers of one log, interned: a writer is a small number in every column, and this table says which. Columns of typed
 * arrays, about 95 bytes a writer; no object exists for a writer until its id is asked for as text.
 *
 * Per writer it keeps the last event of the log (`last`, `lastTime`) and the last one that is stored
 * (`stored`, `storedTime`): the log's version vector, and that of its effective part. `packed` says how far its events lie
 * in packed chunks, `gone` what of them is not in memory, `dropped` what of them was deleted.
 *
 * A column is another array after a writer was added: read it from the table each time.
 */
import type { PackedWriter } from '../codec/writer-page.js';
import { type WriterId, writerIdFromBytes, writeWriterId } from '../ids.js';
import { writerIdBytes } from '../limits.js';
import type { RunEnds } from './run-ends.js';
import type { PagedWriter, PageHeader, WriterDirectory } from './writer-directory.js';
import { type IdColumn, WriterIndex } from './writer-index.js';

const firstWriters = 8;

/** For ids that are given as text. */
const scratch = new Uint8Array(writerIdBytes);

/** Bits of `pageFlags`. `outdated`: the page does not say what is so any more. @internal */
export const pageFlags = { head: 1, dropped: 2, outdated: 4 } as const;

/** @internal */
export function flagsOf({ isHead, isDropped }: Pick<PackedWriter, 'isHead' | 'isDropped'>): number {
  return (isHead ? pageFlags.head : 0) | (isDropped ? pageFlags.dropped : 0);
}

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
  /** The page that says how far the writer is packed (`WriterDirectory`), + 1; 0 where the manifest is to say it. */
  page = new Uint32Array(firstWriters);
  /** What the page says of it besides. */
  pageFlags = new Uint8Array(firstWriters);
  /** Pages of packed writers as the manifest names them, the earliest first. */
  pages: readonly PageHeader[] = [];
  /** Packed writers that are not here, where there are any. Its user is told of each that comes here. */
  directory: WriterDirectory | undefined;
  cameFromPage: ((writer: number, paged: PagedWriter) => void) | undefined;
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

  /** The number of a writer, or -1 when it is not known: while the directory is not read, only those in the table are. */
  find(id: WriterId): number {
    return writeWriterId(id, scratch) ? this.#find(scratch) : -1;
  }

  /** The number of a writer, or -1 when the log has nothing of it. @throws ColdRows where the directory has to be read for it. */
  lookUp(id: WriterId): number {
    const known = this.find(id);
    if (known >= 0 || this.isRead) return known;
    this.readDirectory();
    return this.find(id);
  }

  /** The number of a writer, interned when it is new. @throws ColdRows where the directory has to be read for it. */
  intern(id: WriterId): number {
    writeWriterId(id, scratch);
    return this.internBytes(scratch);
  }

  /** The same for 16 bytes, which may be a view into a larger buffer. */
  internBytes(bytes: Uint8Array): number {
    let known = this.#find(bytes);
    if (known < 0 && this.directory?.isLoaded === false) {
      this.readDirectory();
      known = this.#find(bytes);
    }
    return known >= 0 ? known : this.#add(bytes);
  }

  /** The same for one that no page has, whether or not these were read. */
  internListed(bytes: Uint8Array): number {
    const known = this.#index.find(bytes, 0);
    return known >= 0 ? known : this.#add(bytes);
  }

  /** Is all known of the packed writers? */
  get isRead(): boolean {
    return this.directory?.isLoaded !== false;
  }

  /** @throws ColdRows until the pages are given. */
  readDirectory(): void {
    this.directory?.load((bytes, offset) => this.#index.find(bytes, offset) >= 0);
  }

  /** Sees to it that all writers with an event from that time on are in the table. @throws ColdRows. */
  takeIn(from: number, page?: number): void {
    if (this.directory === undefined || this.directory.writers === 0) return;
    this.readDirectory();
    for (const paged of this.directory.takeAll(from, page)) this.#takeOver(paged);
  }

  /** The same for heads. */
  takeInHeads(): void {
    if (this.directory?.hasHeads !== true) return;
    this.readDirectory();
    for (const paged of this.directory.takeHeads()) this.#takeOver(paged);
  }

  /** Takes up what a manifest or a page says of a writer, whose events are all packed. */
  resume(writer: number, { firstTime, last, lastTime, isDropped }: PackedWriter): void {
    this.firstTime[writer] = firstTime;
    this.last[writer] = last;
    this.stored[writer] = last;
    this.packed[writer] = last;
    this.gone[writer] = last;
    this.lastTime[writer] = lastTime;
    this.storedTime[writer] = lastTime;
    this.packedTime[writer] = lastTime;
    this.goneTime[writer] = lastTime;
    if (isDropped) this.dropped[writer] = last;
  }

  #find(bytes: Uint8Array): number {
    const known = this.#index.find(bytes, 0);
    if (known >= 0 || this.directory === undefined) return known;
    const paged = this.directory.take(bytes, 0);
    return paged === undefined ? -1 : this.#takeOver(paged);
  }

  #takeOver(paged: PagedWriter): number {
    const writer = this.#add(paged.id);
    this.resume(writer, paged);
    this.page[writer] = paged.page + 1;
    this.pageFlags[writer] = flagsOf(paged);
    this.cameFromPage?.(writer, paged);
    return writer;
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

  /** Events of all writers, by their numbers. O(writers in the table). */
  countTo(column: 'last' | 'stored'): number {
    const numbers = this[column];
    let count = this.directory?.events ?? 0;
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
    this.page = longer(this.page, new Uint32Array(writers));
    this.pageFlags = longer(this.pageFlags, new Uint8Array(writers));
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
