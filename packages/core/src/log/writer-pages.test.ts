/** Packed writers in pages on disk: which are written, when they are read, and what is left when one is damaged. */
import { expect, test, vi } from 'vitest';
import { numberedId, PackedNode } from '../../test/packed-node.js';
import { readNow } from '../../test/read-now.js';
import { baseTime, blockOf, type Row } from '../../test/sample-blocks.js';
import { decodeManifest, encodeManifest } from '../codec/manifest.js';
import { isWriterPage } from '../codec/writer-page.js';
import { eventId, type WriterId } from '../ids.js';
import { endOfTime } from '../range.js';
import { blocksOf, DamagedChunk, type Reading, ReplicatedLog } from '../sync/index.js';

const listedMax = 8;
const pageMax = 4;

vi.mock('../limits.js', async (original) => ({
  ...(await original<typeof import('../limits.js')>()),
  ...{ chunkRowsMax: 8, packedChunkBytesTarget: 512, packedChunksMax: 7, listedPackedMax: 8, pageWritersMax: 4 },
  ...{ coldChunksAtOnceMax: 6 },
}));

/** Events of each writer: one packed chunk holds the events of one or two writers. */
const each = 5;
const step = 2048;

interface Run {
  readonly writer: number;
  /** Events before. */
  readonly from?: number;
  readonly count?: number;
}

/** What these writers write, one after another: each event depends on the one before. */
class History {
  readonly blocks: Uint8Array[] = [];
  readonly version = new Map<WriterId, number>();
  #last: { readonly writer: WriterId; readonly seq: number; readonly time: number } | undefined;
  #time = baseTime;
  readonly #times = new Map<WriterId, number>();

  write(...runs: readonly Run[]): Uint8Array[] {
    const written = runs.map(({ writer: number, count = each }) => {
      const writer = numberedId(number);
      const rows: Row[] = [];
      for (let i = 0; i < count; i++) {
        const seq = (this.version.get(writer) ?? 0) + 1;
        this.#time += step;
        rows.push({
          ...{
            writer,
            seq,
            time: this.#time,
            before: this.#times.get(writer) ?? 0,
            payload: `"event ${seq} of ${number}"`,
          },
          deps: this.#last === undefined || this.#last.writer === writer ? [] : [this.#last],
        });
        this.#last = { writer, seq, time: this.#time };
        this.version.set(writer, seq);
        this.#times.set(writer, this.#time);
      }
      return blockOf(rows);
    });
    this.blocks.push(...written);
    return written;
  }
}

const writers = (count: number, from = 0): Run[] => Array.from({ length: count }, (_, i) => ({ writer: from + i }));

function packAll(node: PackedNode): void {
  node.store();
  for (let i = 0; i < 50; i++) node.pack(false);
  expect(node.onDisk).toBe(0);
}

const pagesOf = ({ chunks }: PackedNode) => [...chunks].filter(([, bytes]) => isWriterPage(bytes));

/** A node that has packed what forty writers wrote. */
function packedNode(): { node: PackedNode; history: History } {
  const history = new History();
  const node = new PackedNode(numberedId(5_000));
  node.receive(history.write(...writers(40)));
  packAll(node);
  expect(pagesOf(node).length).toBeGreaterThanOrEqual((40 - listedMax) / pageMax);
  return { node, history };
}

const holdsText = ({ disk }: PackedNode, text: string) =>
  disk.some((bytes) => new TextDecoder('utf-8').decode(bytes).includes(text));

/** The redaction of an event, by a writer who knows all of the log, as blocks. */
function redactionOf({ blocks }: History, writer: number, seq: number): Uint8Array[] {
  const moderator = new ReplicatedLog<string>(
    { id: 'tea', writer: numberedId(9_000), now: () => 1_800_000_000_000 },
    { freshWriter: () => numberedId(9_001) },
  );
  moderator.receive(blocks);
  moderator.redact(eventId(numberedId(writer), seq));
  return moderator.takeUnflushed().map(({ block }) => block);
}

