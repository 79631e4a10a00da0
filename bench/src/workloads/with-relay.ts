/** A relay, and others who take part, in processes of their own. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Context } from '../workload.js';

/** A process that does nothing for so long, or hardly anything, has done all. */
const idleMs = 300;
const idleShare = 0.05;

export interface RelayProcess {
  readonly address: string;
  /** CPU time so far, in seconds. */
  cpuSeconds(): Promise<number>;
  /** Resolves once the relay has nothing to do. */
  idle(): Promise<void>;
  /** Starts a participant of its own process that appends so many events; resolves when it has. */
  startFiller(count: number): Promise<ChildProcess>;
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
    const { child, answer } = await start(['--role', 'relay', '--folder', folder]);
    const cpuSeconds = async () => {
      child.send('cpu');
      const [{ user, system }] = (await once(child, 'message')) as [NodeJS.CpuUsage];
      return (user + system) / 1e6;
    };
    return await use({
      address: answer,
      cpuSeconds,
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
