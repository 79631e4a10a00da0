/**
 * Chunk ↔ bytes: the block, one form for disk and wire. `docs/protocol.md` has the byte table.
 *
 * The encoder reads chunk columns; the decoder gives columns of its own, with writers as indexes into the block's
 * table, so that nothing outside is touched before the whole block has proven valid. Rules of a valid block:
 *
 * - [B1] The version is known, no reserved flag is set, the checksum fits, and no byte is left over.
 * - [B2] Rows stand in log order: (time, writer bytes) strictly rises.
 * - [B3] A writer's rows follow one another: its first sequence number is given, the rest counted.
 * - [B4] A dependency is another writer's event, older than the row; a row's dependencies go strictly from newest to
 *   oldest, and are at most `depsMax`.
 * - [B5] Every length is checked against what remains and against `limits.ts` before anything is allocated for it.
 * - [B6] A writer's first row in a block, unless it is its first event, comes with the time of the event before it, which
 *   is earlier; or with 0 where that is not told.
 * - [B7] A redaction (kind 1) names an event that is earlier than itself, also by its number where the writer is the same.
 * - [B8] The payload of an erased row (kind 128) is a block of one row, a redaction of exactly that row. It does not tell
 *   the time before (B6), so that one redaction has one form everywhere. Of kinds above 127 there is no other.
 */
import { GossipError, invariant } from '../errors.js';
import { eventKind } from '../event.js';
import { clockStepsPerMs } from '../hybrid-logical-clock.js';
import {
  blockBytesMax,
  blockRowsMax,
  blockWritersMax,
  depsMax,
  eventBytesMax,
  seqMax,
  timeMax,
  writerIdBytes,
} from '../limits.js';
import type { Chunk } from '../log/chunk.js';
import type { LogTables } from '../log/log-tables.js';
import { compareBytes } from '../log/writer-table.js';
import { ByteReader, ByteWriter, invalid } from './bytes.js';
import { xxHash32 } from './checksum.js';
import { decodeRedaction } from './redaction.js';

/** Version of the block format. 0 until the first release. A version 0 block sets no flag. */
const blockVersion = 0;

const headerBytes = 6;
/** One row of one writer, without payload: what is shorter is no block. @internal */
export const blockBytesMin = 34;

/** Reused between calls: a log encodes on one thread. Indexed by the log's writer index. */
const scratch = {
  out: new ByteWriter(64 * 1024),
  /** Local index + 1 of a writer in the block being written; 0 when it is not in it yet. */
  local: new Int32Array(64),
};

/**
 * Rows `[from, to)` of a chunk as one block. They must be in order, and each writer's must follow one another. `before`
 * has for each row of the chunk the time of its writer's previous event, 0 where that is not known (B6); it is read for a
 * writer's first row alone.
 *
 * @internal
 */
