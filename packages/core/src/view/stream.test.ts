import { expect, test } from 'vitest';
import { payloads, ViewLog } from '../../test/view-log.js';
import { emptySnapshot, type Snapshot } from '../log/snapshot.js';
import { aggregate, changes, count, fork, merge, pipe, streamSource, view, where } from './index.js';

const even = where((n: number) => n % 2 === 0);

/** Whatever is under way comes to rest. */
async function rest(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await undefined;
}

test('[V1] iterating gives history first, then what comes, late events when they come', async () => {
  const made = new ViewLog<number>();
  made.append(1, 2, 3, 4);
  const events = view(made.log, even)[Symbol.asyncIterator]();
  const next = async () => (await events.next()).value?.payload;
  expect([await next(), await next()]).toEqual([2, 4]);
  const waiting = next();
  made.append(5, 6);
  expect(await waiting).toBe(6);
  made.late(1_001, 8);
  expect(await next()).toBe(8);
  await events.return?.();
});

test('[V8] a reader that falls behind keeps no queue: nothing is subscribed to between two pulls', async () => {
  const made = new ViewLog<number>();
  made.append(2);
  const events = view(made.log, even)[Symbol.asyncIterator]();
  await events.next();
  expect(made.listening).toBe(0);
  for (let i = 0; i < 3_000; i++) made.append(i);
  const seen: number[] = [];
  for (let i = 0; i < 1_500; i++) seen.push((await events.next()).value?.payload ?? -1);
  expect(seen).toEqual(Array.from({ length: 1_500 }, (_, i) => i * 2));
  expect(made.listening).toBe(0);
  const waiting = events.next();
  await rest();
  expect(made.listening).toBe(1);
  await events.return?.();
  expect(await waiting).toEqual({ done: true, value: undefined });
  expect(made.listening).toBe(0);
});

test('[V8] pulls that overlap are answered in order, and leaving a loop ends it', async () => {
  const made = new ViewLog<number>();
  made.append(1, 2, 3);
  const events = view(made.log)[Symbol.asyncIterator]();
  const three = await Promise.all([events.next(), events.next(), events.next()]);
  expect(three.map(({ value }) => value?.payload)).toEqual([1, 2, 3]);
  for await (const { payload } of view(made.log)) if (payload === 2) break;
  expect(made.listening).toBe(0);
});

test('[V9] cancelling lets go of the log, whatever follows it', async () => {
  const made = new ViewLog<number>();
  const other = new ViewLog<number>(2);
  const all = merge(view(made.log, even), other.log);
  const ends = [
    all.subscribe(() => {}),
    all.subscribe(() => {}),
    aggregate(all, count()).subscribe(() => {}),
    view(all, even).subscribe(() => {}),
  ];
  expect([made.listening, other.listening]).toEqual([1, 1]);
  for (const end of ends) end();
  for (const end of ends) end();
  expect([made.listening, other.listening]).toEqual([0, 0]);
});

test('[V9] a fork ends as one, and nothing else with it', async () => {
  const made = new ViewLog<number>();
  const whole = view(made.log, even);
  const branch = fork(whole);
  let [told, others] = [0, 0];
  const end = whole.subscribe(() => others++);
  branch.subscribe(() => told++);
  view(branch, even).subscribe(() => told++);
  const waiting = branch[Symbol.asyncIterator]().next();
  await rest();
  made.append(2);
  expect([told, others]).toEqual([2, 1]);
  expect((await waiting).value?.payload).toBe(2);
  const again = branch[Symbol.asyncIterator]();
  branch.close();
  branch.close();
  expect(await again.next()).toMatchObject({ done: true });
  expect(await branch[Symbol.asyncIterator]().next()).toMatchObject({ done: true });
  branch.subscribe(() => told++);
  made.append(4);
  expect([told, others, made.listening]).toEqual([2, 2, 1]);
  expect(payloads(branch.snapshot())).toEqual([2, 4]);
  end();
  expect(made.listening).toBe(0);
});

test('[V5] changes come as splices; a slow consumer gets several as one', async () => {
  const made = new ViewLog<number>();
  made.append(2, 4);
  const stream = changes(view(made.log, even));
  const next = async () =>
    (await stream.next()).value?.map(({ at, inserted }: { at: number; inserted: Iterable<never> }) => [
      at,
      payloads(inserted),
    ]);
  expect(await next()).toEqual([[0, [2, 4]]]);
  made.append(5);
  const waiting = next();
  await rest();
  made.late(1_001, 8);
  expect(await waiting).toEqual([[1, [8]]]);
  made.append(6);
  made.append(10);
  expect(await next()).toEqual([[3, [6, 10]]]);
  await stream.return?.();
  expect(made.listening).toBe(0);
});

test('[V8] a value is iterated as the newest, however much happened between', async () => {
  const made = new ViewLog<number>();
  const values = aggregate(made.log, count())[Symbol.asyncIterator]();
  expect((await values.next()).value).toBe(0);
  made.append(1, 2, 3);
  expect((await values.next()).value).toBe(3);
  const waiting = values.next();
  await rest();
  await values.return?.();
  expect((await waiting).done).toBe(true);
  expect(made.listening).toBe(0);
});

test('[V8] [V9] a Web stream takes an event when it is asked for one, and releases the view when it is cancelled', async () => {
  const made = new ViewLog<number>();
  made.append(1, 2);
  const stream = new ReadableStream(streamSource(made.log), { highWaterMark: 0 });
  const reader = stream.getReader();
  expect((await reader.read()).value?.payload).toBe(1);
  expect((await reader.read()).value?.payload).toBe(2);
  const waiting = reader.read();
  await rest();
  expect(made.listening).toBe(1);
  await reader.cancel();
  expect(await waiting).toMatchObject({ done: true });
  expect(made.listening).toBe(0);
});

