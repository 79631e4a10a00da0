import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type WriterId, writerIdFromBytes } from './ids.js';
import { compareVersions, mergeVersions, missingRuns } from './version-vector.js';

const writers = [1, 2, 3].map((byte) => writerIdFromBytes(new Uint8Array(16).fill(byte)));
const [ada, bob] = writers as [WriterId, WriterId];
const version = fc
  .array(fc.tuple(fc.constantFrom(...writers), fc.nat(5)))
  .map((entries) => new Map(entries.filter(([, seq]) => seq > 0)));

test('[L3] merged versions are the least that both are part of, whatever the order', () => {
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      const merged = mergeVersions(a, b);
      expect(missingRuns(merged, a)).toEqual([]);
      expect(missingRuns(merged, b)).toEqual([]);
      for (const [writer, seq] of merged) expect([a.get(writer), b.get(writer)]).toContain(seq);
      expect(mergeVersions(b, a)).toEqual(merged);
      expect(mergeVersions(a, a)).toEqual(a);
      expect(mergeVersions(mergeVersions(a, b), c)).toEqual(mergeVersions(a, mergeVersions(b, c)));
    }),
  );
});

test('[L3] what is missing, added, makes the versions the same', () => {
  fc.assert(
    fc.property(version, version, (ours, theirs) => {
      const filled = new Map(ours);
      for (const { writer, first, last } of missingRuns(ours, theirs)) {
        expect(first).toBe((ours.get(writer) ?? 0) + 1);
        filled.set(writer, last);
      }
      expect(filled).toEqual(mergeVersions(ours, theirs));
    }),
  );
});

test('[L2] versions are the same, one before the other, or concurrent', () => {
  const of = (a: number, b: number) =>
    new Map([...(a > 0 ? [[ada, a] as const] : []), ...(b > 0 ? [[bob, b] as const] : [])]);
  expect(compareVersions(of(1, 1), of(1, 1))).toBe('same');
  expect(compareVersions(of(0, 0), of(0, 0))).toBe('same');
  expect(compareVersions(of(1, 0), of(1, 1))).toBe('before');
  expect(compareVersions(of(2, 1), of(1, 1))).toBe('after');
  expect(compareVersions(of(2, 0), of(0, 1))).toBe('concurrent');
});
