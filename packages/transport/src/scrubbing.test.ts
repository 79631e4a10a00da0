import { type Environment, GossipError, type GossipStorage, limits } from '@gossip-log/core';
import { MemoryDisk, memoryStorage } from '@gossip-log/storage/memory';
import { expect, onTestFinished, test } from 'vitest';
import { closeNodes, nodeOn } from '../test/nodes-on-disks.js';
import { systemEnvironment } from './system-environment.js';

/** A storage in memory that is scrubbed in two steps, with what was asked of it. */
function scrubbed(disk: MemoryDisk) {
  const calls: string[] = [];
  const inner = memoryStorage({ disk });
  let fails: GossipError | undefined;
  let steps = 0;
  const storage: GossipStorage = {
    ...inner,
    pack: async (log, packing) => {
      await inner.pack(log, packing);
      calls.push('pack');
    },
    scrub: async () => {
      if (fails !== undefined) throw fails;
      calls.push('scrub');
      return ++steps % 2 === 1;
    },
  };
  const fail = (error: GossipError | undefined) => {
    fails = error;
  };
  return { storage, calls, fail };
}

/** The platform's environment, but pauses after a scrub or such a pack end when the test says so. */
function restsByHand(): { readonly environment: Environment; wake(): void } {
  const waiting = new Set<() => void>();
  return {
    environment: {
      ...systemEnvironment,
      setTimer(ms, callback) {
        if (ms !== limits.scrubMsMin) return systemEnvironment.setTimer(ms, callback);
        waiting.add(callback);
        return () => waiting.delete(callback);
      },
    },
    wake() {
      const due = [...waiting];
      waiting.clear();
      for (const callback of due) callback();
    },
  };
}

test('redactions at once are packed and scrubbed together, and not again before a pause is over [H13]', async () => {
  onTestFinished(async () => void (await closeNodes()));
  const { storage, calls } = scrubbed(new MemoryDisk());
  const { environment, wake } = restsByHand();
  const log = nodeOn(new MemoryDisk(), { storage, environment }).open<string>('tea');
  await log.ready;
  const events = Array.from({ length: 40 }, (_, i) => log.append(`${i}`));
  for (const { id } of events.slice(0, 10)) log.redact(id, { now: true });
  await log.erased();
  expect(calls).toEqual(['pack', 'scrub', 'scrub']);

  for (const { id } of events.slice(10, 40)) {
    const redaction = log.redact(id, { now: true });
    await log.delivered(redaction, 'stored');
  }
  expect(calls).toHaveLength(3);
  const erased = log.erased();
  wake();
  await erased;
  expect(calls.slice(3)).toEqual(['pack', 'scrub', 'scrub']);
  // What no peer was sent stays in the journal: the redactions, without what they have redacted.
  const { records } = await storage.load('tea');
  const text = records.map(({ block }) => new TextDecoder().decode(block)).join();
  expect(events.filter((_, i) => text.includes(`"${i}"`))).toEqual([]);
});

test('one that is not at once waits until the log is opened next [H13]', async () => {
  onTestFinished(async () => void (await closeNodes()));
  const disk = new MemoryDisk();
  const first = scrubbed(disk);
  const node = nodeOn(disk, { storage: first.storage });
  const log = node.open<string>('tea');
  await log.ready;
  const event = log.append('text');
  await log.delivered(event);
  await log.delivered(log.redact(event.id));
  await node.close();
  expect(first.calls).toEqual([]);

  const second = scrubbed(disk);
  const again = nodeOn(disk, { storage: second.storage }).open<string>('tea');
  await again.ready;
  await again.erased();
  expect(second.calls).toEqual(['pack', 'scrub', 'scrub']);
  const chunks = await second.storage.readChunks('tea');
  expect(chunks.size).toBe(1);
  expect([...chunks.values()].some((bytes) => Buffer.from(bytes).includes('text'))).toBe(false);
});

test('a scrub that fails is told, and done at the next start [H13]', async () => {
  onTestFinished(async () => void (await closeNodes()));
  const disk = new MemoryDisk();
  const { storage, calls, fail } = scrubbed(disk);
  const told: unknown[] = [];
  const node = nodeOn(disk, { storage, onError: (error) => void told.push(error) });
  const log = node.open<string>('tea');
  await log.ready;
  const failure = new GossipError('storage-failed', 'the disk is full');
  fail(failure);
  log.redact(log.append('text').id, { now: true });
  await expect(log.erased()).rejects.toBe(failure);
  expect(told).toEqual([failure]);
  await node.close();
  expect(calls).toEqual(['pack']);

  const next = scrubbed(disk);
  const other = nodeOn(disk, { storage: next.storage });
  await other.open('tea').ready;
  await expect.poll(() => next.calls).toEqual(['scrub', 'scrub']);
  await other.close();
  expect(await memoryStorage({ disk }).getMetadata('scrub')).toBeUndefined();
});

test('a saved fold goes with the text that it may be made of [H13]', async () => {
  onTestFinished(async () => void (await closeNodes()));
  const disk = new MemoryDisk();
  const node = nodeOn(disk);
  const log = node.open<string>('tea');
  await log.ready;
  await node.checkpoints('tea').save('words', new TextEncoder().encode('made of the text'));
  log.redact(log.append('text').id, { now: true });
  await log.erased();
  expect(await node.checkpoints('tea').load('words')).toBeUndefined();
});

test('where another node over the same store packs, nobody waits in vain [H13]', async () => {
  onTestFinished(async () => void (await closeNodes()));
  const disk = new MemoryDisk();
  const [one, other] = [nodeOn(disk).open<string>('tea'), nodeOn(disk).open<string>('tea')];
  await Promise.all([one.ready, other.ready]);
  one.redact(one.append('text').id, { now: true });
  await one.erased();
  other.redact(other.append('more').id, { now: true });
  await expect(other.erased()).rejects.toMatchObject({ code: 'pack-conflict' });
  await expect(other.erased()).rejects.toMatchObject({ code: 'pack-conflict' });
});
