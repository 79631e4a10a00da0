/**
 * Happened-before, from recorded dependencies: a walk back through the log from the later event, noting how far of
 * each replica it depends on. Times rise along causality, so the walk ends at the earlier event's time.
 */
import type { Chunk } from './chunk.js';
import type { LogTables } from './log-tables.js';
import type { OrderedLog } from './ordered-log.js';

/** An event by its key: replica index, sequence number, time. */
interface EventKey {
  readonly replica: number;
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
  const start = ordered.locate(later.time, later.replica);
  if (start === undefined) return false;
  const { chunks } = ordered;
  /** Per replica, the last sequence number that `later` is known to depend on. */
  const reached = new Map<number, number>([[later.replica, later.seq]]);
  const reach = (replica: number, seq: number, time: number) => {
    if (seq <= (reached.get(replica) ?? 0)) return;
    // A reference with a wrong time is void.
    const found = ordered.locate(time, replica);
    if (found !== undefined && (chunks[found.chunk] as Chunk).seq[found.row] === seq) reached.set(replica, seq);
  };
  for (let i = start.chunk; i >= 0; i--) {
    const chunk = chunks[i] as Chunk;
    for (let row = i === start.chunk ? start.row : chunk.count - 1; row >= 0; row--) {
      const time = chunk.time[row] as number;
      if (time < earlier.time) return false;
      if ((chunk.seq[row] as number) > (reached.get(chunk.replica[row] as number) ?? 0)) continue;
      dependencies.each(chunk.deps[row] as number, time, reach);
      if ((reached.get(earlier.replica) ?? 0) >= earlier.seq) return true;
    }
  }
  return false;
}
