/** Memory that a merged log holds before any payload is read, its bytes included. Needs a fresh process. */
import { fixtureEvents, newLog, payloadBytes } from '../fixtures.js';
import { collectGarbage, verify, type Workload } from '../workload.js';

export const memory: Workload = {
  name: 'memory',
  passes: 1,
  run(fixtures) {
    const count = fixtures.counts.events;
    const payload = payloadBytes(fixtureEvents(count)) / count;
    const { log } = newLog(700);
    log.snapshot();
    const before = used();
    log.merge(fixtures.readOne('ten-writers'));
    log.snapshot();
    const after = used();
    verify(log.length === count, 'count');
    return [
      {
        name: 'after merge',
        value: (after - before) / count,
        unit: 'bytes/event',
        floor: { name: 'payload', value: payload },
      },
    ];
  },
};

/** Heap and array buffers, after garbage is collected. */
function used(): number {
  // Twice: buffers are freed by finalizers of the first.
  collectGarbage();
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
