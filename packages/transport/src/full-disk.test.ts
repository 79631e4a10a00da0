/** A disk without room: what is written waits, up to a bound, and everything else goes on. */
import { GossipError, type GossipStorage, type LogEvent, limits } from '@gossip-log/core';
import { memoryStorage } from '@gossip-log/storage/memory';
import { expect, test } from 'vitest';
import { FakeEnvironment } from '../test/fake-environment.js';
import { until } from '../test/until.js';
import { createGossipNode } from './gossip-node.js';
import { memoryPair } from './memory-pair.js';
import { systemEnvironment } from './system-environment.js';

/** A store in memory that has no room while `disk.full`. */
function smallStorage(disk: { full: boolean }): GossipStorage {
  const storage = memoryStorage();
  return {
    ...storage,
    commit: (...args) =>
      disk.full ? Promise.reject(new GossipError('storage-failed', 'no room')) : storage.commit(...args),
  };
}

test('[H3] [L7] on a full disk appends wait, then fail with a code; reading goes on, and writing by itself when there is room', async () => {
  const timers = new FakeEnvironment();
  const environment = {
    now: () => systemEnvironment.now(),
    elapsed: () => systemEnvironment.elapsed(),
    randomBytes: (length: number) => systemEnvironment.randomBytes(length),
    setTimer: (ms: number, callback: () => void) => timers.setTimer(ms, callback),
  };
  const disk = { full: false };
  const pair = memoryPair();
  const one = createGossipNode({
    ...{ storage: smallStorage(disk), environment, connections: [pair.left], onError: () => undefined },
  });
  const other = createGossipNode({ storage: memoryStorage(), connections: [pair.right] });
  const log = one.open<number>('room');
  const peer = other.open<number>('room');
  await Promise.all([log.ready, peer.ready]);
  await log.delivered(log.append(0));
  await until(peer, () => peer.snapshot().length === 1);

  disk.full = true;
  for (let i = 1; i <= limits.unstoredEventsMax; i++) log.append(i);
  await until(log, () => log.error !== undefined);
  expect(log.error?.code).toBe('storage-failed');
  const refused = () => log.append(-1);
  expect(refused).toThrow(expect.objectContaining({ code: 'limit-exceeded', cause: log.error }));
  // What was refused left nothing behind; what was taken is on the screen, and pending.
  const events = log.snapshot();
  expect(events.length).toBe(limits.unstoredEventsMax + 1);
  const last = events.at(-1) as LogEvent<number>;
  expect(last.payload).toBe(limits.unstoredEventsMax);
  expect(log.delivery(last).state).toBe('pending');
  // A peer's events are read all the same, and what is not stored is not spoken of.
  const theirs = peer.append(-2);
  await until(log, () => log.snapshot().length === limits.unstoredEventsMax + 2);
  expect(log.log?.get(theirs.id)?.payload).toBe(-2);
  expect(peer.snapshot().length).toBe(2);

  disk.full = false;
  timers.advance(limits.storageRetryMsMax);
  await log.delivered(last);
  expect(log.error).toBeUndefined();
  await log.delivered(log.append(-3));
  await until(peer, () => peer.snapshot().length === limits.unstoredEventsMax + 3);
  await Promise.all([one.close(), other.close()]);
}, 60_000);
