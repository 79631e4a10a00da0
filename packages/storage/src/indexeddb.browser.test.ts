import { type GossipError, limits, type Packing, type WriterId, writerIdFromBytes } from '@gossip-log/core';
import { deleteDB, openDB } from 'idb';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { storageContract } from './contract.js';
import { deleteIndexedDbStorage, indexedDbStorage } from './indexeddb.js';
import { memoryStorage } from './memory.js';

const strict = { durability: 'strict' } as const;
const create = async () => `gossip-log test ${crypto.randomUUID()}`;

function writer(number: number): WriterId {
  return writerIdFromBytes(new Uint8Array(16).fill(number));
}

async function database(): Promise<string> {
  const name = await create();
  onTestFinished(() => deleteDB(name));
  return name;
}

function open(name: string) {
  const storage = indexedDbStorage({ name });
  onTestFinished(() => storage.close());
  return storage;
}

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

storageContract('indexeddb', {
  create,
  open: async (name) => indexedDbStorage({ name }),
  destroy: (name) => deleteDB(name),
  async makeOther(name, version) {
    if (version === 'older') {
      await deleteDB(name);
      (await openDB(name, 4, { upgrade: (db) => void db.createObjectStore('heads') })).close();
    } else (await openDB(name, 6)).close();
  },
});

const one = [{ block: Uint8Array.of(1) }];

/** A storage in a page of its own, with modules of its own: what another tab is. */
async function page(name: string): Promise<{ end(): void }> {
  const frame = document.createElement('iframe');
  const isOpen = new Promise((resolve) => {
    addEventListener('message', ({ source }) => source === frame.contentWindow && resolve(undefined));
  });
  frame.srcdoc = `<script type="module">
    import { indexedDbStorage } from '${new URL('./indexeddb.ts', import.meta.url).href}';
    await indexedDbStorage({ name: ${JSON.stringify(name)} }).logs();
    parent.postMessage('open', '*');
  </script>`;
  document.body.append(frame);
  await isOpen;
  return { end: () => frame.remove() };
}

/** Of the Storage Buckets API, which TypeScript does not know yet, what is used here. */
interface StorageBuckets {
  open(name: string, options: { quota: number }): Promise<{ indexedDB: IDBFactory }>;
  delete(name: string): Promise<void>;
}

/** The connections that the storages opened since, as the platform sees them. */
function watchTransactions() {
  return vi.spyOn(IDBDatabase.prototype, 'transaction');
}

test('[P2] commits ask the browser for the durability that they were asked for', async () => {
  const storage = open(await database());
  await storage.logs();
  const transactions = watchTransactions();
  await storage.commit('log', one, strict);
  await storage.commit('log', one, { durability: 'relaxed' });
  expect(transactions.mock.calls.map(([, , options]) => options?.durability)).toEqual(['strict', 'relaxed']);
  expect(transactions.mock.results.map(({ value }) => value.durability)).toEqual(['strict', 'relaxed']);
});

/** A bucket has a quota of its own, and a database like any other. */
async function useSmallBucket(name: string): Promise<void> {
  const buckets = (navigator as Navigator & { storageBuckets: StorageBuckets }).storageBuckets;
  const bucket = await buckets.open(name, { quota: 512 * 1024 });
  onTestFinished(() => buckets.delete(name));
  vi.stubGlobal('indexedDB', bucket.indexedDB);
}

test('[P1] a full disk rejects with storage-failed, writes nothing, and the next commit can succeed', async () => {
  await useSmallBucket('full');
  const storage = open('full');
  await storage.commit('log', one, strict);
  const entries = [...one, { block: new Uint8Array(1024 * 1024) }];
  await expect(storage.commit('log', entries, { ...strict, ownRuns: new Map([[writer(1), 1]]) })).rejects.toMatchObject(
    {
      code: 'storage-failed',
      cause: { name: 'QuotaExceededError' },
    },
  );
  expect((await storage.load('log')).ownRuns.size).toBe(0);
  await storage.commit('log', entries.slice(0, 1), strict);
  expect((await storage.load('log')).records).toHaveLength(2);
});

test('a disk that small commits fill up rejects each of them with storage-failed, and none hangs [P1]', async () => {
  await useSmallBucket('filled');
  const storage = open('filled');
  // Random, or the database would compress them.
  const entries = [{ block: crypto.getRandomValues(new Uint8Array(30 * 1024)) }];
  let kept = 0;
  const refused: unknown[] = [];
  for (let i = 0; i < 60; i++)
    await storage.commit('log', entries, strict).then(
      () => kept++,
      (error) => refused.push(error),
    );
  expect(refused.length).toBeGreaterThan(10);
  for (const error of refused)
    expect(error).toMatchObject({ code: 'storage-failed', cause: { name: 'QuotaExceededError' } });
  expect((await storage.load('log')).records).toHaveLength(kept);
});

