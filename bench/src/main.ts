/**
 * `npm run bench -- core [workload …]`: measures, prints the table, writes the results. A whole run goes to
 * `results/core.json`, which is committed; a part goes to `results/local/`.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Fixtures } from './fixtures.js';
import { inOwnProcess, type Report, runAll, runPasses } from './runner.js';
import { table } from './table.js';
import { suites } from './workloads/index.js';

const program = fileURLToPath(import.meta.url);
const results = join(program, '../../results');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '5' },
    scale: { type: 'string', default: '1' },
    // For the processes that this program starts.
    fixtures: { type: 'string' },
  },
});
const [suite = 'core', ...wanted] = positionals;
const all = suites[suite];
const unknown = wanted.filter((name) => all?.every((workload) => workload.name !== name));

if (all === undefined || unknown.length > 0) {
  console.log(
    all === undefined
      ? `No suite "${suite}": there is ${Object.keys(suites).join(', ')}.`
      : `No workload ${unknown.join(', ')} in ${suite}: there is ${all.map(({ name }) => name).join(', ')}.`,
  );
  process.exitCode = 2;
} else {
  const workloads = all.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  const scale = Number(values.scale);
  if (values.fixtures !== undefined) {
    const fixtures = new Fixtures(values.fixtures, scale);
    const [workload] = workloads;
    if (wanted.length === 0) fixtures.make();
    else if (workload !== undefined) {
      // Started by hand, for a profile, there is nobody to tell.
      const report = runPasses(workload, fixtures);
      process.send?.(report);
    }
  } else {
    const folder = mkdtempSync(join(tmpdir(), 'gossip-log-bench-'));
    const flags = ['--scale', values.scale, '--fixtures', folder];
    try {
      await inOwnProcess(program, [suite, ...flags]);
      const rows = await runAll(
        workloads,
        Number(values.runs),
        async ({ name }) => (await inOwnProcess(program, [suite, name, ...flags])) as Report,
      );
      console.log(table(rows));
      const isWhole = wanted.length === 0 && scale === 1;
      const target = join(results, isWhole ? '' : 'local');
      mkdirSync(target, { recursive: true });
      const report = { suite, runs: Number(values.runs), ...circumstances(), rows };
      writeFileSync(join(target, `${suite}.json`), `${JSON.stringify(report, undefined, 2)}\n`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
}

/** What the figures depend on besides the code. */
function circumstances() {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: results, encoding: 'utf8' }).trim();
  return {
    commit: git('rev-parse', '--short', 'HEAD'),
    // Uncommitted changes in what is measured.
    changed: git('status', '--porcelain', '--', '../../packages/core/src', '../src') !== '',
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      platform: `${process.platform} ${process.arch}`,
    },
    versions: { node: process.versions.node, v8: process.versions.v8 },
  };
}
