/**
 * Storage in one IndexedDB database. Its version is the format's.
 *
 * | object store | key | value |
 * |---|---|---|
 * | `journal` | [log, ordinal] | block |
 * | `aside` | [log, ordinal] | block set aside |
 * | `heads` | [log, replica] | sealed: head, u32 |
 * | `metadata` | key | sealed: metadata |
 * | `replicas` | replica | `true`: it is in the pool |
 * | `counters` | [log] | sealed: JSON, counters, as `pack-plan.ts` has them |
 * | `manifests` | [log] | sealed: manifest |
 * | `chunks` | [log, id] | packed chunk |
 * | `removed` | [log, id] | `true`: that chunk was removed, and goes when nobody can read it any more |
 * | `chunksAside` | [log, id] | packed chunk set aside |
 * | `truncations` | [log, replica] | sealed: truncation, as `truncation-value.ts` has it |
 *
 * Version 1 had no stores from `counters` on, version 2 no `truncations`.
 *
 * "Sealed" is `seal.ts`. Who holds a replica id is not stored: that is a Web Lock's business, which ends with
 * its tab however that ends.
 *
 * Removed chunks (P13) go when a storage opens the database alone: each holds a Web Lock, shared with the others, from
 * before its first read until it is closed. Without Web Locks they stay.
 *
 * A lost connection (the browser ended it, a newer version wants the database) is opened again by the next call. What
 * happens where the browser does not open the database is in `open-database.ts`.
 */
import {
  checkOptions,
  GossipError,
  type GossipStorage,
  type JournalRecord,
  parseReplicaId,
  type ReplicaId,
  type ReplicaLease,
  type SequenceNumber,
  utf8Encoder,
} from '@gossip-log/core';
import { type DBSchema, deleteDB, type IDBPDatabase, type IDBPTransaction, openDB, type StoreNames } from 'idb';
import {
  checkChunkId,
  checkChunkIds,
  checkEntries,
  checkMetadataValue,
  checkPacking,
  checkTruncations,
  logIdToBytes,
  metadataKeyToBytes,
  recordOrdinal,
} from './arguments.js';
import { CallGate } from './call-gate.js';
import { planCommit, replicasOf } from './commit-plan.js';
import { withFallback } from './fallback.js';
import { askBrowser, PatientRequest } from './open-database.js';
import { type Counters, planPack, sealCounters, unsealCounters, unsealManifest } from './pack-plan.js';
import { seal, sealHead, unseal, unsealHead } from './seal.js';
import { lowest, sealTruncation, unsealTruncation } from './truncation-value.js';

/** Rises when older code could misread what newer code writes. */
const formatVersion = 3;
/** Records of one request: each request costs, and its whole answer is in memory at once. */
const recordsMax = 256;

interface Schema extends DBSchema {
  journal: { key: [log: string, ordinal: number]; value: Uint8Array };
  aside: { key: [log: string, ordinal: number]; value: Uint8Array };
  heads: { key: [log: string, replica: string]; value: Uint8Array };
  metadata: { key: string; value: Uint8Array };
  replicas: { key: string; value: true };
  counters: { key: [log: string]; value: Uint8Array };
  manifests: { key: [log: string]; value: Uint8Array };
  chunks: { key: [log: string, id: number]; value: Uint8Array };
  removed: { key: [log: string, id: number]; value: true };
  chunksAside: { key: [log: string, id: number]; value: Uint8Array };
  truncations: { key: [log: string, replica: string]; value: Uint8Array };
}

type Stores = StoreNames<Schema>;

/** The stores that format version 2 added. */
const packStores = ['counters', 'manifests', 'chunks', 'removed', 'chunksAside'] as const;
/** What is kept of a log, by keys that begin with its name. */
const logStores = ['journal', 'aside', 'heads', ...packStores, 'truncations'] as const;

