/**
 * Runs workloads, each in fresh processes, and puts their figures together. The processes take turns (every workload
 * once, then every workload again), so that a noisy minute of the machine spreads over all of them.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Fixtures } from './fixtures.js';
import type { Figure, Workload } from './workload.js';

/** What one process reports. */
export interface Report {
  readonly cold: readonly Figure[];
  readonly warm: readonly Figure[];
}

/** A figure over all processes. */
export interface Row {
  readonly workload: string;
  readonly name: string;
  readonly unit: Figure['unit'];
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Median of the last passes; absent where a process makes one pass. */
  readonly warm?: number;
  readonly floor?: { readonly name: string; readonly median: number; readonly warm?: number };
  readonly aim?: number;
}

/** What a process does that was forked to run a workload. */
export function runPasses(workload: Workload, fixtures: Fixtures): Report {
  const cold = workload.run(fixtures);
  let warm = cold;
  for (let pass = 1; pass < workload.passes; pass++) warm = workload.run(fixtures);
  return { cold, warm };
}

/** Forks this program with `flags` and waits for its one message, or its end. */
export async function inOwnProcess(program: string, flags: readonly string[]): Promise<unknown> {
  const child = fork(program, flags, { execArgv: ['--expose-gc'] });
  let message: unknown;
  child.on('message', (value) => {
    message = value;
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`bench: ${flags.join(' ')} ended with ${code}`);
  return message;
}

export async function runAll(
  workloads: readonly Workload[],
  runs: number,
  start: (workload: Workload) => Promise<Report>,
): Promise<Row[]> {
  const reports = new Map<Workload, Report[]>(workloads.map((workload) => [workload, []]));
  for (let run = 0; run < runs; run++) {
    for (const [workload, done] of reports) done.push(await start(workload));
  }
  return [...reports].flatMap(([workload, done]) => rowsOf(workload, done));
}

export function rowsOf(workload: Workload, reports: readonly Report[]): Row[] {
  const isWarmed = workload.passes > 1;
  return (reports[0]?.cold ?? []).map(({ name, unit, aim, floor }, i): Row => {
    const of = (pass: keyof Report) => reports.map((report) => report[pass][i] as Figure);
    const values = of('cold').map(({ value }) => value);
    const floorOf = (pass: keyof Report) => median(of(pass).map((figure) => figure.floor?.value ?? 0));
    return {
      workload: workload.name,
      name,
      unit,
      median: median(values),
      min: Math.min(...values),
      max: Math.max(...values),
      ...(isWarmed ? { warm: median(of('warm').map(({ value }) => value)) } : {}),
      ...(floor === undefined
        ? {}
        : { floor: { name: floor.name, median: floorOf('cold'), ...(isWarmed ? { warm: floorOf('warm') } : {}) } }),
      ...(aim === undefined ? {} : { aim }),
    };
  });
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