export function encodeBlock(
  chunk: Chunk,
  from: number,
  to: number,
  tables: LogTables,
  before: ArrayLike<number>,
): Uint8Array<ArrayBuffer> {
  const { writers, dependencies, pages } = tables;
  const count = to - from;
  if (scratch.local.length < writers.size) scratch.local = new Int32Array(writers.size * 2);
  const { local, out } = scratch;
  out.reset();
  out.u8(blockVersion);
  out.u8(0);
  out.u32(0);
  out.varint(count);
  const firstTime = chunk.time[from] as number;
  out.varint(firstTime);
  out.varint((chunk.time[to - 1] as number) - firstTime);
  // Key epoch and codec of the payloads: 0 is "as the log's descriptor says".
  out.varint(0);
  out.varint(0);

  // Writers of the block: those with rows, in the order of their first, then those that only dependencies name.
  const table: number[] = [];
  const firstRow: number[] = [];
  for (let row = from; row < to; row++) {
    const writer = chunk.writer[row] as number;
    if (local[writer] === 0) {
      firstRow.push(row);
      local[writer] = table.push(writer);
    }
  }
  const withRows = table.length;
  for (let row = from; row < to; row++) {
    dependencies.each(chunk.deps[row] as number, 0, (writer) => {
      if (local[writer] === 0) local[writer] = table.push(writer);
    });
  }

  // Where in the block a writer's n-th row stands, to write dependencies as distances: counted, then filled in.
  const firstSeq = firstRow.map((row) => chunk.seq[row] as number);
  const rowsBefore = new Uint32Array(withRows + 1);
  for (let row = from; row < to; row++) {
    const slot = local[chunk.writer[row] as number] as number;
    rowsBefore[slot] = (rowsBefore[slot] as number) + 1;
  }
  for (let i = 0; i < withRows; i++) rowsBefore[i + 1] = (rowsBefore[i + 1] as number) + (rowsBefore[i] as number);
  const rowOf = new Uint32Array(count);
  for (let row = from; row < to; row++) {
    const slot = (local[chunk.writer[row] as number] as number) - 1;
    rowOf[(rowsBefore[slot] as number) + (chunk.seq[row] as number) - (firstSeq[slot] as number)] = row;
  }

  out.varint(withRows);
  out.varint(table.length - withRows);
  for (let i = 0; i < table.length; i++) {
    out.bytes(writers.bytes(table[i] as number));
    if (i >= withRows) continue;
    const first = firstSeq[i] as number;
    out.varint(first);
    if (first === 1) continue;
    const row = firstRow[i] as number;
    out.varint(before[row] ? (chunk.time[row] as number) - (before[row] as number) : 0);
  }

  let previous = firstTime;
  for (let row = from + 1; row < to; row++) {
    const time = chunk.time[row] as number;
    out.varint(timeToken(previous, time));
    previous = time;
  }
  if (withRows > 1) {
    for (let row = from; row < to; row++) out.varint((local[chunk.writer[row] as number] as number) - 1);
  }
  for (let row = from; row < to; ) {
    const kind = chunk.kind[row] as number;
    const start = row;
    while (row < to && chunk.kind[row] === kind) row++;
    out.u8(kind);
    out.varint(row - start);
  }
  for (let row = from; row < to; row++) {
    writeDependencies(row);
  }
  for (let row = from; row < to; row++) out.varint(chunk.length[row] as number);
  for (let row = from; row < to; row++) {
    const offset = chunk.offset[row] as number;
    out.copy(pages.whole(chunk.page[row] as number), offset, offset + (chunk.length[row] as number));
  }
  for (const writer of table) local[writer] = 0;
  out.setU32(2, xxHash32(out.view(), blockVersion, headerBytes));
  return out.finish();

  function writeDependencies(row: number): void {
    const offset = chunk.deps[row] as number;
    if (offset === 0) {
      out.varint(0);
      return;
    }
    const time = chunk.time[row] as number;
    let n = 0;
    let justBefore = false;
    dependencies.each(offset, time, (writer, seq, dependencyTime) => {
      n++;
      justBefore =
        row > from &&
        chunk.writer[row - 1] === writer &&
        chunk.seq[row - 1] === seq &&
        chunk.time[row - 1] === dependencyTime;
    });
    if (n === 1 && justBefore) {
      out.varint(1);
      return;
    }
    out.varint(n + 1);
    dependencies.each(offset, time, (writer, seq, dependencyTime) => {
      const slot = (local[writer] as number) - 1;
      if (slot < withRows) {
        const nth = seq - (firstSeq[slot] as number);
        const rows = (rowsBefore[slot + 1] as number) - (rowsBefore[slot] as number);
        if (nth >= 0 && nth < rows) {
          const found = rowOf[(rowsBefore[slot] as number) + nth] as number;
          // A claimed time that is not the row's own is kept as claimed, or the copy would differ from the original.
          if (found < row && chunk.time[found] === dependencyTime) {
            out.varint(row - found);
            return;
          }
        }
      }
      out.varint(0);
      out.varint(slot);
      out.varint(seq);
      out.varint(time - dependencyTime);
    });
  }
}

/** One number for a step in time: even, so many milliseconds on with the counter at 0; odd, the plain difference. */
function timeToken(previous: number, time: number): number {
  if (time % clockStepsPerMs === 0) {
    const milliseconds = time / clockStepsPerMs - Math.floor(previous / clockStepsPerMs);
    if (milliseconds > 0) return milliseconds * 2;
  }
  return (time - previous) * 2 + 1;
}

/**
 * A number for each row. A block of one row has plain arrays: a typed array takes 200 bytes and as long as reading all of
 * the row, and messages mostly come one by one.
 *
 * @internal
 */
export type Column<Typed> = Typed | readonly number[];

