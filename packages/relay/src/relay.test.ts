import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GossipStorage, limits } from '@gossip-log/core';
import { lmdbStorage } from '@gossip-log/storage/lmdb';
import { MemoryDisk, memoryStorage } from '@gossip-log/storage/memory';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { encodeMessage } from '../../core/src/codec/message.js';
import { endOfTime } from '../../core/src/range.js';
import { client, hasEvents, idsOf, openLog, releaseByHand, until } from '../test/client.js';
import { blockOf, newWriter, RawPeer } from '../test/raw-peer.js';
import { createRelay, type Relay, type RelayOptions } from './relay.js';

const host = '127.0.0.1';

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'gossip-log-relay.'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A relay over memory unless told otherwise, closed with the test. */
async function relay(options: Partial<RelayOptions> = {}): Promise<Relay & { readonly url: string }> {
  const made = await createRelay({
    port: 0,
    host,
    ...(options.dataDir === undefined ? { storage: memoryStorage() } : {}),
    ...options,
  });
  onTestFinished(() => made.close());
  return Object.assign(made, { url: made.address?.url as string });
}

/** The same storage, with a count of how often each log was read. */
function countLoads(storage: GossipStorage): { readonly storage: GossipStorage; readonly loads: Map<string, number> } {
  const loads = new Map<string, number>();
  const load: GossipStorage['load'] = (log) => {
    loads.set(log, (loads.get(log) ?? 0) + 1);
    return storage.load(log);
  };
  return { storage: Object.assign(Object.create(storage) as GossipStorage, { load }), loads };
}

test('[L1] two clients write at the same time and show one order; a late one is given all of it', async () => {
  const { url } = await relay();
  const ada = await openLog(client(url), 'room');
  const bob = await openLog(client(url), 'room');
  for (let i = 0; i < 100; i++) {
    ada.append(`ada ${i}`);
    bob.append(`bob ${i}`);
  }
  await Promise.all([hasEvents(ada, 200), hasEvents(bob, 200)]);
  expect(idsOf(ada)).toEqual(idsOf(bob));
  const late = await openLog(client(url), 'room');
  await hasEvents(late, 200);
  expect(idsOf(late)).toEqual(idsOf(ada));
  expect(late.snapshot().map(({ payload }) => payload)).toEqual(ada.snapshot().map(({ payload }) => payload));
});

test('[R1] a room is read from LMDB when it is asked for, not at the start, and shared by who asks', async () => {
  const dataDir = await folder();
  const before = await relay({ dataDir });
  for (const room of ['one', 'two']) {
    const writer = await openLog(client(before.url), room);
    await writer.delivered(writer.append('kept'), 'relayed');
  }
  await before.close();

  const { storage, loads } = countLoads(lmdbStorage({ path: dataDir }));
  const { url } = await relay({ storage });
  expect(loads).toEqual(new Map());
  const readers = await Promise.all([client(url), client(url)].map((each) => openLog(each, 'one')));
  await Promise.all(readers.map((reader) => hasEvents(reader, 1)));
  expect(loads).toEqual(new Map([['one', 1]]));
});

test('[R1] idle rooms are closed, and opened again with all their events', async () => {
  const { storage, loads } = countLoads(memoryStorage());
  const { environment, release } = releaseByHand();
  const made = await relay({ storage, environment });
  const { url } = made;
  const rooms = Array.from({ length: 50 }, (_, i) => `room ${i}`);
  const visit = async () => {
    const visitor = client(url);
    const logs = await Promise.all(rooms.map((room) => openLog(visitor, room)));
    await Promise.all(logs.map((log) => log.delivered(log.append('here'), 'relayed')));
    await visitor.node.close();
    await expect.poll(() => made.metrics().connections).toBe(0);
  };
  await visit();
  await visit();
  expect(rooms.map((room) => loads.get(room))).toEqual(rooms.map(() => 1));
  await release();
  await visit();
  expect(rooms.map((room) => loads.get(room))).toEqual(rooms.map(() => 2));

  const reader = client(url);
  for (const room of rooms) {
    const log = await openLog(reader, room);
    await hasEvents(log, 3);
  }
});

