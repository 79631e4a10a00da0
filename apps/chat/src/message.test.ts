import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cleanName, initials, nameCharsMax, readMessage } from './message.js';

const author = { id: 'a1', name: 'Ada', color: '#0f766e' };

test('a payload of the chat is read', () => {
  expect(readMessage({ text: 'hello', author })).toEqual({ text: 'hello', author });
  expect(readMessage({ text: 'hello', author: { name: 'Ada', color: '#0F766E' } })).toEqual({
    text: 'hello',
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
    }),
    { numRuns: 500 },
  );
  expect(read).toBeGreaterThan(0);
});

test('one payload is checked once and gives one message', () => {
  const payload = { text: 'hello', author };
  expect(readMessage(payload)).toBe(readMessage(payload));
});

test('names are cleaned: one line, nothing invisible, not too long, and cleaning twice changes nothing', () => {
  expect(cleanName('  Ada \n Lovelace\u202e ')).toBe('Ada Lovelace');
  expect(cleanName('👩‍🚀')).toBe('👩‍🚀');
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (name) => cleanName(cleanName(name)) === cleanName(name)));
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
