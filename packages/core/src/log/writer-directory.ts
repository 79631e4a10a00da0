/**
 * Packed writers that the manifest does not name: those that have written nothing for long lie in pages on disk. Nothing of a
 * page is read until somebody asks about a writer that is not in the table. Then all pages are read, and stay in memory as
 * they lie, with an index of the ids in them, at about 50 bytes a writer; a writer comes into the table when it is asked for.
 *
 * A page never changes. What the table says of a writer goes before what a page says, and a later page before an earlier one.
 */
import type { PackedWriter, WriterPage } from '../codec/writer-page.js';
import { type IdColumn, WriterIndex } from './writer-index.js';

/** What the manifest says of a page. @internal */
export interface PageHeader {
  /** Its name in the store, among the chunks. */
  readonly id: number;
  readonly writers: number;
  /** Of how many the page is what counts, */
  readonly live: number;
  /** and how many events they have. */
  readonly events: number;
  /** Of these, heads. */
  readonly heads: number;
}

/** A writer in a page. */
export interface PagedWriter extends PackedWriter {
  /** The id of the page. */
  readonly page: number;
}

/** Gives pages by their ids; throws where they have to be read first. */
export type ReadPages = (ids: readonly number[]) => readonly WriterPage[];

/** @internal */
export class WriterDirectory implements IdColumn {
  /** As the manifest names them, the earliest first. */
  headers: readonly PageHeader[];
  readonly #read: ReadPages;
  #pages: readonly { readonly id: number; readonly page: WriterPage }[] | undefined;
  /** The first row of each page, counted through all of them. */
  #starts: number[] = [];
  readonly #index = new WriterIndex(this);
  /** Rows that are in the table by now, or that a later page goes before. */
  #gone = new Uint8Array();
  /** Writers that are not in the table, and their events. */
  writers: number;
  events: number;

  constructor(headers: readonly PageHeader[], read: ReadPages) {
    this.headers = headers;
    this.#read = read;
    this.writers = headers.reduce((sum, { live }) => sum + live, 0);
    this.events = headers.reduce((sum, { events }) => sum + events, 0);
  }

  get isLoaded(): boolean {
    return this.#pages !== undefined;
  }

  get hasHeads(): boolean {
    return this.headers.some(({ heads }) => heads > 0);
  }

  /** Reads all pages, unless they are here. `isKnown`: a writer is in the table. @throws ColdRows, DamagedChunk. */
  load(isKnown: (bytes: Uint8Array, offset: number) => boolean): void {
    if (this.#pages !== undefined) return;
    const ids = this.headers.map(({ id }) => id);
    const pages = this.#read(ids).map((page, i) => ({ id: ids[i] as number, page }));
    let rows = 0;
    this.#starts = pages.map(({ page }) => {
      rows += page.count;
      return rows - page.count;
    });
    this.#pages = pages;
    this.#gone = new Uint8Array(rows);
    this.#index.reserve(rows);
    for (let at = pages.length - 1; at >= 0; at--) {
      const { page } = pages[at] as (typeof pages)[number];
      const start = this.#starts[at] as number;
      for (let row = 0; row < page.count; row++) {
        const offset = page.idAt(row);
        if (isKnown(page.bytes, offset) || this.#index.find(page.bytes, offset) >= 0) this.#gone[start + row] = 1;
        else this.#index.add(start + row);
      }
    }
  }

  /** A writer that is not in the table, which takes it over; `undefined` when no page has it. */
  take(bytes: Uint8Array, offset: number): PagedWriter | undefined {
    const row = this.#index.find(bytes, offset);
    return row < 0 || this.#gone[row] === 1 ? undefined : this.#takeRow(row);
  }

  /** All with an event from that time on, or of one page. */
  *takeAll(from: number, pageId?: number): Iterable<PagedWriter> {
    for (const [at, { id, page }] of (this.#pages ?? []).entries()) {
      if (pageId !== undefined && id !== pageId) continue;
      const start = this.#starts[at] as number;
      for (let row = 0; row < page.count; row++) {
        if (this.#gone[start + row] === 0 && page.lastTime(row) >= from) yield this.#takeRow(start + row);
      }
    }
  }

  /** Those that are heads. */
  *takeHeads(): Iterable<PagedWriter> {
    for (const [at, { page }] of (this.#pages ?? []).entries()) {
      const start = this.#starts[at] as number;
      for (let row = 0; row < page.count; row++) {
        if (page.isHead(row) && this.#gone[start + row] === 0) yield this.#takeRow(start + row);
      }
    }
  }

  /** Those that are not in the table, without taking them. */
  *[Symbol.iterator](): Iterator<PackedWriter> {
    for (const [at, { page }] of (this.#pages ?? []).entries()) {
      const start = this.#starts[at] as number;
      for (let row = 0; row < page.count; row++) if (this.#gone[start + row] === 0) yield page.at(row);
    }
  }

  bytesOf(row: number): Uint8Array {
    return this.#pageOf(row).page.bytes;
  }

  offsetOf(row: number): number {
    const at = this.#pageAt(row);
    return this.#pages?.[at]?.page.idAt(row - (this.#starts[at] as number)) ?? 0;
  }

  #takeRow(row: number): PagedWriter {
    const { id, page } = this.#pageOf(row);
    const writer = page.at(row - (this.#starts[this.#pageAt(row)] as number));
    this.#gone[row] = 1;
    this.writers--;
    this.events -= writer.last;
    return { ...writer, page: id };
  }

  #pageOf(row: number) {
    return (this.#pages as readonly { readonly id: number; readonly page: WriterPage }[])[this.#pageAt(row)] as {
      readonly id: number;
      readonly page: WriterPage;
    };
  }

  #pageAt(row: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] as number) <= row) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