test('[R3] a token decides: refused, reading only, reading and writing', async () => {
  const { url } = await relay({
    authorize: ({ token, log, action }) =>
      log === 'room' && (token === 'writer' || (token === 'reader' && action === 'read')),
  });
  const writer = await openLog(client(url, { token: 'writer' }), 'room');
  await writer.delivered(writer.append('from the writer'), 'relayed');

  const reader = await openLog(client(url, { token: async () => 'reader' }), 'room');
  await hasEvents(reader, 1);
  const refused = reader.append('from the reader');
  await expect(reader.delivered(refused, 'relayed')).rejects.toMatchObject({ code: 'forbidden' });
  expect(reader.delivery(refused)).toMatchObject({ state: 'rejected', error: { code: 'forbidden' } });
  await writer.delivered(writer.append('more from the writer'), 'relayed');
  await hasEvents(reader, 3);
  expect(writer.snapshot().length).toBe(2);

  const stranger = await openLog(client(url), 'room');
  const unheard = stranger.append('from a stranger');
  await expect(stranger.delivered(unheard, 'relayed')).rejects.toMatchObject({ code: 'forbidden' });
  expect(stranger.snapshot().length).toBe(1);
  expect(writer.snapshot().length).toBe(2);
});

test('[R1] [R3] a feed is authorized as reading, sends what matches alone, and holds its room open', async () => {
  const { storage, loads } = countLoads(memoryStorage());
  const { environment, release } = releaseByHand();
  const asked: string[] = [];
  const made = await relay({
    ...{ storage, environment },
    authorize({ token, action }) {
      if (token === 'reader') asked.push(action);
      return true;
    },
  });
  const [adas, bobs] = [client(made.url), client(made.url)];
  const [ada, bob] = await Promise.all([openLog(adas, 'room'), openLog(bobs, 'room')]);
  for (let i = 0; i < 20; i++) {
    ada.append(`ada ${i}`);
    bob.append(`bob ${i} ${'x'.repeat(10_000)}`);
  }
  const { writer } = ada.append('ada 20');
  await Promise.all([ada, bob].map((each) => hasEvents(each, 41)));
  await bob.delivered(bob.append('bob 20'), 'relayed');
  const before = made.metrics().bytesOut;
  const feed = client(made.url, { token: 'reader' }).node.feed<string>('room', { writers: [writer] });
  const texts: string[] = [];
  const read = async (count: number) => {
    while (texts.length < count) texts.push((await feed.next()).value?.payload ?? '');
  };
  await read(21);
  expect(made.metrics().bytesOut - before).toBeLessThan(20_000);
  expect(asked).toEqual(['read']);

  await Promise.all([adas, bobs].map(({ node }) => node.close()));
  await expect.poll(() => made.metrics().connections).toBe(1);
  await release();
  const next = await openLog(client(made.url), 'room');
  await hasEvents(next, 42);
  expect(loads.get('room')).toBe(1);
  next.append('not by Ada');
  expect(texts).toEqual(Array.from({ length: 21 }, (_, i) => `ada ${i}`));
});

test('[R4] [L7] a peer that asks for a thousand feeds is served so many; who breaks a rule is cut off alone', async () => {
  const { url } = await relay();
  const ada = await openLog(client(url), 'room');
  const event = ada.append('for all');
  await ada.delivered(event, 'relayed');
  const greedy = await RawPeer.connect(url);
  const descriptor = { id: 'room', policy: 'unsigned', codec: 'json' } as const;
  const filter = { from: 0, until: endOfTime, writers: [] };
  const feed = (channel: number) =>
    greedy.send({ kind: 'feed', channel, descriptor, token: undefined, filter, after: [] });
  for (let i = 1; i <= 1_000; i++) feed(i);
  await greedy.message('error', ({ channel }) => channel === 1_000);
  const refused = greedy.received.flatMap((message) => (message.kind === 'error' ? [message] : []));
  expect(refused.map(({ channel, code }) => `${channel} ${code}`)).toEqual(
    Array.from({ length: 1_000 - limits.feedsMax }, (_, i) => `${limits.feedsMax + i + 1} limit-exceeded`),
  );
  await greedy.message('events', ({ channel }) => channel === limits.feedsMax);
  feed(1);
  await greedy.closed;
  const good = client(url).node.feed<string>('room');
  expect((await good.next()).value?.id).toBe(event.id);
});

test('[R3] an authorize that throws refuses, and is reported', async () => {
  const errors: string[] = [];
  const { url } = await relay({
    authorize: ({ token }) => {
      if (token === undefined) throw new Error('the list of tokens cannot be read');
      return true;
    },
    onError: (error) => errors.push(error.message),
  });
  const peer = await RawPeer.connect(url);
  peer.openLog('room', 1);
  expect((await peer.message('error')).channel).toBe(1);
  expect(errors).toEqual(['the list of tokens cannot be read']);
  expect(peer.received.some(({ kind }) => kind === 'events' || kind === 'open')).toBe(false);
  const writer = await openLog(client(url, { token: 'a token' }), 'room');
  await writer.delivered(writer.append('goes on'), 'relayed');
});

