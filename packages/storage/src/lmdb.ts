/**
 * Storage in one LMDB environment: a folder with `data.mdb` and `lock.mdb`.
 *
 * Commits of all logs that are under way at one time share one LMDB transaction, and so one sync of the disk. Each
 * runs in a child transaction of its own: one that is refused takes nothing of the others with it. (A full disk fails
 * the one transaction, and so all of them.)
 *
 * Durability (P2): `overlappingSync` is off, so an LMDB transaction becomes visible, and its promise resolves, only
 * after its pages and then its root were synced. `relaxed` is the same as `strict` here. Rejected: overlapping sync,
 * which shows commits that a loss of power may take back.
 *
 * Keys, ordered bytewise. `log` is one byte of length and the name, so that no log's range holds another's (P7):
 *
 * | key | value |
 * |---|---|
 * | `1` | sealed: format version, u32 |
 * | `3` key | sealed: metadata |
 * | `4` log writer | sealed: the last event of an own run, u32 |
 * | `5` log ordinal | block |
 * | `6` log ordinal | block set aside |
 * | `7` log | sealed: JSON, counters, as `pack-plan.ts` has them |
 * | `8` log | sealed: manifest |
 * | `9` log id | packed chunk, as `deflated-chunk.ts` keeps it |
 * | `10` log id | nothing: that chunk was removed, and goes when nobody can read it any more |
 * | `11` log id | such a chunk set aside |
 * | `12` number | filler, while `lmdb-scrub.ts` overwrites free pages |
 *
 * "Sealed" is `seal.ts`. Numbers are big-endian, an ordinal or a chunk's id has 48 bits, a writer 16 bytes.
 *
 * Removed chunks (P13) go when an environment is opened whose table of readers is empty: `folder-claim.ts` says why nobody
 * else reads in it then. Who opens it later loads a manifest that does not name them.
 */
import { mkdirSync, realpathSync } from 'node:fs';
import {
  checkOptions,
  GossipError,
  type GossipStorage,
  type JournalRecord,
  limits,
  type WriterId,
  writerIdFromBytes,
  writerIdToBytes,
} from '@gossip-log/core';
import { open, type RootDatabase } from 'lmdb';
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
import { deflateChunk, inflateChunk } from './deflated-chunk.js';
import { claimFolder } from './folder-claim.js';
import { formatError } from './format-error.js';
import { LmdbScrub, removeFiller } from './lmdb-scrub.js';
import { planNotes, type RunNote, runsOfNotes, runsTouched, sealRun, unsealRun } from './own-runs.js';
import { type Counters, planPack, sealCounters, unsealCounters, unsealManifest } from './pack-plan.js';
import { processWide } from './process-wide.js';
import { seal, sealNumber, unseal, unsealNumber } from './seal.js';

/** Rises when another version could misread what this one writes. */
const formatVersion = 5;
const kinds = {
  format: 1,
  metadata: 3,
  ownRun: 4,
  journal: 5,
  aside: 6,
  counters: 7,
  manifest: 8,
  chunk: 9,
  removed: 10,
  chunkAside: 11,
  filler: 12,
} as const;
const { writerIdBytes } = limits;
const ordinalBytes = 6;
/** Sorts behind every key that begins with the prefix it is put after: no such key has more than 16 bytes to go. */
const afterAll = new Uint8Array(17).fill(0xff);

type Database = RootDatabase<Uint8Array, Uint8Array>;
type Transaction = ReturnType<Database['useReadTransaction']>;

/** Options of `lmdbStorage`. */
export interface LmdbStorageOptions {
  /**
   * The environment's folder, a path or a `file:` URL, made when it is missing. On a local disk: LMDB does not work over a
   * network.
   */
  readonly path: string | URL;
  /**
   * Refuse a folder that another storage with this option has, here or in another process: `storage-in-use`. What a pack
   * removes goes at once then: other processes should not read packed logs beside it.
   */
  readonly exclusive?: boolean;
}

/**
 * Keeps everything in an LMDB environment. Opens it with the first call; several storages, in one process or in
 * several, may use one folder.
 *
 * @throws TypeError for an unknown option, and when `path` is not a path. All else rejects in the calls.
 * @example
 * ```ts
 * import { lmdbStorage } from '@gossip-log/storage/lmdb';
 *
 * const storage = lmdbStorage({ path: './data' });
 * await storage.logs(); // []
 * await storage.close();
 * ```
 */
