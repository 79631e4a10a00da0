/** One run, one writer; and what is known of earlier runs. */
import {
  type Environment,
  type EventId,
  GossipError,
  type GossipLog,
  type GossipStorage,
  type LogEvent,
  limits,
} from '@gossip-log/core';
import { MemoryDisk, memoryStorage } from '@gossip-log/storage/memory';
import { expect, test } from 'vitest';
import { FakeEnvironment } from '../test/fake-environment.js';
import { until } from '../test/until.js';
import { createGossipNode, type GossipNode, type GossipNodeOptions } from './gossip-node.js';
import type { LogHandle } from './log-handle.js';
import type { LogWindow } from './log-window.js';
import { memoryPair } from './memory-pair.js';
import { systemEnvironment } from './system-environment.js';

interface Run {
  readonly node: GossipNode;
  readonly handle: LogHandle<string>;
  readonly log: GossipLog<string>;
}

/** A node over a disk, with a room open. */
async function start(disk: MemoryDisk, options: Partial<GossipNodeOptions> = {}, window?: LogWindow): Promise<Run> {
  const node = createGossipNode({ storage: memoryStorage({ disk }), ...options });
  const handle = node.open<string>('room', window === undefined ? {} : { window });
  return { node, handle, log: await handle.ready };
}

function relayOn(
  disk: MemoryDisk,
  name: string,
  options: { environment?: Environment; storage?: (storage: GossipStorage) => GossipStorage } = {},
) {
  const pair = memoryPair();
  const { environment = systemEnvironment, storage = (each) => each } = options;
  const relay = createGossipNode({
    ...{ storage: storage(memoryStorage({ disk })), connections: [pair.left], environment },
    ...{ durable: true, openOnDemand: true, name },
  });
  return { relay, connections: [pair.right] };
}

const texts = ({ handle }: Run) => [...handle.snapshot()].map(({ payload }) => payload);
const states = ({ handle }: Run) => [...handle.snapshot()].map((event) => handle.delivery(event).state);
const ownRunsOf = async (disk: MemoryDisk) => (await memoryStorage({ disk }).load('room')).ownRuns;

test('every run of a log writes under an id of its own, and who only reads draws none', async () => {
  const disk = new MemoryDisk();
  let drawn = 0;
  const environment = systemEnvironment;
  const counting = {
    ...environment,
    randomBytes: (bytes: number) => {
      drawn++;
      return environment.randomBytes(bytes);
    },
  };
  const writers = new Set<string>();
  for (let run = 0; run < 3; run++) {
    const { node, handle } = await start(disk, { environment: counting });
    const before = drawn;
    for (let i = 0; i < 2; i++) writers.add((await stored(handle, handle.append(`${run}.${i}`))).writer);
    expect(drawn).toBe(before + 1);
    handle.release();
    await node.close();
  }
  expect(writers.size).toBe(3);
  const before = drawn;
  const reader = await start(disk, { environment: counting });
  expect(reader.log.length).toBe(6);
  // The node's own, for its sessions.
  expect(drawn).toBe(before + 1);
  await reader.node.close();
});

async function stored(handle: LogHandle<string>, event: LogEvent<string>): Promise<LogEvent<string>> {
  await handle.delivered(event);
  return event;
}

test('a log that is closed and opened again in one node is another run', async () => {
  const { node, handle } = await start(new MemoryDisk());
  const { writer } = await stored(handle, handle.append('one'));
  handle.release();
  // It closes by itself after a while; forgetting it closes it at once.
  await node.forget('room');
  const again = node.open<string>('room');
  await again.ready;
  expect(again.append('two')).toMatchObject({ seq: 1 });
  expect(again.log?.writer).not.toBe(writer);
  await node.close();
});

