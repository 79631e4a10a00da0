/** Events appended one by one by one writer, read by nobody meanwhile. */
import { chatEvents, sameEvents } from '../events.js';
import { appendAll, rate, timed, verify, type Workload } from '../workload.js';

export const append: Workload = {
  name: 'append',
  title: 'Append, one by one',
  systems: 'all',
  events: 100_000,
  runs: 5,
  secondsMax: 60,
  async run({ system, count }) {
    const events = chatEvents(count);
    const replica = await system.create(0);
    const { seconds } = await timed(() => appendAll(replica, events));
    verify((await replica.length()) === count, 'count');
    verify(sameEvents(await replica.newest(count), events), 'events and their order');
    return [{ name: 'one by one', value: rate(count, seconds), unit: 'events/s' }];
  },
};