/** A block's columns, valid by its own bytes. Views point into `bytes`. @internal */
export interface DecodedBlock {
  readonly bytes: Uint8Array;
  readonly count: number;
  /** 16 bytes each; the first `withRows` have rows, the others are named by dependencies alone. */
  readonly writers: readonly Uint8Array[];
  readonly withRows: number;
  /** Per writer, its first sequence number in the block. */
  readonly firstSeq: readonly number[];
  /** Per writer, the time of the event before its first row; 0 where there is none, or it is not told. */
  readonly timeBefore: readonly number[];
  /** Columns; `writer` is an index into `writers`, `offset` counts from the start of `bytes`. */
  readonly writer: Column<Uint32Array>;
  readonly seq: Column<Uint32Array>;
  readonly time: Column<Float64Array>;
  readonly kind: Column<Uint8Array>;
  readonly offset: Column<Uint32Array>;
  readonly length: Column<Uint32Array>;
  /** Row i's dependencies are entries `[depStart[i], depStart[i + 1])` of the three below. */
  readonly depStart: Column<Uint32Array>;
  readonly depWriter: readonly number[];
  readonly depSeq: readonly number[];
  readonly depTime: readonly number[];
}

/**
 * Reads a block and proves rules B1 to B8. Payloads of the app are not read.
 *
 * @throws GossipError `version-unsupported`, `checksum`, `bytes-truncated`, `block-invalid`, `clock`.
 * @internal
 */
export function decodeBlock(bytes: Uint8Array): DecodedBlock {
  return decode(bytes, false);
}

/** The same for the redaction in an erased row. @internal */
export function decodeRedactionBlock(bytes: Uint8Array): DecodedBlock {
  const block = decode(bytes, true);
  if (block.timeBefore[0] !== 0) throw invalid('the redaction in an erased row tells the time before');
  return block;
}

