import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ReplicaId, replicaIdFromBytes } from '@gossip-log/core';
import { open as openLmdb } from 'lmdb';
import { expect, onTestFinished, test } from 'vitest';
import { storageContract } from './contract.js';
import { lmdbStorage } from './lmdb.js';
import { sealHead } from './seal.js';

const strict = { durability: 'strict' } as const;
const create = () => mkdtemp(join(tmpdir(), 'gossip-log-lmdb.'));
const destroy = (path: string) => rm(path, { recursive: true });

function replica(number: number): ReplicaId {
  return replicaIdFromBytes(new Uint8Array(16).fill(number));
}

async function folder(): Promise<string> {
  const path = await create();
  onTestFinished(() => destroy(path));
  return path;
}

/** Changes the environment behind the storage's back. No storage has it open. */
async function tamper(path: string, change: (bytes: Uint8Array, key: Uint8Array) => Uint8Array | undefined) {
  const db = openLmdb<Uint8Array, Uint8Array>({ path, noSubdir: false, encoding: 'binary', keyEncoding: 'binary' });
  for (const { key, value } of [...db.getRange({ start: Uint8Array.of(0) })]) {
    const changed = change(new Uint8Array(value), key);
    if (changed) await db.put(key, changed);
  }
  await db.close();
}

storageContract('lmdb', {
  create,
  open: async (path) => lmdbStorage({ path }),
  destroy,
  makeNewer: (path) => tamper(path, (_, key) => (key[0] === 1 ? sealHead(key, 2) : undefined)),
});
