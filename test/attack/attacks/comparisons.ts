import { encodeMessage } from '../../../packages/core/src/codec/message.js';
import { endOfTime } from '../../../packages/core/src/range.js';
import type { Attack } from '../attack.js';
import { socketFrame } from '../raw-peer.js';
import { redactedPair } from './authorize.js';

export const sums: Attack = {
  name: 'sums',
  rule: 'A log is summed up for a peer once in a while.',
  does: 'tells 50,000 sums of a room of 300,000 events, up to ever new times',
  room: { events: 300_000, writers: 100 },
  async run(attacker) {
    const { room } = attacker;
    const peer = await attacker.connect();
    const channel = await peer.join(room.log);
    if (channel === undefined) return;
    // A sum counts when nothing was heard of the log for a while.
    await attacker.seconds(11);
    for (let i = 0; i < attacker.count(500) && !peer.isGone && attacker.lasts(20); i++) {
      const frames = Array.from({ length: 100 }, (_, j) => {
        const upTo = room.timeOf((i * 100 + j) * 6);
        return socketFrame(encodeMessage({ kind: 'sums', channel, upTo, count: 7, sum: new Uint32Array(4) }));
      });
      peer.write(Buffer.concat(frames));
      await peer.drained();
    }
    await attacker.seconds(1);
  },
};

export const ranges: Attack = {
  name: 'ranges',
  rule: 'Comparisons cost what comparing a log may cost, however many a peer begins.',
  does: 'begins comparisons of a room of 300,000 events, each with 1,000 spans that all differ, and answers nothing',
  room: { events: 300_000, writers: 100 },
  async run(attacker) {
    const { room } = attacker;
    const spans = Array.from({ length: 1_000 }, (_, i) => {
      const at = (part: number) => room.timeOf(Math.floor((part * (room.events - 1)) / 1_000)) + 1;
      const to = i === 999 ? endOfTime : at(i + 1);
      return { kind: 'fingerprint', from: at(i), to, count: 1, sum: new Uint32Array(4) } as const;
    });
    const peer = await attacker.connect();
    for (let i = 0; i < attacker.count(200) && !peer.isGone && attacker.lasts(15); i++) {
      peer.open(room.log, { channel: i + 1, ranges: spans });
      await peer.drained();
    }
    await attacker.seconds(2);
  },
};

export const redactions: Attack = {
  name: 'redactions',
  rule: 'Erasing from disks waits its turn, however many redactions ask for it at once.',
  does: 'sends 2,000 events and their redactions, each of which asks to be erased from disks at once',
  async run(attacker) {
    const peer = await attacker.connect();
    const channel = await peer.join('erased');
    if (channel === undefined) return;
    for (let i = 0; i < attacker.count(2_000) && !peer.isGone && attacker.lasts(15); i++) {
      await peer.sendEvents(channel, [redactedPair(i, true)]);
    }
    await attacker.seconds(2);
  },
};
