/** A short search, under the limits that the calling file has set: pinned plans, then runs, then what they reached. */
import { expect, test } from 'vitest';
import { planOf, run } from '../src/sim/index.js';
import { pinnedPlans } from './pinned-plans.js';

export function shortSearch(limits: 'real' | 'small', runs: number, rarePaths: readonly string[]): void {
  const pinned = pinnedPlans.filter((plan) => plan.limits === limits);

  test.each(pinned)('[L1] [L2] [L4] [L6] mended: $found', async ({ plan }) => {
    expect((await run(plan)).violation).toBeUndefined();
  });

  test(`[L1] [L2] [L4] [L5] [L6] [L9] ${runs} simulated runs keep the laws, and reach rare paths`, async () => {
    // The same runs every time, so that a change is judged by what it changed; `npm run simulate` and SEED look elsewhere.
    // Even seeds have real limits, odd ones small.
    const from = 2 * Number(process.env['SEED'] ?? 1);
    const counts = new Map<string, number>();
    for (let i = 0; i < runs; i++) {
      const seed = from + 2 * i + (limits === 'small' ? 1 : 0);
      const result = await run(planOf(seed));
      if (result.violation !== undefined) {
        throw new Error(`${result.violation.message}\nReplay it with: npm run simulate -- --seed ${seed}`, {
          cause: result.violation,
        });
      }
      for (const [what, times] of result.counts) counts.set(what, (counts.get(what) ?? 0) + times);
    }
    expect(rarePaths.filter((path) => !counts.has(path))).toEqual([]);
    // Seconds on a quiet machine; the bound is for a hanging run, not for a busy machine.
  }, 300_000);
}
