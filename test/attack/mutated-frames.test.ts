import { expect, test } from 'vitest';
import { feedMutatedFrames } from './mutated-frames.js';

test('20,000 mutated frames end their own sessions at most [S4] [L6]', async () => {
  const seed = Number(process.env['SEED'] ?? 1);
  const { mutated, sessions, ended, broken } = await feedMutatedFrames(seed, 20_000);
  expect(broken).toEqual([]);
  expect(mutated).toBeGreaterThanOrEqual(20_000);
  expect(sessions).toBeGreaterThan(1_000);
  // They came through to the parts behind the format, too.
  for (const code of ['none', 'frame-invalid', 'block-invalid', 'protocol', 'clock'])
    expect(ended[code], code).toBeGreaterThan(0);
  // Seconds on a quiet machine; the bound is for a hanging run, not for a busy machine.
}, 300_000);
