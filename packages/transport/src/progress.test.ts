/** How far a catch-up is, as a log's handle tells it. */
import { memoryStorage } from '@gossip-log/storage/memory';
import { expect, test } from 'vitest';
import { createGossipNode } from './gossip-node.js';
import { memoryPair } from './memory-pair.js';

test('[S19] a long catch-up tells from the start how many events are coming, how many came, and its end', async () => {
  const events = 20_000;
  const pair = memoryPair();
  const relay = createGossipNode({ storage: memoryStorage(), durable: true, connections: [pair.left] });
  const there = relay.open<string>('tea');
  await there.ready;
  for (let i = 0; i < events; i++) there.append(`event ${i}`);
  await there.delivered(there.snapshot().at(-1)?.id ?? there.append('never').id);
  const node = createGossipNode({ storage: memoryStorage(), connections: [pair.right] });
  const here = node.open<string>('tea');
  const seen: (typeof here.progress)[] = [];
  await new Promise<void>((resolve) => {
    here.subscribe(() => {
      if (here.progress !== seen.at(-1)) seen.push(here.progress);
      if (here.snapshot().length === events && here.progress === undefined) resolve();
    });
  });
  const told = seen.filter((progress) => progress !== undefined);
  expect(told[0]).toEqual({ received: 0, expected: events });
  expect(told.at(-1)).toEqual({ received: events, expected: events });
  expect(told.length).toBeGreaterThan(5);
  expect(told.map(({ received }) => received)).toEqual(told.map(({ received }) => received).sort((a, b) => a - b));
  expect(new Set(told.map(({ expected }) => expected))).toEqual(new Set([events]));
  // An event now and then is no catch-up.
  there.append('live');
  await new Promise<void>((resolve) => {
    here.subscribe(() => {
      expect(here.progress).toBeUndefined();
      if (here.snapshot().length === events + 1) resolve();
    });
  });
  await Promise.all([node.close(), relay.close()]);
});

test('[S19] a catch-up that is cut off is over', async () => {
  const pair = memoryPair();
  const relay = createGossipNode({ storage: memoryStorage(), durable: true, connections: [pair.left] });
  const there = relay.open<string>('tea');
  await there.ready;
  for (let i = 0; i < 20_000; i++) there.append(`event ${i}`);
  await there.delivered(there.snapshot().at(-1)?.id ?? there.append('never').id);
  const node = createGossipNode({ storage: memoryStorage(), connections: [pair.right] });
  const here = node.open<string>('tea');
  let cut = false;
  await new Promise<void>((resolve) => {
    here.subscribe(() => {
      if (cut && here.progress === undefined) resolve();
      if (cut || here.progress === undefined) return;
      cut = true;
      pair.cut();
    });
  });
  expect(here.snapshot().length).toBeLessThan(20_000);
  await Promise.all([node.close(), relay.close()]);
});
