/** A disk that is put back to an older copy: the writer finds out, gives way, and loses nothing (G4, H6). */
import type { LogEvent, Snapshot } from '@gossip-log/core';
import { MemoryDisk, memoryStorage } from '@gossip-log/storage/memory';
import { expect, test } from 'vitest';
import { until } from '../test/until.js';
import { createGossipNode, type GossipNode } from './gossip-node.js';
import type { LogHandle } from './log-handle.js';
import { memoryPair } from './memory-pair.js';
import { systemEnvironment } from './system-environment.js';

/** Each start is a little later than the one before, as in life: a clock at the very same step is decision 6's weakness. */
let starts = 0;

interface World {
  readonly relayDisk: MemoryDisk;
  readonly disk: MemoryDisk;
}

interface Run {
  readonly relay: GossipNode;
  readonly client: GossipNode;
  readonly log: LogHandle<string>;
  readonly errors: unknown[];
  connect(): void;
  close(): Promise<void>;
}

/** A client over its disk, and a relay that it is not connected to yet. */
async function start({ relayDisk, disk }: World): Promise<Run> {
  const errors: unknown[] = [];
  const laterMs = ++starts * 5;
  const environment = { ...systemEnvironment, now: () => systemEnvironment.now() + laterMs };
  const pair = memoryPair();
  const relay = createGossipNode({
    storage: memoryStorage({ disk: relayDisk }),
    connections: [pair.left],
    environment,
    durable: true,
    openOnDemand: true,
    name: 'relay',
  });
  const client = createGossipNode({
    storage: memoryStorage({ disk }),
    connections: [pair.right],
    environment,
    onError: (error) => errors.push(error),
  });
  await until(client, () => client.connection().status === 'online');
  pair.cut();
  await until(client, () => client.connection().status === 'offline');
  const log = client.open<string>('room');
  await log.ready;
  const close = async () => {
    await Promise.all([client.close(), relay.close()]);
  };
  return { relay, client, log, errors, connect: () => pair.reconnect(), close };
}

function copyOf(disk: MemoryDisk): MemoryDisk {
  const copy = new MemoryDisk();
  for (const [id, log] of structuredClone(disk.logs)) copy.logs.set(id, log);
  for (const [key, value] of structuredClone(disk.metadata)) copy.metadata.set(key, value);
  for (const replica of disk.replicas.keys()) copy.replicas.set(replica, undefined);
  return copy;
}

const payloads = (snapshot: Snapshot<string>) => snapshot.map((event) => event.payload);
const ids = (snapshot: Snapshot<string>) => snapshot.map((event) => event.id);

async function relayed(log: LogHandle<string>, ...texts: string[]): Promise<void> {
  const events = texts.map((text) => log.append(text));
  await log.delivered(events.at(-1) as LogEvent<string>, 'relayed');
}

/** Five events relayed, a copy of the disk, five more relayed; then the copy is put back. */
async function restored(): Promise<World> {
  const relayDisk = new MemoryDisk();
  const disk = new MemoryDisk();
  const first = await start({ relayDisk, disk });
  first.connect();
  await relayed(first.log, '1', '2', '3', '4', '5');
  const copy = copyOf(disk);
  await relayed(first.log, '6', '7', '8', '9', '10');
  await first.close();
  return { relayDisk, disk: copy };
}

/** What a fresh client sees that has only the relay to ask. */
async function asOthersSee(world: World, length: number): Promise<{ ids: string[]; payloads: string[] }> {
  const other = await start({ relayDisk: world.relayDisk, disk: new MemoryDisk() });
  other.connect();
  await until(other.log, () => other.log.snapshot().length === length);
  const seen = { ids: ids(other.log.snapshot()), payloads: payloads(other.log.snapshot()) };
  await other.close();
  return seen;
}

