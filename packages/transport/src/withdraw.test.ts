/** A writer takes back what it wrote, everywhere, and loses nothing else (J1 to J5). */
import { type GossipStorage, type LogEvent, limits, type Snapshot } from '@gossip-log/core';
import { MemoryDisk, memoryStorage } from '@gossip-log/storage/memory';
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../test/until.js';
import { createGossipNode, type GossipNode } from './gossip-node.js';
import type { LogHandle } from './log-handle.js';
import type { LogWindow } from './log-window.js';
import { memoryPair } from './memory-pair.js';

interface Client {
  readonly node: GossipNode;
  readonly log: LogHandle<string>;
  readonly errors: unknown[];
  cut(): void;
  reconnect(): void;
}

interface ClientOptions {
  readonly disk?: MemoryDisk;
  readonly window?: LogWindow;
  readonly offline?: boolean;
  /** Called after each pack. */
  readonly packed?: () => void;
}

/** A relay with room for some clients. */
function world(clients = 4) {
  const pairs = Array.from({ length: clients }, () => memoryPair());
  const relay = createGossipNode({
    storage: memoryStorage(),
    connections: pairs.map(({ left }) => left),
    ...{ durable: true, openOnDemand: true, name: 'relay' },
  });
  const nodes: GossipNode[] = [relay];
  onTestFinished(async () => {
    for (const node of nodes) await node.close();
  });
  return {
    async client({
      disk = new MemoryDisk(),
      window = 'all',
      offline = false,
      packed,
    }: ClientOptions = {}): Promise<Client> {
      const storage = memoryStorage({ disk });
      const pair = pairs.pop() as (typeof pairs)[number];
      const errors: unknown[] = [];
      const node = createGossipNode({
        storage: { ...storage, pack: (...step) => storage.pack(...step).then(packed) },
        connections: [pair.right],
        onError: (error) => errors.push(error),
      });
      nodes.push(node);
      await until(node, () => node.connection().status === 'online');
      if (offline) {
        pair.cut();
        await until(node, () => node.connection().status === 'offline');
      }
      const log = node.open<string>('room', { window });
      await log.ready;
      return { node, log, errors, cut: () => pair.cut(), reconnect: () => pair.reconnect() };
    },
  };
}

const payloads = (snapshot: Snapshot<string>) => snapshot.map((event) => event.payload);
const shows = ({ log }: Client, ...expected: string[]) =>
  until(log, () => payloads(log.snapshot()).join() === expected.join());

async function appended(
  log: LogHandle<string>,
  texts: readonly string[],
  level: 'stored' | 'relayed',
): Promise<LogEvent<string>[]> {
  const events = texts.map((text) => log.append(text));
  await log.delivered(events.at(-1) as LogEvent<string>, level);
  return events;
}

const stored = (log: LogHandle<string>, texts: readonly string[]) => appended(log, texts, 'stored');
const relayed = ({ log }: Client, ...texts: string[]) => appended(log, texts, 'relayed');

function copyOf(disk: MemoryDisk): MemoryDisk {
  const copy = new MemoryDisk();
  for (const [id, log] of structuredClone(disk.logs)) copy.logs.set(id, log);
  for (const [key, value] of structuredClone(disk.metadata)) copy.metadata.set(key, value);
  for (const replica of disk.replicas.keys()) copy.replicas.set(replica, undefined);
  return copy;
}

