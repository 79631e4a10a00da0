/** Events that a peer claims were missing before others of their writers. */
import { expect, test } from 'vitest';
import { ada, baseTime, blockOf, bob } from '../../test/sample-blocks.js';
import { ReplicatedLog } from '../sync/index.js';

test('an event in the place of another one of its writer is not taken for a missing one [G7] [L6]', () => {
  const log = new ReplicatedLog<string>(
    { id: 'tea', writer: bob, now: () => baseTime / 2048 + 60_000 },
    { freshWriter: () => bob },
  );
  log.resumeEdges({ wanted: baseTime, complete: baseTime });
  const time = baseTime + 2048;
  log.receive([blockOf([{ writer: ada, seq: 5, time, before: baseTime - 1, payload: '"the fifth"' }])]);
  const before = log.snapshot();
  // The second to the fourth lie below the edge. One that says it is the first, at the time of the fifth, has no place.
  const { forked } = log.receive([blockOf([{ writer: ada, seq: 1, time, payload: '"a first"' }])]);
  expect(forked).toEqual([ada]);
  expect(log.snapshot()).toBe(before);
});
