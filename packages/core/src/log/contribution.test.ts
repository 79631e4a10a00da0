/** Frozen vectors: nodes of different versions compare these sums (decision 8). */
import { expect, test } from 'vitest';
import { writerIdFromBytes } from '../ids.js';
import { Chunk } from './chunk.js';
import { contribution, lanes, shortName } from './contribution.js';
import { DependencyArena } from './dependency-arena.js';
import { PayloadPages } from './payload-pages.js';
import { WriterTable } from './writer-table.js';

function contributionOf(id: number, seq: number, time = 0, payload = ''): Uint32Array {
  const tables = { writers: new WriterTable(), dependencies: new DependencyArena(), pages: new PayloadPages() };
  const bytes = new TextEncoder().encode(payload);
  tables.pages.place(bytes, 0, bytes.length);
  const writer = tables.writers.intern(writerIdFromBytes(new Uint8Array(16).fill(id)));
  const chunk = new Chunk(1);
  chunk.push(writer, seq, time, 0, tables.pages.page, tables.pages.offset, bytes.length, 0);
  const out = new Uint32Array(lanes);
  contribution(chunk, 0, tables, out);
  return out;
}

const words = (out: Uint32Array) => Array.from(out, (word) => word.toString(16).padStart(8, '0')).join(' ');

test('[C2] contributions are what they always were', () => {
  expect(words(contributionOf(170, 1))).toMatchInlineSnapshot(`"fb1164ef 488ca39f b142cc6d 796403e9"`);
  expect(words(contributionOf(187, 300))).toMatchInlineSnapshot(`"6397c3c6 e7bf9fd4 802249f2 64fa6a95"`);
  expect(shortName(contributionOf(170, 1), 5).toString(16)).toMatchInlineSnapshot(`"d97f417ae761"`);
});

test('another writer or number changes every lane, another time or payload none [C2, G4]', () => {
  const before = contributionOf(170, 1);
  for (const after of [contributionOf(171, 1), contributionOf(170, 2), contributionOf(170, 2 ** 32 - 1)]) {
    for (let lane = 0; lane < lanes; lane++) expect(after[lane], `lane ${lane}`).not.toBe(before[lane]);
  }
  expect(contributionOf(170, 1, 2 ** 40, '"Tea?"')).toEqual(before);
});

test('[C5] the salt parts what shares a short name', () => {
  const a = contributionOf(170, 1);
  const b = Uint32Array.from(a);
  // The same low word under salt 0, whatever else differs.
  b[0] = (a[0] as number) + (a[2] as number) - 77;
  b[2] = 77;
  const low = (of: Uint32Array, salt: number) => shortName(of, salt) % 0x1_0000_0000;
  expect(low(b, 0)).toBe(low(a, 0));
  expect(low(b, 1)).not.toBe(low(a, 1));
});
