/** The bound of a log's writers. */
import { expect, test } from 'vitest';
import { replicaIdFromBytes } from '../ids.js';
import { replicasMax } from '../limits.js';
import { ReplicaTable } from './replica-table.js';

function bytesOf(writer: number): Uint8Array {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, writer);
  return bytes;
}

test('[replica table] at the bound those that are known have room, and new ones have none', () => {
  const table = new ReplicaTable();
  for (let writer = 0; writer < replicasMax - 1; writer++) table.intern(replicaIdFromBytes(bytesOf(writer)));
  const known = Array.from({ length: 100 }, (_, writer) => bytesOf(writer));
  expect(table.roomFor(known)).toBeUndefined();
  expect(table.roomFor([...known, bytesOf(replicasMax)])).toBeUndefined();
  expect(table.roomFor([...known, bytesOf(replicasMax), bytesOf(replicasMax + 1)])?.code).toBe('limit-exceeded');
});
