/**
 * Manifest ↔ bytes: what a log must know of its packed chunks without reading them. `docs/protocol.md` has the byte table.
 */
import { GossipError } from '../errors.js';
import { type WriterId, writerIdFromBytes, writerIdToBytes } from '../ids.js';
import { blockBytesMax, chunkIdMax, chunksMax, pageWritersMax, seqMax, writerIdBytes } from '../limits.js';
import { lanes } from '../log/contribution.js';
import type { ChunkHeader } from '../log/packed-chunks.js';
import type { PageHeader } from '../log/writer-directory.js';
import { ByteReader, ByteWriter, invalid } from './bytes.js';
import { xxHash32 } from './checksum.js';
import type { PackedWriter } from './writer-page.js';

const manifestVersion = 0;
const headerBytes = 5;

export interface Manifest {
  /** With the journal this is all of the log. Else the log is in the journal and in chunks that are not named here. */
  readonly isWhole: boolean;
  readonly writers: readonly PackedWriter[];
  /** Where the other packed writers are, the earliest page first. */
  readonly pages: readonly PageHeader[];
  /** In log order. */
  readonly chunks: readonly ChunkHeader[];
  readonly edges: PackedEdges;
  /** Redactions that their targets do not show in these chunks (Q5), each as a block of one row. */
  readonly redactions: readonly Uint8Array[];
}

/** Events `first` to `last` of one writer, without a gap. */
export interface PackedSegment {
  readonly first: number;
  readonly firstTime: number;
  /** Of the event before the first; 0 where that is not known. */
  readonly timeBefore: number;
  readonly last: number;
  readonly lastTime: number;
}

/** How far back the packed log goes, and what of it is missing. Writers by their index in the manifest. */
export interface PackedEdges {
  /** From here on each writer has one run. */
  readonly complete: number;
  /** What lies before was let go of. */
  readonly droppedBefore: number;
  /** What is packed of writers that have more than one run, or one that does not begin with the first event. */
  readonly gaps: readonly { readonly writer: number; readonly segments: readonly PackedSegment[] }[];
  /** Up to which event a writer's are gone, where others are left. */
  readonly dropped: readonly { readonly writer: number; readonly seq: number }[];
  /** Events below `complete` that packed ones refer to and that are not here. Their writer may have no packed event. */
  readonly dangling: readonly { readonly writer: WriterId; readonly seq: number; readonly time: number }[];
}

/** Of a log that is whole. */
export const noPackedEdges: PackedEdges = Object.freeze({
  ...{ complete: 0, droppedBefore: 0 },
  ...{ gaps: [], dropped: [], dangling: [] },
});

