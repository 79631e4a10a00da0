/**
 * Every defect that the simulator has found, with a plan that showed it. They run with every test, under the limits
 * that they need. Plans are written out, because what a seed draws changes with the generator.
 */
import type { Plan } from './plan.js';

/** @internal */
export interface PinnedPlan {
  /** What was wrong. */
  readonly found: string;
  readonly limits: 'real' | 'small';
  readonly plan: Plan;
}

const unbounded = Number.POSITIVE_INFINITY;

/** @internal */
export const pinnedPlans: readonly PinnedPlan[] = [
  {
    found: 'A node whose disk was full when it started never got a replica id, and failed every session for ever.',
    limits: 'small',
    plan: {
      seed: 23,
      relays: 1,
      apps: [
        { disk: 0, dials: [0] },
        { disk: 1, dials: [0] },
        { disk: 2, dials: [0] },
      ],
      logs: 1,
      faults: ['full-disk'],
      delayMsMax: 300,
      bytesPerMs: 20,
      diskLatencyMsMax: 40,
      looks: 0.2,
      steps: [
        { afterMs: 29, do: 'append', at: 223, log: 1, count: 1, bytes: 38 },
        { afterMs: 0, do: 'full-disk', at: 923, forMs: 2000 },
        { afterMs: 12, do: 'append', at: 585, log: 1, count: 1, bytes: 9 },
        { afterMs: 24, do: 'append', at: 601, log: 1, count: 1, bytes: 68 },
      ],
    },
  },
  {
    found: "While a restored writer's dispute was open, an event that depended on its first branch showed before it.",
    limits: 'real',
    plan: {
      seed: 2438,
      relays: 1,
      apps: [
        { disk: 0, dials: [0] },
        { disk: 1, dials: [0] },
        { disk: 2, dials: [0] },
      ],
      logs: 1,
      faults: ['restore'],
      delayMsMax: 300,
      bytesPerMs: 1000,
      diskLatencyMsMax: 0,
      looks: 0.2,
      steps: [
        { afterMs: 0, do: 'copy', at: 913 },
        { afterMs: 0, do: 'append', at: 541, log: 0, count: 2, bytes: 278 },
        { afterMs: 1605, do: 'append', at: 782, log: 1, count: 1, bytes: 22 },
        { afterMs: 0, do: 'restore', at: 403, downMs: 0 },
        { afterMs: 0, do: 'append', at: 994, log: 1, count: 1, bytes: 35 },
      ],
    },
  },
  {
    found: 'A log that was opened again while `forget` waited for its last write was removed under its user.',
    limits: 'small',
    plan: {
      seed: 147,
      relays: 1,
      apps: [{ disk: 0, dials: [0] }],
      logs: 1,
      faults: ['release', 'forget'],
      delayMsMax: 300,
      bytesPerMs: unbounded,
      diskLatencyMsMax: 3,
      looks: 1,
      steps: [
        { afterMs: 14, do: 'forget', at: 695, log: 1 },
        { afterMs: 15, do: 'open', at: 279, log: 1 },
        { afterMs: 0, do: 'append', at: 228, log: 0, count: 1, bytes: 10 },
        { afterMs: 10919, do: 'append', at: 999, log: 1, count: 1, bytes: 0 },
      ],
    },
  },
  {
    found: 'A relay refused a log while its disk was full, and the client never asked for it again in that session.',
    limits: 'small',
    plan: {
      seed: 1001957,
      relays: 2,
      apps: [
        { disk: 0, dials: [0, 1] },
        { disk: 1, dials: [1] },
      ],
      logs: 1,
      faults: ['power', 'close', 'cut', 'partition', 'clock', 'full-disk', 'slow-disk', 'damage', 'tamper', 'forget'],
      delayMsMax: 1,
      bytesPerMs: unbounded,
      diskLatencyMsMax: 40,
      looks: 1,
      steps: [
        { afterMs: 1910, do: 'append', at: 106, log: 1, count: 1, bytes: 0 },
        { afterMs: 585, do: 'close', at: 257, downMs: 100 },
        { afterMs: 15, do: 'damage', at: 956, kind: 'flip' },
        { afterMs: 27, do: 'append', at: 35, log: 1, count: 1, bytes: 12 },
        { afterMs: 33, do: 'append', at: 885, log: 1, count: 1, bytes: 0 },
        { afterMs: 42, do: 'damage', at: 849, kind: 'flip' },
        { afterMs: 35, do: 'append', at: 125, log: 0, count: 1, bytes: 0 },
        { afterMs: 47, do: 'append', at: 301, log: 1, count: 1, bytes: 187 },
        { afterMs: 12, do: 'append', at: 184, log: 0, count: 1, bytes: 0 },
        { afterMs: 33, do: 'append', at: 166, log: 0, count: 1, bytes: 0 },
        { afterMs: 218, do: 'append', at: 424, log: 1, count: 1, bytes: 0 },
        { afterMs: 16, do: 'full-disk', at: 609, forMs: 20000 },
        { afterMs: 45, do: 'append', at: 892, log: 0, count: 1, bytes: 24 },
        { afterMs: 35, do: 'append', at: 373, log: 1, count: 1, bytes: 9 },
      ],
    },
  },
  {
    found:
      'An event that reached the relay by another way, and came back to its writer first, was never acknowledged to it.',
    limits: 'real',
    plan: {
      seed: 364570920,
      relays: 2,
      apps: [
        { disk: 0, dials: [0, 1] },
        { disk: 1, dials: [0, 2] },
      ],
      logs: 1,
      faults: ['crash', 'power', 'close', 'partition', 'clock', 'slow-disk', 'tamper', 'switch', 'release'],
      delayMsMax: 1,
      bytesPerMs: 1000,
      diskLatencyMsMax: 40,
      looks: 0.2,
      steps: [
        { afterMs: 34_682, do: 'append', at: 912, log: 0, count: 1, bytes: 0 },
        { afterMs: 0, do: 'partition', at: 158, peer: 319, forMs: 90_000 },
        { afterMs: 10_439, do: 'slow-disk', at: 74, slowMs: 31_000, forMs: 50 },
        { afterMs: 0, do: 'clock', at: 504, offsetMs: -300_000, driftRate: 0 },
      ],
    },
  },
  {
    found:
      'A node that ended between setting a damaged record aside and fetching its events again never stored them again.',
    limits: 'real',
    plan: {
      seed: 50,
      relays: 0,
      apps: [
        { disk: 0, dials: [] },
        { disk: 1, dials: [0] },
        { disk: 2, dials: [1] },
      ],
      logs: 1,
      faults: ['crash', 'close', 'damage'],
      delayMsMax: 20,
      bytesPerMs: unbounded,
      diskLatencyMsMax: 0,
      looks: 0.2,
      steps: [
        { afterMs: 0, do: 'append', at: 213, log: 1, count: 1, bytes: 13 },
        { afterMs: 847, do: 'damage', at: 827, kind: 'flip' },
        { afterMs: 0, do: 'close', at: 605, downMs: 0 },
        { afterMs: 48, do: 'append', at: 797, log: 1, count: 1, bytes: 21 },
        { afterMs: 0, do: 'crash', at: 56, downMs: 5000 },
      ],
    },
  },
  {
    found:
      'A log that was released and opened again soon after was not offered again to a peer that had been refused it meanwhile.',
    limits: 'real',
    plan: {
      seed: 50320,
      relays: 0,
      apps: [
        { disk: 0, dials: [] },
        { disk: 1, dials: [0] },
        { disk: 2, dials: [1, 0] },
        { disk: 3, dials: [2, 0] },
      ],
      logs: 2,
      faults: ['release'],
      delayMsMax: 300,
      bytesPerMs: unbounded,
      diskLatencyMsMax: 3,
      looks: 0.2,
      steps: [
        { afterMs: 340, do: 'append', at: 208, log: 1, count: 1, bytes: 34 },
        { afterMs: 0, do: 'release', at: 777, log: 1 },
        { afterMs: 435, do: 'open', at: 881, log: 1 },
      ],
    },
  },
  {
    found:
      "A relay with a full disk had not stored an event of a writer whose store was set back, so it could not tell of it, and took the writer's next one under the same number for a duplicate.",
    limits: 'real',
    plan: {
      seed: 500033376,
      relays: 1,
      apps: [
        { disk: 0, dials: [0] },
        { disk: 1, dials: [0] },
        { disk: 2, dials: [0] },
      ],
      logs: 1,
      faults: ['crash', 'full-disk', 'restore'],
      delayMsMax: 300,
      bytesPerMs: 20,
      diskLatencyMsMax: 0,
      looks: 1,
      steps: [
        { afterMs: 0, do: 'copy', at: 413 },
        { afterMs: 0, do: 'full-disk', at: 204, forMs: 20000 },
        { afterMs: 0, do: 'append', at: 155, log: 0, count: 1, bytes: 39 },
        { afterMs: 1685, do: 'append', at: 94, log: 1, count: 1, bytes: 0 },
        { afterMs: 0, do: 'restore', at: 272, downMs: 100 },
        { afterMs: 1891, do: 'append', at: 695, log: 0, count: 1, bytes: 0 },
      ],
    },
  },
  {
    found: 'The same, where the writer said in its `open` that it has the other event.',
    limits: 'real',
    plan: {
      seed: 600003180,
      relays: 1,
      apps: [
        { disk: 0, dials: [0] },
        { disk: 1, dials: [0] },
        { disk: 2, dials: [0] },
      ],
      logs: 1,
      faults: ['partition', 'clock', 'full-disk', 'restore'],
      delayMsMax: 300,
      bytesPerMs: 1000,
      diskLatencyMsMax: 3,
      looks: 1,
      steps: [
        { afterMs: 19, do: 'full-disk', at: 341, forMs: 20000 },
        { afterMs: 0, do: 'full-disk', at: 440, forMs: 90000 },
        { afterMs: 0, do: 'append', at: 436, log: 0, count: 1, bytes: 27 },
        { afterMs: 1114, do: 'append', at: 220, log: 0, count: 1, bytes: 0 },
        { afterMs: 0, do: 'append', at: 445, log: 0, count: 1, bytes: 9 },
        { afterMs: 8, do: 'append', at: 300, log: 0, count: 1, bytes: 21 },
        { afterMs: 0, do: 'append', at: 754, log: 1, count: 1, bytes: 22 },
        { afterMs: 1453, do: 'append', at: 535, log: 0, count: 1, bytes: 0 },
        { afterMs: 0, do: 'append', at: 376, log: 0, count: 1, bytes: 8 },
        { afterMs: 1813, do: 'append', at: 394, log: 0, count: 1, bytes: 0 },
        { afterMs: 0, do: 'append', at: 958, log: 0, count: 1, bytes: 35 },
        { afterMs: 47, do: 'append', at: 337, log: 1, count: 1, bytes: 0 },
        { afterMs: 0, do: 'copy', at: 602 },
        { afterMs: 0, do: 'append', at: 812, log: 1, count: 1, bytes: 10 },
        { afterMs: 40, do: 'append', at: 672, log: 0, count: 1, bytes: 582 },
        { afterMs: 42, do: 'restore', at: 926, downMs: 0 },
        { afterMs: 733, do: 'append', at: 554, log: 1, count: 1, bytes: 32 },
      ],
    },
  },
  {
    found:
      'A `close` that came twice ended the comparison that the first one had made begin, and neither side began another.',
    limits: 'real',
    plan: {
      seed: 800002838,
      relays: 0,
      apps: [
        { disk: 0, dials: [] },
        { disk: 1, dials: [0] },
        { disk: 2, dials: [0, 1] },
        { disk: 3, dials: [0] },
      ],
      logs: 1,
      faults: ['partition', 'one-way', 'slow-reader', 'slow-disk', 'tamper', 'switch', 'release'],
      delayMsMax: 1,
      bytesPerMs: unbounded,
      diskLatencyMsMax: 40,
      looks: 0.2,
      steps: [
        { afterMs: 921, do: 'partition', at: 874, peer: 517, forMs: 20000 },
        { afterMs: 0, do: 'partition', at: 48, peer: 326, forMs: 90000 },
        { afterMs: 0, do: 'release', at: 979, log: 0 },
        { afterMs: 1238, do: 'append', at: 225, log: 1, count: 1, bytes: 25 },
        { afterMs: 0, do: 'tamper', at: 783, peer: 588, kind: 'double', count: 2 },
        { afterMs: 1556, do: 'append', at: 261, log: 0, count: 1, bytes: 1 },
        { afterMs: 1283, do: 'append', at: 311, log: 1, count: 1, bytes: 10 },
        { afterMs: 1126, do: 'append', at: 497, log: 0, count: 1, bytes: 33 },
      ],
    },
  },
  {
    found:
      'A writer whose store was set back pushed events before it could be told of its own; behind those that were taken for duplicates the relay took the rest, and held a mixture of two branches.',
    limits: 'real',
    plan: {
      seed: 900000028,
      relays: 1,
      apps: [{ disk: 0, dials: [0] }],
      logs: 1,
      faults: ['slow-reader', 'full-disk', 'restore'],
      delayMsMax: 300,
      bytesPerMs: unbounded,
      diskLatencyMsMax: 0,
      looks: 0.2,
      steps: [
        { afterMs: 0, do: 'copy', at: 608 },
        { afterMs: 219, do: 'slow-reader', at: 258, bytesPerMs: 0.01, forMs: 50 },
        { afterMs: 672, do: 'append', at: 644, log: 0, count: 1, bytes: 515 },
        { afterMs: 32, do: 'full-disk', at: 302, forMs: 50 },
        { afterMs: 14, do: 'append', at: 478, log: 0, count: 1, bytes: 39 },
        { afterMs: 0, do: 'append', at: 719, log: 0, count: 1, bytes: 5 },
        { afterMs: 929, do: 'append', at: 489, log: 0, count: 1, bytes: 0 },
        { afterMs: 0, do: 'full-disk', at: 451, forMs: 20000 },
        { afterMs: 0, do: 'restore', at: 596, downMs: 100 },
        { afterMs: 9, do: 'slow-reader', at: 737, bytesPerMs: 1, forMs: 20000 },
        { afterMs: 172, do: 'append', at: 611, log: 1, count: 1, bytes: 0 },
        { afterMs: 17, do: 'copy', at: 450 },
        { afterMs: 276, do: 'slow-reader', at: 965, bytesPerMs: 1, forMs: 2000 },
        { afterMs: 24, do: 'append', at: 408, log: 0, count: 1, bytes: 5 },
        { afterMs: 0, do: 'append', at: 546, log: 1, count: 6, bytes: 11 },
      ],
    },
  },
];