test('[L1] [J1] [J2] [J5] an event that is withdrawn is gone everywhere, later ones of its writer are appended again', async () => {
  const { client } = world();
  const [ada, bob] = [await client(), await client()];
  const [, typo, next] = (await relayed(ada, 'Hello', 'Tee?', 'At five.')) as LogEvent<string>[];
  await shows(bob, 'Hello', 'Tee?', 'At five.');
  await relayed(bob, 'Tee?!');
  await shows(ada, 'Hello', 'Tee?', 'At five.', 'Tee?!');

  const { id } = typo as LogEvent<string>;
  const withdrawing = ada.log.withdraw(id);
  const again = next as LogEvent<string>;
  await withdrawing;
  for (const each of [ada, bob]) {
    await shows(each, 'Hello', 'Tee?!', 'At five.');
    expect(each.log.log?.get(id)).toBeUndefined();
    expect(each.log.log?.get(again.id)).toMatchObject({ payload: 'At five.', formerId: again.id });
    expect(each.log.delivery(id)).toEqual({ state: 'withdrawn' });
  }
  expect(ada.log.successor(again)).toBe(ada.log.log?.get(again.id));
  expect(ada.log.successor(typo as LogEvent<string>)).toBeUndefined();
  await ada.log.delivered(again, 'relayed');
  expect(ada.log.delivery(again)).toEqual({ state: 'relayed', node: 'relay' });
  await expect(ada.log.delivered(id)).rejects.toMatchObject({ code: 'withdrawn' });
  expect((await bob.log.withdrawn()).map(({ payload }) => payload)).toEqual(['Tee?', 'At five.']);

  // It stays so: for a newcomer, and when it is asked for again.
  await ada.log.withdraw(id);
  await relayed(bob, 'Yes.');
  await relayed(ada, 'Good.');
  const newcomer = await client();
  await shows(newcomer, 'Hello', 'Tee?!', 'At five.', 'Yes.', 'Good.');
  expect(await newcomer.log.withdrawn()).toEqual([]);
  expect([...ada.errors, ...bob.errors, ...newcomer.errors]).toEqual([]);
});

test('[J3] [J4] [J5] what is withdrawn offline stays so after a restart, is told later, and its writer still knows its own', async () => {
  const { client } = world();
  const disk = new MemoryDisk();
  const ada = await client({ disk });
  const bob = await client();
  const events = await relayed(ada, '1', '2', '3', '4');
  await shows(bob, '1', '2', '3', '4');
  ada.cut();
  await ada.log.withdraw((events[2] as LogEvent<string>).id);
  expect(payloads(ada.log.snapshot())).toEqual(['1', '2', '4']);
  await ada.node.close();

  const again = await client({ disk, offline: true });
  expect(payloads(again.log.snapshot())).toEqual(['1', '2', '4']);
  expect((await again.log.withdrawn()).map(({ payload }) => payload)).toEqual(['3', '4']);
  expect(again.log.delivery((events[3] as LogEvent<string>).id)).toEqual({ state: 'stored' });
  again.log.append('5');
  // Under a former id, and one that was appended again.
  await again.log.withdraw((events[1] as LogEvent<string>).id);
  await again.log.withdraw((events[3] as LogEvent<string>).id);
  expect(payloads(again.log.snapshot())).toEqual(['1', '5']);
  again.reconnect();
  await shows(bob, '1', '5');
  await relayed(bob, '6');
  await shows(again, '1', '5', '6');
  expect([...again.errors, ...bob.errors]).toEqual([]);
});

test('[J5] only what its writer has and knows is withdrawn', async () => {
  const { client } = world();
  const [ada, bob] = [await client(), await client()];
  const [theirs] = await relayed(ada, 'mine');
  await shows(bob, 'mine');
  const { id } = theirs as LogEvent<string>;
  await expect(bob.log.withdraw(id)).rejects.toMatchObject({ code: 'not-own' });
  const unknown = id.replace(/\.1$/, '.2') as typeof id;
  await expect(ada.log.withdraw(unknown)).rejects.toMatchObject({ code: 'unknown-event' });
  await expect(ada.log.withdraw('nonsense' as typeof id)).rejects.toThrow(TypeError);
  ada.log.release();
  await expect(ada.log.withdraw(id)).rejects.toMatchObject({ code: 'log-closed' });
  expect(payloads(bob.log.snapshot())).toEqual(['mine']);
});

