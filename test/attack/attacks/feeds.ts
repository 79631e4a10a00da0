import { encodeMessage } from '../../../packages/core/src/codec/message.js';
import { endOfTime } from '../../../packages/core/src/range.js';
import type { Attack } from '../attack.js';
import { newWriter } from '../raw-peer.js';

export const feeds: Attack = {
  name: 'feeds',
  rule: 'Reading for a feed is paid for by the one who reads, and skips what cannot match.',
  does: 'asks for 64 feeds of writers who never wrote, in a room of 300,000 events, ends them and asks again',
  room: { events: 300_000, writers: 1_000 },
  async run(attacker) {
    const descriptor = { id: attacker.room.log, policy: 'unsigned', codec: 'json' } as const;
    const peer = await attacker.connect();
    let channel = 1;
    for (let round = 0; round < attacker.count(10) && !peer.isGone && attacker.lasts(10); round++) {
      for (let i = 0; i < 64; i++, channel++) {
        const filter = { from: 0, until: endOfTime, writers: [newWriter()] };
        peer.sendBytes(encodeMessage({ kind: 'feed', channel, descriptor, token: undefined, filter, after: [] }));
      }
      await attacker.seconds(1);
      for (let i = channel - 64; i < channel; i++) peer.send({ kind: 'pull', channel: i, bytes: 0 });
    }
    await peer.drained();
  },
};
