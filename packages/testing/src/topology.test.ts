import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arbitraryTopology } from './topology.js';

test('a topology is connected, and names each link once', () => {
  let meshes = 0;
  fc.assert(
    fc.property(arbitraryTopology({ nodesMin: 1, nodesMax: 8 }), ({ nodes, links }) => {
      const reached = new Set([0]);
      for (let round = 0; round < nodes; round++) {
        for (const [a, b] of links) if (reached.has(a) || reached.has(b)) reached.add(a).add(b);
      }
      expect([...reached].sort()).toEqual(Array.from({ length: nodes }, (_, i) => i));
      expect(new Set(links.map(String)).size).toBe(links.length);
      expect(links.every(([a, b]) => a > b && b >= 0 && a < nodes)).toBe(true);
      if (links.length >= nodes) meshes++;
    }),
  );
  expect(meshes).toBeGreaterThan(0);
});

test('a topology of no nodes is refused', () => {
  expect(() => arbitraryTopology({ nodesMin: 0 })).toThrow(RangeError);
  expect(() => arbitraryTopology({ nodesMin: 3, nodesMax: 2 })).toThrow(RangeError);
});
