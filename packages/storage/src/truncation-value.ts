/**
 * Truncations at rest (P16): of each replica one value, sealed.
 *
 * | bytes | what |
 * |---|---|
 * | 4 | the first hidden sequence number, big-endian |
 * | 1 | reason: 0 withdrawn |
 */
import { GossipError, type ReplicaId, type Truncation } from '@gossip-log/core';
import { seal, unseal } from './seal.js';

const reasons = ['withdrawn'] as const;

export function sealTruncation(key: Uint8Array, { from, reason }: Truncation): Uint8Array<ArrayBuffer> {
  const value = new Uint8Array(5);
  new DataView(value.buffer).setUint32(0, from);
  value[4] = reasons.indexOf(reason);
  return seal(key, value);
}

/**
 * A damaged one stops the log until it is forgotten, as a head does: nobody can know what it hid.
 *
 * @throws GossipError `storage-corrupt`, `storage-format` for a reason that this version does not know.
 */
export function unsealTruncation(key: Uint8Array, sealed: Uint8Array, log: string, replica: ReplicaId): Truncation {
  const value = unseal(key, sealed, `log ${log}: the truncation of ${replica}`);
  const reason = reasons[value[4] as number];
  if (reason === undefined) throw new GossipError('storage-format', `log ${log}: a truncation with an unknown reason`);
  return { replica, from: new DataView(value.buffer).getUint32(0), reason };
}

/** Those of these that hide more than what is stored, each replica once. */
export function lowest(
  told: readonly Truncation[],
  storedFrom: (replica: ReplicaId) => number | undefined,
): ReadonlyMap<ReplicaId, Truncation> {
  const lower = new Map<ReplicaId, Truncation>();
  for (const truncation of told) {
    const { replica, from } = truncation;
    const known = lower.get(replica)?.from ?? storedFrom(replica);
    if (known === undefined || from < known) lower.set(replica, truncation);
  }
  return lower;
}
