/**
 * fast-check arbitraries for histories: who writes, what travels where and when, and what the clocks do.
 *
 * A schedule is plain data. Indexes are taken modulo what exists when the step runs, so every sub-list of a
 * schedule is a schedule, and failures shrink to a few steps.
 */
import fc from 'fast-check';
import { payload } from '../../core/test/payload.js';

/** One step of a history. */
export type Step =
  | { readonly do: 'append'; readonly at: number; readonly payload: unknown }
  /** Redacts one of the events that `at` shows. */
  | { readonly do: 'redact'; readonly at: number; readonly event: number }
  /** One way: all that `to` lacks, at once. */
  | { readonly do: 'sync'; readonly from: number; readonly to: number }
  /** Puts a parcel on its way; it arrives when a `deliver` step says so. */
  | { readonly do: 'send'; readonly from: number; readonly share: Share }
  /** Delivers parcels on their way, joined into one merge in this order; kept ones arrive again later. */
  | { readonly do: 'deliver'; readonly to: number; readonly parcels: readonly number[]; readonly keep: boolean }
  | { readonly do: 'drop'; readonly parcel: number }
  /** Those whose bits differ no longer hear one another. */
  | { readonly do: 'partition'; readonly bits: number }
  | { readonly do: 'heal' }
  /** Sets one wall clock: that far from true time. */
  | { readonly do: 'clock'; readonly at: number; readonly offsetMs: number }
  /** True time passes. */
  | { readonly do: 'pass'; readonly ms: number }
  /** Closes a log and makes it anew from its own bytes, as after a restart. */
  | { readonly do: 'reload'; readonly at: number };

/** What of a log a parcel holds. */
export type Share =
  | { readonly of: 'everything' }
  /** One writer's last event alone. */
  | { readonly of: 'newest'; readonly writer: number }
  /** Per writer, what follows a sequence number of its own: leaves gaps. */
  | { readonly of: 'ragged'; readonly after: readonly number[] };

/**
 * When readers look. `every step`: snapshots are taken and read at once. `oldest first`, `newest first`: they are
 * taken at every step and read at the end. `seldom`: most steps take none, so the log changes unseen rows in place.
 */
export type Reading = 'every step' | 'oldest first' | 'newest first' | 'seldom';

/** A whole history. */
export interface Schedule {
  /** 16 bytes each, all different. */
  readonly writers: readonly Uint8Array[];
  readonly steps: readonly Step[];
  readonly reading: Reading;
}

const writerBytes = fc.oneof(
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  // Ids that differ in one byte only, at either end.
  fc.tuple(fc.nat(255), fc.boolean()).map(([byte, first]) => {
    const bytes = new Uint8Array(16).fill(128);
    bytes[first ? 0 : 15] = byte;
    return bytes;
  }),
);

/** Ids of `min` to `max` writers. */
export function writerIds(min: number, max: number): fc.Arbitrary<Uint8Array[]> {
  return fc.uniqueArray(writerBytes, { minLength: min, maxLength: max, size: 'max', selector: (id) => id.join() });
}

const index = fc.nat(1000);

const share: fc.Arbitrary<Share> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ of: fc.constant('newest' as const), writer: index }) },
  { weight: 1, arbitrary: fc.record({ of: fc.constant('everything' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      of: fc.constant('ragged' as const),
      after: fc.array(index, { minLength: 1, maxLength: 6 }),
    }),
  },
);

/** Small steps, whole hours, and both sides of the allowed drift of 60 s. */
const offsetMs = fc.oneof(
  fc.constantFrom(0, 1, -1, 0.5, 59_999, 60_000, 60_001, 30_000, -30_000, 120_000, -3_600_000),
  fc.integer({ min: -70_000, max: 70_000 }),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant('append' as const), at: index, payload }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('redact' as const), at: index, event: index }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('sync' as const), from: index, to: index }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('send' as const), from: index, share }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('deliver' as const),
      to: index,
      parcels: fc.array(index, { minLength: 1, maxLength: 4 }),
      keep: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const), parcel: index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('partition' as const), bits: fc.nat(63) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'heal' as const }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('clock' as const), at: index, offsetMs }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(0, 1, 20, 1_000, 61_000) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reload' as const), at: index }) },
);

const reading = fc.constantFrom<Reading>('every step', 'oldest first', 'newest first', 'seldom');

/** Histories of one to six writers and up to `stepsMax` steps. */
export function schedule(stepsMax = 60): fc.Arbitrary<Schedule> {
  return fc.record({
    writers: writerIds(1, 6),
    steps: fc.array(step, { maxLength: stepsMax, size: 'max' }),
    reading,
  });
}
