import { webSocketClient } from '@gossip-log/transport';
import { expect, test } from 'vitest';
import { connectionContract, contractBounds } from '../../../transport/src/contract.js';
import { RecordingHost } from '../../../transport/src/recording-host.js';
import { passing } from '../../test/passing.js';
import { Random } from './random.js';
import { VirtualNetwork } from './virtual-network.js';
import { VirtualClock, VirtualProcess } from './virtual-time.js';

/** A client `left` and a machine `right` that it dials. */
function machines(seed = 1) {
  const time = passing();
  const random = new Random(seed);
  const network = new VirtualNetwork(time, random);
  const clock = new VirtualClock(time);
  const process = { left: new VirtualProcess(time, clock, random), right: new VirtualProcess(time, clock, random) };
  const left = webSocketClient({
    ...contractBounds,
    url: 'ws://right/',
    WebSocket: network.webSocketOf('left', process.left),
    environment: process.left.environment,
  });
  return { time, network, process, left, right: network.listen('right', process.right, contractBounds) };
}

connectionContract('virtual network', () => {
  const { network, left, right } = machines();
  return {
    left,
    right,
    stall: () => network.block('left', 'right'),
    cut: () => network.cutAll(),
    release: () => network.unblockAll(),
  };
});

async function started() {
  const world = machines();
  const [left, right] = [new RecordingHost(), new RecordingHost()];
  world.right.start(right);
  world.left.start(left);
  return { ...world, leftHost: left, rightHost: right, a: await left.first(), b: await right.first() };
}

test('[X2] what is sent into a partition waits and arrives in order; the other way is open', async () => {
  const { network, time, leftHost, rightHost, a, b } = await started();
  network.block('left', 'right');
  a.connection.send(Uint8Array.of(1));
  a.connection.send(Uint8Array.of(2));
  b.connection.send(Uint8Array.of(3));
  await leftHost.until(() => a.frames.length === 1);
  await time.passUntil(time.nowMs + 5_000, () => {});
  expect(b.frames).toEqual([]);
  network.unblock('left', 'right');
  await rightHost.until(() => b.frames.length === 2);
  expect(b.frames).toEqual([Uint8Array.of(1), Uint8Array.of(2)]);
});

test('[X3] a process that ends is noticed at once; one that lost its power when something is sent to it', async () => {
  const told = await started();
  told.process.right.alive = false;
  told.network.processEnded(told.process.right, 'told');
  expect((await told.leftHost.ended()).code).toBe('connection-lost');

  const silent = await started();
  silent.process.right.alive = false;
  silent.network.processEnded(silent.process.right, 'silent');
  await silent.time.passUntil(silent.time.nowMs + 5_000, () => {});
  expect(silent.a.closed).toEqual([]);
  silent.a.connection.send(Uint8Array.of(1));
  expect((await silent.leftHost.ended()).code).toBe('connection-lost');
});

test('[X4] frames are lost, doubled, swapped and changed when asked for, and only as many', async () => {
  const { network, rightHost, a, b } = await started();
  const send = (...bytes: number[]) => {
    // Kind 4, events: what a peer only claims of itself is never tampered with.
    for (const byte of bytes) a.connection.send(Uint8Array.of(byte, 4));
  };
  network.tamper('left', 'right', 'lose', 1);
  send(1, 2);
  network.tamper('left', 'right', 'double', 1);
  send(3);
  send(4);
  network.tamper('left', 'right', 'swap', 1);
  send(5, 6);
  await rightHost.until(() => b.frames.length === 6);
  expect(b.frames.map(([byte]) => byte)).toEqual([2, 3, 3, 5, 4, 6]);
  network.tamper('left', 'right', 'flip', 1);
  send(0, 0);
  await rightHost.until(() => b.frames.length === 8);
  const bits = (byte = 0) => byte.toString(2).replaceAll('0', '').length;
  const flipped = ([first = 0, second = 0]: Uint8Array) => bits(first) + bits(second ^ 4);
  expect(b.frames.slice(6).map(flipped)).toEqual([1, 0]);
});
