/** What lies in the journal is packed, and what is packed is in memory only as far as somebody looks (H9, H10). */
import { GossipError, limits, type Snapshot } from '@gossip-log/core';
import { MemoryDisk, memoryStorage } from '@gossip-log/storage/memory';
import { expect, test } from 'vitest';
import { append, texts } from '../test/nodes-on-disks.js';
import { until } from '../test/until.js';
import { createGossipNode, type GossipNode, type GossipNodeOptions } from './gossip-node.js';
import type { LogWindow } from './log-window.js';
import { memoryPair } from './memory-pair.js';

const room = 'room';
/** Enough for several chunks. */
const many = 4 * limits.journalRowsMax;

function nodeOn(disk: MemoryDisk, options: Partial<GossipNodeOptions> = {}): GossipNode {
  return createGossipNode({ storage: memoryStorage({ disk }), ...options });
}

const payloads = (snapshot: Snapshot<string>) => snapshot.map(({ payload }) => payload);

/** A disk with `count` messages, all but the last of them packed. */
async function packedDisk(count = many): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const node = nodeOn(disk);
  const log = node.open<string>(room);
  await append(log, texts(0, count));
  log.release();
  await node.close();
  expect(disk.logs.get(room)?.chunks.size).toBeGreaterThan(2);
  return disk;
}

async function opened(disk: MemoryDisk, window: LogWindow, options: Partial<GossipNodeOptions> = {}) {
  const node = nodeOn(disk, options);
  const log = node.open<string>(room, { window });
  await log.ready;
  return { node, log };
}

test('[H9] [L4] a long journal is packed, and the next start finds all of it, in order', async () => {
  const disk = await packedDisk();
  expect(disk.logs.get(room)?.journal.size).toBeLessThan(limits.journalRowsMax);
  const { node, log } = await opened(disk, 'all');
  expect(payloads(log.snapshot())).toEqual(texts(0, many));
  expect(log.hasOlder).toBe(false);
  await append(log, texts(many, many + 10));
  await node.close();
  const again = await opened(disk, 'all');
  expect(payloads(again.log.snapshot())).toEqual(texts(0, many + 10));
  await again.node.close();
});

test('[H10] a window shows the newest events; older ones come from storage as they are asked for', async () => {
  const disk = await packedDisk();
  const { node, log } = await opened(disk, { last: 50 });
  const first = log.snapshot();
  expect(first.length).toBeGreaterThanOrEqual(50);
  expect(first.length).toBeLessThan(many / 2);
  expect(payloads(first)).toEqual(texts(many - first.length, many));
  expect(log.hasOlder).toBe(true);

  const newest = first.at(-1);
  const came = await log.loadOlder(100);
  expect(came).toBeGreaterThanOrEqual(100);
  expect(log.snapshot().length).toBe(first.length + came);
  expect(log.snapshot().at(-1)).toBe(newest);
  expect(payloads(first)).toEqual(texts(many - first.length, many));

  // What is written goes on from all that is there, in memory or not.
  const written = log.append('new');
  expect(written.clock).toBeGreaterThan(log.snapshot().at(-2)?.clock as number);
  await log.loadOlder(many);
  expect(log.hasOlder).toBe(false);
  expect(await log.loadOlder(1)).toBe(0);
  expect(payloads(log.snapshot())).toEqual([...texts(0, many), 'new']);
  await node.close();
});

test('[H10] [L9] over the bound on memory, what no window shows is given back; what one shows is kept', async () => {
  const disk = await packedDisk();
  const { node, log } = await opened(disk, { last: 20 }, { hotBytesMax: 0 });
  const small = log.snapshot().length;
  const whole = node.open<string>(room);
  await whole.ready;
  expect(log.snapshot().length).toBe(many);
  const shown = whole.snapshot();
  whole.release();
  expect(log.snapshot().length).toBe(small);
  expect(log.hasOlder).toBe(true);
  // Who still holds a snapshot reads it to its end.
  expect(payloads(shown)).toEqual(texts(0, many));
  await log.loadOlder(many);
  expect(payloads(log.snapshot())).toEqual(texts(0, many));
  await node.close();
});

