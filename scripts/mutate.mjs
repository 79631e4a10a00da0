/**
 * `npm run mutate`: breaks the code on purpose, one mutant after another, and searches each with the simulator until a
 * law breaks. Fails when a mutant survives `--seconds` (60), or no longer fits the code. `--only park` takes the mutants
 * with that in their names.
 */
import { parseArgs } from 'node:util';
import { mutants } from './mutants.mjs';
import { loadSimulator, smallLimits } from './simulator.mjs';

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

/** @param {import('./mutants.mjs').Mutant} mutant */
async function hunt(mutant) {
  const simulators = [await loadSimulator([mutant]), await loadSimulator([mutant, ...smallLimits()])];
  const startedAt = performance.now();
  const seconds = () => (performance.now() - startedAt) / 1_000;
  unheard = undefined;
  for (let seed = 0; seconds() < secondsMax; seed++) {
    const { planOf, run } = /** @type {import('./simulator.mjs').Simulator} */ (simulators[seed % 2]);
    const plan = planOf(seed, mutant.faults === undefined ? {} : { faults: mutant.faults });
    const { violation } = await run(plan);
    const message = violation?.message ?? (unheard === undefined ? undefined : `[L6] not heard: ${unheard}`);
    if (message === undefined) continue;
    const { violation: anyway } = await /** @type {import('./simulator.mjs').Simulator} */ (sound[seed % 2]).run(plan);
    if (anyway === undefined) return { runs: seed + 1, seconds: seconds(), message };
  }
  return { runs: 0, seconds: secondsMax, message: undefined };
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
