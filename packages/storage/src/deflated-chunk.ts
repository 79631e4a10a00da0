/**
 * Packed chunks compressed at rest, on Node. Of chat a third is left; `docs/decisions/0012-compressing-packed-chunks.md`
 * has the figures.
 *
 * | bytes | what |
 * |---|---|
 * | 1 | 0: the chunk as it is. 1: deflated (RFC 1951) |
 * | 4 | with 1 only: bytes of the chunk, big-endian, at most `packedChunkBytesMax` |
 * | rest | the chunk, or the deflate stream |
 */
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw, inflateRawSync } from 'node:zlib';
import { limits } from '@gossip-log/core';

const forms = { plain: 0, deflated: 1 } as const;
const headerBytes = 5;
/**
 * Up to here a chunk is inflated at once: 33 kB take 55 µs so, and 250 µs beside the event loop, of which 160 µs are this
 * process's own. Chunks of usual events are that small.
 */
const atOnceBytesMax = 256 * 1024;
// These run beside the event loop.
const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/** What to keep of a chunk: deflated when that is smaller. */
export async function deflateChunk(chunk: Uint8Array): Promise<Uint8Array> {
  const stream = await deflate(chunk);
  if (headerBytes + stream.length > chunk.length) return Buffer.concat([Uint8Array.of(forms.plain), chunk]);
  const header = Buffer.of(forms.deflated, 0, 0, 0, 0);
  header.writeUInt32BE(chunk.length, 1);
  return Buffer.concat([header, stream]);
}

/**
 * The chunk that was kept, newly allocated. Never larger than it was declared.
 *
 * What is damaged comes as it lies there: the blocks in it carry checksums, so that whoever reads it sets it aside.
 */
export async function inflateChunk(kept: Uint8Array): Promise<Uint8Array> {
  if (kept[0] !== forms.deflated || kept.length < headerBytes) return Uint8Array.from(kept.subarray(1));
  const length = new DataView(kept.buffer, kept.byteOffset).getUint32(1);
  if (length > limits.packedChunkBytesMax) return Uint8Array.from(kept);
  try {
    const stream = kept.subarray(headerBytes);
    // One piece, so that nothing is put together afterwards. zlib wants 64 bytes or more.
    const bounds = { chunkSize: Math.max(64, length), maxOutputLength: Math.max(1, length) };
    const chunk = length <= atOnceBytesMax ? inflateRawSync(stream, bounds) : await inflate(stream, bounds);
    if (chunk.length === length) return new Uint8Array(chunk);
  } catch {
    // The stream is damaged, or gives more than was declared.
  }
  return Uint8Array.from(kept);
}
