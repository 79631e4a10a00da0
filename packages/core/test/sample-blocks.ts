/** Blocks and frames that show every part of the formats: what the fixtures freeze, and what hostile bytes start from. */

import { type DecodedBlock, decodeBlock, encodeBlock, timeBeforeRow } from '../src/codec/block.js';
import { exportBlocks, importBlocks } from '../src/codec/exported-blocks.js';
import type { Message } from '../src/codec/message.js';
import { encodeRedaction } from '../src/codec/redaction.js';
import { eventKind } from '../src/event.js';
import { GossipError, type GossipLog, type WriterId, writerIdFromBytes, writerIdToBytes } from '../src/index.js';
import { Chunk } from '../src/log/chunk.js';
import { DependencyArena } from '../src/log/dependency-arena.js';
import type { LogTables } from '../src/log/log-tables.js';
import { PayloadPages } from '../src/log/payload-pages.js';
import { WriterTable } from '../src/log/writer-table.js';
import { endOfTime } from '../src/range.js';

export const ada = writerIdFromBytes(new Uint8Array(16).fill(0xaa));
export const bob = writerIdFromBytes(new Uint8Array(16).fill(0xbb));
export const eve = writerIdFromBytes(new Uint8Array(16).fill(0xee));
/** 2023-11-14T22:13:20Z, as a hybrid time. */
export const baseTime = 1_700_000_000_000 * 2048;

/** Blocks as a log's `encode` gives them, for its `merge`. */
export function exported(blocks: readonly Uint8Array[], id = 'tea'): Uint8Array {
  return exportBlocks({ id, codec: 'json' }, blocks);
}

/** The blocks that a log's `encode` gives. */
export function blocksIn(log: Pick<GossipLog, 'id' | 'encode'>): Uint8Array[] {
  return importBlocks(log.encode(), { id: log.id, codec: 'json' });
}

export interface Row {
  readonly writer: WriterId;
  readonly seq: number;
  readonly time: number;
  /** Time of the writer's event before, where the row is the writer's first in the block and not its first at all. */
  readonly before?: number;
  readonly kind?: number;
  /** Newest first. */
  readonly deps?: readonly { readonly writer: WriterId; readonly seq: number; readonly time: number }[];
  /** Of redactions and erased rows bytes, else text. */
  readonly payload: string | Uint8Array;
}

/** Rows as a block, written as they are: rules that the log keeps may be broken. */
export function blockOf(rows: readonly Row[]): Uint8Array<ArrayBuffer> {
  const writers = new WriterTable();
  const tables: LogTables = { writers, dependencies: new DependencyArena(), pages: new PayloadPages() };
  const chunk = new Chunk(rows.length);
  for (const { writer, seq, time, kind = 0, deps = [], payload } of rows) {
    const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
    const index = writers.intern(writer);
    const offset = tables.dependencies.begin(deps.length);
    for (const dep of deps) tables.dependencies.add(writers.intern(dep.writer), dep.seq, time - dep.time);
    tables.pages.place(bytes, 0, bytes.length);
    chunk.push(index, seq, time, kind, tables.pages.page, tables.pages.offset, bytes.length, offset);
  }
  return encodeBlock(
    chunk,
    0,
    chunk.count,
    tables,
    rows.map(({ before = 0 }) => before),
  );
}

/** Is a row its writer's first in the block, and not its first at all? */
function startsAfter(block: DecodedBlock, row: number): boolean {
  const first = block.firstSeq[block.writer[row] as number] as number;
  return first > 1 && block.seq[row] === first;
}

/** The rows of a block. */
export function rowsOf(bytes: Uint8Array): Row[] {
  const block = decodeBlock(bytes);
  const id = (index: number) => writerIdFromBytes(block.writers[index] as Uint8Array);
  return Array.from({ length: block.count }, (_, row) => {
    const offset = block.offset[row] as number;
    const kind = block.kind[row] as number;
    const payload = bytes.subarray(offset, offset + (block.length[row] as number));
    const deps = [];
    for (let i = block.depStart[row] as number; i < (block.depStart[row + 1] as number); i++) {
      deps.push({
        writer: id(block.depWriter[i] as number),
        seq: block.depSeq[i] as number,
        time: block.depTime[i] as number,
      });
    }
    return {
      writer: id(block.writer[row] as number),
      seq: block.seq[row] as number,
      time: block.time[row] as number,
      ...(startsAfter(block, row) ? { before: timeBeforeRow(block, row) } : {}),
      kind,
      deps,
      payload:
        kind === eventKind.redaction || kind === eventKind.erased
          ? payload.slice()
          : new TextDecoder('utf-8').decode(payload),
    };
  });
}

/** One row of one writer: the smallest block. */
export const oneRow: Row[] = [{ writer: ada, seq: 1, time: baseTime, payload: '"Tea?"' }];

/** Three writers, dependencies in the block and out of it, a counter, kinds, equal times, an empty payload. */
export const manyRows: Row[] = [
  {
    writer: ada,
    seq: 7,
    time: baseTime,
    before: baseTime - 6144,
    payload: '"Tea?"',
    deps: [{ writer: eve, seq: 300, time: baseTime - 4096 }],
  },
  { writer: bob, seq: 1, time: baseTime + 2048, payload: '"Yes"', deps: [{ writer: ada, seq: 7, time: baseTime }] },
  { writer: ada, seq: 8, time: baseTime + 2049, payload: '', kind: 2 },
  { writer: eve, seq: 301, time: baseTime + 2049, before: baseTime - 4096, payload: '"🫖"', kind: 2 },
  {
    writer: bob,
    seq: 2,
    time: baseTime + 600_000 * 2048 + 5,
    payload: '{"text":"two at once"}',
    deps: [
      { writer: eve, seq: 301, time: baseTime + 2049 },
      { writer: ada, seq: 8, time: baseTime + 2049 },
    ],
  },
];

