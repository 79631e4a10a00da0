/** A store that cannot be opened: the log says so soon, and everything else goes on. */
import { GossipError, type GossipStorage } from '@gossip-log/core';
import { memoryStorage } from '@gossip-log/storage/memory';
import { expect, test } from 'vitest';
import { createGossipNode } from './gossip-node.js';
import { memoryPair } from './memory-pair.js';

/** A store in memory of which every call rejects while `disk.error` is set. */
function closedStorage(disk: { error: GossipError | undefined }): GossipStorage {
  const storage = memoryStorage();
  const guard =
    (call: (...given: unknown[]) => Promise<unknown>) =>
    (...given: unknown[]) =>
      disk.error === undefined ? call(...given) : Promise.reject(disk.error);
  const calls = Object.entries(storage).map(([name, call]) => [name, name === 'close' ? call : guard(call)]);
  return Object.fromEntries(calls) as GossipStorage;
}

test('a store that does not open fails its logs with storage-failed and the reason; the node connects, and opens them later', async () => {
  const context = { reason: 'unavailable' };
  const disk: { error: GossipError | undefined } = {
    error: new GossipError('storage-failed', 'database a: the browser forbids it', { context }),
  };
  const pair = memoryPair();
  const one = createGossipNode({ storage: closedStorage(disk), connections: [pair.left] });
  const other = createGossipNode({ storage: memoryStorage(), connections: [pair.right] });
  const statuses: string[] = [];
  const log = one.open<string>('room');
  log.subscribe(() => statuses.push(log.status));
  await expect(log.ready).rejects.toMatchObject({ code: 'storage-failed', context });
  expect(statuses).toEqual(['failed']);
  expect(log.error).toMatchObject({ code: 'storage-failed', context });
  expect(() => log.append('lost')).toThrow(expect.objectContaining({ code: 'storage-failed' }));
  await new Promise<void>((resolve) => {
    const look = () => one.connection().status === 'online' && resolve();
    one.subscribe(look);
    look();
  });

  disk.error = undefined;
  const again = one.open<string>('room');
  await again.ready;
  await again.delivered(again.append('kept'));
  await Promise.all([one.close(), other.close()]);
});
