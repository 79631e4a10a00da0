/** What one peer may cost a relay, and who is told of it (R4, L6, L7). */
import { limits } from '@gossip-log/core';
import { memoryStorage } from '@gossip-log/storage/memory';
import type { PeerNotice } from '@gossip-log/transport';
import { expect, onTestFinished, test, vi } from 'vitest';
import { client, hasEvents, openLog, until } from '../test/client.js';
import { newWriter, RawPeer } from '../test/raw-peer.js';
import { createRelay, type RelayOptions } from './relay.js';

vi.mock('../../core/src/limits.js', async (original) => ({
  ...(await original<typeof import('../../core/src/limits.js')>()),
  ...{ openLogsMax: 20, openRetryMs: 1 },
}));

async function relayAt(options: Partial<RelayOptions> = {}) {
  const notices: PeerNotice[] = [];
  const relay = await createRelay({
    ...{ port: 0, storage: memoryStorage(), onNotice: (notice) => notices.push(notice) },
    ...options,
  });
  onTestFinished(() => relay.close());
  return { relay, notices, url: relay.address?.url as string };
}

test('[R4] whoever opens logs without end leaves room for others, is told, and so is the operator', async () => {
  const { relay, notices, url } = await relayAt();
  expect(limits.openLogsMax).toBe(20);
  const greedy = await RawPeer.connect(url);
  for (let i = 0; i < 30; i++) greedy.openLog(`log ${i}`, i + 1);
  const refused = await greedy.message('error', ({ channel }) => channel === 30);
  expect(refused).toMatchObject({ code: 'limit-exceeded' });
  expect(refused.message).toContain('18 logs open');
  expect(notices.filter(({ type, code }) => type === 'refused' && code === 'limit-exceeded')).toHaveLength(12);
  expect(relay.metrics().refusals).toEqual({ 'limit-exceeded': 12 });
});

test('[R4] a client that finds no room shows why in the error of its log, until there is room', async () => {
  const { url } = await relayAt();
  const crowd = client(url);
  // As many as there may be: from here on the address has no more places.
  const logs = Array.from({ length: 18 }, (_, i) => crowd.node.open(`log ${i}`));
  for (const log of logs) await log.ready;
  for (const log of logs) await log.delivered(log.append('x'), 'relayed');
  const late = client(url);
  const log = await openLog(late, 'late');
  await until(log, () => log.error?.code === 'limit-exceeded');
  const event = log.append('kept');
  expect(log.status).toBe('ready');
  await crowd.node.close();
  await log.delivered(event, 'relayed');
  expect(log.error).toBeUndefined();
});

test('[R4] a session that ends for a fault is told to the operator and counted', async () => {
  const { relay, notices, url } = await relayAt();
  const peer = await RawPeer.connect(url);
  peer.send({ kind: 'hello', node: newWriter(), name: 'again', durable: false, now: Date.now() });
  await peer.closed;
  expect(notices).toEqual([
    {
      type: 'ended',
      peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      code: 'protocol',
      message: 'a second hello [protocol]',
    },
  ]);
  expect(relay.metrics().sessionsEnded).toEqual({ protocol: 1 });
});

test('[R4] errors that a peer sends without end are reported a few times, in printable text', async () => {
  const errors: Error[] = [];
  const { url } = await relayAt({ onError: (error) => errors.push(error) });
  const peer = await RawPeer.connect(url);
  peer.openLog('tea', 1);
  await peer.message('open');
  for (let i = 0; i < 5_000; i++) {
    peer.send({ kind: 'error', channel: 1, code: 'storage-failed', message: 'x\n\u001b[2Jrelay: fine', time: 0 });
  }
  const other = client(url);
  const log = await openLog(other, 'milk');
  await log.delivered(log.append('x'), 'relayed');
  peer.send({ kind: 'ping', asks: true, now: Date.now() });
  await peer.message('ping');
  expect(errors.length).toBeGreaterThan(0);
  expect(errors.length).toBeLessThanOrEqual(limits.reportsPerMinuteMax);
  for (const { message } of errors) expect(message).toContain('x\\u{a}\\u{1b}[2Jrelay: fine');
});

test('[R3] of a peer that opens many logs, `authorize` is asked about a few at a time', async () => {
  const asked: string[] = [];
  const answers: (() => void)[] = [];
  let most = 0;
  const { url } = await relayAt({
    authorize: ({ log }) => {
      asked.push(log);
      return new Promise((resolve) => {
        answers.push(() => resolve(true));
        most = Math.max(most, answers.length);
      });
    },
  });
  const peer = await RawPeer.connect(url);
  for (let i = 0; i < 200; i++) peer.openLog(`log ${i}`, i + 1);
  peer.send({ kind: 'ping', asks: true, now: Date.now() });
  await peer.message('ping');
  expect(asked).toHaveLength(limits.questionsAtOnceMax);
  expect(most).toBe(limits.questionsAtOnceMax);
});

test('[R4] while a peer floods the relay, another one in another room is served', async () => {
  const { url } = await relayAt();
  const [ada, bob] = [client(url), client(url)];
  const [here, there] = await Promise.all([openLog(ada, 'room'), openLog(bob, 'room')]);
  const flooder = await RawPeer.connect(url);
  let isFlooding = true;
  onTestFinished(() => {
    isFlooding = false;
  });
  const flood = () => {
    if (!isFlooding || flooder.socket.readyState !== flooder.socket.OPEN) return;
    for (let i = 0; i < 2_000; i++) flooder.send({ kind: 'credit', bytes: 1 });
    setImmediate(flood);
  };
  flood();
  for (let i = 1; i <= 20; i++) {
    here.append(`${i}`);
    await hasEvents(there, i);
  }
});
