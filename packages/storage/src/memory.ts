/** Storage in memory: for tests, and for nodes that may be thrown away. */
import {
  GossipError,
  type GossipStorage,
  type JournalRecord,
  parseReplicaId,
  type ReplicaId,
  type ReplicaLease,
  type SequenceNumber,
} from '@gossip-log/core';
import { checkEntries, checkMetadataValue, logIdToBytes, metadataKeyToBytes, recordOrdinal } from './arguments.js';
import { CallGate } from './call-gate.js';
import { planCommit } from './commit-plan.js';

/** Rises when older code could misread what newer code keeps on a disk that both were given. */
const formatVersion = 1;

interface MemoryLog {
  readonly journal: Map<number, Uint8Array>;
  readonly aside: Map<number, Uint8Array>;
  readonly heads: Map<ReplicaId, SequenceNumber>;
  nextOrdinal: number;
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
  /** The pool: replica → who holds it. @internal */
  readonly replicas = new Map<ReplicaId, ReplicaLease | undefined>();
  /** What the storage found here was written with. A test may raise it, as a newer version would (P10). */
  formatVersion = formatVersion;
  /** Rises with every crash; a storage of an earlier boot is dead. @internal */
  boot = 0;

  /** Kills everything that runs over this disk: storages reject with `storage-closed`, their leases end. */
  crash(): void {
    this.boot++;
    for (const replica of this.replicas.keys()) this.replicas.set(replica, undefined);
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
  const disk = options.disk ?? new MemoryDisk();
  const boot = disk.boot;
  const leases = new Set<ReplicaLease>();
  const gate = new CallGate();

  function run<T>(what: string, call: () => T): Promise<T> {
    return gate.run(what, () => {
      if (disk.boot !== boot) throw new GossipError('storage-closed', `${what}: the disk crashed`);
      if (disk.formatVersion > formatVersion) {
        throw new GossipError('storage-format', `${what}: the disk has format ${disk.formatVersion}`);
      }
      return call();
    });
  }

  return {
    leaseReplica(create) {
      return run('leaseReplica', () => {
        const idle = [...disk.replicas].find(([, held]) => held === undefined)?.[0];
        const replica = idle ?? parseReplicaId(create());
        if (idle === undefined && disk.replicas.has(replica)) {
          throw new RangeError(`create: ${replica} is in the pool already`);
        }
        const lease: ReplicaLease = {
          replica,
          async release() {
            leases.delete(lease);
            if (disk.replicas.get(replica) === lease) disk.replicas.set(replica, undefined);
          },
        };
        leases.add(lease);
        disk.replicas.set(replica, lease);
        return lease;
      });
    },

    async load(log) {
      logIdToBytes(log);
      return run('load', () => {
        const stored = disk.logs.get(log);
        const records = [...(stored?.journal ?? [])].map(
          ([ordinal, block]): JournalRecord => ({ key: String(ordinal), block: block.slice() }),
        );
        return { records, heads: new Map(stored?.heads) };
      });
    },

    async commit(log, entries, { repair = false }) {
      logIdToBytes(log);
      checkEntries(entries);
      return run('commit', () => {
        const stored = disk.logs.get(log) ?? { journal: new Map(), aside: new Map(), heads: new Map(), nextOrdinal: 0 };
        const { blocks, heads } = planCommit(log, entries, stored.heads, repair);
        for (const block of blocks) stored.journal.set(stored.nextOrdinal++, block.slice());
        for (const [replica, head] of heads) stored.heads.set(replica, head);
        if (blocks.length > 0) disk.logs.set(log, stored);
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

    logs() {
      return run('logs', () => [...disk.logs.keys()].sort());
    },

    async forget(log) {
      logIdToBytes(log);
      return run('forget', () => {
        for (const replica of disk.logs.get(log)?.heads.keys() ?? []) disk.replicas.delete(replica);
        disk.logs.delete(log);
      });
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

    close() {
      return gate.close(async () => {
        for (const lease of leases) await lease.release();
      });
    },
  };
}
