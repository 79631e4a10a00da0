/** What a workload is, and what all of them share: time, work that is checked, a clean heap. */
import { type Fixtures, fixtureEvents } from './fixtures.js';

export type Unit = 'events/s' | 'bytes/event' | 'µs' | 'times';

/** One number of one pass. */
export interface Figure {
  /** Unique within its workload. */
  readonly name: string;
  readonly value: number;
  readonly unit: Unit;
  /** The same work by the plainest means there are, measured in the same process. */
  readonly floor?: { readonly name: string; readonly value: number };
  /** Order of magnitude that is aimed at. */
  readonly aim?: number;
}

export interface Workload {
  readonly name: string;
  /** Passes in one process. The first is reported as such, the last as warm; 1 where only a fresh process counts. */
  readonly passes: number;
  /** Does the work and checks it; throws when the outcome is not as expected. */
  run(fixtures: Fixtures): Figure[];
}

/** How long `work` took, in seconds, and what it gave. Garbage of what was before does not count against it. */
export function timed<V>(work: () => V): { result: V; seconds: number } {
  collectGarbage();
  const startedAt = performance.now();
  const result = work();
  return { result, seconds: (performance.now() - startedAt) / 1000 };
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
  if (!condition) throw new Error(`bench: the outcome is wrong: ${what}`);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What can hardly be done with less, on the very events of the workloads. */
export const floors = {
  /** A plain array, and JSON of each event. */
  push(count: number): { name: string; value: number } {
    const events = fixtureEvents(count);
    const { result, seconds } = timed(() => {
      const log: string[] = [];
      for (const event of events) log.push(JSON.stringify(event));
      return log;
    });
    verify(result.length === count, 'floor push');
    return { name: 'array push + JSON.stringify', value: rate(count, seconds) };
  },
  parse(count: number): { name: string; value: number } {
    const texts = fixtureEvents(count).map((event) => encoder.encode(JSON.stringify(event)));
    const { result, seconds } = timed(() => texts.map((bytes) => JSON.parse(decoder.decode(bytes))));
    verify(result.length === count, 'floor parse');
    return { name: 'JSON.parse of UTF-8', value: rate(count, seconds) };
  },
  copy(count: number, bytes: readonly Uint8Array[]): { name: string; value: number } {
    const { result, seconds } = timed(() => bytes.map((part) => part.slice()));
    verify(result.length === bytes.length, 'floor copy');
    return { name: 'memory copy', value: rate(count, seconds) };
  },
  /** One event at a time: JSON there and back. */
  roundTrip(count: number): { name: string; value: number } {
    const events = fixtureEvents(count);
    const { result, seconds } = timed(() => {
      const log: unknown[] = [];
      for (const event of events) log.push(JSON.parse(decoder.decode(encoder.encode(JSON.stringify(event)))));
      return log;
    });
    verify(result.length === count, 'floor round trip');
    return { name: 'JSON there and back', value: rate(count, seconds) };
  },
};