test('own events behind a damaged record stay noted as own until a relay has them, too [H5]', async () => {
  const disk = new MemoryDisk();
  const first = await start(disk);
  for (const text of ['before', 'lost', 'behind']) await stored(first.handle, first.handle.append(text));
  await first.node.close();
  const record = [...(disk.logs.get('room')?.journal.values() ?? [])][1] as Uint8Array;
  record[record.length - 1] = (record.at(-1) as number) ^ 1;

  const { relay, connections } = relayOn(new MemoryDisk(), 'relay');
  const second = await start(disk, { connections });
  expect(texts(second)).toEqual(['before']);
  await second.handle.delivered(second.handle.snapshot().at(0)?.id as EventId, 'relayed');
  await second.node.close();
  await (await start(disk)).node.close();
  expect([...(await ownRunsOf(disk)).values()]).toEqual([3]);
  await relay.close();
});

test('what earlier runs wrote is relayed or stored, also offline, and relayed once a relay has it [H5]', async () => {
  const [disk, there] = [new MemoryDisk(), new MemoryDisk()];
  const { relay, connections } = relayOn(there, 'relay');
  const first = await start(disk, { connections });
  await first.handle.delivered(first.handle.append('relayed'), 'relayed');
  await first.node.close();
  await relay.close();
  const second = await start(disk);
  await stored(second.handle, second.handle.append('offline'));
  await second.node.close();

  const third = await start(disk);
  expect(states(third)).toEqual(['relayed', 'stored']);
  expect([...(await ownRunsOf(disk)).values()]).toEqual([1]);
  await third.node.close();

  const restarted = relayOn(there, 'relay');
  const fourth = await start(disk, { connections: restarted.connections });
  await until(fourth.handle, () => states(fourth).every((state) => state === 'relayed'));
  await fourth.node.close();
  await restarted.relay.close();
  const fifth = await start(disk);
  expect(states(fifth)).toEqual(['relayed', 'relayed']);
  expect((await ownRunsOf(disk)).size).toBe(0);
  await fifth.node.close();
});

test('an empty relay in the place of another gets what earlier runs wrote, and says so [H5, S12]', async () => {
  const disk = new MemoryDisk();
  const before = relayOn(new MemoryDisk(), 'before');
  const first = await start(disk, { connections: before.connections });
  await first.handle.delivered(first.handle.append('one'), 'relayed');
  await first.node.close();
  await before.relay.close();

  const there = new MemoryDisk();
  const after = relayOn(there, 'after');
  const second = await start(disk, { connections: after.connections });
  const [event] = [...second.handle.snapshot()] as [LogEvent<string>];
  await until(second.handle, () => {
    const delivery = second.handle.delivery(event);
    return delivery.state === 'relayed' && second.node.connection().status === 'online';
  });
  await second.handle.delivered(second.handle.append('two'), 'relayed');
  await second.node.close();
  await after.relay.close();
  const read = await start(there);
  expect(read.handle.snapshot().map(({ payload }) => payload)).toEqual(['one', 'two']);
  await read.node.close();
});

test('of many earlier runs the newest show as relayed offline, the others once a relay has said so [H5]', async () => {
  const [disk, there] = [new MemoryDisk(), new MemoryDisk()];
  const { relay, connections } = relayOn(there, 'relay');
  const pairs = [connections];
  for (let run = 0; run < 70; run++) {
    const { node, handle } = await start(disk);
    await stored(handle, handle.append(`${run}`));
    await node.close();
  }
  expect((await ownRunsOf(disk)).size).toBe(70);
  const online = await start(disk, { connections: pairs[0] as typeof connections });
  await until(online.handle, () => states(online).every((state) => state === 'relayed'));
  await online.node.close();
  const offline = await start(disk);
  const shown = states(offline);
  // Those of which it is not kept are offered once more.
  expect((await ownRunsOf(disk)).size).toBe(6);
  expect(shown.filter((state) => state === 'relayed')).toHaveLength(64);
  expect(shown.filter((state) => state === 'stored')).toHaveLength(6);
  await offline.node.close();
  await relay.close();
});

