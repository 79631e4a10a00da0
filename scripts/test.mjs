/**
 * `npm test`: everything that CI checks, in stages. Goes on after a failure, so that one run shows all of them, and
 * ends with `N passed, N failed`. A stage that is not vitest counts as one test; a skipped test counts as failed.
 *
 * `npm test -- --only lint,unit` runs some of the stages. `SEED=1 npm test` replays generated tests.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureChromium } from './chromium.mjs';
import { install, root, stage, turbo, types } from './run.mjs';
import { countTests } from './test-report.mjs';

const bin = (/** @type {string} */ name) => join('node_modules', '.bin', name);
const total = { passed: 0, failed: 0 };

/** @param {boolean} ok */
function countStage(ok) {
  total[ok ? 'passed' : 'failed'] += 1;
  return ok;
}

/**
 * @param {string} title
 * @param {readonly (readonly string[])[]} commands
 * @param {string} [advice]
 */
const commands = async (title, commands, advice) =>
  countStage(await stage(title, commands, advice === undefined ? {} : { advice }));

/**
 * @param {string} title
 * @param {readonly string[]} projects
 */
async function vitest(title, projects) {
  const report = join(root, 'test-results', `${projects[0]}.json`);
  rmSync(report, { force: true });
  const command = [
    ...[bin('vitest'), 'run', ...projects.map((project) => `--project=${project}`)],
    ...['--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
  ];
  const ok = await stage(title, [command], { live: true });
  /** @type {string | undefined} */
  let text;
  try {
    text = readFileSync(report, 'utf8');
  } catch {
    // vitest ended before it wrote its report: counted as one failure.
  }
  const { passed, failed } = countTests(text, ok);
  total.passed += passed;
  total.failed += failed;
  return failed === 0;
}

/** @param {() => Promise<boolean>} next what needs a Chromium */
async function withChromium(next) {
  try {
    process.env.CHROMIUM_PATH = await ensureChromium();
  } catch (error) {
    console.log(`✗ ${error instanceof Error ? error.message : error}`);
    return countStage(false);
  }
  return next();
}

/** @type {Record<string, () => Promise<boolean>>} */
const stages = {
  lint: () =>
    commands(
      'format and lint',
      [[bin('biome'), 'check', '--error-on-warnings', '.']],
      '`npm run format` corrects most of it.',
    ),
  unused: () => commands('unused exports and dependencies', [[bin('knip')]]),
  types: () => commands('types', [types]),
  unit: () => vitest('unit, property and integration tests', ['unit', 'dom']),
  browser: () => withChromium(() => vitest('browser tests', ['browser'])),
  packages: () =>
    commands('build and packages', [[...turbo, 'build'], types, [process.execPath, 'scripts/check-packages.mjs']]),
  // Builds for itself, so that `--only e2e` never meets yesterday's chat; after `packages` that costs nothing.
  e2e: async () =>
    (await stage('build for end to end', [[...turbo, 'build']]))
      ? withChromium(() => vitest('end to end', ['e2e']))
      : countStage(false),
};
const { values } = parseArgs({ options: { only: { type: 'string' } } });
const names = values.only?.split(',') ?? Object.keys(stages);
const unknown = names.filter((name) => stages[name] === undefined);
if (unknown.length > 0) {
  console.log(`--only ${unknown.join(',')}: the stages are ${Object.keys(stages).join(', ')}.`);
  process.exit(2);
}

const startedAt = performance.now();
mkdirSync(join(root, 'test-results'), { recursive: true });
const installed = await stage('install', [install], {
  advice: 'Is the package registry reachable, and is there room on the disk? Then try again.',
});
if (!installed) countStage(false);
for (const name of installed ? names : []) await stages[name]?.();
console.log(`\n${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
