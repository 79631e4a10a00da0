/** A long history on disk: how soon a reader sees the newest events of it, and how soon all of it is there. */
import { type ChatEvent, chatEvents, sameEvents } from '../events.js';
import { timed, verify, type Workload } from '../workload.js';

const newest = 200;

export const loadNewest: Workload = {
  name: 'load-newest',
  title: 'A million events on disk: until the newest 200 are read',
  systems: ['floor', 'yjs', 'loro'],
  events: 1_000_000,
  fixture: 'stored',
  runs: 3,
  secondsMax: 90,
  async run({ system, count, stored }) {
    const { disk } = system;
    verify(disk !== undefined, 'it keeps nothing on disk');
    const folder = stored('stored');
    const figures: [string, number][] = [];
    const shown: (readonly ChatEvent[])[] = [];
    for (const [name, some] of [
      ['newest 200 read', newest],
      ['all there, newest 200 read', undefined],
    ] as const) {
      const { result, seconds } = await timed(async () => {
        const replica = await disk.open(folder, some);
        return { replica, shown: await replica.newest(newest) };
      });
      shown.push(result.shown);
      verify(some !== undefined || (await result.replica.length()) === count, 'count');
      await result.replica.close?.();
      figures.push([name, seconds * 1000]);
    }
    // Made afterwards: a million objects would be in the way of what is measured.
    const expected = chatEvents(count).slice(-newest);
    for (const events of shown) verify(sameEvents(events, expected), 'the newest events');
    return figures.map(([name, value]) => ({ name, value, unit: 'ms' }));
  },
};