/** Options of `indexedDbStorage`. */
export interface IndexedDbStorageOptions {
  /**
   * The database's name; one for all logs. The tabs of an origin that use the same name share it. Where people sign in,
   * put the account into it (`my-app/${user}`): another person at the same browser must not see what is in it.
   */
  readonly name: string;
  /**
   * Called when another tab is in the way: it holds the database open for an older version of gossip-log, and does not
   * close it. Ask the user to close or to reload that tab. `opened` resolves once the database is open after all, and
   * never rejects; logs that failed meanwhile can be opened again then. Default: nothing.
   */
  readonly onBlocked?: (opened: Promise<void>) => void;
  /**
   * Called when the database cannot be opened by the first call, with the error that the call would reject with. The
   * storage returned takes the place of this one, for good; with `undefined` the call rejects, and the next one tries
   * again. Show the user what it means: with `memoryStorage()` nothing outlives the page. Default: `undefined`.
   */
  readonly fallback?: (error: GossipError) => GossipStorage | undefined;
}

/**
 * Keeps everything in an IndexedDB database. Opens it with the first call; all tabs of an origin may use it at
 * the same time.
 *
 * A replica id is leased by a Web Lock. Where there are none (a page without HTTPS), no tab can know whether
 * another still writes under an id, so each lease takes a fresh one and none is kept.
 *
 * Where the database does not open, calls reject with `storage-failed` within seconds, and `error.context.reason` says
 * why: `unavailable` (a sandboxed frame, a private window, a policy, no IndexedDB at all), `blocked` (by another tab, see
 * `onBlocked`), or `no-answer` (the browser hangs). The first two can be told from a full disk that way.
 *
 * @throws TypeError for an unknown option, when `name` is not a name, or another option is not a function. All else rejects in the calls.
 * @example
 * ```ts
 * import { indexedDbStorage } from '@gossip-log/storage/indexeddb';
 * import { memoryStorage } from '@gossip-log/storage/memory';
 *
 * const storage = indexedDbStorage({
 *   name: 'my-app',
 *   fallback: () => {
 *     console.warn('Nothing is kept when this page closes.');
 *     return memoryStorage();
 *   },
 * });
 * await storage.logs(); // []
 * await storage.close();
 * ```
 */
