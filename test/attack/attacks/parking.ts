import { blockOf, type Row } from '../../../packages/core/test/sample-blocks.js';
import type { Attack } from '../attack.js';
import { newWriter } from '../raw-peer.js';
import { stepsPerMs } from '../room.js';

export const parking: Attack = {
  name: 'parking',
  rule: 'What waits for events that do not come is bounded over all logs.',
  does: 'sends events that depend on events which never were, 8 MiB into each of 150 logs',
  async run(attacker) {
    const payload = `"${'x'.repeat(32 * 1024)}"`;
    const block = () => {
      const time = Date.now() * stepsPerMs;
      const ghost = { writer: newWriter(), seq: 1, time: time - stepsPerMs };
      const rows = Array.from({ length: 7 }, (_, i): Row => {
        return { writer: newWriter(), seq: 1, time: time + i, deps: [ghost], payload };
      });
      return blockOf(rows);
    };
    const megabytes = Math.max(1, attacker.count(8));
    await Promise.all(
      Array.from({ length: 3 }, async (_, i) => {
        const peer = await attacker.connect();
        for (let log = 0; log < attacker.count(50) && !peer.isGone && attacker.lasts(30); log++) {
          const name = `parked-${i}-${log}`;
          const channel = await peer.join(name);
          if (channel === undefined) return;
          for (let sent = 0; sent < megabytes * 5 && !peer.isGone && attacker.lasts(30); sent++) {
            await peer.sendEvents(channel, [block()]);
          }
        }
      }),
    );
    await attacker.seconds(1);
  },
};

/** Events that depend on a thousand others each make the relay ask everybody in the room. */
export const ghosts: Attack = {
  name: 'ghosts',
  rule: 'Members of a room are asked for little on a stranger’s word.',
  does: 'sends 12,000 small events into the honest room, each of which depends on another one that never was',
  async run(attacker) {
    const peer = await attacker.connect();
    const channel = await peer.join('honest');
    if (channel === undefined) return;
    for (let block = 0; block < attacker.count(12) && !peer.isGone; block++) {
      const time = Date.now() * stepsPerMs;
      const rows = Array.from({ length: 1_000 }, (_, i): Row => {
        const ghost = { writer: newWriter(), seq: 1, time: time - stepsPerMs };
        return { writer: newWriter(), seq: 1, time: time + i, deps: [ghost], payload: '1' };
      });
      await peer.sendEvents(channel, [blockOf(rows)]);
    }
    await attacker.seconds(3);
  },
};
