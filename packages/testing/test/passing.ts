/** Virtual time that passes by itself while a test waits for promises. */
import { onTestFinished } from 'vitest';
import { VirtualTime } from '../src/sim/virtual-time.js';

export function passing(): VirtualTime {
  const time = new VirtualTime();
  let stopped = false;
  const pass = async () => {
    while (!stopped) {
      await time.passUntil(time.nowMs + 1, () => {});
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const passed = pass();
  onTestFinished(async () => {
    stopped = true;
    await passed;
  });
  return time;
}
