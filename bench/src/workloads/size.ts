/** Bytes of an encoded log beyond its payloads, for few and many writers; and what general compression makes of it. */
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { fixtureEvents, newLog, payloadBytes } from '../fixtures.js';
import type { Figure, Workload } from '../workload.js';
import { verify } from '../workload.js';

export const size: Workload = {
  name: 'size',
  passes: 1,
  run(fixtures) {
    const { events, fewer } = fixtures.counts;
    const shapes = [
      { name: 'one writer', fixture: 'one-writer', count: events },
      { name: 'ten writers', fixture: 'ten-writers', count: events },
      { name: 'thirty writers', fixture: 'thirty-writers', count: fewer },
    ] as const;
    return shapes.flatMap(({ name, fixture, count }): Figure[] => {
      const bytes = fixtures.readOne(fixture);
      const { log } = newLog(600);
      verify(log.merge(bytes).added === count, 'count');
      const chat = fixtureEvents(count);
      const perEvent = (total: number): { value: number; unit: 'bytes/event' } => ({
        value: total / count,
        unit: 'bytes/event',
      });
      const payload = { name: 'payload', value: payloadBytes(chat) / count };
      const plain = chat.map((event) => JSON.stringify(event)).join('\n');
      return [
        { name: `${name}, beyond payload`, ...perEvent(bytes.length - payloadBytes(chat)), aim: 7 },
        { name: `${name}, whole`, ...perEvent(bytes.length), floor: payload },
        {
          name: `${name}, gzip`,
          ...perEvent(gzipSync(bytes).length),
          floor: { name: 'gzip of the payloads', value: gzipSync(plain).length / count },
        },
        {
          name: `${name}, brotli 5`,
          ...perEvent(brotli(bytes)),
          floor: { name: 'brotli of the payloads', value: brotli(plain) / count },
        },
      ];
    });
  },
};

/** Quality 5: what a server would do while a client waits. */
function brotli(bytes: Uint8Array | string): number {
  return brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }).length;
}