const hello = () =>
  encodeMessage({ kind: 'hello', node: newWriter(), name: 'hostile', durable: false, now: Date.now() });
const damaged = (bytes: Uint8Array) => {
  bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
  return bytes;
};
const events = (channel: number, block: Uint8Array) => encodeMessage({ kind: 'events', channel, blocks: [block] });

/** What a hostile peer may send once it has said hello and opened the room; and the code that ends its session. */
const attacks: [what: string, code: string, bytes: (channel: number) => Uint8Array][] = [
  ['noise', 'version-unsupported', () => new Uint8Array(1000).fill(0xa5)],
  ['nothing', 'bytes-truncated', () => new Uint8Array(0)],
  ['another version', 'version-unsupported', () => hello().fill(1, 0, 1)],
  ['a frame cut short', 'bytes-truncated', () => encodeMessage({ kind: 'want', channel: 1, runs: [] }).slice(0, -1)],
  ['a second hello', 'protocol', hello],
  ['a block with a wrong checksum', 'checksum', (channel) => events(channel, damaged(blockOf('room', 'damaged')))],
  ['a frame over the limit', 'frame-too-large', () => new Uint8Array(limits.frameBytesMax + 1)],
  [
    'a block of another log version',
    'version-unsupported',
    (channel) => events(channel, blockOf('room', 'other').fill(9, 0, 1)),
  ],
];

test.each(attacks)('[R4] [L6] %s ends that session alone: %s', async (_what, code, bytes) => {
  const { url } = await relay();
  const [ada, bob] = await Promise.all([openLog(client(url), 'room'), openLog(client(url), 'room')]);
  await ada.delivered(ada.append('before'), 'relayed');

  const hostile = await RawPeer.connect(url);
  hostile.openLog('room', 1);
  const { channel } = await hostile.message('open');
  hostile.sendBytes(bytes(channel));
  await hostile.closed;
  const close = hostile.received.find(({ kind }) => kind === 'close');
  if (code !== 'frame-too-large') expect(close).toMatchObject({ channel: 0, reason: { code } });

  bob.append('after');
  await Promise.all([hasEvents(ada, 2), hasEvents(bob, 2)]);
  expect(idsOf(ada)).toEqual(idsOf(bob));
});

test('[R4] [L6] bytes that are no WebSocket, and requests that never end, harm nobody', async () => {
  const made = await relay();
  const { port } = made.address as { port: number };
  const sockets = ['\x16\x03\x01 not HTTP at all\r\n\r\n', 'GET /sync HTTP/1.1\r\nHost: x\r\n'].map((text) => {
    const socket = connect(port, host, () => socket.write(text));
    socket.on('error', () => {});
    return socket;
  });
  const ada = await openLog(client(made.url), 'room');
  await ada.delivered(ada.append('unharmed'), 'relayed');
  for (const socket of sockets) socket.destroy();
  expect(made.metrics().connectionsTotal).toBe(1);
});

test('[R4] events from the future are refused as early, stored nowhere, and the session goes on', async () => {
  const { url } = await relay();
  const ada = await openLog(client(url), 'room');
  const hostile = await RawPeer.connect(url);
  hostile.openLog('room', 1);
  const { channel } = await hostile.message('open');
  hostile.sendBytes(events(channel, blockOf('room', 'from the future', Date.now() + 10 * limits.clockDriftMsMax)));
  expect(await hostile.message('error')).toMatchObject({ channel: 1, code: 'early' });
  hostile.sendBytes(events(channel, blockOf('room', 'from now')));
  await hasEvents(ada, 1);
  expect(ada.snapshot().map(({ payload }) => payload)).toEqual(['from now']);
});

