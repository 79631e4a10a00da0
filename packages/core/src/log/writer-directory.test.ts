/** A million packed writers: what a start reads of them, and what they take once they are asked for. */
import { expect, test } from 'vitest';
import { readNow } from '../../test/read-now.js';
import { baseTime } from '../../test/sample-blocks.js';
import { encodeManifest, noPackedEdges } from '../codec/manifest.js';
import { encodeWriterPage, WriterPage } from '../codec/writer-page.js';
import { type WriterId, writerIdFromBytes } from '../ids.js';
import { pageWritersMax, writerIdBytes } from '../limits.js';
import { ReplicatedLog } from '../sync/index.js';
import { type PageHeader, WriterDirectory } from './writer-directory.js';
import { WriterTable } from './writer-table.js';

declare const process: { memoryUsage(): { readonly arrayBuffers: number } };

const writers = 1_000_000;

function idOf(n: number): Uint8Array {
  const bytes = new Uint8Array(writerIdBytes);
  const view = new DataView(bytes.buffer);
  // Ids are drawn at random: these are spread as those are.
  for (let word = 0; word < 4; word++) view.setUint32(word * 4, Math.imul(n * 4 + word + 1, 0x9e3779b1));
  return bytes;
}

/** Pages of a million writers, of whom each has written one event. */
function millionWriters(): { pages: Map<number, Uint8Array>; headers: PageHeader[] } {
  const pages = new Map<number, Uint8Array>();
  const headers: PageHeader[] = [];
  for (let from = 0; from < writers; from += pageWritersMax) {
    const count = Math.min(pageWritersMax, writers - from);
    const id = headers.length;
    const page = Array.from({ length: count }, (_, i) => {
      const time = baseTime + from + i;
      return { id: idOf(from + i), firstTime: time, last: 1, lastTime: time, isHead: false, isDropped: false };
    });
    pages.set(id, encodeWriterPage(page));
    headers.push({ id, writers: count, live: count, events: count, heads: 0 });
  }
  return { pages, headers };
}

test('of a million writers a start reads a few kilobytes, and asked for they take less than 64 bytes each [L7]', () => {
  const { pages, headers } = millionWriters();
  const manifest = encodeManifest({
    ...{ isWhole: true, writers: [], pages: headers, chunks: [], edges: noPackedEdges, redactions: [] },
  });
  expect(manifest.length).toBeLessThan(writers / 100);
  const log = new ReplicatedLog<string>(
    { id: 'tea', now: () => 1_800_000_000_000 },
    { freshWriter: () => idText(writers) },
  );
  log.resume(manifest, headers.length);
  log.loaded();
  expect(log.knowsWriters).toBe(false);
  expect(log.append('mine').seq).toBe(1);
  readNow(log.readWriters(), pages);
  expect(log.storedSeq(idText(123_456))).toBe(1);
  expect(log.storedSeq(idText(writers + 1))).toBe(0);

  const table = new WriterTable();
  table.directory = new WriterDirectory(headers, (ids) => ids.map((id) => new WriterPage(pages.get(id) as Uint8Array)));
  const before = process.memoryUsage().arrayBuffers;
  table.readDirectory();
  const index = process.memoryUsage().arrayBuffers - before;
  const onDisk = [...pages.values()].reduce((sum, { length }) => sum + length, 0);
  expect((index + onDisk) / writers).toBeLessThan(64);
  // Those that are asked for come into the table, and no others.
  for (const n of [0, 77, 500_000, writers - 1]) {
    const number = table.find(idText(n));
    expect([table.last[number], table.firstTime[number]]).toEqual([1, baseTime + n]);
  }
  expect(table.find(idText(writers + 5))).toBe(-1);
  expect(table.size).toBe(4);
  expect(table.directory.writers).toBe(writers - 4);
  expect(table.countTo('last')).toBe(writers);
});

const idText = (n: number): WriterId => writerIdFromBytes(idOf(n));
