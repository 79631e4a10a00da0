import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { indexedDbStorage } from './indexeddb.js';
import { lmdbStorage } from './lmdb.js';
import { MemoryDisk, memoryStorage } from './memory.js';

test.each([
  [
    () => lmdbStorage({ path: './data', exclusiv: true } as never),
    'lmdbStorage: unknown option "exclusiv"; did you mean "exclusive"?',
  ],
  [() => lmdbStorage({ folder: './data' } as never), 'lmdbStorage: unknown option "folder"'],
  [() => lmdbStorage('./data' as never), 'lmdbStorage: expected an object of options, got string'],
  [() => lmdbStorage({ path: '' }), 'path: expected the path of a folder'],
  [() => lmdbStorage({ path: new URL('http://a/') }), 'path: expected the path of a folder'],
  [() => indexedDbStorage({ nam: 'my-app' } as never), 'indexedDbStorage: unknown option "nam"; did you mean "name"?'],
  [() => indexedDbStorage('my-app' as never), 'indexedDbStorage: expected an object of options, got string'],
  [
    () => memoryStorage({ disc: new MemoryDisk() } as never),
    'memoryStorage: unknown option "disc"; did you mean "disk"?',
  ],
  [() => memoryStorage(null as never), 'memoryStorage: expected an object of options, got null'],
])('a storage is not made of options that it does not know: %#', (make, message) => {
  expect(make).toThrow(TypeError);
  expect(make).toThrow(message);
});

test('the folder of LMDB may be a file: URL', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gossip-log-url.'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const byUrl = lmdbStorage({ path: pathToFileURL(folder) });
  await byUrl.setMetadata('greeting', Uint8Array.of(7));
  const byPath = lmdbStorage({ path: folder });
  expect([...((await byPath.getMetadata('greeting')) ?? [])]).toEqual([7]);
  await Promise.all([byUrl.close(), byPath.close()]);
});
