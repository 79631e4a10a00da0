/**
 * Storage in one IndexedDB database. Its version is the format's.
 *
 * | object store | key | value |
 * |---|---|---|
 * | `journal` | ordinal, by the key generator; index `log` | log, block |
 * | `aside` | the ordinal that it had; index `log` | log, block set aside |
 * | `ownRuns` | [log, writer] | sealed: the last event of an own run, and the last that may have been sent, u32 each |
 * | `metadata` | key | sealed: metadata |
 * | `counters` | [log] | sealed: JSON, counters, as `pack-plan.ts` has them |
 * | `manifests` | [log] | sealed: manifest |
 * | `chunks` | [log, id] | packed chunk |
 * | `removed` | [log, id] | `true`: that chunk was removed, and goes when nobody can read it any more |
 * | `chunksAside` | [log, id] | packed chunk set aside |
 *
 * "Sealed" is `seal.ts`.
 *
 * A commit makes all its requests in the task of the call, and reads nothing before: a page may be left right after an
 * event was written. So the browser gives a record its place, not this code.
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
  utf8Encoder,
  type WriterId,
} from '@gossip-log/core';
import { type DBSchema, deleteDB, type IDBPDatabase, type IDBPTransaction, openDB, type StoreNames } from 'idb';
import {
  checkChunkId,
  checkChunkIds,
  checkEntries,
  checkMetadataValue,
  checkOwnRuns,
  checkPacking,
  checkReplaced,
  isSame,
  logIdToBytes,
  metadataKeyToBytes,
  recordOrdinal,
} from './arguments.js';
import { CallGate } from './call-gate.js';
import { withFallback } from './fallback.js';
import { formatError } from './format-error.js';
import { askBrowser, PatientRequest } from './open-database.js';
import { planNotes, type RunNote, runsOfNotes, runsTouched, sealRun, unsealRun } from './own-runs.js';
import { type Counters, planPack, sealCounters, unsealCounters, unsealManifest } from './pack-plan.js';
import { seal, unseal } from './seal.js';

/** Rises when another version could misread what this one writes. */
const formatVersion = 5;
/** Records of one request: each request costs, and its whole answer is in memory at once. */
const recordsMax = 256;

/** A block of a log's journal. */
interface Journalled {
  readonly log: string;
  readonly block: Uint8Array;
}

interface Schema extends DBSchema {
  journal: { key: number; value: Journalled; indexes: { log: string } };
  aside: { key: number; value: Journalled; indexes: { log: string } };
  ownRuns: { key: [log: string, writer: string]; value: Uint8Array };
  metadata: { key: string; value: Uint8Array };
  counters: { key: [log: string]; value: Uint8Array };
  manifests: { key: [log: string]; value: Uint8Array };
  chunks: { key: [log: string, id: number]; value: Uint8Array };
  removed: { key: [log: string, id: number]; value: true };
  chunksAside: { key: [log: string, id: number]; value: Uint8Array };
}

type Stores = StoreNames<Schema>;

