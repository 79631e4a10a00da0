import type { Run } from '@gossip-log/core';
import { encodeMessage } from '../../../packages/core/src/codec/message.js';
import type { Attack } from '../attack.js';
import { newWriter, socketFrame } from '../raw-peer.js';

const runsOf = (count: number): Run[] =>
  Array.from({ length: count }, () => ({ writer: newWriter(), first: 1, last: 9 }));

export const acks: Attack = {
  name: 'acks',
  rule: 'A durable node keeps nothing of what a peer acknowledges.',
  does: 'says that it is durable, then acknowledges 1.1 million events of writers who never were',
  async run(attacker) {
    const peer = await attacker.connect({ durable: true });
    const channel = await peer.join('acks');
    if (channel === undefined) return;
    for (let i = 0; i < attacker.count(90) && !peer.isGone; i++) {
      peer.send({ kind: 'ack', channel, node: 'by hand', runs: runsOf(12_000) });
      await peer.drained();
    }
    await attacker.seconds(1);
  },
};

export const absents: Attack = {
  name: 'absents',
  rule: 'A peer can lack only what it was asked for.',
  does: 'says in twenty large frames that it does not have events of a few writers, which it was not asked for',
  async run(attacker) {
    const peer = await attacker.connect();
    const channel = await peer.join('absents');
    if (channel === undefined) return;
    const writers = runsOf(4);
    let next = 1;
    for (let frame = 0; frame < attacker.count(20) && !peer.isGone; frame++) {
      const runs = Array.from({ length: 12_000 }, (_, i) => {
        const first = next + 2 * i;
        return { ...(writers[i % 4] as Run), first, last: first };
      });
      next += 24_000;
      peer.sendBytes(encodeMessage({ kind: 'absent', channel, runs }));
      await peer.drained();
    }
    await attacker.seconds(1);
  },
};

/** Beside `acks`: frames that say nothing, as many as fit into the same bytes. */
export const emptyRuns: Attack = {
  name: 'empty-runs',
  rule: 'A frame that asks for nothing is work all the same, and is paid for.',
  does: 'sends `want` frames without a run, as fast as they go',
  async run(attacker) {
    const peer = await attacker.connect();
    const channel = await peer.join('empty');
    if (channel === undefined) return;
    const frame = socketFrame(encodeMessage({ kind: 'want', channel, runs: [] }));
    const many = Buffer.concat(Array.from({ length: 4_000 }, () => frame));
    while (attacker.lasts(5) && !peer.isGone) {
      peer.write(many);
      await peer.drained();
    }
  },
};
