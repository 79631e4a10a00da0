import type { Snapshot } from '@gossip-log/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assertConverges } from './assert-converges.js';

/** What `assertConverges` throws. */
function reportOf(task: () => void): string {
  try {
    task();
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing was found';
}

const payloads = fc.string();

test('[A1] a reducer that depends on the order of arrival is found, unless the app folds over snapshots', () => {
  const texts = (all: readonly string[], { payload }: { payload: string }) => [...all, payload];
  expect(reportOf(() => assertConverges(texts, { initial: [], payloads }))).toContain(
    'ada and bob hold the same 2 events and show different states',
  );
  assertConverges(texts, { initial: [], payloads, fold: 'snapshot' });
});

test('[A1] a sum, a set and a last writer by log order pass', () => {
  assertConverges((sum: number, event) => sum + event.payload, { initial: 0, payloads: fc.nat(9) });
  assertConverges((seen: ReadonlySet<string>, event) => new Set([...seen, event.payload]), {
    initial: new Set<string>(),
    payloads,
  });
  const initial = { clock: 0, writer: '', text: '' };
  assertConverges(
    (last: typeof initial, { clock, writer, payload: text }) =>
      clock > last.clock || (clock === last.clock && writer > last.writer) ? { clock, writer, text } : last,
    { initial, payloads },
  );
});

test('[A1] consumers that take the end of a longer snapshot for what is new, or count changes, are found', () => {
  const appending = () => {
    const shown: string[] = [];
    return {
      onChange: (snapshot: Snapshot<string>) =>
        void shown.push(...snapshot.slice(shown.length).map(({ payload }) => payload)),
      state: () => shown,
    };
  };
  expect(reportOf(() => assertConverges({ create: appending }, { payloads }))).toContain('show different states');

  const counting = () => {
    let changes = 0;
    return { onChange: () => void changes++, state: () => changes };
  };
  expect(reportOf(() => assertConverges({ create: counting }, { payloads }))).toContain('show different states');
});

test('[A1] states are compared as the app says', () => {
  const texts = (all: readonly string[], { payload }: { payload: string }) => [...all, payload];
  const equal = (a: readonly string[], b: readonly string[]) => a.length === b.length;
  assertConverges(texts, { initial: [], payloads, equal });
});

test.each([
  ['Date.now()', () => Date.now()],
  ['new Date()', () => new Date().toISOString()],
  ['Date()', () => Date()],
  ['Math.random()', () => Math.random()],
])('[A2] a reducer that reads %s is found, and the outside is as before', (_name, read) => {
  const outside = { Date, random: Math.random };
  const options = { initial: '', payloads, fold: 'snapshot' as const };
  expect(reportOf(() => assertConverges((state: string) => `${state}${read()}`, options))).toContain('Another clock');
  expect({ Date, random: Math.random }).toEqual(outside);
});

test("[A2] an event's own time may be used, also as a Date", () => {
  assertConverges(
    (days: readonly string[], { timestamp }) => [...new Set([...days, new Date(timestamp).toISOString()])].sort(),
    { initial: [], payloads },
  );
});

test('[A3] a reducer that remembers, and consumers that share, are found', () => {
  const seen = new Set<string>();
  const remembering = (count: number, { id }: { id: string }) => {
    const isNew = !seen.has(id);
    seen.add(id);
    return count + (isNew ? 1 : 0);
  };
  expect(reportOf(() => assertConverges(remembering, { initial: 0, payloads }))).toContain('outlives a fold');

  const shared: string[] = [];
  const sharing = () => ({
    onChange: (snapshot: Snapshot<string>) => void shared.push(...snapshot.map(({ id }) => id)),
    state: () => shared,
  });
  expect(reportOf(() => assertConverges({ create: sharing }, { payloads }))).toContain('outlives a fold');
});

test('a reducer that changes its state is found, in objects, maps and sets', () => {
  const report = reportOf(() =>
    assertConverges(
      (texts: string[], { payload }) => {
        texts.push(payload);
        return texts;
      },
      { initial: [], payloads: fc.constant('x') },
    ),
  );
  expect(report).toContain('ada: the reducer was given the state [] and changed it to ["x"].');
  const mapping = (map: Map<string, number>, { payload }: { payload: string }) => map.set(payload, 1);
  expect(reportOf(() => assertConverges(mapping, { initial: new Map(), payloads }))).toContain('was given the state');
});

test('a reducer that throws, or writes into an event, is found with what it threw', () => {
  const lengths = (sum: number, { payload }: { payload: string | null }) => sum + (payload as string).length;
  const failing = () => assertConverges(lengths, { initial: 0, payloads: fc.option(fc.string()) });
  expect(failing).toThrow(expect.objectContaining({ cause: expect.any(TypeError) }));
  expect(reportOf(failing)).toContain('1. ada appends null');

  const writing = (state: number, { payload }: { payload: { done?: boolean } }) => {
    payload.done = true;
    return state;
  };
  expect(reportOf(() => assertConverges(writing, { initial: 0, payloads: fc.constant({}) }))).toContain(
    'app of ada threw',
  );
});

test('a report can be run again: the same seed and path give it at once', () => {
  const last = (_state: string, { payload }: { payload: string }) => payload;
  const report = reportOf(() => assertConverges(last, { initial: '', payloads, seed: 7 }));
  const path = /path: '([^']+)'/.exec(report)?.[1] as string;
  const again = reportOf(() => assertConverges(last, { initial: '', payloads, seed: 7, path }));
  expect(again.split('\n').slice(4)).toEqual(report.split('\n').slice(4));
});

test('a payload that cannot be appended is told as such', () => {
  const ignoring = (state: number) => state;
  expect(() => assertConverges(ignoring, { initial: 0, payloads: fc.constant(1n) })).toThrow(
    expect.objectContaining({ code: 'payload-unencodable' }),
  );
});

test('options that make no sense are refused', () => {
  const sum = (state: number) => state;
  for (const wrong of [{ replicasMin: 3, replicasMax: 2 }, { replicasMax: 7 }, { replicasMin: 0 }, { stepsMax: 0 }]) {
    expect(() => assertConverges(sum, { initial: 0, payloads, ...wrong })).toThrow(RangeError);
  }
});
