import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clockMilliseconds, clockStepsPerMs, horizon, observe, tick } from './hybrid-logical-clock.js';
import { clockDriftMsMax, timeMax } from './limits.js';

test('[L2] a tick rises above all that was seen, and is not behind the wall clock', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(2 ** 41), fc.boolean())), (moves) => {
      let time = 0;
      for (const [ms, isRemote] of moves) {
        const next = isRemote ? observe(time, ms * clockStepsPerMs + 3) : tick(time, ms);
        expect(next).toBeGreaterThanOrEqual(isRemote ? time : time + 1);
        expect(clockMilliseconds(next)).toBeGreaterThanOrEqual(ms);
        time = next;
      }
    }),
  );
});

test('[L2] a counter that is full carries into the milliseconds', () => {
  const full = 1_000 * clockStepsPerMs + clockStepsPerMs - 1;
  expect(clockMilliseconds(full)).toBe(1_000);
  const next = tick(full, 1_000);
  expect(next).toBe(1_001 * clockStepsPerMs);
  expect(clockMilliseconds(next)).toBe(1_001);
});

test('[L2] fractions of a millisecond and clocks set back do not make time fall', () => {
  const first = tick(0, 1_000.9);
  expect(first).toBe(1_000 * clockStepsPerMs);
  expect(tick(first, 1_000.1)).toBe(first + 1);
  expect(tick(first, -5)).toBe(first + 1);
  expect(observe(first, first - 1)).toBe(first);
});

test('[S13] the horizon is the last step of the last millisecond that is allowed', () => {
  const last = horizon(1_000);
  expect(clockMilliseconds(last)).toBe(1_000 + clockDriftMsMax);
  expect(clockMilliseconds(last + 1)).toBe(1_001 + clockDriftMsMax);
  expect(horizon(1_000.7)).toBe(last);
});

test('[B5] times fit into a double until 2109', () => {
  const may2109 = 4_398_046_511_104;
  expect(clockMilliseconds(timeMax)).toBe(may2109 - 1);
  expect(horizon(may2109 - 60_001)).toBe(timeMax);
});
