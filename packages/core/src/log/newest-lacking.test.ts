/** What is left out of what a peer lacks (S22), against a list of all events; in memory, packed, with late rows. */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { numberedId as id, PackedNode } from '../../test/packed-node.js';
import { readNow } from '../../test/read-now.js';
import { decodeBlock } from '../codec/block.js';
import type { WriterId } from '../ids.js';
import { type KnownEvent, ReplicatedLog } from '../sync/index.js';

vi.mock('../limits.js', async (original) => ({
  ...(await original<typeof import('../limits.js')>()),
  ...{ chunkRowsMax: 8, packedChunkBytesTarget: 512, packedChunksMax: 7, listedPackedMax: 4, pageWritersMax: 2 },
}));

const writers = [0, 1, 2, 3];
const written = fc.array(fc.record({ who: fc.nat(3), steps: fc.nat(2), isLate: fc.boolean() }), {
  minLength: 1,
  maxLength: 90,
  size: 'max',
});
const parts = fc.record({
  /** Of each writer the peer has so many in a hundred; of a writer over 100 it is not asked at all. */
  has: fc.array(fc.nat(120), { minLength: 4, maxLength: 4 }),
  count: fc.nat(40),
  packed: fc.nat(3),
});

test('[S22] of what is lacking the newest are read, those of one time together', () => {
  const seen = { cut: 0, cold: 0, ties: 0 };
  fc.assert(
    fc.property(written, parts, (events, { has, count, packed }) => {
      const node = new PackedNode(id(9));
      const logs = writers.map(
        (n) =>
          new ReplicatedLog<string>({ id: 'tea', writer: id(n), now: () => node.now }, { freshWriter: () => id(99) }),
      );
      const late: Uint8Array[] = [];
      for (const { who, steps, isLate } of events) {
        node.now += steps;
        logs[who]?.append(`${who}`);
        const blocks = (logs[who] as ReplicatedLog<string>).takeUnflushed().map(({ block }) => block);
        // Late ones come once the others are packed; behind them all of that writer's are.
        if (isLate && who === 3) late.push(...blocks);
        else node.receive(blocks);
      }
      node.store();
      if (packed > 0) node.pack(false);
      if (packed > 1) node.log.trim(Number.MAX_SAFE_INTEGER);
      node.receive(late);
      node.store();
      const all = logs
        .flatMap((log) => [...log.snapshot()])
        .filter(({ writer, seq }) => seq <= (node.log.version().get(writer) ?? 0));
      const lacks = new Map<WriterId, KnownEvent>();
      for (const [n, share] of has.entries()) {
        const own = all.filter(({ writer }) => writer === id(n));
        const known = own[Math.floor((own.length * Math.min(share, 100)) / 100) - 1];
        if (share <= 100) lacks.set(id(n), { seq: known?.seq ?? 0, time: known?.clock ?? 0 });
      }
      const lacking = all
        .filter(({ writer, seq }) => seq > (lacks.get(writer)?.seq ?? Number.POSITIVE_INFINITY))
        .sort((a, b) => b.clock - a.clock);
      const first = lacking[count - 1]?.clock ?? Number.POSITIVE_INFINITY;
      const expected = lacking.length <= count ? lacking : lacking.filter(({ clock }) => clock >= first);
      const left = lacking.slice(expected.length);
      if (node.log.hasOlder && left.some(({ clock }) => clock < node.log.residentFrom)) seen.cold++;
      const query = { lacks, newest: count, bytesMax: Number.POSITIVE_INFINITY, upTo: Number.MAX_SAFE_INTEGER };
      const { entries, cut } = readNow(node.log.read(query), node.chunks);
      const read = entries.flatMap(({ block }) => Array.from(decodeBlock(block).time));
      expect(read.sort((a, b) => b - a)).toEqual(expected.map(({ clock }) => clock));
      expect(cut).toBe(left.length === 0 ? undefined : (left[0]?.clock as number) + 1);
      if (cut !== undefined) seen.cut++;
      if (left.length > 0 && expected.length > count) seen.ties++;
    }),
    { numRuns: 400 },
  );
  expect(Math.min(seen.cut, seen.cold, seen.ties)).toBeGreaterThan(10);
});
