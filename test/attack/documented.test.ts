import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { attacks } from './attacks/index.js';

test('docs/attacks.md lists every attack as its module describes it', () => {
  const text = readFileSync(new URL('../../docs/attacks.md', import.meta.url), 'utf8');
  const missing = attacks.filter(({ name, rule, does }) => !text.includes(`| \`${name}\` | ${rule} | ${does} |`));
  expect(missing.map(({ name }) => name)).toEqual([]);
});
