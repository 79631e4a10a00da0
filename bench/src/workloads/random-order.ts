/**
 * Updates of one event each, by five writers, merged in random order: whole, where most must wait for others and the
 * causal buffer overflows, so that what was dropped is delivered again; and shuffled a thousand at a time.
 */
import { type Fixtures, newNodeLog } from '../fixtures.js';
import { type Figure, floors, rate, sameBytes, timed, verify, type Workload } from '../workload.js';

export const randomOrder: Workload = {
  name: 'random-order',
  passes: 3,
  run(fixtures) {
    return [
      ...deliver('shuffled whole', fixtures.read('updates'), fixtures),
      ...deliver('shuffled by the thousand', fixtures.read('updates-nearly'), fixtures),
    ];
  },
};

function deliver(name: string, updates: Uint8Array[], fixtures: Fixtures): Figure[] {
  const count = updates.length;
  const floor = floors.parse(count);
  const { log } = newNodeLog(500);
  const { result, seconds } = timed(() => {
    let deliveries = 0;
    while (log.length < count) {
      for (const update of updates) log.receive([update]);
      deliveries += count;
    }
    return deliveries;
  });
  verify(sameBytes(log.encode(), fixtures.readOne('updates-merged')), 'bytes');
  return [
    { name, value: rate(count, seconds), unit: 'events/s', floor, aim: 100_000 },
    { name: `${name}, deliveries`, value: result / count, unit: 'times' },
  ];
}