test('[V9] a pipe appends every event once until it is stopped', async () => {
  const [made, into] = [new ViewLog<number>(), new ViewLog<string>(2)];
  made.append(1, 2);
  const running = pipe(view(made.log, even), into.log, { project: String });
  const fresh = pipe(made.log, { append: (n: number) => into.append(`new ${n}`) }, { history: false });
  await rest();
  made.append(3, 4);
  await rest();
  made.late(1_001, 8);
  await rest();
  expect(payloads(into.log.snapshot()).filter((text) => !text.startsWith('new'))).toEqual(['2', '4', '8']);
  expect(payloads(into.log.snapshot()).filter((text) => text.startsWith('new'))).toEqual(['new 3', 'new 4', 'new 8']);
  running.stop();
  fresh.stop();
  await Promise.all([running.done, fresh.done]);
  expect(made.listening).toBe(0);
});

test('[V8] a pipe waits for what it appends to, and ends with what that throws', async () => {
  const made = new ViewLog<number>();
  made.append(1, 2, 3);
  const taken: number[] = [];
  let go = () => {};
  const slow = {
    append(n: number) {
      taken.push(n);
      return new Promise<void>((resolve) => {
        go = resolve;
      });
    },
  };
  const running = pipe(made.log, slow);
  await rest();
  expect(taken).toEqual([1]);
  go();
  await rest();
  expect(taken).toEqual([1, 2]);
  running.stop();
  go();
  await running.done;
  const broken = pipe(made.log, { append: () => Promise.reject(new Error('full')) });
  await expect(broken.done).rejects.toThrow('full');
  expect(made.listening).toBe(0);
});

test('[V7] pipes that would run in a circle are refused', () => {
  const [a, b, c] = [new ViewLog<number>(1), new ViewLog<number>(2), new ViewLog<number>(3)];
  expect(() => pipe(view(a.log, even), a.log)).toThrow(RangeError);
  const pipes = [pipe(a.log, b.log), pipe(merge(b.log, a.log), c.log)];
  expect(() => pipe(view(c.log, even), a.log)).toThrow(RangeError);
  pipes[0]?.stop();
  pipes[1]?.stop();
  pipe(c.log, a.log).stop();
});

/** A handle of a node: it opens when a test says so. */
function handle(made: ViewLog<number>) {
  const listeners = new Set<() => void>();
  let open = () => {};
  const ready = new Promise<void>((resolve) => {
    open = resolve;
  });
  const state = { status: 'opening' as 'opening' | 'ready' };
  return {
    ready,
    get status() {
      return state.status;
    },
    snapshot: () => (state.status === 'ready' ? made.log.snapshot() : (emptySnapshot as Snapshot<number>)),
    subscribe(listener: () => void) {
      listeners.add(listener);
      const end = made.log.subscribe(listener);
      return () => {
        listeners.delete(listener);
        end();
      };
    },
    append(n: number) {
      if (state.status !== 'ready') throw new Error('log-not-ready');
      return made.append(n);
    },
    open() {
      state.status = 'ready';
      for (const listener of [...listeners]) listener();
      open();
    },
    get listening() {
      return listeners.size;
    },
  };
}

test('a pipe into a handle that is still opening waits until it is open', async () => {
  const [made, target] = [new ViewLog<number>(), new ViewLog<number>(2)];
  const into = handle(target);
  made.append(1, 2);
  const running = pipe(made.log, into);
  await rest();
  expect(target.log.length).toBe(0);
  into.open();
  await rest();
  made.append(3);
  await rest();
  expect(payloads(target.log.snapshot())).toEqual([1, 2, 3]);
  running.stop();
  await running.done;
});

test('a pipe that is stopped while it waits for its target ends at once', async () => {
  const made = new ViewLog<number>();
  made.append(1);
  const running = pipe(made.log, handle(new ViewLog<number>(2)));
  running.stop();
  await running.done;
  expect(made.listening).toBe(0);
});

test('a pipe without history leaves out what is read from storage while a log is still opening', async () => {
  const made = new ViewLog<number>();
  made.append(1, 2);
  const source = handle(made);
  const taken: number[] = [];
  const running = pipe(view(source, even), { append: (n: number) => taken.push(n) }, { history: false });
  const unopened = pipe(handle(made), { append: (n: number) => taken.push(n) }, { history: false });
  await rest();
  source.open();
  made.append(4);
  await rest();
  expect(taken).toEqual([4]);
  running.stop();
  unopened.stop();
  await Promise.all([running.done, unopened.done]);
  expect(source.listening).toBe(0);
});

test('a circle of pipes that shows only when the logs are open ends the pipe that would close it [V7]', async () => {
  const [a, b] = [new ViewLog<number>(1), new ViewLog<number>(2)];
  a.append(2);
  const [from, into] = [handle(a), handle(a)];
  const circle = pipe(view(from, even), into);
  const [there, back] = [handle(b), handle(b)];
  const forth = pipe(from, there);
  const returns = pipe(back, into);
  for (const one of [from, into, there, back]) one.open();
  await expect(circle.done).rejects.toThrow(RangeError);
  await expect(Promise.race([forth.done, returns.done])).rejects.toThrow(RangeError);
  expect(a.log.length + b.log.length).toBeLessThan(4);
  forth.stop();
  returns.stop();
});

test('a pipe is stopped while its target has not answered', async () => {
  const made = new ViewLog<number>();
  made.append(1);
  const running = pipe(made.log, { append: () => new Promise(() => undefined) });
  await rest();
  running.stop();
  await running.done;
  expect(made.listening).toBe(0);
});
