/** The client's rules, on sockets and time moved by hand. */
import { type CloseReason, limits } from '@gossip-log/core';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket as WsWebSocket } from 'ws';
import { FakeEnvironment } from '../test/fake-environment.js';
import { FakeWebSocket } from '../test/fake-web-socket.js';
import { closeCodes, type Pace, standardCloseCodes } from './close-codes.js';
import { RecordingHost } from './recording-host.js';
import { type WebSocketClientOptions, webSocketClient } from './web-socket-client.js';

const { connectMsMax, closeMsMax, reconnectMsMin, reconnectMsMax, stableMsMin } = limits;

/** Lets what waits in microtasks happen. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A started client. Half of each ceiling is drawn, so the first pause is half of the shortest. */
function started(options: Partial<WebSocketClientOptions> = {}) {
  const sockets: FakeWebSocket[] = [];
  const environment = new FakeEnvironment();
  const network = new EventTarget();
  const host = new RecordingHost();
  class Socket extends FakeWebSocket {
    constructor(...args: ConstructorParameters<typeof FakeWebSocket>) {
      super(...args);
      sockets.push(this);
    }
  }
  const source = webSocketClient({
    url: 'ws://relay.test/sync?token=secret',
    WebSocket: Socket,
    network,
    environment,
    ...options,
  });
  const stop = source.start(host);
  const last = () => sockets.at(-1) as FakeWebSocket;
  return { source, sockets, environment, network, host, stop, last };
}

async function opened(options: Partial<WebSocketClientOptions> = {}) {
  const client = started(options);
  await settle();
  client.last().fire('open');
  return client;
}

const paces: [number, CloseReason['code'], Pace][] = [[4999, 'connection-lost', 'soon']];
for (const [closeCode, { code }] of standardCloseCodes) paces.push([closeCode, code, closeCodes[code].pace]);
for (const code of Object.keys(closeCodes) as CloseReason['code'][]) {
  paces.push([closeCodes[code].closeCode, code, closeCodes[code].pace]);
}

test.each(paces)('[W2] close code %i is %s, and the client comes back: %s', async (closeCode, code, pace) => {
  const { host, environment, sockets, last } = await opened();
  last().fire('close', { code: closeCode, reason: 'told' });
  expect(host.connections[0]?.closed).toEqual([{ code, message: 'told' }]);
  const reason = { code, message: 'told' };
  if (pace === 'never') {
    expect(host.lastStatus).toEqual({ state: 'stopped', reason });
    environment.advance(100 * reconnectMsMax);
    expect(sockets.length).toBe(1);
    return;
  }
  const pauseMs = pace === 'soon' ? reconnectMsMin / 2 : (reconnectMsMax * 3) / 4;
  expect(host.lastStatus).toEqual({ state: 'waiting', retryAt: environment.now() + pauseMs, reason });
  environment.advance(pauseMs - 1);
  expect(host.lastStatus?.state).toBe('waiting');
  environment.advance(1);
  await settle();
  expect(sockets.length).toBe(2);
  expect(host.lastStatus?.state).toBe('connecting');
});

test('[W2] pauses double while tries fail, and start again after a connection that lasted', async () => {
  const { environment, last } = started();
  const seen: number[] = [];
  const failAndWait = async (fail: () => void) => {
    await settle();
    fail();
    seen.push(...environment.pending);
    environment.advanceToNext();
  };
  const dropAfter = (ms: number) => () => {
    last().fire('open');
    environment.advance(ms);
    last().fire('close', { code: 1006, reason: '' });
  };
  for (let i = 0; i < 8; i++) await failAndWait(() => last().fire('error'));
  await failAndWait(dropAfter(stableMsMin - 1));
  await failAndWait(dropAfter(stableMsMin));
  await failAndWait(() => last().fire('error'));
  expect(seen).toEqual([250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000, 250, 500]);
});

