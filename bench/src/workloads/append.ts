/** Events appended one by one to a log that nobody looks at. */
import { fixtureEvents, newLog } from '../fixtures.js';
import { floors, rate, sameBytes, timed, verify, type Workload } from '../workload.js';

export const append: Workload = {
  name: 'append',
  passes: 3,
  run(fixtures) {
    const events = fixtureEvents(fixtures.counts.events);
    const floor = floors.push(events.length);
    const { log, clock } = newLog(0);
    const { seconds } = timed(() => {
      for (const event of events) {
        clock.now = event.at;
        log.append(event);
      }
    });
    verify(log.length === events.length, 'count');
    verify(sameBytes(log.encode(), fixtures.readOne('one-writer')), 'bytes');
    return [{ name: 'one by one', value: rate(events.length, seconds), unit: 'events/s', floor, aim: 500_000 }];
  },
};
