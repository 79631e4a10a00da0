import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type GossipStorage, limits, type WriterId, writerIdFromBytes } from '@gossip-log/core';
import { open as openLmdb } from 'lmdb';
import { build } from 'tsup';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { storageContract } from './contract.js';
import { lmdbStorage } from './lmdb.js';
import { sealNumber } from './seal.js';

const strict = { durability: 'strict' } as const;
// The first byte of a key, as lmdb.ts says.
const kinds = {
  format: 1,
  metadata: 3,
  ownRun: 4,
  aside: 6,
  counters: 7,
  manifest: 8,
  chunk: 9,
  removed: 10,
  chunkAside: 11,
};

const create = () => mkdtemp(join(tmpdir(), 'gossip-log-lmdb.'));
const destroy = (path: string) => rm(path, { recursive: true });

function writer(number: number): WriterId {
  return writerIdFromBytes(new Uint8Array(16).fill(number));
}

const one = [{ block: Uint8Array.of(1) }];

async function folder(): Promise<string> {
  const path = await create();
  onTestFinished(() => destroy(path));
  return path;
}

function open(path: string) {
  const storage = lmdbStorage({ path });
  onTestFinished(() => storage.close());
  return storage;
}

/** Changes all values of a kind behind the storage's back. No storage has the folder open. */
async function tamper(path: string, kind: number, change: (key: Uint8Array, value: Uint8Array) => Uint8Array) {
  const db = openLmdb<Uint8Array, Uint8Array>({ path, noSubdir: false, encoding: 'binary', keyEncoding: 'binary' });
  for (const { key, value } of [...db.getRange({ start: Uint8Array.of(kind), end: Uint8Array.of(kind + 1) })]) {
    await db.put(key, change(new Uint8Array(key), new Uint8Array(value)));
  }
  await db.close();
}

function flipLastBit(_key: Uint8Array, value: Uint8Array): Uint8Array {
  value[value.length - 1] = (value.at(-1) as number) ^ 1;
  return value;
}

storageContract('lmdb', {
  create,
  open: async (path) => lmdbStorage({ path }),
  destroy,
  makeOther: (path, version) => tamper(path, kinds.format, (key) => sealNumber(key, version === 'newer' ? 6 : 4)),
});

let program: string;

