/** Storage in memory: for tests, and for nodes that may be thrown away. */
import { checkOptions, GossipError, type GossipStorage, type JournalRecord, type WriterId } from '@gossip-log/core';
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
import { formatError } from './format-error.js';
import { planNotes, type RunNote, runsOfNotes, runsTouched } from './own-runs.js';
import { type Counters, noCounters, planPack } from './pack-plan.js';

/** Rises when another version could misread what this one keeps on a disk that both were given. */
const formatVersion = 5;

interface MemoryLog {
  readonly journal: Map<number, Uint8Array>;
  readonly aside: Map<number, Uint8Array>;
  readonly ownRuns: Map<WriterId, RunNote>;
  readonly chunks: Map<number, Uint8Array>;
  /** Chunks that a pack removed, while several storages are open. */
  readonly removed: Set<number>;
  readonly chunksAside: Map<number, Uint8Array>;
  manifest: Uint8Array | undefined;
  counters: Counters;
}

/**
 * What outlives a memory storage. Several storages over one disk are like several processes or tabs; a new
 * storage over the same disk is like a restart.
 */
export class MemoryDisk {
  /** @internal */
  readonly logs = new Map<string, MemoryLog>();
  /** @internal */
  readonly metadata = new Map<string, Uint8Array>();
  /** What the storage found here was written with. A test may change it, as another version would (P10). */
  formatVersion = formatVersion;
  /** Storages that are open. @internal */
  readonly open = new Set<object>();
  /** Rises with every crash; a storage of an earlier boot is dead. @internal */
  boot = 0;

  /** Forgets what packs removed, unless a storage may still read it (P13). @internal */
  collect(logs: Iterable<MemoryLog>): void {
    if (this.open.size > 1) return;
    for (const { chunks, removed } of logs) {
      for (const id of removed) chunks.delete(id);
      removed.clear();
    }
  }

  /** Kills everything that runs over this disk: storages reject with `storage-closed`. */
  crash(): void {
    this.boot++;
    this.open.clear();
  }
}

/** Options of `memoryStorage`. */
export interface MemoryStorageOptions {
  /** What the storage stands on. Default: a disk of its own, gone with it. */
  readonly disk?: MemoryDisk;
}

/**
 * Keeps everything in memory. `strict` and `relaxed` are the same here: both survive `disk.crash()`, neither the
 * end of the process.
 *
 * @example
 * ```ts
 * import { MemoryDisk, memoryStorage } from '@gossip-log/storage/memory';
 *
 * const disk = new MemoryDisk();
 * const before = memoryStorage({ disk });
 * await before.setMetadata('greeting', Uint8Array.of(1));
 * await before.close();
 *
 * const after = memoryStorage({ disk });
 * await after.getMetadata('greeting'); // Uint8Array [1]
 * ```
 */
