/** One run: the steps of a plan, then peace, then the question whether everybody came together. */
import { Violation } from './checkers.js';
import { Cluster, describeStep } from './cluster.js';
import type { Plan, Step } from './plan.js';

/** Virtual time that machines have to come together once nothing fails any more. */
const healMsMax = 20 * 60_000;
/** Where clocks jumped: what all else has to heal before they are put right, */
const quietMs = 5 * 60_000;
/** and what is left then for all that was written to be delivered. */
const deliveryMsMax = 60_000;
/** How often that is looked at. */
const lookMs = 1_000;

/** What a run found, and what it was like. */
export interface RunResult {
  /** The law that was broken, or `undefined`. */
  readonly violation: Violation | undefined;
  /** How often each thing happened that was counted. */
  readonly counts: ReadonlyMap<string, number>;
  /** Steps carried out. */
  readonly steps: number;
  /** Callbacks that ran under virtual time. */
  readonly callbacks: number;
  readonly virtualMs: number;
}

/** Carries out a plan. The same plan gives the same result, whatever else runs. */
export async function run(plan: Plan, story?: (line: string) => void): Promise<RunResult> {
  const cluster = new Cluster(plan, story);
  const { time } = cluster;
  const startMs = time.nowMs;
  const isDelivered = () => cluster.converged && (cluster.relayed || cluster.laws.forged);
  /** What was sent or read with a wrong time waits for that. */
  const waitFor = async (done: () => boolean) => {
    if (!(await passUntil(cluster, done, quietMs))) cluster.waitUntilDue();
  };
  const isDue = plan.jumps === 'due';
  let steps = 0;
  let violation: Violation | undefined;
  try {
    for (const step of plan.steps) {
      await cluster.pass(step.afterMs);
      cluster.perform(step);
      steps++;
    }
    cluster.heal();
    if (plan.jumps !== undefined) {
      // All is up and connected, and what a right clock allows has been exchanged.
      await cluster.pass(quietMs);
      cluster.setClocksRight();
      if (plan.jumps === 'delivered') await comeTogether(cluster, isDelivered, deliveryMsMax);
      // Until devices know that a relay's clock was wrong they write by it.
      else await cluster.pass(deliveryMsMax);
    }
    if (isDue) await waitFor(() => cluster.converged);
    await comeTogether(cluster, () => cluster.converged);
    cluster.checkConverged();
    cluster.lastWords();
    if (isDue) await waitFor(isDelivered);
    await comeTogether(cluster, isDelivered);
    cluster.checkConverged();
    if (cluster.restartRedacted()) {
      await comeTogether(cluster, () => cluster.converged && cluster.erased);
      cluster.checkConverged();
    }
    if (cluster.restartDamaged()) {
      const isRepaired = () => cluster.converged && cluster.repaired;
      if (isDue) await waitFor(isRepaired);
      await comeTogether(cluster, isRepaired);
    }
  } catch (error) {
    violation = asViolation(error);
    story?.(violation.stack ?? violation.message);
  }
  return { violation, counts: cluster.counts, steps, callbacks: time.ran, virtualMs: time.nowMs - startMs };
}

async function comeTogether(cluster: Cluster, done: () => boolean, waitMsMax = healMsMax): Promise<void> {
  for (let waitedMs = 0; !done(); waitedMs += lookMs) {
    if (waitedMs >= waitMsMax) {
      throw new Violation('L1', `not together after ${waitMsMax / 60_000} quiet minutes: ${cluster.standing()}`);
    }
    await cluster.pass(lookMs);
  }
}

/** Returns whether it came to that in time. */
async function passUntil(cluster: Cluster, done: () => boolean, waitMsMax: number): Promise<boolean> {
  for (let waitedMs = 0; !done(); waitedMs += lookMs) {
    if (waitedMs >= waitMsMax) return false;
    await cluster.pass(lookMs);
  }
  return true;
}

/** Anything else that was thrown came out of the code under test, into a process that must not end (L6). */
function asViolation(error: unknown): Violation {
  if (error instanceof Violation) return error;
  const violation = new Violation('L6', `thrown into the process: ${error}`);
  if (error instanceof Error && error.stack !== undefined) violation.stack = `${violation.message}\n${error.stack}`;
  return violation;
}

/**
 * The shortest plan that still breaks the same law: halves, quarters and single steps are left out as long as it does.
 */
export async function shrink(plan: Plan, law: string, runsMax = 2_000): Promise<Plan> {
  let best = plan;
  let runs = 0;
  const fails = async (steps: readonly Step[]) => {
    if (runs++ >= runsMax) return false;
    const { violation } = await run({ ...best, steps });
    if (violation?.law !== law) return false;
    best = { ...best, steps };
    return true;
  };
  for (let size = Math.ceil(best.steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < best.steps.length; ) {
      const fewer = [...best.steps.slice(0, from), ...best.steps.slice(from + size)];
      if (!(await fails(fewer))) from += size;
    }
  }
  for (let i = 0; i < best.steps.length; i++) {
    const step = best.steps[i] as Step;
    if (step.afterMs > 0) await fails(best.steps.with(i, { ...step, afterMs: 0 }));
    if (step.do === 'append' && step.count > 1) await fails(best.steps.with(i, { ...step, count: 1, bytes: 0 }));
  }
  return best;
}

/** A plan for people: who is there, and the steps. */
export function describePlan(plan: Plan): string {
  const {
    relays,
    bridged,
    apps,
    logs,
    faults,
    delayMsMax,
    bytesPerMs,
    diskLatencyMsMax,
    looks,
    catchUps,
    keeps,
    steps,
  } = plan;
  const machines = apps.map(
    ({ disk, dials }, app) => `app-${app} on disk ${disk} dials ${dials.join(', ') || 'nobody'}`,
  );
  return [
    `seed ${plan.seed}: ${relays} relays${bridged ? ' in a row' : ''}, ${logs} logs; ${machines.join('; ')}`,
    `faults: ${faults.join(', ') || 'none'}; delay up to ${delayMsMax} ms, ${bytesPerMs} B/ms, disk up to ${diskLatencyMsMax} ms, looks ${looks}${catchUps ? ', catch-ups' : ''}`,
    ...(keeps === undefined ? [] : [`kept: ${JSON.stringify(keeps)}`]),
    ...steps.map((step, i) => `${String(i + 1).padStart(4)}. ${describeStep(step)}`),
  ].join('\n');
}
