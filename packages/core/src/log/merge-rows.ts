/** Two sorted runs of rows as one. */
import { Chunk } from './chunk.js';
import type { WriterTable } from './writer-table.js';

/** Rows `[from, to)` of `b` merged into all of `a`, as a new chunk. Both are in order; a row of both stands twice. @internal */
export function mergeRows(a: Chunk, b: Chunk, from: number, to: number, writers: WriterTable): Chunk {
  const merged = new Chunk(a.count + to - from);
  let left = 0;
  for (let right = from; right < to; right++) {
    const time = b.time[right] as number;
    const writer = b.writer[right] as number;
    let end = left;
    while (end < a.count) {
      const difference = (a.time[end] as number) - time || writers.compare(a.writer[end] as number, writer);
      if (difference > 0) break;
      end++;
    }
    merged.copyRows(a, left, end);
    merged.copyRow(b, right);
    left = end;
  }
  merged.copyRows(a, left, a.count);
  return merged;
}