/** A redaction of `target`, `age` steps later: as a row of `by`. */
export function redactionOf(
  target: Pick<Row, 'writer' | 'seq' | 'time'>,
  by: Pick<Row, 'writer' | 'seq'> & Partial<Pick<Row, 'deps' | 'before'>>,
  { age = 4096, atOnce = false } = {},
): Row {
  const payload = encodeRedaction({ atOnce, writer: writerIdToBytes(target.writer), seq: target.seq, age });
  return { ...by, time: target.time + age, kind: eventKind.redaction, payload };
}

/** A row as it is once that redaction is known. */
export function erasedBy({ writer, seq, time, deps = [], ...rest }: Row, { before: _, ...redaction }: Row): Row {
  const told = rest.before === undefined ? {} : { before: rest.before };
  return { writer, seq, time, deps, ...told, kind: eventKind.erased, payload: blockOf([redaction]) };
}

/** Ada's event, erased, an event of hers, and Bob's redaction. */
export const redactedRows: Row[] = (() => {
  const tea: Row = { writer: ada, seq: 1, time: baseTime, payload: '"Tea?"' };
  const no: Row = { writer: ada, seq: 2, time: baseTime + 2048, payload: '"No."' };
  const redaction = redactionOf(tea, {
    ...{ writer: bob, seq: 5, before: baseTime - 1 },
    deps: [{ writer: ada, seq: 2, time: no.time }],
  });
  return [erasedBy(tea, redaction), no, redaction];
})();

const run = { writer: ada, first: 3, last: 200 };

/** One message of every kind. */
export const messages: { readonly [K in Message['kind']]: Extract<Message, { kind: K }> } = {
  hello: { kind: 'hello', node: ada, name: 'ada’s phone', durable: true, now: 1_700_000_000_000 },
  open: {
    kind: 'open',
    channel: 3,
    descriptor: { id: 'tea', policy: 'unsigned', codec: 'json' },
    token: 'secret',
    edges: {
      ...{ wanted: baseTime, complete: baseTime + 4096, last: 500, cut: baseTime + 2048, catchUpEventsMax: 1000 },
      redactions: { from: baseTime - 4096, count: 2, sum: Uint32Array.of(2 ** 32 - 1, 0, 1, 2 ** 31) },
    },
    turn: {
      comparison: 5,
      ranges: [
        {
          kind: 'runs',
          runs: [
            { writer: ada, last: 200, lastTime: baseTime + 4096 },
            { writer: bob, last: 1, lastTime: baseTime },
          ],
        },
      ],
    },
  },
  ranges: {
    kind: 'ranges',
    channel: 3,
    comparison: 5,
    own: false,
    more: true,
    begins: false,
    yields: false,
    frame: 2,
    ranges: [
      { kind: 'lacking-runs', runs: [{ writer: bob, last: 0, lastTime: 0 }] },
      {
        ...{ kind: 'fingerprint', from: 0, to: baseTime, count: 300 },
        sum: Uint32Array.of(1, 0xff, 0x12345678, 0xffffffff),
      },
      { kind: 'rows', from: baseTime, to: baseTime + 4096, names: [1, 2 ** 48 - 1] },
      { kind: 'lacking-rows', from: baseTime + 8192, to: endOfTime, names: [0x0102_0304_0506] },
    ],
  },
  want: { kind: 'want', channel: 3, runs: [run] },
  events: { kind: 'events', channel: 3, blocks: [blockOf(oneRow), blockOf(manyRows)] },
  ack: { kind: 'ack', channel: 3, node: 'relay', runs: [run] },
  credit: { kind: 'credit', bytes: 262_144 },
  error: { kind: 'error', channel: 3, code: 'early', message: 'ahead of this clock', time: baseTime },
  close: { kind: 'close', channel: 3, reason: { code: 'normal', message: '' } },
  feed: {
    kind: 'feed',
    channel: 4,
    descriptor: { id: 'tea', policy: 'unsigned', codec: 'json' },
    token: 'secret',
    filter: { from: baseTime, until: endOfTime, writers: [ada, bob] },
    after: [{ writer: ada, last: 200, lastTime: baseTime + 4096 }],
  },
  pull: { kind: 'pull', channel: 4, bytes: 32_768 },
  sums: { kind: 'sums', channel: 3, upTo: baseTime, count: 300, sum: Uint32Array.of(1, 0xff, 0x12345678, 0xffffffff) },
  coming: { kind: 'coming', channel: 3, events: 40_000, bytes: 1_600_000 },
  absent: { kind: 'absent', channel: 3, runs: [run] },
  cut: { kind: 'cut', channel: 3, time: baseTime },
  ping: { kind: 'ping', asks: true, now: 1_700_000_000_000 },
};

/** The code of the GossipError that a call throws; anything else it throws goes on. */
export function refusal(call: () => unknown): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    if (error instanceof GossipError) return error.code;
    throw error;
  }
}
