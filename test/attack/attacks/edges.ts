import { blockOf } from '../../../packages/core/test/sample-blocks.js';
import type { Attack, Scene } from '../attack.js';
import { newWriter } from '../raw-peer.js';
import { stepsPerMs } from '../room.js';

/** A user with a window, who was never there, must see what the room holds. */
async function seesHistory(scene: Scene, when: string) {
  const handle = scene.newcomer().open(scene.room.log, { window: { last: 50 } });
  await handle.ready;
  await scene.eventually(() => handle.snapshot().length >= 50);
  scene.expect(`a newcomer sees the history ${when}`, handle.snapshot().length >= 50);
}

export const ghostEdge: Attack = {
  name: 'ghost-edge',
  rule: 'What a peer says of its own edges changes what it is sent, never what the relay keeps or tells others.',
  does: 'says that it holds the log from the next second on, sends an event that depends on one that never was, and answers that it does not have that one',
  isOpen: true,
  room: { events: 2_000, writers: 10 },
  async run(attacker) {
    const { log } = attacker.room;
    const peer = await attacker.connect();
    const now = Date.now() * stepsPerMs;
    const channel = await peer.join(log, { edges: { wanted: 0, complete: now + 1000 * stepsPerMs } });
    if (channel === undefined) return;
    const ghost = { writer: newWriter(), seq: 1, time: now - 1000 * stepsPerMs };
    await peer.sendEvents(channel, [
      blockOf([{ writer: newWriter(), seq: 1, time: now, deps: [ghost], payload: '"boo"' }]),
    ]);
    const asked = await peer.message('want');
    if (asked !== undefined) peer.send({ kind: 'absent', channel, runs: asked.runs });
    await attacker.seconds(1);
    await attacker.hold();
  },
  during: (scene) => seesHistory(scene, 'while it is there'),
  async after(scene) {
    await seesHistory(scene, 'after it has left');
    await scene.restart();
    await seesHistory(scene, 'after the relay has started again');
  },
};
