/** Of much that a peer lacks it is sent the newest (S22), whatever crosses and wherever the connection is cut. */
import { expect, test } from 'vitest';
import { log } from '../../test/session-rig.js';
import { TestNode, Wire } from '../../test/two-sessions.js';
import { decodeMessage, encodeMessage } from '../codec/message.js';
import { type WriterId, writerIdFromBytes } from '../index.js';
import { frameBytesTarget } from '../limits.js';
import { ReplicatedLog } from './index.js';

const writer = (byte: number): WriterId => writerIdFromBytes(new Uint8Array(16).fill(byte));
const numbers = (from: number, to: number) => Array.from({ length: Math.ceil(to - from) }, (_, i) => from + i);

function payloads(node: TestNode): unknown[] {
  return node
    .host(log)
    .log.snapshot()
    .map((event) => Number.parseInt(String(event.payload), 10) || event.payload);
}

/**
 * At the right node `missed` events have been written since the left one was there: the first half by others, who have
 * written nothing since. The left one has written one.
 */
function longAway(missed: number, catchUpEventsMax: number | undefined, sizeOf: (n: number) => string = () => '') {
  const clock = { ms: 1_700_000_000_000 };
  const now = () => clock.ms;
  const limit = catchUpEventsMax === undefined ? {} : { catchUpEventsMax };
  const left = new TestNode({ writer: writer(1), durable: false, ...limit }, now);
  const right = new TestNode({ writer: writer(2), durable: true }, now);
  const wire = new Wire(left, right);
  const write = (node: TestNode, written: readonly unknown[]) => {
    for (const payload of written) {
      clock.ms++;
      node.append(log, payload);
    }
    node.store(log);
  };
  left.attach(log);
  write(right, numbers(0, 5));
  wire.connect();
  wire.settle();
  wire.cut();
  write(left, ['mine']);
  const elsewhere = (n: number) =>
    new ReplicatedLog({ id: log, writer: writer(n), now }, { freshWriter: () => writer(9) });
  const others = [elsewhere(3), elsewhere(4)];
  for (const n of numbers(5, 5 + missed / 2)) {
    clock.ms++;
    others[n % 2]?.append(`${n}${sizeOf(n)}`);
  }
  const hosted = right.host(log);
  for (const other of others)
    hosted.queue.push(...hosted.log.receive(other.takeUnflushed().map(({ block }) => block)).entries);
  const own = numbers(5, 5 + missed).slice(Math.ceil(missed / 2));
  write(
    right,
    own.map((n) => `${n}${sizeOf(n)}`),
  );
  return { wire, left, right, write, clock };
}

const sentBy = (node: TestNode) => node.outbox.map((frame) => decodeMessage(frame).kind);

test('[S22] [K2] more is missing than is wanted: the newest is sent, and where it begins is said before', () => {
  const { wire, left, right, write } = longAway(100, 10);
  left.connect();
  right.connect();
  const kinds: string[] = [];
  for (;;) {
    const before = right.outbox.length;
    if (!wire.step()) break;
    if (right.outbox.length > before) kinds.push(...sentBy(right).slice(before));
  }
  expect(kinds.filter((kind) => kind === 'cut' || kind === 'events')).toEqual(['cut', 'events']);
  expect(payloads(left)).toEqual([...numbers(0, 5), 'mine', ...numbers(95, 105)]);
  expect(payloads(right)).toEqual([...numbers(0, 5), 'mine', ...numbers(5, 105)]);
  const { wanted, complete } = left.host(log).log.edges;
  expect(complete).toBe(wanted);
  expect(complete).toBeGreaterThan(0);
  // What is new comes as ever.
  write(right, ['new']);
  wire.settle();
  expect(payloads(left).at(-1)).toBe('new');
});

test('[S22] where no more is missing than is wanted nothing is left out', () => {
  for (const missed of [0, 9, 10]) {
    const { wire, left } = longAway(missed, 10);
    wire.connect();
    wire.settle();
    expect(left.outputs.some(({ type }) => type === 'cut')).toBe(false);
    expect(payloads(left)).toEqual([...numbers(0, 5), 'mine', ...numbers(5, 5 + missed)]);
    expect(left.host(log).log.edges.complete).toBe(0);
  }
});

