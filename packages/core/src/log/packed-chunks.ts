/**
 * The part of a log that lies on disk in log order: chunks that never change there, known here by a header each. What a
 * header does not say is read when it is needed: then the chunk is *held* for as long as one reading takes.
 *
 *     time ──────────▶ hotFrom ──────────▶ end ──────────▶
 *     packed, cold     packed, in memory   in the journal, in memory
 *
 * - [Q1] Chunks part time without a gap: each has all rows of its span that were stored when the log was packed. No two
 *   rows of one time lie in different chunks.
 * - [Q2] Rows that come late into a span are kept beside its chunk, in memory and in the journal, until it is packed anew.
 *   Held, a chunk shows them in their places.
 * - [Q3] From `hotFrom` on all rows are in the ordered log, late ones too. It stands where a chunk begins, or at `end`.
 * - [Q4] The manifest says what is packed of each writer: a beginning of what is here from the log's edge up (K1), and
 *   runs below. So the journal has the rest.
 * - [Q5] A packed chunk may hold the payload of an event that was redacted since. Whoever reads the chunk erases it on the
 *   way, and the next pack writes the chunk again. A manifest names the redactions that are packed while the packed chunks
 *   do not show it in their targets: because those are not here, or are to be packed later. So a crash at any point leaves
 *   no payload without the redaction that erases it.
 */
import { type DecodedBlock, decodeBlock, splitBlocks } from '../codec/block.js';
import { isWriterPage, WriterPage } from '../codec/writer-page.js';
import { GossipError } from '../errors.js';
import { Chunk } from './chunk.js';
import type { Fingerprint } from './contribution.js';
import type { LogTables } from './log-tables.js';
import { mergeRows } from './merge-rows.js';
import { takeBlock } from './take-rows.js';
import type { ReadPages } from './writer-directory.js';

/** What the manifest says of a chunk. @internal */
export interface ChunkHeader {
  /** Its name in the store. */
  readonly id: number;
  /** Its span goes from here to the start of the next. */
  readonly start: number;
  readonly lastTime: number;
  readonly rows: number;
  readonly bytes: number;
  /** The sum of its rows' contributions. */
  readonly sum: Uint32Array;
  /** When it was packed first, milliseconds since 1970: its rows had come by then, but for late ones. */
  readonly packedMs: number;
  /** Of its rows those that redact others. */
  readonly redactions: Fingerprint;
}

/** A packed chunk, and what came into its span since. @internal */
export interface PackedSlot extends ChunkHeader {
  /** Of the first that is left where others were let go of, the earliest that came late. */
  start: number;
  late: Chunk | undefined;
  /** All rows of the span, during a reading. */
  held: Chunk | undefined;
}

/** Knows which events were redacted. @internal */
export interface Eraser {
  /** Erases rows of a chunk; `place` keeps what stands there instead. */
  eraseIn(rows: Chunk, passing: boolean, place?: (bytes: Uint8Array) => void): number;
  /** Is there any such row in a block? */
  namesAny(block: DecodedBlock, writers: readonly number[]): boolean;
}

/**
 * A reading that may need packed chunks: it yields the ids of those, is given their bytes, and goes on. It holds nothing
 * that another change of the log, between the two, could make wrong.
 */
export type Reading<V> = Generator<readonly number[], V, ReadonlyMap<number, Uint8Array>>;

/** Thrown where rows are needed that are not in memory; caught by `held`. @internal */
class ColdRows extends Error {
  readonly ids: readonly number[];

  constructor(ids: readonly number[]) {
    super('rows are not in memory');
    this.ids = ids;
  }
}

/** A chunk's bytes are not what its header says. @internal */
export class DamagedChunk extends GossipError {
  readonly id: number;

  constructor(id: number, cause: unknown) {
    super('storage-corrupt', `packed chunk ${id} is damaged or missing`, { context: { chunk: id }, cause });
    this.id = id;
  }
}

