/**
 * Redactions, and what of them is still open: wherever a redaction and its target are both known, the target is erased.
 *
 * - [G8] Once a redaction is in the log its target shows erased, in whatever order the two came. Of two redactions of one
 *   event the earlier one in log order stands in the erased row, so nodes with the same events have the same bytes.
 * - [G9] An erased row under a known number erases the copy here, whether or not its redaction came.
 * - [G10] What is read for peers or packed has the erased row once its redaction is stored, and the former one until then. A
 *   crash could lose the redaction here, and an erased row at a peer would then differ from the row here for good.
 *
 * A redaction stays *open* as long as this log may still meet its target unerased: the target is not here, or a packed
 * chunk holds its payload, or the redaction is not stored yet. Rows that open redactions name are erased as they come.
 */
import { type DecodedBlock, decodeRedactionBlock, encodeBlock } from '../codec/block.js';
import { decodeRedaction, type RedactionKey, redactionKey } from '../codec/redaction.js';
import { eventKind, isShown } from '../event.js';
import { type EventId, eventId, type SequenceNumber, type WriterId, writerIdFromBytes } from '../ids.js';
import { openRedactionsMax } from '../limits.js';
import type { ParkedRows } from '../parked-rows.js';
import type { LogEntry } from '../runs.js';
import type { Chunk } from './chunk.js';
import type { EffectiveRows } from './effective-rows.js';
import { dot, type RowForm } from './payload-pages.js';
import type { StandingRow, StandingRows } from './standing-rows.js';
import { compareBytes } from './writer-table.js';

/** How many payloads were erased of which the store may hold a copy. */
export interface Erasures {
  readonly all: number;
  /** Of these the ones whose redactions ask for it at once. */
  readonly atOnce: number;
}

interface EventKey {
  readonly writer: WriterId;
  readonly seq: SequenceNumber;
}

/** A redaction that its target may not show yet. @internal */
export interface OpenRedaction {
  readonly target: EventKey & { readonly time: number };
  /** Its own place in the log. */
  readonly key: RedactionKey;
  /** As a block of one row (B8): what stands in the erased row. */
  readonly block: Uint8Array;
  /** Holders rewrite their disks at once. */
  readonly atOnce: boolean;
  /** The event that is to be stored before peers may learn of it (G10); absent when it is. */
  awaits: EventKey | undefined;
  /** Another redaction of the event, known before: it stands where peers look until this one is stored, once it is stored itself. */
  before: OpenRedaction | undefined;
}

/** Of an open redaction and those before it the first that is stored: peers and the disk may learn of that now (G10). @internal */
export function storedOf(open: OpenRedaction): OpenRedaction | undefined {
  let found: OpenRedaction | undefined = open;
  while (found !== undefined && found.awaits !== undefined) found = found.before;
  return found;
}

/** Puts bytes where a row of the chunk at hand may point to: `page` and `offset` of the log's pages are set. */
type Place = (bytes: Uint8Array) => void;

const none: readonly OpenRedaction[] = [];

/** @internal */
export class Redactions {
  readonly #effective: EffectiveRows;
  readonly #standing: StandingRows;
  /** By id and time of the target: another event may claim its number. */
  readonly #open = new Map<string, OpenRedaction>();
  readonly #awaiting = new Set<OpenRedaction>();
  #erasures: Erasures = { all: 0, atOnce: 0 };
  /** What was closed since a step of packing was planned. */
  #closed: OpenRedaction[] = [];

  constructor(effective: EffectiveRows, standing: StandingRows) {
    this.#effective = effective;
    this.#standing = standing;
  }

