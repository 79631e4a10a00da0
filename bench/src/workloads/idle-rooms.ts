/** What a relay keeps in memory of many rooms on its disk while some of them are open and nobody writes. */
import { chatEvents } from '../events.js';
import { verify, type Workload } from '../workload.js';
import { withRelay } from './with-relay.js';

const eventsOfEach = 20;
/** One of so many stored rooms is open. */
const openEvery = 100;
/** Participants that join at a time. */
const joiningMax = 50;

export const idleRooms: Workload = {
  name: 'idle-rooms',
  title: 'Memory of a relay: of a hundred thousand rooms a thousand are open and idle',
  systems: ['floor'],
  events: 100_000,
  counts: 'rooms',
  runs: 1,
  secondsMax: 150,
  async run(context) {
    const { system, count, folder } = context;
    const { live } = system;
    verify(live !== undefined, 'it has no relay');
    const isStored = live.storeRooms !== undefined;
    await live.storeRooms?.(folder, count, chatEvents(eventsOfEach));
    return withRelay(context, async (relay) => {
      await relay.idle();
      const before = relay.anonymousBytes();
      const opened = Math.ceil(count / openEvery);
      for (let from = 0; from < opened; from += joiningMax) {
        await Promise.all(
          Array.from({ length: Math.min(joiningMax, opened - from) }, async (_, i) => {
            const participant = await live.join(relay.address, (from + i) * openEvery);
            if (!isStored) return;
            await new Promise<void>((resolve) => {
              const look = () => participant.length() === eventsOfEach && resolve();
              participant.subscribe(look);
              look();
            });
          }),
        );
      }
      await relay.idle();
      const bytes = relay.anonymousBytes();
      return [
        { name: 'anonymous resident memory', value: bytes, unit: 'bytes' },
        { name: 'of it before anybody came', value: before, unit: 'bytes', isDetail: true },
        { name: 'per open room', value: (bytes - before) / opened, unit: 'bytes', isDetail: true },
      ];
    });
  },
};
