/**
 * One event more on one side, anywhere in a history: what finding and sending it takes. The other side has the history on
 * disk and the newest events alone in memory. Of three places the worst is given.
 */
import type { WriterId } from '@gossip-log/core';
import { lmdbStorage } from '@gossip-log/storage/lmdb';
import { exported } from '../../../packages/core/test/sample-blocks.js';
import { type ChatEvent, chatEvents, payloadBytes } from '../events.js';
import type { Exchange } from '../system.js';
import { exchange } from '../systems/exchange.js';
import { id, LogReplica } from '../systems/gossip-log.js';
import { type Context, type Figure, verify, type Workload } from '../workload.js';

const places = [0.03, 0.5, 0.97];
const writerOfIt = 300_000;
const shown = 200;

const workload = (name: string, title: string, events: number, fixture: 'stored' | 'stored-many'): Workload => ({
  name,
  title: `One difference anywhere: ${title} (gossip-log alone)`,
  systems: [],
  events,
  fixture,
  runs: 1,
  secondsMax: 150,
  run: (context) => differ(context, fixture),
});

export const differences: readonly Workload[] = [
  workload('difference', 'ten writers', 1_000_000, 'stored'),
  workload('difference-10k', 'ten thousand writers', 100_000, 'stored-many'),
  // A log knows at most 100,000 writers, those of both sides and of the one event among them.
  workload('difference-100k', 'nearly a hundred thousand writers', 999_000, 'stored-many'),
];

async function differ({ count, stored }: Context, fixture: 'stored' | 'stored-many'): Promise<Figure[]> {
  const events = chatEvents(count);
  const found: (Exchange & { readonly beyond: number })[] = [];
  for (const place of places) {
    const event = events[Math.floor(count * place)] as ChatEvent;
    const writer = new LogReplica(writerOfIt);
    writer.append(event);
    const lacking: WriterId = writer.log.writer;
    const { result, bytes, messages, roundTrips, seconds } = await exchange(
      id,
      [
        { storage: lmdbStorage({ path: stored(fixture) }), window: { last: shown } },
        { storage: lmdbStorage({ path: stored(fixture) }), blocks: exported(writer.take(), id) },
      ],
      ([here]) => here?.version().get(lacking) === 1,
      ([here]) => here?.length ?? 0,
    );
    verify(result >= Math.min(shown, count), 'the newest events are shown');
    found.push({ bytes, messages, roundTrips, seconds, beyond: bytes - payloadBytes([event]) });
  }
  const worst = (of: (one: (typeof found)[number]) => number) => Math.max(...found.map(of));
  return [
    { name: 'beyond the event', value: worst(({ beyond }) => beyond), unit: 'bytes' },
    { name: 'round trips', value: worst(({ roundTrips }) => roundTrips), unit: 'round trips' },
    { name: 'messages', value: worst(({ messages }) => messages), unit: 'messages' },
    { name: 'time', value: worst(({ seconds }) => seconds) * 1000, unit: 'ms' },
  ];
}