test('[H10] a window since a time shows what was written since', async () => {
  const disk = await packedDisk();
  const { node, log } = await opened(disk, 'all');
  const middle = log.snapshot().at(many / 2);
  await node.close();
  const part = await opened(disk, { since: middle?.timestamp as number });
  const { length } = part.log.snapshot();
  expect(part.log.snapshot().at(0)?.timestamp).toBeLessThanOrEqual(middle?.timestamp as number);
  expect(payloads(part.log.snapshot())).toEqual(texts(many - length, many));
  await part.node.close();
  const future = await opened(disk, { since: Date.now() + 1e9 });
  expect(future.log.snapshot().length).toBeLessThan(many / 2);
  await future.node.close();
});

test.each([[{ last: -1 }], [{ last: 1.5 }], [{ since: Number.NaN }], [{}], [{ last: 1, since: 1 }], ['some'], [null]])(
  '[L6] a window that is none is refused: %j',
  async (window) => {
    const node = nodeOn(new MemoryDisk());
    expect(() => node.open(room, { window: window as LogWindow })).toThrow(/window/);
    await node.close();
  },
);

test('[H10] [L4] a packed chunk that is damaged is set aside and reported; what was in it is fetched again', async () => {
  const disk = await packedDisk();
  const pair = memoryPair();
  const sound = new MemoryDisk();
  // Another node has all of it.
  const first = memoryPair();
  const [from, to] = [nodeOn(disk, { connections: [first.left] }), nodeOn(sound, { connections: [first.right] })];
  from.open<string>(room);
  const copy = to.open<string>(room);
  await until(copy, () => copy.snapshot().length === many);
  await copy.delivered(copy.snapshot().at(-1)?.id as never);
  await Promise.all([from.close(), to.close()]);

  const [, damaged] = [...(disk.logs.get(room)?.chunks.values() ?? [])] as Uint8Array[];
  (damaged as Uint8Array)[100] = ((damaged as Uint8Array)[100] as number) ^ 4;
  const errors: unknown[] = [];
  const { node, log } = await opened(disk, 'all', { connections: [pair.left], onError: (error) => errors.push(error) });
  expect(errors).toMatchObject([{ code: 'storage-corrupt' }]);
  expect(log.snapshot().length).toBeLessThan(many);
  const peer = nodeOn(sound, { connections: [pair.right] });
  peer.open<string>(room);
  await until(log, () => log.snapshot().length === many);
  expect(payloads(log.snapshot())).toEqual(texts(0, many));
  await Promise.all([node.close(), peer.close()]);
  const again = await opened(disk, 'all');
  expect(payloads(again.log.snapshot())).toEqual(texts(0, many));
  await again.node.close();
});

test('[H10] a chunk that proves damaged only when older events are read ends the log, which is then read anew', async () => {
  const disk = await packedDisk();
  const errors: unknown[] = [];
  const { node, log } = await opened(disk, { last: 10 }, { onError: (error) => errors.push(error) });
  const [damaged] = [...(disk.logs.get(room)?.chunks.values() ?? [])] as Uint8Array[];
  (damaged as Uint8Array)[100] = ((damaged as Uint8Array)[100] as number) ^ 4;
  await expect(log.loadOlder(many)).rejects.toMatchObject({ code: 'log-closed' });
  await until(log, () => log.status === 'failed');
  expect(errors).toMatchObject([{ code: 'storage-corrupt' }]);
  log.release();
  const anew = node.open<string>(room);
  await anew.ready;
  expect(anew.status).toBe('ready');
  await node.close();
});

