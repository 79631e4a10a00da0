/** Hooks and stores that open logs by windows. */
import { GossipError, type LogEvent } from '@gossip-log/core';
import { aggregate, count } from '@gossip-log/core/view';
import { MemoryDisk } from '@gossip-log/storage/memory';
import { memoryPair } from '@gossip-log/transport';
import { act, cleanup, render, renderHook, waitFor } from '@testing-library/react';
import { type ReactNode, StrictMode, useMemo } from 'react';
import { afterEach, expect, expectTypeOf, test } from 'vitest';
import { FakeNode } from '../test/fake-node.js';
import {
  createGossipNode,
  createLogStore,
  GossipProvider,
  type LogState,
  memoryStorage,
  useAggregate,
  useAppend,
  useGossipLog,
  useGossipLogSelector,
  useViewSource,
} from './index.js';

afterEach(cleanup);

const within = (node: FakeNode) => ({
  wrapper: ({ children }: { children: ReactNode }) => <GossipProvider node={node}>{children}</GossipProvider>,
});
const payloads = (state: Pick<LogState, 'events'>): unknown[] => state.events.map((event) => event.payload);
const last = (n: number) => ({ window: { last: n } });

test('a window written inline opens the log once, with that window', () => {
  const node = new FakeNode();
  const { result, rerender } = renderHook(() => useGossipLog('a', last(2)), within(node));
  act(() => void node.ready('a', 1, 2, 3, 4));
  rerender();
  expect(node.opened).toBe(1);
  expect(node.openedWith).toEqual(last(2));
  expect(payloads(result.current)).toEqual([3, 4]);
  expect(result.current).toMatchObject({ hasOlder: true, isLoadingOlder: false });
});

test('[U7] a gap shows while there is one, once the log is ready', () => {
  const node = new FakeNode();
  const { result } = renderHook(() => useGossipLog('a', last(2)), within(node));
  act(() => node.setGap('a', true));
  expect(result.current.hasGap).toBe(false);
  act(() => void node.ready('a', 1, 2));
  expect(result.current.hasGap).toBe(true);
  act(() => node.setGap('a', false));
  expect(result.current.hasGap).toBe(false);
});

test('a time that is another at every render opens nothing anew', () => {
  const node = new FakeNode();
  let now = 1;
  const { rerender } = renderHook(() => useGossipLog('a', { window: { since: now++ } }), within(node));
  act(() => void node.ready('a', 1));
  rerender();
  expect(node.opened).toBe(1);
  expect(node.openedWith).toEqual({ window: { since: 1 } });
});

test('a new id is opened with the window of its own render', () => {
  const node = new FakeNode();
  const { rerender } = renderHook(({ id, n }) => useGossipLog(id, last(n)), {
    ...within(node),
    initialProps: { id: 'a', n: 1 },
  });
  rerender({ id: 'a', n: 2 });
  expect(node.openedWith).toEqual(last(1));
  rerender({ id: 'b', n: 3 });
  expect(node.openedWith).toEqual(last(3));
});

test('[U7] loadOlder reads on: it is one function, calls meanwhile share one reading, and it says how many came', async () => {
  const node = new FakeNode();
  const seen = new Set<LogState>();
  const { result } = renderHook(() => {
    const state = useGossipLog('a', last(1));
    seen.add(state);
    return state;
  }, within(node));
  const { loadOlder } = result.current;
  act(() => void node.ready('a', 1, 2, 3, 4));
  const came: Promise<number>[] = [];
  act(() => void came.push(loadOlder(2), loadOlder(3)));
  expect(node.readings('a')).toBe(1);
  expect(result.current.isLoadingOlder).toBe(true);
  await act(async () => node.read('a'));
  expect(await Promise.all(came)).toEqual([2, 2]);
  expect(payloads(result.current)).toEqual([2, 3, 4]);
  expect(result.current).toMatchObject({ hasOlder: true, isLoadingOlder: false });

  act(() => void came.push(loadOlder()));
  await act(async () => node.read('a'));
  expect(await came[2]).toBe(1);
  expect(payloads(result.current)).toEqual([1, 2, 3, 4]);
  expect(result.current.hasOlder).toBe(false);
  const states = seen.size;
  await act(async () => expect(await loadOlder()).toBe(0));
  expect(seen.size).toBe(states);
  expect(result.current.loadOlder).toBe(loadOlder);
});

