/** Figures of all processes put together, and how systems stand to each other. */
import type { Absence } from './plan.js';
import { betterOf, type Figure, type Unit } from './workload.js';

/** One figure of one system, over all processes. */
export interface Row {
  readonly workload: string;
  readonly system: string;
  readonly name: string;
  readonly unit: Unit;
  /** Events, or sockets, that it was measured with. */
  readonly count: number;
  readonly isDetail?: true;
  /** One for each process, in the order of the run: the n-th of all systems were measured near each other in time. */
  readonly values: readonly number[];
}

export interface Results {
  readonly date: string;
  readonly commit: string;
  /** Uncommitted changes in what is measured. */
  readonly changed: boolean;
  /** 1 for a run to quote. */
  readonly scale: number;
  readonly seconds: number;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGiB: number;
    readonly platform: string;
  };
  readonly versions: Readonly<Record<string, string>>;
  readonly notes: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly rows: readonly Row[];
  readonly absent: readonly Absence[];
}

export function rowsOf(workload: string, system: string, count: number, runs: readonly (readonly Figure[])[]): Row[] {
  return (runs[0] ?? []).map(({ name, unit, isDetail }, i) => ({
    workload,
    system,
    name,
    unit,
    count,
    ...(isDetail === undefined ? {} : { isDetail }),
    values: runs.map((figures) => (figures[i] as Figure).value),
  }));
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** How many times better `a` is than `b`: over 1, `a` is. */
export function advantage(a: number, b: number, unit: Unit): number {
  // Sizes beyond the payload may be nothing, or less where a system compresses.
  if (a <= 0 || b <= 0) return (betterOf(unit) === 'more') === a > b ? Number.POSITIVE_INFINITY : 0;
  return betterOf(unit) === 'more' ? a / b : b / a;
}

/** A figure in which a peer does better than gossip-log. */
export interface Defeat {
  readonly row: Row;
  readonly best: Row;
  /** How many times better the best peer is. */
  readonly by: number;
}

/** Where a peer is ahead, the worst first. The floor is no peer: nothing can be faster for long. */
export function defeats(rows: readonly Row[]): Defeat[] {
  return rows
    .filter(({ system, isDetail }) => system === 'gossip-log' && isDetail === undefined)
    .flatMap((row): Defeat[] => {
      const others = rows.filter(
        (other) =>
          other.workload === row.workload &&
          other.name === row.name &&
          other.system !== 'gossip-log' &&
          other.system !== 'floor',
      );
      const by = (other: Row) => advantage(median(other.values), median(row.values), row.unit);
      const best = others.toSorted((a, b) => by(b) - by(a))[0];
      return best !== undefined && by(best) > 1 ? [{ row, best, by: by(best) }] : [];
    })
    .sort((a, b) => b.by - a.by);
}
