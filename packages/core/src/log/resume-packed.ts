/** Where a log goes on that was packed: at what its manifest says, or, where none serves, from its chunks anew. */
import { decodeManifest, type PackedEdges, type PackedReplica } from '../codec/manifest.js';
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
  const { effective, heads, own, packer } = parts;
  const { packed, ordered, tables, edges } = effective;
  const { isWhole, replicas, chunks, edges: packedEdges } = decodeManifest(manifest);
  if (!isWhole) throw new PackedOtherwise();
  invariant(ordered.length === 0 && packed.slots.length === 0, 'only an empty log takes up a manifest');
  const table = tables.replicas;
  for (const replica of replicas) {
    const index = table.intern(replica.replica);
    table.firstTime[index] = replica.firstTime;
    table.last[index] = table.stored[index] = table.packed[index] = replica.last;
    table.lastTime[index] = table.storedTime[index] = table.packedTime[index] = replica.lastTime;
    if (replica.isHead) heads.add(index);
    edges.letGo(index, replica.last, replica.lastTime);
    own.observe(replica.lastTime);
  }
  resumeEdges(parts, packedEdges, (at) => table.find((replicas[at] as PackedReplica).replica));
  packed.replace(0, 0, chunks, chunks.length);
  packer.nextId = nextChunkId;
}

function resumeEdges({ effective, packer }: LogParts, packed: PackedEdges, indexOf: (replica: number) => number): void {
  const { edges, tables } = effective;
  edges.complete = Math.max(edges.complete, packed.complete);
  edges.droppedBefore = packed.droppedBefore;
  for (const { replica, segments } of packed.gaps) {
    edges.resumeGaps(indexOf(replica), segments);
    packer.packedRuns.resumeGaps(indexOf(replica), segments);
  }
  for (const { replica, seq } of packed.dropped) edges.drop(indexOf(replica), seq);
  for (const { replica, seq, time } of packed.dangling) {
    edges.refer(tables.replicas.intern(replica), seq, time);
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