test('what one tab knows to be relayed, another one over its store does not overwrite [H5]', async () => {
  const disk = new MemoryDisk();
  const pairs = [memoryPair(), memoryPair()];
  const server = createGossipNode({
    storage: memoryStorage(),
    connections: pairs.map((pair) => pair.left),
    durable: true,
    openOnDemand: true,
    name: 'relay',
  });
  const [first, second] = await Promise.all(pairs.map((pair) => start(disk, { connections: [pair.right] })));
  if (first === undefined || second === undefined) throw new Error('two tabs');
  const written = [first.handle.append('of the first tab')];
  await first.handle.delivered(written[0] as LogEvent<string>, 'relayed');
  await first.node.close();
  written.push(second.handle.append('of the second tab'));
  await second.handle.delivered(written[1] as LogEvent<string>, 'relayed');
  await second.node.close();
  await server.close();
  const offline = await start(disk);
  for (const event of written) expect(offline.handle.delivery(event).state).toBe('relayed');
  await offline.node.close();
});

test('a tab does not set back how far the run of another tab was relayed [H5]', async () => {
  const disk = new MemoryDisk();
  const [one, other] = [memoryPair(), memoryPair()];
  const relay = createGossipNode({
    ...{ storage: memoryStorage(), connections: [one.left, other.left] },
    ...{ durable: true, openOnDemand: true, name: 'relay' },
  });
  const first = await start(disk, { connections: [one.right] });
  await first.handle.delivered(first.handle.append('one'), 'relayed');
  // Another tab reads that, and that is how far it knows the run.
  while ((await memoryStorage({ disk }).getMetadata('relayed:room')) === undefined) await Promise.resolve();
  const second = await start(disk, { connections: [other.right] });
  const event = first.handle.append('two');
  await first.handle.delivered(event, 'relayed');
  await first.node.close();
  await second.handle.delivered(second.handle.append('three'), 'relayed');
  await second.node.close();
  await relay.close();
  const offline = await start(disk);
  expect(offline.handle.delivery(event).state).toBe('relayed');
  expect(states(offline)).toEqual(['relayed', 'relayed', 'relayed']);
  await offline.node.close();
});

test('own events around one that was lost with the disk are relayed all the same, and the run is settled [S12] [H5]', async () => {
  const [disk, relayDisk] = [new MemoryDisk(), new MemoryDisk()];
  // Its log begins where a peer says: what lies before counts as met, so that the others show.
  const window = { last: 0 };
  const before = await start(disk, {}, window);
  for (const text of ['one', 'two', 'lost', 'four', 'five']) await stored(before.handle, before.handle.append(text));
  await before.node.close();
  const journal = disk.logs.get('room')?.journal as Map<number, Uint8Array>;
  const [ordinal, block] = [...journal][2] as [number, Uint8Array];
  journal.set(ordinal, block.slice(0, 20));
  const first = relayOn(relayDisk, 'relay');
  const other = await start(new MemoryDisk(), { connections: first.connections });
  await other.handle.delivered(other.handle.append('of another'), 'relayed');
  await Promise.all([other.node.close(), first.relay.close()]);
  // The relay's disk takes all of it at once: what lies before the gap is not stored alone.
  const relayed = { isFull: true };
  const timers = new FakeEnvironment();
  const { relay, connections } = relayOn(relayDisk, 'relay', {
    environment: { ...systemEnvironment, setTimer: (ms, callback) => timers.setTimer(ms, callback) },
    storage: (storage) => ({
      ...storage,
      commit: (...call) =>
        relayed.isFull ? Promise.reject(new GossipError('storage-failed', 'no room')) : storage.commit(...call),
    }),
  });
  const again = await start(disk, { connections }, window);
  const last = again.handle.append('new');
  const there = relay.open<string>('room');
  await until(there, () => there.snapshot().length === 6);
  relayed.isFull = false;
  timers.advance(limits.storageRetryMsMax / 10);
  await again.handle.delivered(last, 'relayed');
  const own = () => [...again.handle.snapshot()].filter(({ payload }) => payload !== 'of another');
  await until(again.handle, () => own().every((event) => again.handle.delivery(event).state === 'relayed'));
  expect(own().map(({ payload }) => payload)).toEqual(['one', 'two', 'four', 'five', 'new']);
  await Promise.all([again.node.close(), relay.close()]);
  await (await start(disk)).node.close();
  expect([...(await ownRunsOf(disk)).values()]).toEqual([]);
});
