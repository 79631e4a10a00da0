/**
 * From a decoded block into the log's own chunks: writers become the log's indexes, payloads and dependencies move
 * into its pages and arena. `writers` maps the block's table to the log's.
 */
import type { Column, DecodedBlock } from '../codec/block.js';
import { Chunk } from './chunk.js';
import { type DependencyArena, passingBit } from './dependency-arena.js';
import type { LogTables } from './log-tables.js';

/**
 * All rows of a block as a chunk. Its columns are taken over, not copied. For rows that are only passing the block itself
 * becomes a page, to be dropped with them.
 *
 * @internal
 */
export function takeBlock(block: DecodedBlock, writers: readonly number[], tables: LogTables, passing = false): Chunk {
  const { pages, dependencies } = tables;
  const from = block.offset[0] as number;
  if (passing) pages.adopt(block.bytes);
  else if (tellsBefore(block)) pages.placeBlock(block.bytes, from, block.count);
  else pages.place(block.bytes, from, block.bytes.length);
  const moved = passing ? 0 : pages.offset - from;
  const chunk = new Chunk(0);
  chunk.count = block.count;
  chunk.seq = words(block.seq);
  chunk.time = block.time instanceof Float64Array ? block.time : Float64Array.from(block.time);
  chunk.kind = block.kind instanceof Uint8Array ? block.kind : Uint8Array.from(block.kind);
  chunk.length = words(block.length);
  chunk.writer = words(block.writer);
  chunk.offset = words(block.offset);
  chunk.page = new Uint32Array(block.count).fill(pages.page);
  chunk.deps = new Uint32Array(block.count);
  for (let row = 0; row < block.count; row++) {
    // Dependencies name the writer by the block's index, so they are taken before it is replaced.
    const deps = takeDependencies(block, row, writers, passing ? dependencies.passing : dependencies);
    chunk.deps[row] = passing && deps > 0 ? deps + passingBit : deps;
    chunk.offset[row] = (chunk.offset[row] as number) + moved;
  }
  for (let row = 0; row < block.count; row++) chunk.writer[row] = writers[chunk.writer[row] as number] as number;
  return chunk;
}

/** Does it tell the time before each writer's first row? Then it may be stored as it is (B6). */
function tellsBefore({ withRows, firstSeq, timeBefore }: DecodedBlock): boolean {
  for (let slot = 0; slot < withRows; slot++) {
    if ((firstSeq[slot] as number) > 1 && timeBefore[slot] === 0) return false;
  }
  return true;
}

function words(column: Column<Uint32Array>): Uint32Array {
  return column instanceof Uint32Array ? column : Uint32Array.from(column);
}

/** Appends one row of a block to a chunk, which must have room. */
function takeRow(chunk: Chunk, block: DecodedBlock, row: number, writers: readonly number[], tables: LogTables): void {
  const { pages } = tables;
  const offset = block.offset[row] as number;
  const length = block.length[row] as number;
  pages.place(block.bytes, offset, offset + length);
  chunk.push(
    writers[block.writer[row] as number] as number,
    block.seq[row] as number,
    block.time[row] as number,
    block.kind[row] as number,
    pages.page,
    pages.offset,
    length,
    takeDependencies(block, row, writers, tables.dependencies),
  );
}

/** The same for several rows. Returns the chunk. @internal */
export function takeRows(
  chunk: Chunk,
  block: DecodedBlock,
  rows: readonly number[],
  writers: readonly number[],
  tables: LogTables,
): Chunk {
  for (const row of rows) takeRow(chunk, block, row, writers, tables);
  return chunk;
}

/** The dependencies of a row of a block, put into an arena. @internal */
export function takeDependencies(
  block: DecodedBlock,
  row: number,
  writers: readonly number[],
  dependencies: DependencyArena,
): number {
  const from = block.depStart[row] as number;
  const to = block.depStart[row + 1] as number;
  if (from === to) return 0;
  const offset = dependencies.begin(to - from);
  const time = block.time[row] as number;
  for (let i = from; i < to; i++) {
    const writer = writers[block.depWriter[i] as number] as number;
    dependencies.add(writer, block.depSeq[i] as number, time - (block.depTime[i] as number));
  }
  return offset;
}
