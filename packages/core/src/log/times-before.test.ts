import { expect, test } from 'vitest';
import { readNow } from '../../test/read-now.js';
import { blockOf, exported, type Row, rowsOf } from '../../test/sample-blocks.js';
import { type WriterId, writerIdFromBytes } from '../ids.js';
import { ReplicatedLog } from '../replicated-log.js';
import type { LogEntry } from '../runs.js';

const writers = Array.from({ length: 5 }, (_, i) => writerIdFromBytes(new Uint8Array(16).fill(i + 1)));
const [ada, bob] = writers as [WriterId, WriterId];

function logOf(writer: WriterId): ReplicatedLog<string> {
  return new ReplicatedLog<string>({ id: 'tea', writer, now: () => 1_700_000_000_000 }, { freshWriter: () => writer });
}

test('[B6] what is written, forwarded, read from anywhere or encoded tells the times of the events before', () => {
  const logs = writers.map(logOf);
  const times = new Map<string, number>();
  let told = 0;
  const check = (entries: readonly LogEntry[]) => {
    for (const { block } of entries) {
      for (const { writer, seq, before } of rowsOf(block)) {
        if (before === undefined) continue;
        expect(before).toBe(times.get(`${writer} ${seq - 1}`));
        told++;
      }
    }
    return entries.map(({ block }) => block);
  };
  for (let step = 0; step < 600; step++) {
    const author = logs[(step * step) % 5] as ReplicatedLog<string>;
    const { writer, seq, clock } = author.append(`${step}`);
    times.set(`${writer} ${seq}`, clock);
    const own = author.takeUnflushed();
    check(own);
    author.markStored(own);
    const reader = logs[(step * 7 + 3) % 5] as ReplicatedLog<string>;
    // One whole part, one that begins in the middle and is known in part, one at a time.
    const lacks = new Map(Array.from(reader.version(), ([id, last]) => [id, { seq: last, time: 0 }] as const));
    for (const id of writers) if (!lacks.has(id)) lacks.set(id, { seq: 0, time: 0 });
    const bytesMax = step % 3 === 0 ? 40 : 4_000;
    const { entries } = readNow(author.read({ lacks, bytesMax, upTo: Number.MAX_SAFE_INTEGER }));
    const received = reader.receive(check(entries));
    check(received.entries);
    reader.markStored(received.entries);
  }
  for (const log of logs) {
    const since = new Map(Array.from(log.version(), ([id, last]) => [id, last >> 1] as const));
    logOf(ada).merge(log.encode());
    const half = logOf(bob);
    half.merge(log.encode(since));
    expect(half.parked).toBeGreaterThan(0);
  }
  expect(told).toBeGreaterThan(500);
});

test('an event that follows another one than is here is taken all the same [G4]', () => {
  const log = logOf(bob);
  const rows: Row[] = [1, 2, 3].map((seq) => ({ writer: ada, seq, time: seq * 10_000, payload: `"${seq}"` }));
  log.merge(exported([blockOf(rows.slice(0, 2))]));
  expect(log.receive([blockOf([{ ...(rows[2] as Row), before: 15_000 }])])).toMatchObject({ added: 1, forked: [] });
});
