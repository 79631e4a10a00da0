/** A smoke run: every workload does its work at small size, for those that need nothing installed. No figure is judged. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { copyStored, makeFixture, readFixture } from './fixtures.js';
import { type Pair, planRun } from './plan.js';
import { own } from './systems/index.js';
import { workloads } from './workloads/index.js';

const folder = mkdtempSync(join(tmpdir(), 'gossip-log-bench-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const plan = planRun(workloads, own, 0.002);
/** These start processes of the built program, or a browser: `npm run bench -- --smoke` runs them. */
const needsBuild = ['fan-out', 'million', 'idle-rooms', 'browser'];

async function run({ workload, system, count }: Pair) {
  const home = fileURLToPath(new URL('..', import.meta.url));
  const fixtures = join(folder, `${workload.name} ${system.name}`);
  if (workload.fixture !== undefined) await makeFixture(system, workload.fixture, count, fixtures);
  return workload.run({
    system,
    count,
    home,
    folder: mkdtempSync(join(folder, 'own-')),
    read: (name) => readFixture(name, fixtures),
    stored: (name) => copyStored(name, fixtures, mkdtempSync(join(folder, 'stored-'))),
    relayCommand: [],
  });
}

test.each(plan.pairs.filter(({ workload }) => !needsBuild.includes(workload.name)))(
  '[bench] $workload.name, $system.name: its outcome is right, its figures are numbers with names of their own',
  async (pair) => {
    const figures = await run(pair);
    expect(figures.length).toBeGreaterThan(0);
    expect(new Set(figures.map(({ name }) => name)).size).toBe(figures.length);
    for (const { value } of figures) expect(Number.isFinite(value)).toBe(true);
  },
);

test('[bench] names of workloads are unique, and gossip-log takes part in all of them', () => {
  expect(new Set(workloads.map(({ name }) => name)).size).toBe(workloads.length);
  expect(plan.pairs.filter(({ system }) => system.name === 'gossip-log')).toHaveLength(workloads.length);
});

test('[bench] a system that is no log takes part only where it is named', () => {
  const [, floor] = own;
  if (floor === undefined) throw new Error('the floor');
  const { pairs } = planRun(workloads, [{ ...floor, name: 'tanstack-db', isNoLog: true }], 1);
  expect(pairs.map(({ workload }) => workload.name)).toEqual(['views']);
});
