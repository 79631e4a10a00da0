/** What a peer asks for never needs more than so many packed chunks at once, and none that cannot matter. */
import { expect, test, vi } from 'vitest';
import { numberedId as id, PackedNode } from '../../test/packed-node.js';
import { endOfTime, isQuestion, type Range } from '../range.js';
import { pagesOf } from '../sync/comparison.js';
import { type Reading, ReplicatedLog } from '../sync/index.js';

const coldChunksAtOnceMax = 5;

vi.mock('../limits.js', async (original) => ({
  ...(await original<typeof import('../limits.js')>()),
  ...{ chunkRowsMax: 8, packedChunkBytesTarget: 512, coldChunksAtOnceMax: 5, coldRowsAtOnceMax: 10_000 },
  ...{
    adoptedBytesMin: 100,
    listedWritersMax: 3,
    listedRowsMax: 6,
    ladderRowsMin: 4,
    spanParts: 4,
    rangesPerFrameMax: 2,
  },
}));

/** Events of each of five writers. */
const eachWrites = 48;

/** Few of these fill a chunk. */
const payload = (n: number) => `${n}`.padStart(128, '.');

/** A log of some writers that is all on disk, and the blocks of each. */
function coldLog() {
  const node = new PackedNode(id(0));
  const blocks: Uint8Array[][] = [];
  for (let who = 1; who <= 5; who++) {
    const writer = new ReplicatedLog<string>(
      { id: 'tea', writer: id(who), now: () => node.now },
      { freshWriter: () => id(99) },
    );
    for (let i = 0; i < eachWrites; i++) {
      node.now++;
      writer.append(payload(i));
    }
    blocks.push(writer.takeUnflushed().map(({ block }) => block));
  }
  node.receive(blocks.flat());
  node.store();
  node.pack(false);
  node.log.trim(endOfTime);
  expect(node.chunks.size).toBeGreaterThan(4 * coldChunksAtOnceMax);
  return { node, blocks };
}

/** Carries a reading out, and tells how many chunks it needed, and at once at most. */
function read<V>(node: PackedNode, reading: Reading<V>): { value: V; chunks: number; most: number } {
  const needed = new Set<number>();
  let most = 0;
  for (let step = reading.next(); ; step = reading.next(node.chunks)) {
    if (step.done) return { value: step.value, chunks: needed.size, most };
    most = Math.max(most, step.value.length);
    for (const chunk of step.value) needed.add(chunk);
  }
}

test('a turn that names events all over the log is refused [L7]', () => {
  const { node } = coldLog();
  const rows = node.log.snapshot();
  expect(rows).toHaveLength(0);
  const first = node.now - 5 * eachWrites + 1;
  const runs = Array.from({ length: 5 * eachWrites }, (_, i) => {
    return {
      writer: id(1 + Math.floor(i / eachWrites)),
      last: 1 + (i % (eachWrites - 1)),
      lastTime: (first + i) * 2048,
    };
  });
  expect(() => read(node, node.log.compare([{ kind: 'runs', runs }], 1))).toThrow(
    expect.objectContaining({ code: 'limit-exceeded' }),
  );
});

test('rows that are said to be lacking in a span that was not listed are not looked for: all of it counts as lacking [C4]', () => {
  const { node } = coldLog();
  const start = (node.now - 2 * eachWrites + 1) * 2048;
  const range: Range = { kind: 'lacking-rows', from: start, to: endOfTime, names: [1] };
  const { value, chunks } = read(node, node.log.compare([range], 1));
  expect(chunks).toBeLessThanOrEqual(1);
  expect([...value.lacks]).toEqual([4, 5].map((writer) => [id(writer), { seq: 0, time: start - 1 }]));
  const lacking = read(
    node,
    node.log.read({ lacks: value.lacks, bytesMax: Number.POSITIVE_INFINITY, upTo: endOfTime }),
  );
  expect(lacking.value.lacking).toBe(2 * eachWrites);
});

test('a wide span of few rows is compared by its parts first where its chunks are many [C3]', () => {
  const { node } = coldLog();
  const range: Range = { kind: 'rows', from: 0, to: endOfTime, names: [1] };
  const { value, most } = read(node, node.log.compare([range], 1));
  expect(value.reply.map(({ kind }) => kind)).toEqual(value.reply.map(() => 'fingerprint'));
  expect(most).toBeLessThanOrEqual(coldChunksAtOnceMax);
});

test('honest comparisons find all that is lacking, with few chunks at once [C1] [C3] [L7]', () => {
  const { node, blocks } = coldLog();
  for (const lost of [0, 2, 4]) {
    const other = new PackedNode(id(50));
    other.receive(blocks.filter((_, i) => i !== lost).flat());
    other.store();
    other.pack(false);
    other.log.trim(endOfTime);
    const found = new Map<PackedNode, Set<string>>([
      [node, new Set()],
      [other, new Set()],
    ]);
    let [here, there] = [other, node];
    let turn: readonly Range[] = read(node, node.log.describe()).value;
    for (let turns = 0; turn.length > 0; turns++) {
      expect(turns).toBeLessThan(40);
      const reply: Range[] = [];
      for (const page of pagesOf(turn)) {
        const answer = read(here, here.log.compare(page, 7));
        expect(answer.most).toBeLessThanOrEqual(coldChunksAtOnceMax);
        for (const [writer] of answer.value.lacks) found.get(here)?.add(writer);
        reply.push(...answer.value.reply);
      }
      turn = turn.some(isQuestion) ? reply : [];
      [here, there] = [there, here];
    }
    expect([...(found.get(node) as Set<string>)]).toContain(id(1 + lost));
  }
});

test('a feed of writers that are not in the log reads nothing, one of an early writer no further than that wrote [F3]', () => {
  const { node } = coldLog();
  const select = (writers: number[]) => {
    const filter = { from: 0, until: endOfTime, writers: writers.map(id) };
    const query = { filter, after: new Map(), since: 0, bytesMax: Number.POSITIVE_INFINITY };
    return read(node, node.log.select(query));
  };
  expect(select([70, 71])).toMatchObject({ chunks: 0, value: { entries: [], next: Number.POSITIVE_INFINITY } });
  const early = select([1]);
  expect(early.value.entries.flatMap(({ runs }) => runs).at(-1)).toMatchObject({ writer: id(1), last: eachWrites });
  expect(early.chunks).toBeLessThan(node.chunks.size / 3);
  expect(select([1, 5]).chunks).toBe(node.chunks.size);
});

test('which redactions would erase something is looked up with few chunks at once [G11]', () => {
  const { node, blocks } = coldLog();
  const redactor = new ReplicatedLog<string>(
    { id: 'tea', writer: id(8), now: () => node.now },
    { freshWriter: () => id(8) },
  );
  const { entries } = redactor.receive(blocks.flat());
  redactor.markStored(entries);
  node.now += 10;
  for (const event of redactor.snapshot()) redactor.redact(event.id);
  const redactions = redactor.takeUnflushed().map(({ block }) => block);
  const { value, most, chunks } = read(node, node.log.erasedAmong(redactions));
  expect(value.size).toBe(0);
  expect(chunks).toBe(node.chunks.size);
  expect(most).toBeLessThanOrEqual(coldChunksAtOnceMax);
});
