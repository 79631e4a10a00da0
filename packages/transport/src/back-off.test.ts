import { limits } from '@gossip-log/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextTry } from './back-off.js';

const { reconnectMsMax, reconnectMsMin, stableMsMin } = limits;
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const pauses = fc.integer({ min: 0, max: 5000 });

test('[W2] a pause lies between nothing and the ceiling, which doubles up to the longest pause', () => {
  fc.assert(
    fc.property(pauses, random, fc.integer({ min: 0, max: stableMsMin - 1 }), (before, draw, lastedMs) => {
      const next = nextTry({ pauses: before, lastedMs, pace: 'soon', random: draw });
      expect(next.pauseMs).toBeGreaterThanOrEqual(0);
      expect(next.pauseMs).toBeLessThanOrEqual(Math.min(reconnectMsMax, reconnectMsMin * 2 ** before));
      expect(next.pauses).toBe(before + 1);
    }),
  );
});

test('[W2] the jitter is full: the pause is the ceiling times the draw', () => {
  const row = (draw: number) =>
    [0, 1, 2, 3, 4, 5, 6, 7].map((n) => nextTry({ pauses: n, lastedMs: 0, pace: 'soon', random: draw }).pauseMs);
  expect(row(0)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  expect(row(0.5)).toEqual([250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
});

test('[W2] only a connection that lasted starts the pauses again', () => {
  fc.assert(
    fc.property(pauses, random, fc.nat(10 * stableMsMin), (before, draw, lastedMs) => {
      const next = nextTry({ pauses: before, lastedMs, pace: 'soon', random: draw });
      const from = lastedMs >= stableMsMin ? 0 : before;
      expect(next).toEqual(nextTry({ pauses: from, lastedMs: 0, pace: 'soon', random: draw }));
    }),
  );
});

test('[W2] `later` waits at least half of the longest pause, whatever went before', () => {
  fc.assert(
    fc.property(pauses, random, fc.nat(10 * stableMsMin), (before, draw, lastedMs) => {
      const { pauseMs } = nextTry({ pauses: before, lastedMs, pace: 'later', random: draw });
      expect(pauseMs).toBeGreaterThanOrEqual(reconnectMsMax / 2);
      expect(pauseMs).toBeLessThanOrEqual(reconnectMsMax);
    }),
  );
});