test('[S22] [S5] [S7] also where comparisons cross, and whenever the log is described anew', () => {
  for (let moment = 0, isOver = false; !isOver; moment++) {
    const { wire, left, right } = longAway(60, 10);
    right.attach(log);
    wire.connect();
    for (let step = 0; step < moment; step++) isOver ||= !wire.step();
    for (const node of wire.nodes) node.input({ type: 'describe', log, now: node.trueNow() });
    wire.settle();
    const newest = payloads(left).slice(6);
    expect(payloads(left).slice(0, 6)).toEqual([...numbers(0, 5), 'mine']);
    expect(newest).toEqual(numbers(65 - newest.length, 65));
    expect(newest.length).toBe(10);
    expect(payloads(right)).toEqual([...numbers(0, 5), 'mine', ...numbers(5, 65)]);
  }
});

test('[S22] [S8] what takes several frames is the newest all the same', () => {
  const { wire, left, right } = longAway(60, 10, () => 'x'.repeat(frameBytesTarget / 4));
  wire.connect();
  wire.settle();
  expect(
    right.outputs.filter((output) => output.type === 'request' && output.effect.kind === 'read').length,
  ).toBeGreaterThan(2);
  expect(payloads(left)).toEqual([...numbers(0, 5), 'mine', ...numbers(55, 65)]);
});

test('[S22] each comparison that the peer begins is looked at by itself', () => {
  const { wire, left, right, clock } = longAway(60, 10);
  wire.connect();
  wire.settle();
  // The session is not told of these: a push was lost.
  const { log: there } = right.host(log);
  for (const n of numbers(65, 125)) {
    clock.ms++;
    there.append(`${n}`);
  }
  there.markStored(there.takeUnflushed());
  left.input({ type: 'describe', log, now: left.trueNow() });
  wire.settle();
  expect(payloads(left)).toEqual([...numbers(0, 5), 'mine', ...numbers(55, 65), ...numbers(115, 125)]);
});

test('[S22] [L4] wherever the connection is cut, what was here stays, what was written here goes out, and nothing is missing above the edge', () => {
  for (let moment = 0, isOver = false; !isOver; moment++) {
    const { wire, left, right, write } = longAway(60, 10);
    wire.connect();
    for (let step = 0; step < moment; step++) isOver ||= !wire.step();
    left.store(log);
    wire.cut();
    write(right, numbers(65, 70));
    wire.connect();
    wire.settle();
    const newest = payloads(left).slice(6);
    expect(payloads(left).slice(0, 6)).toEqual([...numbers(0, 5), 'mine']);
    expect(newest.slice(-10)).toEqual(numbers(60, 70));
    expect(newest.length).toBeLessThanOrEqual(20);
    expect(payloads(right)).toEqual([...numbers(0, 5), 'mine', ...numbers(5, 70)]);
    const shown = [...left.host(log).log.snapshot()];
    const { complete } = left.host(log).log.edges;
    const above = shown
      .filter(({ clock }) => clock >= complete)
      .map(({ payload }) => Number.parseInt(String(payload), 10));
    expect(above).toEqual(numbers(70 - above.length, 70));
  }
});

test('[S22] [L6] a `cut` that nobody asked for counts for nothing, and makes this node say nothing', () => {
  for (const catchUpEventsMax of [undefined, 10]) {
    const { wire, left } = longAway(1, catchUpEventsMax);
    wire.connect();
    wire.settle();
    const before = left.outputs.length;
    for (let i = 1; i <= 50; i++) left.receive(encodeMessage({ kind: 'cut', channel: 1, time: 9_000_000_000_000 + i }));
    wire.settle();
    const isAsked = catchUpEventsMax !== undefined;
    expect(left.outputs.slice(before).some(({ type }) => type === 'cut')).toBe(isAsked);
    expect(left.outputs.slice(before).some(({ type }) => type === 'send')).toBe(isAsked);
    expect(left.host(log).log.edges.complete > 0).toBe(isAsked);
  }
});

test('[S22] [S14] a peer that may not write here leaves nothing out', () => {
  const { wire, left } = longAway(1, 10);
  left.mayWrite = false;
  wire.connect();
  wire.settle();
  left.receive(encodeMessage({ kind: 'cut', channel: 1, time: 9_000_000_000_000 }));
  expect(left.outputs.some(({ type }) => type === 'cut')).toBe(false);
});
