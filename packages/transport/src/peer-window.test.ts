/** A log of which a node holds the last part: where it begins, what lies before, and what stays when the node starts again. */
import { limits, type Snapshot } from '@gossip-log/core';
import type { ReplicatedLog } from '@gossip-log/core/sync';
import { MemoryDisk } from '@gossip-log/storage/memory';
import { expect, test } from 'vitest';
import { append, closeNodes, joined, nodeOn, texts } from '../test/nodes-on-disks.js';
import { until } from '../test/until.js';
import type { LogHandle } from './log-handle.js';
import type { LogWindow } from './log-window.js';
import { memoryPair } from './memory-pair.js';

const room = 'room';

const payloads = (snapshot: Snapshot<string>) => snapshot.map(({ payload }) => payload);

/** A relay's disk with `count` messages of one writer. */
async function filledDisk(count: number): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const { app } = joined(disk);
  await append(app.open<string>(room), texts(0, count), 'relayed');
  await closeNodes();
  return disk;
}

/** From where on the log is to be whole. */
const wantedEdge = ({ log }: LogHandle<string>) => (log as ReplicatedLog).edges.wanted;

function shows(log: LogHandle<string>, count: number): Promise<void> {
  return until(log, () => log.snapshot().length >= count);
}

for (const [name, count] of [
  ['in the journal', 900],
  ['packed', 3 * limits.journalRowsMax + 100],
] as const) {
  test(`[M1] [M3] [S21] [K6] a fresh node is sent the window that it asks for, and what comes new: the relay's log is ${name}`, async () => {
    const disk = await filledDisk(count);
    const { app, relay, traffic } = joined(disk);
    const log = app.open<string>(room, { window: { last: 50 } });
    await shows(log, 50);
    expect(payloads(log.snapshot())).toEqual(texts(count - 50, count));
    expect(traffic.bytes).toBeLessThan(50 * 60 + 1_000);
    expect(log.hasOlder).toBe(true);
    expect(log.hasGap).toBe(false);

    const there = relay.open<string>(room);
    await append(there, texts(count, count + 5));
    await shows(log, 55);
    await append(log, ['mine']);
    await until(there, () => there.snapshot().length === count + 6);
    expect(payloads(log.snapshot())).toEqual([...texts(count - 50, count + 5), 'mine']);

    // Older ones come as they are asked for, and in the end all.
    const came = await log.loadOlder(100);
    // What is not stored at the relay yet does not count there.
    expect(came - 100).toBeLessThanOrEqual(1);
    expect(payloads(log.snapshot())).toEqual([...texts(count - 50 - came, count + 5), 'mine']);
    expect(log.hasOlder).toBe(true);
    expect(await log.loadOlder(10 * count)).toBe(count - 50 - came);
    expect(payloads(log.snapshot())).toEqual([...texts(0, count + 5), 'mine']);
    expect(log.hasOlder).toBe(false);
    expect(await log.loadOlder(10)).toBe(0);
    await closeNodes();
  });
}