/** Carries a reading out, and returns the ids of all that it asked for. */
function askedBy(reading: Reading<unknown>, chunks: ReadonlyMap<number, Uint8Array>): Set<number> {
  const asked = new Set<number>();
  for (let part = reading.next(); !part.done; part = reading.next(chunks)) for (const id of part.value) asked.add(id);
  return asked;
}

test('a start that shows the newest events, and an append, read no page of writers', () => {
  const { node, history } = packedNode();
  node.restart();
  expect(node.log.knowsWriters).toBe(false);
  expect(node.log.needsWriters).toBe(false);
  const pages = new Set(pagesOf(node).map(([id]) => id));
  const asked = askedBy(
    node.log.loadOlder(({ length }) => length >= each),
    node.chunks,
  );
  expect(asked.size).toBeGreaterThan(0);
  expect([...asked].filter((id) => pages.has(id))).toEqual([]);
  const newest = node.log.snapshot().at(-1);
  expect(newest?.writer).toBe(numberedId(39));
  const own = node.log.append('mine');
  expect(own.clock).toBeGreaterThan(newest?.clock as number);
  expect(node.log.knowsWriters).toBe(false);

  // Older events are of writers in pages: all of them are read, once.
  const older = askedBy(
    node.log.loadOlder(() => false),
    node.chunks,
  );
  expect([...pages].filter((id) => !older.has(id))).toEqual([]);
  expect(node.log.knowsWriters).toBe(true);
  expect(askedBy(node.log.readWriters(), node.chunks).size).toBe(0);
  expect(node.log.version()).toEqual(new Map([...history.version, [own.writer, 1]]));
  expect(node.log.relation(newest as never, own)).toBe('before');
});

test('a writer in a page is known: its events are not taken again, and the next one follows on them [L3]', () => {
  const { node, history } = packedNode();
  const known = history.blocks.slice();
  const [next] = history.write({ writer: 3, count: 1 });
  node.restart();
  node.readWriters();
  const { added, duplicates } = node.log.receive(known);
  expect([added, duplicates]).toEqual([0, 40 * each]);
  node.receive([next as Uint8Array]);
  packAll(node);
  node.restart();
  node.readWriters();
  expect(node.log.version()).toEqual(history.version);
  expect(node.log.parked).toBe(0);
  expect(node.log.missingBelow()).toEqual([]);
});

test('a page is never written again, and goes once most of its writers have written since', () => {
  const { node, history } = packedNode();
  const first = new Map(pagesOf(node));
  const [oldest] = first.keys();
  node.receive(history.write(...writers(pageMax - 2)));
  packAll(node);
  for (const [id, bytes] of pagesOf(node)) expect(first.get(id) ?? bytes).toBe(bytes);
  expect(node.chunks.has(oldest as number)).toBe(true);
  // Of four writers one is left that the page tells of.
  node.receive(history.write({ writer: pageMax - 2 }));
  packAll(node);
  expect(node.chunks.has(oldest as number)).toBe(false);
  expect([...first.keys()].filter((id) => !node.chunks.has(id))).toEqual([oldest]);
  node.restart();
  node.readWriters();
  expect(node.log.version()).toEqual(history.version);
  node.load(Number.POSITIVE_INFINITY);
  expect(node.log.length).toBe(43 * each);
});

test('what the manifest says of writers does not grow with their number', () => {
  const { node, history } = packedNode();
  const sizes = [0, 1, 2].map((round) => {
    node.receive(history.write(...writers(40, 100 * (round + 1))));
    packAll(node);
    // Of each writer that is listed about 30 bytes.
    return (node.manifest?.length ?? 0) - pagesOf(node).length * 8 - (node.chunks.size - pagesOf(node).length) * 40;
  });
  expect(Math.max(...sizes)).toBeLessThan(listedMax * 36 + 64);
});

