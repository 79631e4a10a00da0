/**
 * The rules of the storage port as tests. Whoever writes a storage gives a harness of four functions and gets
 * them all, under titles that begin with the rule's number.
 *
 * What a contract cannot show is for each storage's own tests: crashes (P1), power (P2), the end of a process that
 * holds a lease (P8).
 */
import {
  type GossipStorage,
  type JournalEntry,
  limits,
  type Packing,
  type ReplicaId,
  type Run,
  replicaIdFromBytes,
  type Truncation,
} from '@gossip-log/core';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

/** How the contract handles a storage. A disk is whatever outlives one: a folder, a database's name. */
export interface StorageHarness<Disk> {
  /** A disk with nothing on it. */
  create(): Promise<Disk>;
  /** Opens a storage over a disk, as another process or tab would, beside those that are open. */
  open(disk: Disk): Promise<GossipStorage>;
  /** Removes a disk. Every storage over it is closed by then. */
  destroy(disk: Disk): Promise<void>;
  /** Marks a disk, which no storage has open, as written by a newer format (P10). */
  makeNewer(disk: Disk): Promise<void>;
}

const strict = { durability: 'strict' } as const;
const relaxed = { durability: 'relaxed' } as const;
const text = new TextEncoder();

/** A replica id that is the same in every run. */
function replica(number: number): ReplicaId {
  return replicaIdFromBytes(new Uint8Array(limits.replicaIdBytes).fill(number));
}

function entry(origin: JournalEntry['origin'], block: string, ...runs: Run[]): JournalEntry {
  return { origin, block: text.encode(block), runs };
}

function run(writer: ReplicaId, first: number, last = first): Run {
  return { replica: writer, first, last };
}

async function blocksOf(storage: GossipStorage, log: string): Promise<string[]> {
  const { records } = await storage.load(log);
  return records.map((record) => new TextDecoder().decode(record.block));
}

async function headsOf(storage: GossipStorage, log: string): Promise<[ReplicaId, number][]> {
  const { heads } = await storage.load(log);
  return [...heads].sort();
}

/** A pack from a revision that changes nothing but what it is given. */
function packing(revision: number, given: Partial<Packing> = {}): Packing {
  return { revision, manifest: text.encode(`after ${revision}`), add: [], remove: [], packed: [], ...given };
}

function chunk(id: number, bytes = `chunk ${id}`): { id: number; bytes: Uint8Array } {
  return { id, bytes: text.encode(bytes) };
}

async function chunksOf(storage: GossipStorage, log: string, ids?: readonly number[]): Promise<[number, string][]> {
  const chunks = await storage.readChunks(log, ids);
  return [...chunks].map(([id, bytes]): [number, string] => [id, new TextDecoder().decode(bytes)]).sort();
}

async function manifestOf(
  storage: GossipStorage,
  log: string,
): Promise<[revision: number, manifest: string | undefined]> {
  const { revision, manifest } = await storage.load(log);
  return [revision, manifest && new TextDecoder().decode(manifest)];
}

