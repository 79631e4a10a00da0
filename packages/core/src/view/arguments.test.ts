import { expect, test } from 'vitest';
import { ada } from '../../test/sample-blocks.js';
import { createGossipLog } from '../index.js';
import {
  aggregate,
  anonymize,
  average,
  by,
  count,
  dedup,
  fold,
  group,
  last,
  map,
  max,
  omit,
  pipe,
  sample,
  sum,
  tag,
  tagged,
  tagsOf,
  top,
  topGroups,
  unique,
  untag,
  view,
  where,
} from './index.js';

const never = (value: unknown) => value as never;

test.each<[string, () => unknown]>([
  ['sample("1")', () => sample(never('1'))],
  ['sample(true)', () => sample(never(true))],
  ['map()', () => map(never(undefined))],
  ['map("text")', () => map(never('text'))],
  ['dedup("id")', () => dedup(never('id'))],
  ['omit("text")', () => omit(never('text'))],
  ['omit([{}])', () => omit(never([{}]))],
  ['anonymize("author")', () => anonymize(never('author'))],
  ['sum()', () => sum(never(undefined))],
  ['average(null)', () => average(never(null))],
  ['max({})', () => max(never({}))],
  ['unique(true)', () => unique(never(true))],
  ['top(1)', () => top(1, never(undefined))],
  ['group(undefined)', () => group(never(undefined), count())],
  ['fold without a function', () => fold(createGossipLog({ id: 'tea', writer: ada, now: () => 5 }), never({}), 0)],
])('%s is a mistake that is said at once', (_, build) => {
  expect(build).toThrow(TypeError);
});

const log = createGossipLog({ id: 'tea', writer: ada, now: () => 5 });
const store = { load: async () => undefined, save: async () => undefined };

test.each<[string, () => unknown, string]>([
  ['view(log, 5)', () => view(log, never(5)), 'view: operator 1: expected'],
  [
    'view(log, where("a", 1), undefined)',
    () => view(log, never(where<{ a: number }, 'a'>('a', 1)), never(undefined)),
    'view: operator 2:',
  ],
  ['view(log, count()), which is an aggregator', () => view(log, never(count())), 'view: operator 1: expected'],
  ['view(log, count), which was not called', () => view(log, never(count)), 'view: operator 1: expected'],
  ['by()', () => by(never(undefined)), 'by: expected'],
  ['by({ autor })', () => by(never({ autor: 'ada' })), 'by: expected'],
  ['by(null)', () => by(never(null)), 'by: expected'],
  ['where()', () => where(...(never([]) as [never])), 'where: expected'],
  ['where(undefined, 5)', () => where(never(undefined), never(5)), 'where: expected'],
  ['tag()', () => tag(never(undefined)), 'tag: expected'],
  ['tag("hot", true)', () => tag('hot', never(true)), 'tag: expected'],
  ['untag(5)', () => untag(never(5)), 'untag: expected'],
  ['tagged()', () => tagged(never(undefined)), 'tagged: expected'],
  ['tagsOf()', () => tagsOf(never(undefined)), 'tagsOf: expected'],
  ['group("a")', () => group(never('a'), never(undefined)), 'group: expected an aggregator'],
  ['group("a", count)', () => group(never('a'), never(count)), 'group: expected an aggregator'],
  ['topGroups(2, "a")', () => topGroups(2, never('a'), never(undefined)), 'topGroups: expected an aggregator'],
  ['pipe(log)', () => pipe(log, never(undefined)), 'pipe: expected'],
  ['pipe(log, {})', () => pipe(log, never({})), 'pipe: expected'],
  [
    'a checkpoint without a name',
    () => fold(log, (sum: number) => sum, 0, { checkpoint: never({ store, version: 1 }) }),
    'fold: checkpoint: name: expected',
  ],
  [
    'a checkpoint without a version',
    () => fold(log, (sum: number) => sum, 0, { checkpoint: never({ store, name: 'sum' }) }),
    'fold: checkpoint: version: expected',
  ],
  [
    'a checkpoint without a store',
    () => fold(log, (sum: number) => sum, 0, { checkpoint: never({ name: 'sum', version: 1 }) }),
    'fold: checkpoint: store: expected',
  ],
])('%s is refused with what was expected', (_, build, message) => {
  expect(build).toThrow(TypeError);
  expect(build).toThrow(message);
});

test.each([-0.1, 1.1, Number.NaN])('sample(%s) is out of range', (rate) => {
  expect(() => sample(rate)).toThrow(RangeError);
});

test('what an aggregate gives to all cannot be changed by one [V4]', () => {
  const log = createGossipLog<{ likes: number }>({ id: 'tea', writer: ada, now: () => 1_700_000_000_000 });
  log.append({ likes: 1 });
  for (const aggregator of [last<{ likes: number }>(3), top<{ likes: number }>(3, 'likes')]) {
    const newest = aggregate(log, aggregator);
    expect(() => (newest.value() as unknown[]).push(5)).toThrow(TypeError);
    expect(newest.value()).toHaveLength(1);
  }
});

test('an answer to `where` that is neither yes nor no is reported, and ends no process [V6]', async () => {
  const log = createGossipLog<{ likes: number }>({ id: 'tea', writer: ada, now: () => 1_700_000_000_000 });
  log.append({ likes: 1 });
  const late = view(log, where(never(async () => Promise.reject(new Error('later')))));
  const truthy = view(log, where(never(({ likes }: { likes: number }) => likes)));
  const absent = view(log, where(never(() => undefined)));
  expect([late, truthy, absent].map((made) => made.snapshot().length)).toEqual([0, 0, 0]);
  expect(late.errors()[0]?.cause).toEqual(new TypeError('expected true or false, got a promise'));
  expect(truthy.errors()[0]?.cause).toEqual(new TypeError('expected true or false, got number'));
  expect(absent.errors()).toEqual([]);
  // A rejection that nothing handles fails the run.
  for (let turn = 0; turn < 50; turn++) await undefined;
});