test('[M1] [M2] [K1] a window is there after a restart, also packed; what came meanwhile joins it, and the deepest window counts', async () => {
  const count = 3 * limits.journalRowsMax;
  const [relayDisk, appDisk] = [await filledDisk(count), new MemoryDisk()];
  const first = joined(relayDisk, appDisk);
  const window = { last: 2 * limits.journalRowsMax };
  const log = first.app.open<string>(room, { window });
  await shows(log, window.last);
  await append(log, ['mine']);
  log.release();
  await closeNodes();
  expect(appDisk.logs.get(room)?.chunks.size).toBeGreaterThan(1);

  // Without its peer it shows what it holds, and knows that there was more.
  const alone = nodeOn(appDisk);
  const again = alone.open<string>(room, { window });
  await again.ready;
  await again.loadOlder(Number.POSITIVE_INFINITY);
  expect(payloads(again.snapshot())).toEqual([...texts(count - window.last, count), 'mine']);
  expect(again.hasOlder).toBe(true);
  expect(again.hasGap).toBe(false);
  await append(again, ['alone']);
  await closeNodes();

  const second = joined(relayDisk, appDisk);
  const there = second.relay.open<string>(room);
  const shallow = second.app.open<string>(room, { window: { last: 5 } });
  await shallow.ready;
  await until(there, () => there.snapshot().length === count + 2);
  const deep = second.app.open<string>(room, { window: { last: window.last + 300 } });
  await until(deep, () => deep.snapshot().length >= window.last + 300);
  expect(payloads(deep.snapshot())).toEqual([...texts(count - window.last - 298, count), 'mine', 'alone']);
  const whole = second.app.open<string>(room);
  await until(whole, () => whole.snapshot().length === count + 2);
  expect(payloads(whole.snapshot())).toEqual([...texts(0, count), 'mine', 'alone']);
  await until(whole, () => !whole.hasOlder);
  for (const use of [shallow, deep, whole]) use.release();
  await closeNodes();

  const last = nodeOn(appDisk);
  const all = last.open<string>(room);
  await all.ready;
  expect(payloads(all.snapshot())).toEqual([...texts(0, count), 'mine', 'alone']);
  expect(all.hasOlder).toBe(false);
  await closeNodes();
});

test('[M3] a peer that holds less than is asked for is asked once, and again when it holds more', async () => {
  const relayDisk = await filledDisk(300);
  const [shallowDisk, appDisk] = [new MemoryDisk(), new MemoryDisk()];
  await shows(joined(relayDisk, shallowDisk).app.open<string>(room, { window: { last: 20 } }), 20);
  await closeNodes();
  const { app, traffic } = joined(shallowDisk, appDisk);
  const log = app.open<string>(room, { window: { last: 50 } });
  await shows(log, 20);
  await append(log, ['mine'], 'relayed');
  await new Promise((resolve) => setImmediate(resolve));
  expect(traffic.frames).toBeLessThan(100);
  expect(log.hasOlder).toBe(false);
  await closeNodes();

  const [toApp, toRelay] = [memoryPair(), memoryPair()];
  const between = nodeOn(shallowDisk, { connections: [toApp.left, toRelay.left] });
  await between.open<string>(room, { window: { last: 20 } }).ready;
  const again = nodeOn(appDisk, { connections: [toApp.right] }).open<string>(room, { window: { last: 50 } });
  await append(again, ['there']);
  expect(again.hasOlder).toBe(false);
  const edge = wantedEdge(again);
  nodeOn(relayDisk, { connections: [toRelay.right], durable: true, openOnDemand: true });
  between.open<string>(room);
  await until(again, () => again.snapshot().length >= 52);
  expect(payloads(again.snapshot()).slice(-52)).toEqual([...texts(250, 300), 'mine', 'there']);
  await until(again, () => wantedEdge(again) < edge);
  await closeNodes();
});

test('[M3] a log that is opened again right after it was released still knows who has more of it', async () => {
  const { app } = joined(await filledDisk(300));
  const first = app.open<string>(room, { window: { last: 20 } });
  await shows(first, 20);
  first.release();
  const log = app.open<string>(room, { window: { last: 20 } });
  await log.ready;
  expect(await log.loadOlder(30)).toBeGreaterThanOrEqual(30);
  expect(payloads(log.snapshot())).toEqual(texts(300 - log.snapshot().length, 300));
  await closeNodes();
});

test('[M2] [L4] of two tabs one reaches a peer: what it holds is there after a restart, whatever the other writes', async () => {
  const [relayDisk, appDisk] = [await filledDisk(300), new MemoryDisk()];
  // Both are open before anything is stored; one of them never learns where the last ones begin.
  const { app } = joined(relayDisk, appDisk);
  const window = { last: 50 };
  const alone = nodeOn(appDisk).open<string>(room, { window });
  await alone.ready;
  const log = app.open<string>(room, { window });
  await shows(log, 50);
  await append(log, ['mine']);
  await append(alone, ['alone']);
  const { length } = log.snapshot();
  await closeNodes();

  const again = nodeOn(appDisk).open<string>(room);
  await again.ready;
  expect(payloads(again.snapshot()).filter((text) => text !== 'alone')).toEqual([...texts(301 - length, 300), 'mine']);
  expect(payloads(again.snapshot())).toContain('alone');
  await closeNodes();
});

