import { expect, test } from 'vitest';
import { connectionContract, contractBounds } from './contract.js';
import { memoryPair } from './memory-pair.js';
import { RecordingHost } from './recording-host.js';

connectionContract('memory pair', () => {
  let stalled = false;
  const held: (() => void)[] = [];
  const pair = memoryPair({
    ...contractBounds,
    deliver: (task, to) => queueMicrotask(() => (stalled && to === 'right' ? void held.push(task) : task())),
  });
  const release = () => {
    stalled = false;
    for (const task of held.splice(0)) task();
  };
  return {
    left: pair.left,
    right: pair.right,
    cut: pair.cut,
    stall() {
      stalled = true;
    },
    release,
  };
});

/** A started pair whose deliveries a test makes by hand. */
function byHand() {
  const held: (() => void)[] = [];
  const pair = memoryPair({ deliver: (task) => held.push(task) });
  const left = new RecordingHost();
  const right = new RecordingHost();
  const deliverAll = () => {
    for (let task = held.shift(); task !== undefined; task = held.shift()) task();
  };
  const stops = [pair.left.start(left), pair.right.start(right)] as const;
  return { ...pair, held, left, right, deliverAll, stopLeft: stops[0] };
}

test('[N1] nothing arrives before it is delivered by hand, and a cut loses what is on its way', () => {
  const { left, right, held, cut, deliverAll } = byHand();
  expect(left.connections.length).toBe(0);
  deliverAll();
  left.connections[0]?.connection.send(Uint8Array.of(1));
  left.connections[0]?.connection.send(Uint8Array.of(2));
  held.shift()?.();
  cut();
  deliverAll();
  expect(right.connections[0]?.frames).toEqual([Uint8Array.of(1)]);
  for (const host of [left, right]) {
    expect(host.connections[0]?.closed.map(({ code }) => code)).toEqual(['connection-lost']);
    expect(host.lastStatus).toMatchObject({ state: 'waiting', retryAt: Number.POSITIVE_INFINITY });
  }
});

test('[N2] a new connection begins after the end of the last was told, when asked for at once or twice', () => {
  const { left, right, cut, reconnect, deliverAll } = byHand();
  deliverAll();
  cut();
  reconnect();
  reconnect();
  deliverAll();
  expect(left.statuses.map(({ state }) => state)).toEqual(['connecting', 'open', 'waiting', 'open']);
  expect([left.connections.length, right.connections.length]).toEqual([2, 2]);
  reconnect();
  deliverAll();
  expect(left.connections.length).toBe(2);
  left.connections[1]?.connection.send(Uint8Array.of(7));
  deliverAll();
  expect(right.connections.map(({ frames }) => frames.length)).toEqual([0, 1]);
});

test('[N2] nothing reconnects by itself, nor to a side that is stopped', async () => {
  const { left, right, reconnect, stopLeft, deliverAll } = byHand();
  deliverAll();
  right.connections[0]?.connection.close({ code: 'protocol', message: 'because' });
  deliverAll();
  expect(left.lastStatus).toMatchObject({ state: 'waiting', reason: { code: 'protocol', message: 'because' } });
  expect(left.connections.length).toBe(1);
  await stopLeft();
  reconnect();
  deliverAll();
  expect(right.connections.length).toBe(1);
});