export function indexedDbStorage(options: IndexedDbStorageOptions): GossipStorage {
  checkOptions('indexedDbStorage', options, { name: 'any', onBlocked: 'function', fallback: 'function' });
  const { name, onBlocked, fallback } = options;
  checkName(name);
  const gate = new CallGate();
  const leases = new Set<ReplicaLease>();
  let opening: PatientRequest<IDBPDatabase<Schema>> | undefined;
  let opened = false;
  let closed = false;
  /** Lets others know that removed chunks may be read here. */
  let leave: Unlock | undefined;

  async function start(blocked: () => void): Promise<IDBPDatabase<Schema>> {
    const db = await openDatabase(name, !opened, blocked, () => {
      opening = undefined;
    });
    try {
      // It took too long for those who waited, and was closed meanwhile.
      if (closed) throw new GossipError('storage-closed', 'the storage is closed');
      leave ??= await join(name, db);
      opened = true;
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  }

  function open(): PatientRequest<IDBPDatabase<Schema>> {
    const request: PatientRequest<IDBPDatabase<Schema>> = new PatientRequest(name, (blocked) =>
      start(() => {
        blocked();
        onBlocked?.(
          new Promise((resolve) =>
            request.answer.then(
              () => resolve(),
              () => {},
            ),
          ),
        );
      }),
    );
    // The next call tries again.
    request.answer.catch(() => {
      if (opening === request) opening = undefined;
    });
    return request;
  }

  function database(): Promise<IDBPDatabase<Schema>> {
    opening ??= open();
    return opening.wait();
  }

  function begin<Mode extends 'readonly' | 'readwrite'>(
    db: IDBPDatabase<Schema>,
    stores: Stores[],
    mode: Mode,
    durability: IDBTransactionDurability,
  ): IDBPTransaction<Schema, Stores[], Mode> {
    try {
      return db.transaction(stores, mode, { durability });
    } catch (error) {
      // The connection ended and nobody said so, or has not yet. The next call opens another.
      opening = undefined;
      throw error;
    }
  }

  /** Runs `action` in a transaction: all that it writes, or nothing. Resolves when it is done. */
  async function transact<T, Mode extends 'readonly' | 'readwrite'>(
    stores: Stores[],
    mode: Mode,
    durability: IDBTransactionDurability,
    action: (transaction: IDBPTransaction<Schema, Stores[], Mode>) => Promise<T>,
  ): Promise<T> {
    const transaction = begin(await database(), stores, mode, durability);
    try {
      const result = await action(transaction);
      await transaction.done;
      return result;
    } catch (error) {
      transaction.done.catch(() => {});
      try {
        transaction.abort();
      } catch {
        // It ended by itself, and `error` says why.
      }
      // A request's error only says that the transaction was aborted; the transaction's own says why.
      throw error instanceof GossipError ? error : (transaction.error ?? error);
    }
  }

  function read<T>(
    what: string,
    stores: Stores[],
    action: (transaction: IDBPTransaction<Schema, Stores[], 'readonly'>) => Promise<T>,
  ): Promise<T> {
    return gate.run(what, () => transact(stores, 'readonly', 'default', action));
  }

  function write<T>(
    what: string,
    stores: Stores[],
    durability: 'strict' | 'relaxed',
    action: (transaction: IDBPTransaction<Schema, Stores[], 'readwrite'>) => Promise<T>,
  ): Promise<T> {
    return gate.run(what, () => transact(stores, 'readwrite', durability, action));
  }

  /** Locks the first idle id of the pool, or a new one. */
  async function lockReplica(create: () => ReplicaId): Promise<{ replica: ReplicaId; unlock: Unlock }> {
    if (!globalThis.navigator?.locks) return { replica: parseReplicaId(create()), unlock: async () => {} };
    const lockOf = (replica: string) => takeLock(`gossip-log/${name}/${replica}`, { ifAvailable: true });

    const pool = await transact(['replicas'], 'readonly', 'default', (transaction) =>
      transaction.objectStore('replicas').getAllKeys(),
    );
    for (const replica of pool) {
      const unlock = await lockOf(replica);
      if (!unlock) continue;
      try {
        const kept = await transact(['replicas'], 'readonly', 'default', (transaction) =>
          transaction.objectStore('replicas').get(replica),
        );
        if (kept) return { replica: parseReplicaId(replica), unlock };
      } catch (error) {
        await unlock();
        throw error;
      }
      // Its log was forgotten since the pool was read.
      await unlock();
    }

    const replica = parseReplicaId(create());
    const unlock = await lockOf(replica);
    if (!unlock) throw new RangeError(`create: ${replica} is in the pool already`);
    try {
      await transact(['replicas'], 'readwrite', 'strict', (transaction) =>
        transaction.objectStore('replicas').add(true, replica),
      );
    } catch (error) {
      await unlock();
      throw error;
    }
    return { replica, unlock };
  }

  const storage: GossipStorage = {
    needsPage: globalThis.indexedDB === undefined,
    leaseReplica(create) {
      return gate.run('leaseReplica', async () => {
        const { replica, unlock } = await lockReplica(create);
        const lease: ReplicaLease = {
          replica,
          async release() {
            if (leases.delete(lease)) await unlock();
          },
        };
        leases.add(lease);
        return lease;
      });
    },

    async load(log) {
      logIdToBytes(log);
      return read('load', ['journal', 'heads', 'counters', 'manifests', 'truncations'], async (transaction) => {
        const heads = transaction.objectStore('heads');
        const hidden = transaction.objectStore('truncations');
        const [headKeys, headValues, records, { revision, nextChunkId }, manifest, keys, values] = await Promise.all([
          heads.getAllKeys(rangeOf(log)),
          heads.getAll(rangeOf(log)),
          readRecords(transaction, log),
          countersOf(transaction, log),
          transaction.objectStore('manifests').get([log]),
          hidden.getAllKeys(rangeOf(log)),
          hidden.getAll(rangeOf(log)),
        ]);
        return {
          records,
          revision,
          nextChunkId,
          manifest: unsealManifest(sealKey('manifests', log), manifest),
          truncations: keys.map(([, replica], i) =>
            unsealTruncation(truncationKey(log, replica), values[i] as Uint8Array, log, replica as ReplicaId),
          ),
          heads: new Map(
            headKeys.map(([, replica], i) => [
              replica as ReplicaId,
              unsealHead(headKey(log, replica), headValues[i] as Uint8Array, log, replica),
            ]),
          ),
        };
      });
    },

    async commit(log, entries, { durability, repair = false, truncations = [] }) {
      logIdToBytes(log);
      checkEntries(entries);
      checkTruncations(truncations);
      const replicas = replicasOf(entries);
      const stores: Stores[] = ['journal', 'aside', 'heads', 'counters', 'truncations'];
      return write('commit', stores, durability, async (transaction) => {
        const hidden = transaction.objectStore('truncations');
        const [sealed, next, ...sealedTruncations] = await Promise.all([
          Promise.all(replicas.map((replica) => transaction.objectStore('heads').get([log, replica]))),
          nextOrdinal(transaction, log),
          ...truncations.map(({ replica }) => hidden.get([log, replica])),
        ]);
        const lower = lowest(truncations, (replica) => {
          const value = sealedTruncations[truncations.findIndex((truncation) => truncation.replica === replica)];
          return value && unsealTruncation(truncationKey(log, replica), value, log, replica).from;
        });
        const stored = new Map<ReplicaId, SequenceNumber>();
        replicas.forEach((replica, i) => {
          const bytes = sealed[i];
          if (bytes) stored.set(replica, unsealHead(headKey(log, replica), bytes, log, replica));
        });
        const { blocks, heads } = planCommit(log, entries, stored, repair);
        // Another tab may have written all of it, but relaxed: only a write of our own makes that durable.
        const nothing = blocks.every((block) => block === undefined);
        const written = nothing && durability === 'strict' ? stored : heads;
        let ordinal = next;
        const keys = blocks.map((block) => block && String(ordinal++));
        await Promise.all([
          ...blocks.map((block, i) =>
            // A view's whole buffer would be stored: a copy holds the block alone.
            block ? transaction.objectStore('journal').add(block.slice(), [log, Number(keys[i])]) : undefined,
          ),
          ...[...written].map(([replica, head]) =>
            transaction.objectStore('heads').put(sealHead(headKey(log, replica), head), [log, replica]),
          ),
          ...[...lower].map(([replica, truncation]) =>
            hidden.put(sealTruncation(truncationKey(log, replica), truncation), [log, replica]),
          ),
        ]);
        return keys;
      });
    },

    async setAside(log, key) {
      logIdToBytes(log);
      const at: [string, number] = [log, recordOrdinal(key)];
      return write('setAside', ['journal', 'aside'], 'strict', async (transaction) => {
        const block = await transaction.objectStore('journal').get(at);
        if (!block) return;
        await transaction.objectStore('aside').put(block, at);
        await transaction.objectStore('journal').delete(at);
      });
    },

    async pack(log, packing) {
      logIdToBytes(log);
      const ordinals = checkPacking(packing);
      const stores: Stores[] = ['journal', 'aside', 'heads', 'counters', 'manifests', 'chunks', 'removed'];
      return write('pack', stores, 'strict', async (transaction) => {
        const { manifest, add, remove } = packing;
        const chunks = transaction.objectStore('chunks');
        const removed = transaction.objectStore('removed');
        const journal = transaction.objectStore('journal');
        const [head, counters, next, removable] = await Promise.all([
          transaction.objectStore('heads').getKey(rangeOf(log)),
          countersOf(transaction, log),
          nextOrdinal(transaction, log),
          Promise.all(remove.map((id) => chunks.getKey([log, id]))),
        ]);
        const planned = planPack(log, packing, counters, head !== undefined, next);
        await Promise.all([
          putCounters(transaction, log, planned),
          transaction.objectStore('manifests').put(seal(sealKey('manifests', log), manifest), [log]),
          ...removable.map((key) => key && removed.put(true, key)),
          ...add.map(({ id, bytes }) => chunks.add(bytes.slice(), [log, id])),
          ...ordinals.map((ordinal) => journal.delete([log, ordinal])),
        ]);
      });
    },

    async readChunks(log, ids) {
      logIdToBytes(log);
      if (ids) checkChunkIds('ids', ids);
      return read('readChunks', ['chunks', 'removed'], async (transaction) => {
        const chunks = transaction.objectStore('chunks');
        let wanted = ids;
        if (!wanted) {
          const [all, gone] = await Promise.all([
            chunks.getAllKeys(rangeOf(log)),
            transaction.objectStore('removed').getAllKeys(rangeOf(log)),
          ]);
          const removed = new Set(gone.map(([, id]) => id));
          wanted = all.map(([, id]) => id).filter((id) => !removed.has(id));
        }
        const found = new Map<number, Uint8Array>();
        await Promise.all(
          wanted.map(async (id) => {
            const bytes = await chunks.get([log, id]);
            if (bytes) found.set(id, bytes);
          }),
        );
        return found;
      });
    },

    async setAsideChunk(log, id) {
      logIdToBytes(log);
      checkChunkId('id', id);
      const at: [string, number] = [log, id];
      const stores: Stores[] = ['counters', 'manifests', 'chunks', 'removed', 'chunksAside'];
      return write('setAsideChunk', stores, 'strict', async (transaction) => {
        const [bytes, removed, counters] = await Promise.all([
          transaction.objectStore('chunks').get(at),
          transaction.objectStore('removed').getKey(at),
          countersOf(transaction, log),
        ]);
        if (!bytes || removed) return;
        await Promise.all([
          transaction.objectStore('chunksAside').put(bytes, at),
          transaction.objectStore('chunks').delete(at),
          transaction.objectStore('manifests').delete([log]),
          putCounters(transaction, log, { ...counters, revision: counters.revision + 1 }),
        ]);
      });
    },

    logs() {
      return read('logs', ['heads'], async (transaction) => {
        // Nothing of a log stands without heads, so heads name all logs. One step per log.
        const logs: string[] = [];
        let cursor = await transaction.objectStore('heads').openKeyCursor();
        while (cursor) {
          const [log] = cursor.key;
          logs.push(log);
          cursor = await cursor.continue(behind(log) as unknown as [string, string]);
        }
        return logs.sort();
      });
    },

    async forget(log) {
      logIdToBytes(log);
      return write('forget', [...logStores, 'replicas'], 'strict', async (transaction) => {
        const replicas = transaction.objectStore('replicas');
        const writers = await transaction.objectStore('heads').getAllKeys(rangeOf(log));
        await Promise.all([
          // An id must not outlive its heads: written under again, it would give a sequence number twice.
          ...writers.map(([, replica]) => replicas.delete(replica)),
          ...logStores.map((store) => transaction.objectStore(store).delete(rangeOf(log))),
        ]);
      });
    },

    async getMetadata(key) {
      const bytes = metadataKeyToBytes(key);
      return read('getMetadata', ['metadata'], async (transaction) => {
        const sealed = await transaction.objectStore('metadata').get(key);
        return sealed && unseal(bytes, sealed, `metadata ${key}`);
      });
    },

    async setMetadata(key, value) {
      const bytes = metadataKeyToBytes(key);
      checkMetadataValue(value);
      return write('setMetadata', ['metadata'], 'strict', async (transaction) => {
        const metadata = transaction.objectStore('metadata');
        if (value === undefined) await metadata.delete(key);
        else await metadata.put(seal(bytes, value), key);
      });
    },

    close() {
      return gate.close(async () => {
        for (const lease of leases) await lease.release();
        closed = true;
        // A request that the browser does not answer ends by itself, whenever that is.
        const db = await opening?.wait().catch(() => undefined);
        db?.close();
        await leave?.();
      });
    },
  };
  return fallback === undefined ? storage : withFallback(storage, () => gate.run('open', database), fallback);
}

/**
 * Deletes the database of an `indexedDbStorage`, with all logs in it: when a person signs out and nothing of theirs is to
 * stay on the device. What no relay has yet is lost with it: wait for `delivered(event, 'relayed')` before, or ask.
 *
 * It works while storages have the database open, in this tab and in others: they close it at once, their calls reject
 * with `storage-failed` from then on, and none of them makes the database again. Resolves when the database is gone, also
 * when there was none.
 *
 * @throws TypeError when `name` is not a name; GossipError `storage-failed` (a rejection) when the browser refuses, or a
 *   tab that is not of gossip-log does not close it. Then it goes when that tab has closed.
 * @example
 * ```ts
 * import { deleteIndexedDbStorage, indexedDbStorage } from '@gossip-log/storage/indexeddb';
 *
 * const storage = indexedDbStorage({ name: 'my-app/ada' });
 * await storage.close();
 * await deleteIndexedDbStorage('my-app/ada');
 * ```
 */
export async function deleteIndexedDbStorage(name: string): Promise<void> {
  checkName(name);
  const request = new PatientRequest(name, (blocked) => askBrowser(name, () => deleteDB(name, { blocked })));
  // As a call: what comes from below gets its code.
  await new CallGate().run('deleteIndexedDbStorage', () => request.wait());
}

function checkName(name: string): void {
  if (typeof name !== 'string' || name === '') throw new TypeError(`name: expected a database's name, got ${name}`);
}

/**
 * Opens the database. With `mayCreate` false it must exist: a storage that had it open before holds leases on ids
 * whose heads were in it. Written under in an empty database, they would give sequence numbers twice.
 */
async function openDatabase(
  name: string,
  mayCreate: boolean,
  blocked: () => void,
  lost: () => void,
): Promise<IDBPDatabase<Schema>> {
  let vanished = false;
  const open = () =>
    openDB<Schema>(name, formatVersion, {
      upgrade(db, from, _to, transaction) {
        if (from === 0 && !mayCreate) {
          vanished = true;
          transaction.done.catch(() => {});
          transaction.abort();
          return;
        }
        if (from === 0) {
          for (const store of ['journal', 'aside', 'heads', 'metadata', 'replicas'] as const)
            db.createObjectStore(store);
        }
        if (from < 2) for (const store of packStores) db.createObjectStore(store);
        db.createObjectStore('truncations');
      },
      // Without it this tab would block a newer one, or the deletion, for as long as it lives.
      blocking(_from, _to, event) {
        (event.target as IDBDatabase).close();
        lost();
      },
      terminated: lost,
      blocked,
    });
  try {
    return await askBrowser(name, open);
  } catch (cause) {
    if (vanished) {
      throw new GossipError('storage-failed', `database ${name} was deleted while in use: make a new storage`, {
        cause,
      });
    }
    if ((cause as Partial<Error>).name === 'VersionError') {
      throw new GossipError(
        'storage-format',
        `database ${name} has a newer format, this gossip-log knows up to ${formatVersion}: update gossip-log`,
        { context: { known: formatVersion }, cause },
      );
    }
    throw cause;
  }
}

/** Lets a Web Lock go; resolves when it is gone. */
type Unlock = () => Promise<unknown>;

/**
 * Lets others know that a database is in use here, until what it gives is called. Removes for good what packs removed,
 * when nobody else uses it.
 */
async function join(name: string, db: IDBPDatabase<Schema>): Promise<Unlock | undefined> {
  if (!globalThis.navigator?.locks) return undefined;
  const lock = `gossip-log/${name}/open`;
  const alone = await takeLock(lock, { ifAvailable: true });
  if (alone) {
    // On a full disk it may fail; reading goes on. The next storage that opens alone tries again.
    await collectRemoved(db).catch(() => {});
    await alone();
  }
  return takeLock(lock, { mode: 'shared' });
}

async function collectRemoved(db: IDBPDatabase<Schema>): Promise<void> {
  const transaction = db.transaction(['chunks', 'removed'], 'readwrite', { durability: 'relaxed' });
  const removed = transaction.objectStore('removed');
  const keys = await removed.getAllKeys();
  await Promise.all(keys.flatMap((key) => [transaction.objectStore('chunks').delete(key), removed.delete(key)]));
  await transaction.done;
}

/** Takes a Web Lock and gives what lets it go; `undefined` when it should be free and is not, here or in another tab. */
function takeLock(name: string, options: LockOptions): Promise<Unlock | undefined> {
  return new Promise((resolve, reject) => {
    const released = navigator.locks.request(name, options, async (lock) => {
      if (!lock) {
        resolve(undefined);
        return;
      }
      await new Promise<void>((letGo) => {
        resolve(() => {
          letGo();
          return released;
        });
      });
    });
    released.catch(reject);
  });
}

/** Above every key that begins with `log`: in IndexedDB's order an array is above all numbers and texts. */
function behind(log: string): IDBValidKey {
  return [log, []];
}

function rangeOf(log: string): IDBKeyRange {
  return IDBKeyRange.bound([log], behind(log));
}

function headKey(log: string, replica: string): Uint8Array {
  return utf8Encoder.encode(JSON.stringify([log, replica]));
}

function truncationKey(log: string, replica: string): Uint8Array {
  return utf8Encoder.encode(JSON.stringify(['truncations', log, replica]));
}

/** Under which the one value that a store has of a log is sealed. */
function sealKey(store: 'counters' | 'manifests', log: string): Uint8Array {
  return utf8Encoder.encode(JSON.stringify([store, log]));
}

async function countersOf(
  transaction: IDBPTransaction<Schema, Stores[], IDBTransactionMode>,
  log: string,
): Promise<Counters> {
  return unsealCounters(sealKey('counters', log), await transaction.objectStore('counters').get([log]));
}

function putCounters(
  transaction: IDBPTransaction<Schema, Stores[], 'readwrite'>,
  log: string,
  counters: Counters,
): Promise<unknown> {
  return transaction.objectStore('counters').put(sealCounters(sealKey('counters', log), counters), [log]);
}

/** Where a log's journal goes on. */
async function nextOrdinal(transaction: IDBPTransaction<Schema, Stores[], 'readwrite'>, log: string): Promise<number> {
  const [lastJournal, lastAside, counters] = await Promise.all([
    lastOrdinal(transaction, 'journal', log),
    lastOrdinal(transaction, 'aside', log),
    countersOf(transaction, log),
  ]);
  return Math.max(lastJournal + 1, lastAside + 1, counters.nextOrdinal);
}

async function lastOrdinal(
  transaction: IDBPTransaction<Schema, Stores[], 'readwrite'>,
  store: 'journal' | 'aside',
  log: string,
): Promise<number> {
  const cursor = await transaction.objectStore(store).openKeyCursor(rangeOf(log), 'prev');
  return cursor ? cursor.key[1] : -1;
}

async function readRecords(transaction: IDBPTransaction<Schema, Stores[]>, log: string): Promise<JournalRecord[]> {
  const journal = transaction.objectStore('journal');
  const records: JournalRecord[] = [];
  let range = rangeOf(log);
  for (;;) {
    const [keys, blocks] = await Promise.all([
      journal.getAllKeys(range, recordsMax),
      journal.getAll(range, recordsMax),
    ]);
    keys.forEach(([, ordinal], i) => {
      records.push({ key: String(ordinal), block: blocks[i] as Uint8Array });
    });
    const last = keys.at(-1);
    if (!last || keys.length < recordsMax) return records;
    range = IDBKeyRange.bound(last, behind(log), true);
  }
}
