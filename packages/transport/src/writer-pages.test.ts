/** Logs with more packed writers than their manifests name: the others are read from the disk by need. */
import type { GossipError, GossipStorage } from '@gossip-log/core';
import { MemoryDisk, memoryStorage } from '@gossip-log/storage/memory';
import { afterEach, expect, test, vi } from 'vitest';
import { isWriterPage } from '../../core/src/codec/writer-page.js';
import { append, closeNodes, joined, nodeOn } from '../test/nodes-on-disks.js';
import { until } from '../test/until.js';

vi.mock('../../core/src/limits.js', async (original) => ({
  ...(await original<typeof import('../../core/src/limits.js')>()),
  ...{ chunkRowsMax: 8, packedChunkBytesTarget: 256, packedChunksMax: 60, journalRowsMax: 6, journalRecordsMax: 1 },
  ...{ listedPackedMax: 8, pageWritersMax: 4, listedWritersMax: 3, listedRowsMax: 6, ladderRowsMin: 4 },
}));

const room = 'room';
const runs = 40;
const each = 3;

afterEach(closeNodes);

/** Writes in the room over that disk, each text in a run of its own. */
async function write(disk: MemoryDisk, texts: readonly (readonly string[])[]): Promise<void> {
  for (const run of texts) {
    const node = nodeOn(disk, { durable: true });
    await append(node.open<string>(room), run);
    await node.close();
  }
}

/** Disks of a room that so many runs have written in: theirs, and a relay's. */
async function disksOfRuns(): Promise<{ written: MemoryDisk; disk: MemoryDisk }> {
  const [written, disk] = [new MemoryDisk(), new MemoryDisk()];
  await write(
    written,
    Array.from({ length: runs }, (_, run) => Array.from({ length: each }, (_, i) => `${i} of run ${run}`)),
  );
  const { app, relay } = joined(disk, written);
  const log = app.open<string>(room);
  await log.ready;
  await log.delivered(log.snapshot().at(-1)?.id as never, 'relayed');
  await Promise.all([app.close(), relay.close()]);
  expect(pagesOn(disk).length).toBeGreaterThan(4);
  return { written, disk };
}

const logOn = (disk: MemoryDisk) => disk.logs.get(room) as NonNullable<ReturnType<typeof disk.logs.get>>;
const pagesOn = (disk: MemoryDisk) => [...logOn(disk).chunks].filter(([, bytes]) => isWriterPage(bytes));

/** The same, on a disk of its own. */
function copyOf(disk: MemoryDisk): MemoryDisk {
  const copy = new MemoryDisk();
  for (const [id, log] of disk.logs) copy.logs.set(id, structuredClone(log));
  for (const [key, value] of disk.metadata) copy.metadata.set(key, value.slice());
  return copy;
}

/** A storage over the disk, and which pages of writers were read from it. */
function watched(disk: MemoryDisk): { storage: GossipStorage; pagesRead: Set<number> } {
  const storage = memoryStorage({ disk });
  const pagesRead = new Set<number>();
  const readChunks = storage.readChunks.bind(storage);
  storage.readChunks = async (id, ids) => {
    const chunks = await readChunks(id, ids);
    for (const [chunk, bytes] of chunks) if (isWriterPage(bytes)) pagesRead.add(chunk);
    return chunks;
  };
  return { storage, pagesRead };
}

test('a window opens without the pages of writers, and a session reads each of them once', async () => {
  const { disk } = await disksOfRuns();
  const { storage, pagesRead } = watched(disk);
  const { app } = joined(copyOf(disk), disk, {}, { storage });
  const log = app.open<string>(room, { window: { last: 3 } });
  await log.ready;
  expect(log.snapshot().at(-1)?.payload).toBe(`${each - 1} of run ${runs - 1}`);
  expect(pagesRead.size).toBe(0);
  const mine = log.append('mine');
  await log.delivered(mine, 'relayed');
  expect(pagesRead).toEqual(new Set(pagesOn(disk).map(([id]) => id)));
  expect(log.log?.version().size).toBe(runs + 1);
});