test('[U8] older events that cannot be read: 0 came, the error shows, and another try takes it away', async () => {
  const node = new FakeNode();
  const { result } = renderHook(() => useGossipLog('a', last(1)), within(node));
  act(() => void node.ready('a', 1, 2));
  const error = new GossipError('storage-failed', 'the disk is gone');
  let came: Promise<number> | undefined;
  act(() => {
    came = result.current.loadOlder();
  });
  await act(async () => node.failRead('a', error));
  expect(await came).toBe(0);
  expect(result.current).toMatchObject({ status: 'ready', error, hasOlder: true, isLoadingOlder: false });
  expect(payloads(result.current)).toEqual([2]);
  act(() => {
    came = result.current.loadOlder();
  });
  expect(result.current.error).toBeUndefined();
  await act(async () => node.read('a'));
  expect(await came).toBe(1);
  expect(payloads(result.current)).toEqual([1, 2]);
});

test("a count that is none is the caller's mistake", async () => {
  const node = new FakeNode();
  const { result } = renderHook(() => useGossipLog('a', last(1)), within(node));
  act(() => void node.ready('a', 1, 2));
  await act(() => expect(result.current.loadOlder(Number.NaN)).rejects.toThrow(RangeError));
  expect(result.current).toMatchObject({ status: 'ready', error: undefined, isLoadingOlder: false });
});

test('loadOlder of no log, of one not in use and of one given back finds nothing and changes nothing', async () => {
  const node = new FakeNode();
  expect(await renderHook(() => useGossipLog(null), within(node)).result.current.loadOlder()).toBe(0);
  const { result, unmount } = renderHook(() => useGossipLog('a', last(1)), within(node));
  act(() => void node.ready('a', 1, 2));
  unmount();
  expect(await result.current.loadOlder()).toBe(0);
  const again = renderHook(() => useGossipLog('a', last(1)), within(node));
  expect(again.result.current).toMatchObject({ status: 'ready', error: undefined });
  // Before the effects of the first render: nothing is open yet.
  const early = renderHook(() => useGossipLog('b', last(1)).loadOlder(), within(node));
  expect(await early.result.current).toBe(0);
});

test('given back while older events are read: the next user begins without it', async () => {
  const node = new FakeNode();
  const first = renderHook(() => useGossipLog('a', last(1)), within(node));
  act(() => void node.ready('a', 1, 2));
  let came: Promise<number> | undefined;
  act(() => {
    came = first.result.current.loadOlder();
  });
  first.unmount();
  const second = renderHook(() => useGossipLog('a', last(1)), within(node));
  expect(second.result.current.isLoadingOlder).toBe(false);
  await act(async () => node.failRead('a', new GossipError('log-closed', 'gone')));
  expect(await came).toBe(0);
  act(() => void node.receive('a', 3));
  expect(second.result.current).toMatchObject({ status: 'ready', error: undefined });
});

test('[U1] [U6] each window is its own: who asks for more waits for it, while the others go on', async () => {
  const node = new FakeNode();
  const few = renderHook(() => useGossipLog('a', last(1)), within(node));
  act(() => void node.ready('a', 1, 2, 3));
  const all = renderHook(() => useGossipLog('a'), within(node));
  expect(all.result.current).toMatchObject({ status: 'opening', events: { length: 0 }, hasOlder: false });
  expect(few.result.current).toMatchObject({ status: 'ready', events: { length: 1 } });
  await act(async () => node.read('a'));
  expect(all.result.current).toMatchObject({ status: 'ready', hasOlder: false });
  expect(payloads(all.result.current)).toEqual([1, 2, 3]);
  // At least its window: what is in memory shows.
  expect(payloads(few.result.current)).toEqual([1, 2, 3]);
  expect(node.held).toBe(2);
  all.unmount();
  expect(node.held).toBe(1);
  few.unmount();
  expect(node.held).toBe(0);
  node.closeUnused();
  expect(node.listening).toBe(0);
});

