/** Two sessions, one of which knows of hidden events (J4). */
import { expect, test } from 'vitest';
import { TestNode, Wire } from '../../test/two-sessions.js';
import { decodeMessage } from '../codec/message.js';
import { type ReplicaId, replicaIdFromBytes, type Truncation } from '../index.js';
import { idleCompareMs, idleSpareMs } from '../limits.js';

const log = 'tea';
const [leftId, rightId] = [1, 2].map((byte) => replicaIdFromBytes(new Uint8Array(16).fill(byte))) as [
  ReplicaId,
  ReplicaId,
];
const hidden: Truncation[] = [{ replica: leftId, from: 3, reason: 'withdrawn' }];

function pair() {
  let nowMs = 1_800_000_000_000;
  const left = new TestNode({ replica: leftId, durable: false }, () => nowMs);
  const right = new TestNode({ replica: rightId, durable: true }, () => nowMs);
  const wire = new Wire(left, right);
  for (let i = 1; i <= 5; i++) left.append(log, i);
  left.attach(log);
  left.store(log);
  right.attach(log);
  const rest = () => {
    for (let at = 0; at < idleCompareMs * 2; at += idleSpareMs) {
      nowMs += idleSpareMs;
      for (const node of wire.nodes) node.tick();
      wire.settle();
    }
  };
  return { wire, left, right, rest };
}

const payloads = (node: TestNode) =>
  node
    .host(log)
    .log.snapshot()
    .map(({ payload }) => payload);
const sent = (node: TestNode, kind: string) =>
  node.outputs.filter((output) => output.type === 'send' && decodeMessage(output.frame).kind === kind).length;

test('[J4] a table is told before the log is opened: what is hidden does not come, or goes at once', () => {
  for (const had of [false, true]) {
    const { wire, left, right, rest } = pair();
    if (had) {
      wire.connect();
      wire.settle();
      expect(payloads(right)).toEqual([1, 2, 3, 4, 5]);
      wire.cut();
    }
    left.hide(log, hidden);
    left.append(log, 'after');
    left.store(log);
    wire.connect();
    const kinds: string[] = [];
    while (left.outbox.length > 0 || left.asked.length > 0 || right.outbox.length > 0 || right.asked.length > 0) {
      kinds.push(...left.outbox.map((frame) => decodeMessage(frame).kind));
      if (left.asked.length > 0) left.answer(0);
      else if (right.asked.length > 0) right.answer(0);
      else if (!wire.deliver(left)) wire.deliver(right);
    }
    expect(kinds.indexOf('truncations')).toBeLessThan(kinds.indexOf('open'));
    expect(right.host(log).log.truncations).toEqual(hidden);
    for (const node of wire.nodes) expect(payloads(node)).toEqual([1, 2, 'after']);
    expect(right.host(log).log.parked).toBe(0);
    // Nothing differs any more.
    const compared = sent(right, 'ranges') + sent(left, 'ranges');
    rest();
    expect(sent(left, 'sums')).toBeGreaterThan(0);
    expect(sent(right, 'ranges') + sent(left, 'ranges')).toBe(compared);
  }
});

test('[J4] a table that grows is told at once, to the peer that does not know it', () => {
  const { wire, left, right } = pair();
  wire.connect();
  wire.settle();
  left.hide(log, hidden);
  wire.settle();
  expect(payloads(right)).toEqual([1, 2]);
  expect([sent(left, 'truncations'), sent(right, 'truncations')]).toEqual([1, 1]);
  right.hide(log, [{ replica: leftId, from: 2, reason: 'withdrawn' }]);
  right.append(log, 'after');
  right.store(log);
  wire.settle();
  for (const node of wire.nodes) expect(payloads(node)).toEqual([1, 'after']);
});

test('[J4] [S14] who may not write hides nothing', () => {
  const { wire, left, right } = pair();
  wire.connect();
  wire.settle();
  wire.cut();
  right.mayWrite = false;
  left.hide(log, hidden);
  wire.connect();
  wire.settle();
  left.hide(log, [{ replica: leftId, from: 1, reason: 'withdrawn' }]);
  wire.settle();
  expect(payloads(right)).toEqual([1, 2, 3, 4, 5]);
  expect(right.session?.state).toBe('established');
});

test('[J2] [S3] a peer that knows no tables sends what is hidden in vain, and no more than comparisons do', () => {
  const { wire, left, right, rest } = pair();
  wire.connect();
  wire.settle();
  wire.cut();
  left.hide(log, hidden);
  left.append(log, 'after');
  left.store(log);
  // It skips the frame.
  const receive = right.receive.bind(right);
  right.receive = (bytes) => {
    if (decodeMessage(bytes).kind !== 'truncations') receive(bytes);
  };
  wire.connect();
  wire.settle();
  expect(payloads(left)).toEqual([1, 2, 'after']);
  expect(payloads(right)).toEqual([1, 2, 3, 4, 5, 'after']);
  const before = sent(right, 'events');
  for (let i = 0; i < 10; i++) rest();
  expect(sent(right, 'events')).toBeLessThanOrEqual(before + 10);
  expect(payloads(left)).toEqual([1, 2, 'after']);
  for (const node of wire.nodes) {
    expect(node.session?.state).toBe('established');
    expect(node.host(log).log.parked).toBe(0);
  }
});
