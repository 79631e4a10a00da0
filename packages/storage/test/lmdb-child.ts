/**
 * A process for lmdb.test.ts to kill: draws an id, then commits to three logs as fast as it can, packs what it committed
 * to one of them into one chunk a time, and says each time what was acknowledged. Arguments: the folder, and `exclusive`.
 */
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { writerIdFromBytes } from '@gossip-log/core';
import { lmdbStorage } from '../src/lmdb.js';

const storage = lmdbStorage({ path: process.argv[2] as string, exclusive: process.argv[3] === 'exclusive' });
const writer = writerIdFromBytes(randomBytes(16));
// An exclusive storage opens its folder with the first call.
await storage.logs();
// Synchronous: what was said has left the process when it is killed.
writeSync(1, `writes ${writer}\n`);

async function pack(log: string): Promise<void> {
  const { revision, nextChunkId, records } = await storage.load(log);
  await storage.pack(log, {
    revision,
    manifest: Uint8Array.of(revision % 256),
    add: [{ id: nextChunkId, bytes: Buffer.concat(records.flatMap(({ block }) => [block, Buffer.from('\n')])) }],
    remove: [],
    packed: records.map(({ key }) => key),
  });
}

await Promise.all(
  ['one', 'two', 'packed'].map(async (log) => {
    for (let seq = 0; ; seq += 3) {
      const entries = [1, 2, 3].map((more) => ({
        block: new TextEncoder().encode(`${writer} ${seq + more} ${'x'.repeat(seq % 5000)}`),
      }));
      await storage.commit(log, entries, { durability: 'strict', ownRuns: new Map([[writer, seq + 3]]) });
      if (log === 'packed') await pack(log);
      writeSync(1, `stored ${log} ${seq + 3}\n`);
    }
  }),
);
