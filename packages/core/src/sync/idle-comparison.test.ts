/** Logs at rest: sums now and then, and what slipped through comes back whatever it was. */
import { expect, test, vi } from 'vitest';
import { readNow } from '../../test/read-now.js';
import { log, rigIn } from '../../test/session-rig.js';
import { TestNode, Wire } from '../../test/two-sessions.js';
import { decodeMessage, type Message } from '../codec/message.js';
import { type WriterId, writerIdFromBytes } from '../ids.js';
import { heartbeatMs, idleCompareMs, idleCompareMsMax, idleRowsMax, timeMax } from '../limits.js';
import { OrderedLog } from '../log/ordered-log.js';
import { ReplicatedLog } from './index.js';

const writer = (byte: number, second = 0): WriterId =>
  writerIdFromBytes(Uint8Array.from({ length: 16 }, (_, i) => (i === 0 ? byte : i === 1 ? second : 0)));

const startMs = 1_700_000_000_000;

function pair() {
  const clock = { ms: startMs + 60_000 };
  const now = () => clock.ms;
  const left = new TestNode({ writer: writer(1), durable: false }, now);
  const right = new TestNode({ writer: writer(2), durable: true }, now);
  return { clock, left, right, wire: new Wire(left, right) };
}

/** Time goes on in steps of a tick. Returns the frames but heartbeats that went over the wire, by kind. */
function rest({ clock, wire }: ReturnType<typeof pair>, ms: number): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const node of wire.nodes) node.outputs.length = 0;
  for (let passed = 0; passed < ms; passed += heartbeatMs / 3) {
    clock.ms += heartbeatMs / 3;
    for (const node of wire.nodes) node.tick();
    wire.settle();
  }
  for (const message of wire.nodes.flatMap(sentBy)) {
    if (message.kind !== 'credit') kinds[message.kind] = (kinds[message.kind] ?? 0) + 1;
  }
  return kinds;
}

const sentBy = (node: TestNode): Message[] =>
  node.outputs.flatMap((output) => (output.type === 'send' ? [decodeMessage(output.frame) as Message] : []));

/** Blocks of one event each, by writers in turns. */
function history(writers: number, events: number): Uint8Array[] {
  let nowMs = startMs - events;
  const logs = Array.from(
    { length: writers },
    (_, i) => new ReplicatedLog({ id: log, writer: writer(9, i), now: () => nowMs }, { freshWriter: () => writer(8) }),
  );
  return Array.from({ length: events }, (_, i) => {
    nowMs++;
    const writer = logs[(i * 7) % writers] as ReplicatedLog;
    writer.append(`event ${i}`);
    return writer.takeUnflushed()[0]?.block as Uint8Array;
  });
}

/** A node takes these in, and all but those of `lost` reach its log: heads and numbers go on as if they had. */
function fill(node: TestNode, blocks: readonly Uint8Array[], lost: readonly number[] = []): void {
  const hosted = node.host(log);
  const insert = vi.spyOn(OrderedLog.prototype, 'insert');
  for (const [i, block] of blocks.entries()) {
    if (lost.includes(i)) insert.mockImplementationOnce(() => undefined);
    hosted.log.markStored(hosted.log.receive([block]).entries);
  }
  insert.mockRestore();
}

const payloads = (node: TestNode): unknown[] =>
  node
    .host(log)
    .log.snapshot()
    .map(({ payload }) => payload);

/** Both have the log open and compared. */
function joined(left: readonly Uint8Array[], right: readonly Uint8Array[], lostAtRight: readonly number[] = []) {
  const two = pair();
  fill(two.left, left);
  fill(two.right, right, lostAtRight);
  for (const node of two.wire.nodes) node.attach(log);
  two.wire.connect();
  two.wire.settle();
  return two;
}

test('[S18] logs at rest that agree cost one small frame each time, from one side', () => {
  const blocks = history(5, 3_000);
  const two = joined(blocks, blocks);
  const hours = 2;
  const { sums, ...others } = rest(two, hours * 3_600_000);
  expect(others).toEqual({});
  expect(sums).toBeLessThanOrEqual((hours * 3_600_000) / idleCompareMs);
  expect(sums).toBeGreaterThanOrEqual((hours * 3_600_000) / (1.5 * idleCompareMs + heartbeatMs));
  expect(sentBy(two.right).filter(({ kind }) => kind === 'sums')).toEqual([]);
  const frames = two.left.outputs.flatMap((output) => (output.type === 'send' ? [output.frame] : []));
  for (const frame of frames) expect(frame.length).toBeLessThan(36);
});