for (const mine of [['6’'], ['6’', '7’', '8’', '9’', '10’'], Array.from({ length: 9 }, (_, i) => `${i + 6}’`)]) {
  test(`[L1] [L4] [G4] ${mine.length} events written on an older copy are appended again, beside those they collided with`, async () => {
    const world = await restored();
    const run = await start(world);
    expect(payloads(run.log.snapshot())).toEqual(['1', '2', '3', '4', '5']);
    const kept = run.log.snapshot().at(2) as LogEvent<string>;
    const before = run.log.snapshot();
    const collided = mine.map((text) => run.log.append(text));
    const last = collided.at(-1) as LogEvent<string>;
    await run.log.delivered(last);

    run.connect();
    await run.log.delivered(last, 'relayed');
    const now = run.log.snapshot();
    expect(payloads(now)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', ...mine]);
    expect(new Set(ids(now)).size).toBe(now.length);
    expect(run.errors).toMatchObject([{ code: 'forked' }]);
    // Events that did not change are the same objects; what an old snapshot showed it still shows.
    expect(now.at(2)).toBe(kept);
    expect(payloads(before)).toEqual(['1', '2', '3', '4', '5']);
    // Whoever kept a former id finds the event, unless the id belongs to another one now.
    const again = now.slice(-mine.length);
    expect(again.map((event) => event.formerId)).toEqual(collided.map((event) => event.id));
    expect(again.every((event) => event.replica !== last.replica)).toBe(true);
    const log = run.log.log;
    expect(log?.get((again[0] as LogEvent<string>).id)).toBe(again[0]);
    expect(log?.get(last.id)?.payload).toBe(collided.length <= 5 ? String(collided.length + 5) : last.payload);
    expect(run.log.delivery(last)).toEqual({ state: 'relayed', node: 'relay' });
    expect(collided.map((event) => run.log.successor(event))).toEqual(again);
    expect(run.log.successor(kept)).toBeUndefined();
    await relayed(run.log, 'after');
    const shown = { ids: ids(run.log.snapshot()), payloads: payloads(run.log.snapshot()) };
    await run.close();

    expect(await asOthersSee(world, 11 + mine.length)).toEqual(shown);
    // The journal holds both branches: reading it settles the same again, and appends nothing twice.
    const later = await start(world);
    expect({ ids: ids(later.log.snapshot()), payloads: payloads(later.log.snapshot()) }).toEqual(shown);
    later.connect();
    await relayed(later.log, 'later');
    expect(payloads(later.log.snapshot())).toEqual([...shown.payloads, 'later']);
    await later.close();
  });
}

test('[L4] [G4] an older copy that nobody wrote on catches up, and writes on under a fresh id', async () => {
  const world = await restored();
  const run = await start(world);
  run.connect();
  await until(run.log, () => run.log.snapshot().length === 10);
  await relayed(run.log, 'after');
  expect(payloads(run.log.snapshot())).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', 'after']);
  expect(run.log.snapshot().at(-1)?.formerId).toBeUndefined();
  expect(run.log.snapshot().at(-1)?.replica).not.toBe(run.log.snapshot().at(0)?.replica);
  await run.close();
});

test('[L4] [G4] a crash in the middle of a settlement is repaired by reading the journal', async () => {
  const world = await restored();
  const run = await start(world);
  const lost = run.log.append('6’');
  await run.log.delivered(lost);
  run.connect();
  // What the store has at the very moment at which the branches are told apart: nothing of it is written yet.
  await until(run.log, () => run.log.snapshot().slice(-1)[0]?.formerId === lost.id);
  const crashed = copyOf(world.disk);
  await run.close();
  const again = await start({ relayDisk: world.relayDisk, disk: crashed });
  again.connect();
  await until(again.log, () => again.log.snapshot().length >= 11);
  await relayed(again.log, 'after');
  const shown = payloads(again.log.snapshot());
  expect(shown.filter((text) => text === '6’').length).toBeGreaterThan(0);
  expect(shown.slice(0, 10)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9', '10']);
  expect(await asOthersSee(world, shown.length)).toEqual({ ids: ids(again.log.snapshot()), payloads: shown });
  await again.close();
});

test('[H6] writing goes on while a dispute is open; nothing of the disputed id is told before it is settled', async () => {
  const world = await restored();
  const run = await start(world);
  run.log.append('6’');
  run.connect();
  const during = run.log.append('7’');
  await run.log.delivered(during, 'relayed');
  expect(payloads(run.log.snapshot()).slice(10)).toEqual(['6’', '7’']);
  await run.close();
  expect((await asOthersSee(world, 12)).payloads.slice(10)).toEqual(['6’', '7’']);
});
