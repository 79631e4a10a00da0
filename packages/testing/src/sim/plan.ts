/**
 * What happens in one run, as plain data drawn from a seed: who is there, who dials whom, and one step after another.
 *
 * Indexes are taken modulo what exists when a step runs, and a step that has nothing to act upon does nothing; so every
 * sub-list of the steps is a plan too, and failures shrink.
 */
import type { Retention } from '@gossip-log/core/sync';
import { Random } from './random.js';
import type { Tampering } from './virtual-network.js';

/** Everything that may go wrong. A run draws a subset. */
export const faults = [
  /** A process is killed, at any moment and around any disk operation. */
  'crash',
  /** A disk loses its power, and all processes over it end. */
  'power',
  /** A node is closed in good order, and started again later. */
  'close',
  /** Connections break. */
  'cut',
  /** Both ways between two machines are blocked for a while. */
  'partition',
  /** One way is blocked, the other is not. */
  'one-way',
  /** A machine takes in what it is sent at a crawl. */
  'slow-reader',
  /** Clocks are wrong, drift and are set. */
  'clock',
  'full-disk',
  'slow-disk',
  /** Records are damaged at rest. */
  'damage',
  /** A disk is set back to an older copy. */
  'restore',
  /** The network breaks its contract. */
  'tamper',
  /** Apps dial another relay. */
  'switch',
  /** Apps close logs and open them again. */
  'release',
  /** A node removes a log from its disk. */
  'forget',
] as const;
export type Fault = (typeof faults)[number];

/** One step, `afterMs` virtual milliseconds after the one before. `at` names an app or a machine, `log` a log. */
export type Step = { readonly afterMs: number } & (
  | {
      readonly do: 'append';
      readonly at: number;
      readonly log: number;
      readonly count: number;
      readonly bytes: number;
    }
  | { readonly do: 'redact'; readonly at: number; readonly log: number; readonly nth: number; readonly now: boolean }
  | { readonly do: 'crash' | 'close'; readonly at: number; readonly downMs: number }
  /** Ends a process around its n-th disk operation from now. */
  | {
      readonly do: 'trap';
      readonly at: number;
      readonly operations: number;
      readonly moment: 'before' | 'after';
      readonly power: boolean;
      readonly downMs: number;
    }
  | { readonly do: 'power'; readonly at: number; readonly downMs: number }
  | { readonly do: 'cut'; readonly at: number; readonly peer: number }
  | { readonly do: 'partition' | 'one-way'; readonly at: number; readonly peer: number; readonly forMs: number }
  | { readonly do: 'slow-reader'; readonly at: number; readonly bytesPerMs: number; readonly forMs: number }
  | { readonly do: 'clock'; readonly at: number; readonly offsetMs: number; readonly driftRate: number }
  /** It may also be away: then it cannot be read either. */
  | { readonly do: 'full-disk'; readonly at: number; readonly forMs: number; readonly away?: true }
  | { readonly do: 'slow-disk'; readonly at: number; readonly slowMs: number; readonly forMs: number }
  | { readonly do: 'damage'; readonly at: number; readonly kind: 'flip' | 'tear' | 'value' }
  /** Of an app's disk, unless it is a relay's. */
  | { readonly do: 'copy'; readonly at: number; readonly of?: 'relay' }
  | { readonly do: 'restore'; readonly at: number; readonly of?: 'relay'; readonly downMs: number }
  | {
      readonly do: 'tamper';
      readonly at: number;
      readonly peer: number;
      readonly kind: Tampering;
      readonly count: number;
    }
  | { readonly do: 'switch'; readonly at: number; readonly to: number }
  | { readonly do: 'release' | 'open' | 'forget'; readonly at: number; readonly log: number }
);

/** An app: one node, on the disk of that number; those that share one are tabs. */
export interface AppPlan {
  readonly disk: number;
  /** Machines it dials: relays come first, then apps. */
  readonly dials: readonly number[];
}

/** Some machines keep a part of each log. */
export interface Keeping extends Retention {
  readonly at: 'relays' | 'apps' | 'all';
}

/** A whole run. */
export interface Plan {
  readonly seed: number;
  readonly relays: number;
  /** Each relay dials the one before: they pass on what apps open at them. Absent: apps alone join them. */
  readonly bridged?: boolean;
  readonly apps: readonly AppPlan[];
  readonly logs: number;
  readonly faults: readonly Fault[];
  readonly delayMsMax: number;
  readonly bytesPerMs: number;
  readonly diskLatencyMsMax: number;
  /** How often an app looks at a log that changed. */
  readonly looks: number;
  /** Some apps fetch only a few of the events that they missed. Absent: none does. */
  readonly catchUps?: boolean;
  /**
   * Clocks jump by seconds to years, and are put right when all else has healed. Then all is delivered within a minute, or, where
   * what somebody has read keeps its time, at the latest when that has come.
   */
  readonly jumps?: 'delivered' | 'due';
  /** Default: all is kept everywhere. */
  readonly keeps?: Keeping;
  readonly steps: readonly Step[];
}

