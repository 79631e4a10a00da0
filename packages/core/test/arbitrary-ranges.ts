/** Turns of comparisons as fast-check makes them: well-formed, and mostly nonsense. */
import fc from 'fast-check';
import type { WriterId } from '../src/index.js';
import { seqMax } from '../src/limits.js';
import { lanes } from '../src/log/contribution.js';
import { endOfTime, type KnownRun, type Range } from '../src/range.js';

export function arbitraryKnownRuns(
  writer: fc.Arbitrary<WriterId>,
  time: fc.Arbitrary<number> = fc.maxSafeNat(),
): fc.Arbitrary<KnownRun[]> {
  return fc.array(fc.record({ writer, last: fc.nat({ max: seqMax }), lastTime: time }), { maxLength: 5 });
}

/** Ranges in the order of time, the last one sometimes without an end. Each kind of runs comes once at most. */
export function arbitraryRanges(writer: fc.Arbitrary<WriterId>, time: fc.Arbitrary<number> = fc.maxSafeNat()) {
  const knownRuns = arbitraryKnownRuns(writer, time);
  const names = fc.array(fc.nat({ max: 2 ** 48 - 1 }), { maxLength: 5 });
  const sum = fc.uint32Array({ minLength: lanes, maxLength: lanes });
  const times = fc.uniqueArray(time, { minLength: 12, maxLength: 12 }).map((some) => some.sort((a, b) => a - b));
  const part = fc.oneof(
    fc.record({ kind: fc.constantFrom('runs' as const, 'lacking-runs' as const), runs: knownRuns }),
    fc.record({ kind: fc.constantFrom('rows' as const, 'lacking-rows' as const), names }),
    fc.record({ kind: fc.constant('fingerprint' as const), count: fc.maxSafeNat(), sum }),
  );
  return fc.tuple(times, fc.array(part, { maxLength: 5 }), fc.boolean()).map(([cuts, drawn, endless]) => {
    const parts = drawn.filter((one, i) => !('runs' in one) || drawn.findIndex(({ kind }) => kind === one.kind) === i);
    return parts.map((one, i): Range => {
      if ('runs' in one) return one;
      const to = endless && i === parts.length - 1 ? endOfTime : (cuts[2 * i + 1] as number);
      return { ...one, from: cuts[2 * i] as number, to };
    });
  });
}
