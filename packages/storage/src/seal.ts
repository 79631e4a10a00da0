/**
 * Small values at rest with a checksum. Blocks carry their own; metadata and the like get one here.
 *
 * The checksum covers the key as well, so a value that landed under another key shows too.
 *
 * | bytes | what |
 * |---|---|
 * | 4 | xxHash32 of the value, seeded with xxHash32 of the key; big-endian |
 * | rest | the value |
 */
import { GossipError, xxHash32 } from '@gossip-log/core';

const checksumBytes = 4;

/** The value with its checksum, newly allocated. */
export function seal(key: Uint8Array, value: Uint8Array): Uint8Array<ArrayBuffer> {
  const sealed = new Uint8Array(checksumBytes + value.length);
  new DataView(sealed.buffer).setUint32(0, xxHash32(value, xxHash32(key)));
  sealed.set(value, checksumBytes);
  return sealed;
}

/**
 * The value without its checksum, newly allocated.
 *
 * @throws GossipError `storage-corrupt` when the two do not match; `what` names the value in the message.
 */
export function unseal(key: Uint8Array, sealed: Uint8Array, what: string): Uint8Array<ArrayBuffer> {
  const value = Uint8Array.from(sealed.subarray(checksumBytes));
  const view = new DataView(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  if (sealed.length < checksumBytes || view.getUint32(0) !== xxHash32(value, xxHash32(key))) {
    throw new GossipError('storage-corrupt', `${what}: its checksum does not match`, { context: { what } });
  }
  return value;
}

/** A number as a value to seal. */
export function sealNumber(key: Uint8Array, number: number): Uint8Array<ArrayBuffer> {
  const value = new Uint8Array(4);
  new DataView(value.buffer).setUint32(0, number);
  return seal(key, value);
}

/**
 * The number that `sealNumber` sealed.
 *
 * @throws GossipError `storage-corrupt`.
 */
export function unsealNumber(key: Uint8Array, sealed: Uint8Array, what: string): number {
  return new DataView(unseal(key, sealed, what).buffer).getUint32(0);
}
