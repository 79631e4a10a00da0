/** Runs a property under the pinned seeds and a fresh one, and says how a failure is run again. */
import fc from 'fast-check';
import { pinnedSeeds } from './pinned-seeds.js';

/** Share of the runs that a pinned seed without a path gets: none where a property has few, large values. */
const pinnedShare = 0.1;

/**
 * Fails when `holds` throws for a generated value. `SEED` in the environment replaces the fresh seed.
 *
 * @param title The title of the test, so that the failure can name it.
 * @param runs Values that the fresh seed tries.
 */
export function property<V>(title: string, values: fc.Arbitrary<V>, runs: number, holds: (value: V) => void): void {
  const chosen = process.env['SEED'];
  const fresh = { seed: chosen === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(chosen), numRuns: runs };
  const pinned = pinnedSeeds
    .filter((pin) => pin.law === undefined || title.startsWith(pin.law))
    .map(({ seed, path }) =>
      path === undefined ? { seed, numRuns: Math.floor(runs * pinnedShare) } : { seed, path, numRuns: runs },
    )
    .filter(({ numRuns }) => numRuns > 0);
  for (const parameters of [...pinned, fresh]) {
    try {
      fc.assert(fc.property(values, holds), parameters);
    } catch (error) {
      const { message, cause } = error as Error;
      const command = `SEED=${parameters.seed} npx vitest run --project unit packages/testing/test`;
      throw new Error(`${title}\n${message}\nRun it again: ${command}`, { cause });
    }
  }
}