test('[P2] a connection that the browser ended is opened again, whether it said so or not', async () => {
  const storage = open(await database());
  await storage.commit('log', one, strict);
  const transactions = watchTransactions();
  await storage.logs();
  const first = transactions.mock.contexts[0] as IDBDatabase;
  first.close();
  first.dispatchEvent(new Event('close'));
  expect(await storage.logs()).toEqual(['log']);

  const second = transactions.mock.contexts.at(-1) as IDBDatabase;
  expect(second).not.toBe(first);
  second.close();
  await expect(storage.logs()).rejects.toMatchObject({ code: 'storage-failed', cause: { name: 'InvalidStateError' } });
  expect(await storage.logs()).toEqual(['log']);
});

test('[P10] an open storage does not block a newer version, and is refused from then on', async () => {
  const name = await database();
  const storage = open(name);
  await storage.commit('log', one, strict);
  (await openDB(name, 1000)).close();
  await expect(storage.logs()).rejects.toMatchObject({ code: 'storage-format' });
});

test('[P2] a storage whose database was deleted does not begin another', async () => {
  const name = await create();
  const storage = open(name);
  await storage.commit('log', one, strict);
  await deleteDB(name);
  for (let i = 0; i < 2; i++) {
    await expect(storage.commit('log', one, strict)).rejects.toMatchObject({ code: 'storage-failed' });
  }
  const names = (await indexedDB.databases()).map((each) => each.name);
  expect(names).not.toContain(name);
});

test('[P3] a damaged note of an own run is taken for the latest there may be', async () => {
  const name = await database();
  const storage = open(name);
  await storage.commit('log', one, { ...strict, ownRuns: new Map([[writer(1), 1]]) });
  const db = await openDB(name);
  await db.put('ownRuns', Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), ['log', writer(1)]);
  db.close();
  expect((await storage.load('log')).ownRuns).toEqual(new Map([[writer(1), limits.seqMax]]));
});

test('[P6] the bytes of a record set aside stay in the store until its log is forgotten', async () => {
  const name = await database();
  const storage = open(name);
  const block = new Uint8Array(100_000).fill(7);
  await storage.commit('log', [{ block }, ...one], strict);
  await storage.setAside('log', (await storage.load('log')).records[0]?.key as string);
  const db = await openDB(name);
  onTestFinished(() => db.close());
  expect(await db.getAll('aside')).toEqual([{ log: 'log', block }]);
  await storage.forget('log');
  expect(await db.getAll('aside')).toEqual([]);
});

/** One step of packing that changes nothing but what it is given. */
function packing(revision: number, given: Partial<Packing> = {}): Packing {
  return { revision, manifest: Uint8Array.of(revision), add: [], remove: [], packed: [], ...given };
}

const chunks = [0, 1].map((id) => ({ id, bytes: Uint8Array.of(id) }));

test('[P13] without Web Locks nobody knows who reads: removed chunks stay', async () => {
  vi.spyOn(navigator, 'locks', 'get').mockReturnValue(undefined as never);
  const name = await database();
  const before = open(name);
  await before.commit('log', one, strict);
  await before.pack('log', packing(0, { add: chunks }));
  await before.pack('log', packing(1, { remove: [0] }));
  await before.close();
  const after = open(name);
  expect([...(await after.readChunks('log')).keys()]).toEqual([1]);
  expect([...(await after.readChunks('log', [0])).keys()]).toEqual([0]);
});

test('[P13] removed chunks and their marks are gone for good once a storage opens alone', async () => {
  const name = await database();
  const before = open(name);
  await before.commit('log', one, strict);
  await before.pack('log', packing(0, { add: chunks }));
  await before.pack('log', packing(1, { remove: [0] }));
  await before.close();
  await open(name).logs();
  const db = await openDB(name);
  onTestFinished(() => db.close());
  expect(await db.getAllKeys('chunks')).toEqual([['log', 1]]);
  expect(await db.getAllKeys('removed')).toEqual([]);
});

test('[P13][P15] a damaged manifest loads as none, damaged counters rise, and the log can be packed on', async () => {
  const name = await database();
  const storage = open(name);
  await storage.commit('log', one, strict);
  await storage.pack('log', packing(0, { add: chunks }));
  const db = await openDB(name);
  await db.put('manifests', Uint8Array.of(1, 2, 3, 4, 5), ['log']);
  expect(await storage.load('log')).toMatchObject({ revision: 1, nextChunkId: 2, manifest: undefined });
  await db.put('counters', Uint8Array.of(1), ['log']);
  db.close();
  const { revision, nextChunkId } = await storage.load('log');
  expect(revision).toBeGreaterThan(1);
  expect(nextChunkId).toBeGreaterThan(2);
  await storage.pack('log', packing(revision, { manifest: Uint8Array.of(7) }));
  expect(await storage.load('log')).toMatchObject({ revision: revision + 1, nextChunkId, manifest: Uint8Array.of(7) });
});

