import { expect, test } from 'vitest';
import { type WriterId, writerIdFromBytes } from '../ids.js';
import type { KnownEvent } from '../runs.js';
import { noteLacks } from './comparison.js';

const writer: WriterId = writerIdFromBytes(new Uint8Array(16).fill(1));

/** Both orders of what is found to be lacking. */
function noted(...events: KnownEvent[]): (KnownEvent | undefined)[] {
  return [events, [...events].reverse()].map((order) => {
    const lacks = new Map<WriterId, KnownEvent>();
    for (const event of order) noteLacks(lacks, new Map([[writer, event]]));
    return lacks.get(writer);
  });
}

test('of what a peer was found to lack the most counts, in whichever order: also what it wants from an earlier time on [S11]', () => {
  const early = { seq: 0, time: 0, until: 1 };
  expect(noted(early, { seq: 0, time: 9, until: 1 })).toEqual([early, early]);
  expect(noted({ seq: 0, time: 0 }, { seq: 0, time: 9 })).toEqual([
    { seq: 0, time: 0 },
    { seq: 0, time: 0 },
  ]);
  const wide = { seq: 2, time: 4, until: 7 };
  expect(noted({ seq: 2, time: 4, until: 5 }, { seq: 2, time: 9, until: 7 })).toEqual([wide, wide]);
  expect(noted({ seq: 3, time: 1 }, { seq: 2, time: 9 })).toEqual([
    { seq: 2, time: 9 },
    { seq: 2, time: 9 },
  ]);
});
