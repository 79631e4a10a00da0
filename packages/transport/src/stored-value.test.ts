/** Damaged values beside a log: nothing stops, and each is reported once. */
import { GossipError, type LogEvent, limits } from '@gossip-log/core';
import { fold } from '@gossip-log/core/view';
import { MemoryDisk, memoryStorage } from '@gossip-log/storage/memory';
import { expect, test } from 'vitest';
import { append, closeNodes, joined, nodeOn, texts } from '../test/nodes-on-disks.js';
import { until } from '../test/until.js';
import type { LogHandle } from './log-handle.js';
import { changeStored } from './stored-value.js';

const room = 'room';
const count = 400;
const window = { last: 50 };
const payloads = (log: LogHandle<string>) => log.snapshot().map(({ payload }) => payload);

/** How a value may be unreadable: its checksum is wrong, or it holds other bytes than were written. */
const kinds = {
  'whose checksum does not match': () => undefined,
  'that is no text': () => Uint8Array.of(0xff, 0xfe),
  'that holds something else': () => new TextEncoder().encode('{"wanted":-1,"complete":"no"} '),
  'that is empty': () => new Uint8Array(),
};
type Kind = keyof typeof kinds;

/** A storage over a disk that finds damaged what `corrupt` names, until it is set again. */
function storageWith(disk: MemoryDisk, corrupt: Set<string>) {
  const storage = memoryStorage({ disk });
  return {
    ...storage,
    getMetadata: async (key: string) => {
      if (corrupt.has(key)) throw new GossipError('storage-corrupt', `${key} is damaged`);
      return storage.getMetadata(key);
    },
    setMetadata: async (key: string, value: Uint8Array | undefined) => {
      await storage.setMetadata(key, value);
      corrupt.delete(key);
    },
  };
}

/** Damages a value of a disk, and gives a storage over it. */
function damaged(disk: MemoryDisk, key: string, kind: Kind) {
  const bytes = kinds[kind]();
  expect([...disk.metadata.keys()]).toContain(key);
  if (bytes !== undefined) disk.metadata.set(key, bytes);
  return storageWith(disk, new Set(bytes === undefined ? [key] : []));
}

/** A relay's disk with a room, and an app's with the newest of it, a message of its own, a saved fold and a corrected clock. */
async function windowOnDisk(): Promise<{ relayDisk: MemoryDisk; appDisk: MemoryDisk }> {
  const [relayDisk, appDisk] = [new MemoryDisk(), new MemoryDisk()];
  const { app } = joined(relayDisk);
  await append(app.open<string>(room), texts(0, count), 'relayed');
  await closeNodes();
  const next = joined(relayDisk, appDisk);
  const log = next.app.open<string>(room, { window });
  await until(log, () => log.snapshot().length === window.last);
  await append(log, ['mine'], 'relayed');
  const store = next.app.checkpoints(room);
  await fold(log, (sum: number) => sum + 1, 0, { checkpoint: { store, name: 'count', version: 1 } }).save();
  await closeNodes();
  appDisk.metadata.set('clock-offset-ms', new TextEncoder().encode('1500'));
  return { relayDisk, appDisk };
}

const keys = ['codec:room', 'edges:room', 'relayed:room', 'clock-offset-ms', 'folds:room', 'fold:4:room:count'];
const newest = [...texts(count - window.last, count), 'mine'];
const cases = keys.flatMap((key) =>
  (Object.keys(kinds) as Kind[])
    // What a fold saves is the fold's to read.
    .filter((kind) => !key.startsWith('fold:') || kind === 'whose checksum does not match')
    .map((kind) => [key, kind] as const),
);

test.each(cases)('a value %s %s stops nothing, and is reported once [H12]', async (key, kind) => {
  const { relayDisk, appDisk } = await windowOnDisk();
  const storage = damaged(appDisk, key, kind);
  const told: string[] = [];
  const onError = (error: Error) => void told.push(error instanceof GossipError ? error.code : error.message);
  const offline = nodeOn(appDisk, { storage, onError });
  const log = offline.open<string>(room, { window });
  await log.ready;
  expect(payloads(log)).toEqual(newest);
  expect(log.hasGap).toBe(false);
  const store = offline.checkpoints(room);
  const counting = fold(log, (sum: number) => sum + 1, 0, { checkpoint: { store, name: 'count', version: 1 } });
  await counting.restored;
  expect(counting.value()).toBe(newest.length);
  await counting.save();
  await append(log, ['more']);
  await closeNodes();
  expect(told).toEqual(['storage-corrupt']);

  // Once: nothing is damaged any more. What is missing is what a window asks for, and no more.
  const { app, relay, traffic } = joined(relayDisk, appDisk);
  const again = app.open<string>(room, { window });
  const there = relay.open<string>(room);
  await until(there, () => there.snapshot().length === count + 2);
  await append(there, ['news']);
  await until(again, () => payloads(again).includes('news'));
  expect(payloads(again)).toEqual([...newest, 'more', 'news']);
  expect(again.hasGap).toBe(false);
  expect(traffic.bytes).toBeLessThan(5_000);
  await again.loadOlder(Number.POSITIVE_INFINITY);
  expect(payloads(again)).toEqual(payloads(there));
  const more = again.snapshot().at(-2) as LogEvent<string>;
  await again.delivered(more, 'relayed');
  await closeNodes();

  // Everything goes when the log is forgotten.
  const last = nodeOn(appDisk);
  await last.forget(room);
  await closeNodes();
  expect([...appDisk.metadata.keys()]).toEqual(appDisk.metadata.has('clock-offset-ms') ? ['clock-offset-ms'] : []);
});

