/** Two copies of this package in one process, and two threads of one process, over one folder of LMDB. */
import { once } from 'node:events';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { GossipError } from '@gossip-log/core';
import { build } from 'tsup';
import { beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { lmdbStorage } from './lmdb.js';

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'gossip-log-copies.'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function secondCopy(): Promise<typeof lmdbStorage> {
  vi.resetModules();
  const copy = (await import('./lmdb.js')).lmdbStorage;
  expect(copy).not.toBe(lmdbStorage);
  return copy;
}

const commit = (writer: number, seq: number) =>
  ['a', [{ block: Uint8Array.of(writer, seq) }], { durability: 'strict' }] as const;

test('two copies share one environment: closing one takes nothing from the other [P5]', async () => {
  const path = await folder();
  const copy = await secondCopy();
  const [ours, theirs] = [lmdbStorage({ path }), copy({ path })];
  await Promise.all([ours.commit(...commit(1, 1)), theirs.commit(...commit(2, 1))]);
  await ours.close();
  await theirs.commit(...commit(2, 2));
  expect((await theirs.load('a')).records).toHaveLength(3);
  await theirs.close();
});

test('a folder that one copy claimed for itself is in use for the other', async () => {
  const path = await folder();
  const copy = await secondCopy();
  const ours = lmdbStorage({ path, exclusive: true });
  await ours.logs();
  const theirs = copy({ path, exclusive: true });
  const refusal = await theirs.logs().catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(GossipError);
  expect(refusal).toMatchObject({ code: 'storage-in-use' });
  await ours.close();
  expect(await theirs.logs()).toEqual([]);
  await theirs.close();
});

let program: string;

beforeAll(async () => {
  const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
  const bundle = await mkdtemp(join(tmpdir(), 'gossip-log-worker.'));
  await symlink(here('../node_modules'), join(bundle, 'node_modules'));
  await build({
    config: false,
    entry: [here('../test/lmdb-thread-child.ts')],
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
  program = join(bundle, 'lmdb-thread-child.js');
  return () => rm(bundle, { recursive: true, force: true });
});

function start(path: string, writer: number, exclusive = false): Worker {
  const worker = new Worker(program, { workerData: { path, author: writer, exclusive } });
  onTestFinished(async () => void (await worker.terminate()));
  return worker;
}

test('two threads commit and pack side by side in one folder, and nothing is lost', async () => {
  const path = await folder();
  const ours = lmdbStorage({ path });
  await ours.logs();
  const workers = [start(path, 1), start(path, 2)];
  const ends = workers.map((worker) => once(worker, 'exit'));
  expect(await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]))).toEqual([200, 200]);
  await Promise.all(ends);
  // The environment goes on here after the others closed theirs.
  await ours.commit(...commit(3, 1));
  const { records } = await ours.load('a');
  const chunks = await ours.readChunks('a');
  const kept = [...records.map(({ block }) => block), ...chunks.values()]
    .flatMap((bytes) => new TextDecoder().decode(bytes).split('\n'))
    .filter((line) => line.includes(' '));
  expect(kept).toHaveLength(400);
  expect(new Set(kept).size).toBe(400);
  await ours.close();
});

test('a folder that one thread claimed for itself is in use for the others', async () => {
  const path = await folder();
  const [first, second] = [start(path, 1, true), start(path, 2, true)];
  const answers = await Promise.all([first, second].map(async (worker) => (await once(worker, 'message'))[0]));
  expect(answers.sort()).toEqual(['given', 'storage-in-use']);
});
