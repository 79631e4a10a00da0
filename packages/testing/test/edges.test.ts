/** Nodes that drop old rows, and late writers, in the company of others. */
import { expect, test } from 'vitest';
import { gossip } from './gossip-world.js';

const runs = 150;

test(`[G2] where nodes drop old rows and do not say so, events wait for ever, in most of ${runs} runs`, () => {
  const outcomes = Array.from({ length: runs }, (_, seed) => gossip(seed, { usesEdges: false }));
  expect(outcomes.every(({ written }) => written > 0)).toBe(true);
  expect(outcomes.filter(({ dropped }) => dropped > 0).length).toBeGreaterThan(runs / 2);
  expect(outcomes.filter(({ parked }) => parked > 0).length).toBeGreaterThan(runs / 2);
});

test(`[K1] [K3] [K5] [C6] with edges no event waits for ever in any of ${runs} runs, and neighbours agree above the higher edge`, () => {
  let raised = 0;
  for (let seed = 0; seed < runs; seed++) {
    const outcome = gossip(seed, { usesEdges: true });
    expect(outcome.parked, `seed ${seed}`).toBe(0);
    raised += outcome.raised;
    for (const [a, b] of outcome.links) {
      const [left, right] = [outcome.logs[a], outcome.logs[b]];
      const edge = Math.max(left?.edges.complete ?? 0, right?.edges.complete ?? 0);
      const shown = (log: typeof left) =>
        [...(log?.snapshot() ?? [])].filter(({ clock }) => clock >= edge).map(({ id }) => id);
      expect(shown(left), `seed ${seed}, link ${a}-${b}`).toEqual(shown(right));
    }
  }
  expect(raised).toBeGreaterThan(0);
});
