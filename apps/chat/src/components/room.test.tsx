import { createGossipNode, GossipProvider } from '@gossip-log/react';
import { memoryStorage } from '@gossip-log/storage/memory';
import { act, createRef } from 'react';
import { createRoot } from 'react-dom/client';
import { expect, onTestFinished, test } from 'vitest';
import type { Profile } from '../profile.js';
import { Room } from './room.js';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

const profile: Profile = { id: 'robin', name: 'Robin', color: '#0f766e' };

/** A room whose log is read from storage once `open` is called. */
function openingRoom() {
  const storage = memoryStorage();
  let open = () => {};
  const held = new Promise<void>((resolve) => {
    open = resolve;
  });
  const slow = Object.assign(Object.create(storage) as typeof storage, {
    load: (log: string) => held.then(() => storage.load(log)),
  });
  const node = createGossipNode({ storage: slow });
  const host = document.createElement('div');
  document.body.append(host);
  const root = createRoot(host);
  onTestFinished(async () => {
    act(() => root.unmount());
    host.remove();
    await node.close();
  });
  act(() =>
    root.render(
      <GossipProvider node={node}>
        <Room room="tea" profile={profile} composer={createRef()} onOpenRooms={() => {}} />
      </GossipProvider>,
    ),
  );
  const log = node.open('tea');
  return {
    open: () =>
      act(async () => {
        open();
        await log.ready;
      }),
    button: host.querySelector('.drawer-open') as HTMLElement,
    composer: host.querySelector('textarea') as HTMLElement,
  };
}

test('once a room is open, whoever waited for it can write', async () => {
  const { open, composer } = openingRoom();
  await open();
  expect(document.activeElement).toBe(composer);
});

test('who went elsewhere while a room was opening stays there', async () => {
  const { open, button } = openingRoom();
  button.focus();
  await open();
  expect(document.activeElement).toBe(button);
});
