/** A page may be left right after `append`: until the task ends, everything must have been given to the browser. */
import { deleteIndexedDbStorage, indexedDbStorage } from '@gossip-log/storage/indexeddb';
import { createGossipNode } from '@gossip-log/transport';
import { expect, onTestFinished, test, vi } from 'vitest';

/** Resolves in the next task. Promises that wait for nothing but one another have settled before. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => resolve();
    port2.postMessage('');
  });
}

test('an own event is put in the task of its append, and nothing is read before', async () => {
  const name = `gossip-log test ${crypto.randomUUID()}`;
  const node = createGossipNode({ storage: indexedDbStorage({ name }) });
  onTestFinished(async () => {
    await node.close();
    await deleteIndexedDbStorage(name);
  });
  const log = node.open<string>('room');
  await log.ready;
  const puts = vi.spyOn(IDBObjectStore.prototype, 'add');
  const reads = (['get', 'getKey', 'getAll', 'getAllKeys', 'openCursor', 'openKeyCursor'] as const).map((method) =>
    vi.spyOn(IDBObjectStore.prototype, method),
  );
  onTestFinished(() => void vi.restoreAllMocks());
  let last = 0;
  for (const text of ['the first of a log', 'the second']) {
    const before = puts.mock.calls.length;
    const event = log.append(text);
    await nextTask();
    expect(puts.mock.calls.length).toBe(before + 1);
    const put = puts.mock.invocationCallOrder[before] as number;
    for (const { mock } of reads) expect(mock.invocationCallOrder.filter((at) => at < put && at > last)).toEqual([]);
    await log.delivered(event);
    last = Math.max(...[puts, ...reads].flatMap(({ mock }) => mock.invocationCallOrder));
  }
});