export interface PlanOptions {
  /** Faults to draw from. Default: all of them. */
  readonly faults?: readonly Fault[];
  readonly appsMax?: number;
  readonly stepsMax?: number;
  /** Clocks may jump by seconds to years. Default: no. */
  readonly jumps?: boolean;
}

/** Draws a run. */
export function planOf(seed: number, options: PlanOptions = {}): Plan {
  const random = new Random(seed);
  const { faults: allowed = faults, appsMax = 4, stepsMax = 130, jumps = false } = options;
  const share = random.pick([0.1, 0.3, 0.6]);
  // On a die of its own: what a seed draws besides stays as it was.
  const keeping = new Random(seed ^ 0x4ee9);
  const drawn = faults.filter(() => random.chance(share)).filter((fault) => allowed.includes(fault));
  const relays = random.pick([0, 1, 1, 1, 2]);
  const bridged = relays > 1 && new Random(seed ^ 0xb21d).chance(0.5);
  const apps: AppPlan[] = [];
  const appCount = random.between(relays === 0 ? 2 : 1, Math.max(2, appsMax));
  for (let app = 0; app < appCount; app++) {
    const disk = app > 0 && random.chance(0.2) ? random.below(app) : app;
    apps.push({ disk: (apps[disk] ?? { disk }).disk, dials: dialsOf(app, relays, bridged, random) });
  }
  const quick = random.chance(0.5);
  const keeps = keeping.chance(0.25);
  // Mostly short: ten short runs find more than one long one.
  // What is written by a wrong clock may get another id, and its redaction too: nothing would tell what became of it.
  const redacting = new Random(seed ^ 0x2edac7);
  const redacts = !drawn.includes('clock') && redacting.chance(0.75);
  const withRedactions = (step: Step): readonly Step[] =>
    redacts && redacting.chance(0.15) ? [step, redactionOf(redacting)] : [step];
  const stepCount = random.between(Math.min(20, stepsMax), random.chance(0.2) ? stepsMax : Math.min(40, stepsMax));
  const plan: Plan = {
    seed,
    relays,
    ...(bridged ? { bridged } : {}),
    apps,
    logs: random.pick([1, 1, 2]),
    faults: drawn,
    delayMsMax: random.pick([1, 20, 300]),
    bytesPerMs: random.pick([Number.POSITIVE_INFINITY, 1_000, 20]),
    diskLatencyMsMax: random.pick([0, 3, 40]),
    looks: random.pick([1, 1, 0.2]),
    catchUps: new Random(seed ^ 0xca7c).chance(0.5),
    ...(keeps ? { keeps: keepingOf(keeping) } : {}),
    steps: Array.from({ length: stepCount }, () => stepOf(random, drawn, quick)).flatMap(withRedactions),
  };
  const jumping = new Random(seed ^ 0xc10c);
  const redactsAny = plan.steps.some((step) => step.do === 'redact');
  const mayHave = jumps && allowed.includes('clock') && !redactsAny;
  return mayHave && jumping.chance(0.4) ? withJumps(plan, jumping) : plan;
}

/**
 * What one node of a store has read of another, and what a device was sent by another, keeps its id: it waits for its time, which
 * may be years. So does what counts as sent because the note of it is damaged.
 */
function isDelivered({ relays, bridged, apps, keeps, faults }: Plan): boolean {
  const isJoined = keeps === undefined && !faults.includes('damage') && (relays === 1 || bridged === true);
  return isJoined && apps.every(({ disk, dials }, app) => disk === app && dials.every((to) => to < relays));
}

const jumpsMs = [-1, 1].flatMap((sign) =>
  [5_000, 10 * 60_000, 2 * 3_600_000, 3 * 86_400_000, 3 * 365 * 86_400_000].map((ms) => sign * ms),
);
/** What a relay was sent while its own clock was years ahead, and lost, it refuses afterwards: it waits, too. */
function withJumps(plan: Plan, random: Random): Plan {
  const { relays, apps, faults } = plan;
  const jumps = isDelivered(plan) && random.chance(0.5) ? 'delivered' : 'due';
  const first = jumps === 'delivered' ? relays : 0;
  const mayBeSet = ({ at }: Step) => at % (relays + apps.length) >= first;
  const steps = [...plan.steps];
  const of = () => random.between(first, relays + apps.length - 1);
  for (let count = random.between(2, 8); count > 0; count--) {
    const offsetMs = random.chance(0.3) ? 0 : random.pick(jumpsMs);
    const jump: Step = { afterMs: random.below(3_000), do: 'clock', at: of(), offsetMs, driftRate: 0 };
    const isFollowed = random.chance(0.3);
    const close: Step = {
      afterMs: random.below(2_000),
      do: 'close',
      at: relays + random.below(apps.length),
      downMs: 100,
    };
    steps.splice(random.below(steps.length + 1), 0, jump, ...(isFollowed ? [close] : []));
  }
  const kept = steps.filter((step) => step.do !== 'clock' || mayBeSet(step));
  return { ...plan, jumps, faults: faults.includes('clock') ? faults : [...faults, 'clock'], steps: kept };
}

