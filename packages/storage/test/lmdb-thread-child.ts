/**
 * A worker thread for two-copies.test.ts: commits 200 events of one writer to log `a` beside other threads, packs some of
 * them now and then, and says what it finds. With `exclusive` it says whether it was given the folder, and holds it until
 * it is told something.
 */
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { GossipError, writerIdFromBytes } from '@gossip-log/core';
import { lmdbStorage } from '../src/lmdb.js';

const { path, author, exclusive } = workerData as { path: string; author: number; exclusive: boolean };
const storage = lmdbStorage({ path, exclusive });
const say = (message: unknown) => parentPort?.postMessage(message);

if (exclusive) {
  await storage.logs().then(
    () => say('given'),
    (error) => say(error.code),
  );
  if (parentPort !== null) await once(parentPort, 'message');
} else {
  const writer = writerIdFromBytes(new Uint8Array(16).fill(author));
  for (let seq = 1; seq <= 200; seq++) {
    const block = new TextEncoder().encode(`${author} ${seq}`);
    await storage.commit('a', [{ block }], { durability: 'strict', ownRuns: new Map([[writer, seq]]) });
    if (seq % 50 !== 0) continue;
    const { revision, nextChunkId, records } = await storage.load('a');
    const packed = records.slice(0, 10);
    const bytes = new TextEncoder().encode(packed.map((record) => new TextDecoder().decode(record.block)).join('\n'));
    const packing = { revision, manifest: Uint8Array.of(1), add: [{ id: nextChunkId, bytes }], remove: [] };
    await storage.pack('a', { ...packing, packed: packed.map(({ key }) => key) }).catch((error: unknown) => {
      // The other thread packed meanwhile.
      if (!(error instanceof GossipError) || error.code !== 'pack-conflict') throw error;
    });
  }
  say((await storage.load('a')).ownRuns.get(writer));
}
await storage.close();
process.exit();