beforeAll(async () => {
  // Node runs no TypeScript: the child is bundled, but for lmdb, which it finds through the link.
  const bundle = await mkdtemp(join(tmpdir(), 'gossip-log-child.'));
  const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
  await symlink(here('../node_modules'), join(bundle, 'node_modules'));
  await build({
    config: false,
    entry: [here('../test/lmdb-child.ts')],
    tsconfig: here('../tsconfig.json'),
    outDir: bundle,
    format: 'esm',
    target: 'node20',
    silent: true,
    noExternal: [/^@gossip-log\//],
    external: ['lmdb'],
    esbuildOptions(options) {
      options.conditions = ['@gossip-log/source'];
    },
  });
  program = join(bundle, 'lmdb-child.js');
  return () => rm(bundle, { recursive: true });
});

/** Starts the child over a folder and gives what it says, line by line. */
function start(path: string, ...options: string[]): { child: ChildProcess; lines: AsyncIterableIterator<string> } {
  const child = spawn(process.execPath, [program, path, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}

test('an exclusive storage is refused while another process has the folder, and not once that was killed', async () => {
  const path = await folder();
  const inUse = { code: 'storage-in-use', message: expect.stringContaining(path) };
  const storage = lmdbStorage({ path, exclusive: true });
  onTestFinished(() => storage.close());
  for (let round = 0; round < 3; round++) {
    const { child, lines } = start(path, 'exclusive');
    await lines.next();
    await expect(storage.logs()).rejects.toMatchObject(inUse);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    const next = lmdbStorage({ path, exclusive: true });
    await next.logs();
    await next.close();
  }
  await storage.logs();
  await expect(lmdbStorage({ path, exclusive: true }).logs()).rejects.toMatchObject(inUse);
  await open(path).logs();
});

test('[P1][P2][P3][P12] a process killed while it writes leaves whole batches, and all it was told', async () => {
  const path = await folder();
  for (const linesBeforeKill of [1, 40, 155, 403]) {
    const { child, lines } = start(path);
    const writer = (await lines.next()).value.split(' ')[1] as WriterId;
    const told = new Map<string, number>();
    let heard = 0;
    for await (const line of lines) {
      const [, log, seq] = line.split(' ') as [string, string, string];
      told.set(log, Number(seq));
      heard++;
      if (heard === linesBeforeKill) child.kill('SIGKILL');
    }
    expect(heard).toBeGreaterThanOrEqual(linesBeforeKill);

    const storage = lmdbStorage({ path });
    for (const [log, seq] of told) {
      const { records, ownRuns, revision, manifest } = await storage.load(log);
      expect(ownRuns.get(writer)).toBeGreaterThanOrEqual(seq);
      const chunks = await storage.readChunks(log);
      expect(chunks.size).toBe(revision);
      if (log === 'packed') expect(manifest).toEqual(Uint8Array.of((revision - 1) % 256));
      const lines = Buffer.concat([...chunks.values()])
        .toString()
        .split('\n')
        .slice(0, -1);
      const blocks = [...lines, ...records.map(({ block }) => new TextDecoder().decode(block))].map((line) =>
        line.split(' ', 2).join(' '),
      );
      for (const [each, last] of ownRuns) {
        expect(last % 3).toBe(0);
        const expected = Array.from({ length: last }, (_, i) => `${each} ${i + 1}`);
        expect(blocks.filter((block) => block.startsWith(each))).toEqual(expected);
      }
    }
    await storage.close();
  }
});

test('[P3] a damaged note of an own run is taken for the latest there may be, and can be settled', async () => {
  const path = await folder();
  const before = lmdbStorage({ path });
  await before.commit('log', one, { ...strict, ownRuns: new Map([[writer(1), 1]]) });
  await before.close();
  await tamper(path, kinds.ownRun, flipLastBit);
  const storage = open(path);
  expect((await storage.load('log')).ownRuns).toEqual(new Map([[writer(1), limits.seqMax]]));
  await storage.settleRun('log', writer(1), limits.seqMax);
  expect((await storage.load('log')).ownRuns.size).toBe(0);
});

test('[P6] the bytes of a record set aside stay in the store until its log is forgotten', async () => {
  const path = await folder();
  const before = lmdbStorage({ path });
  const block = 'a large block '.repeat(10_000);
  await before.commit('log', [{ block: new TextEncoder().encode(block) }, ...one], strict);
  await before.setAside('log', (await before.load('log')).records[0]?.key as string);
  await before.close();
  const aside: string[] = [];
  const look = (_key: Uint8Array, value: Uint8Array) => {
    aside.push(new TextDecoder().decode(value));
    return value;
  };
  await tamper(path, kinds.aside, look);
  expect(aside).toEqual([block]);

  const after = lmdbStorage({ path });
  await after.forget('log');
  await after.close();
  await tamper(path, kinds.aside, look);
  expect(aside).toHaveLength(1);
});

test('[P11] damaged metadata is reported, and can be set anew', async () => {
  const path = await folder();
  const before = lmdbStorage({ path });
  await before.setMetadata('key', Uint8Array.of(1, 2, 3));
  await before.close();
  await tamper(path, kinds.metadata, flipLastBit);
  const storage = open(path);
  await expect(storage.getMetadata('key')).rejects.toMatchObject({ code: 'storage-corrupt' });
  await storage.setMetadata('key', Uint8Array.of(4));
  expect(await storage.getMetadata('key')).toEqual(Uint8Array.of(4));
});

/** A log `log` of one event, of which one chunk was removed and one is there. */
async function packed(storage: GossipStorage): Promise<void> {
  await storage.commit('log', one, strict);
  const step = { manifest: Uint8Array.of(1), add: [], remove: [], packed: [] };
  await storage.pack('log', { ...step, revision: 0, add: [0, 1].map((id) => ({ id, bytes: Uint8Array.of(id) })) });
  await storage.pack('log', { ...step, revision: 1, remove: [0] });
}

async function count(path: string, kind: number): Promise<number> {
  let found = 0;
  await tamper(path, kind, (_key, value) => {
    found++;
    return value;
  });
  return found;
}

test('[P13] a removed chunk stays while another process may read it, and goes once that was killed', async () => {
  const path = await folder();
  const { child, lines } = start(path);
  const ended = once(child, 'exit');
  // By the first commit it has read.
  for (let line = 0; line < 2; line++) await lines.next();
  const before = lmdbStorage({ path });
  await packed(before);
  await before.close();
  const beside = lmdbStorage({ path });
  expect([...(await beside.readChunks('log', [0])).keys()]).toEqual([0]);
  await beside.close();
  child.kill('SIGKILL');
  await ended;
  const after = open(path);
  expect([...(await after.readChunks('log', [0])).keys()]).toEqual([]);
  expect([...(await after.readChunks('log')).keys()]).toEqual([1]);
});

test('[P13] an exclusive storage removes at once, unless another of its process has the folder', async () => {
  for (const shared of [false, true]) {
    const path = await folder();
    const storage = lmdbStorage({ path, exclusive: true });
    const other = open(path);
    if (shared) await other.logs();
    await packed(storage);
    expect((await storage.readChunks('log', [0])).size).toBe(shared ? 1 : 0);
    await Promise.all([storage.close(), other.close()]);
    expect(await count(path, kinds.removed)).toBe(shared ? 1 : 0);
    const after = lmdbStorage({ path });
    await after.logs();
    await after.close();
    expect(await count(path, kinds.removed)).toBe(0);
    expect(await count(path, kinds.chunk)).toBe(1);
  }
});

test('[P14] chunks lie there compressed, and a damaged one can be read and set aside', async () => {
  const path = await folder();
  const before = lmdbStorage({ path });
  await before.commit('log', one, strict);
  const bytes = new TextEncoder().encode('the same again and '.repeat(10_000));
  await before.pack('log', { revision: 0, manifest: bytes, add: [{ id: 0, bytes }], remove: [], packed: [] });
  await before.close();
  await tamper(path, kinds.chunk, (key, value) => {
    expect(value.length).toBeLessThan(bytes.length / 10);
    return flipLastBit(key, value);
  });
  const storage = open(path);
  expect(await storage.readChunks('log')).not.toEqual(new Map([[0, bytes]]));
  expect((await storage.readChunks('log', [0])).size).toBe(1);
  await storage.setAsideChunk('log', 0);
  expect((await storage.readChunks('log')).size).toBe(0);
});

test('[P14] the bytes of a chunk set aside stay in the store until its log is forgotten', async () => {
  const path = await folder();
  for (const kept of [1, 0]) {
    const storage = lmdbStorage({ path });
    if (kept) {
      await packed(storage);
      await storage.setAsideChunk('log', 1);
    } else await storage.forget('log');
    await storage.close();
    expect(await count(path, kinds.chunkAside)).toBe(kept);
  }
});

test('[P15] a damaged manifest loads as none, the revision stays, and the next pack mends it', async () => {
  const path = await folder();
  const before = lmdbStorage({ path });
  await packed(before);
  await before.close();
  await tamper(path, kinds.manifest, flipLastBit);
  const storage = open(path);
  expect(await storage.load('log')).toMatchObject({ revision: 2, nextChunkId: 2, manifest: undefined });
  await storage.pack('log', { revision: 2, manifest: Uint8Array.of(2), add: [], remove: [], packed: [] });
  expect(await storage.load('log')).toMatchObject({ revision: 3, manifest: Uint8Array.of(2) });
});

test('[P13] damaged counters rise above all that was given, and the log goes on', async () => {
  const path = await folder();
  const before = lmdbStorage({ path });
  await packed(before);
  const [stale] = await before.commit('log', one, strict);
  await before.close();
  await tamper(path, kinds.counters, flipLastBit);
  const storage = open(path);
  const { revision, nextChunkId, manifest } = await storage.load('log');
  expect(revision).toBeGreaterThan(2);
  expect(nextChunkId).toBeGreaterThan(2);
  expect(manifest).toEqual(Uint8Array.of(1));
  const add = [{ id: nextChunkId, bytes: Uint8Array.of(2) }];
  await storage.pack('log', { revision, manifest: Uint8Array.of(2), add, remove: [], packed: [stale as string] });
  expect(await storage.load('log')).toMatchObject({ revision: revision + 1, nextChunkId: nextChunkId + 1 });
  const [key] = await storage.commit('log', one, strict);
  expect(Number(key)).toBeGreaterThan(Number(stale));
});

test('[P9] a folder that cannot be opened rejects with storage-failed, and the next call tries again', async () => {
  const path = join(await folder(), 'not.yet', 'a folder');
  const inTheWay = join(path, '..');
  await writeFile(inTheWay, '');
  const storage = open(path);
  await expect(storage.logs()).rejects.toMatchObject({
    code: 'storage-failed',
    context: { reason: 'unavailable' },
    cause: expect.any(Error),
  });
  await rm(inTheWay);
  expect(await storage.logs()).toEqual([]);
});

test('[P2] storages that name one folder by different paths share what they write', async () => {
  const path = await folder();
  const link = `${await realpath(path)}.link`;
  await symlink(path, link);
  onTestFinished(() => rm(link));
  const [here, there] = [open(path), open(link)];
  await Promise.all([here.commit('log', one, strict), there.commit('log', one, strict)]);
  await here.close();
  expect((await there.load('log')).records).toHaveLength(2);
});

test('[P9] a path that is none is refused at once', () => {
  expect(() => lmdbStorage({ path: '' })).toThrow(TypeError);
});
