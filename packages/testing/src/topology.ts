/** Who is connected to whom. */
import { checkOptions } from '@gossip-log/core';
import fc from 'fast-check';

/** Nodes are numbered from 0. */
export interface Topology {
  readonly nodes: number;
  /** Pairs of different nodes, each pair once, the higher number first. All nodes reach one another. */
  readonly links: readonly (readonly [number, number])[];
}

export interface TopologyOptions {
  /** Default 2 to 5. */
  readonly nodesMin?: number;
  readonly nodesMax?: number;
}

/**
 * A fast-check arbitrary of connected networks: chains, stars, rings, meshes and what lies between. Shrinks to few
 * nodes, all linked to node 0 alone.
 *
 * @throws RangeError when the numbers of nodes make no sense.
 * @example
 * ```ts
 * import { arbitraryTopology } from '@gossip-log/testing';
 * import fc from 'fast-check';
 *
 * fc.sample(arbitraryTopology({ nodesMax: 3 }), 1); // [{ nodes: 3, links: [[1, 0], [2, 1]] }]
 * ```
 */
export function arbitraryTopology(options: TopologyOptions = {}): fc.Arbitrary<Topology> {
  checkOptions('arbitraryTopology', options, { nodesMin: 'number', nodesMax: 'number' });
  const { nodesMin = 2, nodesMax = Math.max(5, nodesMin) } = options;
  if (!(Number.isSafeInteger(nodesMin) && nodesMin >= 1 && nodesMin <= nodesMax)) {
    throw new RangeError(`nodes: expected whole numbers from 1, min not above max, got ${nodesMin} to ${nodesMax}`);
  }
  const index = fc.nat(nodesMax - 1);
  return fc
    .record({
      nodes: fc.integer({ min: nodesMin, max: nodesMax }),
      parents: fc.array(index, { minLength: nodesMax, maxLength: nodesMax }),
      extra: fc.array(fc.tuple(index, index), { maxLength: nodesMax }),
    })
    .map(({ nodes, parents, extra }) => {
      // Every node but the first hangs on an earlier one: a tree, so all are connected.
      const tree = parents.slice(1, nodes).map((parent, i): [number, number] => [i + 1, parent % (i + 1)]);
      const more = extra
        .map(([a, b]): [number, number] => [Math.max(a, b) % nodes, Math.min(a, b) % nodes])
        .map(([a, b]): [number, number] => [Math.max(a, b), Math.min(a, b)])
        .filter(([a, b]) => a !== b);
      const links = new Map([...tree, ...more].map((link) => [link.join(), link]));
      return { nodes, links: [...links.values()] };
    });
}
