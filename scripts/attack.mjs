/**
 * `npm run attack`: plays hostile peers against a real relay and measures what they cost it and the others, in a quarter
 * of an hour. `-- --only feeds,slots` runs some attacks, `--list` names them, `--table` prints a table in Markdown at the end,
 * `--report attacks.json` writes all figures. An aim that is missed is exit code 1.
 *
 * `-- --mutate 1000000` feeds so many frames with bytes changed to nodes in this process instead, from a seed drawn now or given
 * with `--seed`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { root } from './run.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    list: { type: 'boolean' },
    table: { type: 'boolean' },
    report: { type: 'string' },
    /** A part of each attack, whose times are not judged: what `npm test` runs. */
    short: { type: 'boolean' },
    mutate: { type: 'string' },
    seed: { type: 'string' },
  },
});

/** @returns {Promise<typeof import('../test/attack/suite.js')>} */
async function load() {
  // Within the relay's package: what is not bundled, `ws` and the native `lmdb`, is found there.
  const folder = mkdtempSync(join(root, 'packages/relay/node_modules/attack-suite-'));
  try {
    const outfile = join(folder, 'suite.mjs');
    await build({
      ...{ entryPoints: [join(root, 'test/attack/suite.ts')], outfile, bundle: true, format: 'esm', platform: 'node' },
      ...{ target: 'node20', conditions: ['@gossip-log/source'], external: ['ws', 'lmdb', 'esbuild'] },
      ...{ sourcemap: 'inline', logLevel: 'silent' },
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * A frame that a node never comes to the end of holds this thread too: another one watches the number of the session.
 *
 * @param {number} seed
 */
function watchForStandstill(seed) {
  const at = new Int32Array(new SharedArrayBuffer(4));
  const watch = `
    const { workerData: { at, seed } } = require('node:worker_threads');
    let last = -1;
    setInterval(() => {
      if (at[0] === last) {
        require('node:fs').writeSync(1, '✗ a frame is worked on for more than 30 s (seed ' + seed + ', session ' + last + ')\\n');
        process.kill(process.pid, 'SIGKILL');
      }
      last = at[0];
    }, 30_000);
  `;
  new Worker(watch, { eval: true, workerData: { at, seed } }).unref();
  return at;
}

const { attacks, feedMutatedFrames, Suite, table, verdictLines } = await load();

if (values.mutate !== undefined) {
  const count = Number(values.mutate);
  const seed = values.seed === undefined ? Date.now() % 1_000_000_000 : Number(values.seed);
  if (!Number.isSafeInteger(count) || !Number.isSafeInteger(seed)) {
    console.log(`--mutate ${values.mutate} --seed ${values.seed ?? ''}: expected whole numbers`);
    process.exit(2);
  }
  // Most sessions end with an error, whose stack nobody reads.
  Error.stackTraceLimit = 0;
  let nextLine = 0;
  const at = watchForStandstill(seed);
  const { mutated, sessions, ended, broken } = await feedMutatedFrames(seed, count, (done, session) => {
    at[0] = session;
    if (done < nextLine) return;
    console.log(`${done.toLocaleString('en')} frames`);
    nextLine = done + count / 10;
  });
  const how = Object.entries(ended).map(([code, times]) => `${code} ${times.toLocaleString('en')}`);
  console.log(
    `${mutated.toLocaleString('en')} mutated frames in ${sessions.toLocaleString('en')} sessions, seed ${seed}`,
  );
  console.log(`sessions ended: ${how.join(', ')}`);
  for (const what of broken) console.log(`✗ ${what}`);
  process.exit(broken.length === 0 ? 0 : 1);
}

const only = values.only?.split(',');
const unknown = only?.filter((name) => attacks.every((attack) => attack.name !== name)) ?? [];
if (unknown.length > 0) {
  console.log(`--only ${unknown.join(',')}: the attacks are ${attacks.map(({ name }) => name).join(', ')}.`);
  process.exit(2);
}
if (values.list) {
  for (const { name, does } of attacks) console.log(`${name}: ${does}`);
  process.exit();
}

const suite = await Suite.prepare(root);
/** @type {import('../test/attack/suite.js').AttackRun[]} */
const runs = [];
try {
  for (const attack of attacks) {
    if (only !== undefined && !only.includes(attack.name)) continue;
    const run = await suite.run(attack, { short: values.short === true });
    runs.push(run);
    const { report, verdicts } = run;
    console.log(`${verdicts.every(({ met }) => met) ? '✓' : '✗'} ${attack.name}: ${attack.does}`);
    for (const line of verdictLines(verdicts)) console.log(line);
    for (const { what, holds } of report.checks) console.log(`  ${holds ? 'holds ' : 'broken'} ${what}`);
    if (report.relayEnded !== undefined) console.log(`  ${report.relayEnded}`);
    // After each one, so that a run that is stopped leaves what it has.
    if (values.report !== undefined) writeFileSync(values.report, `${JSON.stringify(runs, null, 2)}\n`);
  }
} finally {
  await suite.close();
}
if (values.table) console.log(`\n${table(runs)}`);
const missed = runs.filter(({ verdicts }) => verdicts.some(({ met }) => !met)).length;
console.log(`\n${runs.length} attacks, ${missed} of them miss an aim`);
process.exitCode = missed === 0 ? 0 : 1;
