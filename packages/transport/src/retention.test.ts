/** Nodes that let go of old events (H14), and what that means for those that they talk with. */
import { type Environment, type LogEvent, limits } from '@gossip-log/core';
import { MemoryDisk, memoryStorage } from '@gossip-log/storage/memory';
import { expect, test } from 'vitest';
import { append, closeNodes, joined, nodeOn, texts } from '../test/nodes-on-disks.js';
import { until } from '../test/until.js';
import { createGossipNode, type GossipNodeOptions } from './gossip-node.js';
import type { LogHandle } from './log-handle.js';
import { memoryPair } from './memory-pair.js';
import { systemEnvironment } from './system-environment.js';

const room = 'room';
const chunk = limits.journalRowsMax;

const payloads = (log: LogHandle<string>) => log.snapshot().map(({ payload }) => payload);

const chunksOn = (disk: MemoryDisk) => disk.logs.get(room)?.chunks.size ?? 0;

/** Opens the log on a disk until no more than so many chunks are left of it. */
async function shrink(disk: MemoryDisk, chunksMax: number, options: Partial<GossipNodeOptions>): Promise<void> {
  await nodeOn(disk, options).open<string>(room).ready;
  while (chunksOn(disk) > chunksMax) await new Promise((resolve) => setImmediate(resolve));
  await closeNodes();
}

test('[H14] [K5] [L1] a relay lets go of old events; who has them keeps them, and who comes new is sent what is left', async () => {
  const [relayDisk, writerDisk, laterDisk] = [new MemoryDisk(), new MemoryDisk(), new MemoryDisk()];
  const count = 6 * chunk;
  const { app } = joined(relayDisk, writerDisk);
  const written = app.open<string>(room);
  await append(written, texts(0, count), 'relayed');
  await closeNodes();
  const retention = { eventsMax: 2 * chunk };
  await shrink(relayDisk, 4, { retention, durable: true });
  expect(chunksOn(relayDisk)).toBeGreaterThan(1);

  const late = joined(relayDisk, laterDisk, { retention });
  const log = late.app.open<string>(room);
  await until(log, () => log.snapshot().length >= 2 * chunk);
  const kept = log.snapshot().length;
  expect(kept).toBeLessThan(4 * chunk);
  expect(payloads(log)).toEqual(texts(count - kept, count));
  // All is wanted, and nobody who is there has it.
  expect(log.hasGap).toBe(true);
  expect(log.hasOlder).toBe(false);
  await append(log, ['new'], 'relayed');
  await closeNodes();

  // The relay starts anew and is what it was; the writer has all of it still, and hears what is new.
  const again = joined(relayDisk, writerDisk, { retention });
  const whole = again.app.open<string>(room);
  await until(whole, () => whole.snapshot().length === count + 1);
  expect(payloads(whole)).toEqual([...texts(0, count), 'new']);
  await append(whole, ['newer'], 'relayed');
  expect(whole.hasGap).toBe(false);
  await closeNodes();

  // Where the two meet without the relay, what was missing comes.
  const pair = memoryPair();
  const home = nodeOn(writerDisk, { connections: [pair.left] });
  await home.open<string>(room).ready;
  const other = nodeOn(laterDisk, { connections: [pair.right] });
  const filled = other.open<string>(room);
  await until(filled, () => filled.snapshot().length === count + 2 && !filled.hasGap);
  expect(payloads(filled)).toEqual([...texts(0, count), 'new', 'newer']);
  await closeNodes();
});

test('[H14] [K2] [S12] a writer that was away brings events from before the floor: they are kept and acknowledged', async () => {
  const [relayDisk, awayDisk, busyDisk] = [new MemoryDisk(), new MemoryDisk(), new MemoryDisk()];
  const retention = { eventsMax: chunk };
  const early = nodeOn(awayDisk);
  await append(early.open<string>(room), ['written on a train']);
  await closeNodes();
  const busy = joined(relayDisk, busyDisk);
  await append(busy.app.open<string>(room), texts(0, 5 * chunk), 'relayed');
  await closeNodes();
  await shrink(relayDisk, 3, { retention, durable: true });

  const { app } = joined(relayDisk, awayDisk, { retention });
  const log = app.open<string>(room);
  await log.ready;
  const mine = log.snapshot().at(0);
  expect(mine?.payload).toBe('written on a train');
  if (mine !== undefined) await log.delivered(mine, 'relayed');
  await closeNodes();
  const relay = nodeOn(relayDisk, { durable: true });
  const there = relay.open<string>(room);
  await there.ready;
  expect(payloads(there)).toContain('written on a train');
  await closeNodes();
});

test('[H14] [L4] what a node wrote and no durable node has yet is kept, with all behind it', async () => {
  const disk = new MemoryDisk();
  const retention = { eventsMax: 10 };
  const alone = nodeOn(disk, { retention });
  await append(alone.open<string>(room), texts(0, 4 * chunk));
  await closeNodes();
  const again = nodeOn(disk, { retention });
  const log = again.open<string>(room);
  await log.ready;
  expect(payloads(log)).toEqual(texts(0, 4 * chunk));
  await closeNodes();

  const { app } = joined(new MemoryDisk(), disk, {});
  const shared = app.open<string>(room);
  await shared.ready;
  const last = shared.snapshot().at(-1);
  if (last !== undefined) await shared.delivered(last, 'relayed');
  await closeNodes();
  await shrink(disk, 2, { retention });
});

