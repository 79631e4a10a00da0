/** The server's rules, against peers that misbehave on real sockets. */
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { limits } from '@gossip-log/core';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { FakeEnvironment } from '../test/fake-environment.js';
import { closeCodes } from './close-codes.js';
import type { PeerNotice } from './peer-notice.js';
import { RecordingHost } from './recording-host.js';
import { type WebSocketServerOptions, webSocketServer } from './web-socket-server.js';

async function started(options: WebSocketServerOptions = {}) {
  const host = new RecordingHost();
  const own = options.server === undefined ? { port: 0, host: '127.0.0.1' } : {};
  const source = webSocketServer({ ...own, ...options });
  const stop = source.start(host);
  onTestFinished(stop);
  const { port } = await source.address();
  return { host, source, stop, port, url: `ws://127.0.0.1:${port}` };
}

/** A `ws` client that notes how it ends. */
function dial(url: string, options: { origin?: string; headers?: Record<string, string> } = {}) {
  const socket = new WebSocket(url, options);
  const opened = once(socket, 'open');
  const ended = new Promise<{ code: number; error: string }>((resolve) => {
    let error = '';
    socket.on('error', (cause) => {
      error = cause.message;
    });
    socket.on('close', (code) => resolve({ code, error }));
  });
  opened.catch(() => {});
  onTestFinished(() => socket.terminate());
  return { socket, opened, ended };
}

const upgrade = [
  'GET / HTTP/1.1',
  'Host: relay.test',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  '',
  '',
].join('\r\n');

/** A plain TCP client, which may do as it likes. Resolves once `greeting` was sent and, if upgraded, answered. */
async function raw(port: number, greeting: string): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write(greeting);
  if (greeting === upgrade) await once(socket, 'data');
  return socket;
}

/** Resolves when the other side has ended the socket. */
async function ended(socket: Socket): Promise<void> {
  socket.resume();
  await Promise.race([once(socket, 'end'), once(socket, 'close')]);
}

/** A connection stands and answers, whatever others did. */
async function expectAlive(host: RecordingHost, url: string): Promise<void> {
  const before = host.connections.length;
  const { socket, opened } = dial(url);
  await opened;
  await host.until(() => host.connections.length > before);
  socket.send(Uint8Array.of(1, 2, 3));
  const recorded = host.connections.at(-1);
  await host.until(() => recorded?.frames.length === 1);
  expect(recorded?.frames[0]).toEqual(Uint8Array.of(1, 2, 3));
}

test.each([
  ['no HTTP at all', '\u0000\u0001\u0002 garbage\r\n\r\n'],
  ['an upgrade without key', upgrade.replace(/Sec-WebSocket-Key.*\r\n/, '')],
  ['an upgrade to something else', upgrade.replace('websocket', 'h2c')],
  ['an unknown version of the protocol', upgrade.replace('13', '99')],
])('[E1] [L6] %s ends that socket alone', async (_what, greeting) => {
  const { host, port, url } = await started();
  await ended(await raw(port, greeting));
  expect(host.connections.length).toBe(0);
  await expectAlive(host, url);
});

test.each([
  ['nothing', ''],
  ['half a request', upgrade.slice(0, 40)],
])('[E1] [L7] a peer that sends %s and then waits loses its socket', async (_what, greeting) => {
  const { host, port, url } = await started({ handshakeMsMax: 100 });
  await ended(await raw(port, greeting));
  await expectAlive(host, url);
});