export function memoryStorage(options: MemoryStorageOptions = {}): GossipStorage {
  checkOptions('memoryStorage', options, { disk: 'object' });
  const disk = options.disk ?? new MemoryDisk();
  const boot = disk.boot;
  const gate = new CallGate();
  disk.open.add(gate);
  disk.collect(disk.logs.values());

  function run<T>(what: string, call: () => T): Promise<T> {
    return gate.run(what, () => {
      if (disk.boot !== boot) throw new GossipError('storage-closed', `${what}: the disk crashed`);
      if (disk.formatVersion !== formatVersion) {
        throw formatError('the disk', disk.formatVersion, formatVersion);
      }
      return call();
    });
  }

  return {
    async load(log) {
      logIdToBytes(log);
      return run('load', () => {
        const stored = disk.logs.get(log);
        const records = [...(stored?.journal ?? [])].map(
          ([ordinal, block]): JournalRecord => ({ key: String(ordinal), block: block.slice() }),
        );
        const { revision, nextChunkId } = stored?.counters ?? noCounters;
        const manifest = stored?.manifest?.slice();
        return { records, ...runsOfNotes(stored?.ownRuns ?? []), revision, nextChunkId, manifest };
      });
    },

    async commit(log, entries, options) {
      logIdToBytes(log);
      checkEntries(entries);
      const { ownRuns = new Map(), sent = new Map(), instead } = options;
      checkOwnRuns(ownRuns);
      checkOwnRuns(sent);
      const replaced = instead === undefined ? [] : checkReplaced(instead);
      return run('commit', () => {
        const stored = disk.logs.get(log) ?? newLog();
        const before = new Map([...stored.ownRuns].filter(([writer]) => runsTouched(options).has(writer)));
        const notes = planNotes(
          log,
          options,
          before,
          replaced.every((ordinal) => stored.journal.has(ordinal)),
        );
        for (const ordinal of replaced) stored.journal.delete(ordinal);
        const keys = entries.map(({ block }) => {
          const { nextOrdinal } = stored.counters;
          stored.journal.set(nextOrdinal, block.slice());
          stored.counters = { ...stored.counters, nextOrdinal: nextOrdinal + 1 };
          return String(nextOrdinal);
        });
        for (const [writer, note] of notes) {
          if (note === undefined) stored.ownRuns.delete(writer);
          else stored.ownRuns.set(writer, note);
        }
        if (isWritten(stored)) disk.logs.set(log, stored);
        return keys;
      });
    },

    async isShared() {
      return disk.open.size > 1;
    },

    async settleRun(log, writer, upTo) {
      logIdToBytes(log);
      checkOwnRuns(new Map([[writer, upTo]]));
      return run('settleRun', () => {
        const ownRuns = disk.logs.get(log)?.ownRuns;
        if ((ownRuns?.get(writer)?.last ?? 0) <= upTo) ownRuns?.delete(writer);
      });
    },

    async setAside(log, key) {
      logIdToBytes(log);
      const ordinal = recordOrdinal(key);
      return run('setAside', () => {
        const stored = disk.logs.get(log);
        const block = stored?.journal.get(ordinal);
        if (!stored || !block) return;
        stored.journal.delete(ordinal);
        stored.aside.set(ordinal, block);
      });
    },

    async pack(log, packing) {
      logIdToBytes(log);
      const ordinals = checkPacking(packing);
      return run('pack', () => {
        const { manifest, add, remove } = packing;
        const stored = disk.logs.get(log) ?? newLog();
        const { counters } = stored;
        stored.counters = planPack(log, packing, counters, isWritten(stored), counters.nextOrdinal);
        stored.manifest = manifest.slice();
        for (const id of remove) {
          if (stored.chunks.has(id)) stored.removed.add(id);
        }
        for (const { id, bytes } of add) stored.chunks.set(id, bytes.slice());
        for (const ordinal of ordinals) stored.journal.delete(ordinal);
        disk.collect([stored]);
      });
    },

    async readChunks(log, ids) {
      logIdToBytes(log);
      if (ids) checkChunkIds('ids', ids);
      return run('readChunks', () => {
        const { chunks, removed } = disk.logs.get(log) ?? newLog();
        const found = new Map<number, Uint8Array>();
        for (const id of ids ?? [...chunks.keys()].filter((each) => !removed.has(each))) {
          const bytes = chunks.get(id);
          if (bytes) found.set(id, bytes.slice());
        }
        return found;
      });
    },

    async setAsideChunk(log, id) {
      logIdToBytes(log);
      checkChunkId('id', id);
      return run('setAsideChunk', () => {
        const stored = disk.logs.get(log);
        const bytes = stored?.chunks.get(id);
        if (!stored || !bytes || stored.removed.has(id)) return;
        stored.chunks.delete(id);
        stored.chunksAside.set(id, bytes);
        stored.manifest = undefined;
        stored.counters = { ...stored.counters, revision: stored.counters.revision + 1 };
      });
    },

    logs() {
      return run('logs', () => [...disk.logs.keys()].sort());
    },

    async forget(log) {
      logIdToBytes(log);
      return run('forget', () => void disk.logs.delete(log));
    },

    async getMetadata(key) {
      metadataKeyToBytes(key);
      return run('getMetadata', () => disk.metadata.get(key)?.slice());
    },

    async setMetadata(key, value) {
      metadataKeyToBytes(key);
      checkMetadataValue(value);
      return run('setMetadata', () => {
        if (value === undefined) disk.metadata.delete(key);
        else disk.metadata.set(key, value.slice());
      });
    },

    async replaceMetadata(key, expected, value) {
      metadataKeyToBytes(key);
      checkMetadataValue(expected);
      checkMetadataValue(value);
      return run('replaceMetadata', () => {
        if (!isSame(disk.metadata.get(key), expected)) return false;
        if (value === undefined) disk.metadata.delete(key);
        else disk.metadata.set(key, value.slice());
        return true;
      });
    },

    close() {
      return gate.close(async () => {
        disk.open.delete(gate);
      });
    },
  };
}

/** Was anything ever stored of it? */
function isWritten({ ownRuns, counters }: MemoryLog): boolean {
  return ownRuns.size > 0 || counters.nextOrdinal > 0;
}

function newLog(): MemoryLog {
  return {
    journal: new Map(),
    aside: new Map(),
    ownRuns: new Map(),
    chunks: new Map(),
    removed: new Set(),
    chunksAside: new Map(),
    manifest: undefined,
    counters: noCounters,
  };
}
