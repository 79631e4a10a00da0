import { replicaIdFromBytes } from '@gossip-log/core';
import { expect, test } from 'vitest';
import { storageContract } from './contract.js';
import { MemoryDisk, memoryStorage } from './memory.js';

storageContract('memory', {
  create: async () => new MemoryDisk(),
  open: async (disk) => memoryStorage({ disk }),
  destroy: async () => {},
  makeNewer: async (disk) => {
    disk.formatVersion++;
  },
});

test('[P8] a crash ends leases and storages, and keeps what was written', async () => {
  const disk = new MemoryDisk();
  const before = memoryStorage({ disk });
  const replica = replicaIdFromBytes(new Uint8Array(16).fill(1));
  const lease = await before.leaseReplica(() => replica);
  await before.setMetadata('key', Uint8Array.of(1));
  disk.crash();
  await expect(before.getMetadata('key')).rejects.toMatchObject({ code: 'storage-closed' });

  const after = memoryStorage({ disk });
  const again = await after.leaseReplica(() => {
    throw new Error('the pool has an id');
  });
  expect(again.replica).toBe(replica);
  await lease.release();
  await expect(after.leaseReplica(() => replica)).rejects.toMatchObject({ code: 'storage-failed' });
  expect(await after.getMetadata('key')).toEqual(Uint8Array.of(1));
});

test('[P7] a storage without a disk has one of its own', async () => {
  const one = memoryStorage();
  const two = memoryStorage();
  await one.setMetadata('key', Uint8Array.of(1));
  expect(await two.getMetadata('key')).toBeUndefined();
});
