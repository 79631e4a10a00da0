/** The simulator, as users call it. */
import { checkOptions } from '@gossip-log/core';
import { faults as allFaults, describePlan, type Fault, planOf, run, shrink } from './sim/index.js';

export interface SimulateOptions {
  /** Draws everything: who is there, what happens when. A whole number from 0. */
  readonly seed: number;
  /** Apps at most, from 2; relays come on top. Default 4. */
  readonly nodes?: number;
  /** Draws from these of `simulatedFaults` alone. Default: those that the project's own search draws from. */
  readonly faults?: readonly Fault[];
}

/** What a run was like. */
export interface Simulated {
  /** How often each thing happened that was counted: faults, and the rare paths that they lead to. */
  readonly counts: ReadonlyMap<string, number>;
  /** Steps carried out. */
  readonly steps: number;
  /** How long it took, in the simulated world. */
  readonly virtualMs: number;
}

/** Everything that may go wrong in a simulation. */
export const simulatedFaults: readonly Fault[] = allFaults;

/** Shrinking stops after so many runs. */
const shrinkRunsMax = 300;

/**
 * Runs real nodes and relays over a virtual network, virtual disks and virtual time, while what `faults` names goes
 * wrong; then everything heals, and all must come together. Every law is checked on the way. The same options give the
 * same run.
 *
 * @returns What happened, when all laws held.
 * @throws Error that names the broken law, with the shortest plan found that breaks it. RangeError when an option makes
 *   no sense.
 * @example
 * ```ts
 * import { simulate } from '@gossip-log/testing';
 *
 * const { steps, counts } = await simulate({ seed: 1, nodes: 3, faults: ['crash', 'partition'] });
 * ```
 */
export async function simulate(options: SimulateOptions): Promise<Simulated> {
  checkOptions('simulate', options, { seed: 'number', nodes: 'number', faults: 'array' });
  const { seed, nodes = 4, faults = allFaults } = options;
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new RangeError(`seed: expected a whole number from 0, got ${seed}`);
  if (!Number.isSafeInteger(nodes) || nodes < 2) throw new RangeError(`nodes: expected 2 or more, got ${nodes}`);
  const unknown = faults.find((fault) => !allFaults.includes(fault));
  if (unknown !== undefined) throw new RangeError(`faults: expected of ${allFaults.join(', ')}, got ${unknown}`);

  const plan = planOf(seed, { appsMax: nodes, faults });
  const { violation, counts, steps, virtualMs } = await run(plan);
  if (violation === undefined) return { counts, steps, virtualMs };
  const shortest = await shrink(plan, violation.law, shrinkRunsMax);
  const again = [`seed: ${seed}`, `nodes: ${nodes}`, `faults: ${JSON.stringify(faults)}`].join(', ');
  throw new Error(
    `simulate: ${violation.message}\n\n${describePlan(shortest)}\n\nTo run it again: simulate({ ${again} })`,
    { cause: violation },
  );
}