/** Registers the contract's tests for one storage. Called at the top of a vitest file. */
export function storageContract<Disk>(name: string, harness: StorageHarness<Disk>): void {
  const [a, b, c] = [replica(1), replica(2), replica(3)];

  describe(name, () => {
    let disk: Disk;
    let storage: GossipStorage;
    let opened: GossipStorage[];

    async function open(): Promise<GossipStorage> {
      const another = await harness.open(disk);
      opened.push(another);
      return another;
    }

    async function reopen(): Promise<void> {
      await storage.close();
      storage = await open();
    }

    beforeEach(async () => {
      opened = [];
      disk = await harness.create();
      storage = await open();
    });

    afterEach(async () => {
      for (const each of opened) await each.close();
      await harness.destroy(disk);
    });

    test('[P1] a commit that is refused in its last entry leaves nothing of the first', async () => {
      await storage.commit('log', [entry('own', 'one', run(a, 1))], strict);
      const entries = [entry('received', 'two', run(b, 1, 3)), entry('own', 'three', run(a, 3))];
      await expect(storage.commit('log', entries, strict)).rejects.toMatchObject({ code: 'head-conflict' });
      await reopen();
      expect(await blocksOf(storage, 'log')).toEqual(['one']);
      expect(await headsOf(storage, 'log')).toEqual([[a, 1]]);
    });

    test('[P1] of many commits at once the refused ones take nothing of the others with them', async () => {
      const other = await open();
      const outcomes = await Promise.allSettled(
        [1, 3, 2, 2, 5, 3].map((first, i) =>
          (i % 2 ? other : storage).commit(`log ${i % 2}`, [entry('own', `${i}: ${first}`, run(a, first))], strict),
        ),
      );
      expect(outcomes.map(({ status }) => status)).toEqual([
        'fulfilled',
        'rejected',
        'fulfilled',
        'rejected',
        'rejected',
        'rejected',
      ]);
      expect(await blocksOf(storage, 'log 0')).toEqual(['0: 1', '2: 2']);
      expect(await storage.logs()).toEqual(['log 0']);
    });

    test('[P2] a commit that resolved is there for other storages at once, and after reopening', async () => {
      const other = await open();
      expect(await blocksOf(other, 'log')).toEqual([]);
      await storage.commit('log', [entry('own', 'strict', run(a, 1))], strict);
      expect(await blocksOf(other, 'log')).toEqual(['strict']);
      await other.commit('log', [entry('received', 'relaxed', run(b, 1))], relaxed);
      expect(await blocksOf(storage, 'log')).toEqual(['strict', 'relaxed']);
      await other.close();
      await reopen();
      expect(await blocksOf(storage, 'log')).toEqual(['strict', 'relaxed']);
    });

    test('[P2] a strict commit of what another wrote relaxed resolves and writes no second record', async () => {
      const entries = [entry('received', 'once', run(b, 1, 2))];
      await storage.commit('log', entries, relaxed);
      await storage.commit('log', entries, strict);
      expect(await blocksOf(storage, 'log')).toEqual(['once']);
      expect(await headsOf(storage, 'log')).toEqual([[b, 2]]);
    });

    test('[P3] own entries follow the head, each the one before it in the same commit too', async () => {
      await storage.commit('log', [entry('own', 'one', run(a, 1, 4)), entry('own', 'two', run(a, 5))], strict);
      await storage.commit('log', [entry('own', 'three', run(a, 6))], strict);
      expect(await headsOf(storage, 'log')).toEqual([[a, 6]]);
      for (const first of [1, 6, 8]) {
        await expect(storage.commit('log', [entry('own', 'no', run(a, first, 9))], strict)).rejects.toMatchObject({
          code: 'head-conflict',
        });
      }
      expect(await blocksOf(storage, 'log')).toEqual(['one', 'two', 'three']);
    });

    test('[P3] of two storages that write the same sequence number at once, one is refused', async () => {
      const other = await open();
      const outcomes = await Promise.allSettled([
        storage.commit('log', [entry('own', 'mine', run(a, 1))], strict),
        other.commit('log', [entry('own', 'theirs', run(a, 1))], strict),
      ]);
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect(await blocksOf(storage, 'log')).toHaveLength(1);
    });

    test('[P3] an own entry meets a head that a received one raised', async () => {
      await storage.commit('log', [entry('received', 'from a peer', run(a, 1, 3))], relaxed);
      await expect(storage.commit('log', [entry('own', 'no', run(a, 1))], strict)).rejects.toMatchObject({
        code: 'head-conflict',
      });
      await storage.commit('log', [entry('own', 'yes', run(a, 4))], strict);
      expect(await headsOf(storage, 'log')).toEqual([[a, 4]]);
    });

    test('[P4] a received entry is skipped when heads cover all its runs, and only then', async () => {
      await storage.commit('log', [entry('received', 'one', run(a, 1, 3), run(b, 1))], relaxed);
      const entries = [
        entry('received', 'covered', run(a, 2, 3), run(b, 1)),
        entry('received', 'half covered', run(a, 3), run(b, 2)),
        entry('received', 'covered by the one before', run(b, 2)),
      ];
      await storage.commit('log', entries, relaxed);
      expect(await blocksOf(storage, 'log')).toEqual(['one', 'half covered']);
      expect(await headsOf(storage, 'log')).toEqual([
        [a, 3],
        [b, 2],
      ]);
    });

    test('[P4] with repair a covered entry is written, and no head falls', async () => {
      await storage.commit('log', [entry('received', 'one', run(a, 1, 3))], relaxed);
      await storage.commit('log', [entry('received', 'again', run(a, 1, 2))], { ...relaxed, repair: true });
      expect(await blocksOf(storage, 'log')).toEqual(['one', 'again']);
      expect(await headsOf(storage, 'log')).toEqual([[a, 3]]);
    });

    test('[P4] a commit gives the key of each record it wrote, and none for what it skipped', async () => {
      const other = await open();
      await other.commit('log', [entry('received', 'known', run(b, 1))], relaxed);
      const entries = [
        entry('own', 'one', run(a, 1)),
        entry('received', 'known', run(b, 1)),
        entry('received', 'two', run(b, 2)),
      ];
      const keys = await storage.commit('log', entries, strict);
      const { records } = await storage.load('log');
      expect(keys).toEqual([records[1]?.key, undefined, records[2]?.key]);
      expect(records[2]?.key).toEqual(expect.any(String));
      expect(await storage.commit('log', entries.slice(1), strict)).toEqual([undefined, undefined]);
      expect(await storage.commit('log', [], strict)).toEqual([]);
      const [again] = await storage.commit('log', entries.slice(1, 2), { ...strict, repair: true });
      expect((await storage.load('log')).records.at(-1)?.key).toBe(again);
    });

    test('[P5] records load in the order written, also when they are many and of several storages', async () => {
      const other = await open();
      const expected: string[] = [];
      for (let i = 0; i < 20; i++) {
        const entries = Array.from({ length: 30 }, (_, j) => entry('own', `${i}.${j}`, run(a, i * 30 + j + 1)));
        await (i % 2 ? other : storage).commit('log', entries, relaxed);
        expected.push(...entries.map(({ block }) => new TextDecoder().decode(block)));
      }
      expect(await blocksOf(storage, 'log')).toEqual(expected);
      const { records } = await storage.load('log');
      expect(new Set(records.map(({ key }) => key)).size).toBe(expected.length);
    });

    test('[P5] a block comes back byte for byte, from one byte to the largest', async () => {
      const blocks = [1, 1000, limits.blockBytesMax].map((length) =>
        Uint8Array.from({ length }, (_, i) => (i * 31 + length) & 255),
      );
      const entries = blocks.map((block, i): JournalEntry => ({ origin: 'own', block, runs: [run(a, i + 1)] }));
      await storage.commit('log', entries, strict);
      await reopen();
      const { records } = await storage.load('log');
      // Compared as numbers of differences: printing a megabyte helps nobody.
      const differences = blocks.map((block, i) => block.findIndex((byte, at) => records[i]?.block[at] !== byte));
      expect(differences).toEqual([-1, -1, -1]);
      expect(records.map(({ block }) => block.length)).toEqual(blocks.map(({ length }) => length));
    });

    test('[P6] a record set aside no longer loads, the head stays, and its key is not given again', async () => {
      const entries = [1, 2, 3].map((seq) => entry('own', `${seq}`, run(a, seq)));
      await storage.commit('log', entries, strict);
      const last = (await storage.load('log')).records[2]?.key as string;
      await storage.setAside('log', last);
      await storage.setAside('log', last);
      await reopen();
      expect(await blocksOf(storage, 'log')).toEqual(['1', '2']);
      expect(await headsOf(storage, 'log')).toEqual([[a, 3]]);
      await storage.commit('log', [entry('own', '4', run(a, 4))], strict);
      const { records } = await storage.load('log');
      expect(records).toHaveLength(3);
      expect(records[2]?.key).not.toBe(last);
    });

    test('[P6] a log whose records are all set aside is still there', async () => {
      await storage.commit('log', [entry('own', 'one', run(a, 1))], strict);
      const { records } = await storage.load('log');
      for (const { key } of records) await storage.setAside('log', key);
      expect(await storage.logs()).toEqual(['log']);
      expect(await headsOf(storage, 'log')).toEqual([[a, 1]]);
    });

    test('[P7] logs of any name live side by side, and forgetting one touches no other', async () => {
      const names = [
        'a',
        'ab',
        'a/b',
        'a\u0000',
        'a\u0000b',
        '\u0000',
        '\u0001',
        '\ufeffa',
        '\uffff',
        'ÿ',
        '👩‍👩‍👧',
        '../a',
        'A',
        'log 1',
        'é',
        'e\u0301',
        '__proto__',
        'x'.repeat(limits.logIdBytesMax),
        'x'.repeat(limits.logIdBytesMax - 1),
      ];
      for (const log of names) {
        await storage.commit(log, [entry('own', `in ${log}`, run(a, 1, 2))], relaxed);
        await storage.pack(log, packing(0, { add: [chunk(0), chunk(1), chunk(2, `chunk of ${log}`)] }));
        await storage.pack(log, packing(1, { remove: [1, 0] }));
      }
      expect(await storage.logs()).toEqual([...names].sort());
      for (let left = [...names]; left.length > 0; left = left.slice(1)) {
        for (const log of left) {
          expect(await blocksOf(storage, log)).toEqual([`in ${log}`]);
          expect(await headsOf(storage, log)).toEqual([[a, 2]]);
          expect(await manifestOf(storage, log)).toEqual([2, 'after 1']);
          expect(await chunksOf(storage, log)).toEqual([[2, `chunk of ${log}`]]);
        }
        await storage.forget(left[0] as string);
        const none = { records: [], heads: new Map(), truncations: [] };
        const nothing = { ...none, revision: 0, nextChunkId: 0, manifest: undefined };
        expect(await storage.load(left[0] as string)).toEqual(nothing);
        expect(await chunksOf(storage, left[0] as string, [0, 1, 2])).toEqual([]);
        expect(await storage.logs()).toEqual(left.slice(1).sort());
      }
    });

    test('[P7] forgetting leaves metadata, and the log can begin again', async () => {
      await storage.setMetadata('key', Uint8Array.of(1));
      await storage.commit('log', [entry('own', 'old', run(a, 1))], strict);
      await storage.forget('log');
      await storage.forget('never written');
      await reopen();
      expect(await storage.logs()).toEqual([]);
      expect(await storage.getMetadata('key')).toEqual(Uint8Array.of(1));
      await storage.commit('log', [entry('own', 'new', run(b, 1))], strict);
      expect(await blocksOf(storage, 'log')).toEqual(['new']);
    });

    test('[P7] a packed log that is forgotten leaves nothing, also of chunks set aside, and can be packed anew', async () => {
      for (let round = 0; round < 2; round++) {
        await storage.commit('log', [entry('own', 'one', run(a, 1))], strict);
        expect(await manifestOf(storage, 'log')).toEqual([0, undefined]);
        await storage.pack('log', packing(0, { add: [chunk(0), chunk(1)] }));
        await storage.setAsideChunk('log', 0);
        await storage.forget('log');
        expect(await chunksOf(storage, 'log')).toEqual([]);
        expect(await storage.logs()).toEqual([]);
      }
    });

    test('[P8] holders have different ids, and a released one is leased again', async () => {
      const other = await open();
      let drawn = 10;
      const create = () => replica(drawn++);
      const one = await storage.leaseReplica(create);
      const two = await storage.leaseReplica(create);
      const three = await other.leaseReplica(create);
      expect(new Set([one, two, three].map((lease) => lease.replica)).size).toBe(3);
      await two.release();
      await two.release();
      expect((await other.leaseReplica(create)).replica).toBe(two.replica);
      expect(drawn).toBe(13);
    });

    test('[P8] ids do not grow in number with storages that come and go, each one and several at once', async () => {
      let drawn = 10;
      const create = () => replica(drawn++);
      for (let i = 0; i < 4; i++) {
        const [one, two] = await Promise.all([open(), open()]);
        const leases = await Promise.all([one.leaseReplica(create), two.leaseReplica(create)]);
        expect(leases[0].replica).not.toBe(leases[1].replica);
        await Promise.all([one.close(), two.close()]);
        await leases[0].release();
      }
      expect(drawn).toBe(12);
    });

    test('[P8] an id that wrote in a forgotten log is not leased again, for its heads are gone', async () => {
      const writer = await storage.leaseReplica(() => a);
      const idle = await storage.leaseReplica(() => b);
      await storage.commit('log', [entry('own', 'one', run(writer.replica, 1))], strict);
      await storage.forget('log');
      await writer.release();
      await idle.release();
      expect((await storage.leaseReplica(() => c)).replica).toBe(b);
      expect((await storage.leaseReplica(() => c)).replica).toBe(c);
    });

    test('[P9] after close every call rejects, and closing again is nothing', async () => {
      const lease = await storage.leaseReplica(() => a);
      const underWay = storage.commit('log', [entry('own', 'one', run(a, 1))], strict);
      await Promise.all([storage.close(), storage.close()]);
      await underWay;
      const calls = [
        () => storage.leaseReplica(() => b),
        () => storage.load('log'),
        () => storage.commit('log', [entry('own', 'two', run(a, 2))], strict),
        () => storage.setAside('log', '0'),
        () => storage.pack('log', packing(0)),
        () => storage.readChunks('log'),
        () => storage.setAsideChunk('log', 0),
        () => storage.logs(),
        () => storage.forget('log'),
        () => storage.getMetadata('key'),
        () => storage.setMetadata('key', undefined),
      ];
      for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'storage-closed' });
      await lease.release();
      await storage.close();
      expect(await blocksOf(await open(), 'log')).toEqual(['one']);
    });

    test('[P10] a store of a newer format is refused, and left as it is', async () => {
      await storage.commit('log', [entry('own', 'one', run(a, 1))], strict);
      await storage.close();
      await harness.makeNewer(disk);
      storage = await open();
      for (let i = 0; i < 2; i++) {
        await expect(storage.load('log')).rejects.toMatchObject({ code: 'storage-format' });
        await expect(storage.forget('log')).rejects.toMatchObject({ code: 'storage-format' });
      }
    });

    test('[P11] bytes given in may change afterwards, bytes given out belong to the caller', async () => {
      // A view into the middle of a larger buffer, as blocks cut from a frame are.
      const block = new Uint8Array(64).fill(7).subarray(8, 12);
      const value = new Uint8Array(64).fill(9).subarray(8, 12);
      await storage.commit('log', [{ origin: 'own', block, runs: [run(a, 1)] }], strict);
      await storage.setMetadata('key', value);
      block.fill(0);
      value.fill(0);
      for (let i = 0; i < 2; i++) {
        const { records, heads } = await storage.load('log');
        expect([...(records[0]?.block ?? [])]).toEqual([7, 7, 7, 7]);
        records[0]?.block.fill(0);
        (heads as Map<ReplicaId, number>).clear();
        const stored = await storage.getMetadata('key');
        expect([...(stored ?? [])]).toEqual([9, 9, 9, 9]);
        stored?.fill(0);
        // A Buffer would share its bytes with what is cut from it.
        expect(Object.getPrototypeOf(records[0]?.block)).toBe(Uint8Array.prototype);
        expect(Object.getPrototypeOf(stored)).toBe(Uint8Array.prototype);
      }
      expect(await headsOf(storage, 'log')).toEqual([[a, 1]]);
    });

    test('[P11] the same of chunks and manifests', async () => {
      await storage.commit('log', [entry('own', 'one', run(a, 1))], strict);
      const bytes = new Uint8Array(64).fill(7).subarray(8, 12);
      const manifest = new Uint8Array(64).fill(9).subarray(8, 12);
      await storage.pack('log', packing(0, { manifest, add: [{ id: 0, bytes }] }));
      bytes.fill(0);
      manifest.fill(0);
      for (let i = 0; i < 2; i++) {
        const chunks = await storage.readChunks('log');
        const stored = await storage.load('log');
        const given = [chunks.get(0), stored.manifest];
        expect(given).toEqual([new Uint8Array(4).fill(7), new Uint8Array(4).fill(9)]);
        for (const each of given) {
          expect(Object.getPrototypeOf(each)).toBe(Uint8Array.prototype);
          each?.fill(0);
        }
        (chunks as Map<number, Uint8Array>).clear();
      }
    });

    test('[P12] a pack puts chunks and a manifest in the place of records, for all storages and after reopening', async () => {
      const other = await open();
      const [one, two] = await storage.commit(
        'log',
        [1, 2, 3].map((seq) => entry('own', `${seq}`, run(a, seq))),
        strict,
      );
      const add = [chunk(0), chunk(1)];
      await storage.pack('log', packing(0, { add, packed: [one as string, two as string, '999'], remove: [77] }));
      for (let i = 0; i < 2; i++) {
        for (const each of [storage, other]) {
          expect(await blocksOf(each, 'log')).toEqual(['3']);
          expect(await headsOf(each, 'log')).toEqual([[a, 3]]);
          expect(await manifestOf(each, 'log')).toEqual([1, 'after 0']);
          expect((await each.load('log')).nextChunkId).toBe(2);
          expect(await chunksOf(each, 'log')).toEqual([
            [0, 'chunk 0'],
            [1, 'chunk 1'],
          ]);
          expect(await chunksOf(each, 'log', [1, 5])).toEqual([[1, 'chunk 1']]);
          expect(await chunksOf(each, 'log', [])).toEqual([]);
        }
        await reopen();
      }
      expect(await storage.logs()).toEqual(['log']);
    });

    test('[P12] a pack from another revision, or of a log that is not stored, is refused and changes nothing', async () => {
      const other = await open();
      const conflict = { code: 'head-conflict' };
      await expect(storage.pack('log', packing(0, { add: [chunk(0)] }))).rejects.toMatchObject(conflict);
      expect(await storage.logs()).toEqual([]);
      expect(await chunksOf(storage, 'log', [0])).toEqual([]);

      const keys = await storage.commit('log', [entry('own', 'one', run(a, 1))], strict);
      await storage.pack('log', packing(0, { add: [chunk(0)] }));
      await other.pack('log', packing(1));
      for (const revision of [0, 1, 3]) {
        const stale = packing(revision, { add: [chunk(4)], remove: [0], packed: keys as string[] });
        await expect(storage.pack('log', stale)).rejects.toMatchObject({
          ...conflict,
          context: { log: 'log', revision: 2 },
        });
      }
      expect(await manifestOf(storage, 'log')).toEqual([2, 'after 1']);
      expect((await storage.load('log')).nextChunkId).toBe(1);
      expect(await blocksOf(storage, 'log')).toEqual(['one']);
      expect(await chunksOf(storage, 'log', [0, 4])).toEqual([[0, 'chunk 0']]);
    });

    test('[P12] of two packs at once one is refused, and takes nothing of the other with it', async () => {
      const other = await open();
      await storage.commit('log', [entry('own', 'one', run(a, 1))], strict);
      const outcomes = await Promise.allSettled([
        storage.pack('log', packing(0, { add: [chunk(0, 'mine'), chunk(1, 'mine')] })),
        other.pack('log', packing(0, { add: [chunk(0, 'theirs'), chunk(2, 'theirs')] })),
      ]);
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      const chunks = await chunksOf(storage, 'log', [0, 1, 2]);
      expect(chunks).toHaveLength(2);
      expect(new Set(chunks.map(([, bytes]) => bytes)).size).toBe(1);
    });

    test('[P13] the key of a packed record is not given again, nor the id of a removed chunk', async () => {
      const keys = await storage.commit(
        'log',
        [1, 2].map((seq) => entry('own', `${seq}`, run(a, seq))),
        strict,
      );
      await storage.pack('log', packing(0, { add: [chunk(0), chunk(9)], packed: keys as string[] }));
      await storage.pack('log', packing(1, { remove: [9] }));
      await reopen();
      const [key] = await storage.commit('log', [entry('own', '3', run(a, 3))], strict);
      expect(keys).not.toContain(key);
      expect((await storage.load('log')).nextChunkId).toBe(10);
      for (const id of [0, 5, 9]) {
        await expect(storage.pack('log', packing(2, { add: [chunk(id)] }))).rejects.toMatchObject({
          code: 'storage-failed',
          message: expect.stringContaining('expected ids from 10'),
        });
      }
      await storage.pack('log', packing(2, { add: [chunk(limits.chunkIdMax)] }));
      expect((await storage.load('log')).nextChunkId).toBe(limits.chunkIdMax + 1);
      expect(await chunksOf(storage, 'log', [0])).toEqual([[0, 'chunk 0']]);
    });

    test('[P13] a removed chunk stays readable by id while a storage that had the store open is left', async () => {
      const reader = await open();
      await storage.commit('log', [entry('own', 'one', run(a, 1))], strict);
      await storage.pack('log', packing(0, { add: [chunk(0), chunk(1)] }));
      expect((await reader.load('log')).revision).toBe(1);
      await storage.pack('log', packing(1, { add: [chunk(2)], remove: [0] }));
      await storage.close();
      storage = await open();
      expect((await storage.load('log')).revision).toBe(2);
      await storage.pack('log', packing(2, { remove: [0, 1] }));
      expect(await chunksOf(reader, 'log', [0, 1])).toEqual([
        [0, 'chunk 0'],
        [1, 'chunk 1'],
      ]);
      for (const each of [reader, storage]) expect(await chunksOf(each, 'log')).toEqual([[2, 'chunk 2']]);

      await Promise.all([reader.close(), storage.close()]);
      storage = await open();
      expect(await chunksOf(storage, 'log', [0, 1, 2])).toEqual([[2, 'chunk 2']]);
      expect(await manifestOf(storage, 'log')).toEqual([3, 'after 2']);
    });

    test('[P14] a chunk set aside is not read any more, the manifest is gone, and a pack under way is refused', async () => {
      const other = await open();
      await storage.commit('log', [entry('own', 'one', run(a, 1))], strict);
      await storage.pack('log', packing(0, { add: [chunk(0), chunk(1)] }));
      await storage.setAsideChunk('log', 1);
      for (const id of [1, 7]) await storage.setAsideChunk('log', id);
      await storage.setAsideChunk('never written', 0);
      for (const each of [storage, other, await open()]) {
        expect(await manifestOf(each, 'log')).toEqual([2, undefined]);
        expect(await chunksOf(each, 'log')).toEqual([[0, 'chunk 0']]);
        expect(await chunksOf(each, 'log', [0, 1])).toEqual([[0, 'chunk 0']]);
        expect(await headsOf(each, 'log')).toEqual([[a, 1]]);
      }
      await expect(other.pack('log', packing(1, { add: [chunk(2)] }))).rejects.toMatchObject({ code: 'head-conflict' });
      expect((await storage.load('log')).nextChunkId).toBe(2);
      await storage.pack('log', packing(2, { add: [chunk(2)] }));
      expect(await manifestOf(storage, 'log')).toEqual([3, 'after 2']);
      expect(await storage.logs()).toEqual(['log']);
    });

    test('[P14] a removed chunk is not named by the manifest: setting it aside does not take that away', async () => {
      await open();
      await storage.commit('log', [entry('own', 'one', run(a, 1))], strict);
      await storage.pack('log', packing(0, { add: [chunk(0)] }));
      await storage.pack('log', packing(1, { remove: [0] }));
      await storage.setAsideChunk('log', 0);
      expect(await manifestOf(storage, 'log')).toEqual([2, 'after 1']);
    });

    test('[P16, P1] truncations are written with the entries or not at all, and the lowest stands', async () => {
      const hide = (writer: ReplicaId, from: number): Truncation => ({ replica: writer, from, reason: 'withdrawn' });
      const stored = async () =>
        (await storage.load('log')).truncations
          .map(({ replica: writer, from }): [ReplicaId, number] => [writer, from])
          .sort();
      await storage.commit('log', [], { ...strict, truncations: [hide(a, 7)] });
      expect(await stored()).toEqual([[a, 7]]);
      expect(await storage.logs()).toEqual([]);
      const entries = [entry('own', 'one', run(b, 1))];
      await storage.commit('log', entries, { ...strict, truncations: [hide(a, 9), hide(b, 3), hide(b, 2)] });
      await expect(storage.commit('log', entries, { ...strict, truncations: [hide(a, 1)] })).rejects.toMatchObject({
        code: 'head-conflict',
      });
      const other = await open();
      await Promise.all(
        [5, 4, 6].map((from, i) =>
          (i % 2 ? other : storage).commit('log', [], { ...relaxed, truncations: [hide(c, from)] }),
        ),
      );
      await other.close();
      const expected = [
        [a, 7],
        [b, 2],
        [c, 4],
      ].sort();
      expect(await stored()).toEqual(expected);
      await storage.pack('log', packing(0, { packed: [(await storage.load('log')).records[0]?.key as string] }));
      await storage.commit('another', [entry('own', 'one', run(a, 1))], strict);
      await storage.forget('another');
      await reopen();
      expect(await stored()).toEqual(expected);
      await storage.forget('log');
      expect(await stored()).toEqual([]);
      await expect(
        Promise.resolve().then(() => storage.commit('log', [], { ...strict, truncations: [hide(a, 0)] })),
      ).rejects.toThrow(/^truncations\[0\].from: /);
    });

    test('[P12] chunks of the largest size, and as many as one step takes, come back byte for byte', async () => {
      await storage.commit('log', [entry('own', 'one', run(a, 1))], strict);
      const largest = Uint8Array.from({ length: limits.packedChunkBytesMax }, (_, i) => (i * 31) & 255);
      const add = Array.from({ length: limits.packedChunksMax }, (_, id) => chunk(id));
      add[1] = { id: 1, bytes: largest };
      add[2] = { id: 2, bytes: new Uint8Array() };
      await storage.pack('log', packing(0, { add }));
      await reopen();
      const chunks = await storage.readChunks('log');
      expect([...chunks.keys()].sort((one, two) => one - two)).toEqual(add.map(({ id }) => id));
      expect(chunks.get(1)?.findIndex((byte, at) => byte !== largest[at])).toBe(-1);
      expect([1, 2].map((id) => chunks.get(id)?.length)).toEqual([largest.length, 0]);
    });

    test('[P1] metadata is set, replaced, removed and kept, up to its bounds', async () => {
      const longest = 'k'.repeat(limits.metadataKeyBytesMax);
      const largest = new Uint8Array(limits.metadataValueBytesMax).fill(3);
      await storage.setMetadata(longest, largest);
      await storage.setMetadata('empty', new Uint8Array());
      await storage.setMetadata('gone', Uint8Array.of(1));
      await storage.setMetadata('gone', undefined);
      await reopen();
      expect((await storage.getMetadata(longest))?.length).toBe(largest.length);
      expect(await storage.getMetadata('empty')).toEqual(new Uint8Array());
      expect(await storage.getMetadata('gone')).toBeUndefined();
      expect(await storage.logs()).toEqual([]);
    });

    test('[P7] bad arguments are refused by name, and nothing is written', async () => {
      const own = (first: number, last: number) => [entry('own', 'x', run(a, first, last))];
      // Noise: a storage that compresses must not make it small enough.
      let noise = 1;
      const tooLarge = Uint8Array.from({ length: limits.packedChunkBytesMax + 1 }, () => {
        noise = (Math.imul(noise, 1_664_525) + 1_013_904_223) >>> 0;
        return noise >>> 24;
      });
      const tooMany: number[] = Array(limits.storedNamesMax + 1).fill(0);
      const mistakes: [RegExp, () => Promise<unknown>][] = [
        [/^log: /, () => storage.load('')],
        [/^log: /, () => storage.commit('x'.repeat(limits.logIdBytesMax + 1), own(1, 1), strict)],
        [/^log: /, () => storage.forget('\ud800')],
        [/^entries\[0]\.runs: /, () => storage.commit('log', [entry('received', 'x')], strict)],
        [/^entries\[0]\.runs: /, () => storage.commit('log', own(0, 1), strict)],
        [/^entries\[0]\.runs: /, () => storage.commit('log', own(2, 1), strict)],
        [/^entries\[0]\.runs: /, () => storage.commit('log', own(1, limits.seqMax + 1), strict)],
        [/^key: /, () => storage.setAside('log', 'no key')],
        [/^log: /, () => storage.pack('', packing(0))],
        [/^log: /, () => storage.readChunks('')],
        [/^log: /, () => storage.setAsideChunk('', 0)],
        [/^revision: /, () => storage.pack('log', packing(-1))],
        [
          /^manifest: /,
          () => storage.pack('log', packing(0, { manifest: new Uint8Array(limits.manifestBytesMax + 1) })),
        ],
        [/^add: /, () => storage.pack('log', packing(0, { add: [chunk(1), chunk(1)] }))],
        [/^add: /, () => storage.pack('log', packing(0, { add: Array(limits.packedChunksMax + 1).fill(chunk(0)) }))],
        [/^add\[0]\.id: /, () => storage.pack('log', packing(0, { add: [chunk(-1)] }))],
        [/^add\[0]\.id: /, () => storage.pack('log', packing(0, { add: [chunk(limits.chunkIdMax + 1)] }))],
        [/^add\[0]\.bytes: /, () => storage.pack('log', packing(0, { add: [{ id: 0, bytes: tooLarge }] }))],
        [/^remove\[0]: /, () => storage.pack('log', packing(0, { remove: [0.5] }))],
        [/^remove: /, () => storage.pack('log', packing(0, { remove: tooMany }))],
        [/^packed\[0]: /, () => storage.pack('log', packing(0, { packed: ['no key'] }))],
        [/^packed: /, () => storage.pack('log', packing(0, { packed: tooMany.map(String) }))],
        [/^ids\[0]: /, () => storage.readChunks('log', [Number.NaN])],
        [/^ids: /, () => storage.readChunks('log', tooMany)],
        [/^id: /, () => storage.setAsideChunk('log', -1)],
        [/^key: /, () => storage.getMetadata('')],
        [/^key: /, () => storage.setMetadata('k'.repeat(limits.metadataKeyBytesMax + 1), undefined)],
        [/^value: /, () => storage.setMetadata('k', new Uint8Array(limits.metadataValueBytesMax + 1))],
      ];
      for (const [named, mistake] of mistakes) {
        const error = await mistake().catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(RangeError);
        expect((error as Error).message).toMatch(named);
      }
      expect(await storage.logs()).toEqual([]);
    });

    test('[P1][P3][P4][P5][P6][P7] any calls of several storages do what an obvious model does', async () => {
      let conflicts = 0;
      let skipped = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
          const here = await harness.create();
          let storages = await Promise.all([harness.open(here), harness.open(here)]);
          const model = new Model();
          try {
            for (const [i, { who, log, ...does }] of steps.entries()) {
              const used = storages[who] as GossipStorage;
              if (does.kind === 'commit') {
                const entries = does.entries.map(({ origin, runs }, j) => entry(origin, `${i}.${j}`, ...runs));
                const outcome = await used.commit(log, entries, does).then(
                  () => 'written',
                  (error: { code: string }) => error.code,
                );
                const expected = model.commit(log, entries, does.repair);
                expect(outcome).toBe(expected.outcome);
                if (outcome === 'head-conflict') conflicts++;
                skipped += expected.skipped;
              } else if (does.kind === 'setAside') {
                const { records } = await used.load(log);
                const record = records[does.at % Math.max(1, records.length)];
                if (record) {
                  await used.setAside(log, record.key);
                  model.setAside(log, new TextDecoder().decode(record.block));
                }
              } else if (does.kind === 'forget') {
                await used.forget(log);
                model.logs.delete(log);
              } else {
                await Promise.all(storages.map((each) => each.close()));
                storages = await Promise.all([harness.open(here), harness.open(here)]);
              }
              const reader = storages[1 - who] as GossipStorage;
              expect(await reader.logs()).toEqual([...model.logs.keys()].sort());
              expect(await blocksOf(reader, log)).toEqual(model.logs.get(log)?.blocks ?? []);
              expect(await headsOf(reader, log)).toEqual([...(model.logs.get(log)?.heads ?? [])].sort());
            }
          } finally {
            await Promise.all(storages.map((each) => each.close()));
            await harness.destroy(here);
          }
        }),
        { numRuns: 60 },
      );
      // The generator did its work: refusals and skips were among what it made.
      expect(conflicts).toBeGreaterThan(0);
      expect(skipped).toBeGreaterThan(0);
    });
  });
}

