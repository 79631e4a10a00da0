import { expect, test } from 'vitest';
import { ada } from '../../test/sample-blocks.js';
import { createGossipLog } from '../index.js';
import {
  aggregate,
  anonymize,
  average,
  count,
  dedup,
  fold,
  group,
  last,
  map,
  max,
  omit,
  sample,
  sum,
  top,
  unique,
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
  ['fold without a function', () => fold(createGossipLog({ id: 'tea', replica: ada, now: () => 5 }), never({}), 0)],
])('%s is a mistake that is said at once', (_, build) => {
  expect(build).toThrow(TypeError);
});

test.each([-0.1, 1.1, Number.NaN])('sample(%s) is out of range', (rate) => {
  expect(() => sample(rate)).toThrow(RangeError);
});

test('what an aggregate gives to all cannot be changed by one [V4]', () => {
  const log = createGossipLog<{ likes: number }>({ id: 'tea', replica: ada, now: () => 1_700_000_000_000 });
  log.append({ likes: 1 });
  for (const aggregator of [last<{ likes: number }>(3), top<{ likes: number }>(3, 'likes')]) {
    const newest = aggregate(log, aggregator);
    expect(() => (newest.value() as unknown[]).push(5)).toThrow(TypeError);
    expect(newest.value()).toHaveLength(1);
  }
});
