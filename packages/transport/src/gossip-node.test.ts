import {
  type ConnectionSource,
  createGossipLog,
  type Environment,
  GossipError,
  type GossipStorage,
  jsonCodec,
  type LogEvent,
  limits,
  type PayloadCodec,
  type Snapshot,
  writerIdFromBytes,
} from '@gossip-log/core';
import { MemoryDisk, memoryStorage } from '@gossip-log/storage/memory';
import { expect, test } from 'vitest';
import { FakeEnvironment } from '../test/fake-environment.js';
import { createGossipNode, type GossipNode, type GossipNodeOptions } from './gossip-node.js';
import type { LogHandle } from './log-handle.js';
import { memoryPair } from './memory-pair.js';
import { systemEnvironment } from './system-environment.js';

const payloads = (snapshot: Snapshot<string>) => snapshot.map((event) => event.payload);
const ids = (snapshot: Snapshot<string>) => snapshot.map((event) => event.id);

/** Resolves when `condition` holds, looked at after every change that `subscribe` tells of. */
function when(subscribe: (listener: () => void) => () => void, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    if (condition()) return resolve();
    const unsubscribe = subscribe(() => {
      if (!condition()) return;
      unsubscribe();
      resolve();
    });
  });
}

const hasLength = (log: LogHandle<string>, length: number) =>
  when(
    (listener) => log.subscribe(listener),
    () => log.snapshot().length === length,
  );
const hasMore = (log: LogHandle<string>, length: number) =>
  when(
    (listener) => log.subscribe(listener),
    () => log.snapshot().length >= length,
  );
const online = (node: GossipNode) =>
  when(
    (listener) => node.subscribe(listener),
    () => node.connection().status === 'online',
  );
const offline = (node: GossipNode) =>
  when(
    (listener) => node.subscribe(listener),
    () => node.connection().status === 'offline',
  );

/** The platform's time and randomness, with timers that fire when told. */
function heldTimers() {
  const fake = new FakeEnvironment();
  return {
    advance: (ms: number) => fake.advance(ms),
    environment: {
      now: () => systemEnvironment.now(),
      elapsed: () => systemEnvironment.elapsed(),
      randomBytes: (length: number) => systemEnvironment.randomBytes(length),
      setTimer: (ms: number, callback: () => void) => fake.setTimer(ms, callback),
    },
  };
}

function node(options: Partial<GossipNodeOptions> = {}): GossipNode {
  const errors: Error[] = [];
  return createGossipNode({ storage: memoryStorage(), onError: (error) => errors.push(error), ...options });
}

test('[L1] two nodes that write apart and meet show one order, whoever was offline', async () => {
  const pair = memoryPair();
  const ada = node({ connections: [pair.left] });
  const bob = node({ connections: [pair.right] });
  const here = ada.open<string>('tea');
  const there = bob.open<string>('tea');
  await Promise.all([here.ready, there.ready, online(ada), online(bob)]);
  here.append('Tea?');
  await hasLength(there, 1);
  there.append('Yes, please.');
  await hasLength(here, 2);

  pair.cut();
  await Promise.all([offline(ada), offline(bob)]);
  for (let i = 0; i < 50; i++) {
    here.append(`ada ${i}`);
    there.append(`bob ${i}`);
  }
  pair.reconnect();
  await Promise.all([hasLength(here, 102), hasLength(there, 102)]);
  expect(ids(here.snapshot())).toEqual(ids(there.snapshot()));
  expect(payloads(here.snapshot()).slice(0, 2)).toEqual(['Tea?', 'Yes, please.']);
  await Promise.all([ada.close(), bob.close()]);
});

test('[L4] [L9] what a promise called stored is there after a crash, and the next events follow it', async () => {
  const disk = new MemoryDisk();
  const first = node({ storage: memoryStorage({ disk }) });
  const before = first.open<string>('diary');
  await before.ready;
  const events = Array.from({ length: 20 }, (_, i) => before.append(`day ${i}`));
  expect(before.delivery(events[19] as LogEvent<string>)).toEqual({ state: 'pending' });
  expect(before.snapshot().length).toBe(20);
  await before.delivered(events[19] as LogEvent<string>);
  expect(before.delivery(events[0] as LogEvent<string>)).toEqual({ state: 'stored' });
  disk.crash();

  const second = node({ storage: memoryStorage({ disk }) });
  const after = second.open<string>('diary');
  const log = await after.ready;
  expect(ids(after.snapshot())).toEqual(events.map((event) => event.id));
  const next = after.append('day 20');
  expect(next.writer).not.toBe(events[0]?.writer);
  expect(next.seq).toBe(1);
  expect(log.relation(after.snapshot().at(0) as LogEvent<string>, next)).toBe('before');
  await second.close();
});