test('[U6] a window that cannot be read fails alone, and mounting anew tries again', async () => {
  const node = new FakeNode();
  const few = renderHook(() => useGossipLog('a', last(1)), within(node));
  act(() => void node.ready('a', 1, 2));
  const all = renderHook(() => useGossipLog('a'), within(node));
  const error = new GossipError('storage-failed', 'the disk is gone');
  await act(async () => node.failRead('a', error));
  expect(all.result.current).toMatchObject({ status: 'failed', error });
  expect(few.result.current).toMatchObject({ status: 'ready', error: undefined });
  all.unmount();
  const again = renderHook(() => useGossipLog('a'), within(node));
  expect(again.result.current.status).toBe('opening');
  await act(async () => node.read('a'));
  expect(payloads(again.result.current)).toEqual([1, 2]);
});

test('[U2] what is open and reaches back far enough shows in the first render, whoever opened it', () => {
  const node = new FakeNode();
  const preloaded = createLogStore(node, 'a', last(3));
  node.ready('a', 1, 2, 3, 4);
  /** The status of the first render. */
  const first = (window: { last: number } | { since: number } | 'all') => {
    const statuses: string[] = [];
    renderHook(() => statuses.push(useGossipLog('a', { window }).status), within(node)).unmount();
    return statuses[0];
  };
  expect(first({ last: 3 })).toBe('ready');
  expect(first({ last: 2 })).toBe('ready');
  expect(first({ last: 4 })).toBe('opening');
  // Event n is of time n, and 2 is the first in memory.
  expect(first({ since: 3 })).toBe('ready');
  expect(first({ since: 2 })).toBe('opening');
  expect(first('all')).toBe('opening');
  preloaded.release();
  expect(node.held).toBe(0);
  expect(first({ last: 2 })).toBe('ready');
  expect(first({ last: 4 })).toBe('opening');
});

test('windows that come and go while the log is in use leave nothing behind', () => {
  const node = new FakeNode();
  const held = createLogStore(node, 'a', last(1));
  node.ready('a', 1);
  const { listening } = node;
  for (let since = 1; since < 20; since++) createLogStore(node, 'a', { window: { since } }).release();
  expect(node.listening).toBe(listening);
  held.release();
  expect(node.listening).toBe(listening);
  node.closeUnused();
  expect(node.listening).toBe(0);
});

test('[L9] an appended event shows in all windows before append returns', () => {
  const node = new FakeNode();
  const [one, two] = [createLogStore<string>(node, 'a', last(1)), createLogStore<string>(node, 'a', last(2))];
  node.ready('a', 'x');
  const event = one.getState().append('mine');
  expect([one, two].map(({ getState }) => getState().events.at(-1))).toEqual([event, event]);
});

test('[U4] a log that failed under one window is opened anew by another, which then is written to', () => {
  const node = new FakeNode();
  createLogStore(node, 'a', last(1));
  node.fail('a', new GossipError('storage-failed', 'no room'));
  const second = createLogStore<string>(node, 'a', last(2));
  node.ready('a');
  expect(second.getState().append('x').payload).toBe('x');
});

test('[U5] another window takes the codec that the log is open with', () => {
  const node = new FakeNode();
  const codec = { name: 'own', encode: () => new Uint8Array(), decode: () => undefined };
  createLogStore(node, 'a', { codec, ...last(1) });
  createLogStore(node, 'a', last(2));
  expect(node.openedWith).toEqual({ codec, ...last(2) });
  const other = { ...codec, name: 'other' };
  expect(() => createLogStore(node, 'a', { codec: other })).toThrow(
    expect.objectContaining({ code: 'descriptor-mismatch' }),
  );
});

test('useAppend reads nothing of the log, unless it is asked to', () => {
  const node = new FakeNode();
  renderHook(() => useAppend('a'), within(node));
  expect(node.openedWith).toEqual(last(0));
  renderHook(() => useAppend('b', { window: 'all' }), within(node));
  expect(node.openedWith).toEqual({ window: 'all' });
});

test('useGossipLogSelector selects from its window, and from older events once they are read', async () => {
  const node = new FakeNode();
  const { result } = renderHook(() => {
    const first = useGossipLogSelector('a', (events) => events.at(0)?.payload, Object.is, last(1));
    return { first, loadOlder: useGossipLog('a', last(1)).loadOlder };
  }, within(node));
  act(() => void node.ready('a', 1, 2));
  expect(node.opened).toBe(1);
  expect(result.current.first).toBe(2);
  act(() => void result.current.loadOlder());
  await act(async () => node.read('a'));
  expect(result.current.first).toBe(1);
});

