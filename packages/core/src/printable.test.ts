import fc from 'fast-check';
import { expect, test } from 'vitest';
import { printable } from './printable.js';

test('letters of all scripts stay as they are', () => {
  expect(printable('Grüße, 你好, नमस्ते 👋 "quoted" \\ 50 %')).toBe('Grüße, 你好, नमस्ते 👋 "quoted" \\ 50 %');
});

test.each([
  ['a line break', 'a\nb', 'a\\u{a}b'],
  ['a terminal escape', '\u001b[31mred', '\\u{1b}[31mred'],
  ['a C1 control', '\u009b31m', '\\u{9b}31m'],
  ['a change of direction', 'user\u202egpj.exe', 'user\\u{202e}gpj.exe'],
  ['a line separator', 'a\u2028b', 'a\\u{2028}b'],
  ['half a surrogate pair', '\ud800', '\\u{d800}'],
])('%s stands as its number', (_, text, printed) => {
  expect(printable(text)).toBe(printed);
});

test('no text has a second line or moves the cursor', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const codes = Array.from(printable(text), (character) => character.codePointAt(0) as number);
      expect(codes.filter((code) => code < 32 || (code > 126 && code < 160) || code === 0x2028)).toEqual([]);
    }),
  );
});
