/** What a feed's reader lacks of the effective log, picked out in log order by columns alone. */
import { GossipError } from '../errors.js';
import type { FeedQuery } from '../feed.js';
import type { ReplicaId } from '../ids.js';
import { Chunk } from './chunk.js';
import type { EffectiveRows } from './effective-rows.js';
import type { OrderedLog } from './ordered-log.js';
import { rowBytes } from './rows-lacking.js';

/**
 * Rows that match, and the time from which there are more.
 *
 * @throws GossipError `forked` when the reader has another event than stands here.
 * @internal
 */
export function rowsMatching(
  ordered: OrderedLog,
  effective: EffectiveRows,
  { filter, after, since, bytesMax }: FeedQuery,
): { readonly rows: Chunk; readonly next: number } {
  const { tables } = effective;
  const { ids, stored } = tables.replicas;
  const wanted =
    filter.replicas.length === 0 ? undefined : new Set(filter.replicas.map((id) => tables.replicas.find(id)));
  const standing = new Set<number>();
  const { chunks } = ordered;
  const start = ordered.lowerBound(Math.max(filter.from, since));
  const rows = new Chunk();
  let bytes = 0;
  for (let at = start.chunk; at < chunks.length; at++) {
    const chunk = chunks[at] as Chunk;
    for (let row = at === start.chunk ? start.row : 0; row < chunk.count; row++) {
      const time = chunk.time[row] as number;
      if (time >= filter.until) return { rows, next: Number.POSITIVE_INFINITY };
      const replica = chunk.replica[row] as number;
      const seq = chunk.seq[row] as number;
      if ((wanted !== undefined && !wanted.has(replica)) || seq > (stored[replica] as number)) continue;
      const last = after.get(ids[replica] as ReplicaId);
      if (last !== undefined && seq <= last.seq) continue;
      if (last !== undefined && last.seq > 0 && !standing.has(replica)) {
        if (!effective.has(replica, { last: last.seq, lastTime: last.time })) {
          throw new GossipError('forked', "a feed's reader has another event than this log", {
            context: { replica: ids[replica], seq: last.seq },
          });
        }
        standing.add(replica);
      }
      bytes += rowBytes(chunk, row, tables);
      if (rows.count > 0 && bytes > bytesMax) return { rows, next: time };
      rows.reserveOneMore();
      rows.copyRow(chunk, row);
    }
  }
  return { rows, next: Number.POSITIVE_INFINITY };
}
