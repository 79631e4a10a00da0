/** A node that was away for long fetches only the newest of what it missed (M5), and the rest as it is asked for. */
import { createGossipLog, limits, type Snapshot, writerIdFromBytes } from '@gossip-log/core';
import { MemoryDisk, memoryStorage } from '@gossip-log/storage/memory';
import { expect, test } from 'vitest';
import { append, closeNodes, joined, nodeOn, texts } from '../test/nodes-on-disks.js';
import { until } from '../test/until.js';
import { createGossipNode, type OpenOptions } from './gossip-node.js';
import type { LogHandle } from './log-handle.js';
import { memoryPair } from './memory-pair.js';

const room = 'room';
const chunk = limits.journalRowsMax;

const payloads = (snapshot: Snapshot<string>) => snapshot.map(({ payload }) => payload);
const shows = (log: LogHandle<string>, count: number) => until(log, () => log.snapshot().length >= count);

/**
 * A relay's disk with `before + missed` messages, and that of an app which was there for the first ones and has written one
 * since.
 */
async function longAway(before: number, missed: number) {
  const [relayDisk, awayDisk] = [new MemoryDisk(), new MemoryDisk()];
  const first = joined(relayDisk, awayDisk);
  await append(first.app.open<string>(room), texts(0, before), 'relayed');
  await closeNodes();
  const second = joined(relayDisk, new MemoryDisk());
  const busy = second.app.open<string>(room);
  await shows(busy, before);
  await append(busy, texts(before, before + missed), 'relayed');
  await closeNodes();
  await append(nodeOn(awayDisk).open<string>(room), ['on a train']);
  await closeNodes();
  return { relayDisk, awayDisk };
}

for (const [name, before, missed] of [
  ['in the journal', 20, 500],
  ['packed', 2 * chunk, 6 * chunk],
] as const) {
  test(`[M5] [S22] [K2] of what it missed a node fetches the newest, keeps what it had, and sends what it wrote: ${name}`, async () => {
    const { relayDisk, awayDisk } = await longAway(before, missed);
    const { app, relay, traffic } = joined(relayDisk, awayDisk);
    const log = app.open<string>(room, { catchUpEventsMax: 50 });
    await until(log, () => log.hasGap && log.snapshot().length >= before + 51);
    const count = before + missed;
    const held = (newest: number) => [...texts(0, before), ...texts(count - newest, count)];
    const shown = () => payloads(log.snapshot()).filter((text) => text !== 'on a train');
    expect(shown()).toEqual(held(50));
    expect(traffic.bytes).toBeLessThan(50 * 60 + 1_000);
    expect(log.hasOlder).toBe(true);
    const there = relay.open<string>(room);
    await shows(there, count + 1);
    await append(there, ['new']);
    await until(log, () => payloads(log.snapshot()).includes('new'));

    // Step by step the gap is filled.
    const came = await log.loadOlder(100);
    expect(came).toBeGreaterThanOrEqual(98);
    expect(came).toBeLessThanOrEqual(102);
    expect(shown()).toEqual([...held(50 + came), 'new']);
    expect(log.hasGap).toBe(true);
    await log.loadOlder(10 * count);
    expect(shown()).toEqual([...texts(0, count), 'new']);
    expect(log.hasGap).toBe(false);
    await until(log, () => !log.hasOlder);
    await closeNodes();

    // It is all on the disk.
    const again = nodeOn(awayDisk).open<string>(room);
    await again.ready;
    expect(payloads(again.snapshot())).toEqual(payloads(there.snapshot()));
    await closeNodes();
  });
}

test('[M5] where no more is missing no edge moves, and an empty log begins with the newest', async () => {
  const { relayDisk, awayDisk } = await longAway(20, 40);
  const { app, relay } = joined(relayDisk, awayDisk);
  const log = app.open<string>(room, { catchUpEventsMax: 40 });
  await shows(log, 61);
  expect(log.hasGap).toBe(false);
  expect(log.hasOlder).toBe(false);
  const there = relay.open<string>(room);
  await shows(there, 61);
  await closeNodes();

  const fresh = joined(relayDisk, new MemoryDisk());
  const whole = fresh.app.open<string>(room, { catchUpEventsMax: 10 });
  await shows(whole, 10);
  expect(whole.snapshot().length).toBe(10);
  expect(whole.hasGap).toBe(true);
  const windowed = fresh.app.open<string>(room, { window: { last: 30 }, catchUpEventsMax: 20 });
  await shows(windowed, 20);
  expect(windowed.snapshot().length).toBe(20);
  // Who opens it without a limit has all of it.
  const all = fresh.app.open<string>(room);
  await all.ready;
  expect(all.hasGap).toBe(false);
  await shows(all, 61);
  await until(all, () => !all.hasGap && !all.hasOlder);
  await closeNodes();
});

