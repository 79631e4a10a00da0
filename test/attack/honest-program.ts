/**
 * Two honest users of a room in a process of their own: one writes a small message each 20 ms, and the other sees it. How
 * long that takes is what an attack elsewhere does to them.
 */
import { memoryStorage } from '@gossip-log/storage/memory';
import { createGossipNode, webSocketClient } from '@gossip-log/transport';
import { WebSocket } from '../../packages/relay/test/web-socket.js';
import type { Latency } from './report.js';

export type HonestQuestion = 'quiet' | 'attacked' | 'over' | 'report';

export interface HonestReport {
  readonly quiet: Latency;
  readonly attacked: Latency;
  readonly unshown: number;
  readonly lost: number;
}

const everyMs = 20;
const url = process.argv[2] as string;

type Phase = 'before' | 'quiet' | 'attacked' | 'over';
let phase: Phase = 'before';
const latencies: Record<Phase, number[]> = { before: [], quiet: [], attacked: [], over: [] };
/** Messages on their way: when and in which phase they were written. */
const onTheirWay = new Map<string, { readonly at: number; readonly phase: Phase }>();
let lost = 0;

const nodeOf = () => createGossipNode({ storage: memoryStorage(), connections: [webSocketClient({ url, WebSocket })] });
const [writer, reader] = [nodeOf(), nodeOf()];
for (const node of [writer, reader]) {
  let was = false;
  node.subscribe(() => {
    const is = node.connection().status === 'online';
    if (was && !is && phase === 'attacked') lost++;
    was = is;
  });
}
const written = writer.open<number>('honest');
const read = reader.open<number>('honest');
await Promise.all([written.ready, read.ready]);

let seen = 0;
read.subscribe(() => {
  const now = performance.now();
  const events = read.snapshot();
  // The room has one writer, so what is new stands at its end.
  for (; seen < events.length; seen++) {
    const { id } = events.at(seen) as { readonly id: string };
    const message = onTheirWay.get(id);
    if (message === undefined) continue;
    onTheirWay.delete(id);
    latencies[message.phase].push(now - message.at);
  }
});

let number = 0;
const startedAt = performance.now();
setInterval(() => {
  if (phase === 'over') return;
  // A timer that comes late owes what it did not write: else a slow room would look quicker than it is.
  const due = Math.floor((performance.now() - startedAt) / everyMs);
  for (; number < due; number++) {
    const at = performance.now();
    onTheirWay.set(written.append(number).id, { at, phase });
  }
}, everyMs / 4);

function latencyOf(which: Phase): Latency {
  const now = performance.now();
  const waiting = [...onTheirWay.values()].filter((message) => message.phase === which).map(({ at }) => now - at);
  const all = [...latencies[which], ...waiting].sort((a, b) => a - b);
  const at = (share: number) => all[Math.min(all.length - 1, Math.floor(all.length * share))] ?? 0;
  return { count: all.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

process.on('message', (question: HonestQuestion) => {
  if (question === 'report') {
    const unshown = onTheirWay.size;
    process.send?.({
      quiet: latencyOf('quiet'),
      attacked: latencyOf('attacked'),
      unshown,
      lost,
    } satisfies HonestReport);
    return;
  }
  phase = question;
});
process.on('disconnect', () => process.exit());

// The relay has both of them, and the first message has arrived.
const unsubscribe = read.subscribe(() => {
  if (read.snapshot().length === 0) return;
  unsubscribe();
  process.send?.('ready');
});