  /** Open redactions, one for each target. */
  get open(): Iterable<OpenRedaction> {
    return this.#open.values();
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** So far: what is packed from now on has none of these payloads. */
  get erasures(): Erasures {
    return this.#erasures;
  }

  /** The open redaction of that event. */
  openFor(writer: WriterId, seq: SequenceNumber, time: number): OpenRedaction | undefined {
    return this.#open.size === 0 ? undefined : this.#open.get(keyOf(writer, seq, time));
  }

  /** The store may have a copy of a payload that was erased before. */
  mayBeLeft(): void {
    this.#erasures = { ...this.#erasures, all: this.#erasures.all + 1 };
  }

  /** Is the row in a packed chunk on disk? */
  isPacked(writer: number, time: number): boolean {
    const { packed } = this.#effective;
    return time < packed.end && packed.findLate(time, writer) === undefined;
  }

  /** Takes up one that was kept, as a block of one row: its target is not here, or packed with its payload. */
  resume(block: Uint8Array): void {
    const redaction = redactionIn(block, undefined);
    this.#open.set(keyOfTarget(redaction), redaction);
    const { edges, tables } = this.#effective;
    const { writer, seq } = redaction.target;
    const index = tables.writers.find(writer);
    // Of a target that may be packed too much is counted: that costs a step of packing.
    const mayBePacked = index < 0 && !tables.writers.isRead;
    if (mayBePacked || edges.holds(index, seq)) this.#count(redaction);
  }

  /** Its target is erased wherever it lies. */
  close(redaction: OpenRedaction): void {
    const key = keyOfTarget(redaction);
    const open = this.#open.get(key);
    for (const each of chainOf(open)) if (each === redaction || each.before === redaction) this.#dropBefore(each);
    if (open === redaction) this.#open.delete(key);
    this.#awaiting.delete(redaction);
    this.#closed.push(redaction);
  }

  /** A step of packing is planned: what is closed until it is stored may have its target in it, with the payload. */
  planned(): OpenRedaction[] {
    this.#closed = [];
    return this.#closed;
  }

  /** The step is stored. Where it has the target after all, the redaction is open again. */
  reopen(closed: readonly OpenRedaction[]): void {
    for (const redaction of closed) {
      const { writer, time } = redaction.target;
      const index = this.#effective.tables.writers.find(writer);
      const key = keyOfTarget(redaction);
      const open = this.#open.get(key);
      const isEarliest = open === undefined || compareKeys(redaction.key, open.key) < 0;
      if (index >= 0 && this.isPacked(index, time) && isEarliest) this.#open.set(key, redaction);
    }
    this.#closed = [];
  }

  /** Forgets what events that leave the log redact, or were redacted by. */
  forget(isGone: (writer: WriterId, seq: SequenceNumber) => boolean): void {
    const { formers } = this.#effective.tables.pages;
    for (const open of this.#open.values()) {
      const { target } = open;
      const isTargetGone = isGone(target.writer, target.seq);
      if (isTargetGone) formers.delete(dot(this.#effective.tables.writers.find(target.writer), target.seq));
      const all = [...chainOf(open)];
      const left = isTargetGone ? [] : all.filter(({ key }) => !isGone(writerIdFromBytes(key.writer), key.seq));
      if (left.length === all.length) continue;
      this.close(open);
      for (const [i, each] of left.entries()) {
        each.before = left[i + 1];
        if (each.awaits !== undefined) this.#awaiting.add(each);
      }
      if (left[0] !== undefined) this.#open.set(keyOfTarget(open), left[0]);
    }
  }

  /** Forgets those whose targets are gone for good. */
  forgetGone(): void {
    const { edges, tables } = this.#effective;
    for (const open of this.#open.values()) {
      const { writer, seq } = open.target;
      if (seq <= edges.droppedUpTo(tables.writers.find(writer))) this.close(open);
    }
  }

  /**
   * The redactions among rows that are about to come into the log: to be applied once the rows are there. `awaited`: they
   * are to be stored first (G10).
   */
  among(rows: Chunk, awaited: boolean): readonly OpenRedaction[] {
    let found: OpenRedaction[] | undefined;
    for (let row = 0; row < rows.count; row++) {
      if (rows.kind[row] !== eventKind.redaction) continue;
      found ??= [];
      found.push(this.#redactionAt(rows, row, awaited));
    }
    return found ?? none;
  }

  /**
   * Erases those of new rows that open redactions name, and says whether there were any: then they are to be stored and passed
   * on in another form than they came. The rows are not in the log yet.
   */
  meet(rows: Chunk): boolean {
    if (this.#open.size === 0) return false;
    let erasesAny = false;
    for (let row = 0; row < rows.count; row++) {
      const open = this.#openAt(rows, row);
      if (open === undefined) continue;
      if (isShown(rows.kind[row] as number) && this.#outranks(open, rows, row)) {
        this.#eraseFor(open, rows, row, this.#place);
        this.#count(open);
        erasesAny = true;
      }
      if (open.awaits === undefined) this.close(open);
    }
    return erasesAny;
  }

  /**
   * Erases those rows of a packed chunk that open redactions name, and says how many there were. The rows are private to the
   * caller. `place` keeps the bytes as long as the rows; those of rows that are in the log's memory to stay go to its pages. For
   * rows that are only passing, to a peer or a chunk, what awaits being stored is left out (G10).
   */
  eraseIn(rows: Chunk, passing: boolean, place: Place = this.#place): number {
    let erased = 0;
    for (let row = 0; row < rows.count && this.#open.size > 0; row++) {
      const named = this.#openAt(rows, row);
      const open = named !== undefined && passing ? storedOf(named) : named;
      if (open === undefined) continue;
      if (!isShown(rows.kind[row] as number) || !this.#outranks(open, rows, row)) continue;
      this.#eraseFor(open, rows, row, place);
      erased++;
    }
    return erased;
  }

  /** Does a packed block hold events that open redactions name? Of those that await being stored it may (G10). */
  namesAny(block: DecodedBlock, writers: readonly number[]): boolean {
    if (this.#open.size === 0) return false;
    const table = this.#effective.tables.writers;
    for (let row = 0; row < block.count; row++) {
      const writer = table.id(writers[block.writer[row] as number] as number);
      const open = this.#open.get(keyOf(writer, block.seq[row] as number, block.time[row] as number));
      if (open !== undefined && storedOf(open) !== undefined) return true;
    }
    return false;
  }

  /** A redaction is in the log: its target is erased where it stands, or the redaction is open. */
  apply(redaction: OpenRedaction): void {
    const { edges, tables } = this.#effective;
    const { writer, seq, time } = redaction.target;
    const key = keyOfTarget(redaction);
    const known = this.#open.get(key);
    if (known !== undefined && compareKeys(known.key, redaction.key) <= 0) return;
    const index = tables.writers.find(writer);
    const found = index < 0 ? undefined : this.#standing.locate(time, index);
    if (found !== undefined) {
      const kind = found.chunk.kind[found.row] as number;
      // It names no event of an app.
      if (found.chunk.seq[found.row] !== seq || !isShown(kind)) return;
      if (!this.#outranks(redaction, found.chunk, found.row)) return;
      this.#keepFormer(redaction, found.chunk, found.row);
      this.#erase(index, time, redaction);
    } else {
      const isGone = seq <= edges.droppedUpTo(index);
      if (isGone || (!edges.holds(index, seq) && this.#open.size >= openRedactionsMax)) return;
    }
    if (edges.holds(index, seq)) this.#count(redaction);
    if (known !== undefined && redaction.awaits === undefined) this.close(known);
    if (found !== undefined && redaction.awaits === undefined && !this.isPacked(index, time)) return;
    this.#open.set(key, redaction);
    if (redaction.awaits === undefined) return;
    redaction.before = known;
    this.#awaiting.add(redaction);
  }

  /**
   * Applies a redaction that was just written here, as that row. Rows that are not on their way to the store yet, `unflushed`,
   * go there erased: the redaction is behind them.
   */
  applyOwn(chunk: Chunk, row: number, awaited: boolean, unflushed: Chunk): void {
    const redaction = this.#redactionAt(chunk, row, awaited);
    this.apply(redaction);
    const { writer, time } = redaction.target;
    const index = this.#effective.tables.writers.find(writer);
    for (let at = 0; at < unflushed.count; at++) {
      if (unflushed.time[at] !== time || unflushed.writer[at] !== index) continue;
      this.#eraseRow(unflushed, at, redaction, this.#place);
    }
  }

  /** Is an erased row of a block, under a known number, news (G9)? */
  isNews(block: DecodedBlock, row: number, writer: number): boolean {
    const seq = block.seq[row] as number;
    const time = block.time[row] as number;
    const key = redactionKey(block.bytes, block.offset[row] as number);
    const found = this.#standing.locate(time, writer);
    if (found === undefined) {
      const known = this.openFor(this.#effective.tables.writers.id(writer), seq, time);
      return time < this.#effective.packed.hotFrom && (known === undefined || compareKeys(key, known.key) < 0);
    }
    const kind = found.chunk.kind[found.row] as number;
    if (found.chunk.seq[found.row] !== seq || !isShown(kind)) return false;
    return kind !== eventKind.erased || compareKeys(key, this.#keyAt(found)) < 0;
  }

  /** The same where the event waits in the causal buffer. */
  isNewsOfParked(block: DecodedBlock, row: number, parked: ParkedRows, slot: number): boolean {
    if (parked.time(slot) !== block.time[row] || !isShown(parked.kind(slot))) return false;
    if (parked.kind(slot) !== eventKind.erased) return true;
    const key = redactionKey(block.bytes, block.offset[row] as number);
    return compareKeys(key, redactionKey(parked.payload(slot), 0)) < 0;
  }

  /** G9: erases what a row of a block, which is news, has erased. `awaited` as in `among`. */
  hear(block: DecodedBlock, row: number, writer: number, awaited: boolean): void {
    const id = this.#effective.tables.writers.id(writer);
    const from = block.offset[row] as number;
    const bytes = block.bytes.slice(from, from + (block.length[row] as number));
    this.apply(redactionIn(bytes, awaited ? { writer: id, seq: block.seq[row] as number } : undefined));
  }

  /** These are stored: peers may learn of redactions among them (G10). */
  stored(entries: readonly LogEntry[]): void {
    for (const redaction of this.#awaiting) {
      const { writer, seq } = redaction.awaits as EventKey;
      const isStored = entries.some(({ runs }) =>
        runs.some((run) => run.writer === writer && run.first <= seq && seq <= run.last),
      );
      if (isStored) this.#settle(redaction);
    }
  }

  /** The redaction in the place of an erased row's payload. */
  idAt({ chunk, row }: StandingRow): EventId {
    const { writer, seq } = this.#keyAt({ chunk, row });
    return eventId(writerIdFromBytes(writer), seq);
  }

  #settle(redaction: OpenRedaction): void {
    const { tables } = this.#effective;
    const { writer, seq, time } = redaction.target;
    redaction.awaits = undefined;
    this.#dropBefore(redaction);
    this.#awaiting.delete(redaction);
    const index = tables.writers.find(writer);
    if (index < 0) return;
    if (this.#effective.edges.holds(index, seq)) this.#count(redaction);
    if (this.#open.get(keyOfTarget(redaction)) !== redaction) {
      this.#reform(dot(index, seq), redaction);
      return;
    }
    tables.pages.formers.delete(dot(index, seq));
    if (this.#standing.locate(time, index) !== undefined && !this.isPacked(index, time)) this.close(redaction);
  }

  /** This one is stored and an earlier one of the same event is not: until it is, peers see the event erased by this one. */
  #reform(at: number, { key, block }: OpenRedaction): void {
    const { pages } = this.#effective.tables;
    const former = pages.formers.get(at);
    if (former === undefined) return;
    const isErased = former.kind === eventKind.erased;
    if (isErased && compareKeys(redactionKey(pages.whole(former.page), former.offset), key) <= 0) return;
    this.#place(block);
    const { page, offset } = pages;
    pages.formers.set(at, { kind: eventKind.erased, page, offset, length: block.length });
  }

  /** What was to stand until this one is stored does not count any more. */
  #dropBefore(redaction: OpenRedaction): void {
    for (const each of chainOf(redaction.before)) this.#awaiting.delete(each);
    redaction.before = undefined;
  }

  /** What is not stored yet is erased nowhere but in memory (G10). */
  #count({ atOnce, awaits }: OpenRedaction): void {
    const { all, atOnce: urgent } = this.#erasures;
    if (awaits === undefined) this.#erasures = { all: all + 1, atOnce: urgent + (atOnce ? 1 : 0) };
  }

  #redactionAt(rows: Chunk, row: number, awaited: boolean): OpenRedaction {
    const { writers } = this.#effective.tables;
    // One redaction has one form everywhere: it does not tell the time before (B8).
    const block = encodeBlock(rows, row, row + 1, this.#effective.tables, []);
    const id = writers.id(rows.writer[row] as number);
    return redactionIn(block, awaited ? { writer: id, seq: rows.seq[row] as number } : undefined);
  }

  #openAt(rows: Chunk, row: number): OpenRedaction | undefined {
    const id = this.#effective.tables.writers.id(rows.writer[row] as number);
    return this.#open.get(keyOf(id, rows.seq[row] as number, rows.time[row] as number));
  }

  /** Is a row not erased yet, or by a later redaction than this one? */
  #outranks(redaction: OpenRedaction, chunk: Chunk, row: number): boolean {
    return chunk.kind[row] !== eventKind.erased || compareKeys(redaction.key, this.#keyAt({ chunk, row })) < 0;
  }

  #keyAt({ chunk, row }: StandingRow): RedactionKey {
    const page = this.#effective.tables.pages.whole(chunk.page[row] as number);
    return redactionKey(page, chunk.offset[row] as number);
  }

  /** Erases a row that was not erased by that redaction before; until it is stored the row is what it was (G10). */
  #eraseFor(redaction: OpenRedaction, rows: Chunk, row: number, place: Place): void {
    const stored = storedOf(redaction);
    if (stored !== undefined && this.#outranks(stored, rows, row)) this.#eraseRow(rows, row, stored, place);
    this.#keepFormer(redaction, rows, row);
    if (stored !== redaction) this.#eraseRow(rows, row, redaction, place);
  }

  #keepFormer(redaction: OpenRedaction, chunk: Chunk, row: number): void {
    const { formers } = this.#effective.tables.pages;
    const at = dot(chunk.writer[row] as number, chunk.seq[row] as number);
    if (redaction.awaits === undefined) formers.delete(at);
    else if (!formers.has(at)) formers.set(at, formOf(chunk, row));
  }

  #erase(writer: number, time: number, redaction: OpenRedaction): void {
    const { ordered, packed } = this.#effective;
    const late = packed.findLate(time, writer);
    if (late !== undefined) this.#eraseRow(late.chunk, late.row, redaction, this.#place);
    const at = ordered.rowToChange(time, writer);
    if (at !== undefined) this.#eraseRow(at.chunk, at.row, redaction, this.#place);
  }

  #eraseRow(chunk: Chunk, row: number, { block }: OpenRedaction, place: Place): void {
    const { pages } = this.#effective.tables;
    place(block);
    chunk.reform(row, { kind: eventKind.erased, page: pages.page, offset: pages.offset, length: block.length });
  }

  readonly #place: Place = (bytes) => this.#effective.tables.pages.place(bytes, 0, bytes.length);
}

/** A redaction and those before it. */
function* chainOf(redaction: OpenRedaction | undefined): Iterable<OpenRedaction> {
  for (let each = redaction; each !== undefined; each = each.before) yield each;
}

/** The redaction that a block of one row is. */
function redactionIn(block: Uint8Array, awaits: EventKey | undefined): OpenRedaction {
  const { writers, seq, time, offset, length } = decodeRedactionBlock(block);
  const from = offset[0] as number;
  const { atOnce, writer, seq: named, age } = decodeRedaction(block, from, from + (length[0] as number));
  const at = time[0] as number;
  return {
    target: { writer: writerIdFromBytes(writer), seq: named, time: at - age },
    key: { writer: writers[0] as Uint8Array, seq: seq[0] as number, time: at },
    ...{ block, atOnce, awaits, before: undefined },
  };
}

/** @internal */
export function formOf(chunk: Chunk, row: number): RowForm {
  return {
    kind: chunk.kind[row] as number,
    page: chunk.page[row] as number,
    offset: chunk.offset[row] as number,
    length: chunk.length[row] as number,
  };
}

/** Log order of two redactions. */
function compareKeys(a: RedactionKey, b: RedactionKey): number {
  return a.time - b.time || compareBytes(a.writer, b.writer);
}

function keyOf(writer: WriterId, seq: SequenceNumber, time: number): string {
  return `${writer}.${seq}.${time}`;
}

function keyOfTarget({ target: { writer, seq, time } }: OpenRedaction): string {
  return keyOf(writer, seq, time);
}
