/** Two replicas that share a history and have a hundred new events each, brought together by the system's protocol. */
import { chatEvents, payloadBytes, sameEvents } from '../events.js';
import type { Replica, System } from '../system.js';
import { appendAll, type Figure, verify, type Workload } from '../workload.js';

const fresh = 100;

export const smallSync: Workload = {
  name: 'small-sync',
  title: 'Small sync: 100 new events on each side of a shared history',
  systems: 'all',
  events: 100_000,
  fixture: 'ten',
  runs: 3,
  secondsMax: 60,
  run: ({ system, count, read }) => syncSmall(system, read('ten').whole, count),
};

export async function syncSmall(system: System, whole: readonly Uint8Array[], count: number): Promise<Figure[]> {
  const events = chatEvents(count + 2 * fresh).slice(count);
  const sides: Replica[] = [];
  for (const [i, writer] of [30_000, 30_001].entries()) {
    const replica = await system.create(writer);
    await replica.receive(whole);
    await appendAll(replica, events.slice(i * fresh, (i + 1) * fresh));
    sides.push(replica);
  }
  const [here, there] = sides as [Replica, Replica];
  verify(here.sync !== undefined, 'it has no sync');
  const { bytes, messages, roundTrips, seconds } = await here.sync(there);
  const total = count + 2 * fresh;
  verify((await here.length()) === total && (await there.length()) === total, 'count');
  verify(sameEvents(await here.newest(total), await there.newest(total)), 'the same order on both sides');
  return [
    { name: 'time', value: seconds * 1000, unit: 'ms' },
    { name: 'beyond payload', value: bytes - payloadBytes(events), unit: 'bytes' },
    { name: 'messages', value: messages, unit: 'messages' },
    { name: 'round trips', value: roundTrips, unit: 'round trips' },
  ];
}
