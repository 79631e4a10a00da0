import { memoryStorage } from '@gossip-log/storage/memory';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { createGossipNode, memoryPair, openWebSocketConnection, systemEnvironment, webSocketClient } from './index.js';
import { RecordingHost } from './recording-host.js';
import { webSocketServer } from './web-socket-server.js';

const storage = memoryStorage();
const url = 'ws://localhost:1/sync';
const client = (options: object) => () => webSocketClient({ url, WebSocket, ...options } as never);
const node = (options: object) => () => createGossipNode({ storage, ...options } as never);

async function opened() {
  const of = createGossipNode({ storage: memoryStorage() });
  onTestFinished(() => of.close());
  const log = of.open<string>('tea');
  return { node: of, log };
}

test.each([
  ['createGossipNode', node({ connection: [] }), 'connections'],
  ['createGossipNode', node({ onerror: () => undefined }), 'onError'],
  ['retention', node({ retention: { ageMs: 5 } }), 'ageMsMax'],
  ['webSocketClient', client({ uri: url }), 'url'],
  ['webSocketClient', client({ websocket: WebSocket }), 'WebSocket'],
  ['memoryPair', () => memoryPair({ delivers: queueMicrotask } as never), 'deliver'],
  ['webSocketServer', () => webSocketServer({ port: 0, hosts: '::1' } as never), 'host'],
  [
    'openWebSocketConnection',
    () =>
      openWebSocketConnection({} as never, new RecordingHost(), {
        ...{ peer: 'a', environment: systemEnvironment, ended: () => undefined },
        ...({ frameBytes: 5 } as object),
      }),
    'frameBytesMax',
  ],
])('%s refuses a misspelt option and says what was meant: %#', (what, call, meant) => {
  expect(call).toThrow(TypeError);
  expect(call).toThrow(what);
  expect(call).toThrow(`did you mean "${meant}"?`);
});

test.each([
  ['webSocketClient({})', () => webSocketClient({ WebSocket } as never), 'url: expected'],
  ['no options', () => webSocketClient(undefined as never), 'webSocketClient: expected an object of options'],
  ['a url that is none', client({ url: 5 }), 'url: expected'],
  ['a url of another protocol', client({ url: new URL('ftp://a/') }), 'got ftp:'],
  ['a WebSocket that is none', client({ WebSocket: 'ws' }), 'WebSocket: expected a class'],
  ['protocols that are none', client({ protocols: 'chat' }), 'protocols: expected'],
  ['a bound that is none', client({ frameBytesMax: '5' }), 'frameBytesMax: expected'],
  ['a pair for one of its sides', node({ connections: [memoryPair()] }), 'connections[0]: expected'],
  ['connections that are one', node({ connections: memoryPair().left }), 'connections: expected'],
  ['a token that is none', node({ token: 5 }), 'token: expected'],
  ['an onError that is none', node({ onError: 'console' }), 'onError: expected a function'],
  ['an authorize that is none', node({ authorize: true }), 'authorize: expected a function'],
  ['an environment that is none', node({ environment: {} }), 'environment: expected'],
  ['a name that is none', node({ name: '' }), 'name: expected'],
  ['hot bytes that are none', node({ hotBytesMax: '1' }), 'hotBytesMax: expected'],
  ['a flag that is none', node({ durable: 'yes' }), 'durable: expected true or false'],
  ['storage that was not made', () => createGossipNode({ storage: memoryStorage } as never), 'storage'],
  ['a port that is none', () => webSocketServer({ port: '4400' as never }), 'port: expected'],
  ['a path that is none', () => webSocketServer({ port: 0, path: 'sync' }), 'path: expected'],
  ['a path with a query', () => webSocketServer({ port: 0, path: '/sync?room=a' }), 'path: expected'],
  ['a port beyond the last', () => webSocketServer({ port: 70_000 }), 'port: expected'],
  ['a part of a port', () => webSocketServer({ port: 0.5 }), 'port: expected'],
  ['a server that is none', () => webSocketServer({ server: {} as never }), 'server: expected'],
  ['an allowOrigin that is none', () => webSocketServer({ port: 0, allowOrigin: 'a' as never }), 'allowOrigin'],
])('%s: refused at once, with the name of the argument', (_, call, message) => {
  expect(call).toThrow(message);
  expect(call).toThrow(/TypeError|RangeError|expected|got/);
});