test('[M1] what was written before any peer was there stands beside the window', async () => {
  const [relayDisk, appDisk] = [await filledDisk(300), new MemoryDisk()];
  const alone = nodeOn(appDisk);
  const written = alone.open<string>(room, { window: { last: 20 } });
  await append(written, ['offline']);
  expect(written.hasOlder).toBe(false);
  await closeNodes();
  const { app, relay } = joined(relayDisk, appDisk);
  const log = app.open<string>(room, { window: { last: 20 } });
  await until(log, () => log.snapshot().length >= 20);
  const there = relay.open<string>(room);
  await until(there, () => there.snapshot().length === 301);
  const shown = payloads(log.snapshot());
  expect(shown).toHaveLength(21);
  expect(shown).toContain('offline');
  expect(shown.filter((text) => text !== 'offline')).toEqual(texts(280, 300));
  await closeNodes();
});

test('[M1] a window since a time holds what came since, also where that time has not come yet', async () => {
  const disk = await filledDisk(50);
  const whole = nodeOn(disk);
  const all = whole.open<string>(room);
  await all.ready;
  const since = all.snapshot().at(40)?.timestamp ?? 0;
  const expected = [...all.snapshot()].filter(({ timestamp }) => timestamp >= since);
  await closeNodes();
  const { app, relay } = joined(disk);
  const log = app.open<string>(room, { window: { since } });
  await until(log, () => log.snapshot().length >= expected.length);
  expect(payloads(log.snapshot())).toEqual(expected.map(({ payload }) => payload));
  const future = joined(await filledDisk(10));
  const late = future.app.open<string>(room, { window: { since: Date.now() + 3_600_000 } });
  await late.ready;
  const there = future.relay.open<string>(room);
  await append(there, ['new']);
  await until(late, () => late.snapshot().length === 1);
  await append(late, ['mine']);
  await until(there, () => there.snapshot().length === 12);
  expect(payloads(late.snapshot())).toEqual(['new', 'mine']);
  expect(relay).toBeDefined();
  await closeNodes();
});

test('[M3] [S21] where one peer does not reach far enough, another that does is asked', async () => {
  const count = 200;
  const disk = await filledDisk(count);
  const middleDisk = new MemoryDisk();
  const first = joined(disk, middleDisk);
  await shows(first.app.open<string>(room, { window: { last: 30 } }), 30);
  await closeNodes();

  // The shallow one is there first.
  const [toShallow, toDeep] = [memoryPair(), memoryPair()];
  const shallow = nodeOn(middleDisk, { connections: [toShallow.left] });
  await shallow.open<string>(room, { window: { last: 30 } }).ready;
  const app = nodeOn(new MemoryDisk(), { connections: [toShallow.right, toDeep.right] });
  const log = app.open<string>(room, { window: { last: 100 } });
  await shows(log, 30);
  expect(payloads(log.snapshot())).toEqual(texts(count - 30, count));
  expect(log.hasOlder).toBe(false);
  expect(await log.loadOlder(10)).toBe(0);
  nodeOn(disk, { connections: [toDeep.left], durable: true, openOnDemand: true });
  await shows(log, 100);
  expect(payloads(log.snapshot())).toEqual(texts(count - log.snapshot().length, count));
  await until(log, () => log.hasOlder);
  await closeNodes();
});