/** The manifest does not say what the log is: all is to be read anew, chunks first. @internal */
export class PackedOtherwise extends Error {}

const noBytes: ReadonlyMap<number, Uint8Array> = new Map();
/** What is given for a chunk that is not there: no chunk's bytes. */
const nothing = new Uint8Array();

/** @internal */
export class PackedChunks {
  readonly #tables: LogTables;
  #slots: PackedSlot[] = [];
  #cold = 0;
  #lateRows = 0;
  /** Rows before each chunk, as long as there are no others; made when asked for. */
  #rowsBefore: number[] | undefined;
  /** Bytes given to the reading under way. */
  #given: ReadonlyMap<number, Uint8Array> = noBytes;
  /** Rows of chunks that were read from their bytes so far. */
  rowsRead = 0;
  /** Erases what was redacted since it was packed (Q5). */
  eraser: Eraser | undefined;
  readonly #heldPages: number[] = [];
  #held: PackedSlot[] = [];

  constructor(tables: LogTables) {
    this.#tables = tables;
  }

  get slots(): readonly PackedSlot[] {
    return this.#slots;
  }

  /** How many chunks are not in the ordered log. */
  get cold(): number {
    return this.#cold;
  }

  /** Rows from this time on are in the journal alone. */
  get end(): number {
    const last = this.#slots[this.#slots.length - 1];
    return last === undefined ? 0 : last.lastTime + 1;
  }