test('[M5] [M2] the gap is there after a restart, with and without the limit; no window fills it, `loadOlder` does', async () => {
  const { relayDisk, awayDisk } = await longAway(3 * chunk, 3 * chunk);
  const options: OpenOptions<string> = { window: { last: 100 }, catchUpEventsMax: chunk };
  const first = joined(relayDisk, awayDisk);
  const log = first.app.open<string>(room, options);
  await until(log, () => log.hasGap && payloads(log.snapshot()).includes(texts(0, 6 * chunk).at(-1) as string));
  log.release();
  await closeNodes();

  const alone = nodeOn(awayDisk).open<string>(room, options);
  await alone.ready;
  expect(alone.hasGap).toBe(true);
  expect(alone.hasOlder).toBe(true);
  await closeNodes();

  const again = joined(relayDisk, awayDisk);
  const use = again.app.open<string>(room, options);
  await append(use, ['mine'], 'relayed');
  const newest = () => {
    const shown = payloads(use.snapshot()).filter((text) => text.startsWith('message'));
    let run = 1;
    while (run < shown.length && shown.at(-run - 1) === texts(6 * chunk - run - 1, 6 * chunk - run)[0]) run++;
    return run;
  };
  const before = newest();
  expect(before).toBeLessThan(2 * chunk);
  // Scrolling up goes through the gap, rather than over it.
  for (let at = before, steps = 0; at < 4 * chunk; at = newest(), steps++) {
    if (at < 3 * chunk) expect(payloads(use.snapshot())).not.toContain(texts(2500, 2501)[0]);
    // What the relay has not stored yet makes that it sends fewer than are asked for.
    use.append('mine');
    expect(await use.loadOlder(500)).toBeGreaterThan(0);
    expect(steps).toBeLessThan(12);
  }
  expect(use.hasGap).toBe(false);
  await use.loadOlder(Number.POSITIVE_INFINITY);
  expect(payloads(use.snapshot()).filter((text) => text.startsWith('message'))).toEqual(texts(0, 6 * chunk));
  await closeNodes();
});

test('[M5] [K4] of several peers each sends the newest of what it has, and the one that has more fills the gap', async () => {
  const { relayDisk, awayDisk } = await longAway(20, 200);
  // One peer holds the last thirty alone.
  const shallowDisk = new MemoryDisk();
  const shallow = joined(relayDisk, shallowDisk);
  const part = shallow.app.open<string>(room, { window: { last: 30 } });
  await shows(part, 30);
  await closeNodes();

  const [toShallow, toDeep] = [memoryPair(), memoryPair()];
  await nodeOn(shallowDisk, { connections: [toShallow.left] }).open<string>(room, { window: { last: 30 } }).ready;
  const app = nodeOn(awayDisk, { connections: [toShallow.right, toDeep.right], catchUpEventsMax: 50 });
  const log = app.open<string>(room);
  await shows(log, 51);
  expect(log.hasGap).toBe(true);
  nodeOn(relayDisk, { connections: [toDeep.left], durable: true, openOnDemand: true });
  await until(log, () => log.hasOlder && log.hasGap && log.snapshot().length >= 71);
  expect(payloads(log.snapshot()).slice(0, 20)).toEqual(texts(0, 20));
  await log.loadOlder(1_000);
  expect(payloads(log.snapshot()).filter((text) => text !== 'on a train')).toEqual(texts(0, 220));
  expect(log.hasGap).toBe(false);
  await closeNodes();
});

test('[M5] [K3] an edge that rose without a limit falls with one no further than that', async () => {
  const { relayDisk, awayDisk } = await longAway(20, 200);
  const shallowDisk = new MemoryDisk();
  await shows(joined(relayDisk, shallowDisk).app.open<string>(room, { window: { last: 30 } }), 30);
  await closeNodes();
  const pair = memoryPair();
  await nodeOn(shallowDisk, { connections: [pair.left] }).open<string>(room, { window: { last: 30 } }).ready;
  const before = nodeOn(awayDisk, { connections: [pair.right] }).open<string>(room);
  await until(before, () => before.hasGap && before.snapshot().length >= 51);
  await closeNodes();

  const { app, traffic } = joined(relayDisk, awayDisk);
  const log = app.open<string>(room, { catchUpEventsMax: 50 });
  await until(log, () => log.hasOlder && log.snapshot().length >= 71);
  expect(log.hasGap).toBe(true);
  expect(traffic.bytes).toBeLessThan(30 * 60 + 1_000);
  await closeNodes();
});

