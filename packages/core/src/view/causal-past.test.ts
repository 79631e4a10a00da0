import { expect, test } from 'vitest';
import { payloads, ViewLog, writerOf } from '../../test/view-log.js';
import type { LogEvent } from '../event.js';
import { clockStepsPerMs } from '../hybrid-logical-clock.js';
import { ReplicatedLog } from '../replicated-log.js';
import { by, causallyAfter, causallyBefore, view } from './index.js';

function told(source: { subscribe(listener: () => void): () => void }) {
  const calls = { count: 0 };
  source.subscribe(() => calls.count++);
  return calls;
}

test('causallyBefore behind another filter shows the past of an event once that comes, and is told [V1]', () => {
  const [ada, bob] = [new ViewLog<string>(1), new ViewLog<string>(2)];
  ada.append('Tea?');
  bob.log.merge(ada.log.encode());
  bob.nowMs = ada.nowMs + 1;
  const answer = bob.append('Yes.');
  const made = view(ada.log, by(ada.log.writer), causallyBefore(answer));
  const calls = told(made);
  expect(payloads(made.snapshot())).toEqual([]);
  ada.log.merge(bob.log.encode());
  expect(calls.count).toBe(1);
  expect(payloads(made.snapshot())).toEqual(['Tea?']);
});

test('while the event is not there causallyBefore stays the same object [V4]', () => {
  const [ada, bob] = [new ViewLog<string>(1), new ViewLog<string>(2)];
  const unknown = bob.append('Yes.');
  const made = view(ada.log, causallyBefore(unknown));
  const behind = view(ada.log, by(ada.log.writer), causallyBefore(unknown));
  const calls = [told(made), told(behind)];
  const before = [made.snapshot(), behind.snapshot()];
  for (const text of ['a', 'b', 'c']) ada.append(text);
  ada.late(1_001, 'late');
  expect([made.snapshot(), behind.snapshot()]).toEqual(before);
  expect(made.snapshot()).toBe(before[0]);
  expect(behind.snapshot()).toBe(before[1]);
  expect(calls.map(({ count }) => count)).toEqual([0, 0]);
});

/** Four writers, each of whom knows the one before. */
function relay() {
  let nowMs = 1_000;
  const open = (byte: number) =>
    new ReplicatedLog<number>(
      { id: 'tea', writer: writerOf(byte), now: () => nowMs },
      { freshWriter: () => writerOf(99) },
    );
  const events: LogEvent<number>[] = [];
  const blocks: Uint8Array[] = [];
  let before: ReplicatedLog<number> | undefined;
  for (const byte of [1, 2, 3, 4]) {
    const log = open(byte);
    if (before !== undefined) log.merge(before.encode());
    nowMs++;
    events.push(log.append(byte));
    blocks.push((log.takeUnflushed().at(-1) as { block: Uint8Array }).block);
    before = log;
  }
  const reader = open(9);
  // Below the edge events show without those that they depend on.
  const edge = 2_000 * clockStepsPerMs;
  reader.resumeEdges({ wanted: edge, complete: edge });
  return { reader, events: events as [LogEvent<number>, LogEvent<number>, LogEvent<number>, LogEvent<number>], blocks };
}

test.each([[[0, 3, 2, 1]], [[3, 0, 1, 2]], [[3, 1, 2, 0]], [[2, 3, 0, 1]]])(
  'what fills a hole in the log connects past and future with what is behind it, in the order %j [V1]',
  (order) => {
    const { reader, events, blocks } = relay();
    const past = view(reader, causallyBefore(events[3]));
    const future = view(reader, causallyAfter(events[0]));
    for (const at of order) {
      reader.receive([blocks[at] as Uint8Array]);
      expect(past.snapshot().slice()).toEqual(view(reader, causallyBefore(events[3])).snapshot().slice());
      expect(future.snapshot().slice()).toEqual(view(reader, causallyAfter(events[0])).snapshot().slice());
    }
    expect(payloads(past.snapshot())).toEqual([1, 2, 3]);
    expect(payloads(future.snapshot())).toEqual([2, 3, 4]);
  },
);

test('a late event that has nothing to do with an event asks nothing of the rows beside it again [V3]', () => {
  const made = new ViewLog<number>();
  const event = made.append(1);
  made.append(2, 3, 4);
  const future = view(made.log, causallyAfter(event));
  const before = future.snapshot();
  made.late(1_001, 9);
  expect(future.snapshot()).toBe(before);
});