  /** Q3. */
  get hotFrom(): number {
    if (this.#cold === 0) return 0;
    return this.#slots[this.#cold]?.start ?? this.end;
  }

  /** Rows that are not in the ordered log. */
  get coldRows(): number {
    return this.rowsWithin(0, this.#cold);
  }

  /** Rows of the chunks `[from, to)`. */
  rowsWithin(from: number, to: number): number {
    if (this.#rowsBefore === undefined) {
      let rows = 0;
      this.#rowsBefore = [0, ...this.#slots.map((slot) => (rows += rowsOf(slot)))];
    }
    return (this.#rowsBefore[to] as number) - (this.#rowsBefore[from] as number);
  }

  /** Late rows of all spans. */
  get lateRows(): number {
    return this.#lateRows;
  }

  /** Puts these chunks in the place of those `[from, to)`; how many of them are cold is the caller's to say. */
  replace(from: number, to: number, headers: readonly ChunkHeader[], cold: number): void {
    // Property by property: spreading thousands of headers took a fifth of the time that opening a long log did.
    const slots = headers.map(({ id, start, lastTime, packedMs, rows, bytes, sum, redactions }) => {
      return { id, start, lastTime, packedMs, rows, bytes, sum, redactions, late: undefined, held: undefined };
    });
    for (const { late } of this.#slots.slice(from, to)) this.#lateRows -= late?.count ?? 0;
    this.#rowsBefore = undefined;
    this.#slots = [...this.#slots.slice(0, from), ...slots, ...this.#slots.slice(to)];
    this.#cold = cold;
  }

  /** Chunks from this one on are in the ordered log now. */
  warmFrom(slot: number): void {
    this.#cold = slot;
  }

  /** The chunk whose span has that time; the first one's span begins at 0. There must be one. */
  indexAt(time: number): number {
    let low = 0;
    let high = this.#slots.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#slots[middle] as PackedSlot).start <= time) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  /** The first cold chunk that may have rows at that time or later; `cold` when there is none. */
  coldIndex(time: number): number {
    return this.#cold === 0 || time >= this.hotFrom ? this.#cold : this.indexAt(time);
  }

  /** Where the span of a chunk ends. */
  endOf(index: number): number {
    return this.#slots[index + 1]?.start ?? this.end;
  }

  /** Takes note of new rows (Q2), and says from which of them on they belong in the ordered log (Q3). */
  add(batch: Chunk): number {
    const { end, hotFrom } = this;
    let hot = 0;
    let from = 0;
    while (from < batch.count && (batch.time[from] as number) < end) {
      const index = this.indexAt(batch.time[from] as number);
      const slot = this.#slots[index] as PackedSlot;
      const spanEnd = this.endOf(index);
      let to = from + 1;
      while (to < batch.count && (batch.time[to] as number) < spanEnd) to++;
      this.#lateRows += to - from;
      this.#rowsBefore = undefined;
      slot.late = mergeRows(slot.late ?? new Chunk(0), batch, from, to, this.#tables.writers);
      slot.start = Math.min(slot.start, batch.time[from] as number);
      if ((slot.late.time[0] as number) < hotFrom) hot = to;
      from = to;
    }
    return hot;
  }

  /** A row that came late, by its key. */
  findLate(time: number, writer: number): { chunk: Chunk; row: number } | undefined {
    if (this.#slots.length === 0 || time >= this.end) return undefined;
    const { late } = this.#slots[this.indexAt(time)] as PackedSlot;
    if (late === undefined) return undefined;
    for (let row = 0; row < late.count; row++) {
      if (late.time[row] === time && late.writer[row] === writer) return { chunk: late, row };
    }
    return undefined;
  }

  /** Sees to it that the cold chunks of `[from, to)` are held. @throws ColdRows when they cannot be. */
  require(from: number, to: number): void {
    if (this.#cold === 0 || from >= this.hotFrom) return;
    const missing: number[] = [];
    for (let i = this.indexAt(from); i < this.#cold; i++) {
      const slot = this.#slots[i] as PackedSlot;
      if (slot.start >= to) break;
      if (slot.held === undefined && !this.#given.has(slot.id)) missing.push(slot.id);
    }
    if (missing.length > 0) throw new ColdRows(missing);
  }

  /** The same for the chunks that have rows of these times. @throws GossipError `limit-exceeded` when those are more than `most`. */
  requireAt(times: Iterable<number>, most = Number.POSITIVE_INFINITY): void {
    const missing = new Set<number>();
    for (const time of times) {
      if (this.#cold === 0 || time >= this.hotFrom) continue;
      const slot = this.#slots[this.indexAt(time)] as PackedSlot;
      if (slot.held === undefined && !this.#given.has(slot.id)) missing.add(slot.id);
    }
    if (missing.size > most) {
      throw new GossipError('limit-exceeded', `a turn needs ${missing.size} packed chunks, at most ${most}`);
    }
    if (missing.size > 0) throw new ColdRows([...missing]);
  }

  /** Pages of packed writers. @throws ColdRows, DamagedChunk. */
  readonly readPages: ReadPages = (ids) => {
    const missing = ids.filter((id) => !this.#given.has(id));
    if (missing.length > 0) throw new ColdRows(missing);
    return ids.map((id) => {
      try {
        return new WriterPage(this.#given.get(id) as Uint8Array);
      } catch (cause) {
        throw new DamagedChunk(id, cause);
      }
    });
  };

  /** All rows of a chunk's span. @throws ColdRows, DamagedChunk. */
  rows(index: number): Chunk {
    const slot = this.#slots[index] as PackedSlot;
    if (slot.held === undefined) {
      this.rowsRead += slot.rows;
      const decoded = this.decode(slot, true);
      slot.held =
        slot.late === undefined ? decoded : mergeRows(decoded, slot.late, 0, slot.late.count, this.#tables.writers);
      this.#held.push(slot);
    }
    return slot.held;
  }

  /** The blocks of a chunk, and the log's index for each of their writers. @throws ColdRows, DamagedChunk. */
  blocks(header: ChunkHeader): { readonly block: DecodedBlock; readonly writers: readonly number[] }[] {
    const bytes = this.#given.get(header.id);
    if (bytes === undefined) throw new ColdRows([header.id]);
    let blocks: DecodedBlock[];
    try {
      blocks = splitBlocks(bytes).map(decodeBlock);
      const rows = blocks.reduce((sum, { count }) => sum + count, 0);
      const last = blocks[blocks.length - 1];
      if (rows !== header.rows || last?.time[last.count - 1] !== header.lastTime) throw new RangeError('another chunk');
    } catch (cause) {
      throw new DamagedChunk(header.id, cause);
    }
    const { writers } = this.#tables;
    return blocks.map((block) => ({ block, writers: block.writers.map((id) => writers.internBytes(id)) }));
  }

  /** A chunk's own rows: to stay in the log, or `passing`, for the reading under way. @throws ColdRows, DamagedChunk. */
  decode(
    header: ChunkHeader,
    passing: boolean,
    look?: (block: DecodedBlock, writers: readonly number[]) => void,
  ): Chunk {
    const { pages } = this.#tables;
    const parts = this.blocks(header).map(({ block, writers }) => {
      look?.(block, writers);
      const rows = takeBlock(block, writers, this.#tables, passing);
      if (passing) this.#heldPages.push(pages.page);
      return rows;
    });
    const rows = parts.length === 1 ? (parts[0] as Chunk) : concatenate(parts);
    this.eraser?.eraseIn(rows, passing, passing ? this.#hold : undefined);
    return rows;
  }

  /** Keeps bytes for the reading under way. */
  readonly #hold = (bytes: Uint8Array): void => {
    const { pages } = this.#tables;
    this.#heldPages.push(pages.adopt(bytes));
    pages.offset = 0;
  };

  /** Computes something of rows that may be cold. Between two tries the log may change: each begins anew. */
  *reading<V>(compute: () => V): Reading<V> {
    const given = new Map<number, Uint8Array>();
    for (;;) {
      let missing: readonly number[];
      try {
        this.#given = given;
        return compute();
      } catch (error) {
        if (!(error instanceof ColdRows)) throw error;
        missing = error.ids;
      } finally {
        this.#cool();
      }
      const bytes = yield missing;
      for (const id of missing) given.set(id, bytes.get(id) ?? nothing);
    }
  }

  /** What was held is given back. */
  #cool(): void {
    for (const slot of this.#held) slot.held = undefined;
    this.#held = [];
    this.#given = noBytes;
    const { pages, dependencies } = this.#tables;
    for (const page of this.#heldPages.splice(0)) pages.drop(page);
    dependencies.passing.clear();
  }
}

/** Rows of a chunk's span. @internal */
export function rowsOf({ rows, late }: PackedSlot): number {
  return rows + (late?.count ?? 0);
}

/** Of these the ones that apps do not see. @internal */
export function hiddenRowsOf({ redactions, late }: PackedSlot): number {
  return redactions.count + (late === undefined ? 0 : late.count - late.shownWithin(late.count));
}

function concatenate(parts: readonly Chunk[]): Chunk {
  const all = new Chunk(parts.reduce((sum, { count }) => sum + count, 0));
  for (const part of parts) all.copyRows(part, 0, part.count);
  return all;
}

/**
 * The blocks of packed chunks, the earlier chunk first: to be read as if they were the journal. Pages of writers, which lie among
 * the chunks, have none.
 *
 * @throws DamagedChunk
 * @internal
 */
export function blocksOf(chunks: ReadonlyMap<number, Uint8Array>): Uint8Array[] {
  const holding = [...chunks].filter(([, bytes]) => !isWriterPage(bytes));
  const parts = holding.map(([id, bytes]) => {
    try {
      const blocks = splitBlocks(bytes);
      const [first] = blocks.map(decodeBlock);
      return { blocks, time: (first as DecodedBlock).time[0] as number };
    } catch (cause) {
      throw new DamagedChunk(id, cause);
    }
  });
  return parts.sort((a, b) => a.time - b.time).flatMap(({ blocks }) => blocks);
}
