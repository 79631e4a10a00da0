/**
 * Runs a plan: every pair in fresh processes, which take turns (every pair once, then every pair again), so that a
 * noisy minute of the machine spreads over all of them. A pair that fails or takes too long is left out from then on.
 * A run that is stopped has what was measured until then.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Absence, Pair, Plan } from './plan.js';
import { type Row, rowsOf } from './results.js';
import type { Figure } from './workload.js';

/** Making what one system works on. */
const fixtureSecondsMax = 180;

/** Why a pair is absent from a run that was stopped. */
export const stoppedBefore = 'the run was stopped before';

export interface RunOptions {
  /** What is forked, and flags for all. */
  readonly program: string;
  /** Where fixtures and data go. */
  readonly folder: string;
  readonly runsMax: number;
  /** Once aborted nothing more is begun, and what is under way ends. */
  readonly signal: AbortSignal;
  /** Called with a line as things go on. */
  readonly tell: (line: string) => void;
}

export async function runPlan(plan: Plan, options: RunOptions): Promise<{ rows: Row[]; absent: Absence[] }> {
  const { program, folder, runsMax, signal, tell } = options;
  const absent = [...plan.absent];
  const failed = new Set<Pair>();
  const reports = new Map<Pair, (readonly Figure[])[]>(plan.pairs.map((pair) => [pair, []]));
  const startedAt = performance.now();
  const elapsed = () => {
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  };

  for (const { system, name, count } of plan.fixtures) {
    const folderOf = fixtureFolder(folder, system.name, count);
    const flags = ['--role', 'fixture', '--system', system.name, '--fixture', name, '--count', String(count)];
    if (signal.aborted) break;
    const { seconds, error } = await inOwnProcess(program, [...flags, '--folder', folderOf], fixtureSecondsMax, signal);
    tell(
      `${elapsed()}  ${system.name} wrote ${count.toLocaleString('en')} events (${name})  ${seconds.toFixed(1)} s ${error ?? ''}`,
    );
    if (error === undefined) continue;
    for (const pair of plan.pairs) {
      if (pair.system === system && pair.workload.fixture === name)
        giveUp(pair, `could not write what it works on: ${error}`);
    }
  }

  function giveUp(pair: Pair, why: string): void {
    if (failed.has(pair)) return;
    failed.add(pair);
    absent.push({ workload: pair.workload.name, system: pair.system.name, why });
  }

  const total = plan.pairs.reduce((sum, { workload }) => sum + Math.min(runsMax, workload.runs), 0);
  let done = 0;
  for (let run = 0; run < runsMax; run++) {
    for (const [pair, figures] of reports) {
      const { workload, system, count } = pair;
      if (run >= workload.runs) continue;
      done += 1;
      if (failed.has(pair) || signal.aborted) continue;
      const own = mkdtempSync(join(folder, 'own-'));
      const flags = ['--role', 'work', '--workload', workload.name, '--system', system.name, '--count', String(count)];
      const fixtures = ['--folder', own, '--fixtures', fixtureFolder(folder, system.name, count)];
      const { seconds, error, message } = await inOwnProcess(
        program,
        [...flags, ...fixtures],
        workload.secondsMax,
        signal,
      );
      rmSync(own, { recursive: true, force: true });
      tell(`${elapsed()}  ${done}/${total}  ${workload.name} ${system.name}  ${seconds.toFixed(1)} s ${error ?? ''}`);
      if (error === undefined) figures.push(message as readonly Figure[]);
      else if (!signal.aborted) giveUp(pair, error);
    }
  }
  for (const [pair, figures] of reports) if (figures.length === 0) giveUp(pair, stoppedBefore);
  const rows = [...reports].flatMap(([pair, figures]) =>
    failed.has(pair) ? [] : rowsOf(pair.workload.name, pair.system.name, pair.count, figures),
  );
  return { rows, absent };
}

/** Fixtures of one name are of several sizes where workloads are. */
function fixtureFolder(folder: string, system: string, count: number): string {
  return join(folder, `${system}-${count}`);
}

interface Outcome {
  readonly seconds: number;
  readonly message: unknown;
  /** Why it failed, in a line. */
  readonly error: string | undefined;
}

/** Forks the program and waits for its one message and its end, or ends it after so long. */
async function inOwnProcess(
  program: string,
  flags: readonly string[],
  secondsMax: number,
  signal: AbortSignal,
): Promise<Outcome> {
  const startedAt = performance.now();
  // A group of its own: whatever a workload started ends with it.
  const child: ChildProcess = fork(program, flags, { execArgv: ['--expose-gc'], silent: true, detached: true });
  let message: unknown;
  let text = '';
  child.on('message', (value) => {
    message = value;
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (part: string) => {
      text = (text + part).slice(-4_000);
    });
  }
  let isLate = false;
  const end = () => {
    try {
      process.kill(-(child.pid as number), 'SIGKILL');
    } catch {
      // It has ended.
    }
  };
  const timer = setTimeout(() => {
    isLate = true;
    end();
  }, secondsMax * 1000);
  signal.addEventListener('abort', end);
  const code = await new Promise((resolve) => child.once('close', resolve));
  signal.removeEventListener('abort', end);
  clearTimeout(timer);
  end();
  const seconds = (performance.now() - startedAt) / 1000;
  const reason = /^(?:\w*Error: )(.*)$/m.exec(text)?.[1] ?? text.trim().split('\n').at(-1);
  const error = isLate
    ? `not done within ${secondsMax} s`
    : code !== 0
      ? `failed: ${reason}`
      : message === undefined
        ? 'failed: it reported nothing'
        : undefined;
  return { seconds, message, error };
}
