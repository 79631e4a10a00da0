/** Where a log goes on that was packed: at what its manifest says, or, where none serves, from its chunks anew. */
import { decodeManifest, type PackedEdges } from '../codec/manifest.js';
import { isWriterPage, type PackedWriter } from '../codec/writer-page.js';
import { GossipError, invariant } from '../errors.js';
import { writerIdToBytes } from '../ids.js';
import type { LogParts } from './log-parts.js';
import { PackedOtherwise } from './packed-chunks.js';
import type { Packer } from './packer.js';
import { WriterDirectory } from './writer-directory.js';

/**
 * Takes up what a manifest says; the log must be empty.
 *
 * @throws GossipError when the manifest cannot be read, PackedOtherwise when it does not serve.
 * @internal
 */
export function resumePacked(parts: LogParts, manifest: Uint8Array, nextChunkId: number): void {
  const { effective, heads, own, packer, redactions } = parts;
  const { packed, ordered, tables } = effective;
  const { isWhole, writers, pages, chunks, edges: packedEdges, redactions: open } = decodeManifest(manifest);
  if (!isWhole) throw new PackedOtherwise();
  invariant(ordered.length === 0 && packed.slots.length === 0, 'only an empty log takes up a manifest');
  const table = tables.writers;
  const came = (number: number, { isHead, lastTime }: PackedWriter) => {
    if (isHead) heads.add(number);
    own.observe(lastTime);
  };
  table.reserve(writers.length);
  const numbers = writers.map((writer) => {
    const number = table.internListed(writer.id);
    table.resume(number, writer);
    came(number, writer);
    return number;
  });
  table.pages = pages;
  if (pages.length > 0) table.directory = new WriterDirectory(pages, packed.readPages);
  table.cameFromPage = came;
  resumeEdges(parts, packedEdges, (at) => numbers[at] as number);
  packed.replace(0, 0, chunks, chunks.length);
  own.observe(Math.max(0, packed.end - 1));
  for (const block of open) redactions.resume(block.slice());
  packer.nextId = nextChunkId;
}

function resumeEdges({ effective, packer }: LogParts, packed: PackedEdges, indexOf: (writer: number) => number): void {
  const { edges, tables } = effective;
  edges.complete = Math.max(edges.complete, packed.complete);
  edges.droppedBefore = packed.droppedBefore;
  for (const { writer, segments } of packed.gaps) {
    edges.resumeGaps(indexOf(writer), segments);
    packer.packedRuns.resumeGaps(indexOf(writer), segments);
  }
  for (const { writer, seq } of packed.dropped) edges.drop(indexOf(writer), seq);
  for (const { writer, seq, time } of packed.dangling) {
    edges.refer(tables.writers.internListed(writerIdToBytes(writer)), seq, time);
  }
}

/**
 * No manifest serves: of all chunks there are it returns the ids of those to be read as if they were the journal, and
 * packed anew.
 *
 * @internal
 */
export function packAnew(
  packer: Packer,
  chunks: ReadonlyMap<number, Uint8Array>,
  nextChunkId: number,
  manifest: Uint8Array | undefined,
): number[] {
  const { former, obsolete } = packer;
  packer.nextId = nextChunkId;
  const named = new Set(manifest === undefined ? [] : namedInstead(manifest));
  for (const [id, bytes] of chunks) (named.has(id) || isWriterPage(bytes) ? obsolete : former).push(id);
  return former;
}

/** Chunks that have nothing but what stands in others or in the journal: packing had not come far. */
function namedInstead(manifest: Uint8Array): number[] {
  try {
    const { isWhole, chunks } = decodeManifest(manifest);
    return isWhole ? [] : chunks.map(({ id }) => id);
  } catch (error) {
    if (error instanceof GossipError) return [];
    throw error;
  }
}