test('[S12] a durable node acknowledges, and delivery shows it; a plain peer does not', async () => {
  for (const durable of [true, false]) {
    const pair = memoryPair();
    const relay = node({ connections: [pair.left], durable, openOnDemand: true, name: 'relay-1' });
    const client = node({ connections: [pair.right] });
    const log = client.open<string>('room');
    await log.ready;
    const event = log.append('hello');
    const there = relay.open<string>('room');
    await hasLength(there, 1);
    if (durable) {
      await log.delivered(event, 'relayed');
      expect(log.delivery(event)).toEqual({ state: 'relayed', node: 'relay-1' });
      expect(log.delivery(event.id)).toBe(log.delivery(event));
    } else {
      await there.delivered(event);
      expect(log.delivery(event)).toEqual({ state: 'stored' });
    }
    await Promise.all([client.close(), relay.close()]);
  }
});

test('[S12] an acknowledgement that was lost with its connection comes with the next description', async () => {
  const disk = new MemoryDisk();
  const first = memoryPair();
  const relay = node({
    connections: [first.left],
    durable: true,
    openOnDemand: true,
    storage: memoryStorage({ disk }),
  });
  const client = node({ connections: [first.right] });
  const log = client.open<string>('room');
  await log.ready;
  const event = log.append('hello');
  const there = relay.open<string>('room');
  await hasLength(there, 1);
  first.cut();
  await there.delivered(event);
  first.reconnect();
  await log.delivered(event, 'relayed');
  await Promise.all([client.close(), relay.close()]);
});

test('[S12] what was relayed is known to be after a restart, also offline', async () => {
  const disk = new MemoryDisk();
  const pair = memoryPair();
  const relay = node({ connections: [pair.left], durable: true, openOnDemand: true, name: 'relay-1' });
  const client = node({ connections: [pair.right], storage: memoryStorage({ disk }) });
  const log = client.open<string>('room');
  await log.ready;
  const first = log.append('relayed');
  const second = log.append('relayed too');
  await log.delivered(second, 'relayed');
  await relay.close();
  await log.delivered(log.append('not relayed'));
  await client.close();
  const restarted = node({ storage: memoryStorage({ disk }) });
  const later = restarted.open<string>('room');
  await later.ready;
  expect(later.snapshot().map((event) => later.delivery(event).state)).toEqual(['relayed', 'relayed', 'stored']);
  expect(later.delivery(first.id)).toEqual({ state: 'relayed', node: 'relay-1' });
  later.release();
  await restarted.close();
});

test('[S8] events travel through a node in the middle, and a late joiner gets all of them', async () => {
  const left = memoryPair();
  const right = memoryPair();
  const middle = node({ connections: [left.right, right.left], durable: true, openOnDemand: true });
  const ada = node({ connections: [left.left] });
  const here = ada.open<string>('room');
  await here.ready;
  for (let i = 0; i < 3000; i++) here.append(`message ${i}`);
  await here.delivered(here.snapshot().at(-1) as LogEvent<string>, 'relayed');
  const bob = node({ connections: [right.right] });
  const there = bob.open<string>('room');
  await hasLength(there, 3000);
  expect(ids(there.snapshot())).toEqual(ids(here.snapshot()));
  there.append('late, but here');
  await hasLength(here, 3001);
  await Promise.all([ada.close(), bob.close(), middle.close()]);
});

test('[H1] an event appended however many microtasks after the last one was stored is stored too', async () => {
  const ada = node();
  const log = ada.open<string>('tea');
  await log.ready;
  for (let microtasks = 0; microtasks < 20; microtasks++) {
    await log.delivered(log.append('one'));
    for (let i = 0; i < microtasks; i++) await undefined;
    await log.delivered(log.append('the next'));
  }
  expect(log.snapshot().length).toBe(40);
  await ada.close();
});

