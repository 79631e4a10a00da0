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
  type ReplicaId,
  type Run,
  replicaIdFromBytes,
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
      for (const log of names) await storage.commit(log, [entry('own', `in ${log}`, run(a, 1, 2))], relaxed);
      expect(await storage.logs()).toEqual([...names].sort());
      for (let left = [...names]; left.length > 0; left = left.slice(1)) {
        for (const log of left) {
          expect(await blocksOf(storage, log)).toEqual([`in ${log}`]);
          expect(await headsOf(storage, log)).toEqual([[a, 2]]);
        }
        await storage.forget(left[0] as string);
        expect(await storage.load(left[0] as string)).toEqual({ records: [], heads: new Map() });
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
      const mistakes: [RegExp, () => Promise<unknown>][] = [
        [/^log: /, () => storage.load('')],
        [/^log: /, () => storage.commit('x'.repeat(limits.logIdBytesMax + 1), own(1, 1), strict)],
        [/^log: /, () => storage.forget('\ud800')],
        [/^entries\[0]\.runs: /, () => storage.commit('log', [entry('received', 'x')], strict)],
        [/^entries\[0]\.runs: /, () => storage.commit('log', own(0, 1), strict)],
        [/^entries\[0]\.runs: /, () => storage.commit('log', own(2, 1), strict)],
        [/^entries\[0]\.runs: /, () => storage.commit('log', own(1, limits.seqMax + 1), strict)],
        [/^key: /, () => storage.setAside('log', 'no key')],
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