test('[R4] [L7] a peer that opens ten thousand rooms gets as many as a session carries; others go on', async () => {
  const { storage, loads } = countLoads(memoryStorage());
  const { environment, release } = releaseByHand();
  const made = await relay({ storage, environment });
  const [ada, bob] = await Promise.all([openLog(client(made.url), 'room'), openLog(client(made.url), 'room')]);
  const greedy = await RawPeer.connect(made.url);
  for (let i = 1; i <= 10_000; i++) greedy.openLog(`greedy ${i}`, i);
  expect(await greedy.message('error')).toMatchObject({ channel: limits.channelsMax + 1, code: 'limit-exceeded' });
  await greedy.message('error', ({ channel }) => channel === 10_000);
  ada.append('still here');
  await hasEvents(bob, 1);
  await greedy.message('open', ({ descriptor }) => descriptor.id === `greedy ${limits.channelsMax}`);
  expect(loads.size).toBe(limits.channelsMax + 1);

  greedy.socket.terminate();
  await expect.poll(() => made.metrics().connections).toBe(2);
  await release();
  await openLog(client(made.url), 'greedy 1');
  await expect.poll(() => loads.get('greedy 1')).toBe(2);
});

test('[R4] [L7] a peer that neither reads nor grants is sent one window; others get everything', async () => {
  const made = await relay();
  const [ada, bob] = await Promise.all([openLog(client(made.url), 'room'), openLog(client(made.url), 'room')]);
  const slow = await RawPeer.connect(made.url);
  slow.openLog('room', 1);
  await slow.message('open');
  slow.socket.pause();

  const count = 200;
  const text = 'x'.repeat(32 * 1024);
  for (let i = 0; i < count; i++) ada.append(`${i} ${text}`);
  await hasEvents(bob, count);
  expect(idsOf(bob)).toEqual(idsOf(ada));

  slow.socket.resume();
  // An answer shows that all before it was read.
  slow.openLog('another room', 2);
  await slow.message('open', ({ descriptor }) => descriptor.id === 'another room');
  const bytes = slow.received.reduce((sum, each) => sum + (each.kind === 'events' ? encodeMessage(each).length : 0), 0);
  expect(bytes).toBeGreaterThan(limits.creditBytesMax / 2);
  expect(bytes).toBeLessThan(limits.creditBytesMax + limits.frameBytesMax);
});

test('[R4] [L7] a peer that asks without reading the answers is cut off; others go on', async () => {
  const made = await relay();
  const ada = await openLog(client(made.url), 'room');
  const slow = await RawPeer.connect(made.url);
  slow.openLog('room', 1);
  await slow.message('open');
  slow.socket.pause();
  const before = made.metrics().bytesOut;
  // Ten thousand rows that nobody has are told off one by one: 60 KB.
  const names = Array.from({ length: 10_000 }, (_, i) => i);
  while (made.metrics().connections === 2) {
    for (let i = 0; i < 20; i++) slow.openLog('room', 1, [{ kind: 'rows', from: 0, to: 1, names }]);
    await new Promise((resolve) => setImmediate(resolve));
  }
  // What waits in the socket, and what the two ends' systems hold.
  expect(made.metrics().bytesOut - before).toBeLessThan(limits.socketBufferBytesMax + 32 * 1024 * 1024);
  await ada.delivered(ada.append('goes on'), 'relayed');
});

