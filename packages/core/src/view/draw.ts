/** A number per event that looks random and is the same on every node. */
import { xxHash32 } from '../codec/checksum.js';
import { type WriterId, writerIdToBytes } from '../ids.js';
import type { Store } from './rows.js';

/** Gives a number of `[0, 1)` per event id; another seed gives independent ones. @internal */
export function drawing(seed: number): (store: Store, row: number) => number {
  const hashes = new Map<WriterId, number>();
  return (store, row) => {
    const writer = store.writer(row);
    let hash = hashes.get(writer);
    if (hash === undefined) {
      hash = xxHash32(writerIdToBytes(writer), seed);
      hashes.set(writer, hash);
    }
    return mix(hash ^ mix(store.seq(row))) / 2 ** 32;
  };
}

/** The finalizer of MurmurHash3: every bit of the input changes about half of the output's. */
function mix(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
