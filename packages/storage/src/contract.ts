/**
 * The rules of the storage port as tests. Whoever writes a storage gives a harness of four functions and gets
 * them all, under titles that begin with the rule's number.
 *
 * What a contract cannot show is for each storage's own tests: crashes (P1), power (P2).
 */
import {
  type GossipStorage,
  type JournalEntry,
  limits,
  type Packing,
  type WriterId,
  writerIdFromBytes,
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
  /** Marks a disk, which no storage has open, as written by another format: the version next to ours (P10). */
  makeOther(disk: Disk, version: 'older' | 'newer'): Promise<void>;
}

const strict = { durability: 'strict' } as const;
const relaxed = { durability: 'relaxed' } as const;
const text = new TextEncoder();

/** A writer id that is the same in every run. */
function writer(number: number): WriterId {
  return writerIdFromBytes(new Uint8Array(limits.writerIdBytes).fill(number));
}

function entry(block: string): JournalEntry {
  return { block: text.encode(block) };
}

async function blocksOf(storage: GossipStorage, log: string): Promise<string[]> {
  const { records } = await storage.load(log);
  return records.map((record) => new TextDecoder().decode(record.block));
}

async function runsOf(storage: GossipStorage, log: string): Promise<[WriterId, number][]> {
  const { ownRuns } = await storage.load(log);
  return [...ownRuns].sort();
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
  const [a, b, c] = [writer(1), writer(2), writer(3)];

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

    test('[P1] of many commits at once the refused ones take nothing of the others with them', async () => {
      const other = await open();
      const outcomes = await Promise.allSettled(
        [1, 0, 2, 0, 0, 3].map((last, i) =>
          (i % 2 ? other : storage).commit('log', [entry(`${i}`)], { ...strict, ownRuns: new Map([[a, last]]) }),
        ),
      );
      expect(outcomes.map(({ status }) => status)).toEqual(
        [1, 0, 2, 0, 0, 3].map((last) => (last === 0 ? 'rejected' : 'fulfilled')),
      );
      expect((await blocksOf(storage, 'log')).sort()).toEqual(['0', '2', '5']);
    });

    test('[P2] a commit that resolved is there for other storages at once, and after reopening', async () => {
      const other = await open();
      expect(await blocksOf(other, 'log')).toEqual([]);
      await storage.commit('log', [entry('strict')], strict);
      expect(await blocksOf(other, 'log')).toEqual(['strict']);
      await other.commit('log', [entry('relaxed')], relaxed);
      expect(await blocksOf(storage, 'log')).toEqual(['strict', 'relaxed']);
      await other.close();
      await reopen();
      expect(await blocksOf(storage, 'log')).toEqual(['strict', 'relaxed']);
    });

    test('[P3] own runs are noted with the entries, and stay until they are settled, whatever becomes of the journal', async () => {
      const other = await open();
      await storage.commit('log', [entry('one')], { ...strict, ownRuns: new Map([[a, 2]]) });
      await other.commit('log', [entry('two'), entry('three')], {
        ...strict,
        ownRuns: new Map([
          [a, 3],
          [b, 1],
        ]),
      });
      await storage.commit('log', [entry('from a peer')], relaxed);
      const noted = [
        [a, 3],
        [b, 1],
      ].sort();
      expect(await runsOf(other, 'log')).toEqual(noted);
      const packed = (await storage.load('log')).records.map(({ key }) => key);
      await storage.setAside('log', packed[1] as string);
      await storage.pack('log', packing(0, { packed }));
      await reopen();
      expect(await runsOf(storage, 'log')).toEqual(noted);
      await storage.settleRun('log', a, 3);
      expect(await runsOf(storage, 'log')).toEqual([[b, 1]]);
      await storage.settleRun('log', c, 1);
      await storage.settleRun('never written', a, 1);
      expect(await storage.logs()).toEqual(['log']);
    });

    test('[P3] a run that was written beyond what it is settled up to stays noted', async () => {
      const other = await open();
      await storage.commit('log', [entry('one')], { ...strict, ownRuns: new Map([[a, 4]]) });
      await other.settleRun('log', a, 3);
      expect(await runsOf(storage, 'log')).toEqual([[a, 4]]);
      await other.settleRun('log', a, 5);
      expect(await runsOf(storage, 'log')).toEqual([]);
      await storage.commit('log', [entry('two')], { ...strict, ownRuns: new Map([[a, 5]]) });
      await storage.commit('another', [entry('one')], { ...strict, ownRuns: new Map([[a, 1]]) });
      await storage.forget('log');
      expect(await runsOf(storage, 'log')).toEqual([]);
      expect(await runsOf(storage, 'another')).toEqual([[a, 1]]);
    });

    test('[P4] it is noted how far own runs may have been sent, and the highest number counts', async () => {
      const other = await open();
      await storage.commit('log', [entry('one')], { ...strict, ownRuns: new Map([[a, 3]]), sent: new Map([[a, 1]]) });
      await other.commit('log', [], {
        ...strict,
        sent: new Map([
          [a, 2],
          [b, 7],
        ]),
      });
      await storage.commit('log', [entry('two')], { ...strict, ownRuns: new Map([[a, 4]]), sent: new Map([[a, 1]]) });
      await reopen();
      const { ownRuns, sent } = await storage.load('log');
      expect([[...ownRuns], [...sent]]).toEqual([[[a, 4]], [[a, 2]]]);
    });

    test('[P4] entries take the place of records and of runs in one step, with keys that none had', async () => {
      const other = await open();
      const first = await storage.commit('log', [entry('kept'), entry('one')], {
        ...strict,
        ownRuns: new Map([[a, 2]]),
      });
      const next = await other.commit('log', [entry('two')], { ...strict, ownRuns: new Map([[b, 1]]) });
      const [key] = await other.commit('log', [entry('instead')], {
        ...strict,
        ownRuns: new Map([[c, 2]]),
        instead: {
          records: [first[1] as string, ...next],
          runs: new Map([
            [a, 1],
            [b, 0],
          ]),
        },
      });
      expect([...first, ...next]).not.toContain(key);
      for (const each of [storage, other]) {
        expect(await blocksOf(each, 'log')).toEqual(['kept', 'instead']);
        expect(await runsOf(each, 'log')).toEqual([[a, 1] as const, [c, 2] as const].sort());
      }
      // The last record went: its key is not given again, also where all are gone.
      const instead = { records: [first[0] as string, key as string], runs: new Map([[a, 0]]) };
      await storage.commit('log', [], { ...strict, instead });
      await reopen();
      const [another] = await storage.commit('log', [entry('another')], strict);
      expect([...first, ...next, key]).not.toContain(another);
      expect(await blocksOf(storage, 'log')).toEqual(['another']);
    });

    test('[P4] what was sent is not replaced, nor what is not there, and then nothing is written', async () => {
      const other = await open();
      const keys = await storage.commit('log', [entry('one'), entry('two')], { ...strict, ownRuns: new Map([[a, 2]]) });
      await other.commit('log', [], { ...strict, sent: new Map([[a, 1]]) });
      const gone = [...keys, '999'];
      for (const instead of [
        { records: keys, runs: new Map([[a, 0]]) },
        { records: gone, runs: new Map([[a, 1]]) },
      ]) {
        const ownRuns = new Map([[b, 1]]);
        await expect(storage.commit('log', [entry('instead')], { ...strict, ownRuns, instead })).rejects.toMatchObject({
          code: 'pack-conflict',
        });
      }
      expect(await blocksOf(other, 'log')).toEqual(['one', 'two']);
      expect(await runsOf(other, 'log')).toEqual([[a, 2]]);
      await storage.commit('log', [], {
        ...strict,
        instead: { records: [keys[1] as string], runs: new Map([[a, 1]]) },
      });
      expect(await blocksOf(other, 'log')).toEqual(['one']);
    });

    test('[P4] a storage that has the store with another one does not say that it has it for itself', async () => {
      const other = await open();
      await Promise.all([storage.logs(), other.logs()]);
      for (const each of [storage, other]) expect((await each.isShared?.()) ?? true).toBe(true);
    });

    test('[P5] a commit gives the key of each record it wrote, also of what is stored already', async () => {
      const other = await open();
      await other.commit('log', [entry('known')], relaxed);
      const keys = await storage.commit('log', [entry('one'), entry('known')], strict);
      const { records } = await storage.load('log');
      expect(records.map(({ key }) => key).slice(1)).toEqual(keys);
      expect(await blocksOf(storage, 'log')).toEqual(['known', 'one', 'known']);
      expect(await storage.commit('log', [], strict)).toEqual([]);
    });

    test('[P5] records load in the order written, also when they are many and of several storages', async () => {
      const other = await open();
      const expected: string[] = [];
      for (let i = 0; i < 20; i++) {
        const entries = Array.from({ length: 30 }, (_, j) => entry(`${i}.${j}`));
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
      const entries = blocks.map((block): JournalEntry => ({ block }));
      await storage.commit('log', entries, strict);
      await reopen();
      const { records } = await storage.load('log');
      // Compared as numbers of differences: printing a megabyte helps nobody.
      const differences = blocks.map((block, i) => block.findIndex((byte, at) => records[i]?.block[at] !== byte));
      expect(differences).toEqual([-1, -1, -1]);
      expect(records.map(({ block }) => block.length)).toEqual(blocks.map(({ length }) => length));
    });

    test('[P6] a record set aside no longer loads, and its key is not given again', async () => {
      const entries = [1, 2, 3].map((seq) => entry(`${seq}`));
      await storage.commit('log', entries, strict);
      const last = (await storage.load('log')).records[2]?.key as string;
      await storage.setAside('log', last);
      await storage.setAside('log', last);
      await reopen();
      expect(await blocksOf(storage, 'log')).toEqual(['1', '2']);
      await storage.commit('log', [entry('4')], strict);
      const { records } = await storage.load('log');
      expect(records).toHaveLength(3);
      expect(records[2]?.key).not.toBe(last);
    });

    test('[P6] a log whose records are all set aside is still there', async () => {
      await storage.commit('log', [entry('one')], strict);
      const { records } = await storage.load('log');
      for (const { key } of records) await storage.setAside('log', key);
      expect(await storage.logs()).toEqual(['log']);
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
        await storage.commit(log, [entry(`in ${log}`)], relaxed);
        await storage.pack(log, packing(0, { add: [chunk(0), chunk(1), chunk(2, `chunk of ${log}`)] }));
        await storage.pack(log, packing(1, { remove: [1, 0] }));
      }
      expect(await storage.logs()).toEqual([...names].sort());
      for (let left = [...names]; left.length > 0; left = left.slice(1)) {
        for (const log of left) {
          expect(await blocksOf(storage, log)).toEqual([`in ${log}`]);
          expect(await manifestOf(storage, log)).toEqual([2, 'after 1']);
          expect(await chunksOf(storage, log)).toEqual([[2, `chunk of ${log}`]]);
        }
        await storage.forget(left[0] as string);
        const nothing = {
          records: [],
          ownRuns: new Map(),
          sent: new Map(),
          revision: 0,
          nextChunkId: 0,
          manifest: undefined,
        };
        expect(await storage.load(left[0] as string)).toEqual(nothing);
        expect(await chunksOf(storage, left[0] as string, [0, 1, 2])).toEqual([]);
        expect(await storage.logs()).toEqual(left.slice(1).sort());
      }
    });

    test('[P7] forgetting leaves metadata, and the log can begin again', async () => {
      await storage.setMetadata('key', Uint8Array.of(1));
      await storage.commit('log', [entry('old')], strict);
      await storage.forget('log');
      await storage.forget('never written');
      await reopen();
      expect(await storage.logs()).toEqual([]);
      expect(await storage.getMetadata('key')).toEqual(Uint8Array.of(1));
      await storage.commit('log', [entry('new')], strict);
      expect(await blocksOf(storage, 'log')).toEqual(['new']);
    });

    test('[P7] a packed log that is forgotten leaves nothing, also of chunks set aside, and can be packed anew', async () => {
      for (let round = 0; round < 2; round++) {
        await storage.commit('log', [entry('one')], strict);
        expect(await manifestOf(storage, 'log')).toEqual([0, undefined]);
        await storage.pack('log', packing(0, { add: [chunk(0), chunk(1)] }));
        await storage.setAsideChunk('log', 0);
        await storage.forget('log');
        expect(await chunksOf(storage, 'log')).toEqual([]);
        expect(await storage.logs()).toEqual([]);
      }
    });

    test('[P9] after close every call rejects, and closing again is nothing', async () => {
      const underWay = storage.commit('log', [entry('one')], strict);
      await Promise.all([storage.close(), storage.close()]);
      await underWay;
      const calls = [
        () => storage.settleRun('log', a, 1),
        () => storage.load('log'),
        () => storage.commit('log', [entry('two')], strict),
        () => storage.setAside('log', '0'),
        () => storage.pack('log', packing(0)),
        () => storage.readChunks('log'),
        () => storage.setAsideChunk('log', 0),
        () => storage.logs(),
        () => storage.forget('log'),
        () => storage.getMetadata('key'),
        () => storage.setMetadata('key', undefined),
        () => storage.replaceMetadata('key', undefined, undefined),
        ...(storage.scrub === undefined ? [] : [() => (storage.scrub as () => Promise<boolean>)()]),
      ];
      for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'storage-closed' });
      await storage.close();
      expect(await blocksOf(await open(), 'log')).toEqual(['one']);
    });

    test.each(['older', 'newer'] as const)(
      '[P10] a store of the next %s format is refused, and left as it is',
      async (version) => {
        await storage.commit('log', [entry('one')], strict);
        await storage.close();
        await harness.makeOther(disk, version);
        storage = await open();
        for (let i = 0; i < 2; i++) {
          await expect(storage.load('log')).rejects.toMatchObject({ code: 'storage-format' });
          await expect(storage.forget('log')).rejects.toMatchObject({ code: 'storage-format' });
        }
      },
    );

    test('[P11] bytes given in may change afterwards, bytes given out belong to the caller', async () => {
      // A view into the middle of a larger buffer, as blocks cut from a frame are.
      const block = new Uint8Array(64).fill(7).subarray(8, 12);
      const value = new Uint8Array(64).fill(9).subarray(8, 12);
      await storage.commit('log', [{ block }], { ...strict, ownRuns: new Map([[a, 1]]) });
      await storage.setMetadata('key', value);
      block.fill(0);
      value.fill(0);
      for (let i = 0; i < 2; i++) {
        const { records, ownRuns } = await storage.load('log');
        expect([...(records[0]?.block ?? [])]).toEqual([7, 7, 7, 7]);
        records[0]?.block.fill(0);
        (ownRuns as Map<WriterId, number>).clear();
        const stored = await storage.getMetadata('key');
        expect([...(stored ?? [])]).toEqual([9, 9, 9, 9]);
        stored?.fill(0);
        // A Buffer would share its bytes with what is cut from it.
        expect(Object.getPrototypeOf(records[0]?.block)).toBe(Uint8Array.prototype);
        expect(Object.getPrototypeOf(stored)).toBe(Uint8Array.prototype);
      }
      expect(await runsOf(storage, 'log')).toEqual([[a, 1]]);
    });

    test('[P11] the same of chunks and manifests', async () => {
      await storage.commit('log', [entry('one')], strict);
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
        [1, 2, 3].map((seq) => entry(`${seq}`)),
        strict,
      );
      const add = [chunk(0), chunk(1)];
      await storage.pack('log', packing(0, { add, packed: [one as string, two as string, '999'], remove: [77] }));
      for (let i = 0; i < 2; i++) {
        for (const each of [storage, other]) {
          expect(await blocksOf(each, 'log')).toEqual(['3']);
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
      const conflict = { code: 'pack-conflict' };
      await expect(storage.pack('log', packing(0, { add: [chunk(0)] }))).rejects.toMatchObject(conflict);
      expect(await storage.logs()).toEqual([]);
      expect(await chunksOf(storage, 'log', [0])).toEqual([]);

      const keys = await storage.commit('log', [entry('one')], strict);
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
      await storage.commit('log', [entry('one')], strict);
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
        [1, 2].map((seq) => entry(`${seq}`)),
        strict,
      );
      await storage.pack('log', packing(0, { add: [chunk(0), chunk(9)], packed: keys as string[] }));
      await storage.pack('log', packing(1, { remove: [9] }));
      await reopen();
      const [key] = await storage.commit('log', [entry('3')], strict);
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
      await storage.commit('log', [entry('one')], strict);
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
      await storage.commit('log', [entry('one')], strict);
      await storage.pack('log', packing(0, { add: [chunk(0), chunk(1)] }));
      await storage.setAsideChunk('log', 1);
      for (const id of [1, 7]) await storage.setAsideChunk('log', id);
      await storage.setAsideChunk('never written', 0);
      for (const each of [storage, other, await open()]) {
        expect(await manifestOf(each, 'log')).toEqual([2, undefined]);
        expect(await chunksOf(each, 'log')).toEqual([[0, 'chunk 0']]);
        expect(await chunksOf(each, 'log', [0, 1])).toEqual([[0, 'chunk 0']]);
      }
      await expect(other.pack('log', packing(1, { add: [chunk(2)] }))).rejects.toMatchObject({ code: 'pack-conflict' });
      expect((await storage.load('log')).nextChunkId).toBe(2);
      await storage.pack('log', packing(2, { add: [chunk(2)] }));
      expect(await manifestOf(storage, 'log')).toEqual([3, 'after 2']);
      expect(await storage.logs()).toEqual(['log']);
    });

    test('[P14] a removed chunk is not named by the manifest: setting it aside does not take that away', async () => {
      await open();
      await storage.commit('log', [entry('one')], strict);
      await storage.pack('log', packing(0, { add: [chunk(0)] }));
      await storage.pack('log', packing(1, { remove: [0] }));
      await storage.setAsideChunk('log', 0);
      expect(await manifestOf(storage, 'log')).toEqual([2, 'after 1']);
    });

    test('a scrub comes to its end and changes nothing that is stored, for all storages and after reopening [P16]', async () => {
      const other = await open();
      const keys = await storage.commit(
        'log',
        [1, 2, 3].map((seq) => entry(`${seq}`)),
        { ...strict, ownRuns: new Map([[a, 3]]) },
      );
      await storage.pack('log', packing(0, { add: [chunk(0), chunk(1)], packed: keys.slice(0, 2) }));
      await storage.pack('log', packing(1, { add: [chunk(2)], remove: [0] }));
      await storage.setMetadata('key', text.encode('value'));
      const { scrub } = storage;
      for (let steps = 0; scrub !== undefined && (await storage.scrub?.()); steps++) expect(steps).toBeLessThan(100);
      for (let i = 0; i < 2; i++) {
        for (const each of [storage, other]) {
          expect(await blocksOf(each, 'log')).toEqual(['3']);
          expect(await runsOf(each, 'log')).toEqual([[a, 3]]);
          expect(await manifestOf(each, 'log')).toEqual([2, 'after 1']);
          expect(await chunksOf(each, 'log')).toEqual([
            [1, 'chunk 1'],
            [2, 'chunk 2'],
          ]);
          expect(await each.getMetadata('key')).toEqual(text.encode('value'));
        }
        await reopen();
      }
      expect(await storage.commit('log', [entry('4')], strict)).toHaveLength(1);
      expect(await blocksOf(storage, 'log')).toEqual(['3', '4']);
    });

    test('[P12] chunks of the largest size, and as many as one step takes, come back byte for byte', async () => {
      await storage.commit('log', [entry('one')], strict);
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

    test('of those who change one metadata value at a time none overwrites another [P17]', async () => {
      const other = await open();
      const count = async (each: GossipStorage) => {
        for (let rounds = 0; ; rounds++) {
          const value = await each.getMetadata('key');
          const next = Uint8Array.of((value?.[0] ?? 0) + 1);
          if (await each.replaceMetadata('key', value, next)) return rounds;
        }
      };
      const rounds = await Promise.all(Array.from({ length: 10 }, (_, i) => count(i % 2 === 0 ? storage : other)));
      expect(await storage.getMetadata('key')).toEqual(Uint8Array.of(10));
      // Some of them have met.
      expect(Math.max(...rounds)).toBeGreaterThan(0);
      expect(await storage.replaceMetadata('key', undefined, undefined)).toBe(false);
      expect(await storage.replaceMetadata('key', Uint8Array.of(10, 0), undefined)).toBe(false);
      expect(await storage.replaceMetadata('key', Uint8Array.of(10), undefined)).toBe(true);
      expect(await other.getMetadata('key')).toBeUndefined();
      expect(await other.replaceMetadata('key', undefined, undefined)).toBe(true);
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
      const one = [entry('x')];
      // Noise: a storage that compresses must not make it small enough.
      let noise = 1;
      const tooLarge = Uint8Array.from({ length: limits.packedChunkBytesMax + 1 }, () => {
        noise = (Math.imul(noise, 1_664_525) + 1_013_904_223) >>> 0;
        return noise >>> 24;
      });
      const tooMany: number[] = Array(limits.storedNamesMax + 1).fill(0);
      const mistakes: [RegExp, () => Promise<unknown>][] = [
        [/^log: /, () => storage.load('')],
        [/^log: /, () => storage.commit('x'.repeat(limits.logIdBytesMax + 1), one, strict)],
        [/^log: /, () => storage.forget('\ud800')],
        [/^own run: /, () => storage.commit('log', one, { ...strict, ownRuns: new Map([[a, 0]]) })],
        [/^own run: /, () => storage.commit('log', one, { ...strict, sent: new Map([[a, limits.seqMax + 1]]) })],
        [
          /^instead.records\[0]: /,
          () => storage.commit('log', one, { ...strict, instead: { records: ['no key'], runs: new Map() } }),
        ],
        [/^own run: /, () => storage.settleRun('log', a, limits.seqMax + 1)],
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

    test('[P1][P3][P5][P6][P7] any calls of several storages do what an obvious model does', async () => {
      let settled = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
          const here = await harness.create();
          let storages = await Promise.all([harness.open(here), harness.open(here)]);
          const model = new Model();
          try {
            for (const [i, { who, log, ...does }] of steps.entries()) {
              const used = storages[who] as GossipStorage;
              if (does.kind === 'commit') {
                const entries = Array.from({ length: does.entries }, (_, j) => entry(`${i}.${j}`));
                const ownRuns = new Map(does.ownRuns);
                await used.commit(log, entries, { durability: does.durability, ownRuns });
                model.commit(log, entries, ownRuns);
              } else if (does.kind === 'settle') {
                await used.settleRun(log, does.writer, does.upTo);
                if (model.settle(log, does.writer, does.upTo)) settled++;
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
              expect(await runsOf(reader, log)).toEqual([...(model.logs.get(log)?.ownRuns ?? [])].sort());
            }
          } finally {
            await Promise.all(storages.map((each) => each.close()));
            await harness.destroy(here);
          }
        }),
        { numRuns: 60 },
      );
      // The generator did its work: some of what was noted was settled.
      expect(settled).toBeGreaterThan(0);
    });
  });
}

