/** Client and server against each other, over real sockets and a way that a test can break. */
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { type TcpProxy, tcpProxy } from '../test/tcp-proxy.js';
import { connectionContract, contractBounds } from './contract.js';
import { RecordingHost } from './recording-host.js';
import { webSocketClient } from './web-socket-client.js';
import { webSocketServer } from './web-socket-server.js';

function joined() {
  const server = webSocketServer({ port: 0, host: '127.0.0.1', ...contractBounds });
  let proxy: TcpProxy | undefined;
  const client = webSocketClient({
    url: async () => {
      proxy ??= await tcpProxy((await server.address()).port);
      return `ws://127.0.0.1:${proxy.port}/`;
    },
    WebSocket,
    ...contractBounds,
  });
  return {
    server,
    client,
    cut: () => proxy?.cut(),
    stall: (from: 'clients' | 'server') => proxy?.stall(from),
    release: async () => proxy?.close(),
  };
}

connectionContract('WebSocket, client to server', () => {
  const { client, server, cut, stall, release } = joined();
  return { left: client, right: server, cut, stall: () => stall('clients'), release };
});

connectionContract('WebSocket, server to client', () => {
  const { client, server, cut, stall, release } = joined();
  return { left: server, right: client, cut, stall: () => stall('server'), release };
});

test('[W2] a client whose way was cut comes back by itself, and both ends carry frames again', async () => {
  const { client, server, cut, release } = joined();
  const left = new RecordingHost();
  const right = new RecordingHost();
  const stopServer = server.start(right);
  const stopClient = client.start(left);
  onTestFinished(async () => {
    await Promise.all([stopClient(), stopServer()]);
    await release();
  });
  await left.first();
  await right.first();
  cut();
  await left.until(() => left.connections.length === 2);
  await right.until(() => right.connections.length === 2);
  left.connections[1]?.connection.send(Uint8Array.of(1));
  await right.until(() => right.connections[1]?.frames.length === 1);
  expect(left.statuses.map(({ state }) => state)).toEqual(['connecting', 'open', 'waiting', 'connecting', 'open']);
});