function Windows() {
  const few = useGossipLog('a', last(1));
  const all = useGossipLog('a');
  return (
    <button type="button" onClick={() => few.loadOlder()}>
      {`${few.status} ${few.events.length} ${all.status} ${all.events.length}`}
    </button>
  );
}

test('StrictMode: windows are opened and given back in balance, and loadOlder works', async () => {
  const node = new FakeNode();
  const other = createLogStore(node, 'a', last(1));
  node.ready('a', 1, 2);
  const { container, unmount } = render(
    <StrictMode>
      <GossipProvider node={node}>
        <Windows />
      </GossipProvider>
    </StrictMode>,
  );
  expect(container.textContent).toBe('ready 1 opening 0');
  expect(node.held).toBe(2);
  act(() => container.querySelector('button')?.click());
  await act(async () => node.read('a'));
  expect(container.textContent).toBe('ready 2 ready 2');
  unmount();
  other.release();
  expect(node.held).toBe(0);
  node.closeUnused();
  expect(node.listening).toBe(0);
});

test('over the real node: a log of 5,000 events opens with its newest, and is read back to its first', async () => {
  const disk = new MemoryDisk();
  const writer = createGossipNode({ storage: memoryStorage({ disk }) });
  const log = writer.open<number>('a');
  await log.ready;
  let event: LogEvent<number> | undefined;
  for (let i = 0; i < 5000; i++) event = log.append(i);
  await log.delivered(event as LogEvent<number>);
  await writer.close();

  const node = createGossipNode({ storage: memoryStorage({ disk }) });
  const { result } = renderHook(
    () => {
      const source = useViewSource<number>('a', last(100));
      const viewed = useAggregate(useMemo(() => aggregate(source, count()), [source]));
      return { ...useGossipLog<number>('a', last(100)), viewed };
    },
    { wrapper: ({ children }) => <GossipProvider node={node}>{children}</GossipProvider> },
  );
  await waitFor(() => expect(result.current.status).toBe('ready'));
  const opened = result.current.events.length;
  expect(opened).toBeGreaterThanOrEqual(100);
  expect(opened).toBeLessThan(5000);
  expect(result.current.events.at(-1)?.payload).toBe(4999);
  const newest = result.current.events.at(-1);
  let length = opened;
  while (result.current.hasOlder) {
    await act(async () => {
      length += await result.current.loadOlder(1000);
    });
    expect(result.current.events.length).toBe(length);
    expect(result.current.viewed).toBe(length);
  }
  expect(payloads(result.current)).toEqual(Array.from({ length: 5000 }, (_, i) => i));
  // What was there keeps its identity (L5).
  expect(result.current.events.at(-1)).toBe(newest);
  cleanup();
  await node.close();
});

test('[U1] the same window with another limit for catching up is another handle', () => {
  const node = new FakeNode();
  const { rerender } = renderHook(
    () => [useGossipLog('a', { catchUpEventsMax: 5 }), useGossipLog('a'), useGossipLog('a', { catchUpEventsMax: 5 })],
    within(node),
  );
  rerender();
  expect(node.opened).toBe(2);
});

test('[U7] [M5] over real nodes: who was away for long sees the newest, that there is a gap, and fills it', async () => {
  const [disk, before, after] = [new MemoryDisk(), memoryPair(), memoryPair()];
  const there = createGossipNode({ storage: memoryStorage(), connections: [before.left, after.left] });
  const theirs = there.open<number>('a');
  await theirs.ready;
  for (let i = 0; i < 3; i++) theirs.append(i);
  const early = createGossipNode({ storage: memoryStorage({ disk }), connections: [before.right] });
  const seen = early.open<number>('a');
  await waitFor(() => expect(seen.snapshot().length).toBe(3));
  await early.close();
  for (let i = 3; i < 300; i++) theirs.append(i);
  await theirs.delivered(theirs.snapshot().at(-1) as LogEvent<number>);

  const node = createGossipNode({ storage: memoryStorage({ disk }), connections: [after.right], catchUpEventsMax: 20 });
  const { result } = renderHook(() => useGossipLog<number>('a'), {
    wrapper: ({ children }) => <GossipProvider node={node}>{children}</GossipProvider>,
  });
  const numbers = (from: number) => Array.from({ length: 300 - from }, (_, i) => from + i);
  await waitFor(() => expect(payloads(result.current)).toEqual([0, 1, 2, ...numbers(280)]));
  expect(result.current).toMatchObject({ status: 'ready', hasOlder: true, hasGap: true });
  await act(() => result.current.loadOlder(50));
  expect(payloads(result.current)).toEqual([0, 1, 2, ...numbers(230)]);
  while (result.current.hasGap) await act(() => result.current.loadOlder(100));
  expect(payloads(result.current)).toEqual(numbers(0));
  cleanup();
  await Promise.all([node.close(), there.close()]);
});

