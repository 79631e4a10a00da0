/** The short search again, under limits so low that short runs meet them: chunks of four rows, a credit of 2 KiB. */
import { limits } from '@gossip-log/core';
import { expect, test, vi } from 'vitest';
import smallLimits from '../src/sim/small-limits.json' with { type: 'json' };
import { shortSearch } from './short-search.js';

vi.mock('../../core/src/limits.js', async (original) => ({
  ...(await original<typeof import('../../core/src/limits.js')>()),
  ...(await import('../src/sim/small-limits.json', { with: { type: 'json' } })).default,
}));

test('the small limits are in force', () => {
  expect(limits).toMatchObject(smallLimits);
});

shortSearch('small', 500, [
  'append refused, storage is behind',
  'frame lost in a cut',
  'gap asked for',
  'process ended after a disk operation',
  'process ended before a disk operation',
  'fault: older copy restored',
  'record set aside',
  'relaxed writes lost',
  'told: early',
  'transfer resumed after a cut',
]);
