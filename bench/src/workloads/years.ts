/**
 * A room in which each run of an app is a writer of its own, for years: how soon its newest messages are there, what it takes
 * in memory and on disk, what packing the next thousand events costs. Beside it a log of as many events by fifty writers.
 */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { GossipStorage, WriterId } from '@gossip-log/core';
import { type Reading, ReplicatedLog } from '@gossip-log/core/sync';
import { lmdbStorage } from '@gossip-log/storage/lmdb';
import { MemoryDisk, memoryStorage } from '@gossip-log/storage/memory';
import { createGossipNode, type GossipNode } from '@gossip-log/transport';
import { blockOf, type Row } from '../../../packages/core/test/sample-blocks.js';
import { type ChatEvent, chatEvents } from '../events.js';
import { median } from '../results.js';
import { id, keepPacked, writerOf } from '../systems/gossip-log.js';
import { type Figure, timed, verify, type Workload } from '../workload.js';
import { settle, used } from './memory.js';

const people = 50;
const runsADay = 3;
/** Runs in a year, each a writer. */
const yearWriters = people * runsADay * 365;
const newest = 200;
const openings = 5;
/** About what is packed at once. */
const packedEvents = 1_024;
const blockRows = 1_024;
/** A number that no writer of a history has. */
const later = 1 << 24;
const stepsPerMs = 2_048;

export const years: Workload = {
  name: 'years',
  title: 'As runs grow in number, each a writer (gossip-log alone)',
  systems: [],
  events: 300_000,
  runs: 1,
  secondsMax: 170,
  async run({ count, folder }) {
    const figures: Figure[] = [];
    const scaled = (writers: number) => Math.max(people, Math.round((writers * count) / 300_000));
    const sizes = new Map([
      [scaled(1_000_000), scaled(1_000_000)],
      [scaled(100_000), count],
      [scaled(yearWriters), count],
      [people, count],
    ]);
    for (const [writers, events] of [...sizes].reverse()) {
      figures.push(...(await measureYears(writers, events, mkdtempSync(join(folder, 'years-')))));
    }
    return figures;
  },
};

async function measureYears(writers: number, events: number, folder: string): Promise<Figure[]> {
  const blocks = history(writers, events);
  const onDisk = lmdbStorage({ path: folder });
  const storing = await timed(() => keepPacked(onDisk, blocks));
  const { manifest } = await reading(lmdbStorage({ path: folder }), (storage) => storage.load(id));
  const bytes = await reading(lmdbStorage({ path: folder }), storedBytes);
  const disk = await opened(() => lmdbStorage({ path: folder }), events);
  const memoryDisk = new MemoryDisk();
  await keepPacked(memoryStorage({ disk: memoryDisk }), blocks);
  const memory = await opened(() => memoryStorage({ disk: memoryDisk }), events);
  const taken = await openedBytes(() => memoryStorage({ disk: memoryDisk }), events);
  const pack = await packed(memoryStorage({ disk: memoryDisk }), events);
  const name = (what: string) => `${what}, ${writers.toLocaleString('en')} writers`;
  return [
    { name: name('newest 200 read'), value: disk, unit: 'ms' },
    { name: name('of it in memory'), value: taken, unit: 'bytes' },
    { name: name('newest 200 read from memory'), value: memory, unit: 'ms', isDetail: true },
    { name: name('on disk'), value: bytes / events, unit: 'bytes/event' },
    { name: name('manifest'), value: manifest?.length ?? 0, unit: 'bytes' },
    { name: name('packing 1,024 events'), value: pack.ms, unit: 'ms' },
    { name: name('written beside them'), value: pack.bytes, unit: 'bytes' },
    { name: name('until a peer is talked to'), value: pack.known, unit: 'ms' },
    { name: name('event of a new writer'), value: pack.arrivalUs, unit: 'µs' },
    { name: name('all received and packed'), value: storing.seconds * 1000, unit: 'ms', isDetail: true },
  ];
}

