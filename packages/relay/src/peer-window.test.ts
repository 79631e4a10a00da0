/** A node that was never there opens a room of twenty thousand messages at a relay, over real sockets. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { webSocketClient } from '@gossip-log/transport';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { client, hasEvents, openLog } from '../test/client.js';
import { createRelay } from './relay.js';

const room = 'long ago';
const count = 20_000;
const textOf = (i: number) => `message ${i}, with some more words to it`;

test(`[M1] [S21] of ${count} messages at a relay a fresh node is sent the newest 200, then as many older ones as it asks for`, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'gossip-log-relay.'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const start = () => createRelay({ port: 0, host: '127.0.0.1', dataDir });
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

  let received = 0;
  class CountingWebSocket extends WebSocket {
    constructor(...args: ConstructorParameters<typeof WebSocket>) {
      super(...args);
      this.on('message', (data) => {
        received += (data as ArrayBuffer).byteLength;
      });
    }
  }
  const { node } = client(url(), { connections: [webSocketClient({ url: url(), WebSocket: CountingWebSocket })] });
  const log = node.open<string>(room, { window: { last: 200 } });
  await hasEvents(log, 200);
  expect(log.snapshot()).toHaveLength(200);
  expect(log.snapshot().at(-1)?.id).toBe(last.id);
  // 200 of 20,000 are one in a hundred.
  const whole = count * textOf(count).length;
  expect(received).toBeGreaterThan(0);
  expect(received).toBeLessThan(whole / 50);
  expect(log.hasOlder).toBe(true);

  received = 0;
  expect(await log.loadOlder(300)).toBe(300);
  expect(log.snapshot().map(({ payload }) => payload)).toEqual(
    Array.from({ length: 500 }, (_, i) => textOf(count - 500 + i)),
  );
  expect(received).toBeLessThan(whole / 50);
});
