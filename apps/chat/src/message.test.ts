import fc from 'fast-check';
import { expect, test } from 'vitest';
import { marksMax } from './characters.js';
import { cleanName, initials, nameCharsMax, readMessage, textCharsMax, textLinesMax } from './message.js';

const author = { id: 'a1', name: 'Ada', color: '#0f766e' };

test('a payload of the chat is read', () => {
  expect(readMessage({ text: 'hello', author })).toEqual({ text: 'hello', isCut: false, author });
  expect(readMessage({ text: 'hello', author: { name: 'Ada', color: '#0F766E' } })).toEqual({
    text: 'hello',
    isCut: false,
    author: { name: 'Ada', color: '#0f766e' },
  });
});

test('text keeps its newlines, spaces and markup as they are', () => {
  const text = '  <b>a</b>\n\n  שלום 👩‍👩‍👧 ';
  expect(readMessage({ text, author })?.text).toBe(text);
});

test.each([
  ['nothing', undefined],
  ['null', null],
  ['text', 'hello'],
  ['a list', [{ text: 'hello', author }]],
  ['no author', { text: 'hello' }],
  ['no text', { author }],
  ['empty text', { text: '', author }],
  ['of a newer version', { kind: 'reaction', text: '👍', author }],
  ['of an app that is no chat', { oops: true }],
  ['text of another type', { text: 7, author }],
  ['a list as author', { text: 'hello', author: [author] }],
  ['an empty name', { text: 'hello', author: { ...author, name: ' ' } }],
  ['an invisible name', { text: 'hello', author: { ...author, name: '\u200b\u202e\u2060' } }],
  ['a colour that is not one', { text: 'hello', author: { ...author, color: 'red;background:url(//x)' } }],
])('a payload of strangers is refused: %s', (_, payload) => {
  expect(readMessage(payload)).toBeUndefined();
});

test('no payload throws, and what is read keeps to its bounds', () => {
  let read = 0;
  const shape = fc.record({
    text: fc.oneof(fc.string(), fc.anything()),
    author: fc.oneof(
      fc.record({
        id: fc.oneof(fc.string({ maxLength: 80 }), fc.anything()),
        name: fc.string({ unit: 'binary', maxLength: 80 }),
        color: fc.oneof(fc.constant('#123456'), fc.string()),
      }),
      fc.anything(),
    ),
  });
  fc.assert(
    fc.property(fc.oneof(fc.anything(), shape), (payload) => {
      const message = readMessage(payload);
      if (message === undefined) return;
      read++;
      expect([...message.author.name].length).toBeLessThanOrEqual(nameCharsMax);
      expect(message.author.name).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
      expect(message.text.length).toBeLessThanOrEqual(textCharsMax);
      expect(message.text).not.toMatch(/\p{Surrogate}/u);
    }),
    { numRuns: 500 },
  );
  expect(read).toBeGreaterThan(0);
});

test('one payload is checked once and gives one message', () => {
  const payload = { text: 'hello', author };
  expect(readMessage(payload)).toBe(readMessage(payload));
});

test.each([
  ['200,000 characters', 'x'.repeat(200_000), 'x'.repeat(textCharsMax)],
  ['a pair of surrogates at the cut', `${'x'.repeat(textCharsMax - 1)}😀`, 'x'.repeat(textCharsMax - 1)],
  ['2,000 lines', 'x\n'.repeat(2_000), 'x\n'.repeat(textLinesMax).slice(0, -1)],
])('of a text that is too long a beginning is read: %s', (_, text, shown) => {
  expect(readMessage({ text, author })).toEqual({ text: shown, isCut: true, author });
});

test('a text as long as the composer sends is read as a whole', () => {
  const text = 'é'.repeat(textCharsMax);
  expect(readMessage({ text, author })).toEqual({ text, isCut: false, author });
});

test('half a surrogate pair becomes a replacement character', () => {
  expect(readMessage({ text: 'a\ud83d b\udc00', author })?.text).toBe('a\ufffd b\ufffd');
});

test('a letter keeps the marks that scripts need, and no tower of them', () => {
  for (const text of ['שָׁלוֹם', 'ค่ำนี้', 'ཧཱུྃ', 'Việt'.normalize('NFD')]) {
    expect(readMessage({ text, author })?.text).toBe(text);
    expect(cleanName(text)).toBe(text.normalize('NFC'));
  }
  const tower = `Z${'\u0335\u0310'.repeat(50)}algo`;
  const low = `Z${'\u0335\u0310'.repeat(marksMax / 2)}algo`;
  expect(readMessage({ text: tower, author })?.text).toBe(low);
  expect(cleanName(tower)).toMatch(new RegExp(`^Z\\p{M}{1,${marksMax}}algo$`, 'u'));
});

test('names are cleaned: one line, nothing invisible, not too long', () => {
  expect(cleanName('  Ada \n Lovelace\u202e ')).toBe('Ada Lovelace');
  expect(cleanName('👩‍🚀')).toBe('👩‍🚀');
  expect(cleanName('x'.repeat(1_000_000))).toBe('x'.repeat(nameCharsMax));
});

const unseen = ['\u200b', '\u200c', '\u200d', '\u2060', '\ufeff', '\u00ad', '\ufe0f', '\u{e0041}', '\u034f', '\u3164'];

test.each(unseen)('a name does not pass for another by a character that is not seen: %j', (character) => {
  for (const name of [`Bob${character}`, `${character}Bob`, `B${character}o${character}b`]) {
    expect(cleanName(name)).toBe('Bob');
  }
  expect(cleanName(`e${character}\u0301`)).toBe('é');
});

test.each(['می‌خواهم', 'क्‍ष', '🏳️‍🌈', '❤️', '1️⃣', '👩🏽‍🚀 Sam'])('a name keeps what changes how it looks: %s', (name) => {
  expect(cleanName(name)).toBe(name.normalize('NFC'));
});

test('to clean a name twice changes nothing', () => {
  const piece = fc.oneof(
    fc.constantFrom(...unseen, ' ', '\u0301', 'e', 'ب', '👩', '🚀', '🏽', '❤'),
    fc.string({ unit: 'binary', maxLength: 3 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const name = cleanName(pieces.join(''));
      expect(cleanName(name)).toBe(name);
    }),
    { numRuns: 1000 },
  );
});

test.each([
  ['Ada', 'A'],
  ['ada lovelace', 'AL'],
  ['Anne Marie van Dyck', 'AD'],
  ['👩‍🚀 Sam', '👩‍🚀'],
  ['Kim 민지', 'K민'],
  ['نور', 'ن'],
])('initials of %s are %s', (name, expected) => {
  expect(initials(name)).toBe(expected);
});