export function lmdbStorage(options: LmdbStorageOptions): GossipStorage {
  checkOptions('lmdbStorage', options, { path: 'any', exclusive: 'boolean' });
  const { path, exclusive = false } = options;
  const isPath = typeof path === 'string' ? path !== '' : path?.protocol === 'file:';
  if (!isPath) throw new TypeError(`lmdbStorage: path: expected the path of a folder, or a file: URL, got ${path}`);
  const gate = new CallGate();
  let opening: Promise<Environment> | undefined;
  let releaseFolder = async () => {};

  async function start(): Promise<Environment> {
    const folder = reachable(path, () => folderOf(path));
    if (!exclusive) return openEnvironment(folder);
    const release = await claimFolder(folder);
    try {
      const env = await openEnvironment(folder);
      releaseFolder = release;
      return env;
    } catch (error) {
      await release();
      throw error;
    }
  }

  async function environment(): Promise<Environment> {
    opening ??= start();
    const mine = opening;
    try {
      return await mine;
    } catch (error) {
      // The next call tries again.
      if (opening === mine) opening = undefined;
      throw error;
    }
  }

  function write<T>(what: string, action: (db: Database) => T): Promise<T> {
    return gate.run(what, async () => {
      const { db } = await environment();
      return transact(db, () => action(db));
    });
  }

  async function view<T>(action: (db: Database, transaction: Transaction) => T): Promise<T> {
    const { db } = await environment();
    // Other processes write too: never read from a view that an earlier call left open.
    db.resetReadTxn();
    const transaction = db.useReadTransaction();
    try {
      return action(db, transaction);
    } finally {
      transaction.done();
    }
  }

  function read<T>(what: string, action: (db: Database, transaction: Transaction) => T): Promise<T> {
    return gate.run(what, () => view(action));
  }

  return {
    async load(log) {
      const name = logIdToBytes(log);
      return read('load', (db, transaction) => {
        const notes = new Map<WriterId, RunNote>();
        for (const { key, value } of db.getRange({ ...rangeOf(logKey(kinds.ownRun, name)), transaction })) {
          notes.set(writerIdFromBytes(key.subarray(-writerIdBytes)), unsealRun(key, value));
        }
        const records: JournalRecord[] = [];
        for (const { key, value } of db.getRange({ ...rangeOf(logKey(kinds.journal, name)), transaction })) {
          // lmdb gives Buffers, whose `slice` does not copy.
          records.push({ key: String(ordinalOf(key)), block: new Uint8Array(value) });
        }
        const { revision, nextChunkId } = countersOf(db, name, transaction);
        const key = logKey(kinds.manifest, name);
        const manifest = unsealManifest(key, db.get(key, { transaction }));
        return { records, ...runsOfNotes(notes), revision, nextChunkId, manifest };
      });
    },

    async commit(log, entries, options) {
      const name = logIdToBytes(log);
      checkEntries(entries);
      const { ownRuns = new Map(), sent = new Map(), instead } = options;
      checkOwnRuns(ownRuns);
      checkOwnRuns(sent);
      const replaced = (instead === undefined ? [] : checkReplaced(instead)).map((ordinal) =>
        ordinalKey(kinds.journal, name, ordinal),
      );
      return write('commit', (db) => {
        const before = new Map<WriterId, RunNote>();
        for (const writer of runsTouched(options)) {
          const sealed = db.getBinary(runKey(name, writer));
          if (sealed) before.set(writer, unsealRun(runKey(name, writer), sealed));
        }
        const hasRecords = replaced.every((key) => db.doesExist(key));
        const notes = planNotes(log, options, before, hasRecords);
        let ordinal = nextOrdinal(db, name);
        if (replaced.length > 0) {
          // The last records may go: no key is given twice (P13).
          putCounters(db, name, { ...countersOf(db, name), nextOrdinal: ordinal });
          for (const key of replaced) db.removeSync(key);
        }
        const keys = entries.map(({ block }) => {
          db.putSync(ordinalKey(kinds.journal, name, ordinal), block);
          return String(ordinal++);
        });
        for (const [writer, note] of notes) {
          const key = runKey(name, writer);
          if (note === undefined) db.removeSync(key);
          else db.putSync(key, sealRun(key, note));
        }
        return keys;
      });
    },

    async isShared() {
      // Another storage of this process is told of by the folder, another process by nothing.
      return !exclusive || (await environment()).users > 1;
    },

    async settleRun(log, writer, upTo) {
      const name = logIdToBytes(log);
      checkOwnRuns(new Map([[writer, upTo]]));
      const key = runKey(name, writer);
      return write('settleRun', (db) => {
        const sealed = db.getBinary(key);
        if (sealed && unsealRun(key, sealed).last <= upTo) db.removeSync(key);
      });
    },

    async setAside(log, key) {
      const name = logIdToBytes(log);
      const ordinal = recordOrdinal(key);
      return write('setAside', (db) => {
        const from = ordinalKey(kinds.journal, name, ordinal);
        const block = db.getBinary(from);
        if (!block) return;
        db.putSync(ordinalKey(kinds.aside, name, ordinal), block);
        db.removeSync(from);
      });
    },

    async pack(log, packing) {
      const name = logIdToBytes(log);
      const ordinals = checkPacking(packing);
      return gate.run('pack', async () => {
        const { manifest, add, remove } = packing;
        const kept: Uint8Array[] = [];
        // One after another: packing waits for nobody, and others need the threads too.
        for (const { bytes } of add) kept.push(await deflateChunk(bytes));
        const env = await environment();
        const { db } = env;
        await transact(db, () => {
          const next = nextOrdinal(db, name);
          const counters = planPack(log, packing, countersOf(db, name), next > 0, next);
          putCounters(db, name, counters);
          const key = logKey(kinds.manifest, name);
          db.putSync(key, seal(key, manifest));
          const alone = exclusive && env.users === 1;
          for (const id of remove) {
            const chunk = ordinalKey(kinds.chunk, name, id);
            if (alone) db.removeSync(chunk);
            else if (db.doesExist(chunk)) db.putSync(ordinalKey(kinds.removed, name, id), new Uint8Array());
          }
          for (const [i, { id }] of add.entries()) {
            db.putSync(ordinalKey(kinds.chunk, name, id), kept[i] as Uint8Array);
          }
          for (const ordinal of ordinals) db.removeSync(ordinalKey(kinds.journal, name, ordinal));
        });
      });
    },

    async readChunks(log, ids) {
      const name = logIdToBytes(log);
      if (ids) checkChunkIds('ids', ids);
      return gate.run('readChunks', async () => {
        const kept = await view((db, transaction) => {
          const idsOf = (kind: number) =>
            [...db.getKeys({ ...rangeOf(logKey(kind, name)), transaction })].map((key) => ordinalOf(key));
          const removed = new Set(ids ? [] : idsOf(kinds.removed));
          const wanted = ids ?? idsOf(kinds.chunk).filter((id) => !removed.has(id));
          return wanted.flatMap((id) => {
            const bytes = db.get(ordinalKey(kinds.chunk, name, id), { transaction });
            return bytes ? [{ id, bytes }] : [];
          });
        });
        return new Map(await Promise.all(kept.map(async ({ id, bytes }) => [id, await inflateChunk(bytes)] as const)));
      });
    },

    async setAsideChunk(log, id) {
      const name = logIdToBytes(log);
      checkChunkId('id', id);
      return write('setAsideChunk', (db) => {
        const from = ordinalKey(kinds.chunk, name, id);
        const bytes = db.getBinary(from);
        if (!bytes || db.doesExist(ordinalKey(kinds.removed, name, id))) return;
        db.putSync(ordinalKey(kinds.chunkAside, name, id), bytes);
        db.removeSync(from);
        db.removeSync(logKey(kinds.manifest, name));
        const counters = countersOf(db, name);
        putCounters(db, name, { ...counters, revision: counters.revision + 1 });
      });
    },

    logs() {
      return read('logs', (db, transaction) => {
        // A log that is stored has a journal, or had one: then it has counters, or records that were set aside.
        const { journal, aside, counters } = kinds;
        const logs = new Set<string>();
        for (const kind of [journal, aside, counters]) for (const log of logsIn(db, kind, transaction)) logs.add(log);
        return [...logs].sort();
      });
    },

    async forget(log) {
      const name = logIdToBytes(log);
      return write('forget', (db) => {
        const { ownRun, journal, aside, counters, manifest, chunk, removed, chunkAside } = kinds;
        for (const kind of [ownRun, journal, aside, counters, manifest, chunk, removed, chunkAside]) {
          for (const key of keysOf(db, logKey(kind, name))) db.removeSync(key);
        }
      });
    },

    async getMetadata(key) {
      const stored = metadataKey(key);
      return read('getMetadata', (db, transaction) => {
        const sealed = db.get(stored, { transaction });
        return sealed && unseal(stored, sealed, `metadata ${key}`);
      });
    },

    async setMetadata(key, value) {
      const stored = metadataKey(key);
      checkMetadataValue(value);
      return write('setMetadata', (db) => {
        if (value === undefined) db.removeSync(stored);
        else db.putSync(stored, seal(stored, value));
      });
    },

    async replaceMetadata(key, expected, value) {
      const stored = metadataKey(key);
      checkMetadataValue(expected);
      checkMetadataValue(value);
      return write('replaceMetadata', (db) => {
        const sealed = db.getBinary(stored);
        if (!isSame(sealed && unseal(stored, sealed, `metadata ${key}`), expected)) return false;
        if (value === undefined) db.removeSync(stored);
        else db.putSync(stored, seal(stored, value));
        return true;
      });
    },

    scrub() {
      return gate.run('scrub', async () => {
        const env = await environment();
        // One pass at a time. What another storage of this process has begun is finished first: it may be past what was
        // removed since.
        if (env.scrub === undefined) {
          if (env.users === 1) await collectRemoved(env.db, 1);
          env.scrub = { by: gate, pass: new LmdbScrub(env.db, (action) => transact(env.db, action), kinds.filler) };
        }
        const { by, pass } = env.scrub;
        let more = false;
        try {
          more = await pass.step();
        } finally {
          if (!more) env.scrub = undefined;
        }
        return more || by !== gate;
      });
    },

    close() {
      return gate.close(async () => {
        const env = await opening?.catch(() => undefined);
        if (!env) return;
        await closeEnvironment(env);
        await releaseFolder();
      });
    },
  };
}

