/** What every storage asks of its arguments. A caller's mistake is a `TypeError` or `RangeError` naming the argument. */
import {
  type JournalEntry,
  limits,
  type Packing,
  parseWriterId,
  type ReplacedRecords,
  utf8Decoder,
  utf8Encoder,
  type WriterId,
} from '@gossip-log/core';

/** Bits of a record's ordinal, and so of its key. */
const ordinalBits = 48;
const decoder = utf8Decoder({ ignoreBOM: true });

/**
 * The bytes of a log's name.
 *
 * @throws RangeError when it is not 1 to `logIdBytesMax` bytes of UTF-8.
 */
export function logIdToBytes(log: string): Uint8Array {
  return textToBytes('log', log, limits.logIdBytesMax);
}

/** @throws RangeError when it is not 1 to `metadataKeyBytesMax` bytes of UTF-8. */
export function metadataKeyToBytes(key: string): Uint8Array {
  return textToBytes('key', key, limits.metadataKeyBytesMax);
}

/** @throws TypeError, RangeError when it is neither `undefined` nor at most `metadataValueBytesMax` bytes. */
export function checkMetadataValue(value: Uint8Array | undefined): void {
  if (value === undefined) return;
  checkBytes('value', value);
  atMost('value', value.length, limits.metadataValueBytesMax, 'bytes');
}

/** The same bytes, or none on both sides? */
export function isSame(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

/** @throws TypeError when an entry holds no bytes. */
export function checkEntries(entries: readonly JournalEntry[]): void {
  entries.forEach(({ block }, i) => {
    checkBytes(`entries[${i}].block`, block);
  });
}

/** @throws TypeError, RangeError when a run has no writer, or ends with no sequence number. */
export function checkOwnRuns(runs: ReadonlyMap<WriterId, number>): void {
  for (const [writer, last] of runs) {
    parseWriterId(writer);
    if (!Number.isInteger(last) || last < 1 || last > limits.seqMax) {
      throw new RangeError(`own run: expected its last event, 1 to ${limits.seqMax}, got ${last}`);
    }
  }
}

/**
 * The ordinals behind the keys of records that a commit replaces.
 *
 * @throws TypeError, RangeError when a run has no writer, or is cut where it cannot be.
 */
export function checkReplaced({ records, runs }: ReplacedRecords): number[] {
  for (const [writer, left] of runs) if (left !== 0) checkOwnRuns(new Map([[writer, left]]));
  for (const writer of runs.keys()) parseWriterId(writer);
  atMost('instead.records', records.length, limits.storedNamesMax, 'keys');
  return records.map((key, i) => recordOrdinal(key, `instead.records[${i}]`));
}

/**
 * The ordinal behind a record's key.
 *
 * @throws RangeError when no `load` gave such a key.
 */
export function recordOrdinal(key: string, name = 'key'): number {
  const ordinal = Number(key);
  if (!/^[0-9]+$/.test(key) || !(ordinal < 2 ** ordinalBits)) {
    throw new RangeError(`${name}: expected a key that load gave, got ${JSON.stringify(key)}`);
  }
  return ordinal;
}

/**
 * The ordinals behind the keys in `packed`.
 *
 * @throws TypeError, RangeError when one step of packing holds what cannot be stored, or too much.
 */
export function checkPacking({ revision, manifest, add, remove, packed }: Packing): number[] {
  if (!Number.isSafeInteger(revision) || revision < 0) {
    throw new RangeError(`revision: expected one that load gave, got ${revision}`);
  }
  checkBytes('manifest', manifest);
  atMost('manifest', manifest.length, limits.manifestBytesMax, 'bytes');
  atMost('add', add.length, limits.packedChunksMax, 'chunks');
  add.forEach(({ id, bytes }, i) => {
    checkChunkId(`add[${i}].id`, id);
    checkBytes(`add[${i}].bytes`, bytes);
    atMost(`add[${i}].bytes`, bytes.length, limits.packedChunkBytesMax, 'bytes');
  });
  if (new Set(add.map(({ id }) => id)).size < add.length) throw new RangeError('add: expected ids that differ');
  checkChunkIds('remove', remove);
  atMost('packed', packed.length, limits.storedNamesMax, 'keys');
  return packed.map((key, i) => recordOrdinal(key, `packed[${i}]`));
}

/** @throws RangeError when one of them can name no chunk, or they are too many. */
export function checkChunkIds(name: string, ids: readonly number[]): void {
  atMost(name, ids.length, limits.storedNamesMax, 'ids');
  ids.forEach((id, i) => {
    checkChunkId(`${name}[${i}]`, id);
  });
}

/** @throws RangeError when it can name no chunk. */
export function checkChunkId(name: string, id: number): void {
  if (!Number.isInteger(id) || id < 0 || id > limits.chunkIdMax) {
    throw new RangeError(`${name}: expected a whole number from 0 to ${limits.chunkIdMax}, got ${id}`);
  }
}

function atMost(name: string, got: number, max: number, what: string): void {
  if (got > max) throw new RangeError(`${name}: expected at most ${max} ${what}, got ${got}`);
}

function textToBytes(name: string, text: string, bytesMax: number): Uint8Array {
  if (typeof text !== 'string') throw new TypeError(`${name}: expected a string, got ${typeof text}`);
  const bytes = utf8Encoder.encode(text);
  if (bytes.length === 0 || bytes.length > bytesMax) {
    throw new RangeError(`${name}: expected 1 to ${bytesMax} bytes of UTF-8, got ${bytes.length}`);
  }
  // A lone surrogate is written as U+FFFD: two names would become one.
  if (decoder.decode(bytes) !== text) throw new RangeError(`${name}: expected well-formed text, got a lone surrogate`);
  return bytes;
}

function checkBytes(name: string, bytes: Uint8Array): void {
  if (!(bytes instanceof Uint8Array)) throw new TypeError(`${name}: expected a Uint8Array, got ${typeof bytes}`);
}
