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
 *
 * "Sealed" is `seal.ts`. Who holds a replica id is not stored: that is a Web Lock's business, which ends with
 * its tab however that ends.
 *
 * A lost connection (the browser ended it, a newer version wants the database) is opened again by the next call.
 */
import {
  GossipError,
  type GossipStorage,
  type JournalRecord,
  parseReplicaId,
  type ReplicaId,
  type ReplicaLease,
  type SequenceNumber,
} from '@gossip-log/core';
import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB, type StoreNames } from 'idb';
import { checkEntries, checkMetadataValue, logIdToBytes, metadataKeyToBytes, recordOrdinal } from './arguments.js';
import { CallGate } from './call-gate.js';
import { planCommit, replicasOf } from './commit-plan.js';
import { seal, sealHead, unseal, unsealHead } from './seal.js';

/** Rises when older code could misread what newer code writes. */
const formatVersion = 1;
/** Records of one request: each request costs, and its whole answer is in memory at once. */
const recordsMax = 256;

interface Schema extends DBSchema {
  journal: { key: [log: string, ordinal: number]; value: Uint8Array };
  aside: { key: [log: string, ordinal: number]; value: Uint8Array };
  heads: { key: [log: string, replica: string]; value: Uint8Array };
  metadata: { key: string; value: Uint8Array };
  replicas: { key: string; value: true };
}

type Stores = StoreNames<Schema>;

/** Options of `indexedDbStorage`. */
export interface IndexedDbStorageOptions {
  /** The database's name; one for all logs. The tabs of an origin that use the same name share it. */
  readonly name: string;
}

/**
 * Keeps everything in an IndexedDB database. Opens it with the first call; all tabs of an origin may use it at
 * the same time.
 *
 * A replica id is leased by a Web Lock. Where there are none (a page without HTTPS), no tab can know whether
 * another still writes under an id, so each lease takes a fresh one and none is kept.
 *
 * @throws TypeError when `name` is not a name. All else rejects in the calls.
 * @example
 * ```ts
 * import { indexedDbStorage } from '@gossip-log/storage/indexeddb';
 *
 * const storage = indexedDbStorage({ name: 'my-app' });
 * await storage.logs(); // []
 * await storage.close();
 * ```
 */
export function indexedDbStorage(options: IndexedDbStorageOptions): GossipStorage {
  const { name } = options;
  if (typeof name !== 'string' || name === '') throw new TypeError(`name: expected a database's name, got ${name}`);
  const gate = new CallGate();
  const leases = new Set<ReplicaLease>();
  let opening: Promise<IDBPDatabase<Schema>> | undefined;
  let opened = false;

  async function database(): Promise<IDBPDatabase<Schema>> {
    opening ??= openDatabase(name, !opened, () => {
      opening = undefined;
    });
    const mine = opening;
    try {
      const db = await mine;
      opened = true;
      return db;
    } catch (error) {
      // The next call tries again.
      if (opening === mine) opening = undefined;
      throw error;
    }
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
    if (!navigator.locks) return { replica: parseReplicaId(create()), unlock: async () => {} };
    const lockOf = (replica: string) => tryLock(`gossip-log/${name}/${replica}`);

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

  return {
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
      return read('load', ['journal', 'heads'], async (transaction) => {
        const heads = transaction.objectStore('heads');
        const [headKeys, headValues, records] = await Promise.all([
          heads.getAllKeys(rangeOf(log)),
          heads.getAll(rangeOf(log)),
          readRecords(transaction, log),
        ]);
        return {
          records,
          heads: new Map(
            headKeys.map(([, replica], i) => [
              replica as ReplicaId,
              unsealHead(headKey(log, replica), headValues[i] as Uint8Array, log, replica),
            ]),
          ),
        };
      });
    },

    async commit(log, entries, { durability, repair = false }) {
      logIdToBytes(log);
      checkEntries(entries);
      const replicas = replicasOf(entries);
      return write('commit', ['journal', 'aside', 'heads'], durability, async (transaction) => {
        const [sealed, lastJournal, lastAside] = await Promise.all([
          Promise.all(replicas.map((replica) => transaction.objectStore('heads').get([log, replica]))),
          lastOrdinal(transaction, 'journal', log),
          lastOrdinal(transaction, 'aside', log),
        ]);
        const stored = new Map<ReplicaId, SequenceNumber>();
        replicas.forEach((replica, i) => {
          const bytes = sealed[i];
          if (bytes) stored.set(replica, unsealHead(headKey(log, replica), bytes, log, replica));
        });
        const { blocks, heads } = planCommit(log, entries, stored, repair);
        // Another tab may have written all of it, but relaxed: only a write of our own makes that durable.
        const written = blocks.length === 0 && durability === 'strict' ? stored : heads;
        let ordinal = 1 + Math.max(lastJournal, lastAside);
        await Promise.all([
          // A view's whole buffer would be stored: a copy holds the block alone.
          ...blocks.map((block) => transaction.objectStore('journal').add(block.slice(), [log, ordinal++])),
          ...[...written].map(([replica, head]) =>
            transaction.objectStore('heads').put(sealHead(headKey(log, replica), head), [log, replica]),
          ),
        ]);
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

    logs() {
      return read('logs', ['heads'], async (transaction) => {
        // A journal never stands without heads, so heads name all logs. One step per log.
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
      return write('forget', ['journal', 'aside', 'heads', 'replicas'], 'strict', async (transaction) => {
        const replicas = transaction.objectStore('replicas');
        const writers = await transaction.objectStore('heads').getAllKeys(rangeOf(log));
        await Promise.all([
          // An id must not outlive its heads: written under again, it would give a sequence number twice.
          ...writers.map(([, replica]) => replicas.delete(replica)),
          transaction.objectStore('journal').delete(rangeOf(log)),
          transaction.objectStore('aside').delete(rangeOf(log)),
          transaction.objectStore('heads').delete(rangeOf(log)),
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
        const db = await opening?.catch(() => undefined);
        db?.close();
      });
    },
  };
}

/**
 * Opens the database. With `mayCreate` false it must exist: a storage that had it open before holds leases on ids
 * whose heads were in it. Written under in an empty database, they would give sequence numbers twice.
 */
async function openDatabase(name: string, mayCreate: boolean, lost: () => void): Promise<IDBPDatabase<Schema>> {
  let vanished = false;
  try {
    return await openDB<Schema>(name, formatVersion, {
      upgrade(db, _from, _to, transaction) {
        if (!mayCreate) {
          vanished = true;
          transaction.done.catch(() => {});
          transaction.abort();
          return;
        }
        for (const store of ['journal', 'aside', 'heads', 'metadata', 'replicas'] as const) db.createObjectStore(store);
      },
      // Without it this tab would block a newer one, or the deletion, for as long as it lives. That is also why
      // nothing listens to `blocked`: others of our kind give way.
      blocking(_from, _to, event) {
        (event.target as IDBDatabase).close();
        lost();
      },
      terminated: lost,
    });
  } catch (cause) {
    if (vanished) {
      throw new GossipError('storage-failed', `database ${name} was deleted while in use: make a new storage`, {
        cause,
      });
    }
    if (cause instanceof DOMException && cause.name === 'VersionError') {
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

/** Takes a Web Lock and gives what lets it go; `undefined` when it is held, here or in another tab. */
function tryLock(name: string): Promise<Unlock | undefined> {
  return new Promise((resolve, reject) => {
    const released = navigator.locks.request(name, { ifAvailable: true }, async (lock) => {
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
  return new TextEncoder().encode(JSON.stringify([log, replica]));
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
