import { limits } from '@gossip-log/core';
import { fold } from '@gossip-log/core/view';
import { memoryStorage } from '@gossip-log/storage/memory';
import { expect, test } from 'vitest';
import { createGossipNode } from './index.js';

const keeping = () => {
  const kept = new Map<string, Uint8Array>();
  const storage = {
    ...memoryStorage(),
    getMetadata: async (key: string) => kept.get(key),
    async setMetadata(key: string, value: Uint8Array | undefined) {
      if (value === undefined) kept.delete(key);
      else kept.set(key, value);
    },
    async replaceMetadata(key: string, expected: Uint8Array | undefined, value: Uint8Array) {
      if (String(kept.get(key)) !== String(expected)) return false;
      kept.set(key, value);
      return true;
    },
  };
  return { kept, storage: Object.assign(memoryStorage(), storage) };
};

test("[V11] a fold's state survives a restart of its node", async () => {
  const storage = memoryStorage();
  const lasting = () => Object.assign(Object.create(storage), { close: async () => {} });
  let asked = 0;
  const total = (node: ReturnType<typeof createGossipNode>, log: ReturnType<typeof node.open<number>>) =>
    fold(
      log,
      (sum: number, { payload }) => {
        asked++;
        return sum + payload;
      },
      0,
      { checkpoint: { store: node.checkpoints('game'), name: 'total', version: 1 } },
    );
  const first = createGossipNode({ storage: lasting() });
  const log = first.open<number>('game');
  await log.ready;
  for (const points of [1, 2, 3]) log.append(points);
  await total(first, log).save();
  await first.close();

  const second = createGossipNode({ storage: lasting() });
  const again = second.open<number>('game');
  const restored = total(second, again);
  await Promise.all([again.ready, restored.restored]);
  again.append(4);
  asked = 0;
  expect(restored.value()).toBe(10);
  expect(asked).toBe(1);
  await second.close();
});

test('forgetting a log removes its saved folds, and no others', async () => {
  const { kept, storage } = keeping();
  const node = createGossipNode({ storage });
  const [tea, mixed] = [node.checkpoints('tea'), node.checkpoints('tea:a')];
  await Promise.all([
    tea.save('a:b', Uint8Array.of(1)),
    tea.save('b', Uint8Array.of(2)),
    mixed.save('b', Uint8Array.of(3)),
  ]);
  expect(await tea.load('a:b')).toEqual(Uint8Array.of(1));
  await tea.save('b', undefined);
  expect(await tea.load('b')).toBeUndefined();
  await node.forget('tea');
  expect([...kept.keys()].filter((key) => key.startsWith('fold'))).toEqual(['folds:tea:a', 'fold:5:tea:a:b']);
  expect(await mixed.load('b')).toEqual(Uint8Array.of(3));
  await node.close();
});

test('[L7] names and their number are bounded', async () => {
  const node = createGossipNode({ storage: memoryStorage() });
  const store = node.checkpoints('x'.repeat(limits.logIdBytesMax));
  expect(() => store.save('', Uint8Array.of(1))).toThrow(RangeError);
  expect(() => store.load('é'.repeat(limits.foldNameBytesMax))).toThrow(RangeError);
  expect(() => node.checkpoints('')).toThrow(RangeError);
  for (let i = 0; i < limits.foldsSavedMax; i++) {
    await store.save('n'.repeat(limits.foldNameBytesMax - 2) + String(i).padStart(2, '0'), Uint8Array.of(i));
  }
  await expect(store.save('one more', Uint8Array.of(1))).rejects.toMatchObject({ code: 'limit-exceeded' });
  await node.close();
});
