/** The writer table against a map, with ids that collide as a peer could choose them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type WriterId, writerIdFromBytes } from '../ids.js';
import { compareBytes, WriterTable } from './writer-table.js';

const random = fc.uint8Array({ minLength: 16, maxLength: 16 });
/** Of these many begin or end alike. */
const alike = fc
  .tuple(fc.constantFrom(0, 4, 8, 12), fc.integer({ min: 0, max: 0xffffffff }), fc.constantFrom(0, 1, 255))
  .map(([at, word, rest]) => {
    const bytes = new Uint8Array(16).fill(rest);
    new DataView(bytes.buffer).setUint32(at, word);
    return bytes;
  });

test('the writer table finds each id under the number it was given, as bytes and as text', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(random, alike), { maxLength: 200, size: 'max' }), (ids) => {
      const table = new WriterTable();
      const numbers = new Map<WriterId, number>();
      for (const bytes of ids) {
        const id = writerIdFromBytes(bytes);
        const known = numbers.get(id);
        expect(table.find(id)).toBe(known ?? -1);
        const number = numbers.size % 2 === 0 ? table.intern(id) : table.internBytes(bytes);
        expect(number).toBe(known ?? numbers.size);
        numbers.set(id, number);
      }
      expect(table.known).toBe(numbers.size);
      for (const [id, number] of numbers) {
        expect(table.find(id)).toBe(number);
        expect(table.id(number)).toBe(id);
        expect(writerIdFromBytes(table.bytes(number))).toBe(id);
      }
    }),
    { numRuns: 200 },
  );
});

test('writers are ordered by their bytes', () => {
  fc.assert(
    fc.property(fc.oneof(random, alike), fc.oneof(random, alike), (a, b) => {
      const table = new WriterTable();
      const order = table.compare(table.internBytes(a), table.internBytes(b));
      expect(Math.sign(order)).toBe(Math.sign(compareBytes(a, b)));
    }),
  );
});

test('a writer without an event that nothing uses is forgotten, and its number serves again', () => {
  const table = new WriterTable();
  const id = (n: number) => writerIdFromBytes(new Uint8Array(16).fill(n));
  const numbers = Array.from({ length: 100 }, (_, n) => table.intern(id(n)));
  for (const writer of numbers) if (writer % 3 === 0) table.last[writer] = 1;
  table.forgetUnused(new Set([1, 4]));
  const isKept = (writer: number) => writer % 3 === 0 || writer === 1 || writer === 4;
  for (const writer of numbers) expect(table.find(id(writer))).toBe(isKept(writer) ? writer : -1);
  expect(table.known).toBe(numbers.filter(isKept).length);
  const again = numbers.filter((writer) => !isKept(writer)).map((writer) => table.intern(id(writer)));
  expect(table.size).toBe(100);
  expect(new Set(again).size).toBe(again.length);
  for (const writer of numbers) expect(table.id(table.find(id(writer)))).toBe(id(writer));
});
