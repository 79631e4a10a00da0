import { render, renderHook } from '@testing-library/react';
import type { ReactNode } from 'react';
import { expect, onTestFinished, test, vi } from 'vitest';
import {
  createGossipNode,
  createLogStore,
  GossipProvider,
  gossip,
  memoryStorage,
  useAppend,
  useDelivery,
  useGossipLog,
  useGossipLogSelector,
  useViewSource,
} from './index.js';

function world() {
  // React reports what a component throws, also where it is caught.
  const quiet = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const node = createGossipNode({ storage: memoryStorage() });
  onTestFinished(async () => {
    quiet.mockRestore();
    await node.close();
  });
  const wrapper = ({ children }: { children: ReactNode }) => <GossipProvider node={node}>{children}</GossipProvider>;
  return { node, wrapper };
}

test('hooks refuse options that they do not know, in the first render', () => {
  const { wrapper } = world();
  const wrong = { windows: { last: 5 } } as never;
  const meant = 'options of log "tea": unknown option "windows"; did you mean "window"?';
  expect(() => renderHook(() => useGossipLog('tea', wrong), { wrapper })).toThrow(meant);
  expect(() => renderHook(() => useAppend('tea', wrong), { wrapper })).toThrow(meant);
  expect(() => renderHook(() => useViewSource('tea', wrong), { wrapper })).toThrow(meant);
  const select = () => 0;
  expect(() => renderHook(() => useGossipLogSelector('tea', select, Object.is, wrong), { wrapper })).toThrow(meant);
});

test('useDelivery is given an event, not its id', () => {
  const { wrapper } = world();
  for (const none of ['a.1', undefined, null]) {
    expect(() => renderHook(() => useDelivery(none as never), { wrapper })).toThrow('useDelivery: expected an event');
  }
});

test('the provider refuses properties that it does not know, none, and two', () => {
  const { node } = world();
  const options = () => ({ storage: memoryStorage() });
  const of = (props: object) => () => render(<GossipProvider {...(props as { node: typeof node })}>…</GossipProvider>);
  expect(of({ option: options })).toThrow('GossipProvider: unknown option "option"; did you mean "options"?');
  expect(of({})).toThrow('GossipProvider: expected exactly one of node and options');
  expect(of({ node, options })).toThrow('GossipProvider: expected exactly one of node and options');
  expect(of({ options: () => ({ ...options(), connection: [] }) })).toThrow('did you mean "connections"?');
});

test('stores refuse what they do not know', () => {
  const { node } = world();
  expect(() => createLogStore(node, 'tea', { windo: 'all' } as never)).toThrow('did you mean "window"?');
  expect(() => createLogStore(undefined as never)).toThrow('createLogStore: expected a node, a view');
  const log = node.open<never>('tea');
  expect(() => gossip(() => ({}), { log, checkpoints: {} } as never)).toThrow('did you mean "checkpoint"?');
  expect(() => gossip(() => ({}), {} as never)).toThrow('gossip: log: expected an open log');
});
