/** Rows shown otherwise than they are stored: made when read, once each, never on the stored event. */
import type { LogEvent } from '../event.js';
import type { WriterId } from '../ids.js';
import { type Bounds, unbounded } from './bounds.js';
import { type Carrier, carry } from './difference.js';
import { ViewNode } from './node.js';
import { noRows, Rows, Store } from './rows.js';
import type { Operator, ViewSource } from './view.js';
import { type Shown, ViewEvent } from './view-event.js';

/** What a transformation does, before it is part of a node. @internal */
export interface Transformation {
  readonly name: string;
  /** It shows another writer. */
  readonly hidesWriter?: boolean;
  /** Where it throws the event shows as it is. Default: without payload. */
  readonly keepsPayload?: boolean;
  /** What of the input's bounds still holds. */
  readonly bounds?: (input: Bounds) => Bounds;
  /** Gives what shows; `undefined`: the event as it is. */
  create(): (event: LogEvent) => Shown | undefined;
}

/** Makes the operator of a transformation. @internal */
export function transformation<In, Out>(made: Transformation): Operator<In, Out> {
  return (input) => new MapNode<Out>(input as unknown as ViewNode, made);
}

class MappedStore extends Store {
  readonly node: MapNode<unknown>;
  readonly base: Store;
  /** Events made so far, by row. */
  readonly made: (LogEvent | undefined)[] = [];

  constructor(node: MapNode<unknown>, base: Store) {
    super();
    this.node = node;
    this.base = base;
  }

  time(row: number): number {
    return this.base.time(row);
  }

  writer(row: number): WriterId {
    return this.base.writer(row);
  }

  override shownWriter(row: number): WriterId {
    return this.node.hidesWriter ? this.event(row).writer : this.base.shownWriter(row);
  }

  override tie(row: number): number {
    return this.base.tie(row);
  }

  seq(row: number): number {
    return this.base.seq(row);
  }

  override isErased(row: number): boolean {
    return this.base.isErased(row);
  }

  event(row: number): LogEvent {
    let event = this.made[row];
    if (event === undefined) {
      event = this.node.transform(this.base.event(row));
      this.made[row] = event;
    }
    return event;
  }

  same(row: number, other: Store, otherRow: number): boolean {
    return other instanceof MappedStore && this.base.same(row, other.base, otherRow);
  }
}

class MapNode<T> extends ViewNode<T> implements Carrier<MappedStore> {
  readonly sources: ReadonlySet<ViewSource>;
  readonly hidesWriter: boolean;
  readonly #name: string;
  readonly #keepsPayload: boolean;
  readonly #show: (event: LogEvent) => Shown | undefined;
  readonly #input: ViewNode;
  #seen: Rows = noRows;
  #seenRevision = 0;
  #mapped: readonly MappedStore[] = [];

  constructor(input: ViewNode, made: Transformation) {
    const { name, hidesWriter = false, keepsPayload = false, bounds = () => unbounded, create } = made;
    super([input], bounds(input.bounds));
    this.sources = input.sources;
    this.hidesWriter = hidesWriter;
    this.#name = name;
    this.#keepsPayload = keepsPayload;
    this.#input = input;
    this.#show = create();
  }

  transform(event: LogEvent): LogEvent {
    let shown: Shown | undefined;
    try {
      shown = this.#show(event);
    } catch (cause) {
      const error = this.faults.report(this.#name, event, cause);
      if (!this.#keepsPayload) shown = { payload: undefined, error };
    }
    return shown === undefined ? event : new ViewEvent(event, shown);
  }

  protected update(): void {
    const input = this.#input.sync();
    if (input === this.#seen) return;
    const before = this.#mapped;
    this.#mapped = carry(this.#seen, input, before, this);
    this.rows =
      this.#mapped === before
        ? this.rows.grown(input.tail)
        : Rows.of(
            this.#mapped,
            input.stores.map((_, i) => input.count(i)),
          );
    this.#seen = input;
    if (this.#input.revision !== this.#seenRevision) this.revision++;
    this.#seenRevision = this.#input.revision;
  }

  make(store: Store): MappedStore {
    return new MappedStore(this, store);
  }

  keep(from: MappedStore, fromRow: number, to: MappedStore, toRow: number, length: number): void {
    for (let i = 0; i < length && fromRow + i < from.made.length; i++) {
      const event = from.made[fromRow + i];
      if (event !== undefined) to.made[toRow + i] = event;
    }
  }

  add(): void {}

  drop(): void {}
}