function decode(bytes: Uint8Array, embedded: boolean): DecodedBlock {
  if (bytes.length > blockBytesMax) throw invalid(`block of ${bytes.length} bytes, at most ${blockBytesMax}`);
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  const flags = reader.u8();
  if (version !== blockVersion || flags !== 0) {
    throw new GossipError('version-unsupported', `block version ${version} with flags ${flags}; this reads 0 with 0`, {
      context: { version, flags },
    });
  }
  const checksum = reader.u32();
  if (xxHash32(bytes, blockVersion, headerBytes) !== checksum) {
    throw new GossipError('checksum', 'the checksum of a block does not fit its bytes');
  }

  const count = reader.bounded(embedded ? 1 : blockRowsMax, 'rows of a block');
  if (count === 0) throw invalid('a block without rows');
  // A row takes at least two bytes (dependencies and length); the first has its time in the header.
  if (count * 2 > reader.remaining) throw invalid(`${count} rows in ${reader.remaining} bytes`);
  const firstTime = reader.varint();
  const lastTime = firstTime + reader.varint();
  if (reader.varint() !== 0 || reader.varint() !== 0) {
    throw new GossipError('version-unsupported', 'a block with a codec or key epoch of its own');
  }
  const withRows = reader.bounded(count, 'writers of a block');
  if (withRows === 0) throw invalid('a block without writers');
  const referenced = reader.bounded(blockWritersMax - withRows, 'writers named in a block');
  if ((withRows + referenced) * writerIdBytes > reader.remaining) throw invalid('more writers than bytes');
  const writers: Uint8Array[] = [];
  const firstSeq: number[] = [];
  const ageBefore: number[] = [];
  for (let i = 0; i < withRows + referenced; i++) {
    writers.push(reader.bytes(writerIdBytes));
    if (i < withRows) {
      const first = reader.bounded(seqMax, 'sequence number');
      if (first === 0) throw invalid('sequence number 0');
      firstSeq.push(first);
      ageBefore.push(first === 1 ? 0 : reader.bounded(timeMax, 'time since the event before'));
    }
  }
  refuseTwins(writers);

  const isOne = count === 1;
  const time = isOne ? [firstTime] : new Float64Array(count);
  time[0] = firstTime;
  let previous = firstTime;
  for (let row = 1; row < count; row++) {
    const token = reader.varint();
    previous =
      token % 2 === 0
        ? (Math.floor(previous / clockStepsPerMs) + token / 2) * clockStepsPerMs
        : previous + (token - 1) / 2;
    time[row] = previous;
  }
  if (previous !== lastTime || lastTime > timeMax) throw invalid('the last time of a block is not as announced');

  const writer = isOne ? [0] : new Uint32Array(count);
  if (withRows > 1) {
    for (let row = 0; row < count; row++) {
      const slot = reader.varint();
      if (slot >= withRows) throw invalid(`writer ${slot} of ${withRows}`);
      writer[row] = slot;
    }
  }
  const seq = isOne ? [0] : new Uint32Array(count);
  const timeBefore = ageBefore;
  const next = firstSeq.slice();
  for (let row = 0; row < count; row++) {
    const slot = writer[row] as number;
    const value = next[slot] as number;
    if (value > seqMax) throw invalid('sequence number over its bound');
    const age = ageBefore[slot] as number;
    if (value === firstSeq[slot] && age > 0) {
      if (age >= (time[row] as number))
        throw new GossipError('clock', `row ${row} of a block has an event before time`);
      timeBefore[slot] = (time[row] as number) - age;
    }
    seq[row] = value;
    next[slot] = value + 1;
    if (row > 0 && (time[row] as number) <= (time[row - 1] as number)) {
      const equal = time[row] === time[row - 1];
      if (!equal || compareBytes(writers[writer[row - 1] as number] as Uint8Array, writers[slot] as Uint8Array) >= 0) {
        throw new GossipError('clock', `row ${row} of a block is not after the row before it`);
      }
    }
  }
  for (let i = 0; i < withRows; i++) if (next[i] === firstSeq[i]) throw invalid('a writer without rows');

  const kind = isOne ? [0] : new Uint8Array(count);
  let isPlain = true;
  for (let row = 0; row < count; ) {
    const value = reader.u8();
    if (value !== eventKind.app) isPlain = false;
    // Before a payload is read as a block in turn: blocks do not lie deeper than one in another.
    if (embedded && value !== eventKind.redaction) throw invalid('an erased row without its redaction');
    if (value > eventKind.erased) throw invalid(`a row of kind ${value}`);
    const run = reader.bounded(count - row, 'run of kinds');
    if (run === 0) throw invalid('an empty run of kinds');
    kind.fill(value, row, row + run);
    row += run;
  }

  const depStart = isOne ? [0, 0] : new Uint32Array(count + 1);
  const depWriter: number[] = [];
  const depSeq: number[] = [];
  const depTime: number[] = [];
  const isNamed = writers.map((_, i) => i < withRows);
  for (let row = 0; row < count; row++) {
    const token = reader.varint();
    if (token === 1) {
      if (row === 0) throw invalid('the first row depends on the row before it');
      addRowDependency(row, 1);
    } else if (token > 1) {
      const many = token - 1;
      if (many > depsMax) throw invalid(`${many} dependencies, at most ${depsMax}`);
      for (let i = 0; i < many; i++) {
        const distance = reader.varint();
        if (distance > row) throw invalid('a dependency before the block, by distance');
        if (distance > 0) addRowDependency(row, distance);
        else addDependency(row, reader.varint(), reader.varint(), reader.varint());
        checkOrder(row, i);
      }
    }
    depStart[row + 1] = depWriter.length;
  }
  // A log keeps every writer that it has heard of: a block must not fill its table for nothing.
  if (isNamed.includes(false)) throw invalid('a writer that no row names');

  const length = isOne ? [0] : new Uint32Array(count);
  let total = 0;
  for (let row = 0; row < count; row++) {
    const value = reader.bounded(eventBytesMax, 'payload bytes');
    length[row] = value;
    total += value;
  }
  if (total !== reader.remaining) {
    if (total > reader.remaining) throw new GossipError('bytes-truncated', 'payloads end too early');
    throw invalid(`${reader.remaining - total} bytes too many`);
  }
  const offset = isOne ? [0] : new Uint32Array(count);
  let at = reader.at;
  for (let row = 0; row < count; row++) {
    offset[row] = at;
    at += length[row] as number;
  }
  const block = {
    bytes,
    count,
    writers,
    withRows,
    firstSeq,
    timeBefore,
    writer,
    seq,
    time,
    kind,
    offset,
    length,
    depStart,
    depWriter,
    depSeq,
    depTime,
  };
  if (!isPlain) checkRedactions(block);
  return block;

  function addRowDependency(row: number, distance: number): void {
    const other = writer[row - distance] as number;
    if (other === writer[row]) throw invalid('a dependency on an event of the same writer');
    if ((time[row - distance] as number) >= (time[row] as number)) throw dependencyTooNew(row);
    depWriter.push(other);
    depSeq.push(seq[row - distance] as number);
    depTime.push(time[row - distance] as number);
  }

  function addDependency(row: number, other: number, sequence: number, age: number): void {
    if (other >= writers.length) throw invalid(`writer ${other} of ${writers.length}`);
    if (other === writer[row]) throw invalid('a dependency on an event of the same writer');
    if (sequence === 0 || sequence > seqMax) throw invalid('sequence number of a dependency');
    if (age === 0 || age > (time[row] as number)) throw dependencyTooNew(row);
    isNamed[other] = true;
    depWriter.push(other);
    depSeq.push(sequence);
    depTime.push((time[row] as number) - age);
  }

  /** B4: strictly from newest to oldest, by the total order. */
  function checkOrder(row: number, nth: number): void {
    if (nth === 0) return;
    const i = depWriter.length - 1;
    const newer = depTime[i - 1] as number;
    const older = depTime[i] as number;
    if (older < newer) return;
    const a = writers[depWriter[i - 1] as number] as Uint8Array;
    const b = writers[depWriter[i] as number] as Uint8Array;
    if (older > newer || compareBytes(a, b) <= 0) throw invalid(`the dependencies of row ${row} are not in order`);
  }
}

