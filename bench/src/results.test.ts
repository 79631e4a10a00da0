/** What is said of figures: who is ahead, what was lost, what goes into the documents. */
import { expect, test } from 'vitest';
import { chart } from './chart.js';
import { losses } from './compare.js';
import { between } from './publish.js';
import { defeats, type Results, type Row } from './results.js';
import { standing, tables } from './table.js';
import type { Unit } from './workload.js';
import { workloads } from './workloads/index.js';

const row = (system: string, values: number[], unit: Unit = 'events/s', name = 'one by one'): Row => ({
  workload: 'append',
  system,
  name,
  unit,
  count: 100,
  values,
});
const results: Results = {
  date: '2026-01-01',
  commit: 'abc',
  changed: false,
  scale: 1,
  seconds: 60,
  machine: { cpu: 'a processor', cores: 2, memoryGiB: 8, platform: 'linux x64' },
  versions: { node: '20' },
  notes: { yjs: { append: 'a note' } },
  rows: [row('gossip-log', [10, 12, 11]), row('yjs', [20, 22, 30])],
  absent: [{ workload: 'append', system: 'loro', why: 'a reason' }],
};

test('[bench] a peer is ahead by the ratio of medians, in the direction of the unit; the floor is no peer', () => {
  const slower = [row('gossip-log', [10]), row('yjs', [20]), row('floor', [900])];
  expect(defeats(slower).map(({ best, by }) => [best.system, by])).toEqual([['yjs', 2]]);
  const larger = [row('gossip-log', [10], 'bytes'), row('yjs', [20], 'bytes'), row('loro', [5], 'bytes')];
  expect(defeats(larger).map(({ best, by }) => [best.system, by])).toEqual([['loro', 2]]);
  expect(defeats([row('gossip-log', [10], 'bytes'), row('automerge', [-3], 'bytes')])).toHaveLength(1);
});

test('[bench] a ratio is lost when it is worse by more than a fifth and the spreads do not meet', () => {
  const then = [row('gossip-log', [100, 110, 90]), row('floor', [100, 100, 100])];
  const now = (values: number[]) => [row('gossip-log', values), row('floor', [100, 100, 100])];
  expect(losses(now([60, 62, 58]), then).map(({ now: { name } }) => name)).toEqual(['append, one by one, to floor']);
  expect(losses(now([85, 86, 84]), then)).toEqual([]);
  expect(losses(now([60, 95, 58]), then)).toEqual([]);
});

test('[bench] tables name systems, notes and what is missing; the standing names who is ahead', () => {
  const text = tables(results, workloads);
  for (const part of ['yjs', 'a note', '**loro** is missing: a reason', '11 (10 to 12)']) expect(text).toContain(part);
  expect(standing(results.rows)).toContain('yjs is ahead 2 times');
});

test('[bench] what stands between the markers is replaced, the rest stays', () => {
  const document = 'before\n<!-- bench:start -->\nold\n<!-- bench:end -->\nafter\n';
  expect(between(document, 'new')).toBe('before\n<!-- bench:start -->\n\nnew\n\n<!-- bench:end -->\nafter\n');
  expect(() => between('no markers', 'new')).toThrow('lacks');
});

test('[bench] the chart has a bar for each system and no length that is not a number', () => {
  const drawn = chart(results);
  expect(drawn.match(/<rect/g)).toHaveLength(2);
  expect(drawn).not.toContain('NaN');
});
