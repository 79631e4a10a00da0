/**
 * `npm run bench:profile -- <workload> [system]`: runs one workload once under V8's profiler, leaves the CPU profile in
 * `bench/results/local/`, and prints the ten functions that took most time themselves. Open the profile in Chromium's
 * developer tools.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { ensureChromium } from './chromium.mjs';
import { installAndBuild } from './install-and-build.mjs';
import { root } from './run.mjs';

const [workload, system = 'gossip-log', count = '100000'] = process.argv.slice(2);
const program = join(root, 'bench/dist/main.js');
const profiles = join(root, 'bench/results/local');
/** Fixtures that workloads may read; those that it does not need cost a few seconds. */
const fixtureOf = {
  'many-writers': 'many',
  'random-order': 'updates',
  'load-newest': 'stored',
  difference: 'stored',
  'difference-10k': 'stored-many',
  'difference-100k': 'stored-many',
};

if (workload === undefined) {
  console.log('Which workload? npm run bench:profile -- append');
  process.exitCode = 2;
} else if (await installAndBuild('bench...')) {
  if (workload === 'browser') process.env.CHROMIUM_PATH = await ensureChromium();
  const folder = mkdtempSync(join(tmpdir(), 'gossip-log-profile-'));
  mkdirSync(profiles, { recursive: true });
  const common = ['--system', system, '--count', count, '--folder', folder];
  const fixture = fixtureOf[/** @type {keyof typeof fixtureOf} */ (workload)] ?? 'ten';
  /** @param {readonly string[]} args */
  const start = (args) => spawnSync(process.execPath, args, { stdio: 'inherit' }).status === 0;
  const name = `${workload}-${system}.cpuprofile`;
  const profiler = ['--expose-gc', '--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${name}`];
  const ok =
    start([program, '--role', 'fixture', '--fixture', fixture, ...common]) &&
    start([...profiler, program, '--role', 'work', '--workload', workload, '--fixtures', folder, ...common]);
  if (ok) {
    copyFileSync(join(folder, name), join(profiles, name));
    print(JSON.parse(readFileSync(join(profiles, name), 'utf8')));
    console.log(`\n${relative(root, join(profiles, name))}`);
  } else process.exitCode = 1;
  rmSync(folder, { recursive: true, force: true });
}

/**
 * @param {{ nodes: { id: number, callFrame: { functionName: string, url: string, lineNumber: number } }[],
 *   samples: number[], timeDeltas: number[] }} profile
 */
function print({ nodes, samples, timeDeltas }) {
  const nodeOf = new Map(nodes.map((node) => [node.id, node.callFrame]));
  /** @type {Map<string, number>} */
  const own = new Map();
  let total = 0;
  for (const [i, id] of samples.entries()) {
    const frame = nodeOf.get(id);
    const micros = timeDeltas[i] ?? 0;
    if (frame === undefined || frame.functionName === '(idle)' || frame.functionName === '(program)') continue;
    const where = frame.url === '' ? '' : `${relative(root, frame.url.replace('file://', ''))}:${frame.lineNumber + 1}`;
    const key = `${frame.functionName || '(anonymous)'}  ${where}`;
    own.set(key, (own.get(key) ?? 0) + micros);
    total += micros;
  }
  const hottest = [...own].sort((a, b) => b[1] - a[1]).slice(0, 10);
  console.log(`\nThe ten hottest of ${(total / 1e6).toFixed(2)} s, fixtures read and outcome checked among them:`);
  for (const [key, micros] of hottest) console.log(`${((100 * micros) / total).toFixed(1).padStart(5)} %  ${key}`);
}
