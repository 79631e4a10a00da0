/** gossip-log: IndexedDB and its hook. */
import { createGossipNode, GossipProvider, indexedDbStorage, useGossipLog } from '@gossip-log/react';
import { type ChatEvent, event, firstRows, List, last, show, write } from './room.jsx';

const id = 'bench';
const storage = () => indexedDbStorage({ name: 'bench' });
let append: (event: ChatEvent) => unknown = () => {};

function Room() {
  const log = useGossipLog<ChatEvent>(id);
  append = log.append;
  if (log.status !== 'ready') return <p>{log.status}</p>;
  const { events } = log;
  return (
    <List events={events.slice(last(events.length)).map(({ id: key, payload }) => ({ key, text: payload.text }))} />
  );
}

Object.assign(globalThis, {
  bench: {
    async fill(count: number) {
      const node = createGossipNode({ storage: storage() });
      const handle = node.open<ChatEvent>(id);
      await handle.ready;
      for (let i = 0; i < count; i++) {
        const appended = handle.append(event(i));
        if (i % 10_000 === 0) await handle.delivered(appended);
      }
      await node.close();
    },
    async open(count: number) {
      const options = () => ({ storage: storage() });
      show(
        <GossipProvider options={options}>
          <Room />
        </GossipProvider>,
      );
      return firstRows(count);
    },
    write: (messages: number) => write(messages, (message) => append(message)),
  },
});