test('[J2] [J3] an event that lies in a packed chunk, out of memory, is withdrawn there too', async () => {
  const { client } = world();
  const disk = new MemoryDisk();
  let told = () => {};
  const packed = new Promise<void>((resolve) => {
    told = resolve;
  });
  const first = await client({ disk, packed: told });
  const [secret] = await relayed(first, 'secret');
  const bob = await client();
  await shows(bob, 'secret');
  const many = Array.from({ length: 3_000 }, (_, i) => `message ${i}`);
  await relayed(bob, ...many);
  await until(first.log, () => first.log.snapshot().length === 3_001);
  await packed;
  await first.node.close();

  const ada = await client({ disk, window: { last: 10 } });
  expect(ada.log.hasOlder).toBe(true);
  await ada.log.withdraw((secret as LogEvent<string>).id);
  await until(bob.log, () => bob.log.snapshot().length === 3_000);
  expect(payloads(bob.log.snapshot())).toEqual(many);
  await ada.log.loadOlder(10_000);
  expect(payloads(ada.log.snapshot())).toEqual(many);
  expect((await ada.log.withdrawn()).map(({ payload }) => payload)).toEqual(['secret']);
  await ada.node.close();
  const again = await client({ disk });
  expect(payloads(again.log.snapshot())).toEqual(many);
  expect((await again.log.withdrawn()).map(({ payload }) => payload)).toEqual(['secret']);
});

test('[J2] [H9] while chunks are read for what is withdrawn nothing is packed: it would come back with them', async () => {
  const disk = new MemoryDisk();
  const storage = memoryStorage({ disk });
  const turns = async () => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const open = async (over: Partial<GossipStorage> = {}, window: LogWindow = 'all') => {
    const node = createGossipNode({ storage: { ...memoryStorage({ disk }), ...over } });
    onTestFinished(() => node.close());
    const log = node.open<string>('room', { window });
    await log.ready;
    return { node, log };
  };
  const texts = Array.from({ length: 2 * limits.journalRowsMax + 1 }, (_, i) => `message ${i}`);
  const first = await open();
  const [secret] = await stored(first.log, ['secret', ...texts]);
  await first.node.close();

  let read = () => {};
  const isRead = new Promise<void>((resolve) => {
    read = resolve;
  });
  const held: Partial<GossipStorage> = {
    readChunks: (...chunks) => isRead.then(() => storage.readChunks(...chunks)),
    async pack(...step) {
      read();
      await turns();
      await storage.pack(...step);
    },
  };
  const ada = await open(held, { last: 0 });
  expect(ada.log.hasOlder).toBe(true);
  const withdrawing = ada.log.withdraw((secret as LogEvent<string>).id);
  const later = Array.from({ length: limits.journalRowsMax + 1 }, (_, i) => `later ${i}`);
  await stored(ada.log, later);
  await turns();
  read();
  await withdrawing;
  await ada.node.close();
  const again = await open();
  expect(payloads(again.log.snapshot())).toEqual([...texts, ...later]);
});

test('[L4] [J5] who shares a replica id with one that withdraws appends again what nobody has but itself', async () => {
  const { client } = world();
  const disk = new MemoryDisk();
  const ada = await client({ disk });
  const events = await relayed(ada, '1', '2', '3');
  const twin = await client({ disk: copyOf(disk), offline: true });
  twin.log.append('twin 4');
  await twin.log.delivered(twin.log.append('twin 5'));
  await ada.log.withdraw((events[1] as LogEvent<string>).id);
  await relayed(ada, '4');
  twin.reconnect();
  await shows(ada, '1', '3', '4', 'twin 4', 'twin 5');
  await shows(twin, '1', '3', '4', 'twin 4', 'twin 5');
  expect(twin.errors).toMatchObject([{ code: 'withdrawn' }]);
  await relayed(twin, 'more');
  await shows(ada, '1', '3', '4', 'twin 4', 'twin 5', 'more');
});
