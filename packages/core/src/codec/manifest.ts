/**
 * Manifest ↔ bytes: what a log must know of its packed chunks without reading them. `docs/protocol.md` has the byte table.
 */
import { GossipError } from '../errors.js';
import { type ReplicaId, replicaIdFromBytes, replicaIdToBytes } from '../ids.js';
import { chunkIdMax, chunksMax, replicaIdBytes, replicasMax, seqMax } from '../limits.js';
import { lanes } from '../log/contribution.js';
import type { ChunkHeader } from '../log/packed-chunks.js';
import { ByteReader, ByteWriter, invalid } from './bytes.js';
import { xxHash32 } from './checksum.js';

const manifestVersion = 0;
const headerBytes = 5;

/** How far a replica's events are packed. */
export interface PackedReplica {
  readonly replica: ReplicaId;
  readonly firstTime: number;
  readonly last: number;
  readonly lastTime: number;
  /** No packed event depends on its last one, as far as is known. */
  readonly isHead: boolean;
}

export interface Manifest {
  /** With the journal this is all of the log. Else the log is in the journal and in chunks that are not named here. */
  readonly isWhole: boolean;
  readonly replicas: readonly PackedReplica[];
  /** In log order. */
  readonly chunks: readonly ChunkHeader[];
  readonly edges: PackedEdges;
}

/** Events `first` to `last` of one replica, without a gap. */
export interface PackedSegment {
  readonly first: number;
  readonly firstTime: number;
  /** Of the event before the first; 0 where that is not known. */
  readonly timeBefore: number;
  readonly last: number;
  readonly lastTime: number;
}

/** How far back the packed log goes, and what of it is missing. Replicas by their index in the manifest. */
export interface PackedEdges {
  /** From here on each replica has one run. */
  readonly complete: number;
  /** What lies before was let go of. */
  readonly droppedBefore: number;
  /** What is packed of replicas that have more than one run, or one that does not begin with the first event. */
  readonly gaps: readonly { readonly replica: number; readonly segments: readonly PackedSegment[] }[];
  /** Up to which event a replica's are gone. */
  readonly dropped: readonly { readonly replica: number; readonly seq: number }[];
  /** Events below `complete` that packed ones refer to and that are not here. Their replica may have no packed event. */
  readonly dangling: readonly { readonly replica: ReplicaId; readonly seq: number; readonly time: number }[];
}

/** Of a log that is whole. */
export const noPackedEdges: PackedEdges = Object.freeze({
  ...{ complete: 0, droppedBefore: 0 },
  ...{ gaps: [], dropped: [], dangling: [] },
});

/** @internal */
export function encodeManifest({ isWhole, replicas, chunks, edges }: Manifest): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(64 + replicas.length * 36 + chunks.length * 40);
  writer.u8(manifestVersion);
  writer.u32(0);
  writer.varint(isWhole ? 1 : 0);
  writer.varint(replicas.length);
  for (const { replica, firstTime, last, lastTime, isHead } of replicas) {
    writer.bytes(replicaIdToBytes(replica));
    writer.varint(last * 2 + (isHead ? 1 : 0));
    writer.varint(firstTime);
    writer.varint(lastTime - firstTime);
  }
  writer.varint(chunks.length);
  let time = 0;
  for (const { id, start, lastTime, rows, bytes, sum, packedMs } of chunks) {
    writer.varint(id);
    writer.varint(start - time);
    writer.varint(lastTime - start);
    writer.varint(rows);
    writer.varint(bytes);
    for (const lane of sum) writer.u32(lane);
    writer.varint(packedMs);
    time = lastTime;
  }
  writeEdges(writer, edges);
  writer.setU32(1, xxHash32(writer.view(), manifestVersion, headerBytes));
  return writer.finish();
}

/**
 * @throws GossipError `version-unsupported`, `checksum`, `bytes-truncated`, `block-invalid`.
 * @internal
 */
