import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { ada, baseTime, blockOf, bob, eve, type Row } from '../test/sample-blocks.js';
import { decodeBlock } from './codec/block.js';
import { writerIdFromBytes } from './index.js';
import { Chunk } from './log/chunk.js';
import { DependencyArena } from './log/dependency-arena.js';
import type { LogTables } from './log/log-tables.js';
import { PayloadPages } from './log/payload-pages.js';
import { WriterTable } from './log/writer-table.js';
import { ParkedRows } from './parked-rows.js';

const writers = [ada, bob, eve];

/** Rows of one writer that name the others' events, some at times off the millisecond. */
function rowsOf(writer: number, first: number, count: number, named: number): Row[] {
  const others = writers.filter((_, i) => i !== writer);
  return Array.from({ length: count }, (_, i) => {
    const seq = first + i;
    const time = baseTime + seq * 2048 + (seq % 3);
    const deps = others.slice(0, named).map((writer, n) => ({ writer, seq: seq + n, time: time - 2048 * (n + 1) - n }));
    return {
      writer: writers[writer] as (typeof writers)[number],
      seq,
      time,
      before: time - 1,
      deps,
      payload: `"${seq}"`,
    };
  });
}

/** A parked row as it can be read of its slot, and of the chunk that it is copied into. */
function read(parked: ParkedRows, slot: number, { writers, pages, dependencies }: LogTables) {
  const deps: unknown[] = [];
  parked.eachDependency(slot, (writer, seq, time) => deps.push([writers.id(writer), seq, time]));
  const chunk = new Chunk(1);
  parked.copy(slot, chunk, { writers, pages, dependencies });
  const copied: unknown[] = [];
  dependencies.each(chunk.deps[0] as number, chunk.time[0] as number, (writer, seq, time) =>
    copied.push([writers.id(writer), seq, time]),
  );
  expect(copied).toEqual(deps);
  expect([chunk.writer[0], chunk.seq[0], chunk.time[0]]).toEqual([
    parked.writer(slot),
    parked.seq(slot),
    parked.time(slot),
  ]);
  const payload = pages.get(chunk.page[0] as number, chunk.offset[0] as number, chunk.length[0] as number);
  return {
    writer: writers.id(parked.writer(slot)),
    seq: parked.seq(slot),
    time: parked.time(slot),
    deps,
    payload: new TextDecoder('utf-8').decode(payload),
  };
}

test('[L3] [L7] rows lie in the causal buffer as they came, whatever comes and goes meanwhile, and no bytes stay behind', () => {
  const compact = vi.spyOn(DependencyArena.prototype, 'compact');
  const step = fc.record({
    writer: fc.nat(2),
    count: fc.integer({ min: 1, max: 6 }),
    named: fc.nat(2),
    gone: fc.array(fc.nat(500), { maxLength: 5 }),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 120 }), (steps) => {
      const tables: LogTables = {
        writers: new WriterTable(),
        dependencies: new DependencyArena(),
        pages: new PayloadPages(),
      };
      const parked = new ParkedRows();
      const held: { slot: number; row: Row; bytes: Uint8Array }[] = [];
      let next = 1;
      for (const { writer, count, named: names, gone } of steps) {
        const rows = rowsOf(writer, next, count, names);
        next += count;
        const block = decodeBlock(blockOf(rows));
        const writers = block.writers.map((bytes) => tables.writers.intern(writerIdFromBytes(bytes)));
        rows.forEach((row, i) => {
          held.push({ slot: parked.add(block, i, writers), row, bytes: block.bytes });
        });
        for (const n of gone) {
          const [left] = held.splice(n % Math.max(1, held.length), 1);
          if (left !== undefined) parked.free(left.slot);
        }
        expect(new Set(held.map(({ slot }) => slot)).size).toBe(held.length);
        expect(parked.bytes).toBe(
          [...new Set(held.map(({ bytes }) => bytes))].reduce((sum, { length }) => sum + length, 0),
        );
      }
      for (const { slot, row } of held) {
        const { writer, seq, time, payload } = row;
        const deps = (row.deps ?? []).map((dep) => [dep.writer, dep.seq, dep.time]);
        expect(read(parked, slot, tables)).toEqual({ writer, seq, time, deps, payload });
      }
      for (const { slot } of held) parked.free(slot);
      expect(parked.bytes).toBe(0);
    }),
    { numRuns: 60 },
  );
  expect(compact).toHaveBeenCalled();
  compact.mockRestore();
});
