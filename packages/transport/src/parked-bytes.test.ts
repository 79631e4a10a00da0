import { limits } from '@gossip-log/core';
import { expect, test } from 'vitest';
import { ParkedBytes, type ParkingLog } from './parked-bytes.js';

class FakeLog implements ParkingLog {
  parkedBytes = 0;
  shedParked(bytesMax: number): void {
    this.parkedBytes = Math.min(this.parkedBytes, bytesMax);
  }
}

const max = limits.parkedBytesMax;

test('above the bound the log in which most waits drops its newest half, and others keep what they have [Y7]', () => {
  const parked = new ParkedBytes();
  const logs = Array.from({ length: 12 }, () => new FakeLog());
  const [honest, ...hostile] = logs as [FakeLog, ...FakeLog[]];
  honest.parkedBytes = max / 100;
  parked.changed(honest);
  for (let round = 0; round < 3; round++) {
    for (const log of hostile) {
      log.parkedBytes = max / 8;
      parked.changed(log);
      expect(logs.reduce((sum, { parkedBytes }) => sum + parkedBytes, 0)).toBeLessThanOrEqual(max);
    }
  }
  expect(honest.parkedBytes).toBe(max / 100);
});

test('what does not wait any more, and logs that are closed, leave room [Y7]', () => {
  const parked = new ParkedBytes();
  const [first, second, third] = [new FakeLog(), new FakeLog(), new FakeLog()];
  for (const log of [first, second]) {
    log.parkedBytes = max / 2;
    parked.changed(log);
  }
  first.parkedBytes = 0;
  parked.forget(second);
  third.parkedBytes = max;
  parked.changed(third);
  expect(third.parkedBytes).toBe(max);
});
