/** A smoke run: every workload does its work at small size and checks its outcome. No figure is judged. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fixtures } from './fixtures.js';
import { rowsOf, runPasses } from './runner.js';
import { table } from './table.js';
import { suites } from './workloads/index.js';

const folder = mkdtempSync(join(tmpdir(), 'gossip-log-bench-'));
const fixtures = new Fixtures(folder, 0.01);
beforeAll(() => fixtures.make());
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(Object.entries(suites))('suite %s', (_, workloads) => {
  test.each(workloads)(
    '[bench] $name: its outcome is right, its figures are numbers with names of their own',
    (workload) => {
      const report = runPasses(workload, fixtures);
      const names = report.cold.map(({ name }) => name);
      expect(names.length).toBeGreaterThan(0);
      expect(new Set(names).size).toBe(names.length);
      expect(report.warm.map(({ name }) => name)).toEqual(names);
      for (const { value, floor, unit } of [...report.cold, ...report.warm]) {
        expect(Number.isFinite(value)).toBe(true);
        if (unit === 'events/s') expect(value).toBeGreaterThan(0);
        if (floor !== undefined) expect(floor.value).toBeGreaterThan(0);
      }
      expect(table(rowsOf(workload, [report, report])).split('\n')).toHaveLength(names.length + 2);
    },
  );

  test('[bench] names of workloads are unique', () => {
    expect(new Set(workloads.map(({ name }) => name)).size).toBe(workloads.length);
  });
});