/** What a store must hold, kept in the most obvious way. */
class Model {
  readonly logs = new Map<string, { blocks: string[]; heads: Map<ReplicaId, number> }>();

  commit(log: string, entries: readonly JournalEntry[], repair: boolean): { outcome: string; skipped: number } {
    const before = this.logs.get(log);
    const blocks = [...(before?.blocks ?? [])];
    const heads = new Map(before?.heads);
    let skipped = 0;
    for (const { origin, block, runs } of entries) {
      const fits = runs.every((each) => each.first === (heads.get(each.replica) ?? 0) + 1);
      const covered = runs.every((each) => each.last <= (heads.get(each.replica) ?? 0));
      if (origin === 'own' && !fits) return { outcome: 'head-conflict', skipped };
      if (origin === 'received' && covered && !repair) {
        skipped++;
        continue;
      }
      blocks.push(new TextDecoder().decode(block));
      for (const each of runs) heads.set(each.replica, Math.max(each.last, heads.get(each.replica) ?? 0));
    }
    if (blocks.length > 0 || before) this.logs.set(log, { blocks, heads });
    return { outcome: 'written', skipped };
  }

  setAside(log: string, block: string): void {
    const held = this.logs.get(log);
    if (held) held.blocks = held.blocks.filter((each) => each !== block);
  }
}

/** Runs start low and are short, so that they often fit, often are covered, and often conflict. */
const arbitraryRun = fc
  .record({ writer: fc.constantFrom(1, 2, 255), first: fc.integer({ min: 1, max: 4 }), more: fc.nat(2) })
  .map(({ writer, first, more }) => run(replica(writer), first, first + more));

const arbitraryEntry = fc.record({
  origin: fc.constantFrom('own' as const, 'received' as const),
  runs: fc.uniqueArray(arbitraryRun, { minLength: 1, maxLength: 2, selector: (each) => each.replica }),
});

const target = {
  who: fc.constantFrom(0, 1),
  log: fc.constantFrom('a', 'ab', 'a\u0000'),
};

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      ...target,
      kind: fc.constant('commit' as const),
      entries: fc.array(arbitraryEntry, { minLength: 1, maxLength: 3 }),
      durability: fc.constantFrom('strict' as const, 'relaxed' as const),
      repair: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ ...target, kind: fc.constant('setAside' as const), at: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ ...target, kind: fc.constant('forget' as const) }) },
  { weight: 1, arbitrary: fc.record({ ...target, kind: fc.constant('reopen' as const) }) },
);
