/**
 * Where a log's payload bytes lie. A row holds page, offset and length. Small payloads are copied together into
 * pages of 64 KiB, so that a thousand messages do not keep a thousand buffers; a large block becomes a page of its
 * own, uncopied.
 */
import { adoptedBytesMin } from '../limits.js';

const pageBytes = 64 * 1024;
/** A log's first page is small: most logs are. Each further one doubles, up to a whole page. */
const firstPageBytes = 1024;

const nothing = new Uint8Array();

/** A page that is a whole block as it was received. */
interface BlockPage {
  readonly rows: number;
  /** Where the first row's payload begins. */
  readonly from: number;
}

/** What of a row changes when it is erased. @internal */
export interface RowForm {
  readonly kind: number;
  readonly page: number;
  readonly offset: number;
  readonly length: number;
}

/** The number of an event as a key. @internal */
export function dot(writer: number, seq: number): number {
  return writer * 0x1_0000_0000 + seq;
}

/** @internal */
export class PayloadPages {
  readonly #pages: Uint8Array[] = [];
  readonly #blocks = new Map<number, BlockPage>();
  /** Numbers of pages that were given up. */
  readonly #free: number[] = [];
  /** The page that small payloads go to, and how far it is filled. */
  #open = -1;
  #used = 0;
  #nextBytes = firstPageBytes;
  /** By event: what rows were whose redaction is not stored yet (G10). */
  readonly formers = new Map<number, RowForm>();
  /** Where the last `place` or `adopt` put its bytes. */
  page = 0;
  offset = 0;
  /** Of all pages. */
  bytes = 0;

  get(page: number, offset: number, length: number): Uint8Array {
    return (this.#pages[page] as Uint8Array).subarray(offset, offset + length);
  }

  /** The block that this page is, if it is one that `placeBlock` kept. */
  block(page: number): BlockPage | undefined {
    return this.#blocks.get(page);
  }

  /** The whole page: for copying without a view per row. */
  whole(page: number): Uint8Array {
    return this.#pages[page] as Uint8Array;
  }

  /** Takes `source[from, to)`, by copy or, when it is large, by keeping `source`. Sets `page` and `offset`. */
  place(source: Uint8Array, from: number, to: number): void {
    const length = to - from;
    if (length >= adoptedBytesMin) {
      this.adopt(source);
      this.offset = from;
      return;
    }
    if (this.#open < 0 || this.#used + length > (this.#pages[this.#open] as Uint8Array).length) {
      this.#open = this.adopt(new Uint8Array(Math.max(this.#nextBytes, length)));
      this.#nextBytes = Math.min(this.#nextBytes * 2, pageBytes);
      this.#used = 0;
    }
    (this.#pages[this.#open] as Uint8Array).set(source.subarray(from, to), this.#used);
    this.page = this.#open;
    this.offset = this.#used;
    this.#used += length;
  }

  /** The same for the payloads of a block of so many rows: from `from` to its end. A page that it becomes is known as such. */
  placeBlock(block: Uint8Array, from: number, rows: number): void {
    this.place(block, from, block.length);
    if (this.whole(this.page) === block) this.#blocks.set(this.page, { rows, from });
  }

  /** Makes a buffer a page, uncopied. Sets `page` and returns it. */
  adopt(source: Uint8Array): number {
    const page = this.#free.pop() ?? this.#pages.length;
    this.#pages[page] = source;
    this.bytes += source.length;
    this.page = page;
    return page;
  }

  /** Gives up a page: no row may point into it any more. */
  drop(page: number): void {
    this.bytes -= (this.#pages[page] as Uint8Array).length;
    this.#pages[page] = nothing;
    this.#blocks.delete(page);
    this.#free.push(page);
  }

  /** Gives up all pages but these, and the one that small payloads go to. */
  keep(used: ReadonlySet<number>): void {
    const formers = new Set(Array.from(this.formers.values(), ({ page }) => page));
    this.#pages.forEach((bytes, page) => {
      const isUsed = page === this.#open || used.has(page) || formers.has(page);
      if (bytes !== nothing && !isUsed) this.drop(page);
    });
  }
}
