/**
 * Frozen bytes of an LMDB environment: keys and values. `UPDATE_FIXTURES=1 npx vitest run --project unit
 * packages/storage/src/frozen-lmdb.test.ts` makes them anew, which `docs/decisions/0005-frozen-bytes.md` allows or not.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open as openLmdb } from 'lmdb';
import { expect, onTestFinished, test } from 'vitest';
import { readSample, sample, writeSample } from '../test/frozen-store.js';
import { lmdbStorage } from './lmdb.js';

const fixture = join(import.meta.dirname, '../test/fixtures/lmdb.txt');

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'gossip-log-frozen.'));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

const raw = (path: string) =>
  openLmdb<Uint8Array, Uint8Array>({ path, noSubdir: false, encoding: 'binary', keyEncoding: 'binary' });

/** One line per key: the key, a space, the value, in hexadecimal digits. */
async function entriesOf(path: string): Promise<string> {
  const db = raw(path);
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  const lines = [...db.getRange({})].map(({ key, value }) => `${hex(key)} ${hex(value)}\n`);
  await db.close();
  return lines.join('');
}

test('an LMDB environment is written as it was [P1]', async () => {
  const path = await folder();
  const storage = lmdbStorage({ path });
  await writeSample(storage);
  await storage.close();
  const written = await entriesOf(path);
  if (process.env['UPDATE_FIXTURES'] === '1') await writeFile(fixture, written);
  expect(written).toBe(await readFile(fixture, 'utf8'));
  // Every kind of key is among them.
  const kinds = new Set(written.split('\n').map((line) => line.slice(0, 2)));
  expect([...kinds].sort()).toEqual(['', '01', '03', '04', '05', '06', '07', '08', '09', '0a', '0b']);
});

test('an LMDB environment that was written before is read [P1]', async () => {
  const path = await folder();
  const db = raw(path);
  for (const line of (await readFile(fixture, 'utf8')).trimEnd().split('\n')) {
    const [key, value] = line.split(' ').map((hex) => Buffer.from(hex, 'hex')) as [Buffer, Buffer];
    await db.put(key, value);
  }
  await db.close();
  const storage = lmdbStorage({ path });
  onTestFinished(() => storage.close());
  expect(await readSample(storage)).toEqual(sample);
});
