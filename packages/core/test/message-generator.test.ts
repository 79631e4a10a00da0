import { expect, test } from 'vitest';
import { generateMessages, messageTextBytesMax } from './message-generator.js';

const bytes = (text: string) => new TextEncoder().encode(text).length;

test('messages are the same for the same seed, and a longer list begins with the shorter', () => {
  expect(generateMessages(300, 7)).toEqual(generateMessages(500, 7).slice(0, 300));
  expect(generateMessages(300, 8)).not.toEqual(generateMessages(300, 7));
});

test('2,000 messages reach from 1 B to 8 KB, most about fifty characters, in every script', () => {
  const messages = generateMessages(2_000, 1);
  const sizes = messages.map(({ text }) => bytes(text)).sort((a, b) => a - b);
  expect(sizes[0]).toBe(1);
  expect(sizes.at(-1)).toBeGreaterThan(messageTextBytesMax - 64);
  expect(sizes.at(-1)).toBeLessThanOrEqual(messageTextBytesMax);
  expect(sizes[1_000]).toBeGreaterThan(30);
  expect(sizes[1_000]).toBeLessThan(100);
  const all = messages.map(({ text }) => text).join('');
  for (const part of ['👩‍👩‍👧‍👦', '🇳🇿', 'مرحبا', 'שלום', '今日は', 'e\u0301', '\n', '<b>']) expect(all).toContain(part);
});