test('[H1] [H4] what is appended or merged by way of the log itself is stored too', async () => {
  const disk = new MemoryDisk();
  const other = createGossipLog<string>({
    id: 'tea',
    writer: writerIdFromBytes(new Uint8Array(16).fill(9)),
    now: Date.now,
  });
  other.append('merged');
  const ada = node({ storage: memoryStorage({ disk }) });
  const log = ada.open<string>('tea');
  const itself = await log.ready;
  expect(itself.merge(other.encode())).toMatchObject({ added: 1, parked: 0 });
  expect(itself.merge(other.encode())).toMatchObject({ added: 0, duplicates: 1 });
  await log.delivered(itself.append('appended'));
  await ada.close();
  const again = node({ storage: memoryStorage({ disk }) });
  const read = again.open<string>('tea');
  await read.ready;
  expect(read.snapshot().map(({ payload }) => payload)).toEqual(['merged', 'appended']);
  await again.close();
});

test('[H3] a store that cannot write keeps nothing from the screen, says so, and is tried again until it can', async () => {
  const { environment, advance } = heldTimers();
  const storage = memoryStorage();
  let full = true;
  const errors: string[] = [];
  const flaky: GossipStorage = Object.assign(Object.create(storage) as GossipStorage, {
    commit: (...args: Parameters<GossipStorage['commit']>) =>
      full ? Promise.reject(new GossipError('storage-failed', 'disk full')) : storage.commit(...args),
    load: storage.load.bind(storage),
    getMetadata: storage.getMetadata.bind(storage),
    setMetadata: storage.setMetadata.bind(storage),
    close: storage.close.bind(storage),
  });
  const one = createGossipNode({ storage: flaky, environment, onError: (error) => errors.push(error.message) });
  const log = one.open<string>('room');
  await log.ready;
  const event = log.append('kept');
  await when(
    (listener) => log.subscribe(listener),
    () => log.error !== undefined,
  );
  expect(log.status).toBe('ready');
  expect(log.error?.code).toBe('storage-failed');
  expect(payloads(log.snapshot())).toEqual(['kept']);
  expect(log.delivery(event).state).toBe('pending');
  full = false;
  advance(limits.storageRetryMsMax);
  await log.delivered(event);
  expect(log.error).toBeUndefined();
  expect(errors.length).toBeGreaterThan(0);
  await one.close();
});

test('[H4] a damaged record is set aside, and fetched again from a peer', async () => {
  const disk = new MemoryDisk();
  const pair = memoryPair();
  const relay = node({ connections: [pair.left], durable: true, openOnDemand: true });
  const first = node({ connections: [pair.right], storage: memoryStorage({ disk }) });
  const before = first.open<string>('room');
  await before.ready;
  for (let i = 0; i < 5; i++) {
    await before.delivered(before.append(`message ${i}`), 'relayed');
  }
  const all = ids(before.snapshot());
  await first.close();

  // One bit of the third record flips on the disk.
  const damaged = memoryStorage({ disk });
  const load = damaged.load.bind(damaged);
  const aside: string[] = [];
  let rotten: string | undefined;
  damaged.load = async (log) => {
    const found = await load(log);
    rotten ??= found.records[2]?.key;
    const records = found.records.map(({ key, block }) => {
      if (key !== rotten) return { key, block };
      const copy = block.slice();
      copy[copy.length - 2] = (copy.at(-2) as number) ^ 1;
      return { key, block: copy };
    });
    return { ...found, records };
  };
  const setAside = damaged.setAside.bind(damaged);
  damaged.setAside = (log, key) => {
    aside.push(key);
    return setAside(log, key);
  };
  const errors: unknown[] = [];
  const again = memoryPair();
  const second = createGossipNode({
    storage: damaged,
    connections: [again.right],
    onError: (error) => errors.push(error),
  });
  const after = second.open<string>('room');
  const log = await after.ready;
  expect(aside).toEqual([rotten]);
  expect(errors).toMatchObject([{ code: 'storage-corrupt' }]);
  expect(payloads(after.snapshot())).toEqual(['message 0', 'message 1']);
  // Another connection of the same relay: its storage has everything.
  await relay.close();
  expect(log.writer).not.toBe(all[0]?.split('.')[0]);
  const source = node({ connections: [again.left], storage: memoryStorage() });
  const full = source.open<string>('room');
  (await full.ready).merge(before.log?.encode() ?? new Uint8Array());
  await second.close();
  await source.close();
});

