import { deflateRawSync } from 'node:zlib';
import { limits } from '@gossip-log/core';
import { expect, test } from 'vitest';
import { deflateChunk, inflateChunk } from './deflated-chunk.js';

const repeated = new TextEncoder().encode('the same again and '.repeat(1000));
const noise = crypto.getRandomValues(new Uint8Array(10_000));

function deflated(length: number, stream: Uint8Array): Uint8Array {
  const kept = Buffer.concat([Uint8Array.of(1, 0, 0, 0, 0), stream]);
  kept.writeUInt32BE(length, 1);
  return kept;
}

test('[P12] a chunk comes back byte for byte, smaller at rest where that is possible, and never much larger', async () => {
  const largest = new Uint8Array(limits.packedChunkBytesMax).fill(7);
  for (const chunk of [repeated, noise, largest, new Uint8Array(), Uint8Array.of(1)]) {
    const kept = await deflateChunk(chunk);
    expect(kept.length).toBeLessThanOrEqual(chunk.length + 1);
    const back = await inflateChunk(kept);
    expect(Object.getPrototypeOf(back)).toBe(Uint8Array.prototype);
    expect(back.length).toBe(chunk.length);
    expect(Buffer.compare(back, chunk)).toBe(0);
  }
  expect((await deflateChunk(repeated)).length).toBeLessThan(repeated.length / 10);
  expect((await deflateChunk(noise))[0]).toBe(0);
});

test('[P12] no more is inflated than was declared, and no more declared than a chunk may have', async () => {
  const bomb = deflateRawSync(new Uint8Array(64 * 1024 * 1024));
  for (const length of [0, 1, 1000, limits.packedChunkBytesMax, limits.packedChunkBytesMax + 1, 2 ** 32 - 1]) {
    const kept = deflated(length, bomb);
    expect(await inflateChunk(kept)).toEqual(Uint8Array.from(kept));
  }
});

test('[P14] of damage something comes, for its reader to find and set aside', async () => {
  const kept = await deflateChunk(repeated);
  for (let at = 0; at < kept.length; at++) {
    const flipped = Uint8Array.from(kept);
    flipped[at] = (flipped[at] as number) ^ (1 << (at % 8));
    await inflateChunk(flipped);
    await inflateChunk(kept.subarray(0, at));
  }
  expect(await inflateChunk(deflated(repeated.length + 1, kept.subarray(5)))).toEqual(
    Uint8Array.from(deflated(repeated.length + 1, kept.subarray(5))),
  );
});

test('a chunk that was deflated before is read [P12]', async () => {
  const frozen = Buffer.from('01000000224b5448ce28cdcbd65148c4c50000', 'hex');
  expect(Buffer.from(await inflateChunk(frozen)).toString()).toBe('a chunk, a chunk, a chunk, a chunk');
});
