/** Memory of a history of ten writers, after it was merged and after all of it was read. Needs a fresh process. */
import { chatEvents, sameEvents } from '../events.js';
import { wasmBytes } from '../wasm-memory.js';
import { collectGarbage, type Figure, verify, type Workload } from '../workload.js';

export const memory: Workload = {
  name: 'memory',
  title: 'Memory per event',
  systems: 'all',
  events: 100_000,
  fixture: 'ten',
  runs: 3,
  secondsMax: 60,
  async run({ system, count, read }) {
    const events = chatEvents(count);
    const replica = await system.create(700);
    let whole: readonly Uint8Array[] | undefined = read('ten').whole.map((part) => part.slice());
    await settle();
    // The encoded bytes are the receiver's from here on: counted only if it keeps them.
    const bytes = whole.reduce((sum, { length }) => sum + length, 0);
    const before = used();
    await replica.receive(whole);
    await replica.newest(1);
    whole = undefined;
    await settle();
    const merged = used();
    const shown = await replica.newest(count);
    await settle();
    const all = used();
    verify(sameEvents(shown, events), 'events and their order');
    const per = (name: string, value: number): Figure => ({ name, value: value / count, unit: 'bytes/event' });
    const detail = (name: string, value: number): Figure => ({ ...per(name, value), isDetail: true });
    const difference = (part: keyof typeof before) => merged[part] - before[part];
    return [
      // What WebAssembly has is part of the external memory.
      per('merged: heap and external', difference('heap') + difference('external') + bytes),
      detail('heap', difference('heap')),
      detail('external', difference('external') + bytes),
      detail('of it array buffers', difference('arrayBuffers') + bytes),
      detail('of it wasm', difference('wasm')),
      detail('resident', difference('resident')),
      per('all read: heap and external', all.heap + all.external - before.heap - before.external + bytes),
    ];
  },
};

/** Buffers are freed by finalizers, which run between tasks, of an earlier collection. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Of this process, now. */
export function used() {
  const { heapUsed: heap, external, arrayBuffers, rss: resident } = process.memoryUsage();
  return { heap, external, arrayBuffers, resident, wasm: wasmBytes() };
}