test('[H4] what a rotten record held comes back from a peer and is stored again', async () => {
  const disk = new MemoryDisk();
  const relayDisk = new MemoryDisk();
  const run = (storage: GossipStorage) => {
    const pair = memoryPair();
    const relay = node({
      connections: [pair.left],
      durable: true,
      openOnDemand: true,
      storage: memoryStorage({ disk: relayDisk }),
    });
    const client = node({ connections: [pair.right], storage });
    return { relay, client, log: client.open<string>('room') };
  };
  const first = run(memoryStorage({ disk }));
  await first.log.ready;
  for (let i = 0; i < 5; i++) await first.log.delivered(first.log.append(`message ${i}`), 'relayed');
  const all = ids(first.log.snapshot());
  await Promise.all([first.client.close(), first.relay.close()]);

  const rotten = memoryStorage({ disk });
  const load = rotten.load.bind(rotten);
  rotten.load = async (log) => {
    const found = await load(log);
    const records = found.records.map((record, i) =>
      i === 2 ? { ...record, block: record.block.map((byte) => ~byte) } : record,
    );
    return { ...found, records };
  };
  const second = run(rotten);
  await hasLength(second.log, 5);
  expect(ids(second.log.snapshot())).toEqual(all);
  await second.log.delivered(second.log.append('after'), 'relayed');
  await Promise.all([second.client.close(), second.relay.close()]);

  // Offline and with a sound disk now: everything is there, from this disk alone.
  const third = node({ storage: memoryStorage({ disk }) });
  const log = third.open<string>('room');
  await log.ready;
  expect(payloads(log.snapshot())).toEqual(['message 0', 'message 1', 'message 2', 'message 3', 'message 4', 'after']);
  await third.close();
});

test('[L7] uses are counted: the log closes releaseDelayMs after the last one, and not before', async () => {
  const { environment, advance } = heldTimers();
  const one = node({ environment });
  const a = one.open<string>('room');
  const b = one.open<string>('room');
  const log = await a.ready;
  expect(b.log).toBe(log);
  a.release();
  a.release();
  advance(limits.releaseDelayMs * 2);
  expect(b.append('still open').seq).toBe(1);
  expect(() => a.append('given back')).toThrow(expect.objectContaining({ code: 'log-closed' }));
  b.release();
  const c = one.open<string>('room');
  advance(limits.releaseDelayMs * 2);
  expect(c.log).toBe(log);
  const closed = when(
    (listener) => c.subscribe(listener),
    () => c.status === 'closed',
  );
  c.release();
  advance(limits.releaseDelayMs);
  await closed;
  const d = one.open<string>('room');
  expect(await d.ready).not.toBe(log);
  expect(payloads(d.snapshot())).toEqual(['still open']);
  await one.close();
  expect(() => one.open('room')).toThrow(expect.objectContaining({ code: 'node-closed' }));
});

test('[H5] forget removes the log here; what is written afterwards comes from a fresh id', async () => {
  const { environment, advance } = heldTimers();
  const one = node({ environment });
  const log = one.open<string>('room');
  const { writer } = await log.ready;
  await log.delivered(log.append('gone soon'));
  await expect(one.forget('room')).rejects.toMatchObject({ code: 'log-in-use' });
  log.release();
  await one.forget('room');
  expect(await one.logs()).toEqual([]);
  const again = one.open<string>('room');
  await again.ready;
  expect(again.snapshot().length).toBe(0);
  expect(again.append('new').writer).not.toBe(writer);
  advance(limits.releaseDelayMs);
  await one.close();
});

test('[H5] a log that is opened while it is forgotten begins when it is gone, and keeps what is written then', async () => {
  const { environment } = heldTimers();
  const disk = new MemoryDisk();
  const one = node({ environment, storage: memoryStorage({ disk }) });
  const log = one.open<string>('room');
  await log.ready;
  await log.delivered(log.append('gone'));
  log.release();
  const forgotten = one.forget('room');
  const again = one.open<string>('room');
  // Which of the two comes first is open; what is written afterwards is on the disk in either case.
  await Promise.allSettled([forgotten]);
  await again.ready;
  await again.delivered(again.append('kept'));
  const shown = payloads(again.snapshot());
  expect(shown.at(-1)).toBe('kept');
  await one.close();
  const later = node({ storage: memoryStorage({ disk }) });
  const read = later.open<string>('room');
  await read.ready;
  expect(payloads(read.snapshot())).toEqual(shown);
  await later.close();
});

test('[L7] what a node cannot be made of is a TypeError that says what it wants', () => {
  expect(() => createGossipNode({} as GossipNodeOptions)).toThrow(/TypeError|expected \{ storage \}/);
  expect(() => node({ connections: {} as never })).toThrow(TypeError);
});