test('[P14] the bytes of a chunk set aside stay in the store until its log is forgotten', async () => {
  const name = await database();
  const storage = open(name);
  await storage.commit('log', one, strict);
  await storage.pack('log', packing(0, { add: chunks }));
  await storage.setAsideChunk('log', 1);
  const db = await openDB(name);
  onTestFinished(() => db.close());
  expect(await db.getAll('chunksAside')).toEqual([Uint8Array.of(1)]);
  await storage.forget('log');
  expect(await db.getAll('chunksAside')).toEqual([]);
});

test('[P5] a journal of more records than one request reads loads whole', async () => {
  const storage = open(await database());
  const entries = Array.from({ length: 700 }, (_, i) => ({ block: new TextEncoder().encode(`${i + 1}`) }));
  await storage.commit('log', entries, { durability: 'relaxed' });
  await storage.commit('log 2', entries.slice(0, 256), { durability: 'relaxed' });
  const { records } = await storage.load('log');
  expect(records.map(({ block }) => Number(new TextDecoder().decode(block)))).toEqual(entries.map((_, i) => i + 1));
  expect((await storage.load('log 2')).records).toHaveLength(256);
});

test('[P9] a name that is none is refused at once', () => {
  expect(() => indexedDbStorage({ name: '' })).toThrow(TypeError);
});

/** Bounds are waited for by hand; the database's own events come as ever. */
function holdTimers(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
}

const notOpen = (reason: string) => ({ code: 'storage-failed', context: { reason } });

/** A database of format version 1, as a page has it open that does not listen to `versionchange`. */
function olderPage(name: string) {
  return openDB(name, 1, {
    upgrade(db) {
      for (const store of ['journal', 'aside', 'heads', 'metadata', 'writers']) db.createObjectStore(store);
    },
  });
}

describe('where the database does not open', () => {
  const forbidden = new DOMException('access is denied in this context', 'SecurityError');

  test.each<[string, PropertyDescriptor]>([
    ['there is none', { value: undefined }],
    [
      'reading the property throws',
      {
        get() {
          throw forbidden;
        },
      },
    ],
    [
      'opening throws',
      {
        value: {
          open() {
            throw forbidden;
          },
        },
      },
    ],
  ])('calls reject with storage-failed and why: %s', async (_, property) => {
    const before = Object.getOwnPropertyDescriptor(globalThis, 'indexedDB') as PropertyDescriptor;
    onTestFinished(() => void Object.defineProperty(globalThis, 'indexedDB', before));
    Object.defineProperty(globalThis, 'indexedDB', { configurable: true, ...property });
    const storage = open('forbidden');
    await expect(storage.load('log')).rejects.toMatchObject(notOpen('unavailable'));
    await expect(storage.getMetadata('key')).rejects.toMatchObject(notOpen('unavailable'));
    await expect(deleteIndexedDbStorage('forbidden')).rejects.toMatchObject({ code: 'storage-failed' });
    await storage.close();
  });

  test('a browser that never answers is not waited for longer than storageOpenMsMax', async () => {
    const name = await database();
    holdTimers();
    const asking = indexedDB.open.bind(indexedDB);
    vi.spyOn(indexedDB, 'open').mockImplementation((...given) => {
      const request = asking(...given);
      request.addEventListener('success', (answer) => {
        answer.stopImmediatePropagation();
        request.result.close();
      });
      return request;
    });
    const storage = open(name);
    const loading = storage.load('log');
    loading.catch(() => {});
    await vi.advanceTimersByTimeAsync(limits.storageOpenMsMax - 1);
    const first = await Promise.race([loading.catch(() => 'rejected'), Promise.resolve('waits')]);
    expect(first).toBe('waits');
    await vi.advanceTimersByTimeAsync(1);
    await expect(loading).rejects.toMatchObject(notOpen('no-answer'));
    // The browser still hangs: others need not wait as long once more.
    await expect(storage.load('log')).rejects.toMatchObject(notOpen('no-answer'));
    await storage.close();
  });

  test('an older tab that blocks is told of at once, calls fail soon, and with the reason that is left when it closes', async () => {
    const name = await database();
    const older = await olderPage(name);
    onTestFinished(() => older.close());
    holdTimers();
    let opened: Promise<void> | undefined;
    const storage = indexedDbStorage({
      name,
      onBlocked: (promise) => {
        opened = promise;
      },
    });
    onTestFinished(() => storage.close());
    const loading = storage.load('log');
    const refused = expect(loading).rejects.toMatchObject(notOpen('blocked'));
    await vi.waitUntil(() => opened !== undefined);
    await vi.advanceTimersByTimeAsync(limits.storageBlockedMsMax);
    await refused;
    await expect(storage.load('log')).rejects.toMatchObject(notOpen('blocked'));
    older.close();
    await vi.waitUntil(() => storage.load('log').catch(({ code }: GossipError) => code === 'storage-format'));
  });

  test('a database that opens after its storage was closed does not stay open', async () => {
    const name = await database();
    const older = await olderPage(name);
    holdTimers();
    let opened: Promise<void> | undefined;
    const storage = indexedDbStorage({
      name,
      onBlocked: (promise) => {
        opened = promise;
      },
    });
    const refused = expect(storage.load('log')).rejects.toMatchObject(notOpen('blocked'));
    await vi.waitUntil(() => opened !== undefined);
    await vi.advanceTimersByTimeAsync(limits.storageBlockedMsMax);
    await refused;
    await storage.close();
    older.close();
    // It does not answer `versionchange`: were it open, this would be blocked.
    await deleteDB(name, { blocked: () => expect.unreachable() });
  });

  test('a fallback takes every call once the first does not open, and is told why', async () => {
    vi.stubGlobal('indexedDB', undefined);
    const told: GossipError[] = [];
    const memory = memoryStorage();
    const storage = indexedDbStorage({
      name: 'forbidden',
      fallback: (error) => {
        told.push(error);
        return told.length === 1 ? undefined : memory;
      },
    });
    await expect(storage.logs()).rejects.toMatchObject(notOpen('unavailable'));
    await Promise.all([storage.commit('log', one, strict), storage.setMetadata('key', new Uint8Array())]);
    expect(await storage.logs()).toEqual(['log']);
    expect(await memory.logs()).toEqual(['log']);
    expect(told).toMatchObject([notOpen('unavailable'), notOpen('unavailable')]);
    await storage.close();
    await expect(memory.logs()).rejects.toMatchObject({ code: 'storage-closed' });
  });

  test('a fallback is not asked for where the database has opened', async () => {
    const name = await database();
    const storage = indexedDbStorage({ name, fallback: () => expect.unreachable() });
    await storage.commit('log', one, strict);
    await deleteIndexedDbStorage(name);
    await expect(storage.logs()).rejects.toMatchObject({ code: 'storage-failed' });
    await storage.close();
    await expect(storage.logs()).rejects.toMatchObject({ code: 'storage-closed' });
  });
});

