import type { Attack } from '../attack.js';
import type { RawPeer } from '../raw-peer.js';
import { comesIn } from './newcomer.js';

export const slots: Attack = {
  name: 'slots',
  rule: 'One peer takes a share of the open logs, and a refusal is told to user and operator.',
  does: 'opens 12,000 logs from three connections and keeps them open',
  async run(attacker) {
    const peers: RawPeer[] = [];
    for (let i = 0; i < 3; i++) {
      const peer = await attacker.connect();
      peers.push(peer);
      for (let log = 0; log < attacker.count(4_000) && !peer.isGone; log++) peer.open(`slot-${i}-${log}`);
      await peer.drained();
    }
    await attacker.seconds(3);
    await attacker.hold();
  },
  during: (scene) => comesIn(scene, 'a-new-room'),
  after: (scene) => comesIn(scene, 'another-room'),
};

export const connections: Attack = {
  name: 'connections',
  rule: 'One address takes a share of the connections.',
  does: 'connects as often as the relay takes connections (100 here), and stays',
  relay: { connectionsMax: 100 },
  async run(attacker) {
    await Promise.all(Array.from({ length: 120 }, () => attacker.connect()));
    await attacker.seconds(1);
    await attacker.hold();
  },
  during: (scene) => comesIn(scene, 'a-new-room'),
  after: (scene) => comesIn(scene, 'another-room'),
};

export const openAndClose: Attack = {
  name: 'open-close',
  rule: 'Opening and closing a log costs what it costs the first time, and leaves nothing.',
  does: 'opens and closes one log 20,000 times',
  room: { events: 2_000, writers: 10 },
  async run(attacker) {
    const peer = await attacker.connect();
    for (let i = 0; i < attacker.count(20_000) && !peer.isGone && attacker.lasts(20); i++) {
      peer.open(attacker.room.log);
      // Numbers are given in turn. Where one of them is skipped, the close is skipped too.
      peer.send({ kind: 'close', channel: i + 1, reason: { code: 'normal', message: '' } });
      if (i % 100 === 0) await peer.drained();
    }
    await attacker.seconds(1);
  },
};

/** How much of resident memory a thousand peers take that say hello and stay. */
export const thousandPeers: Attack = {
  name: 'thousand-peers',
  rule: 'A connection costs little before it has done anything.',
  does: 'connects 1,000 times, opens a log of its own from each connection, and stays',
  async run(attacker) {
    for (let from = 0; from < attacker.count(1_000); from += 50) {
      await Promise.all(
        Array.from({ length: 50 }, async (_, i) => {
          const peer = await attacker.connect();
          peer.open(`room-${from + i}`);
          await peer.drained();
        }),
      );
    }
    await attacker.seconds(2);
    await attacker.hold();
  },
};