test('open, feed and subscribe refuse what they do not know', async () => {
  const { node, log } = await opened();
  const wrong: readonly [() => unknown, string][] = [
    [
      () => node.open('tea', { windows: { last: 5 } } as never),
      'open: unknown option "windows"; did you mean "window"?',
    ],
    [() => node.open('tea', { window: { last: 5, since: 5 } } as never), 'window: expected'],
    [() => node.open('tea', { window: { lst: 5 } } as never), 'did you mean "last"?'],
    [() => node.open('tea', { window: { last: 5, newest: 5 } } as never), 'unknown option "newest"'],
    [() => node.open('tea', 'all' as never), 'open: expected an object of options'],
    [() => node.open(new URL('ws://a/b') as never), 'log id: expected text'],
    [() => node.open('tea', { codec: 5 as never }), 'codec'],
    [() => node.feed('tea', { form: 5 } as never), 'feed: unknown option "form"; did you mean "from"?'],
    [() => node.feed('tea', { writers: 'ada' } as never), 'writers: expected an array'],
    [() => node.feed('tea', {}, { before: {} } as never), 'feed: unknown option "before"'],
    [() => node.subscribe(undefined as never), 'subscribe: expected a function'],
    [() => log.subscribe({} as never), 'subscribe: expected a function'],
  ];
  for (const [call, message] of wrong) expect(call).toThrow(message);
  expect(() => node.checkpoints('tea').load(5 as never)).toThrow('checkpoint name: expected text');
});

test('a URL object is as good as an address, also from a function; a fragment is left out', async () => {
  const dialled: string[] = [];
  class Socket {
    constructor(address: string) {
      dialled.push(address);
    }
    close() {}
  }
  const urls = [
    new URL('http://a.example/sync#here'),
    () => new URL('wss://b.example/'),
    async () => new URL('ws://c.example/'),
  ];
  for (const url of urls) {
    const host = new RecordingHost();
    const stop = webSocketClient({ url, WebSocket: Socket as never }).start(host);
    await new Promise((resolve) => setImmediate(resolve));
    await stop();
  }
  expect(dialled).toEqual(['ws://a.example/sync', 'wss://b.example/', 'ws://c.example/']);
});

test('what is asked of an event is settled: a wrong level, an id that is none, an event that is not here', async () => {
  const { node, log } = await opened();
  const other = node.open<string>('coffee');
  await Promise.all([log.ready, other.ready]);
  const event = log.append('Tea?');
  const unknown = `${'A'.repeat(22)}.7` as never;
  await expect(log.delivered(event, 'relaid' as never)).rejects.toThrow(
    new TypeError('delivered: expected "stored" or "relayed", got "relaid"'),
  );
  for (const none of [undefined, null, 5, 'x', {}, { id: 5 }, [event]]) {
    await expect(log.delivered(none as never)).rejects.toThrow(TypeError);
    expect(() => log.delivery(none as never)).toThrow(TypeError);
  }
  await expect(log.delivered(unknown)).rejects.toMatchObject({ code: 'unknown-event' });
  await expect(log.delivered(unknown, 'relayed')).rejects.toMatchObject({ code: 'unknown-event' });
  await expect(other.delivered(event)).rejects.toMatchObject({ code: 'unknown-event' });
  expect(log.delivery(unknown)).toEqual({ state: 'pending' });
  await log.delivered(event.id);
});

test('an event is awaited while its log is opening, and refused once that shows that it is not here', async () => {
  const { log } = await opened();
  const unknown = `${'A'.repeat(22)}.7` as never;
  expect(log.status).toBe('opening');
  await expect(log.delivered(unknown)).rejects.toMatchObject({ code: 'unknown-event' });
});
