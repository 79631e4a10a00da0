import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GossipStorage, limits } from '@gossip-log/core';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { lmdbStorage } from './lmdb.js';

const strict = { durability: 'strict' } as const;
const secret = 'the words that are taken back';
const encoder = new TextEncoder();

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'gossip-log-scrub.'));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

function open(path: string, exclusive = true): GossipStorage {
  const storage = lmdbStorage({ path, exclusive });
  onTestFinished(() => storage.close());
  return storage;
}

async function isLeft(path: string): Promise<boolean> {
  return (await readFile(join(path, 'data.mdb'))).includes(secret);
}

async function scrub(storage: GossipStorage): Promise<void> {
  for (let steps = 0; await storage.scrub?.(); steps++) expect(steps).toBeLessThan(1_000);
}

const pack = { manifest: Uint8Array.of(1), add: [], remove: [], packed: [] };

test('nothing of a packed record is left in the file, whatever is written around it [P16]', async () => {
  let left = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ log: fc.nat(3), bytes: fc.nat(600), count: fc.integer({ min: 1, max: 40 }) }), {
        minLength: 1,
        maxLength: 40,
      }),
      fc.nat(39),
      async (commits, at) => {
        const path = await folder();
        const storage = open(path);
        for (const [i, { log, bytes, count }] of commits.entries()) {
          if (i === at % commits.length) await storage.commit('log 1', [{ block: encoder.encode(secret) }], strict);
          const blocks = Array.from({ length: count }, (_, nth) => ({
            block: new Uint8Array(1 + ((bytes * (nth + 1)) % 600)),
          }));
          await storage.commit(`log ${log}`, blocks, strict);
        }
        const { records } = await storage.load('log 1');
        await storage.pack('log 1', { ...pack, revision: 0, packed: records.map(({ key }) => key) });
        if (await isLeft(path)) left++;
        await scrub(storage);
        expect(await isLeft(path)).toBe(false);
        await storage.close();
      },
    ),
    { numRuns: 30 },
  );
  // LMDB wipes nothing by itself: else this proves nothing.
  expect(left).toBeGreaterThan(20);
}, 60_000);

test('nothing of a removed chunk is left, small or large, also of a storage that is not exclusive [P16]', async () => {
  for (const exclusive of [true, false]) {
    for (const bytes of [10, 3_000, 200_000]) {
      const path = await folder();
      const storage = open(path, exclusive);
      // Random bytes are kept as they are, not deflated.
      const noise = crypto.getRandomValues(new Uint8Array(Math.min(bytes, 65_536)));
      const chunk = Buffer.concat([encoder.encode(secret), noise, Buffer.alloc(bytes - noise.length, 7)]);
      await storage.commit('log', [{ block: Uint8Array.of(1) }], strict);
      await storage.pack('log', { ...pack, revision: 0, add: [{ id: 0, bytes: chunk }] });
      await storage.load('log');
      await storage.pack('log', { ...pack, revision: 1, remove: [0] });
      await scrub(storage);
      expect(await isLeft(path), `${bytes} exclusive ${exclusive}`).toBe(false);
    }
  }
});

test('a file does not grow by being scrubbed, and others write meanwhile [P16]', async () => {
  const path = await folder();
  const storage = open(path);
  const blocks = Array.from({ length: 200 }, (_, i) => ({ block: new Uint8Array(100 + i) }));
  const sizes: number[] = [];
  for (let round = 0; round < 30; round++) {
    await storage.commit('log', blocks, strict);
    const { records, revision } = await storage.load('log');
    await storage.pack('log', { ...pack, revision, packed: records.map(({ key }) => key) });
    const writing = storage.commit('other', [{ block: Uint8Array.of(round) }], strict);
    await scrub(storage);
    await writing;
    sizes.push((await readFile(join(path, 'data.mdb'))).length);
  }
  expect((await storage.load('other')).records).toHaveLength(30);
  const [first, last] = [sizes[4] as number, sizes[29] as number];
  expect(last - first).toBeLessThan(30 * 4096);
});

test('what another storage of the process has begun is finished before a pass of its own [P16]', async () => {
  const path = await folder();
  const [one, other] = [open(path, false), open(path, false)];
  await one.commit(
    'log',
    Array.from({ length: 3 * limits.scrubKeysMax }, () => ({ block: Uint8Array.of(1) })),
    strict,
  );
  expect(await one.scrub?.()).toBe(true);
  await other.commit('log', [{ block: encoder.encode(secret) }], strict);
  const { records } = await other.load('log');
  await other.pack('log', { ...pack, revision: 0, packed: records.slice(-1).map(({ key }) => key) });
  await scrub(other);
  expect(await isLeft(path)).toBe(false);
  expect(await one.scrub?.()).toBe(true);
});
