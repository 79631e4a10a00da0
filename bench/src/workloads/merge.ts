/** A history of ten writers merged into an empty replica: what joining a room costs before and after payloads are read. */
import { chatEvents, sameEvents } from '../events.js';
import { rate, timed, verify, type Workload } from '../workload.js';

const newest = 200;

export const merge: Workload = {
  name: 'merge',
  title: 'Bulk merge of ten writers',
  systems: 'all',
  events: 100_000,
  fixture: 'ten',
  runs: 5,
  secondsMax: 60,
  async run({ system, count, read }) {
    const { whole } = read('ten');
    const events = chatEvents(count);
    const replica = await system.create(300);
    const first = await timed(async () => {
      await replica.receive(whole);
      return replica.newest(newest);
    });
    const rest = await timed(() => replica.newest(count));
    verify((await replica.length()) === count, 'count');
    verify(sameEvents(first.result, events.slice(-newest)), 'the newest events');
    verify(sameEvents(rest.result, events), 'events and their order');
    return [
      { name: `newest ${newest} read`, value: rate(count, first.seconds), unit: 'events/s' },
      { name: 'all read', value: rate(count, first.seconds + rest.seconds), unit: 'events/s' },
    ];
  },
};
