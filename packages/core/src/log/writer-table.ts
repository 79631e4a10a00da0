/**
 * The writers of one log, interned: a writer is a small number in every column, and this table says which.
 *
 * Per writer it keeps the last event of the log (`last`, `lastTime`) and the last one that is stored
 * (`stored`, `storedTime`): the log's version vector, and that of its effective part. `packed` says how far its events lie
 * in packed chunks.
 */
import { GossipError } from '../errors.js';
import { type WriterId, writerIdFromBytes, writerIdToBytes } from '../ids.js';
import { writersMax } from '../limits.js';

/** @internal */
export class WriterTable {
  readonly ids: WriterId[] = [];
  readonly last: number[] = [];
  readonly lastTime: number[] = [];
  readonly firstTime: number[] = [];
  readonly stored: number[] = [];
  readonly storedTime: number[] = [];
  readonly packed: number[] = [];
  readonly packedTime: number[] = [];
  readonly #bytes: Uint8Array[] = [];
  readonly #index = new Map<WriterId, number>();
  /** By its first four bytes the writer that first came with them. Looking up text costs as much as the rest of a message. */
  readonly #byPrefix = new Map<number, number>();

  get size(): number {
    return this.ids.length;
  }

  /** The index of a writer, or -1 when it never was interned. */
  find(id: WriterId): number {
    return this.#index.get(id) ?? -1;
  }

  /** The index of a writer, interned when it is new. */
  intern(id: WriterId): number {
    const known = this.#index.get(id);
    return known ?? this.#add(id, writerIdToBytes(id));
  }

  /** The same for 16 bytes, which may be a view into a larger buffer. */
  internBytes(bytes: Uint8Array): number {
    const likely = this.#byPrefix.get(prefixOf(bytes));
    if (likely !== undefined && compareBytes(bytes, this.bytes(likely)) === 0) return likely;
    const id = writerIdFromBytes(bytes);
    const known = this.#index.get(id);
    return known ?? this.#add(id, bytes.slice());
  }

  /** Why these, of 16 bytes each, cannot all be taken in; `undefined` when they can, or are here already. */
  roomFor(named: readonly Uint8Array[]): GossipError | undefined {
    // Near the bound alone are they looked up.
    if (this.size + named.length <= writersMax) return undefined;
    const unknown = named.filter((bytes) => !this.#index.has(writerIdFromBytes(bytes)));
    if (this.size + unknown.length <= writersMax) return undefined;
    return new GossipError('limit-exceeded', `a log has at most ${writersMax} writers`, { context: { writersMax } });
  }

  bytes(index: number): Uint8Array {
    return this.#bytes[index] as Uint8Array;
  }

  /** Byte order of two writers: the tie-break of the total order. */
  compare(a: number, b: number): number {
    return a === b ? 0 : compareBytes(this.bytes(a), this.bytes(b));
  }

  #add(id: WriterId, bytes: Uint8Array): number {
    const index = this.ids.length;
    this.#index.set(id, index);
    const prefix = prefixOf(bytes);
    if (!this.#byPrefix.has(prefix)) this.#byPrefix.set(prefix, index);
    this.ids.push(id);
    this.#bytes.push(bytes);
    this.last.push(0);
    this.lastTime.push(0);
    this.firstTime.push(0);
    this.stored.push(0);
    this.storedTime.push(0);
    this.packed.push(0);
    this.packedTime.push(0);
    return index;
  }
}

function prefixOf(bytes: Uint8Array): number {
  return (
    (bytes[0] as number) | ((bytes[1] as number) << 8) | ((bytes[2] as number) << 16) | ((bytes[3] as number) << 24)
  );
}

/** Lexicographic order of two arrays of the same length. @internal */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}
