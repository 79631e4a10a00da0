import fc from 'fast-check';
import { expect, test } from 'vitest';
import { folded, foldedCharsMax, foldedLinesMax, isEmojiOnly, linksMax, textParts } from './rich-text.js';

const links = (text: string) => textParts(text).flatMap((part) => (part.kind === 'link' ? [part.href] : []));
const wild = fc.array(
  fc.oneof(
    fc.constantFrom('https://a.example', 'www.a.example', 'http://', ' ', '(', ')', '.', 'javascript:', '\n', '"'),
    fc.string({ unit: 'binary', maxLength: 6 }),
  ),
);

test('parts, joined, are the text: nothing is lost or made up', () => {
  let found = 0;
  fc.assert(
    fc.property(wild, (pieces) => {
      const text = pieces.join('');
      const parts = textParts(text);
      found += links(text).length;
      expect(parts.map((part) => part.text).join('')).toBe(text);
    }),
    { numRuns: 500 },
  );
  expect(found).toBeGreaterThan(0);
});

test('only http and https become links', () => {
  fc.assert(fc.property(wild, (pieces) => links(pieces.join('')).every((href) => /^https?:\/\//.test(href))));
  expect(links('javascript:alert(1) data:text/html,x file:///etc ftp://a.example mailto:a@b.example')).toEqual([]);
});

test.each([
  ['see https://a.example.', ['https://a.example/']],
  ['(https://a.example/b)', ['https://a.example/b']],
  ['https://a.example/b_(c), then', ['https://a.example/b_(c)']],
  ['HTTPS://A.example/X?y=1&z=#f!', ['https://a.example/X?y=1&z=#f']],
  ['http://[broken and https://fine.example', ['https://fine.example/']],
  ['<https://a.example>"https://b.example"', ['https://a.example/', 'https://b.example/']],
  ['https://', []],
  ['www.a.example, or WWW.b.example/c?', ['https://www.a.example/', 'https://www.b.example/c']],
  ['https://www.a.example/www.b', ['https://www.a.example/www.b']],
  ['the www. and www.. and www.a and awww.b.example', []],
])('links of %s', (text, expected) => {
  expect(links(text)).toEqual(expected);
});

test('of thousands of addresses the first become links, the rest stays text', () => {
  for (const link of ['https://a.example/', 'http://[bad', 'www.a.example']) {
    const text = `${link} `.repeat(20_000);
    const parts = textParts(text);
    expect(parts.filter(({ kind }) => kind === 'link').length).toBeLessThanOrEqual(linksMax);
    expect(parts.length).toBeLessThanOrEqual(2 * linksMax + 1);
    expect(parts.map((part) => part.text).join('')).toBe(text);
  }
});

test('brackets at the end of an address cost no more than other characters', () => {
  const time = (text: string) => {
    const startedAt = performance.now();
    textParts(text);
    return performance.now() - startedAt;
  };
  const least = (text: string) => Math.min(...Array.from({ length: 5 }, () => time(text)));
  const many = 100_000;
  expect(least(`https://a.example/${')'.repeat(many)}`)).toBeLessThan(
    20 * least(`https://a.example/${'!'.repeat(many)}`) + 5,
  );
});

test.each(['😀', '👩‍👩‍👧 👍🏽', '🇨🇭', '❤️', '1️⃣'])('%s is nothing but emoji', (text) => {
  expect(isEmojiOnly(text)).toBe(true);
});

test.each(['', 'a😀', '12', '😀😀😀😀', '#'])('%j is not only a few emoji', (text) => {
  expect(isEmojiOnly(text)).toBe(false);
});

test('a long text is cut to a beginning of it, a short one is left alone, and no character is halved', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 30 }), fc.nat(200), (piece, times) => {
      const text = piece.repeat(times);
      const short = folded(text);
      expect(text.startsWith(short)).toBe(true);
      expect(short.length).toBeLessThanOrEqual(foldedCharsMax * 1.25);
      expect(short.split('\n').length).toBeLessThanOrEqual(foldedLinesMax);
      if (text.length <= foldedCharsMax && text.split('\n').length <= foldedLinesMax) expect(short).toBe(text);
    }),
  );
  expect(folded(`a${'😀'.repeat(3000)}`)).not.toMatch(/\p{Surrogate}/u);
});
