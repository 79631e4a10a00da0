import { limits } from '@gossip-log/core';
import { expect, test } from 'vitest';
import { Quotas } from './peer-quota.js';

function quotas() {
  const clock = { ms: 0 };
  const made = new Quotas({
    now: () => clock.ms,
    elapsed: () => clock.ms,
    randomBytes: (length) => new Uint8Array(length),
    setTimer: () => () => undefined,
  });
  return { clock, quotas: made };
}

/** Lets all that is due be done. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('whoever takes all the places it can get leaves some to others [Y4]', () => {
  const { quotas: shared } = quotas();
  const placesMax = limits.openLogsMax;
  let taken = 0;
  const grab = (address: string) => {
    const quota = shared.join(address);
    try {
      for (;;) {
        quota.takePlace(placesMax - taken);
        taken++;
      }
    } catch (error) {
      expect(error).toMatchObject({ code: 'limit-exceeded' });
    }
    return quota;
  };
  grab('10.0.0.1');
  expect(taken).toBe((placesMax * 7) / 8);
  // Other connections of the same address find nothing more.
  grab('10.0.0.1');
  expect(taken).toBe((placesMax * 7) / 8);
  for (let i = 2; i < 7; i++) grab(`10.0.0.${i}`);
  const free = placesMax - taken;
  expect(free).toBeGreaterThan(10);
  expect(() => shared.join('10.0.0.9').takePlace(free)).not.toThrow();
});

test('a place that was given back can be taken again, once [Y4]', () => {
  const { quotas: shared } = quotas();
  const quota = shared.join('10.0.0.1');
  const giveBack = quota.takePlace(1);
  expect(() => quota.takePlace(1)).toThrow('room for 1 more');
  giveBack();
  giveBack();
  quota.takePlace(1);
  expect(() => quota.takePlace(1)).toThrow('have 1 logs open');
});

test('so many questions are asked at once, in order, also after some have failed [Y5]', async () => {
  const { quotas: shared } = quotas();
  const quota = shared.join('10.0.0.1');
  const asked: number[] = [];
  const answers: ((isRefused: boolean) => void)[] = [];
  const total = limits.questionsAtOnceMax + 10;
  const all = Array.from({ length: total }, (_, i) => {
    return quota.ask(() => {
      asked.push(i);
      return new Promise<number>((resolve, reject) =>
        answers.push((isRefused) => (isRefused ? reject(new Error('no')) : resolve(i))),
      );
    });
  });
  const outcomes = Promise.allSettled(all);
  await settled();
  expect(asked).toHaveLength(limits.questionsAtOnceMax);
  for (let i = 0; i < total; i++) {
    answers[i]?.(i % 3 === 0);
    await settled();
  }
  expect(asked).toEqual(Array.from({ length: total }, (_, i) => i));
  expect((await outcomes).filter(({ status }) => status === 'rejected')).toHaveLength(Math.ceil(total / 3));
});

test('questions beyond the bound are refused [Y5] [L7]', async () => {
  const { quotas: shared } = quotas();
  const quota = shared.join('10.0.0.1');
  const never = () => new Promise<void>(() => undefined);
  for (let i = 0; i < limits.questionsAtOnceMax + limits.channelsMax; i++) quota.ask(never);
  await expect(quota.ask(never)).rejects.toMatchObject({ code: 'limit-exceeded' });
});

test('so much is reported a minute, then how much was not [Y6]', () => {
  const { clock, quotas: shared } = quotas();
  const quota = shared.join('10.0.0.1');
  const due = Array.from({ length: 100 }, () => quota.report()).filter(({ isDue }) => isDue);
  expect(due).toHaveLength(limits.reportsPerMinuteMax);
  clock.ms += 60_001;
  expect(quota.report()).toEqual({ isDue: true, unsaid: 100 - limits.reportsPerMinuteMax });
  expect(quota.report()).toEqual({ isDue: true, unsaid: 0 });
});