test('a feed of a writer in a page brings its events [F1]', async () => {
  const { disk } = await disksOfRuns();
  const reading = nodeOn(copyOf(disk)).open<string>(room);
  await reading.ready;
  const writer = reading.snapshot().at(0)?.writer as never;
  const { app } = joined(disk);
  const feed = app.feed<string>(room, { writers: [writer] });
  const texts: string[] = [];
  while (texts.length < each) texts.push((await feed.next()).value?.payload as string);
  expect(texts).toEqual(['0 of run 0', '1 of run 0', '2 of run 0']);
});

test('a damaged page of writers is set aside and reported once, and nothing is lost [H10, L4]', async () => {
  const { disk } = await disksOfRuns();
  const sound = copyOf(disk);
  const [, page] = pagesOn(disk)[1] as [number, Uint8Array];
  page[40] = (page[40] as number) ^ 16;
  const errors: GossipError[] = [];
  const onError = (error: unknown) => errors.push(error as GossipError);
  const { app, relay, pair } = joined(sound, disk, { onError }, { onError });
  const log = app.open<string>(room, { window: { last: 3 } });
  await log.ready;
  await until(log, () => log.status === 'failed');
  expect(errors.filter(({ code }) => code === 'storage-corrupt')).toHaveLength(1);
  expect(logOn(disk).chunksAside.size).toBe(1);
  log.release();

  const again = app.open<string>(room);
  await again.ready;
  expect(again.snapshot().length).toBe(runs * each);
  const mine = again.append('mine');
  pair.reconnect();
  await again.delivered(mine, 'relayed');
  expect(errors.filter(({ code }) => code === 'storage-corrupt')).toHaveLength(1);
  const there = relay.open<string>(room);
  await until(there, () => there.snapshot().length === runs * each + 1);
  expect(there.snapshot().map(({ id }) => id)).toEqual(again.snapshot().map(({ id }) => id));
});

test('two nodes come together when one was set back to an older copy, with other pages of writers [L1]', async () => {
  const { disk } = await disksOfRuns();
  const older = copyOf(disk);
  await write(
    disk,
    Array.from({ length: runs }, (_, run) => [`a later run ${run}`, 'goes on', 'ends']),
  );
  expect(pagesOn(disk).map(([id]) => id)).not.toEqual(pagesOn(older).map(([id]) => id));
  const { app, relay } = joined(disk, older);
  const log = app.open<string>(room, { window: { last: 2 } });
  await log.ready;
  await until(log, () => log.log?.version().size === 2 * runs);
  const there = relay.open<string>(room);
  await there.ready;
  await log.loadOlder(10_000);
  expect(log.snapshot().map(({ id }) => id)).toEqual(there.snapshot().map(({ id }) => id));
});

test('an app merges into a log that shows a window once its writers are read; until then that is refused with a code', async () => {
  const { disk } = await disksOfRuns();
  const other = nodeOn(copyOf(disk)).open<string>(room);
  await other.ready;
  await append(other, ['from a file']);
  const bytes = other.log?.encode() as Uint8Array;
  const log = nodeOn(disk).open<string>(room, { window: { last: 3 } });
  await log.ready;
  expect(() => log.log?.merge(bytes)).toThrow(expect.objectContaining({ code: 'log-not-ready' }));
  // That it was refused made them be read.
  await until(log, () => log.log?.version().size === runs);
  expect(log.log?.merge(bytes)).toMatchObject({ added: 1, duplicates: runs * each, parked: 0 });
});

test('an event of an earlier run is known to be stored, though its writer is in a page and no peer is there [H5]', async () => {
  const { disk } = await disksOfRuns();
  const reading = nodeOn(copyOf(disk)).open<string>(room);
  await reading.ready;
  const first = reading.snapshot().at(0);
  const log = nodeOn(disk).open<string>(room, { window: { last: 3 } });
  await log.ready;
  await log.delivered(first?.id as never, 'stored');
  expect(log.delivery(first?.id as never).state).toBe('stored');
  await expect(log.delivered(`${'A'.repeat(22)}.1` as never, 'stored')).rejects.toMatchObject({
    code: 'unknown-event',
  });
});
