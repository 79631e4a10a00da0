import type { Scene } from '../attack.js';

/** A user who comes while others are at it, to a room that is new: served, or told why not. */
export async function comesIn(scene: Scene, room: string) {
  const node = scene.newcomer();
  const handle = node.open(room);
  await handle.ready;
  const { id } = handle.append('Is anybody there?');
  const isServed = () => handle.delivery(id).state === 'relayed';
  const isTold = () =>
    handle.error !== undefined || node.connection().reason !== undefined || handle.delivery(id).state === 'rejected';
  await scene.eventually(isServed);
  scene.expect('a newcomer is served', isServed());
  if (!isServed()) scene.expect('a newcomer is told why not', isTold());
}