test.each([
  ['a frame without mask', [0x82, 0x01, 0x00], 'frame-invalid'],
  ['an unknown opcode', [0x83, 0x80, 0, 0, 0, 0], 'frame-invalid'],
  ['reserved bits', [0xf2, 0x80, 0, 0, 0, 0], 'frame-invalid'],
  ['text', [0x81, 0x81, 0, 0, 0, 0, 0x61], 'frame-invalid'],
  ['text that is not UTF-8', [0x81, 0x81, 0, 0, 0, 0, 0xff], 'frame-invalid'],
  ['a length of 2^40', [0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], 'frame-too-large'],
  ['a length over the bound', [0x82, 0xff, 0, 0, 0, 0, 0, 0x08, 0, 0x01, 0, 0, 0, 0], 'frame-too-large'],
  ['a close code that is none', [0x88, 0x82, 0, 0, 0, 0, 0x00, 0x01], 'frame-invalid'],
] as const)('[E1] [L6] [N3] %s ends that connection with its code, and no other', async (_what, bytes, code) => {
  const { host, port, url } = await started();
  const { opened } = dial(url);
  await opened;
  const socket = await raw(port, upgrade);
  await host.until(() => host.connections.length === 2);
  // The server's answer is its close frame; hanging up on it spares the wait for the bound.
  socket.once('data', () => socket.end());
  socket.write(Uint8Array.from(bytes));
  await host.until(() => host.connections[1]?.closed.length === 1);
  expect(host.connections[1]?.closed[0]?.code).toBe(code);
  expect(host.connections[0]?.closed).toEqual([]);
  await expectAlive(host, url);
});

test('[E1] [L6] a reset in the middle of a frame ends that connection alone', async () => {
  const { host, port, url } = await started();
  const socket = await raw(port, upgrade);
  await host.first();
  socket.write(Uint8Array.of(0x82, 0xfe, 0x10, 0x00, 0, 0, 0, 0, 1, 2, 3));
  socket.resetAndDestroy();
  expect((await host.ended()).code).toBe('connection-lost');
  await expectAlive(host, url);
});

test('[N5] a client learns why it was cut off', async () => {
  const { host, url } = await started();
  const { socket, opened, ended } = dial(url);
  await opened;
  socket.send('text');
  expect((await ended).code).toBe(closeCodes['frame-invalid'].closeCode);
  expect((await host.ended()).code).toBe('frame-invalid');
});

test('[E2] [L7] over connectionsMax peers are refused, and taken again once one has left', async () => {
  const { host, url } = await started({ connectionsMax: 2 });
  const first = [dial(url), dial(url)] as const;
  await Promise.all(first.map(({ opened }) => opened));
  const refused = [dial(url), dial(url)];
  for (const { ended } of refused) expect((await ended).error).not.toBe('');
  expect(host.connections.length).toBe(2);
  first[0].socket.close();
  await host.until(() => host.connections.some(({ closed }) => closed.length > 0));
  await expectAlive(host, url);
});

test('[E2] [L7] a flood is refused with 503 where it reaches HTTP, and costs no connection', async () => {
  const server = createServer();
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  const { host, url } = await started({ server, connectionsMax: 1 });
  await dial(url).opened;
  const flood = Array.from({ length: 50 }, () => dial(url));
  const errors = await Promise.all(flood.map(async ({ ended }) => (await ended).error));
  expect(new Set(errors)).toEqual(new Set(['Unexpected server response: 503']));
  expect(host.connections.length).toBe(1);
});

test('one address leaves some of the connections to others, and the operator is told of what is refused [E2]', async () => {
  const notices: PeerNotice[] = [];
  const { url, host } = await started({
    ...{ connectionsMax: 16, trustProxy: true },
    onNotice: (notice) => notices.push(notice),
  });
  const dialFrom = (address: string) => dial(url, { headers: { 'x-forwarded-for': address } });
  for (let i = 0; i < 14; i++) await dialFrom('203.0.113.1').opened;
  expect((await dialFrom('203.0.113.1').ended).error).toBe('Unexpected server response: 503');
  await dialFrom('203.0.113.2').opened;
  await dialFrom('203.0.113.3').opened;
  expect(host.connections).toHaveLength(16);
  expect((await dialFrom('203.0.113.4').ended).error).toBe('Unexpected server response: 503');
  expect(notices.map(({ type, code, peer }) => [type, code, peer.replace(/:\d+$/, '')])).toEqual([
    ['refused', 'limit-exceeded', '203.0.113.1'],
    ['refused', 'limit-exceeded', '203.0.113.4'],
  ]);
});

