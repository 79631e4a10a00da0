/** Bytes of the encoded history of ten writers, for disk or wire; and what general compression makes of it. */
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { chatEvents, payloadBytes, sameEvents } from '../events.js';
import { verify, type Workload } from '../workload.js';

export const size: Workload = {
  name: 'size',
  title: 'Encoded size',
  systems: 'all',
  events: 100_000,
  fixture: 'ten',
  runs: 1,
  secondsMax: 60,
  async run({ system, count, read }) {
    const { whole } = read('ten');
    const events = chatEvents(count);
    const replica = await system.create(600);
    await replica.receive(whole);
    verify(sameEvents(await replica.newest(count), events), 'events and their order');
    const bytes = Buffer.concat((await system.compact?.(whole)) ?? whole);
    // Quality 5: what a server would do while a client waits.
    const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } });
    return [
      { name: 'beyond payload', value: (bytes.length - payloadBytes(events)) / count, unit: 'bytes/event' },
      { name: 'gzip', value: gzipSync(bytes).length / count, unit: 'bytes/event' },
      { name: 'brotli 5', value: brotli.length / count, unit: 'bytes/event' },
    ];
  },
};