test('[M1] windows and numbers that are none are refused', async () => {
  const node = nodeOn(new MemoryDisk());
  const bad = [
    ...[-1, 1.5, Number.NaN, 2 ** 40, '5'].map((last) => ({ last })),
    ...[-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 50, '5'].map((since) => ({ since })),
  ];
  for (const window of bad) expect(() => node.open(room, { window: window as LogWindow })).toThrow(RangeError);
  for (const window of [{}, { last: 1, since: 1 }, null, 'some']) {
    expect(() => node.open(room, { window: window as LogWindow })).toThrow(TypeError);
  }
  const log = node.open(room, { window: { last: 1 } });
  for (const count of [-1, Number.NaN]) await expect(log.loadOlder(count)).rejects.toThrow(RangeError);
  await closeNodes();
});

test('[S12] [L4] a durable node that begins late acknowledges nothing over its gap, and takes what its writer has below', async () => {
  // The writer has met nobody but a reader with a window.
  const [writerDisk, readerDisk, relayDisk] = [new MemoryDisk(), new MemoryDisk(), new MemoryDisk()];
  const toReader = memoryPair();
  const writer = nodeOn(writerDisk, { connections: [toReader.left] });
  const written = writer.open<string>(room);
  await append(written, texts(0, 20));
  const reader = nodeOn(readerDisk, { connections: [toReader.right] });
  const read = reader.open<string>(room, { window: { last: 5 } });
  await shows(read, 5);
  await append(read, ['read']);
  await until(written, () => written.snapshot().length === 21);
  await closeNodes();

  const first = joined(relayDisk, readerDisk);
  const again = first.app.open<string>(room, { window: { last: 5 } });
  const there = first.relay.open<string>(room);
  await until(there, () => there.snapshot().length === 6);
  expect(there.hasGap).toBe(true);
  const events = [...again.snapshot()];
  const mine = events.find(({ payload }) => payload === 'read');
  if (mine !== undefined) await again.delivered(mine, 'relayed');
  for (const { id } of events) if (id !== mine?.id) expect(again.delivery(id).state).toBe('stored');
  await closeNodes();

  const second = joined(relayDisk, writerDisk);
  const home = second.app.open<string>(room);
  await home.ready;
  const own = [...home.snapshot()].filter(({ payload }) => payload !== 'read');
  await Promise.all(own.map(({ id }) => home.delivered(id, 'relayed')));
  await closeNodes();
  const last = nodeOn(relayDisk);
  const kept = last.open<string>(room);
  await kept.ready;
  expect(payloads(kept.snapshot()).filter((text) => text !== 'read')).toEqual(texts(0, 20));
  expect(kept.hasOlder).toBe(false);
  await closeNodes();
});

for (const [name, count] of [
  ['in the journal', 500],
  ['packed', 2 * limits.journalRowsMax],
] as const) {
  test(`from a window later than everything, loadOlder resolves when events show, with how many: ${name} [M1] [S21]`, async () => {
    const { app } = joined(await filledDisk(count));
    const log = app.open<string>(room, { window: { since: Date.now() + 3_600_000 } });
    let shown = 0;
    let pages = 0;
    // The usual loop, from the first moment on, while the peer is still being connected.
    for (let came = await log.loadOlder(100); came > 0; came = await log.loadOlder(100)) {
      shown += came;
      pages++;
      expect(log.snapshot().length).toBe(shown);
    }
    expect(payloads(log.snapshot())).toEqual(texts(0, count));
    expect(pages).toBe(Math.ceil(count / 100));
    expect(log.hasOlder).toBe(false);
    await closeNodes();
  });
}

test('loadOlder resolves with 0 at once where nobody is there, or nobody opens the log', async () => {
  const alone = nodeOn(new MemoryDisk()).open<string>(room, { window: { last: 5 } });
  expect(await alone.loadOlder(10)).toBe(0);
  const { app, pair } = joined(new MemoryDisk(), new MemoryDisk(), { openOnDemand: false });
  const refused = app.open<string>(room, { window: { last: 5 } });
  expect(await refused.loadOlder(10)).toBe(0);
  pair.cut();
  expect(await refused.loadOlder(10)).toBe(0);
  await closeNodes();
});
