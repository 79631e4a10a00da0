import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cleanRoom, isRoom, roomAddress, roomOfAddress } from './room-address.js';

test('every room has an address that leads to it', () => {
  let rooms = 0;
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 80 }), (room) => {
      fc.pre(isRoom(room));
      rooms++;
      expect(roomOfAddress(roomAddress(room))).toBe(room);
    }),
  );
  expect(rooms).toBeGreaterThan(0);
});

test.each(['a/b?c#d%', '..', 'release party 🎉', 'עברית', '%41', 'constructor'])(
  'a name of any characters: %s',
  (room) => {
    expect(roomOfAddress(roomAddress(room))).toBe(room);
  },
);

test.each(['', '#', '#/', '#/room/', '#/room/%20', '#/room/%E0%A4%A', '#/other/general', `#/room/${'a'.repeat(256)}`])(
  'an address without a room that can be opened: %s',
  (hash) => {
    expect(roomOfAddress(hash)).toBeUndefined();
  },
);

test('an address with characters that are not seen leads to the room that it looks like', () => {
  for (const name of ['gene\u200bral', 'general\u2060', '\u202egeneral', ' general', '##general', 'general\ufe0f']) {
    expect(roomOfAddress(roomAddress(name))).toBe('general');
    expect(isRoom(name)).toBe(false);
  }
});

test('a room is bounded in bytes, not in characters', () => {
  expect(isRoom('a'.repeat(255))).toBe(true);
  expect(isRoom('é'.repeat(128))).toBe(false);
});

test('half a surrogate pair is not a room: it has no address', () => {
  expect(isRoom('a\ud83d')).toBe(false);
});

test('what people type becomes a name on one line, without the sign before it', () => {
  expect(cleanRoom('  #  release   party ')).toBe('release party');
  expect(cleanRoom('c#')).toBe('c#');
  expect(cleanRoom(' # ')).toBe('');
  expect(cleanRoom('e\u0301')).toBe('\u00e9');
});
