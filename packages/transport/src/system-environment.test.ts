import { expect, test } from 'vitest';
import { systemEnvironment } from './system-environment.js';

test('the time is the platform’s', () => {
  const before = Date.now();
  expect(systemEnvironment.now()).toBeGreaterThanOrEqual(before);
});

test('random bytes are as many as asked for, and others every time', () => {
  const [a, b] = [systemEnvironment.randomBytes(16), systemEnvironment.randomBytes(16)];
  expect([a.length, b.length]).toEqual([16, 16]);
  expect(a).not.toEqual(b);
});

test('a timer calls back once, unless it is cancelled', async () => {
  const called: string[] = [];
  await new Promise<void>((resolve) => {
    const cancel = systemEnvironment.setTimer(0, () => called.push('cancelled'));
    systemEnvironment.setTimer(0, () => called.push('kept'));
    cancel();
    systemEnvironment.setTimer(1, resolve);
  });
  expect(called).toEqual(['kept']);
});
