/**
 * `npm run simulate -- --seconds 600`: searches runs of the simulator for a broken law, from a seed drawn now or given
 * with `--from`. `-- --seed 123` replays one run and tells what happened; `--steps 3,4,9` those steps of it alone.
 * `--faults crash,cut` draws from these faults. Even seeds run under the real limits, odd ones under small ones.
 * `-- --table a.json b.json` adds up what `--report` has written, as tables for `docs/reliability.md`.
 *
 * A failure is shrunk and printed with its seed, the commit and the steps that are needed; the exit code is 1.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { root } from './run.mjs';
import { printTables } from './simulation-tables.mjs';
import { loadSimulator, smallLimits } from './simulator.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string' },
    from: { type: 'string' },
    runs: { type: 'string' },
    seconds: { type: 'string' },
    steps: { type: 'string' },
    faults: { type: 'string' },
    /** Clocks may jump by seconds to years, too. */
    jumps: { type: 'boolean' },
    /** Also writes the figures as JSON. */
    report: { type: 'string' },
    /** Goes on after a failure, without shrinking it. */
    all: { type: 'boolean' },
    /** Searches nothing: prints what these reports count together. */
    table: { type: 'boolean' },
  },
});

/** @param {string} name @param {string | undefined} text */
function numberOf(name, text) {
  const number = Number(text);
  if (text === undefined || !Number.isSafeInteger(number) || number < 0) {
    console.log(`--${name}: expected a whole number, got ${text}`);
    process.exit(2);
  }
  return number;
}

// A search meets thousands of expected errors, whose stacks nobody reads.
if (values.seed === undefined) Error.stackTraceLimit = 0;

const simulators = values.table ? [] : await Promise.all([loadSimulator(), loadSimulator(smallLimits())]);
/** @param {number} seed */
const simulatorOf = (seed) => /** @type {import('./simulator.mjs').Simulator} */ (simulators[seed % 2]);
const asked = values.faults?.split(',');
const options = {
  ...(asked === undefined ? {} : { faults: simulatorOf(0).faults.filter((fault) => asked.includes(fault)) }),
  ...(values.jumps ? { jumps: true } : {}),
};

process.on('unhandledRejection', (error) => {
  console.log('✗ [L6] a promise was rejected and nobody heard');
  console.log(error);
  process.exit(1);
});

/** @param {import('../packages/testing/src/sim/index.js').Plan} plan @param {string} law */
async function explain(plan, law) {
  const { shrink, describePlan } = simulatorOf(plan.seed);
  const shortest = await shrink(plan, law);
  const kept = shortest.steps.length;
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  console.log(`\nThe shortest schedule found, ${kept} of ${plan.steps.length} steps, at commit ${commit}:\n`);
  console.log(describePlan(shortest));
  const again = [
    `--seed ${plan.seed}`,
    ...(values.faults === undefined ? [] : [`--faults ${values.faults}`]),
    ...(values.jumps ? ['--jumps'] : []),
  ].join(' ');
  console.log(`\nReplay it with: npm run simulate -- ${again}`);
  return shortest;
}

async function replay() {
  const seed = numberOf('seed', values.seed);
  const simulator = simulatorOf(seed);
  let plan = simulator.planOf(seed, options);
  const { violation: first } = await simulator.run(plan);
  if (first !== undefined) {
    console.log(`✗ ${first.message}`);
    plan = await explain(plan, first.law);
    console.log('\nIts story:\n');
  }
  const { violation, counts } = await simulator.run(plan, (line) => console.log(line));
  if (violation === undefined) {
    console.log(`\n✓ seed ${seed} keeps the laws`);
    for (const [what, times] of [...counts].sort()) console.log(`  ${what}: ${times}`);
  } else process.exitCode = 1;
}

async function search() {
  const seconds = values.seconds === undefined ? 60 : numberOf('seconds', values.seconds);
  const runsMax = values.runs === undefined ? Number.POSITIVE_INFINITY : numberOf('runs', values.runs);
  const from = values.from === undefined ? Date.now() % 1_000_000_000 : numberOf('from', values.from);
  const startedAt = performance.now();
  const passedSeconds = () => (performance.now() - startedAt) / 1_000;
  const total = { runs: 0, steps: 0, callbacks: 0, virtualMs: 0 };
  /** @type {Map<string, number>} */
  const counts = new Map();
  /** @type {Map<string, number[]>} */
  const broken = new Map();
  let nextLineAt = 10;
  const report = () => {
    const figures = {
      from,
      ...total,
      seconds: Math.round(passedSeconds()),
      counts: Object.fromEntries([...counts].sort()),
    };
    if (values.report !== undefined) {
      writeFileSync(values.report, `${JSON.stringify({ ...figures, broken: Object.fromEntries(broken) }, null, 2)}\n`);
    }
    const perSecond = (total.runs / passedSeconds()).toFixed(0);
    console.log(`${total.runs} runs, ${total.steps} steps, ${perSecond} runs/s, next seed ${from + total.runs}`);
  };
  while (passedSeconds() < seconds && total.runs < runsMax) {
    const seed = from + total.runs;
    const simulator = simulatorOf(seed);
    const plan = simulator.planOf(seed, options);
    const { violation, ...result } = await simulator.run(plan);
    total.runs++;
    total.steps += result.steps;
    total.callbacks += result.callbacks;
    total.virtualMs += result.virtualMs;
    for (const [what, times] of result.counts) counts.set(what, (counts.get(what) ?? 0) + times);
    if (violation !== undefined) {
      console.log(`✗ seed ${seed}: ${violation.message}`);
      process.exitCode = 1;
      if (!values.all) {
        await explain(plan, violation.law);
        return report();
      }
      const kind = violation.message
        .replaceAll(/[\w-]{22}(\.\d+)?/g, '#')
        .replaceAll(/\d+/g, '#')
        .slice(0, 120);
      broken.set(kind, [...(broken.get(kind) ?? []), seed]);
    }
    if (passedSeconds() >= nextLineAt) {
      nextLineAt += 10;
      report();
    }
  }
  report();
  for (const [what, times] of [...counts].sort()) console.log(`  ${what}: ${times}`);
  for (const [kind, seeds] of broken) console.log(`✗ ${seeds.length} times ${kind}: ${seeds.slice(0, 5).join(', ')}`);
}

if (values.table) printTables(positionals);
else await (values.seed === undefined ? search() : replay());
