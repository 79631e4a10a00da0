/** Where a log goes on that was packed: at what its manifest says, or, where none serves, from its chunks anew. */
import { decodeManifest, type PackedEdges, type PackedWriter } from '../codec/manifest.js';
import { GossipError, invariant } from '../errors.js';
import type { LogParts } from './log-parts.js';
import { PackedOtherwise } from './packed-chunks.js';
import type { Packer } from './packer.js';

/**
 * Takes up what a manifest says; the log must be empty.
 *
 * @throws GossipError when the manifest cannot be read, PackedOtherwise when it does not serve.
 * @internal
 */
export function resumePacked(parts: LogParts, manifest: Uint8Array, nextChunkId: number): void {
  const { effective, heads, own, packer, redactions } = parts;
  const { packed, ordered, tables, edges } = effective;
  const { isWhole, writers, chunks, edges: packedEdges, redactions: open } = decodeManifest(manifest);
  if (!isWhole) throw new PackedOtherwise();
  invariant(ordered.length === 0 && packed.slots.length === 0, 'only an empty log takes up a manifest');
  const table = tables.writers;
  for (const writer of writers) {
    const index = table.intern(writer.writer);
    table.firstTime[index] = writer.firstTime;
    table.last[index] = table.stored[index] = table.packed[index] = writer.last;
    table.lastTime[index] = table.storedTime[index] = table.packedTime[index] = writer.lastTime;
    if (writer.isHead) heads.add(index);
    edges.letGo(index, writer.last, writer.lastTime);
    own.observe(writer.lastTime);
  }
  resumeEdges(parts, packedEdges, (at) => table.find((writers[at] as PackedWriter).writer));
  packed.replace(0, 0, chunks, chunks.length);
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
    edges.refer(tables.writers.intern(writer), seq, time);
  }
}

/**
 * No manifest serves: of all chunks there are it takes ids, and returns those to be read as if they were the journal, and
 * packed anew.
 *
 * @internal
 */
export function packAnew(
  packer: Packer,
  chunks: Iterable<number>,
  nextChunkId: number,
  manifest: Uint8Array | undefined,
): number[] {
  const { former, obsolete } = packer;
  packer.nextId = nextChunkId;
  const named = new Set(manifest === undefined ? [] : namedInstead(manifest));
  for (const id of chunks) (named.has(id) ? obsolete : former).push(id);
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
