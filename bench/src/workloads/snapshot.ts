/** What a reader pays after each change, in a small log and in a large one: the snapshot, and reading from it. */
import { createGossipLog, writerIdFromBytes } from '@gossip-log/core';
import { mulberry32 } from '../../../packages/core/test/message-generator.js';
import { type ChatEvent, chatEvents } from '../events.js';
import { collectGarbage, type Figure, verify, type Workload } from '../workload.js';

const rounds = 2_000;

export const snapshot: Workload = {
  name: 'snapshot',
  title: 'Snapshots after each change (gossip-log alone)',
  systems: [],
  events: 1_000_000,
  runs: 3,
  secondsMax: 60,
  run: async ({ count }) => [...readLog(Math.max(50, Math.round(count / 100))), ...readLog(count)],
};

function readLog(count: number): Figure[] {
  const log = createGossipLog<ChatEvent>({
    id: 'bench',
    writer: writerIdFromBytes(new Uint8Array(16).fill(8)),
    now: () => 2_000_000_000_000,
  });
  const events = chatEvents(Math.min(count, rounds));
  for (let i = 0; i < count; i++) log.append(events[i % events.length] as ChatEvent);
  const random = mulberry32(count);
  collectGarbage();

  let [taking, slicing, reading] = [0, 0, 0];
  for (let round = 0; round < rounds; round++) {
    log.append(events[round % events.length] as ChatEvent);
    const start = performance.now();
    const now = log.snapshot();
    const taken = performance.now();
    const newest = now.slice(-50);
    const sliced = performance.now();
    const one = now.at(Math.floor(random() * count));
    const read = performance.now();
    verify(newest.length === 50 && one !== undefined && now.length === count + round + 1, 'rows');
    taking += taken - start;
    slicing += sliced - taken;
    reading += read - sliced;
  }
  const figure = (name: string, ms: number): Figure => ({
    name: `${name}, ${count.toLocaleString('en')} events`,
    value: (ms * 1000) / rounds,
    unit: 'µs',
  });
  return [figure('snapshot()', taking), figure('first slice(-50)', slicing), figure('first at(random)', reading)];
}
