import { type ReplicaId, replicaIdFromBytes } from '@gossip-log/core';
import { deleteDB, openDB } from 'idb';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { storageContract } from './contract.js';
import { indexedDbStorage } from './indexeddb.js';

const strict = { durability: 'strict' } as const;
const create = async () => `gossip-log test ${crypto.randomUUID()}`;

function replica(number: number): ReplicaId {
  return replicaIdFromBytes(new Uint8Array(16).fill(number));
}

async function database(): Promise<string> {
  const name = await create();
  onTestFinished(() => deleteDB(name));
  return name;
}

function open(name: string) {
  const storage = indexedDbStorage({ name });
  onTestFinished(() => storage.close());
  return storage;
}

afterEach(() => {
  vi.restoreAllMocks();
});

storageContract('indexeddb', {
  create,
  open: async (name) => indexedDbStorage({ name }),
  destroy: (name) => deleteDB(name),
  makeNewer: async (name) => (await openDB(name, 1000)).close(),
});