test('a damaged page stops no start and no append; without it and the manifest the log is read from its chunks [L4]', () => {
  const { node, history } = packedNode();
  const pages = pagesOf(node);
  const [id, page] = pages[1] as [number, Uint8Array];
  const damaged = page.slice();
  damaged[30] = (damaged[30] as number) ^ 4;
  node.chunks.set(id, damaged);
  node.restart();
  node.load(each);
  expect(node.log.snapshot().at(-1)?.writer).toBe(numberedId(39));
  const own = node.log.append('mine');
  node.store();
  const found = (): unknown => {
    try {
      node.readWriters();
      return undefined;
    } catch (error) {
      return error;
    }
  };
  expect(found()).toMatchObject({ constructor: DamagedChunk, id, code: 'storage-corrupt' });

  // As a node does: the page is set aside, and the manifest does not count any more.
  node.chunks.delete(id);
  node.manifest = undefined;
  node.restart();
  const version = new Map([...history.version, [own.writer, 1]]);
  expect(node.log.version()).toEqual(version);
  expect(node.log.length).toBe(40 * each + 1);
  packAll(node);
  // Pages of before are gone, new ones tell of the same.
  expect(pages.filter(([before]) => node.chunks.has(before))).toEqual([]);
  node.restart();
  expect(node.log.knowsWriters).toBe(false);
  node.readWriters();
  expect(node.log.version()).toEqual(version);
});

test('neither a damaged page nor a chunk that begins like a page is passed over in silence [L4]', () => {
  const { node } = packedNode();
  const [pageId, page] = pagesOf(node)[0] as [number, Uint8Array];
  const [chunkId, chunk] = [...node.chunks].find(([, bytes]) => !isWriterPage(bytes)) as [number, Uint8Array];
  for (const [id, bytes, at, value] of [
    [pageId, page, 0, 1],
    [pageId, page, 20, 0xff],
    [chunkId, chunk, 0, 0],
  ] as const) {
    const changed = bytes.slice();
    changed[at] = value;
    expect(() => blocksOf(new Map([...node.chunks, [id, changed]]))).toThrow(expect.objectContaining({ id }));
  }
});

test('a redaction in the journal finds its event, whose writer is in a page: packing takes the text from the disk [Q5]', () => {
  const { node, history } = packedNode();
  node.receive(redactionOf(history, 3, 2));
  node.store();
  expect(holdsText(node, 'event 2 of 3"')).toBe(true);
  node.restart();
  // This makes a node pack.
  expect(node.log.erasures.all).toBeGreaterThan(0);
  packAll(node);
  expect(holdsText(node, 'event 2 of 3"')).toBe(false);
});

test('a redaction that the last pack left for the next one is carried out, though no page was read [Q5]', () => {
  const { node, history } = packedNode();
  const [redaction] = redactionOf(history, 3, 2);
  const manifest = decodeManifest(node.manifest as Uint8Array);
  node.manifest = encodeManifest({ ...manifest, redactions: [redaction as Uint8Array] });
  node.restart();
  expect(node.log.knowsWriters).toBe(false);
  // This makes a node pack.
  expect(node.log.erasures.all).toBeGreaterThan(0);
  node.pack(false);
  expect(holdsText(node, 'event 2 of 3"')).toBe(false);
});

test('a log of which all was deleted goes on behind what was deleted, and does not take it again [L2]', () => {
  const { node, history } = packedNode();
  const newest = baseTime + 41 * each * step;
  node.log.raise(newest);
  readNow(node.log.drop(newest), node.chunks);
  packAll(node);
  expect([...node.chunks.values()].every(isWriterPage)).toBe(true);
  node.now = (baseTime - 1) / step;
  node.restart();
  node.readWriters();
  const { added } = node.log.receive(history.blocks);
  expect(added).toBe(0);
  expect(node.log.append('mine').clock).toBeGreaterThan(baseTime + 40 * each * step);
});

test('where a peer lacks rows of a wide span, writers in pages count as lacking there, too [C4]', () => {
  const node = new PackedNode(numberedId(0));
  const history = new History();
  node.receive(history.write(...writers(30, 1)));
  packAll(node);
  node.log.trim(endOfTime);
  node.restart();
  expect(node.log.knowsWriters).toBe(false);
  readNow(node.log.readWriters(), node.chunks);
  const { lacks } = readNow(
    node.log.compare([{ kind: 'lacking-rows', from: baseTime + 1, to: endOfTime, names: [1] }], 1),
    node.chunks,
  );
  expect([...lacks.keys()].sort()).toEqual([...history.version.keys()].sort());
});
