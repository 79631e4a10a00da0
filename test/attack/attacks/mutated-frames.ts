import { mulberry32 } from '../../../packages/core/test/message-generator.js';
import type { Attack } from '../attack.js';
import { Mutator } from '../mutation.js';
import { recordSessions, SeededEnvironment } from '../recording.js';

export const mutatedFrames: Attack = {
  name: 'mutated-frames',
  rule: 'Bytes from outside end one session, never the process, and never change another log.',
  does: 'replays recorded sessions on four connections for 10 s, every second frame changed, and dials again when it is cut off',
  room: { events: 2_000, writers: 10 },
  async run(attacker) {
    const random = mulberry32(7);
    const recordings = await recordSessions(new SeededEnvironment(random));
    const sessions = recordings.filter(({ at }) => at === 'relay').map(({ frames }) => frames);
    const mutator = new Mutator(random);
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        while (attacker.lasts(10)) {
          const frames = sessions[mutator.below(sessions.length)] ?? [];
          const from = mutator.below(frames.length);
          const peer = await attacker.connect({ greet: false });
          for (const [i, frame] of frames.entries()) {
            if (peer.isGone) break;
            const isChanged = i >= from && mutator.below(2) === 0;
            peer.sendBytes(isChanged ? mutator.changed(frame) : frame);
            if (i >= from && mutator.below(2) === 0) peer.sendBytes(mutator.invented());
          }
          await peer.drained();
          // What it is told is on its way.
          await attacker.seconds(0.02);
          peer.end();
        }
      }),
    );
  },
  async after(scene) {
    const handle = scene.newcomer().open(scene.room.log);
    await handle.ready;
    await scene.eventually(() => handle.snapshot().length >= scene.room.events);
    scene.expect('a newcomer sees all of another room', handle.snapshot().length === scene.room.events);
  },
};
