/**
 * Page of packed writers ↔ bytes: how far the events of some writers are packed, of which the manifest does not name each one.
 * A page lies among the packed chunks, and is read where it lies: columns of fixed width. `docs/protocol.md` has the byte table.
 */
import { GossipError } from '../errors.js';
import { pageWritersMax, writerIdBytes } from '../limits.js';
import { invalid } from './bytes.js';
import { xxHash32 } from './checksum.js';

/** A sequence of blocks begins with the length of one, which is never 0. */
const pageMark = 0;
const pageVersion = 0;
const headerBytes = 10;
const rowBytes = writerIdBytes + 4 + 8 + 8 + 1;

/** Bits of a row's flags. */
const flagBits = { head: 1, dropped: 2 } as const;

/** How far a writer's events are packed. */
export interface PackedWriter {
  /** Its 16 bytes. */
  readonly id: Uint8Array;
  readonly firstTime: number;
  readonly last: number;
  readonly lastTime: number;
  /** No packed event depends on its last one, as far as is known. */
  readonly isHead: boolean;
  /** All of its events up to the last were deleted. */
  readonly isDropped: boolean;
}

/** Are these bytes a whole page? What else lies among the chunks is a chunk, or damaged. @internal */
export function isWriterPage(bytes: Uint8Array): boolean {
  if (bytes[0] !== pageMark) return false;
  try {
    return new WriterPage(bytes).count >= 0;
  } catch (error) {
    if (error instanceof GossipError) return false;
    throw error;
  }
}

/** @internal */
export function encodeWriterPage(writers: readonly PackedWriter[]): Uint8Array<ArrayBuffer> {
  const count = writers.length;
  const bytes = new Uint8Array(headerBytes + count * rowBytes);
  const view = new DataView(bytes.buffer);
  bytes[0] = pageMark;
  bytes[1] = pageVersion;
  view.setUint32(6, count, true);
  const page = new Columns(count);
  writers.forEach(({ id, firstTime, last, lastTime, isHead, isDropped }, row) => {
    bytes.set(id, page.idAt(row));
    view.setUint32(page.lastAt(row), last, true);
    view.setFloat64(page.firstTimeAt(row), firstTime, true);
    view.setFloat64(page.lastTimeAt(row), lastTime, true);
    bytes[page.flagsAt(row)] = (isHead ? flagBits.head : 0) | (isDropped ? flagBits.dropped : 0);
  });
  view.setUint32(2, xxHash32(bytes.subarray(6), pageVersion), true);
  return bytes;
}

/** Where the columns of a page begin. */
class Columns {
  readonly count: number;

  constructor(count: number) {
    this.count = count;
  }

  idAt(row: number): number {
    return headerBytes + row * writerIdBytes;
  }

  lastAt(row: number): number {
    return headerBytes + this.count * writerIdBytes + row * 4;
  }

  firstTimeAt(row: number): number {
    return headerBytes + this.count * (writerIdBytes + 4) + row * 8;
  }

  lastTimeAt(row: number): number {
    return headerBytes + this.count * (writerIdBytes + 12) + row * 8;
  }

  flagsAt(row: number): number {
    return headerBytes + this.count * (writerIdBytes + 20) + row;
  }
}

/** A page as it lies. @internal */
export class WriterPage extends Columns {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  /** @throws GossipError `version-unsupported`, `checksum`, `bytes-truncated`, `block-invalid`. */
  constructor(bytes: Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < headerBytes) throw new GossipError('bytes-truncated', 'a page of writers ends too early');
    if (bytes[0] !== pageMark || bytes[1] !== pageVersion) {
      throw new GossipError(
        'version-unsupported',
        `version ${bytes[1]} of a page of writers; this reads ${pageVersion}`,
      );
    }
    if (view.getUint32(2, true) !== xxHash32(bytes.subarray(6), pageVersion)) {
      throw new GossipError('checksum', 'the checksum of a page of writers does not fit its bytes');
    }
    const count = view.getUint32(6, true);
    if (count > pageWritersMax || bytes.length !== headerBytes + count * rowBytes) {
      throw invalid(`a page of ${count} writers in ${bytes.length} bytes`);
    }
    super(count);
    this.bytes = bytes;
    this.#view = view;
  }

  last(row: number): number {
    return this.#view.getUint32(this.lastAt(row), true);
  }

  lastTime(row: number): number {
    return this.#view.getFloat64(this.lastTimeAt(row), true);
  }

  isHead(row: number): boolean {
    return ((this.bytes[this.flagsAt(row)] as number) & flagBits.head) > 0;
  }

  /** What it says of one. The id is a view. */
  at(row: number): PackedWriter {
    const from = this.idAt(row);
    return {
      id: this.bytes.subarray(from, from + writerIdBytes),
      firstTime: this.#view.getFloat64(this.firstTimeAt(row), true),
      last: this.last(row),
      lastTime: this.lastTime(row),
      isHead: this.isHead(row),
      isDropped: ((this.bytes[this.flagsAt(row)] as number) & flagBits.dropped) > 0,
    };
  }
}
