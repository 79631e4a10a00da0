/** Where views begin: a log's snapshot as rows. One root serves all views of a log. */
import type { LogEvent } from '../event.js';
import type { WriterId } from '../ids.js';
import type { Chunk } from '../log/chunk.js';
import type { OrderedLog } from '../log/ordered-log.js';
import { ChunkSnapshot, type Snapshot } from '../log/snapshot.js';
import { hasChanged } from './difference.js';
import { ViewNode } from './node.js';
import type { End } from './pulled.js';
import { noRows, Rows, Store } from './rows.js';
import type { ViewSource } from './view.js';

/** A chunk of the log. @internal */
export class ChunkStore extends Store {
  readonly log: OrderedLog;
  readonly chunk: Chunk;

  constructor(log: OrderedLog, chunk: Chunk) {
    super();
    this.log = log;
    this.chunk = chunk;
  }

  time(row: number): number {
    return this.chunk.time[row] as number;
  }

  writer(row: number): WriterId {
    return this.log.tables.writers.ids[this.chunk.writer[row] as number] as WriterId;
  }

  seq(row: number): number {
    return this.chunk.seq[row] as number;
  }

  event(row: number): LogEvent {
    return this.log.event(this.chunk, row);
  }

  same(row: number, other: Store, otherRow: number): boolean {
    return this.sameRows(row, other, otherRow, 1) === 1;
  }

  /** A payload never moves: another one under the same key is another event. */
  override sameRows(row: number, other: Store, otherRow: number, limit: number): number {
    if (!(other instanceof ChunkStore) || other.log !== this.log) return 0;
    const [a, b] = [this.chunk, other.chunk];
    const by = otherRow - row;
    let at = row;
    const end = row + limit;
    while (
      at < end &&
      a.time[at] === b.time[at + by] &&
      a.seq[at] === b.seq[at + by] &&
      a.writer[at] === b.writer[at + by] &&
      a.offset[at] === b.offset[at + by] &&
      a.page[at] === b.page[at + by]
    ) {
      at++;
    }
    return at - row;
  }
}

class RootNode<T = unknown> extends ViewNode<T> {
  readonly sources: ReadonlySet<ViewSource>;
  readonly #source: ViewSource<T>;
  #seen: Snapshot<T> | undefined;
  #chunks: readonly Chunk[] = [];

  constructor(source: ViewSource<T>) {
    super([]);
    this.#source = source;
    this.sources = new Set([source]);
  }

  protected override connect(listener: () => void): () => void {
    return this.#source.subscribe(listener);
  }

  override end(): End | undefined {
    const { status, error } = this.#source;
    if (status !== 'closed' && status !== 'failed') return undefined;
    return { cancelled: false, error: status === 'failed' ? error : undefined };
  }

  protected update(): void {
    const snapshot = this.#source.snapshot();
    if (snapshot === this.#seen) return;
    this.#seen = snapshot;
    const before = this.rows;
    if (snapshot instanceof ChunkSnapshot) this.#take(snapshot);
    else if (snapshot.length === 0) this.#take(undefined);
    else throw new TypeError('view: expected a log, a handle or a view; this source gives snapshots of another kind');
    if (hasChanged(before, this.rows)) this.revision++;
  }

  #take(snapshot: ChunkSnapshot<T> | undefined): void {
    const chunks = snapshot?.chunks ?? [];
    const before = this.#chunks;
    this.#chunks = chunks;
    if (snapshot === undefined || chunks.length === 0) {
      this.rows = noRows;
    } else if (chunks === before) {
      this.rows = this.rows.grown(snapshot.tailRows);
    } else {
      const known = this.rows.stores as readonly ChunkStore[];
      const of = (chunk: Chunk, at: number): ChunkStore | undefined =>
        known[at]?.chunk === chunk && known[at].log === snapshot.log ? known[at] : undefined;
      const moved = chunks.length - before.length;
      const stores = chunks.map(
        (chunk, i) => of(chunk, i) ?? of(chunk, i - moved) ?? new ChunkStore(snapshot.log, chunk),
      );
      const counts = chunks.map((chunk) => chunk.count);
      this.rows = new Rows(stores, counts, snapshot.tailRows, snapshot.length);
    }
  }
}

const roots = new WeakMap<ViewSource, RootNode>();

/**
 * The node of a source.
 *
 * @throws TypeError when it is none.
 * @internal
 */
export function nodeOf<T>(source: ViewSource<T>): ViewNode<T> {
  if (source instanceof ViewNode) return source;
  if (typeof source?.snapshot !== 'function' || typeof source.subscribe !== 'function') {
    throw new TypeError('view: expected a log, a handle or a view');
  }
  let root = roots.get(source);
  if (root === undefined) {
    root = new RootNode(source);
    roots.set(source, root);
  }
  return root as RootNode<T>;
}
