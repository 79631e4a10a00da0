import { encodeMessage } from '../../../packages/core/src/codec/message.js';
import { blockOf, type Row, redactionOf } from '../../../packages/core/test/sample-blocks.js';
import type { Aim, Attack } from '../attack.js';
import { newWriter, socketFrame } from '../raw-peer.js';
import { stepsPerMs } from '../room.js';

/** A service that looks people up in a database. */
const authorizeMs = 2_000;
const fewAtOnce: Aim = { name: 'calls of authorize at once', max: 32, of: ({ authorizing }) => authorizing };

export const manyOpens: Attack = {
  name: 'authorize-opens',
  rule: 'A connection starts a few calls of `authorize` at a time.',
  does: 'opens 4,000 logs at once where `authorize` takes 2 s',
  relay: { authorizeMs },
  aims: [fewAtOnce],
  async run(attacker) {
    const peer = await attacker.connect();
    for (let i = 0; i < attacker.count(4_000) && !peer.isGone; i++) peer.open(`asked-${i}`);
    await peer.drained();
    await attacker.seconds(6);
  },
};

export const framesBeforeGrant: Attack = {
  name: 'authorize-frames',
  rule: 'What waits for `authorize` is bounded by number, and kept without looking at all of it for each frame.',
  does: 'opens a log where `authorize` takes 2 s, and sends 200,000 `want` frames of it meanwhile',
  relay: { authorizeMs },
  aims: [fewAtOnce],
  async run(attacker) {
    const peer = await attacker.connect();
    peer.open('asked');
    const frame = socketFrame(encodeMessage({ kind: 'want', channel: 1, runs: [] }));
    const many = Buffer.concat(Array.from({ length: 5_000 }, () => frame));
    for (let i = 0; i < attacker.count(40) && !peer.isGone; i++) {
      peer.write(many);
      await peer.drained();
    }
    await attacker.seconds(5);
  },
};

export const manyRedactions: Attack = {
  name: 'authorize-redactions',
  rule: 'The right to redact is asked for once in a while, not for each redaction.',
  does: 'sends 200 events and their redactions into each of 20 logs where `authorize` takes 2 s',
  relay: { authorizeMs },
  aims: [fewAtOnce],
  async run(attacker) {
    const peer = await attacker.connect();
    await Promise.all(
      Array.from({ length: attacker.count(20) }, async (_, log) => {
        const name = `redacted-${log}`;
        const channel = await peer.join(name);
        if (channel === undefined) return;
        for (let i = 0; i < 200 && !peer.isGone; i++) await peer.sendEvents(channel, [redactedPair(i)]);
      }),
    );
    await attacker.seconds(5);
  },
};

/** An event, and at once its redaction by another writer. */
export function redactedPair(i: number, atOnce = false): Uint8Array {
  const time = (Date.now() - 10_000 + i) * stepsPerMs;
  const event: Row = { writer: newWriter(), seq: 1, time, payload: '"said and taken back"' };
  const redaction = redactionOf(event, { writer: newWriter(), seq: 1, deps: [event] }, { atOnce });
  return blockOf([event, redaction]);
}
