/** Updates of one event each, by five writers in turns, received one by one in random order. */
import { chatEvents, sameEvents, shuffled } from '../events.js';
import { rate, timed, verify, type Workload } from '../workload.js';

export const randomOrder: Workload = {
  name: 'random-order',
  title: 'Updates in random order',
  systems: 'all',
  events: 20_000,
  fixture: 'updates',
  runs: 3,
  secondsMax: 60,
  async run({ system, count, read }) {
    const updates = shuffled(read('updates').updates);
    const replica = await system.create(500);
    const { result, seconds } = await timed(async () => {
      let rounds = 0;
      // Who drops what comes too early gets it again.
      do {
        for (const update of updates) {
          const received = replica.receive([update]);
          if (received instanceof Promise) await received;
        }
        rounds += 1;
      } while ((await replica.length()) < count);
      return rounds;
    });
    verify(sameEvents(await replica.newest(count), chatEvents(count)), 'events and their order');
    return [
      { name: 'one by one', value: rate(count, seconds), unit: 'events/s' },
      { name: 'deliveries', value: result, unit: 'messages', isDetail: true },
    ];
  },
};
