/** Of what somebody lacks of a log, the newest part (S22): where it begins. Walks back from the end, as far as it must. */
import type { Chunk } from './chunk.js';
import type { EffectiveRows } from './effective-rows.js';
import type { PackedChunks, Reading } from './packed-chunks.js';
import type { Lacking } from './rows-lacking.js';

/**
 * The time from which on the newest `count` of the lacking rows lie, with all that are as old as the first of these;
 * `undefined` when no more are lacking. It is the time of the last row that is left out, + 1.
 *
 * @internal
 */
export function* startOfNewest(
  { ordered, packed }: EffectiveRows,
  lacking: Lacking,
  count: number,
): Reading<number | undefined> {
  if (lacking.count <= count) return undefined;
  let left = count;
  let earliest = Number.POSITIVE_INFINITY;
  /** Of these rows, from the last before `end` on. */
  const lookThrough = (chunk: Chunk, end: number): number | undefined => {
    for (let row = chunk.count - 1; row >= 0; row--) {
      const time = chunk.time[row] as number;
      if (time >= end || !lacking.has(chunk.writer[row] as number, chunk.seq[row] as number, time)) continue;
      if (left <= 0 && time < earliest) return time + 1;
      earliest = time;
      left--;
    }
    return undefined;
  };
  const { chunks } = ordered;
  for (let at = chunks.length - 1; at >= 0; at--) {
    const cut = lookThrough(chunks[at] as Chunk, Number.POSITIVE_INFINITY);
    if (cut !== undefined) return cut;
  }
  for (let end = packed.hotFrom; end > lacking.from; ) {
    const before = yield* packed.reading(() => coldBefore(packed, end, lookThrough));
    if (before.cut !== undefined) return before.cut;
    end = before.start;
  }
  return undefined;
}

/** Looks through the last cold chunk that begins before a time, and says where it begins. */
function coldBefore(packed: PackedChunks, end: number, lookThrough: (chunk: Chunk, end: number) => number | undefined) {
  const index = Math.min(packed.cold, packed.indexAt(end - 1) + 1) - 1;
  if (index < 0) return { cut: undefined, start: 0 };
  return { cut: lookThrough(packed.rows(index), end), start: index === 0 ? 0 : (packed.slots[index]?.start as number) };
}
