/** What a workload is, and what all of them share: time, work that is checked, a clean heap. */
import type { ChatEvent } from './events.js';
import type { FixtureName, Replica, System, Written } from './system.js';

export type Unit =
  | 'events/s'
  | 'bytes/event'
  | 'bytes'
  | 'messages'
  | 'round trips'
  | 'ms'
  | 'µs'
  | 'messages/s'
  | 'messages/CPU s'
  | 'renders';

/** Is more or less of it better? */
export function betterOf(unit: Unit): 'more' | 'less' {
  return unit === 'events/s' || unit === 'messages/CPU s' || unit === 'messages/s' ? 'more' : 'less';
}

/** One number of one process. */
export interface Figure {
  /** Unique within its workload. */
  readonly name: string;
  readonly value: number;
  readonly unit: Unit;
  /** Says more about another figure; nobody is first or last in it. */
  readonly isDetail?: true;
}

/** What a workload is given to work on. */
export interface Context {
  readonly system: System;
  /** Number of events of this system here. */
  readonly count: number;
  /** A folder of this process alone. */
  readonly folder: string;
  /** What the system wrote of a fixture, in another process. */
  read(name: FixtureName): Written;
  /** Where a copy is of what the system put on disk of a fixture: a new one each time. */
  stored(name: FixtureName): string;
  /** The program of the bench and the flags that make it a relay of this system. */
  readonly relayCommand: readonly string[];
  /** Where bench/ is. */
  readonly home: string;
}

export interface Workload {
  readonly name: string;
  /** For the table. */
  readonly title: string;
  /** Who takes part besides gossip-log, `all` logs or some systems: two tiers, so that a whole run ends within half an hour. */
  readonly systems: 'all' | readonly string[];
  /** How many events, or what it `counts`, for a system without a limit of its own. */
  readonly events: number;
  /** Default: events. */
  readonly counts?: 'sockets' | 'rooms' | 'writers';
  /** Of which the events are, if of any. */
  readonly fixture?: FixtureName;
  /** Processes that repeat it. */
  readonly runs: number;
  /** One process is stopped after so long. */
  readonly secondsMax: number;
  /** Does the work and checks it; throws when the outcome is not as expected. */
  run(context: Context): Promise<readonly Figure[]>;
}

/** How long `work` took, in seconds, and what it gave. Garbage of what was before does not count against it. */
export async function timed<V>(work: () => V | Promise<V>): Promise<{ result: V; seconds: number }> {
  collectGarbage();
  const startedAt = performance.now();
  const given = work();
  // Awaiting what is no promise would cost synchronous systems a turn.
  const result = given instanceof Promise ? await given : given;
  return { result, seconds: (performance.now() - startedAt) / 1000 };
}

/** Appends one by one; waits only for systems that answer with a promise. */
export async function appendAll(replica: Replica, events: readonly ChatEvent[]): Promise<void> {
  for (const event of events) {
    const appended = replica.append(event);
    if (appended instanceof Promise) await appended;
  }
}

/** `count` events at that pace. */
export function rate(count: number, seconds: number): number {
  return count / Math.max(seconds, Number.EPSILON);
}

export function collectGarbage(): void {
  // Absent where the process was not started with `--expose-gc`, as in tests.
  globalThis.gc?.();
}

/** A figure counts only when its work was right. */
export function verify(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`the outcome is wrong: ${what}`);
}