test('an onNotice that throws is reported, and the peer is refused all the same [E1]', async () => {
  const errors: Error[] = [];
  const { host, url } = await started({
    allowOrigin: (origin) => origin === undefined,
    onNotice: () => {
      throw new Error('the log is full');
    },
    onError: (error) => errors.push(error),
  });
  expect((await dial(url, { origin: 'https://evil.test' }).ended).error).toBe('Unexpected server response: 403');
  expect(errors.map(({ message }) => message)).toEqual(['the log is full']);
  await expectAlive(host, url);
});

test('[E2] origins are refused with 403, also when the hook chokes on them', async () => {
  const seen: (string | undefined)[] = [];
  const { host, url } = await started({
    allowOrigin(origin) {
      seen.push(origin);
      return origin === undefined || new URL(origin).hostname === 'app.test';
    },
  });
  expect((await dial(url, { origin: 'https://evil.test' }).ended).error).toBe('Unexpected server response: 403');
  expect((await dial(url, { origin: 'null' }).ended).error).toBe('Unexpected server response: 403');
  expect(host.connections.length).toBe(0);
  await dial(url, { origin: 'https://app.test' }).opened;
  await dial(url).opened;
  expect(seen).toEqual(['https://evil.test', 'null', 'https://app.test', undefined]);
});

test('[E2] a plain HTTP request is answered, not kept', async () => {
  const { port } = await started();
  const request = get({ port, host: '127.0.0.1' });
  const [response] = await once(request, 'response');
  response.resume();
  expect(response.statusCode).toBe(426);
});

test('[E3] on a shared server it takes its path alone and never closes the server', async () => {
  const server = createServer((_request, response) => response.end('page'));
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  const { host, url, port, stop } = await started({ server, path: '/sync' });
  // Comes second, so it can only answer what the source left alone.
  server.on('upgrade', (request, socket) => {
    if (request.url === '/hot-reload') socket.end('HTTP/1.1 418 other\r\nContent-Length: 0\r\n\r\n');
  });
  await dial(`${url}/sync?token=1`).opened;
  expect((await dial(`${url}/hot-reload`).ended).error).toBe('Unexpected server response: 418');
  expect(host.connections.length).toBe(1);

  await stop();
  expect(host.connections[0]?.closed.length).toBe(1);
  expect(server.listening).toBe(true);
  expect(server.listenerCount('upgrade')).toBe(1);
  const [response] = await once(get({ port, host: '127.0.0.1' }), 'response');
  response.resume();
  expect(response.statusCode).toBe(200);
});

test('[E3] a shared server that listens already gives its address, and its status says open', async () => {
  const server = createServer();
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { host, port } = await started({ server });
  expect(port).toBe((server.address() as AddressInfo).port);
  expect(host.statuses).toEqual([{ state: 'open' }]);
});

test('[E4] stop says node-closed to peers and frees the port', async () => {
  const { host, url, stop } = await started();
  const { opened, ended } = dial(url);
  await opened;
  await stop();
  expect((await ended).code).toBe(closeCodes['node-closed'].closeCode);
  expect(host.connections[0]?.closed.map(({ code }) => code)).toEqual(['node-closed']);
  expect(host.statuses.map(({ state }) => state)).toEqual(['open', 'stopped']);
  expect((await dial(url).ended).error).toContain('ECONNREFUSED');
});

test('[E4] a peer that does not answer the goodbye is dropped after the bound', async () => {
  const environment = new FakeEnvironment();
  const { host, port, stop } = await started({ environment });
  const socket = await raw(port, upgrade);
  await host.first();
  const stopped = stop();
  await once(socket, 'data');
  expect(environment.pending).toEqual([limits.closeMsMax]);
  environment.advance(limits.closeMsMax);
  await stopped;
  await ended(socket);
  expect(host.connections[0]?.closed.length).toBe(1);
});

test('[E4] stop before it listens is clean', async () => {
  const host = new RecordingHost();
  const source = webSocketServer({ port: 0, host: '127.0.0.1' });
  await source.start(host)();
  await expect(source.address()).rejects.toMatchObject({ code: 'connection-lost' });
  expect(host.lastStatus?.state).toBe('stopped');
});