test('[M5] [S21] also where the last events are asked for, since a window is deeper than what is here', async () => {
  const [relayDisk, appDisk] = [new MemoryDisk(), new MemoryDisk()];
  const first = joined(relayDisk, new MemoryDisk());
  await append(first.app.open<string>(room), texts(0, 40), 'relayed');
  await closeNodes();
  const second = joined(relayDisk, appDisk);
  await shows(second.app.open<string>(room, { window: { last: 10 } }), 10);
  await closeNodes();
  const third = joined(relayDisk, new MemoryDisk());
  await append(third.app.open<string>(room), texts(40, 540), 'relayed');
  await closeNodes();

  const { app, traffic } = joined(relayDisk, appDisk);
  const log = app.open<string>(room, { window: { last: 30 }, catchUpEventsMax: 20 });
  await shows(log, 30);
  expect(payloads(log.snapshot())).toEqual([...texts(30, 40), ...texts(520, 540)]);
  expect(log.hasGap).toBe(true);
  expect(traffic.bytes).toBeLessThan(20 * 60 + 1_000);
  await closeNodes();
});

test('[M5] [L4] what was written below the edge still reaches a durable node when the connection was cut before', async () => {
  const { relayDisk, awayDisk } = await longAway(20, 300);
  const first = joined(relayDisk, awayDisk);
  const log = first.app.open<string>(room, { catchUpEventsMax: 10 });
  await until(log, () => log.hasGap);
  first.pair.cut();
  await closeNodes();
  const second = joined(relayDisk, awayDisk);
  const again = second.app.open<string>(room, { catchUpEventsMax: 10 });
  await again.ready;
  const mine = [...again.snapshot()].find(({ payload }) => payload === 'on a train');
  if (mine === undefined) throw new Error('an own event is gone');
  await again.delivered(mine, 'relayed');
  const there = second.relay.open<string>(room);
  await shows(there, 321);
  expect(again.hasGap).toBe(true);
  expect(payloads(again.snapshot()).filter((text) => text !== 'on a train')).toEqual([
    ...texts(0, 20),
    ...texts(310, 320),
  ]);
  await closeNodes();
});

test('[M5] [S12] [L4] among many writers, too: a durable node met later is offered what was written below the edge', async () => {
  const [relayDisk, awayDisk] = [new MemoryDisk(), new MemoryDisk()];
  await append(nodeOn(awayDisk).open<string>(room), ['on a train']);
  await closeNodes();
  // So many writers that no comparison lists them, among those who are left out and the others.
  const catchUpEventsMax = 4 * limits.listedWritersMax;
  const { app: busy } = joined(relayDisk, new MemoryDisk());
  const crowd = busy.open<string>(room);
  await crowd.ready;
  for (let n = 0; n < 2 * limits.listedWritersMax; n++) {
    const writer = writerIdFromBytes(new Uint8Array(16).fill(n + 1));
    const author = createGossipLog<string>({ id: room, writer, now: () => Date.now() });
    for (const text of texts(3 * n, 3 * n + 3)) author.append(text);
    crowd.log?.merge(author.encode());
  }
  await append(crowd, ['the end'], 'relayed');
  await closeNodes();

  // A peer that promises nothing is there first.
  const otherDisk = new MemoryDisk();
  const other = joined(relayDisk, otherDisk);
  const whole = other.app.open<string>(room);
  await until(whole, () => payloads(whole.snapshot()).includes('the end'));
  await closeNodes();
  const between = memoryPair();
  await nodeOn(otherDisk, { connections: [between.left] }).open<string>(room).ready;
  const first = nodeOn(awayDisk, { connections: [between.right], catchUpEventsMax }).open<string>(room);
  await until(first, () => first.hasGap && payloads(first.snapshot()).includes('the end'));
  await closeNodes();

  const { app } = joined(relayDisk, awayDisk);
  const log = app.open<string>(room, { catchUpEventsMax });
  await log.ready;
  const mine = [...log.snapshot()].find(({ payload }) => payload === 'on a train');
  expect(mine).toBeDefined();
  if (mine !== undefined) await log.delivered(mine, 'relayed');
  await closeNodes();
  const there = nodeOn(relayDisk, { durable: true }).open<string>(room);
  await there.ready;
  expect(payloads(there.snapshot())).toContain('on a train');
  await closeNodes();
});

test('[M5] numbers that are none are refused, and every number at a durable node', async () => {
  const node = nodeOn(new MemoryDisk());
  for (const catchUpEventsMax of [-1, 1.5, Number.NaN, 2 ** 40, '5' as unknown as number]) {
    expect(() => node.open(room, { catchUpEventsMax })).toThrow(RangeError);
    expect(() => createGossipNode({ storage: memoryStorage(), catchUpEventsMax })).toThrow(RangeError);
  }
  const durable = nodeOn(new MemoryDisk(), { durable: true });
  expect(() => durable.open(room, { catchUpEventsMax: 5 })).toThrow(TypeError);
  await durable.open(room, { catchUpEventsMax: Number.POSITIVE_INFINITY }).ready;
  expect(() => createGossipNode({ storage: memoryStorage(), catchUpEventsMax: 5, durable: true })).toThrow(TypeError);
  await closeNodes();
});
