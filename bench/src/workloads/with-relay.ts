/** A relay, and others who take part, in processes of their own. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Context } from '../workload.js';

/** A process that does nothing for so long, or hardly anything, has done all. */
const idleMs = 300;
const idleShare = 0.05;

export interface RelayProcess {
  readonly address: string;
  /** Memory that is no file's, in bytes: a store's map of its file does not count. Linux alone tells. */
  anonymousBytes(): number;
  /** CPU time so far, in seconds. */
  cpuSeconds(): Promise<number>;
  /** Resolves once the relay has nothing to do. */
  idle(): Promise<void>;
  /** Starts a participant of its own process that appends so many events; resolves when it has. */
  startFiller(count: number): Promise<ChildProcess>;
  /** Ends the relay and starts another one with the same data; resolves with its address. */
  startAgain(): Promise<string>;
}

/** Starts a relay of the system, and ends it, and whatever else was started, after `use`. */
export async function withRelay<V>(
  { relayCommand, folder }: Context,
  use: (relay: RelayProcess) => Promise<V>,
): Promise<V> {
  const started: ChildProcess[] = [];
  const start = async (role: readonly string[]) => {
    const [program = '', ...flags] = relayCommand;
    const child = fork(program, [...flags, ...role]);
    started.push(child);
    const answer = await Promise.race([
      once(child, 'message').then(([message]) => message),
      once(child, 'exit').then(([code]) => Promise.reject(new Error(`${role.join(' ')} ended with ${code}`))),
    ]);
    return { child, answer };
  };
  try {
    const startRelay = () => start(['--role', 'relay', '--folder', folder]);
    let { child, answer } = await startRelay();
    const cpuSeconds = async () => {
      child.send('cpu');
      const [{ user, system }] = (await once(child, 'message')) as [NodeJS.CpuUsage];
      return (user + system) / 1e6;
    };
    return await use({
      address: answer,
      cpuSeconds,
      anonymousBytes() {
        const kilobytes = /^Anonymous:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/smaps_rollup`, 'utf8'))?.[1];
        return Number(kilobytes) * 1024;
      },
      async idle() {
        for (let before = await cpuSeconds(); ; ) {
          await new Promise((resolve) => setTimeout(resolve, idleMs));
          const now = await cpuSeconds();
          if (now - before < (idleMs / 1000) * idleShare) return;
          before = now;
        }
      },
      startFiller: async (count) =>
        (await start(['--role', 'filler', '--address', answer, '--count', String(count)])).child,
      async startAgain() {
        child.disconnect();
        await once(child, 'exit');
        ({ child, answer } = await startRelay());
        return answer;
      },
    });
  } finally {
    await Promise.all(
      started
        .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
        .map((child) => {
          child.kill('SIGKILL');
          return once(child, 'exit');
        }),
    );
  }
}