test('[W4] a try without an answer is given up, its socket closed, and the next one made', async () => {
  const { host, environment, sockets } = started();
  await settle();
  environment.advance(connectMsMax);
  expect(sockets[0]?.closes).toEqual([[undefined, undefined]]);
  expect(host.lastStatus).toMatchObject({ state: 'waiting', reason: { code: 'connection-lost' } });
  // Late news of the socket given up change nothing.
  const before = host.statuses.length;
  sockets[0]?.fire('open');
  sockets[0]?.fire('error');
  sockets[0]?.fire('close', { code: 1006, reason: '' });
  expect([host.statuses.length, host.connections.length]).toEqual([before, 0]);
  environment.advanceToNext();
  await settle();
  expect(sockets.length).toBe(2);
});

test('[W4] an address that never comes is given up too, and is not dialled when it comes late', async () => {
  let tell = (_url: string) => {};
  const { host, environment, sockets } = started({ url: () => new Promise((resolve) => (tell = resolve)) });
  await settle();
  environment.advance(connectMsMax);
  expect(host.lastStatus?.state).toBe('waiting');
  tell('ws://late.test');
  await settle();
  expect(sockets.length).toBe(0);
});

test('[W2] the address is asked for anew for every try, and its failure is a failed try', async () => {
  const answers = [
    () => 'ws://one.test/',
    () => Promise.reject(new Error('no token')),
    () => 'gopher://x',
    () => 'wss://two.test/',
  ];
  let asked = 0;
  const { host, environment, sockets, last } = started({ url: () => (answers[asked++] as () => string)() });
  await settle();
  last().fire('error');
  for (let i = 0; i < 3; i++) {
    environment.advanceToNext();
    await settle();
  }
  const reasons = host.statuses.flatMap((status) => (status.state === 'waiting' ? [status.reason.message] : []));
  expect(reasons).toEqual([
    'no connection to ws://one.test',
    'no token',
    'url: expected a ws: or wss: address, got gopher:',
  ]);
  expect(sockets.map(({ url }) => url)).toEqual(['ws://one.test/', 'wss://two.test/']);
});

test('[W1] the next socket is made when the last has ended, however often the network comes back', async () => {
  const { host, environment, network, sockets, last } = await opened();
  const online = () => network.dispatchEvent(new Event('online'));
  online();
  host.connections[0]?.connection.close({ code: 'request-timeout', message: '' });
  online();
  await settle();
  expect(sockets.length).toBe(1);
  // The peer does not answer the goodbye; the socket is given up after a bound.
  environment.advance(closeMsMax);
  expect(host.connections[0]?.closed.length).toBe(1);
  online();
  online();
  await settle();
  expect(sockets.length).toBe(2);
  last().fire('open');
  expect(host.connections.length).toBe(2);
});

test('[W3] `online` dials at once and starts the pauses from the beginning', async () => {
  const { host, environment, network, sockets, last } = started();
  for (let i = 0; i < 6; i++) {
    await settle();
    last().fire('error');
    environment.advanceToNext();
  }
  await settle();
  last().fire('error');
  const before = sockets.length;
  network.dispatchEvent(new Event('online'));
  await settle();
  expect(sockets.length).toBe(before + 1);
  expect(environment.pending).toEqual([connectMsMax]);
  last().fire('error');
  expect(environment.pending).toEqual([reconnectMsMin / 2]);
  expect(host.lastStatus?.state).toBe('waiting');
});

test('[W3] `online` dials again after a code that said never', async () => {
  const { host, network, sockets, last } = await opened();
  last().fire('close', { code: closeCodes.forbidden.closeCode, reason: '' });
  expect(host.lastStatus?.state).toBe('stopped');
  network.dispatchEvent(new Event('online'));
  await settle();
  expect(sockets.length).toBe(2);
  expect(host.lastStatus?.state).toBe('connecting');
});

