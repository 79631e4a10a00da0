import { createGossipLog, GossipError, type LogEvent, writerIdFromBytes } from '@gossip-log/core';
import { aggregate, count, view, where } from '@gossip-log/core/view';
import { expect, expectTypeOf, test, vi } from 'vitest';
import { useStore } from 'zustand/react';
import { FakeNode } from '../test/fake-node.js';
import { createLogStore, type LogState, type LogStore } from './index.js';

test('follows the log until it is released', () => {
  const node = new FakeNode();
  const store = createLogStore<string>(node, 'a');
  const statuses: string[] = [];
  store.subscribe((state, before) => statuses.push(`${before.status} > ${state.status} ${state.events.length}`));
  node.ready('a', 'one');
  node.receive('a', 'two');
  expect(statuses).toEqual(['opening > ready 1', 'ready > ready 2']);
  expect(store.getState().events.map((event) => event.payload)).toEqual(['one', 'two']);
  expect(store.getInitialState().status).toBe('opening');
  store.release();
  store.release();
  expect(node.held).toBe(0);
  node.closeUnused();
  expect(node.listening).toBe(0);
});

test('[L9] an appended event is in the state before append returns', () => {
  const node = new FakeNode();
  const { getState } = createLogStore<string>(node, 'a');
  expect(() => getState().append('early')).toThrow(expect.objectContaining({ code: 'log-not-ready' }));
  node.ready('a');
  const event = getState().append('x');
  expect(getState().events.at(-1)).toBe(event);
});

test('[U3] a change that shows nowhere keeps the state object', () => {
  const node = new FakeNode();
  const { getState } = createLogStore(node, 'a');
  const [event] = node.ready('a', 'x');
  const before = getState();
  node.deliver('a', event as LogEvent, { state: 'stored' });
  expect(getState()).toBe(before);
});

test('[U1] two stores of one log share a handle and a state; each is released by itself', () => {
  const node = new FakeNode();
  const [one, two] = [createLogStore(node, 'a'), createLogStore(node, 'a')];
  node.ready('a', 'x');
  expect(one.getState()).toBe(two.getState());
  expect(node.opened).toBe(1);
  one.release();
  one.release();
  expect(node.held).toBe(1);
  two.release();
  expect(node.held).toBe(0);
});

test('[U2] opened again before the node closed it, the log is there at once; after that it is read anew', () => {
  const node = new FakeNode();
  const first = createLogStore(node, 'a');
  node.ready('a', 'x');
  first.release();
  const second = createLogStore(node, 'a');
  expect(second.getState().status).toBe('ready');
  expect(second.getState().append).toBe(first.getState().append);
  second.release();
  node.closeUnused();
  expect(createLogStore(node, 'a').getState()).toMatchObject({ status: 'opening', events: { length: 0 } });
});

test('[U4] a failure shows in the state; the next user tries again', () => {
  const node = new FakeNode();
  const first = createLogStore(node, 'a');
  const error = new GossipError('storage-failed', 'no room');
  node.fail('a', error);
  expect(first.getState()).toMatchObject({ status: 'failed', error });
  first.release();
  const second = createLogStore(node, 'a');
  node.ready('a');
  expect(second.getState()).toMatchObject({ status: 'ready', error: undefined });
});

test('a closed node gives a failed state, and append says so', async () => {
  const node = new FakeNode();
  await node.close();
  const { getState } = createLogStore(node, 'a');
  expect(getState()).toMatchObject({ status: 'failed', error: { code: 'node-closed' } });
  expect(() => getState().append('x')).toThrow(expect.objectContaining({ code: 'node-closed' }));
});

test('a bad id throws and holds nothing', () => {
  const node = new FakeNode();
  expect(() => createLogStore(node, '')).toThrow(RangeError);
  expect(() => createLogStore(node, '')).toThrow(RangeError);
  expect(node.held).toBe(0);
});

test("the store's type suits zustand's useStore", () => {
  const status = (store: LogStore<string>) => useStore(store, (state) => state.status);
  expectTypeOf(status).returns.toEqualTypeOf<LogState['status']>();
  expectTypeOf<ReturnType<LogStore<string>['getState']>>().toEqualTypeOf<LogState<string>>();
});

test('[V9] a store of a view or an aggregate follows it until it is released', () => {
  const writer = writerIdFromBytes(new Uint8Array(16));
  const log = createGossipLog<number>({ id: 'a', writer, now: () => 1 });
  const even = createLogStore(
    view(
      log,
      where((n: number) => n % 2 === 0),
    ),
  );
  const many = createLogStore(aggregate(log, count()));
  expectTypeOf(many.getState()).toEqualTypeOf<number>();
  const seen: number[] = [];
  many.subscribe((now) => seen.push(now));
  log.append(1);
  const before = even.getState();
  log.append(2);
  log.append(3);
  expect(before.length).toBe(0);
  expect(even.getState().map(({ payload }) => payload)).toEqual([2]);
  expect(seen).toEqual([1, 2, 3]);
  many.release();
  many.release();
  even.release();
  log.append(4);
  expect([many.getState(), even.getState().length]).toEqual([3, 1]);
});

test('a subscriber that throws is reported where no caller is there to be told, and ends no process', async () => {
  const unhandled = vi.fn();
  process.on('unhandledRejection', unhandled);
  const reported = vi.spyOn(console, 'error').mockImplementation(() => {});
  const node = new FakeNode();
  const recent = createLogStore<string>(node, 'a', { window: { last: 1 } });
  node.ready('a', 'one', 'two');
  const whole = createLogStore<string>(node, 'a');
  whole.subscribe(() => {
    throw new Error('a subscriber');
  });
  node.failRead('a', new GossipError('storage-failed', 'no disk'));
  await new Promise((resolve) => setImmediate(resolve));
  expect(whole.getState().status).toBe('failed');
  expect(unhandled).not.toHaveBeenCalled();
  expect(reported).toHaveBeenCalledWith(expect.objectContaining({ message: 'a subscriber' }));
  process.off('unhandledRejection', unhandled);
  reported.mockRestore();
  recent.release();
  whole.release();
});