/** @throws GossipError `storage-failed` with a `reason`, so that a node fails its logs instead of asking for ever. */
function reachable<T>(path: string | URL, use: () => T): T {
  try {
    return use();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GossipError('storage-failed', `folder ${path}: ${why}`, {
      context: { path: String(path), reason: 'unavailable' },
      cause,
    });
  }
}

/** The real path of a folder, made when it is missing. */
function folderOf(path: string | URL): string {
  mkdirSync(path, { recursive: true });
  return realpathSync(path);
}

/**
 * An open environment of this process, shared by its storages: LMDB must not open a folder twice in one process,
 * and one environment lets their commits share transactions.
 */
interface Environment {
  readonly db: Database;
  readonly folder: string;
  /** The format was looked at, and what can go is gone. */
  readonly checked: Promise<void>;
  users: number;
  closing?: Promise<void>;
  /** A pass that is under way, and whose it is. */
  scrub?: { readonly by: CallGate; readonly pass: LmdbScrub } | undefined;
}

const environments = processWide('lmdb-environments', () => new Map<string, Environment>());

async function openEnvironment(folder: string): Promise<Environment> {
  let env = environments.get(folder);
  while (env?.closing) {
    await env.closing;
    env = environments.get(folder);
  }
  if (!env) {
    const db: Database = reachable(folder, () =>
      open({
        path: folder,
        // Without it a folder with a dot in its name is taken for a file.
        noSubdir: false,
        encoding: 'binary',
        keyEncoding: 'binary',
        overlappingSync: false,
        // With it, every failed commit leaves a rejected promise that nobody can handle, which ends the process.
        eventTurnBatching: false,
      }),
    );
    const checked = checkFormat(db, folder).then(() => collectRemoved(db, 0));
    env = { db, folder, checked, users: 0 };
    environments.set(folder, env);
  }
  env.users++;
  try {
    await env.checked;
    return env;
  } catch (error) {
    await closeEnvironment(env);
    throw error;
  }
}