/** What a store must hold, kept in the most obvious way. */
class Model {
  readonly logs = new Map<string, { blocks: string[]; ownRuns: Map<WriterId, number> }>();

  commit(log: string, entries: readonly JournalEntry[], ownRuns: ReadonlyMap<WriterId, number>): void {
    const held = this.logs.get(log) ?? { blocks: [] as string[], ownRuns: new Map<WriterId, number>() };
    this.logs.set(log, held);
    held.blocks.push(...entries.map(({ block }) => new TextDecoder().decode(block)));
    for (const [writer, last] of ownRuns) held.ownRuns.set(writer, last);
  }

  /** Was it noted? */
  settle(log: string, writer: WriterId, upTo: number): boolean {
    const ownRuns = this.logs.get(log)?.ownRuns;
    const last = ownRuns?.get(writer);
    return last !== undefined && last <= upTo && ownRuns?.delete(writer) === true;
  }

  setAside(log: string, block: string): void {
    const held = this.logs.get(log);
    if (held) held.blocks = held.blocks.filter((each) => each !== block);
  }
}

const arbitraryRun = fc.tuple(fc.constantFrom(...[1, 2, 255].map(writer)), fc.integer({ min: 1, max: 4 }));

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
      entries: fc.integer({ min: 1, max: 3 }),
      ownRuns: fc.array(arbitraryRun, { maxLength: 2 }),
      durability: fc.constantFrom('strict' as const, 'relaxed' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: arbitraryRun.chain(([writer, upTo]) =>
      fc.record({
        ...target,
        kind: fc.constant('settle' as const),
        writer: fc.constant(writer),
        upTo: fc.constant(upTo),
      }),
    ),
  },
  { weight: 2, arbitrary: fc.record({ ...target, kind: fc.constant('setAside' as const), at: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ ...target, kind: fc.constant('forget' as const) }) },
  { weight: 1, arbitrary: fc.record({ ...target, kind: fc.constant('reopen' as const) }) },
);
