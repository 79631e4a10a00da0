/**
 * Finds app code that shows different states for the same events: code that depends on the order of arrival instead of
 * the order of the log, mutates what it is given, looks at a clock or at randomness, or keeps something of its own.
 *
 * Generated histories are played on real logs. Every replica's app follows its own log. When all have received
 * everything, all states must be equal, and equal to a newcomer's, whose app sees the whole log at once.
 */
import { checkOptions, type EventId, type LogEvent, type PayloadCodec } from '@gossip-log/core';
import { dequal } from 'dequal';
import fc from 'fast-check';
import { report } from './convergence-report.js';
import { type Consumer, Divergence, followHistory, Mutation } from './follow-history.js';
import { arbitraryHistory, type HistoryOptions } from './history.js';

/** From a state and an event to the next state. */
export type Reducer<T, S> = (state: S, event: LogEvent<T>) => S;

export interface ConvergenceOptions<T, S> extends HistoryOptions {
  /** What replicas append. */
  readonly payloads: fc.Arbitrary<T>;
  /** Are two states the same? Default: deep equality. */
  readonly equal?: (a: S, b: S) => boolean;
  /** Default: JSON. */
  readonly codec?: PayloadCodec<T>;
  /** Histories to try. Default 100. */
  readonly runs?: number;
  /** Where the search begins. Default: another place each time. A report names it. */
  readonly seed?: number;
  /** With `seed`: the one history that a report speaks of. */
  readonly path?: string;
}

export interface ReducerOptions<T, S> extends ConvergenceOptions<T, S> {
  /** The state before the first event. */
  readonly initial: S;
  /**
   * How the app folds. `arrival`: each event as it arrives, onto the state so far. `snapshot`: the whole log, in its
   * order, after each change. Default `arrival`: a reducer that passes may be folded either way.
   */
  readonly fold?: 'arrival' | 'snapshot';
}

/**
 * Asserts that a reducer, or a consumer, shows the same state wherever the same events are. Throws an error whose
 * message is a report: the shortest history found, what was appended and how it arrived, the states, and how to run it
 * again.
 *
 * With `redactions`, some histories redact events: then `event.redacted` is set and `payload` is undefined. A reducer that
 * meets them is folded over the snapshot.
 *
 * While the app's code runs, `Date` and `Math.random` are the history's own. Timers and promises are not waited for.
 *
 * @throws Error with the report. RangeError when an option makes no sense.
 * @example
 * ```ts
 * import { assertConverges } from '@gossip-log/testing';
 * import fc from 'fast-check';
 *
 * // Adding up gives the same sum in any order.
 * assertConverges((sum: number, event) => sum + event.payload, { initial: 0, payloads: fc.nat(9) });
 *
 * // The last payload of the log: fine when folded over the snapshot, wrong when folded as events arrive.
 * assertConverges((_last: string, event) => event.payload, { initial: '', payloads: fc.string(), fold: 'snapshot' });
 * ```
 */
export function assertConverges<T, S>(reducer: Reducer<T, S>, options: ReducerOptions<T, S>): void;
/**
 * The same for any code that follows a log.
 *
 * @example
 * ```ts
 * import type { Snapshot } from '@gossip-log/core';
 * import { assertConverges } from '@gossip-log/testing';
 * import fc from 'fast-check';
 *
 * const create = () => {
 *   let last = '';
 *   return {
 *     onChange: (snapshot: Snapshot<string>) => void (last = snapshot.at(-1)?.payload ?? ''),
 *     state: () => last,
 *   };
 * };
 * assertConverges({ create }, { payloads: fc.string() });
 * ```
 */
export function assertConverges<T, S>(
  app: { readonly create: () => Consumer<T, S> },
  options: ConvergenceOptions<T, S>,
): void;
export function assertConverges<T, S>(
  app: Reducer<T, S> | { readonly create: () => Consumer<T, S> },
  options: ConvergenceOptions<T, S> | ReducerOptions<T, S>,
): void {
  checkOptions<ConvergenceOptions<T, S> & Partial<ReducerOptions<T, S>>>('assertConverges', options, {
    ...{ replicasMin: 'number', replicasMax: 'number', stepsMax: 'number', redactions: 'boolean' },
    ...{ payloads: 'any', equal: 'function' },
    ...{ codec: 'object', runs: 'number', seed: 'any', path: 'string', initial: 'any', fold: 'string' },
  });
  const { equal = dequal, runs = 100, seed, path, codec, payloads } = options;
  const { replicasMin, replicasMax, stepsMax, redactions = false } = options;
  if (redactions && typeof app === 'function' && (options as ReducerOptions<T, S>).fold !== 'snapshot') {
    throw new RangeError(
      "assertConverges: redactions: expected fold: 'snapshot', since what was folded in stays folded in",
    );
  }
  const create = typeof app === 'function' ? folding(app, options as ReducerOptions<T, S>) : app.create;
  const histories = arbitraryHistory(payloads, { replicasMin, replicasMax, stepsMax, redactions } as HistoryOptions);
  const details = fc.check(
    fc.property(histories, (history) => followHistory(history, { create, equal, codec })),
    { numRuns: runs, ...(seed === undefined ? {} : { seed }), ...(path === undefined ? {} : { path }) },
  );
  if (!details.failed) return;
  const { errorInstance, counterexamplePath, numShrinks } = details;
  if (!(errorInstance instanceof Divergence)) throw errorInstance;
  const { fault } = errorInstance;
  throw new Error(report(fault, { seed: details.seed, path: counterexamplePath, shrinks: numShrinks }), {
    cause: fault.error,
  });
}

/** Makes apps that fold a reducer. */
function folding<T, S>(reducer: Reducer<T, S>, { initial, fold = 'arrival' }: ReducerOptions<T, S>) {
  if (fold !== 'arrival' && fold !== 'snapshot') {
    throw new RangeError(`assertConverges: fold: expected "arrival" or "snapshot", got ${JSON.stringify(fold)}`);
  }
  const take = (state: S, event: LogEvent<T>): S => {
    const before = copied(state);
    const next = reducer(state, event);
    if (before !== undefined && !dequal(before.value, state)) {
      const [was, is] = [fc.stringify(before.value), fc.stringify(state)];
      throw new Mutation(`the reducer was given the state ${was} and changed it to ${is}`);
    }
    return next;
  };
  return (): Consumer<T, S> => {
    const folded = new Set<EventId>();
    // A copy, so that a reducer that changes it spoils this app alone, and shrinking starts afresh.
    const start = copied(initial)?.value ?? initial;
    let state = start;
    return {
      onChange(snapshot) {
        if (fold === 'snapshot') {
          folded.clear();
          state = start;
        }
        for (const event of snapshot) {
          if (!folded.has(event.id)) state = take(state, event);
          folded.add(event.id);
        }
      },
      state: () => state,
    };
  };
}

/** A deep copy, where there can be one: not of functions and instances of classes, which then are not watched. */
function copied<V>(value: V): { readonly value: V } | undefined {
  try {
    const copy = structuredClone(value);
    return dequal(copy, value) ? { value: copy } : undefined;
  } catch {
    return undefined;
  }
}
