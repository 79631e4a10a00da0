import { limits, type Run } from '@gossip-log/core';
import { encodeMessage } from '../../../packages/core/src/codec/message.js';
import type { Aim, Attack } from '../attack.js';
import { newWriter, socketFrame } from '../raw-peer.js';

const mebibyte = 1024 * 1024;
/** A newcomer who reads the whole room is sent that much. */
const bytesOut = (max: number): Aim => ({
  name: 'sent by the relay, MiB',
  max,
  of: (report) => report.bytesOut / mebibyte,
});

export const catchUpAgain: Attack = {
  name: 'catch-up-again',
  rule: 'Bytes that go out to a peer are paid for by it, however it asks.',
  does: 'opens a room of 300,000 events 100 times, each time for its newest 10,000, and grants credit for all of it',
  room: { events: 300_000, writers: 100 },
  aims: [bytesOut(16)],
  async run(attacker) {
    const { log } = attacker.room;
    const peer = await attacker.connect();
    for (let i = 0; i < attacker.count(100) && !peer.isGone && attacker.lasts(20); i++) {
      peer.open(log, { channel: i + 1, edges: { wanted: 0, complete: 0, catchUpEventsMax: 10_000 } });
      peer.send({ kind: 'credit', bytes: limits.creditBytesMax });
      await attacker.seconds(0.1);
    }
    await attacker.seconds(2);
  },
};

export const wants: Attack = {
  name: 'wants',
  rule: 'Every answer to a `want` is bound by credit and paid for.',
  does: 'asks 200 times for 12,000 runs: half of them the room’s, again and again, half of writers who never were',
  room: { events: 300_000, writers: 1_000 },
  aims: [bytesOut(64)],
  async run(attacker) {
    const { room } = attacker;
    const peer = await attacker.connect();
    const channel = await peer.join(room.log);
    if (channel === undefined) return;
    const ghosts: Run[] = Array.from({ length: 6_000 }, () => ({ writer: newWriter(), first: 1, last: 100 }));
    const known: Run[] = Array.from({ length: 6_000 }, (_, i) => {
      return { writer: room.writerOf(i), first: 1, last: Math.floor(room.events / room.writers) };
    });
    const frame = socketFrame(encodeMessage({ kind: 'want', channel, runs: [...known, ...ghosts] }));
    for (let i = 0; i < attacker.count(200) && !peer.isGone && attacker.lasts(20); i++) {
      peer.write(frame);
      peer.send({ kind: 'credit', bytes: limits.creditBytesMax });
      await peer.drained();
    }
    await attacker.seconds(2);
  },
};

export const readsNothing: Attack = {
  name: 'reads-nothing',
  rule: 'A peer that does not read is cut off, and what waits for it is bounded.',
  does: 'asks on each of twenty connections for events that no node has, 100 times 12,000 runs, and reads no answer',
  async run(attacker) {
    const runs: Run[] = Array.from({ length: 12_000 }, () => ({ writer: newWriter(), first: 1, last: 100 }));
    await Promise.all(
      Array.from({ length: attacker.count(20) }, async () => {
        const peer = await attacker.connect();
        const channel = await peer.join('unread');
        if (channel === undefined) return;
        peer.stopReading();
        const frame = socketFrame(encodeMessage({ kind: 'want', channel, runs }));
        for (let i = 0; i < attacker.count(100) && !peer.isGone && attacker.lasts(15); i++) {
          peer.write(frame);
          await peer.drained();
        }
      }),
    );
    await attacker.seconds(1);
  },
};
