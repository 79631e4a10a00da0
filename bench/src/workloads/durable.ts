/** Events appended until each is durable on disk: waiting for each, and with many under way. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { lmdbStorage } from '@gossip-log/storage/lmdb';
import { createGossipNode } from '@gossip-log/transport';
import { open } from 'lmdb';
import { type ChatEvent, chatEvents } from '../events.js';
import { rate, timed, verify, type Workload } from '../workload.js';

/** Each waits for the disk, so these are fewer. */
const waitedMax = 500;

interface Store {
  /** Resolves once the event is durable. */
  append(event: ChatEvent): Promise<unknown>;
  count(): Promise<number>;
  close(): Promise<void>;
}

export const durable: Workload = {
  name: 'durable',
  title: 'Durable on disk (LMDB)',
  systems: ['floor'],
  events: 20_000,
  runs: 3,
  secondsMax: 60,
  async run({ system, count, folder }) {
    const store = system.name === 'floor' ? rawStore : nodeStore;
    const events = chatEvents(count);
    const waited = events.slice(0, waitedMax);
    const figures: [string, number][] = [];
    for (const [name, some, together] of [
      ['one after another', waited, 1],
      ['a thousand under way', events, 1_000],
    ] as const) {
      const path = join(folder, String(together));
      mkdirSync(path, { recursive: true });
      const kept = await store(path);
      const { seconds } = await timed(async () => {
        for (let from = 0; from < some.length; from += together) {
          await Promise.all(some.slice(from, from + together).map((event) => kept.append(event)));
        }
      });
      await kept.close();
      const again = await store(path);
      verify((await again.count()) === some.length, 'count after it was opened again');
      await again.close();
      figures.push([name, rate(some.length, seconds)]);
    }
    return figures.map(([name, value]) => ({ name, value, unit: 'events/s' }));
  },
};

async function nodeStore(path: string): Promise<Store> {
  const node = createGossipNode({ storage: lmdbStorage({ path }) });
  const handle = node.open<ChatEvent>('bench');
  await handle.ready;
  return {
    append: (event) => handle.delivered(handle.append(event)),
    count: async () => handle.snapshot().length,
    close: () => node.close(),
  };
}

async function rawStore(path: string): Promise<Store> {
  const db = open<string, number>({ path, overlappingSync: false });
  let next = 0;
  return {
    append: (event) => db.put(next++, JSON.stringify(event)),
    count: async () => db.getKeysCount(),
    close: () => db.close(),
  };
}
