/**
 * What a pack writes of the packed writers: those that changed lately are named in the manifest; of these, the ones that wrote
 * longest ago go to new pages once they are many. A page of which little counts is given up, and its writers are named again.
 */
import { encodeWriterPage, type PackedWriter } from '../codec/writer-page.js';
import { listedPackedMax, pageWritersMax } from '../limits.js';
import type { PackedChunk } from '../ports/storage.js';
import type { Edges } from './edges.js';
import type { PageHeader } from './writer-directory.js';
import { flagsOf, pageFlags, type WriterTable } from './writer-table.js';

/** What a pack needs to know of the log. */
export interface ListedLog {
  readonly writers: WriterTable;
  /** What the log has of them, */
  readonly edges: Edges;
  /** and what of that is packed with this step. */
  readonly runs: Edges;
  /** Does no packed event depend on the writer's last one? */
  isHead(writer: number): boolean;
  /** Pages that may be written. */
  readonly pagesMax: number;
  /** The next id of a chunk. */
  nextId(): number;
}

/** What is to be written. */
export interface ListedWriters {
  readonly named: readonly PackedWriter[];
  /** By writer, its index among these. */
  readonly indexOf: ReadonlyMap<number, number>;
  readonly pages: readonly PageHeader[];
  readonly add: readonly PackedChunk[];
  readonly remove: readonly number[];
  /** It is stored. */
  readonly apply: () => void;
}

/** A page's header, while it is counted. */
type Counted = { -readonly [K in keyof PageHeader]: PageHeader[K] };

interface Listed extends PackedWriter {
  readonly writer: number;
}

/** O(writers in the table). @throws ColdRows where a page has to be read. @internal */
export function listWriters({ writers, edges, runs, isHead, pagesMax, nextId }: ListedLog): ListedWriters {
  const counted = new Map<number, Counted>(writers.pages.map((page) => [page.id, { ...page }]));
  const givenUp = new Set(writers.pages.filter((page) => page.live * 2 < page.writers).map(({ id }) => id));
  for (const id of givenUp) writers.takeIn(0, id);
  const isMarked = markedIn(writers, edges, runs);
  const listed: Listed[] = [];
  for (let writer = 0; writer < writers.size; writer++) {
    const { seq, time } = runs.endOf(writer);
    if (seq === 0) continue;
    const head = isHead(writer);
    const isDropped = (writers.dropped[writer] as number) >= seq;
    const page = counted.get((writers.page[writer] as number) - 1);
    if (page !== undefined) {
      const flags = writers.pageFlags[writer] as number;
      const isSame = !runs.isChanged(writer) && flags === flagsOf({ isHead: head, isDropped }) && !isMarked(writer);
      if (isSame && !givenUp.has(page.id)) continue;
      page.live--;
      page.events -= writers.packed[writer] as number;
      page.heads -= flags & pageFlags.head;
    }
    listed.push({
      ...{ writer, id: writers.bytes(writer), firstTime: writers.firstTime[writer] as number },
      ...{ last: seq, lastTime: time, isHead: head, isDropped },
    });
  }
  const moved = movedToPages(listed, isMarked, pagesMax);
  const pages: PageHeader[] = [...counted.values()].filter(({ live }) => live > 0);
  const add: PackedChunk[] = [];
  const paged = new Map<Listed, number>();
  for (let from = 0; from < moved.length; from += pageWritersMax) {
    const rows = moved.slice(from, from + pageWritersMax);
    const id = nextId();
    add.push({ id, bytes: encodeWriterPage(rows) });
    for (const row of rows) paged.set(row, id);
    pages.push({
      ...{ id, writers: rows.length, live: rows.length },
      events: rows.reduce((sum, { last }) => sum + last, 0),
      heads: rows.filter((row) => row.isHead).length,
    });
  }
  const named = listed.filter((row) => !paged.has(row));
  const apply = () => {
    for (const { writer } of named) writers.page[writer] = 0;
    for (const [row, id] of paged) {
      writers.page[row.writer] = id + 1;
      writers.pageFlags[row.writer] = flagsOf(row);
    }
    writers.pages = pages;
  };
  const indexOf = new Map(named.map(({ writer }, index) => [writer, index]));
  const remove = writers.pages.map(({ id }) => id).filter((id) => (counted.get(id)?.live ?? 0) === 0);
  return { named, indexOf, pages, add, remove, apply };
}

/** Of those listed the ones that go to whole pages: they wrote longest ago. Heads go last: pages with heads are read at once. */
function movedToPages(
  listed: readonly Listed[],
  isMarked: (writer: number) => boolean,
  pagesMax: number,
): readonly Listed[] {
  if (listed.length <= listedPackedMax) return [];
  const byTime = listed.filter(({ writer }) => !isMarked(writer)).sort((a, b) => a.lastTime - b.lastTime);
  const heads = byTime.filter(({ isHead }) => isHead);
  const movable = [
    ...byTime.filter(({ isHead }) => !isHead),
    ...heads.slice(0, Math.max(0, heads.length - listedPackedMax)),
  ];
  const surplus = Math.min(movable.length, listed.length - Math.ceil(listedPackedMax / 2));
  return movable.slice(0, Math.min(pagesMax, Math.floor(surplus / pageWritersMax)) * pageWritersMax);
}

/** Writers that the manifest says more of: they are named in it. */
function markedIn({ dropped, packed }: WriterTable, edges: Edges, runs: Edges): (writer: number) => boolean {
  const told = new Set(Array.from(runs.gaps(), ({ writer }) => writer));
  for (const { writer } of edges.dangling) told.add(writer);
  return (writer) => {
    const gone = dropped[writer] as number;
    return told.has(writer) || (gone > 0 && gone < Math.max(packed[writer] as number, runs.endOf(writer).seq));
  };
}
