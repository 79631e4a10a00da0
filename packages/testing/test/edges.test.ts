/** Nodes that drop old rows, and late writers, in the company of others. */
import { expect, test } from 'vitest';
import { gossip } from './gossip-world.js';

const runs = 150;

test(`[G2] where nodes drop old rows and do not say so, events wait for ever, in most of ${runs} runs`, () => {
  const outcomes = Array.from({ length: runs }, (_, seed) => gossip(seed));
  expect(outcomes.every(({ written }) => written > 0)).toBe(true);
  expect(outcomes.filter(({ dropped }) => dropped > 0).length).toBeGreaterThan(runs / 2);
  expect(outcomes.filter(({ parked }) => parked > 0).length).toBeGreaterThan(runs / 2);
});