/** B7 and B8. */
function checkRedactions({ bytes, count, writers, writer, seq, time, kind, offset, length }: DecodedBlock): void {
  for (let row = 0; row < count; row++) {
    if (kind[row] !== eventKind.redaction && kind[row] !== eventKind.erased) continue;
    const own = writers[writer[row] as number] as Uint8Array;
    const from = offset[row] as number;
    const to = from + (length[row] as number);
    if (kind[row] === eventKind.redaction) {
      const target = decodeRedaction(bytes, from, to);
      const isEarlier = target.seq < (seq[row] as number) || compareBytes(target.writer, own) !== 0;
      if (!isEarlier || target.age > (time[row] as number)) throw invalid('a redaction of nothing earlier');
    } else {
      const redaction = decodeRedactionBlock(bytes.subarray(from, to));
      const at = redaction.offset[0] as number;
      const target = decodeRedaction(redaction.bytes, at, at + (redaction.length[0] as number));
      const targetTime = (redaction.time[0] as number) - target.age;
      if (compareBytes(target.writer, own) !== 0 || target.seq !== seq[row] || targetTime !== time[row]) {
        throw invalid('an erased row with the redaction of another event');
      }
    }
  }
}

/** The time of the event before a row, of the same writer; 0 where that is not told. @internal */
export function timeBeforeRow(block: DecodedBlock, row: number): number {
  const slot = block.writer[row] as number;
  if (block.seq[row] === block.firstSeq[slot]) return block.timeBefore[slot] as number;
  let earlier = row - 1;
  while (earlier >= 0 && block.writer[earlier] !== slot) earlier--;
  invariant(earlier >= 0, 'a row that is not the first of its writer stands behind another one of it');
  return block.time[earlier] as number;
}

function dependencyTooNew(row: number): GossipError {
  return new GossipError('clock', `row ${row} of a block is not after what it depends on`);
}

/** A writer stands in the table once, or one event could hide under two indexes. */
function refuseTwins(writers: readonly Uint8Array[]): void {
  if (writers.length < 2) return;
  const sorted = writers.length === 2 ? writers : [...writers].sort(compareBytes);
  for (let i = 1; i < sorted.length; i++) {
    if (compareBytes(sorted[i - 1] as Uint8Array, sorted[i] as Uint8Array) === 0)
      throw invalid('a writer stands twice');
  }
}

/**
 * A sequence of blocks, each preceded by its length as a varint: what an `events` frame carries. Two sequences put together
 * are a sequence.
 *
 * @internal
 */
export function joinBlocks(blocks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter(blocks.reduce((sum, block) => sum + block.length + 4, 0));
  for (const block of blocks) {
    out.varint(block.length);
    out.bytes(block);
  }
  return out.finish();
}

/** The blocks of a sequence, as views. @internal */
export function splitBlocks(bytes: Uint8Array, from = 0): Uint8Array[] {
  const reader = new ByteReader(bytes, from);
  const blocks: Uint8Array[] = [];
  while (reader.remaining > 0) {
    const length = reader.bounded(blockBytesMax, 'bytes of a block');
    // A view costs a hundred bytes: half a million empty blocks in one frame would cost a hundred times their size.
    if (length < blockBytesMin) throw invalid(`a block of ${length} bytes, at least ${blockBytesMin}`);
    blocks.push(reader.bytes(length));
  }
  return blocks;
}
