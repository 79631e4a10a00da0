/**
 * Happened-before, from recorded dependencies: a walk back through the log from the later event, noting how far of
 * each writer it depends on. Times rise along causality, so the walk ends at the earlier event's time.
 */
import type { Chunk } from './chunk.js';
import type { LogTables } from './log-tables.js';
import type { OrderedLog } from './ordered-log.js';

/** An event by its key: writer index, sequence number, time. */
interface EventKey {
  readonly writer: number;
  readonly seq: number;
  readonly time: number;
}

/** Does `later` depend on `earlier`, directly or not? O(events between the two). @internal */
export function dependsOn(
  ordered: OrderedLog,
  { dependencies }: LogTables,
  later: EventKey,
  earlier: EventKey,
): boolean {
  const start = ordered.locate(later.time, later.writer);
  if (start === undefined) return false;
  const { chunks } = ordered;
  /** Per writer, the last sequence number that `later` is known to depend on. */
  const reached = new Map<number, number>([[later.writer, later.seq]]);
  const reach = (writer: number, seq: number, time: number) => {
    if (seq <= (reached.get(writer) ?? 0)) return;
    // A reference with a wrong time is void.
    const found = ordered.locate(time, writer);
    if (found !== undefined && (chunks[found.chunk] as Chunk).seq[found.row] === seq) reached.set(writer, seq);
  };
  for (let i = start.chunk; i >= 0; i--) {
    const chunk = chunks[i] as Chunk;
    for (let row = i === start.chunk ? start.row : chunk.count - 1; row >= 0; row--) {
      const time = chunk.time[row] as number;
      if (time < earlier.time) return false;
      if ((chunk.seq[row] as number) > (reached.get(chunk.writer[row] as number) ?? 0)) continue;
      dependencies.each(chunk.deps[row] as number, time, reach);
      if ((reached.get(earlier.writer) ?? 0) >= earlier.seq) return true;
    }
  }
  return false;
}
