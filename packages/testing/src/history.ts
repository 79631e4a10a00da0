/**
 * Histories: what several replicas wrote, and what reached whom when. Plain data: every sub-list of a history's steps
 * is a history too, so that failures shrink to a few steps.
 */
import { checkOptions } from '@gossip-log/core';
import fc from 'fast-check';

/** One step. Replicas are numbers, taken modulo how many there are. */
export type HistoryStep<T> =
  | { readonly do: 'append'; readonly at: number; readonly payload: T }
  /** Redacts one of the events that the replica shows, taken modulo how many there are. */
  | { readonly do: 'redact'; readonly at: number; readonly event: number }
  /**
   * What `to` lacks and `from` has arrives, as one merge; with `writer`, that replica's events alone: they wait where
   * they depend on others.
   */
  | { readonly do: 'send'; readonly from: number; readonly to: number; readonly writer?: number | undefined }
  /** Sets a wall clock: that far from true time. */
  | { readonly do: 'clock'; readonly at: number; readonly offsetMs: number }
  /** True time passes. */
  | { readonly do: 'pass'; readonly ms: number }
  /** The app ends and starts again, over the log that it had. */
  | { readonly do: 'restart'; readonly at: number };

/** A history of some replicas. `playHistory` plays it on real logs. */
export interface History<T> {
  readonly replicas: number;
  readonly steps: readonly HistoryStep<T>[];
}

/** What histories are generated. */
export interface HistoryOptions {
  /** Default 2 to 4, at most 6. */
  readonly replicasMin?: number;
  readonly replicasMax?: number;
  /** Default 40. */
  readonly stepsMax?: number;
  /** Also steps that redact events. Default: false. Apps that redact nothing need not be ready for it. */
  readonly redactions?: boolean;
}

/** What replicas are called in reports. */
export const replicaNames = ['ada', 'bob', 'cleo', 'dan', 'eva', 'finn'] as const;

const index = fc.nat(replicaNames.length - 1);

/** Two clocks may be 60 s apart: no node refuses another's events as early. */
const offsetMs = fc.oneof(fc.constantFrom(0, -30_000, 30_000), fc.integer({ min: -30_000, max: 30_000 }));

/**
 * A fast-check arbitrary of histories: appends, deliveries in any order and of any size, clocks that are up to 30 s
 * wrong, restarts. Shrinks to the fewest steps, and payloads as `payloads` does.
 *
 * @param payloads What replicas append.
 * @throws RangeError when the numbers of replicas or steps make no sense.
 * @example
 * ```ts
 * import { arbitraryHistory, playHistory } from '@gossip-log/testing';
 * import fc from 'fast-check';
 *
 * fc.assert(
 *   fc.property(arbitraryHistory(fc.string()), (history) => {
 *     const [ada, bob] = playHistory(history);
 *     const texts = (replica: typeof ada) => replica?.log.snapshot().map((event) => event.payload).join();
 *     return texts(ada) === texts(bob);
 *   }),
 * );
 * ```
 */
export function arbitraryHistory<T>(payloads: fc.Arbitrary<T>, options: HistoryOptions = {}): fc.Arbitrary<History<T>> {
  checkOptions('arbitraryHistory', options, {
    ...{ replicasMin: 'number', replicasMax: 'number', stepsMax: 'number', redactions: 'boolean' },
  });
  const { replicasMin = 2, replicasMax = Math.max(4, replicasMin), stepsMax = 40, redactions = false } = options;
  if (!(replicasMin >= 1 && replicasMin <= replicasMax && replicasMax <= replicaNames.length)) {
    throw new RangeError(
      `replicas: expected 1 to ${replicaNames.length}, min not above max, got ${replicasMin} to ${replicasMax}`,
    );
  }
  if (!Number.isSafeInteger(stepsMax) || stepsMax < 1) {
    throw new RangeError(`stepsMax: expected a whole number from 1, got ${stepsMax}`);
  }
  const step: fc.Arbitrary<HistoryStep<T>> = fc.oneof(
    { weight: 8, arbitrary: fc.record({ do: fc.constant('append' as const), at: index, payload: payloads }) },
    {
      weight: redactions ? 3 : 0,
      arbitrary: fc.record({ do: fc.constant('redact' as const), at: index, event: fc.nat(1_000) }),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant('send' as const),
        from: index,
        to: index,
        writer: fc.option(index, { nil: undefined, freq: 2 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('clock' as const), at: index, offsetMs }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(0, 1, 20, 1_000, 61_000) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), at: index }) },
  );
  return fc.record({
    replicas: fc.integer({ min: replicasMin, max: replicasMax }),
    steps: fc.array(step, { maxLength: stepsMax, size: 'max' }),
  });
}
