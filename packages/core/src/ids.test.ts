import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventId, parseEventId, parseReplicaId, replicaIdFromBytes, replicaIdToBytes } from './ids.js';

const id = fc.uint8Array({ minLength: 16, maxLength: 16 });

test('[L1] replica ids and event ids come back as they went, as base64url', () => {
  fc.assert(
    fc.property(id, fc.integer({ min: 1, max: 0xffffffff }), (bytes, seq) => {
      const replica = replicaIdFromBytes(bytes);
      expect(replica).toMatch(/^[A-Za-z0-9_-]{22}$/);
      expect(replicaIdToBytes(replica)).toEqual(bytes);
      expect(parseReplicaId(replica)).toBe(replica);
      expect(parseEventId(eventId(replica, seq))).toEqual({ replica, seq });
    }),
  );
  expect(replicaIdFromBytes(new Uint8Array(16).fill(255))).toBe('_____________________w');
});

const replica = replicaIdFromBytes(new Uint8Array(16));

test.each(['', 'A', 'A'.repeat(21), 'A'.repeat(23), `${'A'.repeat(21)}B`, `${'A'.repeat(21)}+`, ` ${'A'.repeat(21)}`])(
  '[L6] no replica id: "%s"',
  (text) => {
    expect(() => parseReplicaId(text)).toThrow(TypeError);
  },
);

test.each([
  '',
  replica,
  `${replica}.`,
  `${replica}.0`,
  `${replica}.01`,
  `${replica}.-1`,
  `${replica}.1.5`,
  `${replica}.1e3`,
])('[L6] no event id: "%s"', (text) => {
  expect(() => parseEventId(text)).toThrow(TypeError);
});

test('[L6] no event id: sequence numbers end at 2^32 - 1; ids have 16 bytes', () => {
  expect(() => parseEventId(`${replica}.4294967296`)).toThrow(TypeError);
  expect(() => replicaIdFromBytes(new Uint8Array(15))).toThrow(RangeError);
});
