import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createGossipLog, writerIdFromBytes } from '@gossip-log/core';
import { aggregate, fold, fork, map, merge, sum, view, where } from '@gossip-log/core/view';
import { expect, test } from 'vitest';

function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}

test('[V8] views keep no chunk that the log gave up, however many late events came', async () => {
  const collectGarbage = garbageCollector();
  let nowMs = 1_000;
  const open = (byte: number) =>
    createGossipLog<number>({
      id: 'tea',
      writer: writerIdFromBytes(new Uint8Array(16).fill(byte)),
      now: () => nowMs,
    });
  const [log, late] = [open(1), open(2)];
  for (let i = 0; i < 2_000; i++) {
    nowMs++;
    log.append(i);
  }
  const even = view(
    log,
    where((n: number) => n % 2 === 0),
  );
  const unchanging = view(
    log,
    where((n: number) => n === 7),
  );
  const mapped = view(
    even,
    map((n) => n + 1),
  );
  const values = [
    aggregate(
      mapped,
      sum((n) => n),
    ),
    fold(log, (total: number, { payload }) => total + payload, 0),
  ];
  const merged = merge(even, unchanging);
  const end = mapped.subscribe(() => {});
  const rows = async function* () {
    for await (const event of mapped) yield event;
  };
  const behind = rows();
  await behind.next();

  const superseded: WeakRef<object>[] = [];
  for (let i = 0; i < 30; i++) {
    const { chunks } = log.snapshot() as unknown as { chunks: readonly object[] };
    superseded.push(new WeakRef(chunks[0] as object));
    nowMs = 1_100 + i;
    late.append(i);
    nowMs = 10_000;
    log.merge(late.encode());
    for (const value of values) value.value();
    for (const one of [merged, unchanging, mapped]) one.snapshot().at(-1);
  }
  // What a WeakRef gave lives on to the end of the task.
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  // One that a reader who is behind saw last, and the log's own.
  expect(superseded.filter((chunk) => chunk.deref() !== undefined).length).toBeLessThanOrEqual(3);
  await behind.return(undefined);
  end();
});

test('a fork keeps no iterator that has ended, and such an iterator keeps no view [V9]', async () => {
  const collectGarbage = garbageCollector();
  const log = createGossipLog<number>({
    id: 'tea',
    writer: writerIdFromBytes(new Uint8Array(16).fill(1)),
    now: () => 1_000,
  });
  for (let i = 0; i < 50; i++) log.append(i);
  const branch = fork(log);
  const iterators: WeakRef<object>[] = [];
  const views: WeakRef<object>[] = [];
  const held: object[] = [];
  for (let i = 0; i < 50; i++) {
    const part = view(
      branch,
      where((n: number) => n % 2 === 0),
    );
    const [ofFork, ofView] = [branch, part].map((source) => source[Symbol.asyncIterator]());
    for (const iterator of [ofFork, ofView]) {
      await iterator?.next();
      await iterator?.return?.();
    }
    iterators.push(new WeakRef(ofFork as object));
    views.push(new WeakRef(part));
    held.push(ofView as object);
  }
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  // The last ones are in this function's own variables.
  for (const refs of [iterators, views]) {
    expect(refs.filter((ref) => ref.deref() !== undefined).length).toBeLessThanOrEqual(1);
  }
  expect(held).toHaveLength(50);
  branch.close();
});