test('a window is on the screen without its edges, also packed, and after a wider one was asked for [H12] [M1]', async () => {
  const many = 3 * limits.journalRowsMax;
  const [relayDisk, appDisk] = [new MemoryDisk(), new MemoryDisk()];
  const filling = joined(relayDisk);
  await append(filling.app.open<string>(room), texts(0, many), 'relayed');
  await closeNodes();
  const first = joined(relayDisk, appDisk);
  const log = first.app.open<string>(room, { window: { last: 2 * limits.journalRowsMax } });
  await until(log, () => log.snapshot().length >= 2 * limits.journalRowsMax);
  while (!appDisk.logs.get(room)?.chunks.size) await new Promise((resolve) => setImmediate(resolve));
  await closeNodes();
  const storage = damaged(appDisk, 'edges:room', 'whose checksum does not match');
  const { app } = joined(relayDisk, appDisk, {}, { storage, onError: () => undefined });
  const all = app.open<string>(room);
  await until(all, () => all.snapshot().length === many && !all.hasGap);
  expect(payloads(all)).toEqual(texts(0, many));
  await closeNodes();
});

test('a relay without its edges gives newcomers all that it holds [H12] [K4]', async () => {
  const many = 4 * limits.journalRowsMax;
  const retention = { eventsMax: 2 * limits.journalRowsMax };
  const relayDisk = new MemoryDisk();
  const { app, relay } = joined(relayDisk, new MemoryDisk(), { retention });
  const there = relay.open<string>(room);
  await append(app.open<string>(room), texts(0, many), 'relayed');
  await until(there, () => there.log !== undefined && there.snapshot().length < 3 * limits.journalRowsMax);
  await closeNodes();
  const storage = damaged(relayDisk, 'edges:room', 'whose checksum does not match');
  const told: string[] = [];
  const later = joined(relayDisk, new MemoryDisk(), {
    storage,
    retention,
    onError: (error) => void told.push(error.message),
  });
  const held = later.relay.open<string>(room);
  await held.ready;
  const log = later.app.open<string>(room);
  await until(log, () => log.snapshot().length === held.snapshot().length);
  expect(log.snapshot().length).toBeGreaterThan(limits.journalRowsMax);
  expect(payloads(log)).toEqual(payloads(held));
  expect(held.hasGap).toBe(false);
  await closeNodes();
  expect(told.length).toBe(1);
});

test('what another tab puts in the place of a value meanwhile is not overwritten [P17]', async () => {
  const disk = new MemoryDisk();
  const [storage, other] = [memoryStorage({ disk }), memoryStorage({ disk })];
  const format = {
    key: 'key',
    parse: (bytes: Uint8Array) => [...bytes],
    write: (numbers: readonly number[]) => Uint8Array.from(numbers),
  };
  let meetings = 3;
  const met = {
    ...storage,
    getMetadata: async (key: string) => {
      const value = await storage.getMetadata(key);
      if (meetings-- > 0) await other.setMetadata(key, Uint8Array.from([...(value ?? []), meetings]));
      return value;
    },
  };
  const onError = () => undefined;
  const add = (there: readonly number[] | undefined | 'damaged') => [...(there === 'damaged' ? [] : (there ?? [])), 9];
  expect(await changeStored<readonly number[]>(met, format, add, onError)).toEqual([2, 1, 0, 9]);
  expect(await storage.getMetadata('key')).toEqual(Uint8Array.of(2, 1, 0, 9));
  expect(await changeStored<readonly number[]>(met, format, () => undefined, onError)).toBeUndefined();
  expect(await storage.getMetadata('key')).toEqual(Uint8Array.of(2, 1, 0, 9));
});