test('[S18] a sum is taken from what was summed before: at rest no row is looked at again', () => {
  const held = pair().right.host(log).log;
  held.markStored(held.receive(history(3, 5_000)).entries);
  const first = readNow(held.sum(timeMax));
  expect(first).toMatchObject({ count: 5_000 });
  const same = [{ kind: 'fingerprint' as const, from: 0, to: timeMax, count: 5_000, sum: first?.sum as Uint32Array }];
  expect(readNow(held.compare(same, 1, true))).toMatchObject({ walked: 0, reply: [] });
});

test.each([
  ['few writers', 5, 2_000, 0],
  ['a small log', 2, 40, 0],
  ['many writers, already when it is opened', 60, 2_000, 3],
])(
  '[S18] [C6] [G7] events lost in the middle come back, though their numbers do not show it: %s',
  (_, writers, events, atOnce) => {
    const blocks = history(writers, events);
    const lost = [3, Math.floor(events / 2), Math.floor(events / 2) + writers];
    const two = joined(blocks, blocks, lost);
    expect(two.right.host(log).log.version()).toEqual(two.left.host(log).log.version());
    expect(payloads(two.right)).toHaveLength(events - lost.length + atOnce);
    const { ranges } = rest(two, 2 * idleCompareMs);
    if (atOnce === 0) expect(ranges).toBeLessThan(10);
    else expect(ranges).toBeUndefined();
    expect(payloads(two.right)).toEqual(payloads(two.left));
    // What came back is stored, and the sums agree from now on.
    expect(two.right.host(log).journal.length).toBeGreaterThan(0);
    expect(Object.keys(rest(two, 10 * idleCompareMs))).toEqual(['sums']);
  },
);

/** Somebody writes under an id at these milliseconds before now. */
function branch(times: readonly number[]): Uint8Array[] {
  let nowMs = 0;
  const author = new ReplicatedLog(
    { id: log, writer: writer(9, 7), now: () => nowMs },
    { freshWriter: () => writer(8) },
  );
  return times.map((ms) => {
    nowMs = startMs - ms;
    author.append(`before ${ms}`);
    return author.takeUnflushed()[0]?.block as Uint8Array;
  });
}

test('two branches of one writer change nothing for others, and cost nothing at rest [S18, G4]', () => {
  const blocks = history(2, 300);
  const two = joined([...blocks, ...branch([900, 800])], [...branch([850, 750]), ...blocks]);
  expect(payloads(two.left)).toHaveLength(302);
  expect(payloads(two.right)).toHaveLength(302);
  expect(Object.keys(rest(two, 3_600_000))).toEqual(['sums']);
});

test('a difference that comparing does not resolve is looked for ever more seldom [S18, G4]', () => {
  const blocks = history(2, 300);
  // The second of the three comes too late for the left one, and is missing there for good.
  const two = joined([...blocks, ...branch([700])], [...blocks, ...branch([900, 800, 600])]);
  const day = rest(two, 24 * 3_600_000);
  expect(payloads(two.left)).toHaveLength(302);
  expect(payloads(two.right)).toHaveLength(303);
  expect(day['sums']).toBeGreaterThan(0);
  expect(day['sums']).toBeLessThan((24 * 3_600_000) / idleCompareMsMax + 20);
  expect(day['events']).toBeLessThan(2 * (day['sums'] as number) + 2);
});

test('[S18] a log with many rows not summed yet is summed in parts', () => {
  const { right } = pair();
  const author = new ReplicatedLog(
    { id: log, writer: writer(9), now: () => startMs },
    { freshWriter: () => writer(8) },
  );
  const events = 2 * idleRowsMax + 5_000;
  for (let i = 0; i < events; i++) author.append(i);
  fill(
    right,
    author.takeUnflushed().map(({ block }) => block),
  );
  const { log: held } = right.host(log);
  expect(readNow(held.sum(timeMax))).toBeUndefined();
  expect(readNow(held.sum(timeMax))).toBeUndefined();
  expect(readNow(held.sum(timeMax))).toMatchObject({ count: events });
});

test('[S18] sums that come too often are not looked at', () => {
  const rig = rigIn("live, summing for the peer's sums");
  rig.handle(rig.answer('sum'));
  const sums: Message = { kind: 'sums', channel: 1, upTo: startMs * 2048, count: 3, sum: new Uint32Array(4) };
  expect(rig.handle(rig.frame(sums))).toEqual([]);
  rig.pass(idleCompareMs / 2);
  expect(rig.handle(rig.frame(sums))).toContainEqual(
    expect.objectContaining({ type: 'request', effect: expect.objectContaining({ kind: 'sum' }) }),
  );
});
