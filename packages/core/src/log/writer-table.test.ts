/** The bound of a log's writers. */
import { expect, test } from 'vitest';
import { writerIdFromBytes } from '../ids.js';
import { writersMax } from '../limits.js';
import { WriterTable } from './writer-table.js';

function bytesOf(writer: number): Uint8Array {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, writer);
  return bytes;
}

test('[writer table] at the bound those that are known have room, and new ones have none', () => {
  const table = new WriterTable();
  for (let writer = 0; writer < writersMax - 1; writer++) table.intern(writerIdFromBytes(bytesOf(writer)));
  const known = Array.from({ length: 100 }, (_, writer) => bytesOf(writer));
  expect(table.roomFor(known)).toBeUndefined();
  expect(table.roomFor([...known, bytesOf(writersMax)])).toBeUndefined();
  expect(table.roomFor([...known, bytesOf(writersMax), bytesOf(writersMax + 1)])?.code).toBe('limit-exceeded');
});
