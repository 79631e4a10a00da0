import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Pair } from './plan.js';
import { runPlan, stoppedBefore } from './runner.js';

/** Reports one figure, whatever it is asked for. */
const program = `process.send([{ name: 'one by one', value: 7, unit: 'events/s' }], () => process.exit());`;

function pairOf(system: string): Pair {
  const workload = {
    name: 'append',
    title: '',
    systems: 'all',
    events: 1,
    runs: 2,
    secondsMax: 60,
    run: async () => [],
  };
  return { workload, system: { name: system }, count: 1 } as unknown as Pair;
}

test('[bench] a run that is stopped keeps what was measured until then, and says what was not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gossip-log-bench-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'program.mjs'), program);
  const stop = new AbortController();
  const lines: string[] = [];
  const { rows, absent } = await runPlan(
    { pairs: [pairOf('gossip-log'), pairOf('yjs')], fixtures: [], absent: [] },
    {
      program: join(folder, 'program.mjs'),
      ...{ folder, runsMax: 2, signal: stop.signal },
      tell(line) {
        lines.push(line);
        stop.abort();
      },
    },
  );
  expect(lines).toHaveLength(1);
  expect(rows).toMatchObject([{ system: 'gossip-log', name: 'one by one', values: [7] }]);
  expect(absent).toEqual([{ workload: 'append', system: 'yjs', why: stoppedBefore }]);
});
