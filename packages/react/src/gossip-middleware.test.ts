import { memoryPair } from '@gossip-log/transport';
import { expect, expectTypeOf, test, vi } from 'vitest';
import { createJSONStorage, devtools, persist } from 'zustand/middleware';
import { createStore } from 'zustand/vanilla';
import {
  createGossipNode,
  type GossipError,
  type GossipNode,
  gossip,
  type LogHandle,
  memoryStorage,
  type StoreAction,
} from './index.js';

interface Todos {
  readonly texts: readonly string[];
  readonly done: number;
  add(text: string): void;
  finish(text: string): void;
  replaceAll(texts: readonly string[]): void;
}

const todos = (log: LogHandle<StoreAction>) =>
  createStore<Todos>()(
    gossip(
      (set, get) => ({
        texts: [],
        done: 0,
        add: (text) => set(({ texts }) => ({ texts: [...texts, text] })),
        finish(text) {
          if (!get().texts.includes(text)) return;
          set({ texts: get().texts.filter((other) => other !== text), done: get().done + 1 });
        },
        replaceAll(texts) {
          for (const text of get().texts) get().finish(text);
          for (const text of texts) get().add(text);
        },
      }),
      { log },
    ),
  );

async function opened(node = createGossipNode({ storage: memoryStorage() })) {
  const log = node.open<StoreAction>('todos');
  await log.ready;
  return { node, log };
}

test('an argument that is undefined arrives as undefined wherever it stands [Z1]', async () => {
  const { node, log } = await opened();
  interface Calls {
    readonly calls: readonly string[];
    call(a?: unknown, b?: unknown, c?: unknown): void;
  }
  const store = createStore<Calls>()(
    gossip(
      (set) => ({
        calls: [],
        call: (a, b = 'default', c) =>
          set(({ calls }) => ({ calls: [...calls, [a, b, c].map((arg) => String(arg)).join()] })),
      }),
      { log },
    ),
  );
  const { call } = store.getState();
  call();
  call(undefined, undefined, undefined);
  call(undefined, null, 3);
  call(1, undefined);
  expect(store.getState().calls).toEqual([
    ...['undefined,default,undefined', 'undefined,default,undefined', 'undefined,null,3', '1,default,undefined'],
  ]);
  expect(log.snapshot().map(({ payload }) => payload)).toEqual([
    { action: 'call', args: [] },
    { action: 'call', args: [] },
    { action: 'call', args: [null, null, 3], absent: [0] },
    { action: 'call', args: [1] },
  ]);
  expect(() => call([1, undefined])).toThrow(
    expect.objectContaining({ code: 'payload-unencodable', context: expect.objectContaining({ path: 'args[0][1]' }) }),
  );
  expect(store.getState().calls).toHaveLength(4);
  await node.close();
});

test('[Z1] [L9] an action is an event, and the state shows it before the call returns', async () => {
  const { node, log } = await opened();
  const store = todos(log);
  const { add, finish, replaceAll } = store.getState();
  add('tea');
  expect(store.getState()).toMatchObject({ texts: ['tea'], done: 0 });
  finish('tea');
  finish('tea');
  replaceAll(['a', 'b']);
  expect(store.getState()).toMatchObject({ texts: ['a', 'b'], done: 1 });
  expect(log.snapshot().map(({ payload }) => payload)).toEqual([
    { action: 'add', args: ['tea'] },
    { action: 'finish', args: ['tea'] },
    { action: 'finish', args: ['tea'] },
    { action: 'replaceAll', args: [['a', 'b']] },
  ]);
  // A store made later begins with what is there.
  expect(todos(log).getState()).toMatchObject({ texts: ['a', 'b'], done: 1 });
  await node.close();
});

test('[Z2] [L1] stores of two nodes converge after edits offline', async () => {
  const wire = memoryPair();
  const nodes = [wire.left, wire.right].map((source) =>
    createGossipNode({ storage: memoryStorage(), connections: [source] }),
  ) as [GossipNode, GossipNode];
  const [left, right] = await Promise.all(nodes.map(async (node) => todos((await opened(node)).log)));
  if (left === undefined || right === undefined) throw new Error('two stores');
  const texts = () => [left.getState().texts, right.getState().texts];
  left.getState().add('tea');
  await vi.waitFor(() => expect(texts()).toEqual([['tea'], ['tea']]));
  wire.cut();
  left.getState().add('left');
  left.getState().finish('tea');
  right.getState().add('right');
  right.getState().replaceAll(['new']);
  expect(left.getState().texts).toEqual(['left']);
  expect(right.getState().texts).toEqual(['new']);
  wire.reconnect();
  await vi.waitFor(() => {
    expect(left.getState().texts).toEqual(right.getState().texts);
    expect(left.getState().done).toBe(right.getState().done);
    expect(left.getState().done).toBeGreaterThan(1);
  });
  await Promise.all(nodes.map((node) => node.close()));
});