test('[E1] a port that is taken is told, by the address and by the status', async () => {
  const { port } = await started();
  const host = new RecordingHost();
  const source = webSocketServer({ port, host: '127.0.0.1' });
  const stop = source.start(host);
  await expect(source.address()).rejects.toMatchObject({ code: 'connection-lost', cause: { code: 'EADDRINUSE' } });
  expect(host.lastStatus).toMatchObject({ state: 'stopped', reason: { code: 'connection-lost' } });
  await stop();
});

test('[N4] the peer is named by address and port', async () => {
  const { host, url } = await started();
  const { opened } = dial(`${url}/?token=secret`);
  await opened;
  expect((await host.first()).connection.peer).toMatch(/^127\.0\.0\.1:\d+$/);
});

test('exactly one of port and server is asked for', () => {
  expect(() => webSocketServer({})).toThrow(TypeError);
  expect(() => webSocketServer({ port: 0, server: createServer() })).toThrow(TypeError);
});

test('an allowOrigin that gives a promise allows nothing [E2]', async () => {
  const { url } = await started({ allowOrigin: (async () => false) as never });
  const { ended } = dial(url, { origin: 'https://evil.example' });
  expect((await ended).error).toContain('403');
});

test.each([
  ['without a proxy its own address counts', false, '203.0.113.9', /^127\.0\.0\.1:\d+$/],
  ['behind one the address that it added', true, '198.51.100.1, 203.0.113.9', /^203\.0\.113\.9:\d+$/],
  ['of IPv6, too', true, '2001:db8::7', /^\[2001:db8::7\]:\d+$/],
  ['what is no address counts for nothing', true, 'admin\tx', /^127\.0\.0\.1:\d+$/],
])('a peer is named by its address: %s', async (_, trustProxy, header, named) => {
  const { host, url } = await started({ trustProxy });
  await dial(url, { headers: { 'x-forwarded-for': header } }).opened;
  expect((await host.first()).connection.peer).toMatch(named);
});

test('a peer whose connection is paused has to wait, and all that it sent comes in order later [N8]', async () => {
  const { host, url } = await started();
  const { socket, opened } = dial(url);
  await opened;
  const { connection, frames } = await host.first();
  connection.pause?.();
  // More than the kernel's buffers at both ends hold.
  const sent = 400;
  for (let i = 0; i < sent; i++) socket.send(new Uint8Array(64 * 1024).fill(i));
  // Another connection is served meanwhile.
  await expectAlive(host, url);
  expect(frames.length).toBeLessThan(sent);
  expect(socket.bufferedAmount).toBeGreaterThan(0);
  connection.resume?.();
  await host.until(() => frames.length === sent);
  expect(frames.map(([first]) => first)).toEqual(Array.from({ length: sent }, (_, i) => i & 255));
});

test('a peer that is paused by one of its small frames sends a few more, and not all that was read with it [N8]', async () => {
  const { host, url } = await started();
  const { socket, opened } = dial(url);
  await opened;
  const { connection, frames } = await host.first();
  const sent = 20_000;
  for (let i = 0; i < sent; i++) socket.send(Uint8Array.of(1, 2, 3));
  await host.until(() => frames.length > 0);
  connection.pause?.();
  const atPause = frames.length;
  await expectAlive(host, url);
  expect(frames.length - atPause).toBeLessThan(2_000);
  connection.resume?.();
  await host.until(() => frames.length === sent);
});

test('a connection that is closed while it is paused ends [N2] [N8]', async () => {
  const { host, url } = await started();
  const { opened, ended } = dial(url);
  await opened;
  const { connection } = await host.first();
  connection.pause?.();
  connection.close({ code: 'normal', message: '' });
  expect((await ended).code).toBe(closeCodes.normal.closeCode);
  await host.ended();
});

test('a message in too many fragments ends its connection, and others go on [E1] [L7]', async () => {
  const { host, port, url } = await started();
  const socket = await raw(port, upgrade);
  const fragment = (opcode: number) => Uint8Array.of(opcode, 0x81, 0, 0, 0, 0, 7);
  socket.write(fragment(0x02));
  for (let i = 0; i < limits.fragmentsMax; i++) socket.write(fragment(0x00));
  await ended(socket);
  expect((await host.first()).frames).toEqual([]);
  await expectAlive(host, url);
});