test('[R5] a port that is taken rejects, before the store is touched', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, host, resolve));
  onTestFinished(() => void other.close());
  const { port } = other.address() as AddressInfo;
  const dataDir = join(await folder(), 'never made');
  await expect(createRelay({ port, host, dataDir })).rejects.toMatchObject({
    code: 'connection-lost',
    cause: { code: 'EADDRINUSE', port },
  });
  await expect(rm(dataDir)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('[R5] a store that cannot be used rejects with its code, and the port is free again', async () => {
  const inTheWay = join(await folder(), 'file');
  await writeFile(inTheWay, '');
  const first = await relay();
  const { port } = first.address as { port: number };
  await first.close();
  await expect(createRelay({ port, host, dataDir: join(inTheWay, 'data') })).rejects.toMatchObject({
    code: 'storage-failed',
  });
  const disk = new MemoryDisk();
  disk.formatVersion++;
  await expect(createRelay({ port, host, storage: memoryStorage({ disk }) })).rejects.toMatchObject({
    code: 'storage-format',
  });
  await relay({ port });
});

test.each([
  [{ autorize: () => true }, 'createRelay: unknown option "autorize"; did you mean "authorize"?'],
  [{ alowOrigin: () => true }, 'did you mean "allowOrigin"?'],
  [{ authorize: true }, 'authorize: expected a function'],
  [{ retention: { eventMax: 5 } }, 'did you mean "eventsMax"?'],
  [{ path: 'sync' }, 'path: expected one that begins with /'],
  [{ port: '4400' }, 'port: expected a number'],
])(
  'an option that is not known, or of another kind, is refused and leaves nothing open [R5]: %j',
  async (wrong, message) => {
    const storage = memoryStorage();
    const first = await relay();
    const { port } = first.address as { port: number };
    await first.close();
    await expect(createRelay({ port, host, storage, ...wrong } as never)).rejects.toThrow(message);
    await relay({ port });
  },
);

test('[R5] options that contradict one another are refused', async () => {
  const storage = memoryStorage();
  await expect(createRelay({ storage })).rejects.toThrow(TypeError);
  await expect(createRelay({ port: 0 })).rejects.toThrow(TypeError);
  await expect(createRelay({ port: 0, storage, dataDir: 'data' })).rejects.toThrow(TypeError);
  await expect(createRelay({ port: 0, server: createServer(), storage })).rejects.toThrow(TypeError);
  await expect(createRelay({ port: 0, noServer: true, storage })).rejects.toThrow(TypeError);
});

test('without rights it listens on this machine alone, unless it is told to be open', async () => {
  const made = await createRelay({ port: 0, storage: memoryStorage() });
  onTestFinished(() => made.close());
  expect(made.address?.host).toBe('127.0.0.1');
  expect(() => made.handleUpgrade({} as never, {} as never, Buffer.alloc(0))).toThrow(TypeError);

  const storage = memoryStorage();
  const reachable = [
    { port: 0, host: '0.0.0.0' },
    { port: 0, host: '::' },
    { server: createServer() },
    { noServer: true },
  ];
  for (const where of reachable) {
    await expect(createRelay({ ...where, storage })).rejects.toThrow(/expected authorize, or open: true/);
    const opened = await createRelay({ ...where, open: true, storage: memoryStorage() });
    await opened.close();
    const guarded = await createRelay({ ...where, authorize: () => true, storage: memoryStorage() });
    await guarded.close();
  }
});

/** An HTTP server that listens, and closes with the test. */
async function listening() {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { server, url: `ws://${host}:${(server.address() as AddressInfo).port}/sync` };
}

test.each(['before', 'behind'])('a second ws server %s it on one server is noticed, and said once', async (place) => {
  const { server, url } = await listening();
  const errors: Error[] = [];
  const other = () => new WebSocketServer({ server, path: '/other' });
  if (place === 'before') other();
  const shared = await createRelay({
    ...{ server, open: true, storage: memoryStorage() },
    onError: (error) => errors.push(error),
  });
  onTestFinished(() => shared.close());
  if (place === 'behind') other();
  for (let i = 0; i < 2; i++) {
    const peer = new RawPeer(url);
    await peer.closed;
  }
  expect(errors.map(({ message }) => message)).toEqual([
    expect.stringContaining('handleUpgrade(request, socket, head)'),
  ]);
});

test('upgrades handed over: two ws servers on one server, each with its own', async () => {
  const { server, url } = await listening();
  const made = await createRelay({ noServer: true, open: true, storage: memoryStorage() });
  expect(made.address).toBeUndefined();
  const echo = new WebSocketServer({ noServer: true });
  echo.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
  server.on('upgrade', (request, socket, head) => {
    if (request.url === '/sync') made.handleUpgrade(request, socket, head);
    else echo.handleUpgrade(request, socket, head, (accepted) => echo.emit('connection', accepted, request));
  });
  const ada = await openLog(client(url), 'room');
  await ada.delivered(ada.append('handed over'), 'relayed');
  const other = new WebSocket(url.replace('/sync', '/other'));
  await once(other, 'open');
  other.send('hello');
  const [data] = await once(other, 'message');
  expect(String(data)).toBe('hello');
  other.terminate();
  await made.close();
  // There is nobody any more: the client is told, instead of being left to wait.
  const [, response] = await once(new WebSocket(url), 'unexpected-response');
  expect(response.statusCode).toBe(503);
});

test('an upgrade that another ws server took before it is handed over is noticed, and ends no process', async () => {
  const { server, url } = await listening();
  const errors: Error[] = [];
  const echo = new WebSocketServer({ server });
  const made = await createRelay({
    ...{ noServer: true, open: true, storage: memoryStorage() },
    onError: (error) => errors.push(error),
  });
  onTestFinished(() => made.close());
  // What a listener of a server throws ends the process.
  server.on('upgrade', (...upgrade) => made.handleUpgrade(...upgrade));
  for (let i = 0; i < 2; i++) await once(new WebSocket(url), 'open');
  for (const socket of echo.clients) socket.terminate();
  expect(errors.map(({ message }) => message)).toEqual([
    expect.stringContaining('handleUpgrade(request, socket, head)'),
  ]);
});

test('[R6] close loses nothing that was on its way, and leaves nothing listening', async () => {
  const disk = new MemoryDisk();
  const made = await relay({ storage: memoryStorage({ disk }) });
  const writer = client(made.url);
  const log = await openLog(writer, 'room');
  const relayed = new Set<string>();
  for (let i = 0; i < 500; i++) {
    const event = log.append(`${i}`);
    log.delivered(event, 'relayed').then(
      () => relayed.add(event.id),
      () => {},
    );
  }
  await until(log, () => log.delivery(log.snapshot().at(0) as never).state === 'relayed');
  await Promise.all([made.close(), made.close()]);
  await expect(fetch(`${made.url.replace('ws:', 'http:')}`)).rejects.toThrow();
  await writer.node.close();

  const again = await relay({ storage: memoryStorage({ disk }) });
  const reader = await openLog(client(again.url), 'room');
  await until(reader, () => [...relayed].every((id) => idsOf(reader).includes(id)));
});

test('[R6] on a server that it shares: its path alone, and the server stays open', async () => {
  const server = createServer((_request, response) => response.end('a page'));
  const shared = await createRelay({ server, path: '/events', open: true, storage: memoryStorage() });
  expect(shared.address).toBeUndefined();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  onTestFinished(() => void server.close());
  expect(shared.address?.url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/events$/);
  const ada = await openLog(client(shared.address?.url as string), 'room');
  await ada.delivered(ada.append('over a shared port'), 'relayed');
  await shared.close();
  const page = await fetch(`http://${host}:${shared.address?.port}/`);
  expect(await page.text()).toBe('a page');
});

test('[R4] health and metrics tell of connections, bytes and a store that fails', async () => {
  const storage = memoryStorage();
  let full = false;
  const commit: GossipStorage['commit'] = async (...batch) => {
    if (full) throw new Error('the disk is full');
    return storage.commit(...batch);
  };
  const made = await relay({ storage: Object.assign(Object.create(storage) as GossipStorage, { commit }) });
  const health = async () => {
    const response = await fetch(`http://${host}:${made.address?.port}/healthz`);
    return [response.status, await response.text()];
  };
  const ada = await openLog(client(made.url), 'room');
  await ada.delivered(ada.append('one'), 'relayed');
  expect(await health()).toEqual([200, 'ok\n']);
  expect(made.metrics()).toMatchObject({ connections: 1, connectionsTotal: 1, commits: 1, commitsFailed: 0 });
  expect(made.metrics().bytesIn).toBeGreaterThan(0);
  expect(made.metrics().bytesOut).toBeGreaterThan(0);
  expect(made.metrics().bytesCommitted).toBeGreaterThan(0);

  full = true;
  const waiting = ada.append('two');
  await expect.poll(health).toEqual([503, 'cannot store\n']);
  expect(ada.delivery(waiting).state).toBe('stored');
  full = false;
  await ada.delivered(waiting, 'relayed');
  expect(await health()).toEqual([200, 'ok\n']);
});

/** What a server answers to a request for an upgrade, once it has closed the connection. */
async function upgradeAnswer(port: number, path: string): Promise<string> {
  const socket = connect(port, host);
  let answer = '';
  socket.on('data', (bytes) => {
    answer += bytes;
  });
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
  await closed;
  return answer;
}

test('[R4] an upgrade of another path is answered with 404, and holds nothing up', async () => {
  const made = await relay();
  expect(await upgradeAnswer(Number(new URL(made.url).port), '/nope')).toMatch(/^HTTP\/1\.1 404 /);
  await made.close();
});

test('[R4] who dials while the store is still opened is answered with 503, and not left waiting', async () => {
  // A port that nobody else has: the relay tells its own only once it is up.
  const reserved = createServer().listen(0, host);
  await once(reserved, 'listening');
  const { port } = reserved.address() as AddressInfo;
  await new Promise((resolve) => reserved.close(resolve));

  const storage = memoryStorage();
  let reached = () => {};
  let open = () => {};
  const opening = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const slow: GossipStorage = Object.assign(Object.create(storage) as GossipStorage, {
    async getMetadata(key: string) {
      reached();
      await opened;
      return storage.getMetadata(key);
    },
  });
  const starting = relay({ port, storage: slow });
  await opening;
  expect(await upgradeAnswer(port, '/sync')).toMatch(/^HTTP\/1\.1 503 /);
  open();
  const log = await openLog(client((await starting).url), 'room');
  await log.delivered(log.append('in'), 'relayed');
});
