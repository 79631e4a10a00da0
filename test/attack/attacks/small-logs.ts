import { blockOf } from '../../../packages/core/test/sample-blocks.js';
import type { Attack } from '../attack.js';
import { newWriter } from '../raw-peer.js';
import { stepsPerMs } from '../room.js';

export const smallLogs: Attack = {
  name: 'small-logs',
  rule: 'What one account may store is bounded, also in logs that stay closed.',
  does: 'stores one event in each of 20,000 logs and leaves them',
  aims: [{ name: 'left on the disk, MiB', max: 4, of: ({ diskGrowth }) => diskGrowth / (1024 * 1024) }],
  async run(attacker) {
    const peer = await attacker.connect();
    const logs = attacker.count(20_000);
    for (let i = 0; i < logs && !peer.isGone && attacker.lasts(25); i++) {
      const log = `small-${i}`;
      peer.open(log);
      // The relay numbers in turn. It grants logs one after another, so what follows waits for the grant.
      const time = Date.now() * stepsPerMs;
      await peer.sendEvents(i + 1, [blockOf([{ writer: newWriter(), seq: 1, time, payload: '1' }])]);
      if (i % 50 < 49) continue;
      await peer.numberOf(log);
      await attacker.seconds(0.02);
      for (let number = i - 48; number <= i + 1; number++) {
        peer.send({ kind: 'close', channel: number, reason: { code: 'normal', message: '' } });
      }
    }
    await attacker.seconds(1);
  },
};