describe('deleting a database', () => {
  const names = async () => (await indexedDB.databases()).map(({ name }) => name);

  test('it goes while storages have it open, here and in another page, and none of them makes it again', async () => {
    const name = await create();
    const storages = [open(name), open(name)];
    for (const storage of storages) await storage.logs();
    await storages[0]?.commit('log', one, strict);
    const other = await page(name);
    onTestFinished(() => other.end());
    await deleteIndexedDbStorage(name);
    for (const storage of storages) {
      await expect(storage.commit('log', one, strict)).rejects.toMatchObject({
        code: 'storage-failed',
        message: expect.stringContaining('deleted'),
      });
    }
    expect(await names()).not.toContain(name);
    const later = open(name);
    onTestFinished(() => deleteDB(name));
    expect(await later.logs()).toEqual([]);
  });

  test('a database that is not there is gone', async () => {
    await deleteIndexedDbStorage(await create());
  });

  test('a tab that holds it open is named, and it goes when that tab closes', async () => {
    const name = await create();
    const stubborn = await openDB(name, 1);
    holdTimers();
    const blocked = vi.fn();
    const request = vi.spyOn(indexedDB, 'deleteDatabase');
    const deleting = expect(deleteIndexedDbStorage(name)).rejects.toMatchObject(notOpen('blocked'));
    request.mock.results[0]?.value.addEventListener('blocked', blocked);
    await vi.waitUntil(() => blocked.mock.calls.length > 0);
    await vi.advanceTimersByTimeAsync(limits.storageBlockedMsMax);
    await deleting;
    expect(await names()).toContain(name);
    const gone = new Promise((resolve) => request.mock.results[0]?.value.addEventListener('success', resolve));
    stubborn.close();
    await gone;
    expect(await names()).not.toContain(name);
  });

  test('what is no name is refused', async () => {
    await expect(deleteIndexedDbStorage('')).rejects.toThrow(TypeError);
    expect(() => indexedDbStorage({ name: 'a', onBlocked: 1 as never })).toThrow(TypeError);
    expect(() => indexedDbStorage({ name: 'a', fallback: memoryStorage() as never })).toThrow(TypeError);
  });
});
