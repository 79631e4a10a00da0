/** Pages of packed writers: read as written, and no damaged byte is taken for what was written. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GossipError } from '../errors.js';
import { pageWritersMax, seqMax, timeMax, writerIdBytes } from '../limits.js';
import { encodeWriterPage, isWriterPage, type PackedWriter, WriterPage } from './writer-page.js';

const packedWriter: fc.Arbitrary<PackedWriter> = fc
  .record({
    id: fc.uint8Array({ minLength: writerIdBytes, maxLength: writerIdBytes }),
    times: fc.tuple(fc.maxSafeNat(), fc.maxSafeNat()),
    last: fc.integer({ min: 1, max: seqMax }),
    isHead: fc.boolean(),
    isDropped: fc.boolean(),
  })
  .map(({ times, ...writer }) => {
    const [firstTime, lastTime] = times.map((time) => Math.min(time, timeMax)).sort((a, b) => a - b) as [
      number,
      number,
    ];
    return { ...writer, firstTime, lastTime };
  });

const some = (n: number): PackedWriter => ({
  ...{ id: new Uint8Array(writerIdBytes).fill(n), last: n + 1, firstTime: n, lastTime: 2 * n },
  ...{ isHead: n % 2 === 0, isDropped: n % 3 === 0 },
});

function rowsIn(bytes: Uint8Array): PackedWriter[] {
  const page = new WriterPage(bytes);
  return Array.from({ length: page.count }, (_, row) => ({ ...page.at(row), id: page.at(row).id.slice() }));
}

test('a page of writers is read as it was written, also inside a larger buffer', () => {
  fc.assert(
    fc.property(fc.array(packedWriter, { maxLength: 40 }), fc.nat(20), (writers, offset) => {
      const bytes = encodeWriterPage(writers);
      expect(isWriterPage(bytes)).toBe(true);
      const within = new Uint8Array(bytes.length + offset + 3).fill(0xff);
      within.set(bytes, offset);
      expect(rowsIn(within.subarray(offset, offset + bytes.length))).toEqual(writers);
    }),
  );
});

test('no change of one bit, no cut and no addition is taken for a page of writers [L6]', () => {
  const bytes = encodeWriterPage([some(1), some(2), some(3)]);
  const isRefused = (changed: Uint8Array) => {
    expect(isWriterPage(changed)).toBe(false);
    expect(() => new WriterPage(changed)).toThrow(GossipError);
  };
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = bytes.slice();
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
    isRefused(changed);
  }
  for (let length = 0; length < bytes.length; length++) isRefused(bytes.subarray(0, length));
  isRefused(Uint8Array.of(...bytes, 0));
});

test('a page of more writers than fit is refused [L7]', () => {
  const writers = Array.from({ length: pageWritersMax + 1 }, () => some(1));
  expect(isWriterPage(encodeWriterPage(writers.slice(1)))).toBe(true);
  expect(() => new WriterPage(encodeWriterPage(writers))).toThrow(expect.objectContaining({ code: 'block-invalid' }));
});