/** @internal */
export function encodeManifest({
  isWhole,
  writers,
  pages,
  chunks,
  edges,
  redactions,
}: Manifest): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter(64 + writers.length * 36 + chunks.length * 40);
  out.u8(manifestVersion);
  out.u32(0);
  out.varint(isWhole ? 1 : 0);
  out.varint(writers.length);
  for (const { id, firstTime, last, lastTime, isHead, isDropped } of writers) {
    out.bytes(id);
    out.varint(last * 4 + (isDropped ? 2 : 0) + (isHead ? 1 : 0));
    out.varint(firstTime);
    out.varint(lastTime - firstTime);
  }
  out.varint(pages.length);
  for (const { id, writers, live, events, heads } of pages) {
    out.varint(id);
    out.varint(writers);
    out.varint(live);
    out.varint(events);
    out.varint(heads);
  }
  out.varint(chunks.length);
  let time = 0;
  for (const { id, start, lastTime, rows, bytes, sum, packedMs, redactions } of chunks) {
    out.varint(id);
    out.varint(start - time);
    out.varint(lastTime - start);
    out.varint(rows);
    out.varint(bytes);
    for (const lane of sum) out.u32(lane);
    out.varint(packedMs);
    out.varint(redactions.count);
    if (redactions.count > 0) for (const lane of redactions.sum) out.u32(lane);
    time = lastTime;
  }
  writeEdges(out, edges);
  out.varint(redactions.length);
  for (const block of redactions) {
    out.varint(block.length);
    out.bytes(block);
  }
  out.setU32(1, xxHash32(out.view(), manifestVersion, headerBytes));
  return out.finish();
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
  const writers: PackedWriter[] = [];
  for (let left = reader.bounded(reader.remaining, 'writers of a manifest'); left > 0; left--) {
    const id = reader.bytes(writerIdBytes);
    const token = reader.bounded(seqMax * 4 + 3, 'sequence number');
    const firstTime = reader.varint();
    const lastTime = firstTime + reader.varint();
    const flags = { isHead: token % 2 === 1, isDropped: token % 4 > 1 };
    writers.push({ id, firstTime, last: Math.floor(token / 4), lastTime, ...flags });
  }
  const pages: PageHeader[] = [];
  for (let left = reader.bounded(reader.remaining, 'pages of writers'); left > 0; left--) {
    const id = reader.bounded(chunkIdMax, 'page id');
    const writers = reader.bounded(pageWritersMax, 'writers of a page');
    const live = reader.bounded(writers, 'writers that a page counts for');
    const events = reader.varint();
    pages.push({ id, writers, live, events, heads: reader.bounded(live, 'heads of a page') });
  }
  const chunks: ChunkHeader[] = [];
  let time = 0;
  for (let left = reader.bounded(chunksMax, 'chunks of a manifest'); left > 0; left--) {
    const id = reader.bounded(chunkIdMax, 'chunk id');
    const start = time + reader.varint();
    const lastTime = start + reader.varint();
    const [rows, bytes] = [reader.varint(), reader.varint()];
    const sum = readSum();
    const packedMs = reader.varint();
    const count = reader.varint();
    const redactions = { count, sum: count > 0 ? readSum() : new Uint32Array(lanes) };
    chunks.push({ id, start, lastTime, rows, bytes, sum, packedMs, redactions });
    time = lastTime;
  }
  const edges = readEdges(reader, writers.length);
  const redactions = Array.from({ length: reader.bounded(reader.remaining, 'redactions of a manifest') }, () =>
    reader.bytes(reader.bounded(blockBytesMax, 'bytes of a redaction')),
  );
  if (reader.remaining > 0) throw invalid(`${reader.remaining} bytes behind a manifest`);
  return { isWhole, writers, pages, chunks, edges, redactions };

  function readSum(): Uint32Array {
    const sum = new Uint32Array(lanes);
    for (let lane = 0; lane < lanes; lane++) sum[lane] = reader.u32();
    return sum;
  }
}

function writeEdges(out: ByteWriter, { complete, droppedBefore, gaps, dropped, dangling }: PackedEdges): void {
  out.varint(complete);
  out.varint(droppedBefore);
  out.varint(gaps.length);
  for (const { writer, segments } of gaps) {
    out.varint(writer);
    out.varint(segments.length);
    for (const { first, firstTime, timeBefore, last, lastTime } of segments) {
      out.varint(first);
      out.varint(firstTime);
      out.varint(timeBefore);
      out.varint(last - first);
      out.varint(lastTime);
    }
  }
  out.varint(dropped.length);
  for (const { writer, seq } of dropped) {
    out.varint(writer);
    out.varint(seq);
  }
  out.varint(dangling.length);
  for (const { writer, seq, time } of dangling) {
    out.bytes(writerIdToBytes(writer));
    out.varint(seq);
    out.varint(time);
  }
}

function readEdges(reader: ByteReader, writers: number): PackedEdges {
  const readWriter = () => reader.bounded(Math.max(0, writers - 1), 'index of a writer');
  const readSeq = () => reader.bounded(seqMax, 'sequence number');
  const readList = <V>(what: string, read: () => V): V[] =>
    Array.from({ length: reader.bounded(reader.remaining, what) }, read);
  const complete = reader.varint();
  const droppedBefore = reader.varint();
  const gaps = readList('writers with gaps', () => ({
    writer: readWriter(),
    segments: readList('segments', () => {
      const [first, firstTime, timeBefore] = [readSeq(), reader.varint(), reader.varint()];
      return { first, firstTime, timeBefore, last: first + readSeq(), lastTime: reader.varint() };
    }),
  }));
  const dropped = readList('writers with events that are gone', () => ({ writer: readWriter(), seq: readSeq() }));
  const dangling = readList('missing events', () => ({
    writer: writerIdFromBytes(reader.bytes(writerIdBytes)),
    ...{ seq: readSeq(), time: reader.varint() },
  }));
  return { complete, droppedBefore, gaps, dropped, dangling };
}
