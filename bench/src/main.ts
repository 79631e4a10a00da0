/**
 * `npm run bench [workload … system …]`: measures, prints tables, writes results. A whole run goes to `results/` and into
 * the documents; a part goes to `results/local/`. Stopped with Ctrl+C it keeps what it has, as a part unless each pair was
 * measured once.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chart } from './chart.js';
import { compare } from './compare.js';
import { chatEvents } from './events.js';
import { copyStored, makeFixture, readFixture } from './fixtures.js';
import { planRun } from './plan.js';
import { publish } from './publish.js';
import type { Results } from './results.js';
import { runPlan, stoppedBefore } from './runner.js';
import type { FixtureName, System } from './system.js';
import { loadSystem, systemNames } from './systems/index.js';
import { circumstances, standing, tables } from './table.js';
import { watchWasm } from './wasm-memory.js';
import { workloads } from './workloads/index.js';

const program = fileURLToPath(import.meta.url);
const home = join(program, '../..');
const recorded = join(home, 'results/results.json');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '5' },
    scale: { type: 'string', default: '1' },
    smoke: { type: 'boolean', default: false },
    compare: { type: 'boolean', default: false },
    // For the processes that this program starts.
    role: { type: 'string' },
    workload: { type: 'string', default: '' },
    system: { type: 'string', default: '' },
    fixture: { type: 'string', default: '' },
    count: { type: 'string', default: '0' },
    folder: { type: 'string', default: '' },
    fixtures: { type: 'string', default: '' },
    address: { type: 'string', default: '' },
  },
});
const count = Number(values.count);

const roles: Record<string, () => Promise<void>> = {
  async fixture() {
    await makeFixture(await loadSystem(values.system, home), values.fixture as FixtureName, count, values.folder);
    report('written');
  },
  async work() {
    watchWasm();
    const workload = workloads.find(({ name }) => name === values.workload);
    if (workload === undefined) throw new TypeError(`no workload ${values.workload}`);
    const system = await loadSystem(values.system, home);
    const figures = await workload.run({
      system,
      count,
      home,
      folder: values.folder,
      read: (name) => readFixture(name, values.fixtures),
      stored: (name) => copyStored(name, values.fixtures, mkdtempSync(join(values.folder, 'stored-'))),
      relayCommand: [program, '--system', values.system],
    });
    report(figures);
  },
  async relay() {
    const system = await loadSystem(values.system, home);
    report(await system.live?.startRelay(values.folder), true);
    process.on('message', () => report(process.cpuUsage(), true));
    process.on('disconnect', () => process.exit());
  },
  async filler() {
    const participant = await (await loadSystem(values.system, home)).live?.join(values.address);
    await participant?.fill(chatEvents(count));
    report('filled', true);
    process.on('disconnect', () => process.exit());
  },
};

/** Tells the process that started this one; whatever is still open then, sockets and stores, ends with this one. */
function report(what: unknown, goOn = false): void {
  // Started by hand, for a profile, there is nobody to tell.
  if (process.send === undefined) process.exit();
  process.send(what, undefined, undefined, () => goOn || process.exit());
}

if (values.role !== undefined) await roles[values.role]?.();
else process.exitCode = await bench();

/** @returns the exit code */
async function bench(): Promise<number> {
  const asked = positionals;
  const unknown = asked.filter(
    (name) => !systemNames.includes(name) && workloads.every((workload) => workload.name !== name),
  );
  if (unknown.length > 0) {
    console.log(`There is no ${unknown.join(', ')}. Workloads: ${workloads.map(({ name }) => name).join(', ')}.`);
    console.log(`Systems: ${systemNames.join(', ')}.`);
    return 2;
  }
  const startedAt = performance.now();
  const scale = values.smoke ? 0.005 : Number(values.scale);
  const someSystems = systemNames.filter((name) => asked.includes(name));
  const chosen = workloads.filter(({ name }) => asked.includes(name));
  const done = chosen.length === 0 ? workloads : chosen;
  // A peer is compared with something: alone it would say nothing.
  const names =
    someSystems.length === 0
      ? systemNames
      : systemNames.filter((name) => asked.includes(name) || name === 'gossip-log');
  const systems: System[] = [];
  for (const name of names) {
    try {
      systems.push(await loadSystem(name, home));
    } catch (error) {
      console.log(
        `✗ ${name} cannot be loaded and is left out: ${error instanceof Error ? error.message.split('\n')[0] : error}`,
      );
    }
  }
  const plan = planRun(done, systems, scale);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());

  const folder = mkdtempSync(join(tmpdir(), 'gossip-log-bench-'));
  try {
    const { rows, absent } = await runPlan(plan, {
      program,
      folder,
      runsMax: values.smoke ? 1 : Number(values.runs),
      signal: stop.signal,
      tell: console.log,
    });
    const results: Results = {
      ...environment(),
      scale,
      seconds: Math.round((performance.now() - startedAt) / 1000),
      versions: {
        node: process.versions.node,
        ...Object.fromEntries(systems.map(({ name, version }) => [name, version])),
      },
      notes: Object.fromEntries(systems.map(({ name, notes = {} }) => [name, notes])),
      rows,
      absent,
    };
    console.log(`\n${tables(results, done)}\n\n${standing(rows)}\n\n${circumstances(results)}`);
    const failures = absent.filter((absence) => !plan.absent.includes(absence));
    for (const { workload, system, why } of failures) console.log(`✗ ${workload} ${system}: ${why}`);

    const isStopped = failures.some(({ why }) => why === stoppedBefore);
    const isWhole = asked.length === 0 && scale === 1 && !values.compare && !isStopped;
    const target = isWhole ? recorded : join(home, 'results/local/results.json');
    mkdirSync(join(target, '..'), { recursive: true });
    writeFileSync(target, `${JSON.stringify(results, undefined, 1)}\n`);
    if (isWhole) publish(results, workloads, chart(results), join(home, '..'));
    if (values.compare) return compare(results, recorded, console.log) ? 0 : 1;
    return failures.length === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the figures depend on besides the code of the systems. */
function environment() {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: home, encoding: 'utf8' }).trim();
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: git('rev-parse', '--short', 'HEAD'),
    changed: git('status', '--porcelain', '--', '../packages', 'src', 'peers') !== '',
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      platform: `${process.platform} ${process.arch}`,
    },
  };
}
