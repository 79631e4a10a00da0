import { expect, test } from 'vitest';
import { mutants } from './mutants.mjs';
import { changed, smallLimits } from './simulator.mjs';

test('every mutant fits the code, and names are given once', () => {
  expect(mutants.length).toBeGreaterThanOrEqual(10);
  for (const mutant of mutants) expect(changed(mutant.file, [mutant])).not.toBe(changed(mutant.file, []));
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
});

test('every small limit is one of limits.ts', () => {
  for (const change of smallLimits()) expect(changed(change.file, [change])).toContain(change.replace);
});

test('a text that is not there, or there twice, is refused', () => {
  const file = 'scripts/mutants.mjs';
  expect(() => changed(file, [{ file, find: 'no such ' + 'text', replace: '' }])).toThrow('found 0 times');
  expect(() => changed(file, [{ file, find: 'find', replace: '' }])).toThrow('expected once');
});