test('[W3] while offline, pauses are long, and end', async () => {
  const { environment, network, sockets, last } = await opened();
  network.dispatchEvent(new Event('offline'));
  // An open connection is left alone: the network may be another one than the one that is gone.
  expect(last().closes).toEqual([]);
  last().fire('close', { code: 1006, reason: '' });
  expect(environment.pending).toEqual([(reconnectMsMax * 3) / 4]);
  environment.advanceToNext();
  await settle();
  expect(sockets.length).toBe(2);
});

test('[W2] a connection that the session takes for dead is dropped at once, and dialled again', async () => {
  const { host, environment, sockets } = await opened();
  host.connections[0]?.connection.close({ code: 'connection-lost', message: 'silent' });
  expect(host.connections[0]?.closed).toEqual([]);
  // Without a timer: a hidden page's would come up to a minute late.
  await settle();
  expect(host.connections[0]?.closed).toEqual([{ code: 'connection-lost', message: 'silent' }]);
  environment.advanceToNext();
  await settle();
  expect(sockets.length).toBe(2);
});

test.each([
  ['while the address is looked up', () => started({ url: () => new Promise<string>(() => {}) })],
  ['while connecting', () => started()],
  ['while open', () => opened()],
  [
    'while waiting',
    async () => {
      const client = await opened();
      client.last().fire('close', { code: 1006, reason: '' });
      return client;
    },
  ],
  [
    'after a code that said never',
    async () => {
      const client = await opened();
      client.last().fire('close', { code: closeCodes.forbidden.closeCode, reason: '' });
      return client;
    },
  ],
])('[W5] after `stop` %s nothing is made any more', async (_when, arrange) => {
  const { host, environment, network, sockets, stop } = await arrange();
  await settle();
  const made = sockets.length;
  const stopped = stop();
  // A peer that does not answer the goodbye is waited for no longer than the bound.
  environment.advance(closeMsMax);
  await stopped;
  expect(host.lastStatus).toMatchObject({ state: 'stopped', reason: { code: 'normal' } });
  const told = host.statuses.length;
  network.dispatchEvent(new Event('online'));
  environment.advance(100 * reconnectMsMax);
  await settle();
  expect([sockets.length, host.statuses.length]).toEqual([made, told]);
  expect(environment.pending).toEqual([]);
  for (const { closed } of host.connections) expect(closed.length).toBe(1);
});

test('[N2] an error without a close ends the connection all the same', async () => {
  const { host, last } = await opened();
  last().fire('error', { message: 'broken pipe' });
  await settle();
  expect(host.connections[0]?.closed).toEqual([{ code: 'connection-lost', message: 'broken pipe' }]);
  last().fire('close', { code: 1006, reason: '' });
  expect(host.connections[0]?.closed.length).toBe(1);
});

test('[N3] frames are asked for as ArrayBuffer, and the bound is given to sockets that can hold to it', async () => {
  const { last } = await opened({ frameBytesMax: 1234, protocols: ['one'] });
  expect(last().binaryType).toBe('arraybuffer');
  expect(last().options).toEqual({ maxPayload: 1234, perMessageDeflate: false });
  expect(last().protocols).toEqual(['one']);
});

test.each(['text', new Blob([])])(
  '[L6] a frame that is not binary ends the connection with frame-invalid',
  async (data) => {
    const { host, environment, last } = await opened();
    last().fire('message', { data });
    last().fire('message', { data: new ArrayBuffer(1) });
    expect(last().closes[0]?.[0]).toBe(closeCodes['frame-invalid'].closeCode);
    environment.advance(closeMsMax);
    expect(host.connections[0]?.closed.map(({ code }) => code)).toEqual(['frame-invalid']);
    expect(host.connections[0]?.frames).toEqual([]);
  },
);

test('[N4] the peer is named without path, query or password', async () => {
  const { host } = await opened({ url: 'wss://user:pass@relay.test:4400/secret?token=secret#secret' });
  expect(host.connections[0]?.connection.peer).toBe('wss://relay.test:4400');
});

