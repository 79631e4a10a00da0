/**
 * Frozen bytes of what a node keeps in the metadata keyspace: keys and values. All but saved folds are text. A change needs a
 * page in `docs/decisions`, as `docs/decisions/0005-frozen-bytes.md` says.
 */
import { utf8Decoder, utf8Encoder, type WriterId } from '@gossip-log/core';
import { MemoryDisk } from '@gossip-log/storage/memory';
import { expect, test } from 'vitest';
import { append, closeNodes, joined } from '../test/nodes-on-disks.js';
import { clockOffsetKey, readOffset, writeOffset } from './clock-offset.js';
import { foldKey, namesKey, readNames, writeNames } from './fold-checkpoints.js';
import { codecKey, readCodecName, writeCodecName } from './log-codec.js';
import { edgesKey, readEdges, writeEdges } from './log-reach.js';
import { readRelayed, relayedKey, writeRelayed } from './relayed-runs.js';
import { dueKey } from './scrubbing.js';

const ada = 'oaGhoaGhoaGhoaGhoaGhoQ' as WriterId;
const bob = 'srKysrKysrKysrKysrKysg' as WriterId;
const wanted = 3_619_278_031_081_478;

/** What a value says; its text; how it is written and read. */
interface Frozen {
  readonly says: unknown;
  readonly text: string;
  write(says: never): Uint8Array;
  read(bytes: Uint8Array): unknown;
}

const values: Readonly<Record<string, Frozen>> = {
  edges: {
    ...{ says: { wanted, complete: wanted + 4096 }, write: writeEdges, read: readEdges },
    text: '{"wanted":3619278031081478,"complete":3619278031085574}',
  },
  'edges with a gap': {
    ...{ says: { wanted, complete: wanted, last: 200, skipped: 0 }, write: writeEdges, read: readEdges },
    text: '{"wanted":3619278031081478,"complete":3619278031081478,"last":200,"skipped":0}',
  },
  'edges of a new log': {
    ...{ says: { wanted: 0, complete: 0, last: 0, isNew: true }, write: writeEdges, read: readEdges },
    text: '{"wanted":0,"complete":0,"last":0,"isNew":true}',
  },
  'relayed runs': {
    says: [
      { writer: ada, seq: 7, node: 'relay' },
      { writer: bob, seq: 70_000, node: 'größe' },
    ],
    ...{ write: writeRelayed, read: readRelayed },
    text: '[["oaGhoaGhoaGhoaGhoaGhoQ",7,"relay"],["srKysrKysrKysrKysrKysg",70000,"größe"]]',
  },
  'codec name': {
    says: { codec: 'json' },
    write: ({ codec }) => writeCodecName(codec),
    read: readCodecName,
    text: 'json',
  },
  'clock offset': { says: -1500, write: writeOffset, read: readOffset, text: '-1500' },
  'names of folds': { says: ['total', 'größe'], write: writeNames, read: readNames, text: '["total","größe"]' },
};

test.each(Object.entries(values))('the value "%s" is read as it was written, and written as it was', (_, frozen) => {
  const { says, text, write, read } = frozen;
  expect(utf8Decoder().decode(write(says as never))).toBe(text);
  expect(read(utf8Encoder.encode(text))).toEqual(says);
});

test('values have the keys that they had', async () => {
  expect([edgesKey('tea'), relayedKey('tea'), codecKey('tea'), namesKey('tea')]).toEqual([
    ...['edges:tea', 'relayed:tea', 'codec:tea', 'folds:tea'],
  ]);
  expect([foldKey('tea', 'total'), clockOffsetKey, dueKey]).toEqual(['fold:3:tea:total', 'clock-offset-ms', 'scrub']);
  // A node keeps nothing else there.
  const [relayDisk, disk] = [new MemoryDisk(), new MemoryDisk()];
  const { app } = joined(relayDisk, disk);
  const log = app.open<string>('tea', { window: { last: 1 } });
  await append(log, ['1'], 'relayed');
  await app.checkpoints('tea').save('total', Uint8Array.of(1));
  await closeNodes();
  const known = ['codec:tea', 'edges:tea', 'fold:3:tea:total', 'folds:tea', 'relayed:tea'];
  expect([...disk.metadata.keys()].filter((key) => !known.includes(key))).toEqual([]);
  expect([...relayDisk.metadata.keys()]).toEqual([]);
});