async function closeEnvironment(env: Environment): Promise<void> {
  env.users--;
  if (env.users > 0) return;
  env.closing = env.db.close().finally(() => environments.delete(env.folder));
  await env.closing;
}

function checkFormat(db: Database, folder: string): Promise<void> {
  const key = Uint8Array.of(kinds.format);
  return transact(db, () => {
    const sealed = db.getBinary(key);
    const version = sealed ? unsealNumber(key, sealed, `${folder}: the format version`) : 0;
    if (version === 0) {
      db.putSync(key, sealNumber(key, formatVersion));
    } else if (version !== formatVersion) {
      throw formatError(folder, version, formatVersion);
    }
  });
}

/**
 * Removes for good what packs removed, when nobody can read it any more (P13), and what a scrub left behind. `ownReaders`:
 * rows of the table of readers that this process has.
 */
async function collectRemoved(db: Database, ownReaders: number): Promise<void> {
  const collect = transact(db, () => {
    const { numReaders } = db.getStats() as { readonly numReaders: number };
    if (numReaders > ownReaders) return;
    removeFiller(db, kinds.filler);
    for (const key of [...db.getKeys({ start: Uint8Array.of(kinds.removed), end: Uint8Array.of(kinds.removed + 1) })]) {
      db.removeSync(concat(Uint8Array.of(kinds.chunk), key.subarray(1)));
      db.removeSync(key);
    }
  });
  // On a full disk nothing is removed either; reading goes on. The next opening tries again.
  await collect.catch(() => {});
}

