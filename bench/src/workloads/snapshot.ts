/** What a reader pays after each change, in a small log and in a large one: the snapshot, and reading from it. */
import { mulberry32 } from '../../../packages/core/test/message-generator.js';
import { fixtureEvents, newLog } from '../fixtures.js';
import { collectGarbage, type Figure, verify, type Workload } from '../workload.js';

const rounds = 2_000;

export const snapshot: Workload = {
  name: 'snapshot',
  passes: 1,
  run({ counts }) {
    return [...readLog(counts.small), ...readLog(counts.large)];
  },
};

function readLog(count: number): Figure[] {
  const { log } = newLog(800);
  const events = fixtureEvents(Math.min(count, rounds));
  for (let i = 0; i < count; i++) log.append(events[i % events.length] as (typeof events)[number]);
  const random = mulberry32(count);
  collectGarbage();

  let [taking, slicing, reading] = [0, 0, 0];
  for (let round = 0; round < rounds; round++) {
    log.append(events[round % events.length] as (typeof events)[number]);
    const start = performance.now();
    const now = log.snapshot();
    const taken = performance.now();
    const newest = now.slice(-50);
    const sliced = performance.now();
    const one = now.at(Math.floor(random() * count));
    const read = performance.now();
    verify(newest.length === 50 && one !== undefined && now.length === count + round + 1, 'rows');
    taking += taken - start;
    slicing += sliced - taken;
    reading += read - sliced;
  }
  const figure = (name: string, ms: number, aim?: number): Figure => ({
    name: `${name}, ${count.toLocaleString('en')} events`,
    value: (ms * 1000) / rounds,
    unit: 'µs',
    ...(aim === undefined ? {} : { aim }),
  });
  return [figure('snapshot()', taking, 2), figure('first slice(-50)', slicing), figure('first at(random)', reading)];
}
