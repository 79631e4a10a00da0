/**
 * A million events in a relay, and an empty participant that joins: until it has and shows all. A relay that keeps what it
 * has is started anew before, so that it reads from its disk.
 */
import { chatEvents, sameEvents } from '../events.js';
import { rate, timed, verify, type Workload } from '../workload.js';
import { withRelay } from './with-relay.js';

const newest = 200;

export const million: Workload = {
  name: 'million',
  title: 'A million events to an empty participant, through a relay',
  systems: ['floor', 'yjs'],
  events: 1_000_000,
  runs: 1,
  secondsMax: 150,
  run: (context) =>
    withRelay(context, async (relay) => {
      const { system, count } = context;
      verify(system.live !== undefined, 'it has no relay');
      const { live } = system;
      const filler = await relay.startFiller(count);
      await relay.idle();
      filler.kill();
      const address = live.isDurable ? await relay.startAgain() : relay.address;
      const { result: reader, seconds } = await timed(async () => {
        const joined = await live.join(address);
        await new Promise<void>((resolve) => {
          const look = () => joined.length() >= count && resolve();
          joined.subscribe(look);
          look();
        });
        return joined;
      });
      verify(reader.length() === count, 'count');
      verify(sameEvents(reader.newest(newest), chatEvents(count).slice(-newest)), 'the newest events');
      await reader.close();
      return [
        { name: 'received', value: rate(count, seconds), unit: 'events/s' },
        { name: 'until all are there', value: seconds * 1000, unit: 'ms' },
      ];
    }),
};