/** Runs `action` in a child transaction: all that it writes, or nothing. Resolves when it is on the disk. */
async function transact<T>(db: Database, action: () => T): Promise<T> {
  try {
    return await db.childTransaction(action);
  } catch (error) {
    // lmdb gives the reason as a promise that rejects; nobody else would handle it.
    throw (await (error as { commitError?: Promise<never> }).commitError?.catch((reason) => reason)) ?? error;
  }
}

function concat(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(head.length + tail.length);
  bytes.set(head);
  bytes.set(tail, head.length);
  return bytes;
}

function logKey(kind: number, name: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(kind, name.length), name);
}

function runKey(name: Uint8Array, writer: WriterId): Uint8Array {
  return concat(logKey(kinds.ownRun, name), writerIdToBytes(writer));
}

function metadataKey(key: string): Uint8Array {
  return concat(Uint8Array.of(kinds.metadata), metadataKeyToBytes(key));
}

function ordinalKey(kind: number, name: Uint8Array, ordinal: number): Uint8Array {
  const bytes = Buffer.alloc(ordinalBytes);
  bytes.writeUIntBE(ordinal, 0, ordinalBytes);
  return concat(logKey(kind, name), bytes);
}

function ordinalOf(key: Uint8Array): number {
  return Buffer.from(key).readUIntBE(key.length - ordinalBytes, ordinalBytes);
}

/** The keys that begin with `prefix` and go on by at most 16 bytes. */
function rangeOf(prefix: Uint8Array): { start: Uint8Array; end: Uint8Array } {
  return { start: prefix, end: concat(prefix, afterAll) };
}

/** Those keys, as a list: what is being removed is not walked over. Runs within a transaction. */
function keysOf(db: Database, prefix: Uint8Array): Uint8Array[] {
  return [...db.getKeys(rangeOf(prefix))];
}

/** Names of the logs that have keys of a kind. One seek per log. */
function* logsIn(db: Database, kind: number, transaction: Transaction): Iterable<string> {
  const end = Uint8Array.of(kind + 1);
  for (let start: Uint8Array = Uint8Array.of(kind); ; ) {
    const key = [...db.getKeys({ start, end, limit: 1, transaction })][0];
    if (!key) return;
    const name = key.subarray(2, 2 + (key[1] as number));
    yield new TextDecoder('utf-8', { ignoreBOM: true }).decode(name);
    start = concat(logKey(kind, name), afterAll);
  }
}

/** Where a log's journal goes on. Runs within a transaction. */
function nextOrdinal(db: Database, name: Uint8Array): number {
  const last = Math.max(lastOrdinal(db, kinds.journal, name), lastOrdinal(db, kinds.aside, name));
  return Math.max(last + 1, countersOf(db, name).nextOrdinal);
}

/** A log's counters. Runs within a transaction: the one given, or the one under way. */
function countersOf(db: Database, name: Uint8Array, transaction?: Transaction): Counters {
  const key = logKey(kinds.counters, name);
  return unsealCounters(key, transaction ? db.get(key, { transaction }) : db.getBinary(key));
}

function putCounters(db: Database, name: Uint8Array, counters: Counters): void {
  const key = logKey(kinds.counters, name);
  db.putSync(key, sealCounters(key, counters));
}

/** The highest ordinal of a log in a keyspace, or -1. Runs within a transaction. */
function lastOrdinal(db: Database, kind: number, name: Uint8Array): number {
  const { start, end } = rangeOf(logKey(kind, name));
  const key = [...db.getKeys({ start: end, end: start, reverse: true, limit: 1 })][0];
  return key ? ordinalOf(key) : -1;
}
