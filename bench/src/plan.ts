/** Who does what, and how large: the pairs of workload and system of a run. */
import type { FixtureName, System } from './system.js';
import type { Workload } from './workload.js';

export interface Pair {
  readonly workload: Workload;
  readonly system: System;
  readonly count: number;
}

/** What is asked for, and what a system cannot do, with its reason. */
export interface Plan {
  readonly pairs: readonly Pair[];
  readonly fixtures: readonly { readonly system: System; readonly name: FixtureName; readonly count: number }[];
  readonly absent: readonly Absence[];
}

export interface Absence {
  readonly workload: string;
  readonly system: string;
  readonly why: string;
}

/** At the least, so that a smoke run does some work. */
const countMin = 100;

/** @param scale 1 for a run to quote; less for a smoke run */
export function planRun(workloads: readonly Workload[], systems: readonly System[], scale: number): Plan {
  const all = workloads.flatMap((workload) =>
    systems
      .filter(
        ({ name, isNoLog = false }) =>
          name === 'gossip-log' || (workload.systems === 'all' ? !isNoLog : workload.systems.includes(name)),
      )
      .map((system) => ({ workload, system, count: countOf(workload, system, scale) })),
  );
  const lacks = ({ workload, system }: Pair) => system.lacks?.[workload.name];
  const pairs = all.filter((pair) => lacks(pair) === undefined);
  const fixtures = new Map<string, Plan['fixtures'][number]>();
  for (const { workload, system, count } of pairs) {
    const { fixture: name } = workload;
    if (name === undefined) continue;
    fixtures.set(`${system.name} ${name} ${count}`, { system, name, count });
  }
  return {
    pairs,
    fixtures: [...fixtures.values()],
    absent: all.flatMap((pair) => {
      const why = lacks(pair);
      return why === undefined ? [] : [{ workload: pair.workload.name, system: pair.system.name, why }];
    }),
  };
}

function countOf({ name, fixture, events }: Workload, { eventsMax = {} }: System, scale: number): number {
  const limit = Math.min(
    eventsMax[name] ?? Number.POSITIVE_INFINITY,
    eventsMax[fixture ?? name] ?? Number.POSITIVE_INFINITY,
  );
  return Math.max(countMin, Math.round(Math.min(events, limit) * scale));
}