test('[Z3] what sets a key of the log otherwise is set right; other keys are the store’s own', async () => {
  const { node, log } = await opened();
  const store = createStore<{ count: number; draft: string; up(by: number): void }>()(
    gossip((set) => ({ count: 0, draft: '', up: (by) => set(({ count }) => ({ count: count + by })) }), { log }),
  );
  store.getState().up(2);
  store.setState({ count: 9 });
  expect(store.getState().count).toBe(2);
  store.setState({ local: 'mine' } as never);
  store.getState().up(1);
  expect(store.getState()).toMatchObject({ count: 3, local: 'mine' });
  await node.close();
});

test('[Z2] what is no action of this app, throws, or sets something later changes nothing and is reported', async () => {
  const { node, log } = await opened();
  const late: unknown[] = [];
  const store = createStore<{ count: number; up(): void; fail(): void; wait(): Promise<void> }>()(
    gossip(
      (set) => ({
        count: 0,
        up: () => set(({ count }) => ({ count: count + 1 })),
        fail() {
          set({ count: 50 });
          throw new Error('no');
        },
        async wait() {
          await undefined;
          try {
            set({ count: 70 });
          } catch (error) {
            late.push(error);
          }
        },
      }),
      { log },
    ),
  );
  for (const payload of [null, 5, {}, { action: 'constructor', args: [] }, { action: 'up', args: 1 }]) {
    log.append(payload as never);
  }
  store.getState().up();
  store.getState().fail();
  await store.getState().wait();
  await vi.waitFor(() => expect(late).toEqual([expect.any(TypeError)]));
  expect(store.getState().count).toBe(1);
  expect(store.gossip.errors().map(({ cause }) => (cause as Error).message)).toEqual([
    'no',
    expect.stringContaining('asynchronous'),
  ]);
  expectTypeOf(store.gossip.errors()).toEqualTypeOf<readonly GossipError[]>();
  store.gossip.release();
  store.gossip.release();
  log.append({ action: 'up', args: [] });
  await Promise.resolve();
  expect(store.getState().count).toBe(1);
  await node.close();
});

test('[Z2] devtools and persist go beside it, typed as beside zustand’s own', async () => {
  const { node, log } = await opened();
  const kept = new Map<string, string>([['tea', JSON.stringify({ state: { count: 40, draft: 'kept' }, version: 0 })]]);
  const storage = createJSONStorage(() => ({
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => void kept.set(name, value),
    removeItem: (name) => void kept.delete(name),
  }));
  const store = createStore<{ count: number; up(by: number): void }>()(
    devtools(
      persist(
        gossip((set) => ({ count: 0, up: (by) => set(({ count }) => ({ count: count + by })) }), { log }),
        { name: 'tea', ...(storage === undefined ? {} : { storage }) },
      ),
      { enabled: false },
    ),
  );
  expect(store.persist.hasHydrated()).toBe(true);
  expect(store.getState()).toMatchObject({ count: 0, draft: 'kept' });
  store.getState().up(2);
  store.setState({ count: 1 }, false, 'by hand');
  expect(store.getState().count).toBe(2);
  expect(JSON.parse(kept.get('tea') ?? '')).toMatchObject({ state: { count: 2 } });
  expect(store.gossip.errors()).toEqual([]);
  await node.close();
});

test('[Z2] a checkpoint carries the state over a restart', async () => {
  const storage = memoryStorage();
  const start = () => createGossipNode({ storage: Object.assign(Object.create(storage), { close: async () => {} }) });
  let run = 0;
  const make = (node: GossipNode, log: LogHandle<StoreAction>) =>
    createStore<{ count: number; up(): void }>()(
      gossip(
        (set) => ({
          count: 0,
          up() {
            run++;
            set(({ count }) => ({ count: count + 1 }));
          },
        }),
        { log, checkpoint: { store: node.checkpoints('todos'), name: 'todos', version: 1 } },
      ),
    );
  const first = await opened(start());
  make(first.node, first.log);
  for (let i = 0; i < 1_500; i++) first.log.append({ action: 'up', args: [] });
  await vi.waitFor(async () => expect(await first.node.checkpoints('todos').load('todos')).toBeDefined());
  await first.node.close();

  const node = start();
  const log = node.open<StoreAction>('todos');
  const store = make(node, log);
  run = 0;
  await log.ready;
  await vi.waitFor(() => expect(store.getState().count).toBe(1_500));
  expect(run).toBeLessThan(1_000);
  await node.close();
});
