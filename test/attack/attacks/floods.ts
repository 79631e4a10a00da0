import { encodeMessage } from '../../../packages/core/src/codec/message.js';
import type { Attack, Attacker } from '../attack.js';
import { type RawPeer, repeated, socketFrame } from '../raw-peer.js';
import { comesIn } from './newcomer.js';

/** A kind that no version knows: the relay skips it. */
const smallest = socketFrame(Uint8Array.of(0, 200, 0));

async function flood(attacker: Attacker, peers: readonly RawPeer[], seconds: number, bytes: Uint8Array) {
  await Promise.all(
    peers.map(async (peer) => {
      while (attacker.lasts(seconds) && !peer.isGone) {
        peer.write(bytes);
        await peer.drained();
      }
    }),
  );
}

const many = (attacker: Attacker, count: number, greet = true) =>
  Promise.all(Array.from({ length: count }, () => attacker.connect({ greet })));

export const smallFrames: Attack = {
  name: 'small-frames',
  rule: 'Frames are paid for by number, and not by size alone.',
  does: 'sends frames of three bytes on one connection, as fast as they go, for 5 s',
  run: async (attacker) => flood(attacker, await many(attacker, 1), 5, repeated(smallest)),
};

export const smallFramesByTwenty: Attack = {
  name: 'small-frames-20',
  rule: 'Connections of one address share what it may cost, and every peer has its turn.',
  does: 'the same on twenty connections',
  run: async (attacker) => flood(attacker, await many(attacker, 20), 5, repeated(smallest)),
};

export const fragments: Attack = {
  name: 'fragments',
  rule: 'What a message is cut into is bounded, also before hello.',
  does: 'begins a message on each of twenty connections, before hello, and goes on with it in fragments of one byte that never end',
  async run(attacker) {
    const peers = await many(attacker, 20, false);
    for (const peer of peers) peer.write(socketFrame(Uint8Array.of(0), 'binary', false));
    const fragment = repeated(socketFrame(Uint8Array.of(0), 'more', false));
    await flood(attacker, peers, 8, fragment);
    await attacker.seconds(1);
  },
};

export const slowFragments: Attack = {
  name: 'slow-fragments',
  rule: 'A peer that does not say hello, or does not end a message, does not hold a connection.',
  does: 'begins a message on each of 500 connections, before hello, and sends a byte of it each second',
  async run(attacker) {
    const peers = await many(attacker, attacker.count(500), false);
    for (const peer of peers) peer.write(socketFrame(Uint8Array.of(0), 'binary', false));
    while (attacker.lasts(15)) {
      for (const peer of peers) peer.write(socketFrame(Uint8Array.of(0), 'more', false));
      await attacker.seconds(1);
    }
  },
};

export const halfHandshakes: Attack = {
  name: 'half-handshakes',
  rule: 'An unfinished request holds a socket for a limited time, and others still get in.',
  does: 'begins 2,000 HTTP requests and finishes none',
  async run(attacker) {
    const peers = Array.from({ length: attacker.count(2_000) }, () => attacker.dial());
    for (const peer of peers) peer.write(Buffer.from(peer.upgradeHead.slice(0, 60)));
    await attacker.seconds(3);
    await attacker.hold();
  },
  during: (scene) => comesIn(scene, 'a-new-room'),
};

export const pings: Attack = {
  name: 'pings',
  rule: 'Answers that a peer asks for are paid for, those of WebSocket among them.',
  does: 'sends WebSocket pings of 100 bytes for 5 s and reads no answer',
  async run(attacker) {
    const [peer] = await many(attacker, 1);
    peer?.stopReading();
    await flood(attacker, peer === undefined ? [] : [peer], 5, repeated(socketFrame(new Uint8Array(100), 'ping')));
  },
};

export const probes: Attack = {
  name: 'probes',
  rule: 'A peer that asks and does not read is cut off before its answers fill memory.',
  does: 'asks for signs of life on twenty connections for 5 s and reads no answer',
  async run(attacker) {
    const peers = await many(attacker, 20);
    for (const peer of peers) peer.stopReading();
    const frame = socketFrame(encodeMessage({ kind: 'ping', asks: true, now: Date.now() }));
    await flood(attacker, peers, 5, repeated(frame));
  },
};
