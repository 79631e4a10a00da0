/**
 * Frozen bytes: what any version wrote, every later version reads. `UPDATE_FIXTURES=1 npx vitest run --project unit
 * packages/core/test/fixtures.test.ts` makes them anew, which `docs/decisions/0005-frozen-bytes.md` allows or not.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decodeManifest, encodeManifest, type Manifest, noPackedEdges } from '../src/codec/manifest.js';
import { decodeMessage, encodeMessage, type Message } from '../src/codec/message.js';
import { encodeWriterPage, WriterPage } from '../src/codec/writer-page.js';
import { type WriterId, writerIdToBytes } from '../src/ids.js';
import { type Checkpoint, decodeCheckpoints, encodeCheckpoints } from '../src/view/saved-checkpoints.js';
import { fromHex, toHex } from './frames.js';
import { numberedId } from './packed-node.js';
import { baseTime, blockOf, manyRows, messages, oneRow, type Row, redactedRows, rowsOf } from './sample-blocks.js';

declare const process: { readonly env: Readonly<Record<string, string | undefined>> };

const folder = join(import.meta.dirname, 'fixtures');

/** Name → what the bytes hold. */
const blocks: Readonly<Record<string, readonly Row[]>> = {
  'block-one-row': oneRow,
  'block-many-rows': manyRows,
  'block-redacted': redactedRows,
};
const frames: Readonly<Record<string, Message>> = Object.fromEntries(
  Object.entries(messages).map(([kind, message]) => [`frame-${kind}`, message]),
);
const [ada, bob, eve] = [1, 2, 3].map(numberedId) as [WriterId, WriterId, WriterId];
const chunk = {
  rows: 900,
  bytes: 31_000,
  sum: Uint32Array.of(1, 2 ** 31, 3, 2 ** 32 - 1),
  packedMs: 1_767_225_600_000,
  redactions: { count: 0, sum: new Uint32Array(4) },
};
const redactions = { count: 3, sum: Uint32Array.of(2 ** 32 - 1, 0, 7, 1) };
const packed = (writer: WriterId, last: number, isHead: boolean) => ({
  ...{ id: writerIdToBytes(writer), last, isHead, isDropped: false },
  ...{ firstTime: baseTime, lastTime: baseTime + last * 2048 },
});
const manifests: Readonly<Record<string, Manifest>> = {
  'manifest-whole': {
    isWhole: true,
    writers: [packed(ada, 700, true), packed(bob, 1_100, false)],
    pages: [{ id: 7, writers: 2_048, live: 1_900, events: 6_000, heads: 2 }],
    chunks: [
      { ...chunk, id: 4, start: 0, lastTime: baseTime + 1_000 * 2048 },
      { ...chunk, id: 300, start: baseTime + 1_000 * 2048 + 1, lastTime: baseTime + 1_100 * 2048 },
    ],
    edges: noPackedEdges,
    redactions: [],
  },
  'manifest-gaps': {
    isWhole: false,
    writers: [packed(ada, 20, true), { ...packed(bob, 4, false), isDropped: true }],
    pages: [],
    chunks: [{ ...chunk, redactions, id: 0, start: baseTime, lastTime: baseTime + 20 * 2048 }],
    edges: {
      complete: baseTime + 9 * 2048,
      droppedBefore: baseTime,
      gaps: [
        {
          writer: 0,
          segments: [
            { first: 3, firstTime: baseTime + 3, timeBefore: 0, last: 4, lastTime: baseTime + 4 },
            {
              first: 9,
              firstTime: baseTime + 9 * 2048,
              timeBefore: baseTime + 8,
              last: 20,
              lastTime: baseTime + 20 * 2048,
            },
          ],
        },
      ],
      dropped: [{ writer: 0, seq: 2 }],
      dangling: [{ writer: eve, seq: 7, time: baseTime + 5 }],
    },
    redactions: [Uint8Array.of(1, 2, 3), Uint8Array.of(4)],
  },
};

function frozen(name: string, written: Uint8Array): Uint8Array {
  const path = join(folder, `${name}.hex`);
  if (process.env['UPDATE_FIXTURES'] === '1') writeFileSync(path, toHex(written));
  return fromHex(readFileSync(path, 'utf8'));
}

test.each(Object.entries(blocks))('[B1] [B6] %s is read as it was written, and written as it was', (name, rows) => {
  const bytes = frozen(name, blockOf(rows));
  expect(rowsOf(bytes)).toEqual(rows.map((row) => ({ kind: 0, deps: [], ...row })));
  expect(toHex(blockOf(rowsOf(bytes)))).toBe(toHex(bytes));
});

test.each(Object.entries(frames))('[S4] %s is read as it was written, and written as it was', (name, message) => {
  const bytes = frozen(name, encodeMessage(message));
  expect(decodeMessage(bytes)).toEqual(message);
  expect(toHex(encodeMessage(decodeMessage(bytes) as Message))).toBe(toHex(bytes));
});

test.each(Object.entries(manifests))('%s is read as it was written, and written as it was', (name, manifest) => {
  const bytes = frozen(name, encodeManifest(manifest));
  expect(decodeManifest(bytes)).toEqual(manifest);
  expect(toHex(encodeManifest(decodeManifest(bytes)))).toBe(toHex(bytes));
});

test('writer-page is read as it was written, and written as it was', () => {
  const writers = [
    packed(ada, 700, true),
    { ...packed(bob, 2 ** 32 - 1, false), isDropped: true },
    { ...packed(eve, 1, true), isDropped: true },
  ];
  const page = new WriterPage(frozen('writer-page', encodeWriterPage(writers)));
  expect(Array.from({ length: page.count }, (_, row) => page.at(row))).toEqual(writers);
  expect(toHex(encodeWriterPage(writers))).toBe(toHex(page.bytes));
});

test('fold-checkpoints is read as it was written, and written as it was', () => {
  const state = { total: 7, größe: [1, null] };
  const older = { rows: 10, state: 'earlier', fingerprint: [1, 2 ** 32 - 1] as const };
  const newer = { rows: 70_000, state, fingerprint: [2 ** 31, 0] as const };
  const checkpoints: Checkpoint<unknown>[] = [older, newer];
  const bytes = frozen('fold-checkpoints', encodeCheckpoints(checkpoints, 'version 2'));
  expect(decodeCheckpoints(bytes, 'version 2')).toEqual([newer, older]);
  expect(toHex(encodeCheckpoints(checkpoints, 'version 2'))).toBe(toHex(bytes));
});

test('[B1] every fixture is read by a test', () => {
  const named = [blocks, frames, manifests].flatMap((fixtures) => Object.keys(fixtures));
  const names = [...named, 'fold-checkpoints', 'writer-page'].map((name) => `${name}.hex`);
  expect(readdirSync(folder).sort()).toEqual(names.sort());
});
