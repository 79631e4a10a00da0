import { act, cleanup, render, renderHook, waitFor } from '@testing-library/react';
import { type ReactNode, StrictMode } from 'react';
import { afterEach, expect, test, vi } from 'vitest';
import { FakeNode } from '../test/fake-node.js';
import { type GossipNode, GossipProvider, memoryStorage, useAppend, useGossipLog, useGossipNode } from './index.js';

afterEach(cleanup);

const nodes: (GossipNode | undefined)[] = [];

function Room() {
  nodes.push(useGossipNode());
  const { status, error } = useGossipLog('a');
  return error?.code ?? status;
}

test('makes a node from options when it mounts, once, and closes it once when it unmounts', async () => {
  const storage = memoryStorage();
  const close = vi.spyOn(storage, 'close');
  const options = vi.fn(() => ({ storage }));
  const app = () => (
    <StrictMode>
      <GossipProvider options={() => options()}>
        <Room />
      </GossipProvider>
    </StrictMode>
  );
  nodes.length = 0;
  const { container, rerender, unmount } = render(app());
  expect(nodes[0]).toBeUndefined();
  await waitFor(() => expect(container.textContent).toBe('ready'));
  rerender(app());
  expect(new Set(nodes).size).toBe(2);
  expect(options).toHaveBeenCalledTimes(1);
  expect(close).not.toHaveBeenCalled();
  unmount();
  await waitFor(() => expect(close).toHaveBeenCalledTimes(1));
});

test('children are opening while there is no node, and append says so', async () => {
  const seen: unknown[] = [];
  const { result } = renderHook(
    () => {
      const { status, append } = useGossipLog('a');
      try {
        if (seen.length === 0) append('x');
      } catch (error) {
        seen.push(status, error);
      }
      return { status, append: useAppend('a') };
    },
    {
      wrapper: ({ children }: { children: ReactNode }) => (
        <GossipProvider options={() => ({ storage: memoryStorage() })}>{children}</GossipProvider>
      ),
    },
  );
  expect(seen).toEqual(['opening', expect.objectContaining({ code: 'log-not-ready' })]);
  await waitFor(() => expect(result.current.status).toBe('ready'));
  act(() => expect(result.current.append('x').payload).toBe('x'));
});

test('mounted again, options from a function give a node with fresh storage; an object keeps the closed one', async () => {
  const makesAnew = () => ({ storage: memoryStorage() });
  const storage = memoryStorage();
  const close = vi.spyOn(storage, 'close');
  for (const [options, again] of [
    [makesAnew, 'ready'],
    [{ storage }, 'storage-closed'],
  ] as const) {
    const app = (
      <GossipProvider options={options}>
        <Room />
      </GossipProvider>
    );
    const first = render(app);
    await waitFor(() => expect(first.container.textContent).toBe('ready'));
    first.unmount();
    if (options !== makesAnew) await waitFor(() => expect(close).toHaveBeenCalled());
    const second = render(app);
    await waitFor(() => expect(second.container.textContent).toBe(again));
    second.unmount();
  }
});

test('a node that was handed in is never closed', async () => {
  const node = new FakeNode();
  const { unmount } = render(
    <GossipProvider node={node}>
      <Room />
    </GossipProvider>,
  );
  unmount();
  await act(async () => {});
  expect(node.closed).toBe(false);
});