test('an address of a web page is taken for the WebSocket beside it', async () => {
  for (const [url, peer] of [
    ['http://relay.test/sync', 'ws://relay.test'],
    ['https://relay.test/sync', 'wss://relay.test'],
  ] as const) {
    const { host, sockets } = await opened({ url });
    expect(sockets[0]?.url).toBe(`${peer}/sync`);
    expect(host.connections[0]?.connection.peer).toBe(peer);
  }
});

test('a wrong address is the caller’s mistake, said at once and without showing it', () => {
  for (const url of ['', 'relay', 'ftp://relay.test/secret', '/sync']) {
    expect(() => webSocketClient({ url, WebSocket: WsWebSocket })).toThrow(TypeError);
    expect(() => webSocketClient({ url, WebSocket: WsWebSocket })).not.toThrow(/secret/);
  }
});

test('the platform’s class and that of `ws` both fit', () => {
  const options = [{ url: 'ws://relay.test', WebSocket: WsWebSocket }] satisfies WebSocketClientOptions[];
  expect(options.map((one) => typeof webSocketClient(one).start)).toEqual(['function']);
  const native = globalThis.WebSocket;
  onTestFinished(() => {
    globalThis.WebSocket = native;
  });
  globalThis.WebSocket = undefined as never;
  expect(() => webSocketClient({ url: 'ws://relay.test' }).start(new RecordingHost())).toThrow("package 'ws'");
});

/** Counts how often the owner of the open connection was told that it is in doubt. */
async function doubting() {
  const client = await opened();
  const doubted = { times: 0 };
  client.host.doubted = () => doubted.times++;
  return { ...client, doubted };
}

test.each(['online', 'offline', 'visibilitychange', 'pageshow'])(
  '%s puts an open connection in doubt [W6]',
  async (type) => {
    const { network, doubted, sockets, stop, last } = await doubting();
    network.dispatchEvent(new Event(type));
    expect(doubted.times).toBe(1);
    expect(sockets.length).toBe(1);
    last().fire('close', { code: 1006, reason: '' });
    network.dispatchEvent(new Event(type));
    expect(doubted.times).toBe(1);
    await settle();
    last().fire('close', { code: 1006, reason: '' });
    await stop();
    network.dispatchEvent(new Event(type));
    expect(doubted.times).toBe(1);
  },
);

test('`reconnect` puts an open connection in doubt [W6]', async () => {
  const { source, doubted, sockets } = await doubting();
  source.reconnect?.();
  expect([doubted.times, sockets.length]).toEqual([1, 1]);
});

test('a page that becomes visible dials where it waits, and not where it was told to stay away [W6]', async () => {
  const { network, sockets, last, environment } = await opened();
  last().fire('close', { code: 1006, reason: '' });
  network.dispatchEvent(new Event('visibilitychange'));
  await settle();
  expect(sockets.length).toBe(2);
  // A try is under way: another one would only begin it again.
  network.dispatchEvent(new Event('visibilitychange'));
  await settle();
  expect(sockets.length).toBe(2);
  last().fire('open');
  last().fire('close', { code: closeCodes.forbidden.closeCode, reason: '' });
  network.dispatchEvent(new Event('visibilitychange'));
  await settle();
  expect(sockets.length).toBe(2);
  expect(environment.pending).toEqual([]);
});

test.each([
  ['forward, a short connection stays a short one', 3_600_000, stableMsMin - 1, reconnectMsMin],
  ['back, one that lasted has lasted', -3_600_000, stableMsMin, reconnectMsMin / 2],
])('the wall clock is set %s [W2]', async (_, setMs, lastedMs, pauseMs) => {
  const { environment, last } = started();
  await settle();
  last().fire('error');
  environment.advanceToNext();
  await settle();
  last().fire('open');
  environment.setWallClock(setMs);
  environment.advance(lastedMs);
  last().fire('close', { code: 1006, reason: '' });
  environment.setWallClock(setMs);
  expect(environment.pending).toEqual([pauseMs]);
});