test.each([
  [{ name: undefined }, /^codec\.name: .* got undefined/],
  [{ name: 7 }, /^codec\.name: .* got 7/],
  [{ name: '' }, /^codec\.name: .* got ""/],
  [{ name: 'two words' }, /^codec\.name: .* got "two words"/],
  [{ name: 'x'.repeat(33) }, /^codec\.name: .* got "xxx/],
  [{ decode: undefined }, /^codec: expected the functions/],
])('[L7] a codec that is none is a TypeError that names the argument: %j', async (wrong, message) => {
  const one = node();
  const codec = { ...jsonCodec, ...wrong } as PayloadCodec<unknown>;
  const open = () => one.open('room', { codec });
  expect(open).toThrow(TypeError);
  expect(open).toThrow(message);
  await one.open('room').ready;
  await one.close();
});

const kindOf = (value: unknown) => (value === null ? 'null' : typeof value);

test.each([[{ ok: false }], ['no'], [1], [null]])(
  'authorize: %j is no yes, and the node is told [S7]',
  async (answer) => {
    const wire = memoryPair();
    const { promise: told, resolve: onError } = promised<Error>();
    const relay = node({
      ...{ connections: [wire.left], durable: true, openOnDemand: true, onError },
      authorize: () => answer as never,
    });
    node({ connections: [wire.right] }).open('room');
    expect(await told).toEqual(new TypeError(`authorize: expected true or false, got ${kindOf(answer)}`));
    expect(await relay.logs()).toEqual([]);
  },
);

test.each([[null], [5], [{}]])(
  'a function that gives %j for a token is told so, and no token is sent',
  async (given) => {
    const wire = memoryPair();
    const { promise: told, resolve: onError } = promised<Error>();
    const seen: unknown[] = [];
    node({ connections: [wire.left], openOnDemand: true, authorize: ({ token }) => seen.push(token) > 0 });
    node({ connections: [wire.right], token: () => given as never, onError }).open('room');
    expect(await told).toEqual(new TypeError(`token: expected a text or undefined, got ${kindOf(given)}`));
    expect(seen).toEqual([]);
  },
);

function promised<V>() {
  let resolve: (value: V) => void = () => undefined;
  const promise = new Promise<V>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

test('[S7] [S14] authorize: who may not read gets nothing, who may not write is told and goes on reading', async () => {
  const rights: Record<string, readonly string[]> = { reader: ['read'], writer: ['read', 'write'] };
  const toReader = memoryPair();
  const toWriter = memoryPair();
  const toStranger = memoryPair();
  const relay = node({
    connections: [toReader.left, toWriter.left, toStranger.left],
    durable: true,
    openOnDemand: true,
    authorize: ({ token, action }) => rights[token ?? '']?.includes(action) ?? false,
  });
  const reader = node({ connections: [toReader.right], token: 'reader' });
  const writer = node({ connections: [toWriter.right], token: async () => 'writer' });
  const stranger = node({ connections: [toStranger.right] });
  const [read, written, nothing] = [reader, writer, stranger].map((one) => one.open<string>('room')) as [
    LogHandle<string>,
    LogHandle<string>,
    LogHandle<string>,
  ];
  await Promise.all([read.ready, written.ready, nothing.ready]);
  await written.delivered(written.append('from the writer'), 'relayed');
  await hasLength(read, 1);
  const refused = read.append('not allowed');
  await expect(read.delivered(refused, 'relayed')).rejects.toMatchObject({ code: 'forbidden' });
  expect(read.delivery(refused).state).toBe('rejected');
  await written.delivered(written.append('second'), 'relayed');
  await hasLength(read, 3);
  const outside = nothing.append('nobody hears this');
  await expect(nothing.delivered(outside, 'relayed')).rejects.toMatchObject({ code: 'forbidden' });
  expect(nothing.snapshot().length).toBe(1);
  expect([nothing.status, nothing.error?.code]).toEqual(['ready', 'forbidden']);
  expect(payloads(written.snapshot())).toEqual(['from the writer', 'second']);
  await Promise.all([reader.close(), writer.close(), stranger.close(), relay.close()]);
});

test('[S6] a log with another codec is refused with a reason, and only that log', async () => {
  const pair = memoryPair();
  const relay = node({ connections: [pair.left], durable: true, openOnDemand: true });
  const client = node({ connections: [pair.right] });
  const plain = relay.open<string>('odd');
  await plain.ready;
  await plain.delivered(plain.append('json'));
  const bytes = { name: 'upper', encode: (value: string) => new TextEncoder().encode(value), decode: () => 'read' };
  const odd = client.open<string>('odd', { codec: bytes });
  await odd.ready;
  await expect(odd.delivered(odd.append('x'), 'relayed')).rejects.toMatchObject({ code: 'descriptor-mismatch' });
  const fine = client.open<string>('fine');
  await fine.ready;
  await fine.delivered(fine.append('goes on'), 'relayed');
  await Promise.all([client.close(), relay.close()]);
});

test('[H8] a stranger with another codec shuts nobody out of a log that a relay only passes on', async () => {
  const codec = { name: 'upper', encode: (value: string) => new TextEncoder().encode(value), decode: () => 'read' };
  const disk = new MemoryDisk();
  for (let visit = 1; visit <= 2; visit++) {
    const [toStranger, toAda, toBob] = [memoryPair(), memoryPair(), memoryPair()];
    const connections = [toStranger.left, toAda.left, toBob.left];
    const relay = node({ connections, durable: true, openOnDemand: true, storage: memoryStorage({ disk }) });
    const stranger = node({ connections: [toStranger.right] });
    const squatted = stranger.open<string>('room', { codec });
    await squatted.ready;
    await squatted.delivered(squatted.append('not json'), 'relayed');
    const [ada, bob] = [node({ connections: [toAda.right] }), node({ connections: [toBob.right] })];
    const [here, there] = [ada.open<string>('room'), bob.open<string>('room')];
    await Promise.all([here.ready, there.ready]);
    await hasLength(here, 2 * visit - 1);
    await here.delivered(here.append('Tea?'), 'relayed');
    await hasLength(there, 2 * visit);
    // What cannot be read shows without a payload.
    expect(payloads(there.snapshot()).slice(-2)).toEqual([undefined, 'Tea?']);
    await hasLength(squatted, 2 * visit);
    await Promise.all([stranger.close(), ada.close(), bob.close(), relay.close()]);
  }
});

test('[H8] a log has one codec in a node: another one is an error for that caller alone', async () => {
  const codec = (name: string) => ({ ...jsonCodec, name }) as PayloadCodec<string>;
  const mismatch = expect.objectContaining({ code: 'descriptor-mismatch' });
  const disk = new MemoryDisk();
  const pair = memoryPair();
  const relay = node({ connections: [pair.left], openOnDemand: true, storage: memoryStorage({ disk }), durable: true });
  const client = node({ connections: [pair.right] });
  const theirs = client.open<string>('room', { codec: codec('one') });
  await theirs.ready;
  await theirs.delivered(theirs.append('first'), 'relayed');
  // It was passed on so far: the first use here binds its codec.
  const ours = relay.open<string>('room', { codec: codec('one') });
  expect(() => relay.open('room', { codec: codec('two') })).toThrow(mismatch);
  expect(() => relay.open('room')).toThrow(mismatch);
  await ours.ready;
  await ours.delivered(ours.append('second'));
  await hasLength(theirs, 2);
  expect(payloads(ours.snapshot())).toEqual(['first', 'second']);
  await Promise.all([client.close(), relay.close()]);

  const restarted = node({ storage: memoryStorage({ disk }) });
  await expect(restarted.open('room', { codec: codec('two') }).ready).rejects.toEqual(mismatch);
  await expect(restarted.open('room', { codec: codec('one') }).ready).resolves.toMatchObject({ length: 2 });
  await restarted.close();
});

test('[L7] a log that finds no room in a session comes in when another one leaves', async () => {
  const timers = heldTimers();
  const pair = memoryPair();
  const relay = node({ connections: [pair.left], durable: true, openOnDemand: true });
  const refused: string[] = [];
  const client = node({
    connections: [pair.right],
    environment: timers.environment,
    onError: (error) => refused.push((error as GossipError).code),
  });
  await online(client);
  const logs = Array.from({ length: limits.channelsMax + 1 }, (_, i) => client.open<string>(`room ${i}`));
  await Promise.all(logs.map((log) => log.ready));
  const [first, last] = [logs[0], logs.at(-1)] as [LogHandle<string>, LogHandle<string>];
  await first.delivered(first.append('hello'), 'relayed');
  await last.delivered(last.append('hello'));
  expect(last.delivery(last.snapshot().at(0) as LogEvent<string>).state).toBe('stored');
  expect(refused).toEqual(['limit-exceeded']);
  first.release();
  timers.advance(limits.releaseDelayMs);
  await last.delivered(last.snapshot().at(0) as LogEvent<string>, 'relayed');
  await Promise.all([client.close(), relay.close()]);
});

test('[S13] a wrong clock is corrected by a durable peer, kept, and used after a restart', async () => {
  const hour = 3_600_000;
  const fast = { ...systemEnvironment, now: () => systemEnvironment.now() + hour };
  const disk = new MemoryDisk();
  const pair = memoryPair();
  const relay = node({ connections: [pair.left], durable: true, openOnDemand: true });
  const client = node({ connections: [pair.right], environment: fast, storage: memoryStorage({ disk }) });
  const log = client.open<string>('room');
  await Promise.all([log.ready, online(client)]);
  const event = log.append('on time');
  expect(Math.abs(event.timestamp - systemEnvironment.now())).toBeLessThan(hour / 2);
  await log.delivered(event, 'relayed');
  await Promise.all([client.close(), relay.close()]);
  const restarted = node({ environment: fast, storage: memoryStorage({ disk }) });
  const later = restarted.open<string>('room');
  await later.ready;
  expect(Math.abs(later.append('offline').timestamp - systemEnvironment.now())).toBeLessThan(hour / 2);
  await restarted.close();
});

test('[S13] only a peer that was dialled sets the clock', async () => {
  const minute = 60_000;
  const fast = { ...systemEnvironment, now: () => systemEnvironment.now() + 5 * minute };
  for (const dials of [true, false]) {
    const pair = memoryPair();
    const plain = node({ connections: [{ ...pair.left, dials }] });
    const other = node({ connections: [pair.right], durable: true, environment: fast });
    const log = plain.open<string>('room');
    await Promise.all([log.ready, online(plain)]);
    const aheadMs = log.append('now').timestamp - systemEnvironment.now();
    expect(aheadMs > minute).toBe(dials);
    await Promise.all([plain.close(), other.close()]);
  }
});

test('[S13] a clock is not set by more than it may go wrong, unless it was never set', async () => {
  const day = 24 * 3_600_000;
  const meet = async (offsetMs: number, now: () => number, disk = new MemoryDisk()) => {
    const codes: string[] = [];
    const onError = (error: Error) => codes.push((error as GossipError).code);
    const pair = memoryPair();
    const environment = { ...systemEnvironment, now };
    const plain = node({ connections: [pair.left], environment, onError, storage: memoryStorage({ disk }) });
    const far = { ...systemEnvironment, now: () => systemEnvironment.now() + offsetMs };
    const relay = node({ connections: [pair.right], durable: true, environment: far });
    const log = plain.open<string>('room');
    await Promise.all([log.ready, online(plain)]);
    const { timestamp } = log.append('now');
    await Promise.all([plain.close(), relay.close()]);
    return { aheadMs: timestamp - systemEnvironment.now(), codes };
  };
  const { now } = systemEnvironment;
  for (const offsetMs of [40 * day, -40 * day]) {
    const { aheadMs, codes } = await meet(offsetMs, now);
    expect(Math.abs(aheadMs)).toBeLessThan(day / 2);
    expect(codes).toEqual(['clock-offset']);
  }
  const disk = new MemoryDisk();
  const unset = await meet(0, () => 0, disk);
  expect(Math.abs(unset.aheadMs)).toBeLessThan(day);
  expect(unset.codes).toEqual([]);
  // The battery is charged, the clock is right again: what was learned before is of no use.
  const restarted = node({ storage: memoryStorage({ disk }) });
  const log = restarted.open<string>('other room');
  await log.ready;
  expect(Math.abs(log.append('offline').timestamp - now())).toBeLessThan(day);
  await restarted.close();
});

test('[L6] a listener that throws is reported, and the others are told all the same', async () => {
  const errors: string[] = [];
  const one = createGossipNode({ storage: memoryStorage(), onError: (error) => errors.push(error.message) });
  const log = one.open<string>('room');
  await log.ready;
  let told = 0;
  log.subscribe(() => {
    throw new Error('mine');
  });
  log.subscribe(() => told++);
  await log.delivered(log.append('x'));
  expect(told).toBeGreaterThan(0);
  expect(errors).toContain('mine');
  await one.close();
});

test('a connection in doubt is probed: a dead one ends within seconds, a live one stays [S24]', async () => {
  const here = new FakeEnvironment();
  const pair = memoryPair();
  let doubted = () => {};
  let dead = false;
  const source: ConnectionSource = {
    ...pair.left,
    start: (host) =>
      pair.left.start({
        status: (status) => host.status(status),
        connected(connection) {
          const handlers = host.connected(connection);
          doubted = () => handlers.doubted?.();
          return {
            ...handlers,
            frame: (bytes) => void (dead || handlers.frame(bytes)),
            closed: (reason) => handlers.closed(reason),
          };
        },
      }),
  };
  const one = node({ environment: here, connections: [source] });
  const other = node({ environment: new FakeEnvironment(), connections: [pair.right] });
  await Promise.all([online(one), online(other)]);
  doubted();
  await new Promise((resolve) => setImmediate(resolve));
  for (let passed = 0; passed < 3 * limits.probeMsMax; passed += 1000) here.advance(1000);
  expect(one.connection().status).toBe('online');
  dead = true;
  doubted();
  here.advance(limits.probeMsMax);
  await offline(one);
  await Promise.all([one.close(), other.close()]);
});

test('a wall clock stepped forward drops no session of a relay', async () => {
  const clock = new FakeEnvironment();
  const pairs = Array.from({ length: 3 }, () => memoryPair());
  const relay = node({
    environment: clock,
    durable: true,
    openOnDemand: true,
    connections: pairs.map(({ left }) => left),
  });
  // Time passes for them as well, by wall clocks of their own.
  const clients = pairs.map(({ right }) => {
    const environment: Environment = {
      now: () => clock.elapsed(),
      elapsed: () => clock.elapsed(),
      randomBytes: systemEnvironment.randomBytes,
      setTimer: (ms, callback) => clock.setTimer(ms, callback),
    };
    return node({ connections: [right], environment });
  });
  await Promise.all(clients.map(online));
  const lost: string[] = [];
  for (const client of clients) client.subscribe(() => lost.push(client.connection().status));
  for (const setMs of [3_600_000, limits.silenceMsMax + 1, -7_200_000]) {
    clock.setWallClock(setMs);
    for (let passed = 0; passed < limits.silenceMsMax; passed += 1000) {
      clock.advance(1000);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  expect(lost).toEqual([]);
  expect(relay.connection().status).toBe('online');
  await Promise.all([relay, ...clients].map((each) => each.close()));
});

/** A store that takes a while for every batch, so that more has been written by then. */
function slowStorage(disk: MemoryDisk): GossipStorage {
  const storage = memoryStorage({ disk });
  return {
    ...storage,
    commit: async (...args) => {
      await new Promise((resolve) => setImmediate(resolve));
      return storage.commit(...args);
    },
  };
}

/** Writes without end, some hundred events in each turn of the event loop, until it is refused. */
function writeOn(log: LogHandle<string>) {
  const written: LogEvent<string>[] = [];
  const refused = new Promise<unknown>((resolve) => {
    const write = () => {
      try {
        for (let i = 0; i < 100; i++) written.push(log.append(`event ${written.length}`));
        setImmediate(write);
      } catch (error) {
        resolve(error);
      }
    };
    write();
  });
  return { written, refused };
}

test('closing ends while appends go on: they are refused at once, and what was accepted is stored', async () => {
  const disk = new MemoryDisk();
  const one = node({ storage: slowStorage(disk) });
  const log = one.open<string>('room');
  const whole = await log.ready;
  const { written, refused } = writeOn(log);
  await hasMore(log, 1000);
  const accepted = written.length;
  const closed = one.close();
  expect(() => log.append('late')).toThrow(expect.objectContaining({ code: 'log-closed' }));
  expect(() => whole.append('late')).toThrow(expect.objectContaining({ code: 'log-closed' }));
  await closed;
  expect(await refused).toMatchObject({ code: 'log-closed' });
  expect(written.length).toBe(accepted);
  const again = node({ storage: memoryStorage({ disk }) }).open<string>('room');
  await again.ready;
  expect(again.snapshot().length).toBe(accepted);
});

test('closing ends while a peer writes on; the peer keeps what was not taken', async () => {
  const pair = memoryPair();
  const relay = node({
    storage: slowStorage(new MemoryDisk()),
    connections: [pair.left],
    durable: true,
    openOnDemand: true,
  });
  const client = node({ connections: [pair.right] });
  const log = client.open<string>('room');
  await log.ready;
  const { written, refused } = writeOn(log);
  await when(
    (listener) => log.subscribe(listener),
    () => written.length > 500 && log.delivery(written[500] as LogEvent<string>).state === 'relayed',
  );
  await relay.close();
  expect(client.connection().status).not.toBe('online');
  await client.close();
  await refused;
  expect(log.snapshot().length).toBe(written.length);
});

test('a log that is closed while it is read takes nothing when it was', async () => {
  const one = node();
  const log = one.open<string>('room');
  const refused = log.ready.then((whole) => whole.append('late'));
  await one.close();
  await expect(refused).rejects.toMatchObject({ code: 'log-closed' });
});
