/**
 * One process at a time in a folder.
 *
 * Whoever opens an LMDB environment holds a lock of the operating system until it closes it or ends, however it ends.
 * Who opens it alone starts its table of readers anew; so rows of it that were there before ours mean that somebody
 * else is alive. A claim is such a row in an environment that serves nothing else, taken under LMDB's write lock. It
 * holds between containers, whose process numbers are often the same, and is gone at once after `kill -9`.
 *
 * Rejected: a file with a process number, which outlives `kill -9` and means another process in another container; a
 * lease that is renewed, which has to be waited for and is lost by a process that was suspended.
 */
import { join } from 'node:path';
import { GossipError } from '@gossip-log/core';
import { open } from 'lmdb';
import { processWide } from './process-wide.js';

/** Real paths. LMDB gives the same environment twice within one process. */
const claimed = processWide('claimed-folders', () => new Set<string>());

/**
 * Claims a folder for this process until the function returned is called, or the process ends.
 *
 * @param folder Its real path. It exists.
 * @throws GossipError `storage-in-use`.
 * @internal
 */
export async function claimFolder(folder: string): Promise<() => Promise<void>> {
  if (claimed.has(folder)) throw inUse(folder);
  const db = open({ path: join(folder, 'in-use.mdb'), noSubdir: true });
  try {
    const row = db.transactionSync(() => {
      const { numReaders } = db.getStats() as { readonly numReaders: number };
      return numReaders === 0 ? db.useReadTransaction() : undefined;
    });
    if (row === undefined) throw inUse(folder);
    claimed.add(folder);
    return async () => {
      row.done();
      await db.close();
      claimed.delete(folder);
    };
  } catch (error) {
    await db.close();
    throw error;
  }
}

function inUse(folder: string): GossipError {
  return new GossipError('storage-in-use', `another process uses ${folder}`, { context: { folder } });
}
