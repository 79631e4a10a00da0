/** Views over the handles of a node: while they open, when they fail, and when the node closes. */
import { GossipError } from '@gossip-log/core';
import { aggregate, changes, count, fold, pipe, view, where } from '@gossip-log/core/view';
import { memoryStorage } from '@gossip-log/storage/memory';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createGossipNode } from './gossip-node.js';

const unhandled = vi.fn();
beforeEach(() => {
  unhandled.mockClear();
  process.on('unhandledRejection', unhandled);
});
afterEach(() => {
  process.off('unhandledRejection', unhandled);
});

/** Rejections that nothing handles are told of once a turn of the event loop is over. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

const payloads = (rows: Iterable<{ readonly payload: unknown }>) => Array.from(rows, ({ payload }) => payload);

test('a pipe into a handle that is still opening waits for it, and copies each event once', async () => {
  const node = createGossipNode({ storage: memoryStorage() });
  const chat = node.open<string>('chat');
  await chat.ready;
  chat.append('Fire!');
  const loud = view(
    chat,
    where((text: string) => text.includes('!')),
  );
  const alerts = node.open<string>('alerts');
  const running = pipe(loud, alerts);
  chat.append('Tea?');
  await vi.waitFor(() => expect(payloads(alerts.snapshot())).toEqual(['Fire!']));
  running.stop();
  await running.done;
  await node.close();
  expect(unhandled).not.toHaveBeenCalled();
});

test('what ends a pipe rejects `done`, and ends no process where nothing looks at that', async () => {
  const node = createGossipNode({ storage: memoryStorage() });
  const chat = node.open<string>('chat');
  await chat.ready;
  chat.append('Tea?');
  const broken = memoryStorage();
  broken.load = () => Promise.reject(new GossipError('storage-failed', 'no disk'));
  const without = createGossipNode({ storage: broken });
  const running = [
    pipe(chat, without.open<string>('chat')),
    pipe(without.open<string>('other'), { append: () => {} }),
    pipe(chat, { append: () => Promise.reject(new Error('full')) }),
    pipe(chat, { append: () => {} }, { project: () => JSON.parse('{') }),
  ];
  const released = node.open<string>('alerts');
  await released.ready;
  released.release();
  running.push(pipe(chat, released));
  await turn();
  await turn();
  expect(unhandled).not.toHaveBeenCalled();
  const reasons = await Promise.allSettled(running.map(({ done }) => done));
  expect(reasons.map((result) => (result.status === 'rejected' ? (result.reason as Error).message : result))).toEqual([
    expect.stringContaining('[storage-failed]'),
    expect.stringContaining('[storage-failed]'),
    'full',
    expect.stringContaining('JSON'),
    expect.stringContaining('[log-closed]'),
  ]);
  await Promise.all([node.close(), without.close()]);
});

test('when a node closes, all that waits for something made of its logs ends, and is subscribed to no more [V9]', async () => {
  const node = createGossipNode({ storage: memoryStorage() });
  const chat = node.open<number>('chat');
  await chat.ready;
  chat.append(1);
  let listening = 0;
  const { subscribe } = chat;
  chat.subscribe = (listener) => {
    listening++;
    const end = subscribe.call(chat, listener);
    return () => {
      listening--;
      end();
    };
  };
  const made: readonly AsyncIterable<unknown>[] = [
    view(chat),
    view(
      chat,
      where((n: number) => n > 0),
    ),
    aggregate(chat, count()),
    fold(chat, (sum: number, { payload }) => sum + payload, 0),
    changes(chat),
  ];
  const given = made.map(async (source) => {
    let values = 0;
    for await (const _ of source) values++;
    return values;
  });
  const running = pipe(chat, { append: () => {} });
  const following = vi.fn();
  view(chat).subscribe(following);
  await turn();
  expect(listening).toBe(1);
  await node.close();
  expect(await Promise.all(given)).toEqual([1, 1, 1, 1, 1]);
  await running.done;
  expect(listening).toBe(0);
});

test('a node that closes while a log is still opening ends what waits for that log, without an unhandled rejection', async () => {
  const storage = memoryStorage();
  let load = () => {};
  const held = new Promise<void>((resolve) => {
    load = resolve;
  });
  const { load: loadNow } = storage;
  storage.load = async (log) => {
    await held;
    return loadNow.call(storage, log);
  };
  const node = createGossipNode({ storage });
  const chat = node.open<number>('chat');
  const next = view(chat)[Symbol.asyncIterator]().next();
  const closing = node.close();
  load();
  await closing;
  expect(await next).toEqual({ done: true, value: undefined });
  await turn();
  expect(unhandled).not.toHaveBeenCalled();
});
