import { expect, test } from 'vitest';
import { storageContract } from './contract.js';
import { MemoryDisk, memoryStorage } from './memory.js';

storageContract('memory', {
  create: async () => new MemoryDisk(),
  open: async (disk) => memoryStorage({ disk }),
  destroy: async () => {},
  makeOther: async (disk, version) => {
    disk.formatVersion += version === 'newer' ? 1 : -1;
  },
});

test('[P9] a crash ends storages, and keeps what was written', async () => {
  const disk = new MemoryDisk();
  const before = memoryStorage({ disk });
  await before.setMetadata('key', Uint8Array.of(1));
  disk.crash();
  await expect(before.getMetadata('key')).rejects.toMatchObject({ code: 'storage-closed' });
  expect(await memoryStorage({ disk }).getMetadata('key')).toEqual(Uint8Array.of(1));
});

test('[P7] a storage without a disk has one of its own', async () => {
  const one = memoryStorage();
  const two = memoryStorage();
  await one.setMetadata('key', Uint8Array.of(1));
  expect(await two.getMetadata('key')).toBeUndefined();
});
