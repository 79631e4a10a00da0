/** A history opened from disk until its newest rows, and all of them, are there as objects. */
import { chatEvents, sameEvents } from '../events.js';
import { timed, verify, type Workload } from '../workload.js';

const newest = 200;

export const load: Workload = {
  name: 'load',
  title: 'Load from disk',
  systems: ['floor', 'yjs', 'loro', 'automerge'],
  events: 100_000,
  fixture: 'ten',
  runs: 3,
  secondsMax: 60,
  async run({ system, count, read, folder }) {
    const { disk } = system;
    verify(disk !== undefined, 'it keeps nothing on disk');
    await disk.store(folder, read('ten').whole);
    const events = chatEvents(count);
    const first = await timed(async () => {
      const replica = await disk.open(folder);
      return { replica, shown: await replica.newest(newest) };
    });
    const rest = await timed(() => first.result.replica.newest(count));
    verify(sameEvents(first.result.shown, events.slice(-newest)), 'the newest events');
    verify(sameEvents(rest.result, events), 'events and their order');
    return [
      { name: `whole, newest ${newest} read`, value: first.seconds * 1000, unit: 'ms' },
      { name: 'whole, all read', value: (first.seconds + rest.seconds) * 1000, unit: 'ms' },
    ];
  },
};