/** What is kept of a log, by keys that begin with its name. */
const logStores = ['ownRuns', 'counters', 'manifests', 'chunks', 'removed', 'chunksAside'] as const;
/** The same, by an index of its name. */
const recordStores = ['journal', 'aside'] as const;

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
    // It may end before it is waited for.
    transaction.done.catch(() => {});
    try {
      const result = await action(transaction);
      await transaction.done;
      return result;
    } catch (error) {
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

  const storage: GossipStorage = {
    // Reading the property may throw where a policy forbids storage; that is for the first call to report.
    needsPage: !('indexedDB' in globalThis),
    async load(log) {
      logIdToBytes(log);
      return read('load', ['journal', 'ownRuns', 'counters', 'manifests'], async (transaction) => {
        const ownRuns = transaction.objectStore('ownRuns');
        const [runKeys, runValues, records, { revision, nextChunkId }, manifest] = await Promise.all([
          ownRuns.getAllKeys(rangeOf(log)),
          ownRuns.getAll(rangeOf(log)),
          readRecords(transaction, log),
          countersOf(transaction, log),
          transaction.objectStore('manifests').get([log]),
        ]);
        return {
          records,
          revision,
          nextChunkId,
          manifest: unsealManifest(sealKey('manifests', log), manifest),
          ...runsOfNotes(
            runKeys.map(([, writer], i) => [
              writer as WriterId,
              unsealRun(runKey(log, writer), runValues[i] as Uint8Array),
            ]),
          ),
        };
      });
    },

    async commit(log, entries, options) {
      logIdToBytes(log);
      checkEntries(entries);
      const { durability, ownRuns = new Map(), sent = new Map(), instead } = options;
      checkOwnRuns(ownRuns);
      checkOwnRuns(sent);
      const replaced = instead === undefined ? [] : checkReplaced(instead);
      return write('commit', ['journal', 'ownRuns'], durability, async (transaction) => {
        const runs = transaction.objectStore('ownRuns');
        const journal = transaction.objectStore('journal');
        // A view's whole buffer would be stored: a copy holds the block alone.
        const add = () => entries.map(({ block }) => journal.add({ log, block: block.slice() }));
        // Before anything is read: a page may be left right after an append.
        const added = instead === undefined ? add() : undefined;
        const touched = [...runsTouched(options)];
        const [sealed, records] = await Promise.all([
          Promise.all(touched.map((writer) => runs.get([log, writer]))),
          replaced.length === 0 ? [] : journal.index('log').getAllKeys(log),
        ]);
        const before = new Map<WriterId, RunNote>();
        for (const [i, writer] of touched.entries()) {
          const value = sealed[i];
          if (value) before.set(writer, unsealRun(runKey(log, writer), value));
        }
        const there = new Set(records);
        const notes = planNotes(
          log,
          options,
          before,
          replaced.every((ordinal) => there.has(ordinal)),
        );
        const removing = replaced.map((ordinal) => journal.delete(ordinal));
        const adding = added ?? add();
        const noting = Array.from(
          notes,
          ([writer, note]): Promise<unknown> =>
            note === undefined
              ? runs.delete([log, writer])
              : runs.put(sealRun(runKey(log, writer), note), [log, writer]),
        );
        // No explicit `commit()`: on a full disk Chromium never ends a transaction that was committed explicitly.
        const [ordinals] = await Promise.all([Promise.all(adding), Promise.all(noting), Promise.all(removing)]);
        return ordinals.map(String);
      });
    },

    async isShared() {
      await gate.run('isShared', () => database());
      if (leave === undefined) return true;
      const { held = [] } = await navigator.locks.query();
      return held.filter((each) => each.name === lockOf(name)).length > 1;
    },

    async settleRun(log, writer, upTo) {
      logIdToBytes(log);
      checkOwnRuns(new Map([[writer, upTo]]));
      return write('settleRun', ['ownRuns'], 'relaxed', async (transaction) => {
        const ownRuns = transaction.objectStore('ownRuns');
        const sealed = await ownRuns.get([log, writer]);
        if (sealed && unsealRun(runKey(log, writer), sealed).last <= upTo) await ownRuns.delete([log, writer]);
      });
    },

    async setAside(log, key) {
      logIdToBytes(log);
      const ordinal = recordOrdinal(key);
      return write('setAside', ['journal', 'aside'], 'strict', async (transaction) => {
        const record = await transaction.objectStore('journal').get(ordinal);
        if (record?.log !== log) return;
        await transaction.objectStore('aside').put(record, ordinal);
        await transaction.objectStore('journal').delete(ordinal);
      });
    },

    async pack(log, packing) {
      logIdToBytes(log);
      const ordinals = checkPacking(packing);
      const stores: Stores[] = ['journal', 'aside', 'counters', 'manifests', 'chunks', 'removed'];
      return write('pack', stores, 'strict', async (transaction) => {
        const { manifest, add, remove } = packing;
        const chunks = transaction.objectStore('chunks');
        const removed = transaction.objectStore('removed');
        const journal = transaction.objectStore('journal');
        const [counters, records, aside, removable] = await Promise.all([
          countersOf(transaction, log),
          journal.index('log').getAllKeys(log),
          transaction.objectStore('aside').index('log').getKey(log),
          Promise.all(remove.map((id) => chunks.getKey([log, id]))),
        ]);
        const isStored = records.length > 0 || aside !== undefined || counters.revision > 0;
        const planned = planPack(log, packing, counters, isStored, 0);
        const own = new Set(records);
        await Promise.all([
          putCounters(transaction, log, planned),
          transaction.objectStore('manifests').put(seal(sealKey('manifests', log), manifest), [log]),
          ...removable.map((key) => key && removed.put(true, key)),
          ...add.map(({ id, bytes }) => chunks.add(bytes.slice(), [log, id])),
          ...ordinals.filter((ordinal) => own.has(ordinal)).map((ordinal) => journal.delete(ordinal)),
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
      return read('logs', ['journal', 'aside', 'counters'], async (transaction) => {
        // A log that is stored has a journal, or had one: then it has counters, or records that were set aside.
        const logs = new Set((await transaction.objectStore('counters').getAllKeys()).map(([log]) => log));
        for (const store of recordStores) {
          // One step per log.
          let cursor = await transaction.objectStore(store).index('log').openKeyCursor(null, 'nextunique');
          while (cursor) {
            logs.add(cursor.key);
            cursor = await cursor.continue();
          }
        }
        return [...logs].sort();
      });
    },

    async forget(log) {
      logIdToBytes(log);
      return write('forget', [...logStores, ...recordStores], 'strict', async (transaction) => {
        const ordinals = await Promise.all(
          recordStores.map((store) => transaction.objectStore(store).index('log').getAllKeys(log)),
        );
        await Promise.all([
          ...logStores.map((store) => transaction.objectStore(store).delete(rangeOf(log))),
          ...recordStores.flatMap((store, i) =>
            (ordinals[i] ?? []).map((ordinal) => transaction.objectStore(store).delete(ordinal)),
          ),
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

    async replaceMetadata(key, expected, value) {
      const bytes = metadataKeyToBytes(key);
      checkMetadataValue(expected);
      checkMetadataValue(value);
      return write('replaceMetadata', ['metadata'], 'strict', async (transaction) => {
        const metadata = transaction.objectStore('metadata');
        const sealed = await metadata.get(key);
        if (!isSame(sealed && unseal(bytes, sealed, `metadata ${key}`), expected)) return false;
        if (value === undefined) await metadata.delete(key);
        else await metadata.put(seal(bytes, value), key);
        return true;
      });
    },

    close() {
      return gate.close(async () => {
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
 * Opens the database. With `mayCreate` false it must exist: a storage that had it open before has written to it, and what
 * it writes next would follow on nothing.
 */
async function openDatabase(
  name: string,
  mayCreate: boolean,
  blocked: () => void,
  lost: () => void,
): Promise<IDBPDatabase<Schema>> {
  let refused: GossipError | undefined;
  const open = () =>
    openDB<Schema>(name, formatVersion, {
      upgrade(db, from, _to, transaction) {
        if (from > 0) {
          refused = formatError(`database ${name}`, from, formatVersion);
        } else if (!mayCreate) {
          const message = `database ${name} was deleted while in use: make a new storage`;
          refused = new GossipError('storage-failed', message);
        }
        if (refused !== undefined) {
          transaction.done.catch(() => {});
          transaction.abort();
          return;
        }
        for (const store of [...logStores, 'metadata'] as const) db.createObjectStore(store);
        for (const store of recordStores) {
          db.createObjectStore(store, { autoIncrement: store === 'journal' }).createIndex('log', 'log');
        }
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
    if (refused !== undefined) throw refused;
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
  const lock = lockOf(name);
  const alone = await takeLock(lock, { ifAvailable: true });
  if (alone) {
    // On a full disk it may fail; reading goes on. The next storage that opens alone tries again.
    await collectRemoved(db).catch(() => {});
    await alone();
  }
  return takeLock(lock, { mode: 'shared' });
}

/** The Web Lock that each storage holds that has a database open. */
function lockOf(name: string): string {
  return `gossip-log/${name}/open`;
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

function runKey(log: string, writer: string): Uint8Array {
  return utf8Encoder.encode(JSON.stringify(['ownRuns', log, writer]));
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

async function readRecords(transaction: IDBPTransaction<Schema, Stores[]>, log: string): Promise<JournalRecord[]> {
  const journal = transaction.objectStore('journal');
  const ordinals = await journal.index('log').getAllKeys(log);
  // Neighbours come with one request, up to a bound. Records of several logs may lie between one another.
  const runs: { readonly first: number; last: number }[] = [];
  for (const ordinal of ordinals) {
    const run = runs.at(-1);
    if (run?.last === ordinal - 1 && ordinal - run.first < recordsMax) run.last = ordinal;
    else runs.push({ first: ordinal, last: ordinal });
  }
  const found = await Promise.all(runs.map(({ first, last }) => journal.getAll(IDBKeyRange.bound(first, last))));
  return found.flat().map(({ block }, i) => ({ key: String(ordinals[i]), block }));
}
