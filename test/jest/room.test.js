import { createGossipNode, GossipProvider, memoryStorage, useGossipLog } from '@gossip-log/react';
import { act, createElement } from 'react';
import { createRoot } from 'react-dom/client';

globalThis.IS_REACT_ACT_ENVIRONMENT = true;

function Room() {
  const { status, events } = useGossipLog('room');
  return `${status}: ${events.map((event) => event.payload).join(', ')}`;
}

test('a room shows what is written', async () => {
  // jsdom has no IndexedDB.
  const node = createGossipNode({ storage: memoryStorage() });
  const log = node.open('room');
  await log.ready;
  const root = createRoot(document.body);
  await act(async () => root.render(createElement(GossipProvider, { node }, createElement(Room))));
  await act(async () => log.append('Tea? ☕'));
  expect(document.body.textContent).toBe('ready: Tea? ☕');
  await act(async () => root.unmount());
  await node.close();
});