/** A room of fifty: at each moment as many runs write, each as often; each event depends on the one before. */
function history(writers: number, events: number): Uint8Array[] {
  const each = Math.ceil(events / writers);
  const spoken = new Uint32Array(people);
  const payloads = chatEvents(20_000).map((event) => JSON.stringify(event));
  const blocks: Uint8Array[] = [];
  let rows: Row[] = [];
  let before: { readonly writer: WriterId; readonly seq: number; readonly time: number } | undefined;
  const lastTime = new Map<WriterId, number>();
  const ids = new Map<number, WriterId>();
  /** A year, whatever the number of events. */
  const stepMs = Math.floor((365 * 24 * 3_600_000) / events);
  for (let i = 0; i < events; i++) {
    const person = i % people;
    const said = spoken[person] as number;
    spoken[person] = said + 1;
    const number = (Math.floor(said / each) * people + person) % writers;
    const known = ids.get(person + people * (number % 2));
    const seq = (said % each) + 1;
    const writer = seq > 1 && known !== undefined ? known : writerOf(number);
    ids.set(person + people * (number % 2), writer);
    const time = (1_700_000_000_000 + i * stepMs) * stepsPerMs;
    rows.push({
      ...{ writer, seq, time, before: lastTime.get(writer) ?? 0, payload: payloads[i % payloads.length] as string },
      deps: before === undefined || before.writer === writer ? [] : [before],
    });
    before = { writer, seq, time };
    if (each > 1) lastTime.set(writer, time);
    if (rows.length < blockRows && i < events - 1) continue;
    blocks.push(blockOf(rows));
    rows = [];
  }
  return blocks;
}

/** Until a handle shows the newest. The first opening is for the compiler. */
async function opened(storage: () => GossipStorage, events: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i <= openings; i++) {
    await settle();
    const node = createGossipNode({ storage: storage() });
    const { seconds } = await timed(() => open(node, events));
    await node.close();
    if (i > 0) times.push(seconds * 1000);
  }
  return median(times);
}

/** What each of some openings takes that stay. */
async function openedBytes(storage: () => GossipStorage, events: number): Promise<number> {
  const nodes: GossipNode[] = [];
  const sizes: number[] = [];
  for (let i = 0; i < openings; i++) {
    await settle();
    const before = used();
    const node = createGossipNode({ storage: storage() });
    nodes.push(node);
    await open(node, events);
    await settle();
    const after = used();
    sizes.push(after.heap + after.external - before.heap - before.external);
  }
  for (const node of nodes) await node.close();
  return median(sizes);
}

async function open(node: GossipNode, events: number): Promise<void> {
  const handle = node.open<ChatEvent>(id, { window: { last: newest } });
  await handle.ready;
  const shown = handle.snapshot().slice(-newest);
  verify(shown.length === Math.min(newest, events) && shown.every(({ payload }) => payload.text !== ''), 'newest');
}

/** The next thousand events, by fifty new writers, and packing them. Nothing is stored. */
async function packed(storage: GossipStorage, events: number) {
  const { manifest, nextChunkId, records } = await storage.load(id);
  const log = new ReplicatedLog<ChatEvent>(
    { id, now: () => 2_000_000_000_000 },
    { freshWriter: () => writerOf(later) },
  );
  if (manifest !== undefined) log.resume(manifest, nextChunkId);
  const startedAt = performance.now();
  await run(log.readWriters(), storage);
  const known = performance.now() - startedAt;
  for (const { block } of records) log.load(block);
  log.loaded();
  const payload = JSON.stringify(chatEvents(1)[0]);
  const arriving = Array.from({ length: packedEvents }, (_, i) => {
    const [writer, seq] = [writerOf(later + 1 + (i % people)), Math.floor(i / people) + 1];
    const before = (1_900_000_000_000 + i - people) * stepsPerMs;
    return blockOf([{ writer, seq, time: before + people * stepsPerMs, before: seq > 1 ? before : 0, payload }]);
  });
  const arrivals: number[] = [];
  for (const block of arriving) {
    const startedAt = performance.now();
    const { entries } = log.receive([block]);
    arrivals.push((performance.now() - startedAt) * 1000);
    log.markStored(entries);
  }
  const times: number[] = [];
  let bytes = 0;
  for (let i = 0; i < 5; i++) {
    const startedAt = performance.now();
    const { manifest: written, add } = await run(log.pack(), storage);
    times.push(performance.now() - startedAt);
    bytes = written.length + add.slice(1).reduce((sum, { bytes: { length } }) => sum + length, 0);
  }
  verify(log.lengthFrom(0) === events + packedEvents, 'packed');
  return { ms: median(times), bytes, known, arrivalUs: median(arrivals.slice(0, people)) };
}

async function run<V>(reading: Reading<V>, storage: GossipStorage): Promise<V> {
  let step = reading.next();
  while (!step.done) step = reading.next(await storage.readChunks(id, step.value));
  return step.value;
}

async function storedBytes(storage: GossipStorage): Promise<number> {
  const { manifest } = await storage.load(id);
  const chunks = await storage.readChunks(id);
  let bytes = manifest?.length ?? 0;
  for (const { length } of chunks.values()) bytes += length;
  return bytes;
}

async function reading<V>(storage: GossipStorage, read: (storage: GossipStorage) => Promise<V>): Promise<V> {
  try {
    return await read(storage);
  } finally {
    await storage.close();
  }
}
