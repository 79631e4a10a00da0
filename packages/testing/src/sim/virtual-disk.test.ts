import { writerIdFromBytes } from '@gossip-log/core';
import { expect, test } from 'vitest';
import { storageContract } from '../../../storage/src/contract.js';
import { passing } from '../../test/passing.js';
import { Random } from './random.js';
import { VirtualDisk } from './virtual-disk.js';

storageContract('virtual disk', {
  create: async () => new VirtualDisk(passing(), new Random(1)),
  open: async (disk) => disk.storage({ alive: true }),
  destroy: async () => {},
  makeOther: async (disk, version) => {
    disk.formatVersion += version === 'newer' ? 1 : -1;
  },
});

const [a, b] = [1, 2].map((number) => writerIdFromBytes(new Uint8Array(16).fill(number)));
if (a === undefined || b === undefined) throw new Error('two logs');

/** What was written: a byte for the writer, one for the number. */
const runsOf = ([writer, seq]: Uint8Array) => [
  { writer: writer === 1 ? a : b, first: seq as number, last: seq as number },
];
const own = (seq: number) => ({ block: Uint8Array.of(1, seq) });
const received = (seq: number) => ({ block: Uint8Array.of(2, seq) });
const newDisk = (seed: number, time = passing()) => new VirtualDisk(time, new Random(seed), { runsOf });

test('[P2] a loss of power takes a suffix of what was relaxed, and nothing that a strict commit came after', async () => {
  const lost = new Set<number>();
  for (let seed = 0; seed < 30; seed++) {
    const disk = newDisk(seed);
    const storage = disk.storage({ alive: true });
    await storage.commit('log', [received(1)], { durability: 'relaxed' });
    await storage.commit('log', [own(1)], { durability: 'strict' });
    for (const seq of [2, 3, 4]) await storage.commit('log', [received(seq)], { durability: 'relaxed' });
    disk.powerLost();
    expect(disk.head('log', a, 'durable')).toBe(1);
    const head = disk.head('log', b, 'written');
    expect(disk.records('log').map(([, seq]) => seq)).toEqual([1, 1, 2, 3, 4].slice(0, head + 1));
    lost.add(4 - head);
  }
  expect([...lost].sort()).toEqual([0, 1, 2, 3]);
});

test('[P1] a process that ends takes with it what had not taken effect', async () => {
  const heads = new Set<number>();
  for (let seed = 0; seed < 30; seed++) {
    const disk = newDisk(seed);
    const holder = { alive: true };
    const storage = disk.storage(holder);
    const commits = [1, 2, 3].map((seq) => storage.commit('log', [own(seq)], { durability: 'strict' }));
    let answered = false;
    Promise.race(commits).then(() => {
      answered = true;
    });
    holder.alive = false;
    disk.processEnded(holder);
    heads.add(disk.head('log', a, 'durable'));
    expect(answered).toBe(false);
  }
  expect([...heads].sort()).toEqual([0, 1, 2, 3]);
});

test('[D3] a full disk refuses writes, reads on, and takes them again later', async () => {
  const time = passing();
  const disk = newDisk(1, time);
  const storage = disk.storage({ alive: true });
  disk.fullUntilMs = time.nowMs + 50;
  await expect(storage.commit('log', [own(1)], { durability: 'strict' })).rejects.toMatchObject({
    code: 'storage-failed',
  });
  expect((await storage.load('log')).records).toEqual([]);
  await time.passUntil(disk.fullUntilMs, () => {});
  await storage.commit('log', [own(1)], { durability: 'strict' });
  expect(disk.head('log', a, 'durable')).toBe(1);
});