test('the types of the result', () => {
  const use = () => useGossipLog<string>('a', { window: { since: 1 } });
  expectTypeOf<ReturnType<typeof use>['loadOlder']>().toEqualTypeOf<(count?: number) => Promise<number>>();
  expectTypeOf<ReturnType<typeof use>['hasOlder']>().toEqualTypeOf<boolean>();
});

test('[U9] a log whose chunk proves damaged is opened anew while it is in use; one that fails otherwise is not', () => {
  const node = new FakeNode();
  const { result } = renderHook(() => useGossipLog('a', last(2)), within(node));
  act(() => void node.ready('a', 1, 2, 3));
  const damage = new GossipError('storage-corrupt', 'packed chunk 1 is damaged');
  act(() => node.fail('a', damage));
  expect(result.current).toMatchObject({ status: 'opening', error: undefined });
  expect(node.openedWith).toEqual(last(2));
  act(() => void node.ready('a', 2, 3));
  expect(payloads(result.current)).toEqual([2, 3]);
  expect(node.held).toBe(1);
  act(() => node.fail('a', new GossipError('storage-failed', 'no disk')));
  expect(result.current).toMatchObject({ status: 'failed', error: { code: 'storage-failed' } });
  expect(node.opened).toBe(2);
});

test('[U9] a log that cannot be opened for damage stays failed', () => {
  const node = new FakeNode();
  const { result } = renderHook(() => useGossipLog('a'), within(node));
  act(() => node.fail('a', new GossipError('storage-corrupt', 'the manifest is damaged')));
  expect(result.current).toMatchObject({ status: 'failed', error: { code: 'storage-corrupt' } });
  expect(node.opened).toBe(1);
});

test('[U9] [H10] over real nodes: a chunk that proves damaged as it is read comes from the peer', async () => {
  const [disk, before, after] = [new MemoryDisk(), memoryPair(), memoryPair()];
  const peer = createGossipNode({ storage: memoryStorage(), connections: [before.left, after.left] });
  const theirs = peer.open<number>('a');
  await theirs.ready;
  const early = createGossipNode({ storage: memoryStorage({ disk }), connections: [before.right] });
  const log = early.open<number>('a');
  await log.ready;
  for (let i = 0; i < 5000; i++) log.append(i);
  await waitFor(() => expect(theirs.snapshot().length).toBe(5000));
  log.release();
  await early.close();

  const errors: unknown[] = [];
  const node = createGossipNode({
    storage: memoryStorage({ disk }),
    connections: [after.right],
    onError: (error) => errors.push(error),
  });
  const { result } = renderHook(() => useGossipLog<number>('a', last(100)), {
    wrapper: ({ children }) => <GossipProvider node={node}>{children}</GossipProvider>,
  });
  await waitFor(() => expect(result.current.status).toBe('ready'));
  const [first] = [...(disk.logs.get('a')?.chunks.values() ?? [])] as Uint8Array[];
  (first as Uint8Array)[100] = ((first as Uint8Array)[100] as number) ^ 4;
  await act(() => result.current.loadOlder(5000));
  await waitFor(async () => {
    await act(() => result.current.loadOlder(5000));
    expect(payloads(result.current)).toEqual(Array.from({ length: 5000 }, (_, i) => i));
  });
  expect(result.current).toMatchObject({ status: 'ready', hasOlder: false, hasGap: false });
  expect(errors).toMatchObject([{ code: 'storage-corrupt' }]);
  cleanup();
  await Promise.all([node.close(), peer.close()]);
});
