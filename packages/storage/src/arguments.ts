/** What every storage asks of its arguments. A caller's mistake is a `TypeError` or `RangeError` naming the argument. */
import { type JournalEntry, limits, parseReplicaId } from '@gossip-log/core';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

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
  if (value.length > limits.metadataValueBytesMax) {
    throw new RangeError(`value: expected at most ${limits.metadataValueBytesMax} bytes, got ${value.length}`);
  }
}

/** @throws TypeError, RangeError when an entry could not be told from damage later. */
export function checkEntries(entries: readonly JournalEntry[]): void {
  entries.forEach((entry, i) => {
    checkBytes(`entries[${i}].block`, entry.block);
    // Without a run there is no head to compare with: it could be neither refused nor skipped.
    if (entry.runs.length === 0) throw new RangeError(`entries[${i}].runs: expected at least one run, got none`);
    for (const { replica, first, last } of entry.runs) {
      parseReplicaId(replica);
      if (!Number.isInteger(first) || !Number.isInteger(last) || first < 1 || last < first || last > limits.seqMax) {
        throw new RangeError(
          `entries[${i}].runs: expected 1 <= first <= last <= ${limits.seqMax}, got ${first} to ${last}`,
        );
      }
    }
  });
}

/**
 * The ordinal behind a record's key.
 *
 * @throws RangeError when no `load` gave such a key.
 */
export function recordOrdinal(key: string): number {
  const ordinal = Number(key);
  if (!/^[0-9]+$/.test(key) || !Number.isSafeInteger(ordinal)) {
    throw new RangeError(`key: expected a key that load gave, got ${JSON.stringify(key)}`);
  }
  return ordinal;
}

function textToBytes(name: string, text: string, bytesMax: number): Uint8Array {
  if (typeof text !== 'string') throw new TypeError(`${name}: expected a string, got ${typeof text}`);
  const bytes = encoder.encode(text);
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
