import { type CloseReason, errorCodes, isErrorCode, limits } from '@gossip-log/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { closeCodes, closeReason, closeText, type Pace, standardCloseCodes } from './close-codes.js';

const rows = Object.entries(closeCodes) as [CloseReason['code'], { closeCode: number; pace: Pace }][];

test('[N5] the table has a row for every code, and no number twice', () => {
  expect(rows.map(([code]) => code).sort()).toEqual(['normal', ...Object.keys(errorCodes)].sort());
  expect(new Set(rows.map(([, { closeCode }]) => closeCode)).size).toBe(rows.length);
});

test.each(rows)('[N5] %s travels as a number that a browser may send, and comes back', (code, { closeCode }) => {
  expect(closeCode === 1000 || (closeCode >= 4000 && closeCode <= 4999)).toBe(true);
  expect(closeReason(closeCode, 'text')).toEqual({ code, message: 'text' });
});

test('[N5] the numbers that are given stay: they are part of the protocol', () => {
  const given = Object.fromEntries(rows.map(([code, { closeCode }]) => [code, closeCode]));
  expect(given).toMatchObject({
    normal: 1000,
    'connection-lost': 4000,
    'node-closed': 4001,
    'slow-reader': 4002,
    'request-timeout': 4003,
    'limit-exceeded': 4004,
    'frame-invalid': 4010,
    'frame-too-large': 4011,
    protocol: 4012,
    'credit-exceeded': 4013,
    'version-unsupported': 4020,
    forbidden: 4021,
    'descriptor-mismatch': 4022,
  });
});

test.each([...standardCloseCodes])('[N5] the standard code %i has a meaning', (closeCode, meaning) => {
  expect(closeReason(closeCode, '')).toEqual(meaning);
  expect(closeReason(closeCode, 'told')).toEqual({ code: meaning.code, message: 'told' });
});

test('[N5] [L6] any number and text that a peer sends gives a reason of ours', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 65_535 }), fc.string(), (closeCode, text) => {
      const { code } = closeReason(closeCode, text);
      expect(code === 'normal' || isErrorCode(code)).toBe(true);
    }),
  );
  expect(closeReason(4999, '')).toEqual({
    code: 'connection-lost',
    message: 'the peer closed the connection with code 4999',
  });
});

test('[N5] a message is cut to what a close frame holds, between characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (message) => {
      const text = closeText(message);
      const bytes = new TextEncoder().encode(text).length;
      expect(message.startsWith(text)).toBe(true);
      expect(bytes).toBeLessThanOrEqual(limits.closeMessageBytesMax);
      expect(new TextDecoder().decode(new TextEncoder().encode(text))).toBe(text);
      // No more than one character's bytes are left unused.
      if (text !== message) expect(bytes).toBeGreaterThan(limits.closeMessageBytesMax - 4);
    }),
  );
});

test('what a peer says when it closes is printable [N5]', () => {
  const { closeCode } = closeCodes.forbidden;
  expect(closeReason(closeCode, 'no\n\u001b[2J').message).toBe('no\\u{a}\\u{1b}[2J');
  expect(closeReason(4999, 'x\r').message).toBe('x\\u{d}');
});
