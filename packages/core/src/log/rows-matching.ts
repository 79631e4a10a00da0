/** What a feed's reader lacks of the effective log, picked out in log order by columns alone. */
import { GossipError } from '../errors.js';
import type { FeedPart, FeedQuery } from '../feed.js';
import type { LogEntry } from '../runs.js';
import { Chunk } from './chunk.js';
import type { EffectiveRows } from './effective-rows.js';
import type { Reading } from './packed-chunks.js';
import { encodeRows, rowBytes } from './rows-lacking.js';
import { notTold } from './times-before.js';

/** A place in the log, with its first row that is looked at. */
interface Place {
  readonly chunk: Chunk;
  readonly row: number;
}

/** Rows that match, and the time from which there are more; `undefined` when all were looked at. */
interface Matching {
  readonly rows: Chunk;
  readonly next: number | undefined;
}

/**
 * Blocks of rows that match, and the time from which there are more. One packed chunk is looked at after the other.
 *
 * @throws GossipError `forked` when the reader has another event than stands here.
 * @internal
 */
export function* readMatching(effective: EffectiveRows, query: FeedQuery): Reading<FeedPart> {
  const { packed, ordered, tables, epoch } = effective;
  const { filter, since } = query;
  const matcher = new Matcher(effective, query);
  // Nothing of the writers asked for stands behind their last events.
  const until = Math.min(filter.until, matcher.last + 1);
  const entries: LogEntry[] = [];
  let bytesMax = query.bytesMax;
  let from = Math.max(filter.from, since);
  while (from < packed.hotFrom && from < until) {
    const time = from;
    const part = yield* packed.reading(() => {
      if (time >= packed.hotFrom) return { found: [], next: undefined, end: time };
      const index = packed.indexAt(time);
      const chunk = packed.rows(index);
      let row = 0;
      while (row < chunk.count && (chunk.time[row] as number) < time) row++;
      const { rows, next } = matcher.pick([{ chunk, row }], bytesMax);
      return { found: encodeRows(rows, tables, 'received', notTold), next, end: packed.endOf(index) };
    });
    if (effective.epoch !== epoch) return { entries: [], next: since };
    entries.push(...part.found);
    if (part.next !== undefined) return { entries, next: part.next };
    for (const { block } of part.found) bytesMax -= block.length;
    from = part.end;
    if (bytesMax <= 0) return { entries, next: from };
  }
  if (from >= until) return { entries, next: Number.POSITIVE_INFINITY };
  const { found, next } = yield* packed.reading(() => {
    const { rows, next } = matcher.pick(placesFrom(ordered.chunks, ordered.lowerBound(from)), bytesMax);
    return { found: encodeRows(rows, tables, 'received', notTold), next };
  });
  return { entries: [...entries, ...found], next: next ?? Number.POSITIVE_INFINITY };
}

function* placesFrom(chunks: readonly Chunk[], start: { readonly chunk: number; readonly row: number }) {
  for (let at = start.chunk; at < chunks.length; at++) {
    yield { chunk: chunks[at] as Chunk, row: at === start.chunk ? start.row : 0 };
  }
}

class Matcher {
  readonly #effective: EffectiveRows;
  readonly #query: FeedQuery;
  readonly #wanted: ReadonlySet<number> | undefined;
  /** Writers of which the reader has what stands here. */
  readonly #standing = new Set<number>();
  /** When the writers asked for wrote last; -1 when none has written. */
  readonly last: number = Number.POSITIVE_INFINITY;

  constructor(effective: EffectiveRows, query: FeedQuery) {
    this.#effective = effective;
    this.#query = query;
    const { writers } = query.filter;
    if (writers.length === 0) return;
    const table = effective.tables.writers;
    this.#wanted = new Set(writers.map((id) => table.find(id)));
    this.last = -1;
    for (const writer of this.#wanted) {
      if (writer >= 0 && (table.stored[writer] as number) > 0) {
        this.last = Math.max(this.last, table.storedTime[writer] as number);
      }
    }
  }

  pick(places: Iterable<Place>, bytesMax: number): Matching {
    const { tables } = this.#effective;
    const { until } = this.#query.filter;
    const rows = new Chunk();
    let bytes = 0;
    for (const { chunk, row: first } of places) {
      for (let row = first; row < chunk.count; row++) {
        const time = chunk.time[row] as number;
        if (time >= until) return { rows, next: Number.POSITIVE_INFINITY };
        if (!this.#matches(chunk.writer[row] as number, chunk.seq[row] as number)) continue;
        bytes += rowBytes(chunk, row, tables);
        if (rows.count > 0 && bytes > bytesMax) return { rows, next: time };
        rows.reserveOneMore();
        rows.copyRow(chunk, row);
      }
    }
    return { rows, next: undefined };
  }

  #matches(writer: number, seq: number): boolean {
    const { writers } = this.#effective.tables;
    if ((this.#wanted !== undefined && !this.#wanted.has(writer)) || seq > (writers.stored[writer] as number))
      return false;
    const id = writers.id(writer);
    const last = this.#query.after.get(id);
    if (last === undefined) return true;
    if (seq <= last.seq) return false;
    if (last.seq > 0 && !this.#standing.has(writer)) {
      if (!this.#effective.has(writer, { last: last.seq, lastTime: last.time })) {
        throw new GossipError('forked', "a feed's reader has another event than this log", {
          context: { writer: id, seq: last.seq },
        });
      }
      this.#standing.add(writer);
    }
    return true;
  }
}
