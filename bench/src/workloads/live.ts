/** One event at a time from a writer to a reader who reads the newest after each. Both hold a history already; there are as many updates as a fifth of it. */
import { type ChatEvent, chatEvents, payloadBytes, sameEvents } from '../events.js';
import { rate, timed, verify, type Workload } from '../workload.js';

const updatesShare = 0.2;

export const live: Workload = {
  name: 'live',
  title: 'Live updates, one at a time',
  systems: ['floor', 'yjs', 'loro', 'automerge'],
  events: 100_000,
  fixture: 'ten',
  runs: 3,
  secondsMax: 60,
  async run({ system, count, read }) {
    const { whole } = read('ten');
    const writer = await system.create(400);
    const reader = await system.create(401);
    await writer.receive(whole);
    await reader.receive(whole);
    await writer.take?.();
    const before = await reader.length();
    const events = chatEvents(before + Math.round(count * updatesShare)).slice(before);
    const { result, seconds } = await timed(async () => {
      let bytes = 0;
      for (const event of events) {
        const appended = writer.append(event);
        if (appended instanceof Promise) await appended;
        const taken = writer.take?.() ?? [];
        const updates = taken instanceof Promise ? await taken : taken;
        for (const { length } of updates) bytes += length;
        const received = reader.receive(updates);
        if (received instanceof Promise) await received;
        const newest = reader.newest(1);
        const [shown] = (newest instanceof Promise ? await newest : newest) as readonly ChatEvent[];
        if (shown?.text !== event.text) throw new Error('the reader does not see the newest event');
      }
      return bytes;
    });
    verify((await reader.length()) === before + events.length, 'count');
    verify(sameEvents(await reader.newest(events.length), events), 'events and their order');
    return [
      { name: 'there and read', value: rate(events.length, seconds), unit: 'events/s' },
      { name: 'beyond payload', value: (result - payloadBytes(events)) / events.length, unit: 'bytes/event' },
    ];
  },
};
