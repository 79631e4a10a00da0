import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { GossipStorage } from '@gossip-log/core';
import { MemoryDisk, memoryStorage } from '@gossip-log/storage/memory';
import { storageContract } from '@gossip-log/testing/contracts';

/** Keeps blocks compressed in another storage. */
function compressedStorage(inner: GossipStorage): GossipStorage {
  return {
    async load(log) {
      const { records, heads } = await inner.load(log);
      return {
        heads,
        records: records.map(({ key, block }) => ({ key, block: new Uint8Array(inflateRawSync(block)) })),
      };
    },
    commit(log, entries, options) {
      const compressed = entries.map((entry) => ({ ...entry, block: new Uint8Array(deflateRawSync(entry.block)) }));
      return inner.commit(log, compressed, options);
    },
    leaseReplica: (create) => inner.leaseReplica(create),
    setAside: (log, key) => inner.setAside(log, key),
    logs: () => inner.logs(),
    forget: (log) => inner.forget(log),
    getMetadata: (key) => inner.getMetadata(key),
    setMetadata: (key, value) => inner.setMetadata(key, value),
    close: () => inner.close(),
  };
}

storageContract('compressed', {
  create: async () => new MemoryDisk(),
  open: async (disk) => compressedStorage(memoryStorage({ disk })),
  destroy: async () => {},
  makeNewer: async (disk) => {
    disk.formatVersion++;
  },
});
