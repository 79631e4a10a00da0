/**
 * `npm run mutate`: breaks the code on purpose, one mutant after another, and searches each with the simulator until a
 * law breaks: first with the pinned plans, as the tests do, then with seeds. Fails when a mutant survives `--seconds` (60), or no longer fits the code. `--only park` takes the mutants
 * with that in their names.
 */
import { parseArgs } from 'node:util';
import { mutants } from './mutants.mjs';
import { loadPinnedPlans, loadSimulator, smallLimits } from './simulator.mjs';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, only: { type: 'string', default: '' } },
});
const secondsMax = Number(values.seconds);
Error.stackTraceLimit = 0;

/** A mutant may reject where nobody hears; that counts as found too. @type {unknown} */
let unheard;
process.on('unhandledRejection', (error) => {
  unheard = error;
});

/** The code as it is. What breaks there too is no merit of a mutant. */
const sound = [await loadSimulator(), await loadSimulator(smallLimits())];

const pinned = await loadPinnedPlans();

/**
 * Plans with the limits that they run under: the pinned ones, then those of seeds.
 *
 * @param {import('./mutants.mjs').Mutant} mutant
 */
function* plansFor({ faults, jumps }) {
  for (const { limits, plan } of pinned) yield { small: limits === 'small', plan };
  for (let seed = 0; ; seed++) {
    const { planOf } = simulatorOf(sound, seed % 2 === 1);
    const options = { ...(faults === undefined ? {} : { faults }), ...(jumps === undefined ? {} : { jumps }) };
    yield { small: seed % 2 === 1, plan: planOf(seed, options) };
  }
}

/** @param {readonly import('./simulator.mjs').Simulator[]} simulators @param {boolean} small */
function simulatorOf(simulators, small) {
  return /** @type {import('./simulator.mjs').Simulator} */ (simulators[small ? 1 : 0]);
}

/** @param {import('./mutants.mjs').Mutant} mutant */
async function hunt(mutant) {
  const simulators = [await loadSimulator([mutant]), await loadSimulator([mutant, ...smallLimits()])];
  const startedAt = performance.now();
  const seconds = () => (performance.now() - startedAt) / 1_000;
  unheard = undefined;
  let runs = 0;
  for (const { small, plan } of plansFor(mutant)) {
    if (seconds() >= secondsMax) break;
    runs++;
    const { violation } = await simulatorOf(simulators, small).run(plan);
    const message = violation?.message ?? (unheard === undefined ? undefined : `[L6] not heard: ${unheard}`);
    if (message === undefined) continue;
    const { violation: anyway } = await simulatorOf(sound, small).run(plan);
    if (anyway === undefined) return { runs, seconds: seconds(), message };
  }
  return { runs, seconds: secondsMax, message: undefined };
}

console.log('| mutant | found after | law, and what it said |\n|---|---|---|');
for (const mutant of mutants.filter(({ name }) => name.includes(values.only))) {
  const { runs, seconds, message } = await hunt(mutant);
  if (message === undefined) process.exitCode = 1;
  const after = message === undefined ? `not in ${secondsMax} s` : `${runs} runs, ${seconds.toFixed(1)} s`;
  const said =
    message
      ?.replaceAll(/[\w-]{22}/g, '…')
      .split(':')
      .slice(0, 2)
      .join(':')
      .slice(0, 110) ?? '';
  console.log(`| ${mutant.name} | ${after} | ${said.replaceAll('|', '/')} |`);
}
