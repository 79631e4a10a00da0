/** What becomes of frames while it is asked whether their sender may redact. */
import { limits } from '@gossip-log/core';
import { MemoryDisk } from '@gossip-log/storage/memory';
import { expect, onTestFinished, test } from 'vitest';
import { FakeEnvironment } from '../test/fake-environment.js';
import { closeNodes, joined } from '../test/nodes-on-disks.js';
import { until } from '../test/until.js';
import type { LogHandle } from './index.js';
import { systemEnvironment } from './system-environment.js';

const shown = (log: LogHandle<string>) => log.snapshot().map(({ payload, redacted }) => (redacted ? 'gone' : payload));

/** A relay that is asked by the test whether its peer may redact, and an app with an event that it has. */
async function asking(errors: Error[] = []) {
  onTestFinished(async () => void (await closeNodes()));
  const time = new FakeEnvironment();
  const environment = {
    now: () => time.now(),
    elapsed: () => time.elapsed(),
    randomBytes: (length: number) => systemEnvironment.randomBytes(length),
    setTimer: (ms: number, callback: () => void) => time.setTimer(ms, callback),
  };
  const asked: { resolve(may: boolean): void; reject(error: Error): void }[] = [];
  const answers = new EventTarget();
  const { relay, app } = joined(
    new MemoryDisk(),
    new MemoryDisk(),
    {
      environment,
      onError: (error) => errors.push(error),
      authorize: ({ action }) =>
        action !== 'redact' ||
        new Promise<boolean>((resolve, reject) => {
          asked.push({ resolve, reject });
          answers.dispatchEvent(new Event('asked'));
        }),
    },
    { environment, onError: () => undefined },
  );
  const there = relay.open<string>('tea');
  const here = app.open<string>('tea');
  await Promise.all([there.ready, here.ready]);
  const { id } = here.append('secret');
  await here.delivered(id, 'relayed');
  /** Resolves when the relay was asked so often. */
  const askedTimes = async (times: number) => {
    while (asked.length < times)
      await new Promise((resolve) => answers.addEventListener('asked', resolve, { once: true }));
    return asked[times - 1] as (typeof asked)[number];
  };
  return { time, here, there, id, asked, askedTimes };
}

test.each([true, false])(
  'what comes while it is asked waits, and is taken in order or not at all: %s [S28]',
  async (may) => {
    const { here, there, id, asked, askedTimes } = await asking();
    const redaction = here.redact(id);
    const ask = await askedTimes(1);
    const later = here.append('later');
    await here.delivered(later);
    expect(shown(there)).toEqual(['secret']);
    ask.resolve(may);
    if (may) {
      await here.delivered(later, 'relayed');
      expect(shown(there)).toEqual(['gone', 'later']);
    } else {
      await expect(here.delivered(redaction, 'relayed')).rejects.toMatchObject({ code: 'forbidden' });
      expect(here.delivery(later).state).toBe('rejected');
      expect(shown(there)).toEqual(['secret']);
      await there.delivered(there.append('read this'));
      await until(here, () => shown(here).includes('read this'));
    }
    // The answer holds as long as the peer has the log open.
    here.redact(here.append('another').id);
    await here.delivered(here.append('end'));
    expect(asked.length).toBe(1);
  },
);

test('an authorize that fails refuses for now: the error is reported, and it is asked again after a while [S14, S28]', async () => {
  const errors: Error[] = [];
  const { time, here, there, id, askedTimes } = await asking(errors);
  const redaction = here.redact(id);
  const first = await askedTimes(1);
  await here.delivered(redaction);
  first.reject(new Error('no database'));
  await expect.poll(() => errors.map(({ message }) => message)).toEqual(['no database']);
  expect(shown(there)).toEqual(['secret']);
  expect(here.delivery(redaction).state).toBe('stored');
  const advancing = setInterval(() => time.advance(limits.openRetryMs / 4), 1);
  onTestFinished(() => clearInterval(advancing));
  (await askedTimes(2)).resolve(true);
  clearInterval(advancing);
  await here.delivered(redaction, 'relayed');
  expect(shown(there)).toEqual(['gone']);
});
