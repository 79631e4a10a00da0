import { expect, test } from 'vitest';
import { ViewLog } from '../../test/view-log.js';
import { GossipError } from '../errors.js';
import { emptySnapshot } from '../log/snapshot.js';
import {
  aggregate,
  changes,
  count,
  fold,
  fork,
  merge,
  pipe,
  streamSource,
  type ViewSource,
  view,
  where,
} from './index.js';

const even = where((n: number) => n % 2 === 0);

/** Whatever is under way comes to rest. */
async function rest(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await undefined;
}

/** Everything that can be iterated and made of a source, each read to where it waits. */
async function waitingOn(source: ViewSource<number>) {
  const iterators: [string, AsyncIterator<unknown>][] = [
    ['view', view(source)[Symbol.asyncIterator]()],
    ['filter', view(source, even)[Symbol.asyncIterator]()],
    ['view of a view', view(view(source, even), even)[Symbol.asyncIterator]()],
    ['merge', merge(view(source, even), source)[Symbol.asyncIterator]()],
    ['fork', fork(source)[Symbol.asyncIterator]()],
    ['aggregate', aggregate(source, count())[Symbol.asyncIterator]()],
    ['fold', fold(source, (sum: number, { payload }) => sum + payload, 0)[Symbol.asyncIterator]()],
    ['changes', changes(source)],
  ];
  const waiting = await Promise.all(
    iterators.map(async ([name, iterator]) => {
      let next = iterator.next();
      for (;;) {
        const came = await Promise.race([next, rest()]);
        if (came === undefined) return { name, next };
        next = iterator.next();
      }
    }),
  );
  return waiting;
}

const ended = { done: true, value: undefined };

test('closing a fork ends all that waits for something made of it [V9]', async () => {
  const made = new ViewLog<number>();
  made.append(1, 2);
  const branch = fork(made.log);
  const waiting = await waitingOn(branch);
  const stream = new ReadableStream(streamSource(branch), { highWaterMark: 0 }).getReader();
  await stream.read();
  await stream.read();
  const read = stream.read();
  const into: number[] = [];
  const running = pipe(branch, { append: (n: number) => into.push(n) });
  await rest();
  branch.close();
  for (const { name, next } of waiting) expect(await Promise.race([next, rest()]), name).toEqual(ended);
  expect(await read).toEqual(ended);
  await running.done;
  expect(into).toEqual([1, 2]);
  expect(made.listening).toBe(0);
});

test('closing a log ends all that waits for something made of it, and what is behind reads on to the end [V9]', async () => {
  const made = new ViewLog<number>();
  made.append(1, 2);
  const waiting = await waitingOn(made.log);
  const behind = view(made.log, even)[Symbol.asyncIterator]();
  made.log.close();
  for (const { name, next } of waiting) expect(await Promise.race([next, rest()]), name).toEqual(ended);
  expect((await behind.next()).value?.payload).toBe(2);
  expect(await behind.next()).toEqual(ended);
  expect(made.listening).toBe(0);
  // What is built afterwards ends, too, and subscribes to nothing.
  const late: number[] = [];
  for await (const { payload } of view(made.log, even)) late.push(payload);
  view(made.log, even).subscribe(() => {});
  aggregate(made.log, count()).subscribe(() => {});
  expect(late).toEqual([2]);
  expect(made.listening).toBe(0);
});

test('a merge ends with the last of its logs [V9]', async () => {
  const [one, other] = [new ViewLog<number>(1), new ViewLog<number>(2)];
  const events = merge(one.log, other.log)[Symbol.asyncIterator]();
  const next = events.next();
  await rest();
  one.log.close();
  expect([one.listening, other.listening]).toEqual([0, 1]);
  other.append(1);
  expect((await next).value?.payload).toBe(1);
  const last = events.next();
  await rest();
  other.log.close();
  expect(await last).toEqual(ended);
});

test('a log that fails ends iterations with its error [V9]', async () => {
  const error = new GossipError('storage-corrupt', 'broken');
  const listeners = new Set<() => void>();
  let status: ViewSource['status'] = 'opening';
  const source: ViewSource<number> = {
    snapshot: () => emptySnapshot,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    get status() {
      return status;
    },
    error,
  };
  const next = view(source, even)[Symbol.asyncIterator]().next();
  const running = pipe(source, { append: () => {} });
  await rest();
  status = 'failed';
  for (const listener of [...listeners]) listener();
  await expect(next).rejects.toBe(error);
  await expect(running.done).rejects.toBe(error);
  expect(listeners.size).toBe(0);
});
