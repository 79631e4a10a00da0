/** Frozen vectors: nodes of different versions compare these sums (decision 8). */
import { expect, test } from 'vitest';
import { replicaIdFromBytes } from '../ids.js';
import { Chunk } from './chunk.js';
import { contribution, lanes, shortName } from './contribution.js';
import { DependencyArena } from './dependency-arena.js';
import { PayloadPages } from './payload-pages.js';
import { ReplicaTable } from './replica-table.js';

function contributionOf(id: number, seq: number, time: number, kind: number, payload: string): Uint32Array {
  const tables = { replicas: new ReplicaTable(), dependencies: new DependencyArena(), pages: new PayloadPages() };
  const bytes = new TextEncoder().encode(payload);
  tables.pages.place(bytes, 0, bytes.length);
  const replica = tables.replicas.intern(replicaIdFromBytes(new Uint8Array(16).fill(id)));
  const chunk = new Chunk(1);
  chunk.push(replica, seq, time, kind, tables.pages.page, tables.pages.offset, bytes.length, 0);
  const out = new Uint32Array(lanes);
  contribution(chunk, 0, tables, out);
  return out;
}

const first: Parameters<typeof contributionOf> = [170, 1, 1_700_000_000_000 * 2048, 0, '"Tea?"'];

test('[C2] contributions are what they always were', () => {
  const words = (out: Uint32Array) => Array.from(out, (word) => word.toString(16).padStart(8, '0')).join(' ');
  expect(words(contributionOf(...first))).toMatchInlineSnapshot(`"74d4e476 680f4c5f 62d19d7e 279c4369"`);
  expect(words(contributionOf(187, 300, 2 ** 53 - 1, 1, ''))).toMatchInlineSnapshot(
    `"c95e6d94 df9490bc 719949fb d2c0b0f1"`,
  );
  expect(shortName(contributionOf(...first), 5).toString(16)).toMatchInlineSnapshot(`"7291dc3d38ec"`);
});

test('[C2] whatever differs in an event changes every lane', () => {
  const changes = [
    [171, 1, first[2], 0, '"Tea?"'],
    [170, 2, first[2], 0, '"Tea?"'],
    [170, 1, first[2] + 1, 0, '"Tea?"'],
    [170, 1, first[2] + 2 ** 40, 0, '"Tea?"'],
    [170, 1, first[2], 1, '"Tea?"'],
    [170, 1, first[2], 0, '"Tea!"'],
  ] satisfies Parameters<typeof contributionOf>[];
  const before = contributionOf(...first);
  for (const change of changes) {
    const after = contributionOf(...change);
    for (let lane = 0; lane < lanes; lane++) expect(after[lane], `${change} lane ${lane}`).not.toBe(before[lane]);
  }
});

test('[C5] the salt parts what shares a short name', () => {
  const a = contributionOf(...first);
  const b = Uint32Array.from(a);
  // The same low word under salt 0, whatever else differs.
  b[0] = (a[0] as number) + (a[2] as number) - 77;
  b[2] = 77;
  const low = (of: Uint32Array, salt: number) => shortName(of, salt) % 0x1_0000_0000;
  expect(low(b, 0)).toBe(low(a, 0));
  expect(low(b, 1)).not.toBe(low(a, 1));
});
