/**
 * A process for lmdb.test.ts to kill: leases an id, then commits to two logs as fast as it can, and says each time
 * what was acknowledged. Arguments: the folder, and `exclusive`.
 */
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { type JournalEntry, replicaIdFromBytes } from '@gossip-log/core';
import { lmdbStorage } from '../src/lmdb.js';

const storage = lmdbStorage({ path: process.argv[2] as string, exclusive: process.argv[3] === 'exclusive' });
const { replica } = await storage.leaseReplica(() => replicaIdFromBytes(randomBytes(16)));
// Synchronous: what was said has left the process when it is killed.
writeSync(1, `lease ${replica}\n`);

await Promise.all(
  ['one', 'two'].map(async (log) => {
    for (let seq = (await storage.load(log)).heads.get(replica) ?? 0; ; seq += 3) {
      const entries = [1, 2, 3].map((more): JournalEntry => {
        const block = new TextEncoder().encode(`${replica} ${seq + more} ${'x'.repeat(seq % 5000)}`);
        return { origin: 'own', block, runs: [{ replica, first: seq + more, last: seq + more }] };
      });
      await storage.commit(log, entries, { durability: 'strict' });
      writeSync(1, `stored ${log} ${seq + 3}\n`);
    }
  }),
);