test('[H9] where another tab packs, this one goes on with its journal, and both read what they know', async () => {
  const disk = await packedDisk();
  const [left, right] = [await opened(disk, 'all'), await opened(disk, { last: 5 })];
  await append(left.log, texts(many, 2 * many));
  await append(right.log, texts(0, 2 * limits.journalRowsMax));
  await right.log.loadOlder(many);
  expect(right.log.snapshot().length).toBe(many + 2 * limits.journalRowsMax);
  await Promise.all([left.node.close(), right.node.close()]);
  const all = await opened(disk, 'all');
  expect(all.log.snapshot().length).toBe(2 * many + 2 * limits.journalRowsMax);
  await all.node.close();
});

test('[H9] [H3] a pack that fails is reported, and changes nothing; it is tried again when as much has come again', async () => {
  const disk = new MemoryDisk();
  const storage = memoryStorage({ disk });
  const { pack } = storage;
  let isFull = true;
  let packs = 0;
  storage.pack = (log, packing) => {
    packs++;
    return isFull
      ? Promise.reject(new GossipError('storage-failed', 'the disk is full'))
      : pack.call(storage, log, packing);
  };
  const errors: unknown[] = [];
  const node = nodeOn(disk, { storage, onError: (error) => errors.push(error) });
  const log = node.open<string>(room);
  await append(log, texts(0, limits.journalRowsMax));
  await append(log, texts(limits.journalRowsMax, limits.journalRowsMax + 10));
  expect(packs).toBe(1);
  expect(errors).toMatchObject([{ code: 'storage-failed' }]);
  isFull = false;
  await append(log, texts(limits.journalRowsMax + 10, 2 * limits.journalRowsMax + 10));
  log.release();
  await node.close();
  expect(disk.logs.get(room)?.chunks.size).toBeGreaterThan(0);
  const again = await opened(disk, 'all');
  expect(payloads(again.log.snapshot())).toEqual(texts(0, 2 * limits.journalRowsMax + 10));
  await again.node.close();
});

test('[R2] a node that only passes a log on gives it whole to others from its disk', async () => {
  const disk = await packedDisk();
  const pair = memoryPair();
  const relay = nodeOn(disk, { connections: [pair.left], durable: true, openOnDemand: true });
  const { node, log } = await opened(new MemoryDisk(), 'all', { connections: [pair.right] });
  await until(log, () => log.snapshot().length === many);
  expect(payloads(log.snapshot())).toEqual(texts(0, many));
  await Promise.all([relay.close(), node.close()]);
});

test('a log over an older copy of its disk is packed whole once its own events come back from a peer [H9] [H11]', async () => {
  const [disk, copy, relayDisk] = [new MemoryDisk(), new MemoryDisk(), new MemoryDisk()];
  const pair = memoryPair();
  const writer = nodeOn(disk, { connections: [pair.right] });
  const written = writer.open<string>(room);
  await append(written, texts(0, 1));
  for (const [id, log] of disk.logs) copy.logs.set(id, structuredClone(log));
  const relay = nodeOn(relayDisk, { connections: [pair.left], durable: true, openOnDemand: true });
  await append(written, texts(1, many), 'relayed');
  await writer.close();
  await relay.close();

  const again = memoryPair();
  const storage = memoryStorage({ disk: copy });
  let packs = 0;
  const counted = {
    ...storage,
    isShared: () => Promise.resolve(false),
    pack: (...call: Parameters<typeof storage.pack>) => {
      // A log that is packed for ever leaves no turn to anything else.
      if (packs++ > 100) return Promise.reject(new GossipError('storage-failed', 'packed for ever'));
      return storage.pack(...call);
    },
  };
  const restored = nodeOn(copy, { storage: counted, connections: [again.right] });
  const peer = nodeOn(relayDisk, { connections: [again.left], durable: true, openOnDemand: true });
  const log = restored.open<string>(room);
  await until(log, () => log.snapshot().length === many);
  const isPacked = () => (copy.logs.get(room)?.chunks.size ?? 0) > 0;
  while (!isPacked() && packs < 100) await new Promise((resolve) => setImmediate(resolve));
  expect(packs).toBeLessThan(100);
  await restored.close();
  await peer.close();
  expect([...(copy.logs.get(room)?.ownRuns.values() ?? [])]).toEqual([{ last: 1, sent: 1 }]);
});
