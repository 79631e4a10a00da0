import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { GossipStorage } from '@gossip-log/core';
import { MemoryDisk, memoryStorage } from '@gossip-log/storage/memory';
import { storageContract } from '@gossip-log/testing/contracts';

const deflate = (bytes: Uint8Array) => new Uint8Array(deflateRawSync(bytes));
const inflate = (bytes: Uint8Array) => new Uint8Array(inflateRawSync(bytes));

/** Keeps blocks and chunks compressed in another storage. */
function compressedStorage(inner: GossipStorage): GossipStorage {
  return {
    async load(log) {
      const { records, ...stored } = await inner.load(log);
      return { ...stored, records: records.map(({ key, block }) => ({ key, block: inflate(block) })) };
    },
    commit(log, entries, options) {
      const compressed = entries.map((entry) => ({ ...entry, block: deflate(entry.block) }));
      return inner.commit(log, compressed, options);
    },
    pack(log, packing) {
      const add = packing.add.map(({ id, bytes }) => ({ id, bytes: deflate(bytes) }));
      return inner.pack(log, { ...packing, add });
    },
    async readChunks(log, ids) {
      const chunks = await inner.readChunks(log, ids);
      return new Map(Array.from(chunks, ([id, bytes]) => [id, inflate(bytes)]));
    },
    settleRun: (log, writer, upTo) => inner.settleRun(log, writer, upTo),
    setAside: (log, key) => inner.setAside(log, key),
    setAsideChunk: (log, id) => inner.setAsideChunk(log, id),
    logs: () => inner.logs(),
    forget: (log) => inner.forget(log),
    getMetadata: (key) => inner.getMetadata(key),
    setMetadata: (key, value) => inner.setMetadata(key, value),
    replaceMetadata: (key, expected, value) => inner.replaceMetadata(key, expected, value),
    close: () => inner.close(),
  };
}

storageContract('compressed', {
  create: async () => new MemoryDisk(),
  open: async (disk) => compressedStorage(memoryStorage({ disk })),
  destroy: async () => {},
  makeOther: async (disk, version) => {
    disk.formatVersion += version === 'newer' ? 1 : -1;
  },
});
