/**
 * The laws again, with chunks of four rows instead of 1,024: short histories, which shrink, then split chunks,
 * adopt batches and share chunks between snapshots all the time.
 */

import { createGossipLog, limits } from '@gossip-log/core';
import { expect, test, vi } from 'vitest';
import { Reached, World } from './lock-step.js';
import { property } from './property.js';
import { schedule } from './schedules.js';

vi.mock('../../core/src/limits.js', async (original) => ({
  ...(await original<typeof import('../../core/src/limits.js')>()),
  chunkRowsMax: 4,
}));

test('[L1] [L2] [L3] [L5] [L9] histories over many small chunks keep the laws', () => {
  expect(limits.chunkRowsMax).toBe(4);
  const reached = new Reached();
  property('[L1] [L2] [L3] [L5] [L9] histories', schedule(100), 300, (steps) => {
    const world = World.after(createGossipLog, steps, reached);
    world.exchangeEverything();
    world.checkConvergence();
    for (const writer of world.writers) {
      writer.checkViews();
      writer.checkRelations(100);
    }
  });
  expect(reached.lateInserts).toBeGreaterThan(0);
  expect(reached.lateReads).toBeGreaterThan(0);
  expect(reached.rows).toBeGreaterThan(5 * limits.chunkRowsMax);
});
