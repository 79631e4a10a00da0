/** A journal with a gap: what lies behind it waits for what is missing, also where it is more than can wait (H7). */
import { GossipError, limits, type Snapshot } from '@gossip-log/core';
import { MemoryDisk, memoryStorage } from '@gossip-log/storage/memory';
import { expect, test } from 'vitest';
import { FakeEnvironment } from '../test/fake-environment.js';
import { createGossipNode, type GossipNodeOptions } from './gossip-node.js';
import type { LogHandle } from './log-handle.js';
import { memoryPair } from './memory-pair.js';
import { systemEnvironment } from './system-environment.js';

const batch = 50;
/** Behind the gap: more than the causal buffer holds twice over. */
const behind = Math.ceil((2.5 * limits.causalBufferRowsMax) / batch) * batch;

const payloads = (snapshot: Snapshot<string>) => snapshot.map((event) => event.payload);

function until(log: LogHandle<string>, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    if (condition()) return resolve();
    const unsubscribe = log.subscribe(() => {
      if (!condition()) return;
      unsubscribe();
      resolve();
    });
  });
}

async function open(options: Partial<GossipNodeOptions> & { disk: MemoryDisk }) {
  const { disk, ...rest } = options;
  const node = createGossipNode({ storage: memoryStorage({ disk }), ...rest });
  const log = node.open<string>('room');
  await log.ready;
  return { node, log };
}

/**
 * A disk whose second record is damaged, with many rows behind it, and one with nothing but what stood before them: the
 * first two records.
 */
async function gappedDisk({
  damaged = true,
} = {}): Promise<{ gapped: MemoryDisk; early: MemoryDisk; written: string[] }> {
  const [gapped, early] = [new MemoryDisk(), new MemoryDisk()];
  const pair = memoryPair();
  const storage = memoryStorage({ disk: gapped });
  // As if another tab packed: all stays in the journal.
  storage.pack = () => Promise.reject(new GossipError('pack-conflict', 'packed elsewhere'));
  const writer = await open({ disk: gapped, storage, connections: [pair.left] });
  const reader = await open({ disk: early, connections: [pair.right] });
  const written: string[] = [];
  const append = async (count: number) => {
    for (let i = 0; i < count; i++) written.push(writer.log.append(`${written.length}`).payload);
    await writer.log.delivered(writer.log.snapshot().at(-1) as never);
  };
  await append(batch);
  await append(batch);
  await until(reader.log, () => reader.log.snapshot().length === 2 * batch);
  await reader.node.close();
  await append(behind);
  await writer.node.close();
  const journal = gapped.logs.get('room')?.journal;
  const second = [...(journal ?? [])][1]?.[1] as Uint8Array;
  if (damaged) second[second.length - 1] = (second.at(-1) as number) ^ 1;
  return { gapped, early, written };
}

test('[H7] once a gap is filled, all that the disk holds behind it shows, at peers too', async () => {
  const { gapped, early, written } = await gappedDisk();
  const pair = memoryPair();
  const timers = new FakeEnvironment();
  const environment = { ...systemEnvironment, setTimer: (ms: number, call: () => void) => timers.setTimer(ms, call) };
  const restarted = await open({ disk: gapped, connections: [pair.left], environment });
  expect(restarted.log.snapshot().length).toBe(batch);
  const peer = await open({ disk: early, connections: [pair.right] });
  await until(restarted.log, () => restarted.log.snapshot().length > batch);
  timers.advance(limits.rereadMsMin);
  await until(restarted.log, () => restarted.log.snapshot().length >= written.length);
  expect(payloads(restarted.log.snapshot())).toEqual(written);
  await until(peer.log, () => peer.log.snapshot().length >= written.length);
  expect(payloads(peer.log.snapshot())).toEqual(written);
  await Promise.all([restarted.node.close(), peer.node.close()]);

  const again = await open({ disk: gapped });
  expect(payloads(again.log.snapshot())).toEqual(written);
  await again.node.close();
});

test('[H7] a journal whose gap was filled at its end is read to the end, whatever the clock says now', async () => {
  const { gapped, written } = await gappedDisk({ damaged: false });
  const room = gapped.logs.get('room');
  const [ordinal, block] = [...(room?.journal ?? [])][1] as [number, Uint8Array];
  room?.journal.delete(ordinal);
  room?.journal.set(ordinal, block);
  const { node, log } = await open({ disk: gapped, environment: { ...systemEnvironment, now: () => 0 } });
  await until(log, () => log.snapshot().length >= written.length);
  expect(payloads(log.snapshot())).toEqual(written);
  await node.close();
});