test('nothing goes while an own event that no durable node has waits for a lost one [H14] [H7] [L4]', async () => {
  const [disk, friendDisk, relayDisk] = [new MemoryDisk(), new MemoryDisk(), new MemoryDisk()];
  const pair = memoryPair();
  const friend = nodeOn(friendDisk, { connections: [pair.right] }).open<string>(room);
  await append(nodeOn(disk, { connections: [pair.left] }).open<string>(room), ['lost']);
  await until(friend, () => friend.snapshot().length === 1);
  await closeNodes();
  await append(nodeOn(disk).open<string>(room), ['waits']);
  await closeNodes();
  const journal = disk.logs.get(room)?.journal as Map<number, Uint8Array>;
  const [ordinal, block] = [...journal][0] as [number, Uint8Array];
  journal.set(ordinal, block.slice(0, 20));
  const count = 4 * chunk;
  await append(joined(relayDisk).app.open<string>(room), texts(0, count), 'relayed');
  await closeNodes();

  const retention = { eventsMax: 10 };
  const reports: Error[] = [];
  const { app } = joined(relayDisk, disk, {}, { retention, onError: (error) => reports.push(error) });
  const log = app.open<string>(room);
  await until(log, () => log.snapshot().length === count);
  await closeNodes();
  expect(reports).toMatchObject([{ code: 'storage-corrupt' }]);
  await nodeOn(disk, { retention }).open<string>(room).ready;
  while (chunksOn(disk) < 4) await new Promise((resolve) => setImmediate(resolve));
  // What was begun comes to its end: packing, and what retention does after it.
  for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
  await closeNodes();
  const alone = nodeOn(disk).open<string>(room);
  await alone.ready;
  expect(payloads(alone)).toEqual(texts(0, count));
  await closeNodes();

  // What it waits for comes back from somebody who had it.
  const { relay, app: had } = joined(relayDisk, friendDisk);
  had.open<string>(room);
  const copy = relay.open<string>(room);
  await until(copy, () => copy.snapshot().length === count + 1);
  await closeNodes();
  const again = joined(relayDisk, disk, {}, {}).app.open<string>(room);
  await until(again, () => again.snapshot().length === count + 2);
  const waits = again.snapshot().at(payloads(again).indexOf('waits')) as LogEvent<string>;
  await again.delivered(waits, 'relayed');
  await closeNodes();
  await shrink(disk, 2, { retention });
});

test('[H14] by their age events go while the log is open, those of quiet rooms too', async () => {
  let now = 1_800_000_000_000;
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  const environment: Environment = {
    ...systemEnvironment,
    now: () => now,
    setTimer(ms, callback) {
      const timer = { at: now + ms, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  };
  const disk = new MemoryDisk();
  const hour = 3_600_000;
  const node = nodeOn(disk, { environment, durable: true, retention: () => ({ ageMsMax: 8 * hour }) });
  const log = node.open<string>(room);
  await log.ready;
  const held: number[] = [];
  for (let hours = 0; hours < 40; hours++) {
    log.append(`hour ${hours}`);
    now += hour;
    for (const timer of [...timers]) {
      if (timer.at > now || !timers.delete(timer)) continue;
      timer.callback();
    }
    // What was begun comes to its end.
    for (let turns = 0; turns < 50; turns++) await Promise.resolve();
    held.push(log.snapshot().length);
  }
  expect(held.at(8)).toBe(9);
  expect(Math.max(...held)).toBeLessThan(14);
  expect(Math.min(...held.slice(10))).toBeGreaterThanOrEqual(8);
  expect(payloads(log).at(-1)).toBe('hour 39');
  await closeNodes();
  const again = nodeOn(disk, { durable: true });
  const left = again.open<string>(room);
  await left.ready;
  expect(left.snapshot().length).toBe(held.at(-1));
  await append(left, ['after']);
  await closeNodes();
});

test('[H14] bounds that are none are refused', async () => {
  const bad = [{ ageMsMax: -1 }, { eventsMax: Number.NaN }, { bytesMax: Number.POSITIVE_INFINITY }, { ageMsMax: '1' }];
  for (const retention of bad) {
    const options = { storage: memoryStorage(), retention: retention as { ageMsMax: number } };
    expect(() => createGossipNode(options)).toThrow(RangeError);
    const node = createGossipNode({ ...options, retention: () => options.retention });
    expect(() => node.open(room)).toThrow(RangeError);
    await node.close();
  }
  const misspelt = { ageMs: 5 } as { ageMsMax?: number };
  expect(() => createGossipNode({ storage: memoryStorage(), retention: misspelt })).toThrow(
    'retention: unknown option "ageMs"; did you mean "ageMsMax"?',
  );
});
