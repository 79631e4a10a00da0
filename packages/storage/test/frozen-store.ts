/** A store with something in each of its places, for the tests of its frozen bytes. */
import { type GossipStorage, type WriterId, writerIdFromBytes } from '@gossip-log/core';

const strict = { durability: 'strict' } as const;
const bytes = (...numbers: number[]) => Uint8Array.from(numbers);
const ada: WriterId = writerIdFromBytes(new Uint8Array(16).fill(0xa1));
const bob: WriterId = writerIdFromBytes(new Uint8Array(16).fill(0xb2));

/** Writes it. The names are not of ASCII alone. */
export async function writeSample(storage: GossipStorage): Promise<void> {
  const entries = [1, 2, 3].map((number) => ({ block: bytes(number, number) }));
  const keys = await storage.commit('tea', entries, {
    ...strict,
    ownRuns: new Map([
      [ada, 7],
      [bob, 70_000],
    ]),
    sent: new Map([[bob, 258]]),
  });
  await storage.setAside('tea', keys[0] as string);
  const pack = async (log: string, packing: { add?: number; remove?: number; packed?: string[] }) => {
    const { revision, nextChunkId } = await storage.load(log);
    const { add, remove, packed = [] } = packing;
    await storage.pack(log, {
      ...{ revision, manifest: bytes(0xee, revision), packed },
      add: add === undefined ? [] : [{ id: nextChunkId, bytes: bytes(0xcc, add) }],
      remove: remove === undefined ? [] : [remove],
    });
  };
  await pack('tea', { add: 1, packed: [keys[1] as string] });
  await pack('tea', { add: 2, remove: 0 });
  await storage.commit('kuchen ☕', [{ block: bytes(9) }], strict);
  await pack('kuchen ☕', { add: 3 });
  await pack('kuchen ☕', { add: 4 });
  await storage.setAsideChunk('kuchen ☕', 0);
  await storage.setMetadata('größe', bytes(1, 2, 3));
}

/** What a storage gives back of it. Keys of records are its own. */
export async function readSample(storage: GossipStorage): Promise<unknown> {
  const logs = await storage.logs();
  const read = async (log: string) => {
    const { records, ownRuns, sent, revision, nextChunkId, manifest } = await storage.load(log);
    const chunks = [...(await storage.readChunks(log))].map(([id, chunk]) => [id, [...chunk]]);
    const blocks = records.map(({ block }) => [...block]);
    const runs = { ownRuns: [...ownRuns], sent: [...sent] };
    return { log, blocks, ...runs, revision, nextChunkId, manifest: manifest && [...manifest], chunks };
  };
  const metadata = [...((await storage.getMetadata('größe')) ?? [])];
  return { logs: await Promise.all(logs.map(read)), metadata };
}

/** That is what `readSample` gives. */
export const sample = {
  logs: [
    {
      ...{ log: 'kuchen ☕', blocks: [[9]], ownRuns: [], sent: [], revision: 3, nextChunkId: 2, manifest: undefined },
      chunks: [[1, [0xcc, 4]]],
    },
    {
      ...{ log: 'tea', blocks: [[3, 3]], revision: 2, nextChunkId: 2, manifest: [0xee, 1] },
      ownRuns: [
        [ada, 7],
        [bob, 70_000],
      ],
      sent: [[bob, 258]],
      chunks: [[1, [0xcc, 2]]],
    },
  ],
  metadata: [1, 2, 3],
};
