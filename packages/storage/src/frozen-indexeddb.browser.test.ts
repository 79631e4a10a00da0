/**
 * Frozen bytes of an IndexedDB database: object stores, keys and values. After a change that
 * `docs/decisions/0005-frozen-bytes.md` allows, the failing test prints what to put into the fixture.
 */
import { deleteDB, type IDBPDatabase, openDB } from 'idb';
import { expect, onTestFinished, test } from 'vitest';
import { type FrozenRecord, indexedDbFixture } from '../test/fixtures/indexeddb.js';
import { readSample, sample, writeSample } from '../test/frozen-store.js';
import { indexedDbStorage } from './indexeddb.js';

const database = () => {
  const name = `gossip-log frozen ${crypto.randomUUID()}`;
  onTestFinished(() => deleteDB(name));
  return name;
};

const toHex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
const fromHex = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));

/** Values with bytes as `{ bytes: <hexadecimal digits> }`. */
function frozen(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: toHex(value) };
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, frozen(part)]));
}

function thawed(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('bytes' in value) return fromHex(value.bytes as string);
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, thawed(part)]));
}

async function recordsOf(db: IDBPDatabase): Promise<Record<string, FrozenRecord[]>> {
  const stores: Record<string, FrozenRecord[]> = {};
  for (const name of db.objectStoreNames) {
    const [keys, values] = await Promise.all([db.getAllKeys(name), db.getAll(name)]);
    stores[name] = keys.map((key, i) => [key as FrozenRecord[0], frozen(values[i])]);
  }
  return stores;
}

test('an IndexedDB database is written as it was [P1]', async () => {
  const name = database();
  const storage = indexedDbStorage({ name });
  await writeSample(storage);
  await storage.close();
  const db = await openDB(name);
  const { version, objectStoreNames } = db;
  const indexes = ['journal', 'aside'].map((store) => [...db.transaction(store).store.indexNames]);
  const generated = [...objectStoreNames].filter((store) => db.transaction(store).store.autoIncrement);
  const stores = await recordsOf(db);
  db.close();
  expect({ version, generated, indexes, stores }).toEqual(indexedDbFixture);
  for (const [store, records] of Object.entries(stores)) expect(records, store).not.toEqual([]);
});

test('an IndexedDB database that was written before is read [P1]', async () => {
  const name = database();
  const { version, generated, stores } = indexedDbFixture;
  const db = await openDB(name, version, {
    upgrade(created) {
      for (const [store, records] of Object.entries(stores)) {
        const made = created.createObjectStore(store, { autoIncrement: generated.includes(store) });
        if (store === 'journal' || store === 'aside') made.createIndex('log', 'log');
        for (const [key, value] of records) made.put(thawed(value), key as IDBValidKey);
      }
    },
  });
  db.close();
  const storage = indexedDbStorage({ name });
  onTestFinished(() => storage.close());
  expect(await readSample(storage)).toEqual(sample);
});
