/** Yjs: y-indexeddb, and the hook that its users write, since it has none of its own. */
import { useSyncExternalStore } from 'react';
import { IndexeddbPersistence, storeState } from 'y-indexeddb';
import * as Y from 'yjs';
import { event, firstRows, List, last, show, write } from '../../pages/room.jsx';

const doc = new Y.Doc();
const events = doc.getArray('events');
let version = 0;

function subscribe(listener) {
  const changed = () => {
    version += 1;
    listener();
  };
  events.observe(changed);
  return () => events.unobserve(changed);
}

function Room() {
  useSyncExternalStore(subscribe, () => version);
  const first = last(events.length);
  return <List events={events.slice(first).map(({ text }, i) => ({ key: first + i, text }))} />;
}

globalThis.bench = {
  async fill(count) {
    const persistence = new IndexeddbPersistence('bench', doc);
    await persistence.whenSynced;
    // Ten writers in turns, a thousand events each.
    for (let from = 0; from < count; from += 1_000) {
      doc.clientID = 1 + ((from / 1_000) % 10);
      doc.transact(() => {
        const size = Math.min(1_000, count - from);
        events.insert(
          from,
          Array.from({ length: size }, (_, i) => event(from + i)),
        );
      });
    }
    await storeState(persistence);
    await persistence.destroy();
  },
  async open(count) {
    new IndexeddbPersistence('bench', doc);
    show(<Room />);
    return firstRows(count);
  },
  write: (messages) => write(messages, (message) => events.insert(events.length, [message])),
};
