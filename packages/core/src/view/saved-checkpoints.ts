/**
 * A fold's checkpoints as bytes. A local format: whoever cannot read it folds again.
 *
 * Format byte; version of the fold; count; per checkpoint, newest first: rows, two sums, length and bytes of the state;
 * checksum of all before.
 */
import { ByteReader, ByteWriter } from '../codec/bytes.js';
import { xxHash32 } from '../codec/checksum.js';
import { jsonCodec, type PayloadCodec } from '../codec/payload.js';
import { GossipError } from '../errors.js';
import { foldCheckpointsSavedMax, foldStepEvents, metadataValueBytesMax } from '../limits.js';

/** The state after the first `rows` events of a view. @internal */
export interface Checkpoint<S> {
  readonly rows: number;
  readonly state: S;
  /** Of those events. */
  readonly fingerprint: readonly [number, number];
}

const format = 0;
const checksumBytes = 4;

/**
 * The newest checkpoints that have room.
 *
 * @throws GossipError `limit-exceeded` when not even the newest has.
 * @internal
 */
export function encodeCheckpoints<S>(
  checkpoints: readonly Checkpoint<S>[],
  version: string,
  codec: PayloadCodec<S> = jsonCodec as PayloadCodec<S>,
): Uint8Array {
  const picked = spread(checkpoints);
  for (let count = picked.length; count > 0; count--) {
    const writer = new ByteWriter();
    writer.u8(format);
    writer.text(version);
    writer.varint(count);
    for (const { rows, state, fingerprint } of picked.slice(0, count)) {
      const bytes = codec.encode(state);
      writer.varint(rows);
      for (const sum of fingerprint) writer.u32(sum);
      writer.varint(bytes.length);
      writer.bytes(bytes);
    }
    writer.u32(xxHash32(writer.view()));
    if (writer.length <= metadataValueBytesMax) return writer.finish();
  }
  throw new GossipError('limit-exceeded', `a fold's state takes more than ${metadataValueBytesMax} bytes`, {
    context: { metadataValueBytesMax },
  });
}

/** The newest, and others further and further back. */
function spread<S>(checkpoints: readonly Checkpoint<S>[]): Checkpoint<S>[] {
  const newest = checkpoints.at(-1);
  const picked: Checkpoint<S>[] = [];
  let distance = 0;
  for (const checkpoint of [...checkpoints].reverse()) {
    const back = (newest as Checkpoint<S>).rows - checkpoint.rows;
    if (back < distance || picked.length === foldCheckpointsSavedMax) continue;
    picked.push(checkpoint);
    distance = Math.max(foldStepEvents, back * 8);
  }
  return picked;
}

/** What was saved; `undefined` when it is damaged, or of another format or version. @internal */
export function decodeCheckpoints<S>(
  bytes: Uint8Array,
  version: string,
  codec: PayloadCodec<S> = jsonCodec as PayloadCodec<S>,
): Checkpoint<S>[] | undefined {
  try {
    const end = bytes.length - checksumBytes;
    if (end < 0 || new ByteReader(bytes, end).u32() !== xxHash32(bytes, 0, 0, end)) return undefined;
    const reader = new ByteReader(bytes, 0, end);
    if (reader.u8() !== format || reader.text(metadataValueBytesMax, 'version') !== version) return undefined;
    const count = reader.bounded(foldCheckpointsSavedMax, 'checkpoints');
    return Array.from({ length: count }, () => ({
      rows: reader.varint(),
      fingerprint: [reader.u32(), reader.u32()] as const,
      state: codec.decode(reader.bytes(reader.bounded(reader.remaining, 'state'))),
    }));
  } catch {
    // A codec that reads otherwise than it wrote: as if nothing had been saved.
    return undefined;
  }
}
