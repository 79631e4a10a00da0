import { expect, test } from 'vitest';
import { replicaIdFromBytes } from '../ids.js';
import { DependencyArena } from './dependency-arena.js';
import { Heads } from './heads.js';
import { PayloadPages } from './payload-pages.js';
import { ReplicaTable } from './replica-table.js';

test('[B4] an event names the newest heads, newest first, by the total order, and not its own writer', () => {
  const replicas = new ReplicaTable();
  const heads = new Heads({ replicas, dependencies: new DependencyArena(), pages: new PayloadPages() });
  // Many times are shared, so that ids decide; and times neither rise nor fall with when a head came.
  const times = Array.from({ length: 300 }, (_, i) => (i * 7919) % 40);
  times.forEach((time, i) => {
    const id = replicaIdFromBytes(new Uint8Array(16).fill((i * 31) % 256).fill(i >> 8, 15));
    const replica = replicas.intern(id);
    replicas.last[replica] = 1;
    replicas.lastTime[replica] = time;
    heads.add(replica);
  });
  heads.remove(100);
  const sorted = times
    .map((time, replica) => ({ time, replica }))
    .filter(({ replica }) => replica !== 100 && replica !== 7)
    .sort((a, b) => b.time - a.time || replicas.compare(b.replica, a.replica))
    .map(({ replica }) => replica);
  expect(heads.dependenciesOf(7, 64)).toEqual(sorted.slice(0, 64));
  expect(heads.dependenciesOf(7, 1000)).toEqual(sorted);
});
