import { expect, test, vi } from 'vitest';
import { ada, baseTime, blockOf, bob, exported, type Row } from '../test/sample-blocks.js';
import { createGossipLog, type GossipLog, writerIdFromBytes } from './index.js';
import { causalBufferBytesMax, causalBufferRowsMax } from './limits.js';
import { ReplicatedLog } from './replicated-log.js';
import { WaitingRows } from './waiting-rows.js';

const options = { id: 'tea', writer: writerIdFromBytes(new Uint8Array(16)), now: () => 1_800_000_000_000 };
const rowsFrom = (first: number, count: number, payload = '1'): Row[] =>
  Array.from({ length: count }, (_, i) => ({ writer: ada, seq: first + i, time: baseTime + first + i, payload }));

test('[L2] [G2] events wait for what they depend on, and the log says what is missing', () => {
  const log = createGossipLog(options);
  const deps = [{ writer: bob, seq: 4, time: baseTime }];
  const waits: Row[] = [{ writer: ada, seq: 3, time: baseTime + 9, deps, payload: '"later"' }];
  expect(log.merge(exported([blockOf(waits)]))).toEqual({
    added: 0,
    duplicates: 0,
    parked: 1,
    missing: expect.arrayContaining([
      { writer: ada, first: 1, last: 2 },
      { writer: bob, first: 1, last: 4 },
    ]),
  });
  expect(log.length).toBe(0);
  expect(log.merge(exported([blockOf(waits)]))).toEqual({
    added: 0,
    duplicates: 0,
    parked: 1,
    missing: expect.arrayContaining([
      { writer: ada, first: 1, last: 2 },
      { writer: bob, first: 1, last: 4 },
    ]),
  });
  log.merge(exported([blockOf(rowsFrom(1, 2))]));
  expect(log.length).toBe(2);
  const ofBob = Array.from({ length: 4 }, (_, i) => ({
    writer: bob,
    seq: i + 1,
    time: baseTime - 3 + i,
    payload: '2',
  }));
  expect(log.merge(exported([blockOf(ofBob)])).added).toBe(5);
  expect(log.snapshot().at(-1)?.payload).toBe('later');
});

function feed(log: ReplicatedLog, rows: readonly Row[]): number {
  let dropped = 0;
  for (let at = 0; at < rows.length; at += 1000) dropped += log.receive([blockOf(rows.slice(at, at + 1000))]).dropped;
  return dropped;
}

test('[L7] over its bound of rows the buffer drops the newest, which can come again', () => {
  const log = new ReplicatedLog(options);
  const rows = rowsFrom(2, causalBufferRowsMax + 100);
  expect(feed(log, rows)).toBeGreaterThanOrEqual(100);
  log.receive([blockOf(rowsFrom(1, 1))]);
  // The oldest were kept, without a gap.
  const kept = log.length;
  expect(kept).toBeLessThanOrEqual(causalBufferRowsMax + 1);
  expect(kept).toBeGreaterThan(causalBufferRowsMax * 0.8);
  expect(log.version().get(ada)).toBe(kept);
  feed(log, rows);
  expect(log.length).toBe(rows.length + 1);
});

test('[L7] over its bound of bytes the buffer drops the newest', () => {
  const log = new ReplicatedLog(options);
  const size = 200_000;
  const rows = rowsFrom(2, Math.ceil(causalBufferBytesMax / size) + 2, 'x'.repeat(size));
  let dropped = 0;
  for (const row of rows) dropped += log.receive([blockOf([row])]).dropped;
  expect(dropped).toBeGreaterThan(0);
  log.receive([blockOf(rowsFrom(1, 1))]);
  expect(log.length).toBeGreaterThan(causalBufferBytesMax / size / 2);
  expect(log.length).toBeLessThanOrEqual(rows.length + 1 - dropped);
  for (const row of rows) log.receive([blockOf([row])]);
  expect(log.length).toBe(rows.length + 1);
});

test('[G2] a reference whose claimed time proves wrong is void, on whatever way it came', () => {
  // Ada's third event is claimed at a time that her second has passed.
  const deps = [{ writer: ada, seq: 3, time: baseTime + 1 }];
  const claiming: Row = { writer: bob, seq: 1, time: baseTime + 5, deps, payload: '"bob"' };
  const before = rowsFrom(1, 2);
  const orders: Row[][][] = [
    [before, [claiming]],
    [[claiming], before],
  ];
  const logs: GossipLog[] = orders.map((blocks) => {
    const log = createGossipLog(options);
    for (const rows of blocks) log.merge(exported([blockOf(rows)]));
    return log;
  });
  expect(logs.map((log) => log.length)).toEqual([3, 3]);
  expect(logs[0]?.encode()).toEqual(logs[1]?.encode());
  const log = logs[0] as GossipLog;
  const [first, , bobs] = log.snapshot();
  expect(bobs?.payload).toBe('bob');
  expect(first !== undefined && bobs !== undefined && log.relation(first, bobs)).toBe('concurrent');
});

test('[L7] what waits for one event is not looked at for every other', () => {
  const log = new ReplicatedLog(options);
  let looks = 0;
  const hub = rowsFrom(1, 400);
  // Each of these refers to Ada's last event; reading its writer shows that it is looked at.
  for (let i = 0; i < 400; i++) {
    const author = writerIdFromBytes(
      new Uint8Array(16)
        .fill(9)
        .fill(i & 255, 0, 1)
        .fill(i >> 8, 1, 2),
    );
    const deps = [{ writer: ada, seq: 401, time: baseTime + 1_000_000 }];
    log.receive([blockOf([{ writer: author, seq: 1, time: baseTime + 2_000_000 + i, deps, payload: '' }])]);
  }
  const wake = vi.spyOn(WaitingRows.prototype, 'wake');
  for (const row of hub) log.receive([blockOf([row])]);
  for (const { value } of wake.mock.results) looks += (value as unknown[]).length;
  expect(wake.mock.calls.length).toBeGreaterThanOrEqual(400);
  expect(looks).toBe(0);
  wake.mockRestore();
});
