/** Where views begin: a log's snapshot as rows. One root serves all views of a log. */
import { eventKind, type LogEvent } from '../event.js';
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

  /** With the rows that apps do not see. */
  readonly #isWhole: boolean;

  constructor(log: OrderedLog, chunk: Chunk, isWhole: boolean) {
    super();
    this.log = log;
    this.chunk = chunk;
    this.#isWhole = isWhole;
  }

  /** A row of the chunk. */
  in(row: number): number {
    return this.#isWhole ? row : this.chunk.shownRow(row);
  }

  time(row: number): number {
    return this.chunk.time[this.in(row)] as number;
  }

  writer(row: number): WriterId {
    return this.log.tables.writers.id(this.chunk.writer[this.in(row)] as number);
  }

  seq(row: number): number {
    return this.chunk.seq[this.in(row)] as number;
  }

  override isErased(row: number): boolean {
    return this.chunk.kind[this.in(row)] === eventKind.erased;
  }

  event(row: number): LogEvent {
    return this.log.event(this.chunk, this.in(row));
  }

  same(row: number, other: Store, otherRow: number): boolean {
    return this.sameRows(row, other, otherRow, 1) === 1;
  }

  /** A payload never moves: another one under the same key is another event, or an erased one. */
  override sameRows(row: number, other: Store, otherRow: number, limit: number): number {
    if (!(other instanceof ChunkStore) || other.log !== this.log) return 0;
    const [a, b] = [this.chunk, other.chunk];
    let count = 0;
    for (; count < limit; count++) {
      const i = this.in(row + count);
      const j = other.in(otherRow + count);
      const isSame =
        a.time[i] === b.time[j] &&
        a.seq[i] === b.seq[j] &&
        a.writer[i] === b.writer[j] &&
        a.kind[i] === b.kind[j] &&
        a.offset[i] === b.offset[j] &&
        a.page[i] === b.page[j];
      if (!isSame) break;
    }
    return count;
  }
}

class RootNode<T = unknown> extends ViewNode<T> {
  readonly sources: ReadonlySet<ViewSource>;
  readonly #source: ViewSource<T>;
  readonly #isWhole: boolean;
  #seen: Snapshot<T> | undefined;
  #chunks: readonly Chunk[] = [];

  constructor(source: ViewSource<T>, isWhole: boolean) {
    super([]);
    this.#source = source;
    this.#isWhole = isWhole;
    this.sources = new Set([source]);
  }

  protected override connect(listener: () => void): () => void {
    if (!this.#isWhole) return this.#source.subscribe(listener);
    let end: (() => void) | undefined;
    // A log that is still opening has no rows of either kind.
    const followHidden = () => {
      const snapshot = this.#source.snapshot();
      if (snapshot instanceof ChunkSnapshot) end ??= snapshot.log.hiddenListeners.add(listener);
    };
    followHidden();
    const unsubscribe = this.#source.subscribe(() => {
      followHidden();
      listener();
    });
    return () => {
      unsubscribe();
      end?.();
    };
  }

  override end(): End | undefined {
    const { status, error } = this.#source;
    if (status !== 'closed' && status !== 'failed') return undefined;
    return { cancelled: false, error: status === 'failed' ? error : undefined };
  }

  protected update(): void {
    const snapshot = this.#source.snapshot();
    // Rows that do not show come and go without another snapshot.
    if (snapshot === this.#seen && !this.#isWhole) return;
    this.#seen = snapshot;
    const before = this.rows;
    if (snapshot instanceof ChunkSnapshot) this.#take(snapshot.log, this.#isWhole ? wholeOf(snapshot.log) : snapshot);
    else if (snapshot.length === 0) this.#take(undefined, noChunks);
    else throw new TypeError('view: expected a log, a handle or a view; this source gives snapshots of another kind');
    if (hasChanged(before, this.rows)) this.revision++;
  }

  #take(log: OrderedLog | undefined, shown: ShownChunks): void {
    const { chunks, tailRows, length } = shown;
    const before = this.#chunks;
    this.#chunks = chunks;
    if (log === undefined || chunks.length === 0) {
      this.rows = noRows;
    } else if (chunks === before) {
      this.rows = this.rows.grown(tailRows);
    } else {
      const known = this.rows.stores as readonly ChunkStore[];
      const of = (chunk: Chunk, at: number): ChunkStore | undefined =>
        known[at]?.chunk === chunk && known[at].log === log ? known[at] : undefined;
      const moved = chunks.length - before.length;
      const stores = chunks.map(
        (chunk, i) => of(chunk, i) ?? of(chunk, i - moved) ?? new ChunkStore(log, chunk, this.#isWhole),
      );
      const counts = chunks.map((_, i) => shown.rowsOf(i));
      this.rows = new Rows(stores, counts, tailRows, length);
    }
  }
}

/** Chunks with how many of their rows belong to a view. */
type ShownChunks = Pick<ChunkSnapshot<unknown>, 'chunks' | 'tailRows' | 'length' | 'rowsOf'>;

const noChunks: ShownChunks = { chunks: [], tailRows: 0, length: 0, rowsOf: () => 0 };

/** The log now, with the rows that apps do not see. */
function wholeOf(log: OrderedLog): ShownChunks {
  const chunks = log.share();
  const rowsOf = (at: number) => chunks[at]?.count ?? 0;
  return { chunks, tailRows: rowsOf(chunks.length - 1), length: log.length, rowsOf };
}

const roots = new WeakMap<ViewSource, RootNode>();
const wholeRoots = new WeakMap<ViewSource, RootNode>();

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
  return rootIn(roots, source, false) as RootNode<T>;
}

/** All rows of a log, also those that apps do not see: for what follows dependencies. @internal */
export function wholeNodeOf(source: ViewSource): ViewNode {
  return source instanceof ViewNode ? source : rootIn(wholeRoots, source, true);
}

function rootIn(known: WeakMap<ViewSource, RootNode>, source: ViewSource, isWhole: boolean): RootNode {
  let root = known.get(source);
  if (root === undefined) {
    root = new RootNode(source, isWhole);
    known.set(source, root);
  }
  return root;
}
