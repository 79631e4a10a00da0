/**
 * The payload of a re-issued event: its former id, then the app's payload as it was.
 *
 * An event is re-issued when its id cannot stand: the writer's store was an older copy, and others already hold another
 * event under that id. The new event tells the former id, so that whoever kept that one finds it.
 */
import { ByteReader, ByteWriter } from './codec/bytes.js';
import { type EventId, eventId, parseEventId, replicaIdFromBytes, replicaIdToBytes } from './ids.js';
import { replicaIdBytes, seqMax } from './limits.js';

/** What the envelope adds to a payload at most: replica and sequence number. @internal */
export const reissueBytesMax = replicaIdBytes + 5;

/** @internal */
export function wrapReissued(formerId: EventId, payload: Uint8Array): Uint8Array {
  const { replica, seq } = parseEventId(formerId);
  const writer = new ByteWriter(payload.length + reissueBytesMax);
  writer.bytes(replicaIdToBytes(replica));
  writer.varint(seq);
  writer.bytes(payload);
  return writer.finish();
}

/** @throws GossipError `bytes-truncated`, `block-invalid`. @internal */
export function unwrapReissued(bytes: Uint8Array): { formerId: EventId; payload: Uint8Array } {
  const reader = new ByteReader(bytes);
  const replica = replicaIdFromBytes(reader.bytes(replicaIdBytes));
  const seq = Math.max(1, reader.bounded(seqMax, 'sequence number of a former id'));
  return { formerId: eventId(replica, seq), payload: bytes.subarray(reader.at) };
}