function keepingOf(random: Random): Keeping {
  const at = random.pick(['relays', 'relays', 'apps', 'all'] as const);
  const bound = random.pick([
    { eventsMax: 0 },
    { eventsMax: 5 },
    { eventsMax: 20 },
    { bytesMax: 600 },
    { ageMsMax: 100_000 },
  ]);
  return { at, ...bound };
}

/** Unless relays are bridged the first app dials each, so that all are joined through it; without relays apps dial one another. */
function dialsOf(app: number, relays: number, bridged: boolean, random: Random): number[] {
  if (relays === 0) {
    if (app === 0) return [];
    const first = random.below(app);
    return app > 1 && random.chance(0.3) ? [first, (first + 1) % app] : [first];
  }
  if (app === 0 && !bridged) return Array.from({ length: relays }, (_, relay) => relay);
  const first = random.below(relays);
  return app > 0 && random.chance(0.15) ? [first, relays + random.below(app)] : [first];
}

function stepOf(random: Random, drawn: readonly Fault[], quick: boolean): Step {
  const afterMs = pauseMs(random, quick);
  const at = random.below(1_000);
  const fault = drawn.length > 0 && random.chance(0.35) ? random.pick(drawn) : undefined;
  return { afterMs, ...(fault === undefined ? workOf(random, at) : troubleOf(fault, random, at)) } as Step;
}

function redactionOf(random: Random): Step {
  const { afterMs, at, log } = { afterMs: random.below(50), at: random.below(1_000), log: random.below(2) };
  return { afterMs, do: 'redact', at, log, nth: random.below(1_000), now: random.chance(0.3) };
}

function pauseMs(random: Random, quick: boolean): number {
  const draw = random.next();
  if (draw < 0.35) return 0;
  if (draw < 0.75) return random.below(50);
  if (draw < (quick ? 0.99 : 0.93)) return random.below(2_000);
  return random.below(60_000);
}

type Bare<S> = S extends Step ? Omit<S, 'afterMs'> : never;

function workOf(random: Random, at: number): Bare<Step> {
  const bytes = random.chance(0.1) ? random.below(600) : random.below(40);
  return { do: 'append', at, log: random.below(2), count: random.pick([1, 1, 1, 1, 2, 6]), bytes };
}

function troubleOf(fault: Fault, random: Random, at: number): Bare<Step> {
  const peer = random.below(1_000);
  const forMs = random.pick([50, 2_000, 20_000, 90_000]);
  const downMs = random.pick([0, 100, 5_000, 50_000]);
  const log = random.below(2);
  switch (fault) {
    case 'crash':
      return random.chance(0.4)
        ? { do: 'crash', at, downMs }
        : {
            do: 'trap',
            at,
            operations: random.below(6),
            moment: random.pick(['before', 'after']),
            power: false,
            downMs,
          };
    case 'power':
      return random.chance(0.4)
        ? { do: 'power', at, downMs }
        : {
            do: 'trap',
            at,
            operations: random.below(6),
            moment: random.pick(['before', 'after']),
            power: true,
            downMs,
          };
    case 'close':
      return { do: 'close', at, downMs };
    case 'cut':
      return { do: 'cut', at, peer };
    case 'partition':
    case 'one-way':
      return { do: fault, at, peer, forMs };
    case 'slow-reader':
      return { do: 'slow-reader', at, bytesPerMs: random.pick([0.01, 0.1, 1]), forMs };
    case 'clock':
      return {
        do: 'clock',
        at,
        offsetMs: random.pick([0, 0, -1_000, 700, 59_000, 61_000, -61_000, 200_000, -300_000]),
        driftRate: random.pick([0, 0, 0.001, -0.001]),
      };
    case 'full-disk':
      return { do: 'full-disk', at, forMs, ...(at % 4 === 0 && { away: true }) };
    case 'slow-disk':
      return { do: 'slow-disk', at, slowMs: random.pick([100, 2_000, 31_000]), forMs };
    case 'damage':
      return { do: 'damage', at, kind: random.pick(['flip', 'tear', 'value']) };
    case 'restore':
      return {
        ...(random.chance(0.5) ? { do: 'copy', at } : { do: 'restore', at, downMs }),
        ...(at % 3 === 0 && { of: 'relay' }),
      };
    case 'tamper':
      return {
        do: 'tamper',
        at,
        peer,
        kind: random.pick(['lose', 'double', 'swap', 'flip']),
        count: random.between(1, 3),
      };
    case 'switch':
      return { do: 'switch', at, to: peer };
    case 'release':
      return { do: random.pick(['release', 'open', 'open']), at, log };
    case 'forget':
      return { do: random.pick(['release', 'open', 'forget', 'forget']), at, log };
  }
}