export function decodeManifest(source: Uint8Array): Manifest {
  const reader = new ByteReader(source);
  const version = reader.u8();
  if (version !== manifestVersion) {
    throw new GossipError('version-unsupported', `manifest version ${version}; this reads ${manifestVersion}`);
  }
  if (reader.u32() !== xxHash32(source, manifestVersion, headerBytes)) {
    throw new GossipError('checksum', 'the checksum of a manifest does not fit its bytes');
  }
  const isWhole = reader.bounded(1, 'flags of a manifest') === 1;
  const replicas: PackedReplica[] = [];
  for (let left = reader.bounded(replicasMax, 'replicas of a manifest'); left > 0; left--) {
    const replica = replicaIdFromBytes(reader.bytes(replicaIdBytes));
    const token = reader.bounded(seqMax * 2 + 1, 'sequence number');
    const firstTime = reader.varint();
    const lastTime = firstTime + reader.varint();
    replicas.push({ replica, firstTime, last: Math.floor(token / 2), lastTime, isHead: token % 2 === 1 });
  }
  const chunks: ChunkHeader[] = [];
  let time = 0;
  for (let left = reader.bounded(chunksMax, 'chunks of a manifest'); left > 0; left--) {
    const id = reader.bounded(chunkIdMax, 'chunk id');
    const start = time + reader.varint();
    const lastTime = start + reader.varint();
    const [rows, bytes] = [reader.varint(), reader.varint()];
    const sum = new Uint32Array(lanes);
    for (let lane = 0; lane < lanes; lane++) sum[lane] = reader.u32();
    chunks.push({ id, start, lastTime, rows, bytes, sum, packedMs: reader.varint() });
    time = lastTime;
  }
  const edges = readEdges(reader, replicas.length);
  if (reader.remaining > 0) throw invalid(`${reader.remaining} bytes behind a manifest`);
  return { isWhole, replicas, chunks, edges };
}

function writeEdges(writer: ByteWriter, { complete, droppedBefore, gaps, dropped, dangling }: PackedEdges): void {
  writer.varint(complete);
  writer.varint(droppedBefore);
  writer.varint(gaps.length);
  for (const { replica, segments } of gaps) {
    writer.varint(replica);
    writer.varint(segments.length);
    for (const { first, firstTime, timeBefore, last, lastTime } of segments) {
      writer.varint(first);
      writer.varint(firstTime);
      writer.varint(timeBefore);
      writer.varint(last - first);
      writer.varint(lastTime);
    }
  }
  writer.varint(dropped.length);
  for (const { replica, seq } of dropped) {
    writer.varint(replica);
    writer.varint(seq);
  }
  writer.varint(dangling.length);
  for (const { replica, seq, time } of dangling) {
    writer.bytes(replicaIdToBytes(replica));
    writer.varint(seq);
    writer.varint(time);
  }
}

function readEdges(reader: ByteReader, replicas: number): PackedEdges {
  const readReplica = () => reader.bounded(Math.max(0, replicas - 1), 'index of a replica');
  const readSeq = () => reader.bounded(seqMax, 'sequence number');
  const readList = <V>(what: string, read: () => V): V[] =>
    Array.from({ length: reader.bounded(reader.remaining, what) }, read);
  const complete = reader.varint();
  const droppedBefore = reader.varint();
  const gaps = readList('replicas with gaps', () => ({
    replica: readReplica(),
    segments: readList('segments', () => {
      const [first, firstTime, timeBefore] = [readSeq(), reader.varint(), reader.varint()];
      return { first, firstTime, timeBefore, last: first + readSeq(), lastTime: reader.varint() };
    }),
  }));
  const dropped = readList('replicas with events that are gone', () => ({ replica: readReplica(), seq: readSeq() }));
  const dangling = readList('missing events', () => ({
    replica: replicaIdFromBytes(reader.bytes(replicaIdBytes)),
    ...{ seq: readSeq(), time: reader.varint() },
  }));
  return { complete, droppedBefore, gaps, dropped, dangling };
}
