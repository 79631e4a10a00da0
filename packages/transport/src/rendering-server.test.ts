/** A node at module level, where a server renders the page that the module belongs to. */

import { indexedDbStorage } from '@gossip-log/storage/indexeddb';
import { memoryStorage } from '@gossip-log/storage/memory';
import { expect, onTestFinished, test, vi } from 'vitest';
import { FakeWebSocket } from '../test/fake-web-socket.js';
import { createGossipNode } from './gossip-node.js';
import { webSocketClient } from './web-socket-client.js';

const url = 'ws://relay.test/sync';

/** The platform's own WebSocket class, as Node has it from 22 on; says how many sockets were made. */
function platformSockets(): { made: number } {
  const sockets = { made: 0 };
  vi.stubGlobal(
    'WebSocket',
    class extends FakeWebSocket {
      constructor(...args: ConstructorParameters<typeof FakeWebSocket>) {
        super(...args);
        sockets.made++;
      }
    },
  );
  onTestFinished(() => void vi.unstubAllGlobals());
  return sockets;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test.each([
  ['a store and a socket of pages', () => indexedDbStorage({ name: 'app' }), true],
  ['a store of pages', () => indexedDbStorage({ name: 'app', fallback: () => memoryStorage() }), false],
  ['a socket of pages', () => memoryStorage(), true],
])('a node with %s opens and dials nothing on a server, and says so', async (_, storageOf, dials) => {
  const sockets = platformSockets();
  const storage = storageOf();
  const called: string[] = [];
  for (const name of ['load', 'settleRun', 'getMetadata'] as const) {
    const method = storage[name] as () => Promise<never>;
    const counted = (...given: []) => {
      called.push(name);
      return method(...given);
    };
    Object.assign(storage, { [name]: counted });
  }
  const errors: unknown[] = [];
  const node = createGossipNode({
    storage,
    connections: dials ? [webSocketClient({ url })] : [],
    onError: (error) => errors.push(error),
  });
  const log = node.open('room');
  node.reconnect();
  await turn();
  expect([sockets.made, called]).toEqual([0, []]);
  expect(log.status).toBe('opening');
  expect(log.snapshot()).toHaveLength(0);
  expect(node.connection().status).toBe('offline');
  expect(errors).toEqual([expect.objectContaining({ code: 'no-window' })]);
  await expect(node.logs()).rejects.toMatchObject({ code: 'no-window' });
  await node.close();
  expect(called).toEqual([]);
});

test('without `onError` it says so on the console, and its reason is in the connection', async () => {
  platformSockets();
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  onTestFinished(() => warn.mockRestore());
  const node = createGossipNode({ storage: memoryStorage(), connections: [webSocketClient({ url })] });
  expect(warn.mock.calls).toEqual([[expect.stringContaining('there is no window here')]]);
  expect(node.connection().reason).toContain('there is no window here');
  await node.close();
});

test('an address that counts from the page is taken where there is no page, and a wrong one is refused', () => {
  platformSockets();
  expect(() => webSocketClient({ url: '/sync' })).not.toThrow();
  expect(() => webSocketClient({ url: 'ftp://relay.test/' })).toThrow('got ftp:');
  expect(() => webSocketClient({ url: 5 as never })).toThrow('got number');
  const given = { url: '/sync', WebSocket: globalThis.WebSocket as never };
  expect(() => webSocketClient(given)).toThrow('a relative one counts from a page');
});

test('a client without any WebSocket class throws where it would dial, and not where pages are rendered', () => {
  vi.stubGlobal('WebSocket', undefined);
  onTestFinished(() => void vi.unstubAllGlobals());
  expect(() => webSocketClient({ url })).not.toThrow();
  vi.stubGlobal('window', globalThis);
  expect(() => webSocketClient({ url })).toThrow(TypeError);
});

test.each([
  ['a Node program that gives a WebSocket class', {}, true],
  ['a page', { window: globalThis }, false],
  ['a worker', { importScripts: () => undefined }, false],
  ['a runtime that is not Node, such as React Native', { process: undefined }, false],
])('%s dials', async (_, globals, givesClass) => {
  const sockets = platformSockets();
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
  const given = givesClass ? { WebSocket: globalThis.WebSocket as never } : {};
  const node = createGossipNode({ storage: memoryStorage(), connections: [webSocketClient({ url, ...given })] });
  const log = node.open('room');
  await log.ready;
  await vi.waitUntil(() => sockets.made === 1);
  vi.unstubAllGlobals();
  await node.close();
});
