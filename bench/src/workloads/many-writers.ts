/** Ten thousand writers with ten events each: merge, size and a small sync. */
import { chatEvents, payloadBytes } from '../events.js';
import { rate, timed, verify, type Workload } from '../workload.js';
import { syncSmall } from './small-sync.js';

export const manyWriters: Workload = {
  name: 'many-writers',
  title: 'Ten thousand writers, ten events each',
  systems: ['floor', 'yjs', 'loro', 'automerge'],
  events: 100_000,
  fixture: 'many',
  runs: 3,
  secondsMax: 90,
  async run({ system, count, read }) {
    const { whole } = read('many');
    const events = chatEvents(count);
    const replica = await system.create(20_000);
    const { result, seconds } = await timed(async () => {
      await replica.receive(whole);
      return replica.newest(count);
    });
    // Where writers wrote apart, the order is the system's own.
    const texts = (from: typeof result) =>
      from
        .map(({ text, at }) => `${at} ${text}`)
        .sort()
        .join('\n');
    verify(texts(result) === texts(events), 'events');
    const bytes = whole.reduce((sum, { length }) => sum + length, 0);
    const synced = system.lacks?.['small-sync'] === undefined ? await syncSmall(system, whole, count) : [];
    return [
      { name: 'merge, all read', value: rate(count, seconds), unit: 'events/s' },
      { name: 'size beyond payload', value: (bytes - payloadBytes(events)) / count, unit: 'bytes/event' },
      ...synced.slice(0, 2).map((figure) => ({ ...figure, name: `small sync, ${figure.name}` })),
    ];
  },
};
