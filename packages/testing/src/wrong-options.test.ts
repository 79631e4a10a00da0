import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arbitraryHistory, arbitraryTopology, assertConverges, playHistory, simulate } from './index.js';

const count = (sum: number) => sum + 1;
const payloads = fc.nat(9);

test.each([
  [() => assertConverges(count, { initial: 0, payload: payloads } as never), 'did you mean "payloads"?'],
  [() => assertConverges(count, { initial: 0, payloads, folds: 'snapshot' } as never), 'did you mean "fold"?'],
  [() => assertConverges(count, { initial: 0, payloads, fold: 'snapshots' as never }), 'fold: expected "arrival"'],
  [() => assertConverges(count, { initial: 0, payloads, stepMax: 5 } as never), 'did you mean "stepsMax"?'],
  [() => arbitraryHistory(payloads, { replicaMax: 5 } as never), 'did you mean "replicasMax"?'],
  [() => arbitraryTopology({ nodes: 5 } as never), 'unknown option "nodes"; did you mean "nodesMin"?'],
  [() => playHistory({ replicas: 2, steps: [] }, { change: () => undefined } as never), 'did you mean "changed"?'],
])('options that are not known are refused: %#', (call, message) => {
  expect(call).toThrow(message);
});

test('a simulation with options that are not known is refused', async () => {
  await expect(simulate({ seed: 1, fault: [] } as never)).rejects.toThrow('did you mean "faults"?');
  await expect(simulate({ seed: '1' } as never)).rejects.toThrow('seed: expected a number');
});

test('options that are known are taken', () => {
  assertConverges(count, { initial: 0, payloads, runs: 2, replicasMin: 2, replicasMax: 3, stepsMax: 5, seed: -3 });
  assertConverges(count, { initial: 0, payloads, runs: 2, fold: 'snapshot' });
});
