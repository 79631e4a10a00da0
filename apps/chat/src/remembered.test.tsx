import { beforeEach, expect, test } from 'vitest';
import { draftOf, draftsMax, keepDraft, parseDrafts, withDraft } from './drafts.js';
import { localValue } from './local-value.js';
import { drawProfileId, parseProfile } from './profile.js';
import { parseRooms, roomsMax } from './rooms.js';
import { nextTheme } from './theme.js';

beforeEach(() => localStorage.clear());

test('a value is remembered, and told to who asks', () => {
  const value = localValue<unknown>('x', (stored) => stored);
  let calls = 0;
  const unsubscribe = value.subscribe(() => calls++);
  value.set({ a: 1 });
  expect(value.get()).toBe(value.get());
  expect(localValue<unknown>('x', (stored) => stored).get()).toEqual({ a: 1 });
  unsubscribe();
  value.set(2);
  expect(calls).toBe(1);
});

test('a change in another tab shows in this one', () => {
  const value = localValue<unknown>('x', (stored) => stored);
  localStorage.setItem('gossip-log-chat.x', '7');
  dispatchEvent(new StorageEvent('storage', { key: 'gossip-log-chat.other' }));
  expect(value.get()).toBeNull();
  dispatchEvent(new StorageEvent('storage', { key: 'gossip-log-chat.x' }));
  expect(value.get()).toBe(7);
});

test('what is damaged counts as not there', () => {
  localStorage.setItem('gossip-log-chat.x', '{"a":');
  expect(localValue('x', (stored) => stored ?? 'nothing').get()).toBe('nothing');
});

test('a profile is checked when it is read', () => {
  const good = { id: 'a', name: 'Ada', color: '#0f766e' };
  expect(parseProfile(good)).toEqual(good);
  for (const bad of [null, 7, {}, { ...good, id: '' }, { ...good, name: '  ' }, { ...good, color: 'red' }]) {
    expect(parseProfile(bad)).toBeUndefined();
  }
  expect(drawProfileId()).not.toBe(drawProfileId());
});

test('rooms are checked when they are read: names of logs, each once, the newest kept', () => {
  expect(parseRooms(undefined)).toEqual(['general']);
  expect(parseRooms(['a', 7, '', 'a', 'b', 'x'.repeat(256)])).toEqual(['a', 'b']);
  const many = Array.from({ length: roomsMax + 5 }, (_, i) => `room ${i}`);
  expect(parseRooms(many)).toEqual(many.slice(5));
});

test('each room keeps its own draft', () => {
  keepDraft('a', 'one');
  keepDraft('b', 'two');
  expect([draftOf('a'), draftOf('b'), draftOf('c'), draftOf('__proto__')]).toEqual(['one', 'two', '', '']);
  keepDraft('a', '');
  expect([draftOf('a'), draftOf('b')]).toEqual(['', 'two']);
});

test('drafts are bounded, the one untouched for longest goes first', () => {
  let all = parseDrafts([['42', 'kept'], ['bad'], 'junk']);
  expect(all).toEqual([['42', 'kept']]);
  for (let i = 0; i < draftsMax - 1; i++) all = withDraft(all, `room ${i}`, 'x');
  all = withDraft(all, '42', 'touched');
  all = withDraft(all, 'one more', 'x');
  expect(all).toHaveLength(draftsMax);
  expect(all.map(([room]) => room)).toContain('42');
  expect(all.map(([room]) => room)).not.toContain('room 0');
});

test('the theme button goes round', () => {
  expect(nextTheme(nextTheme(nextTheme('system')))).toBe('system');
});
