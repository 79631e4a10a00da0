/** A page with a store that is a log, for `test/e2e/stores.test.ts`. `?relay=` says where it syncs. */
import { createStore } from 'zustand/vanilla';
import { createGossipNode, gossip, indexedDbStorage, type StoreAction, webSocketClient } from '../src/index.js';

export interface Todos {
  readonly title: string;
  readonly texts: readonly string[];
  rename(title: string): void;
  add(text: string): void;
  remove(text: string): void;
}

const url = new URL(location.href).searchParams.get('relay') ?? '';
const node = createGossipNode({
  storage: indexedDbStorage({ name: 'todos' }),
  connections: [webSocketClient({ url })],
});
const log = node.open<StoreAction>('todos');
const store = createStore<Todos>()(
  gossip(
    (set) => ({
      title: '',
      texts: [],
      rename: (title) => set({ title }),
      add: (text) => set(({ texts }) => ({ texts: [...texts, text] })),
      remove: (text) => set(({ texts }) => ({ texts: texts.filter((other) => other !== text) })),
    }),
    { log },
  ),
);
const page = { node, log, store };
export type TodosPage = typeof page;

await log.ready;
Object.assign(globalThis, page);
