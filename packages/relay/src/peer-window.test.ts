/** A node that was never there, or was away for long, opens a room of twenty thousand messages at a relay, over real sockets. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryDisk, memoryStorage } from '@gossip-log/storage/memory';
import { webSocketClient } from '@gossip-log/transport';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { client, hasEvents, openLog } from '../test/client.js';
import { createRelay } from './relay.js';

const room = 'long ago';
const count = 20_000;
const textOf = (i: number) => `message ${i}, with some more words to it`;

class CountingWebSocket extends WebSocket {
  static received = 0;
  constructor(...args: ConstructorParameters<typeof WebSocket>) {
    super(...args);
    this.on('message', (data) => {
      CountingWebSocket.received += (data as ArrayBuffer).byteLength;
    });
  }
}

/** A relay's folder, and its first life. */
async function started() {
  const dataDir = await mkdtemp(join(tmpdir(), 'gossip-log-relay.'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  return () => createRelay({ port: 0, host: '127.0.0.1', dataDir });
}

test(`[M1] [S21] of ${count} messages at a relay a fresh node is sent the newest 200, then as many older ones as it asks for`, async () => {
  const start = await started();
  let relay = await start();
  const url = () => relay.address?.url as string;

  const writer = client(url());
  const written = await openLog(writer, room);
  let last = written.append(textOf(0));
  for (let i = 1; i < count; i++) last = written.append(textOf(i));
  await written.delivered(last, 'relayed');
  await writer.node.close();
  // From here on the relay reads from its disk, and has nothing in memory.
  await relay.close();
  relay = await start();
  onTestFinished(() => relay.close());

  CountingWebSocket.received = 0;
  const { node } = client(url(), { connections: [webSocketClient({ url: url(), WebSocket: CountingWebSocket })] });
  const log = node.open<string>(room, { window: { last: 200 } });
  await hasEvents(log, 200);
  expect(log.snapshot()).toHaveLength(200);
  expect(log.snapshot().at(-1)?.id).toBe(last.id);
  // 200 of 20,000 are one in a hundred.
  const whole = count * textOf(count).length;
  expect(CountingWebSocket.received).toBeGreaterThan(0);
  expect(CountingWebSocket.received).toBeLessThan(whole / 50);
  expect(log.hasOlder).toBe(true);

  CountingWebSocket.received = 0;
  expect(await log.loadOlder(300)).toBe(300);
  expect(log.snapshot().map(({ payload }) => payload)).toEqual(
    Array.from({ length: 500 }, (_, i) => textOf(count - 500 + i)),
  );
  expect(CountingWebSocket.received).toBeLessThan(whole / 50);
});

test(`[M5] [S22] of ${count} messages that it missed a node fetches the newest 200, sends its own, and fills the gap step by step`, async () => {
  const start = await started();
  let relay = await start();
  const url = () => relay.address?.url as string;
  const disk = new MemoryDisk();
  const away = client(url(), { storage: memoryStorage({ disk }) });
  const early = await openLog(away, room);
  await early.delivered(early.append('long ago'), 'relayed');
  await away.node.close();

  const writer = client(url());
  const written = await openLog(writer, room);
  let last = written.append(textOf(0));
  for (let i = 1; i < count; i++) last = written.append(textOf(i));
  await written.delivered(last, 'relayed');
  await writer.node.close();
  await relay.close();
  const alone = client('ws://127.0.0.1:1', { storage: memoryStorage({ disk }), connections: [] });
  const offline = await openLog(alone, room);
  await offline.delivered(offline.append('on a train'));
  await alone.node.close();
  relay = await start();
  onTestFinished(() => relay.close());

  CountingWebSocket.received = 0;
  const { node } = client(url(), {
    storage: memoryStorage({ disk }),
    connections: [webSocketClient({ url: url(), WebSocket: CountingWebSocket })],
    catchUpEventsMax: 200,
  });
  const log = node.open<string>(room);
  await hasEvents(log, 202);
  const newest = (from: number) => Array.from({ length: count - from }, (_, i) => textOf(from + i));
  const shown = () => log.snapshot().map(({ payload }) => payload);
  expect(shown()).toEqual(['long ago', ...newest(count - 200), 'on a train']);
  expect(log.hasGap).toBe(true);
  const mine = log.snapshot().at(-1);
  if (mine !== undefined) await log.delivered(mine, 'relayed');
  // 200 of 20,000 are one in a hundred.
  const whole = count * textOf(count).length;
  expect(CountingWebSocket.received).toBeGreaterThan(0);
  expect(CountingWebSocket.received).toBeLessThan(whole / 50);

  CountingWebSocket.received = 0;
  const came = await log.loadOlder(300);
  expect(came).toBeGreaterThanOrEqual(299);
  expect(came).toBeLessThanOrEqual(300);
  expect(shown()).toEqual(['long ago', ...newest(count - 200 - came), 'on a train']);
  expect(CountingWebSocket.received).toBeLessThan(whole / 50);
  while (log.hasGap) await log.loadOlder(count);
  expect(shown()).toEqual(['long ago', ...newest(0), 'on a train']);
});
