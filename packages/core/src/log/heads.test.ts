import { expect, test } from 'vitest';
import { writerIdFromBytes } from '../ids.js';
import { DependencyArena } from './dependency-arena.js';
import { Heads } from './heads.js';
import { PayloadPages } from './payload-pages.js';
import { WriterTable } from './writer-table.js';

test('[B4] an event names the newest heads, newest first, by the total order, and not its own writer', () => {
  const writers = new WriterTable();
  const heads = new Heads({ writers, dependencies: new DependencyArena(), pages: new PayloadPages() });
  // Many times are shared, so that ids decide; and times neither rise nor fall with when a head came.
  const times = Array.from({ length: 300 }, (_, i) => (i * 7919) % 40);
  times.forEach((time, i) => {
    const id = writerIdFromBytes(new Uint8Array(16).fill((i * 31) % 256).fill(i >> 8, 15));
    const writer = writers.intern(id);
    writers.last[writer] = 1;
    writers.lastTime[writer] = time;
    heads.add(writer);
  });
  heads.remove(100);
  const sorted = times
    .map((time, writer) => ({ time, writer }))
    .filter(({ writer }) => writer !== 100 && writer !== 7)
    .sort((a, b) => b.time - a.time || writers.compare(b.writer, a.writer))
    .map(({ writer }) => writer);
  expect(heads.dependenciesOf(7, 64)).toEqual(sorted.slice(0, 64));
  expect(heads.dependenciesOf(7, 1000)).toEqual(sorted);
});
