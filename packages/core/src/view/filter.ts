/**
 * Rows that pass tests. Per store of the input a view keeps which rows pass, two bytes each: the answers move with the
 * rows when those come to stand in other stores (V3). Filters that stand side by side become one node.
 */
import type { LogEvent } from '../event.js';
import type { WriterId } from '../ids.js';
import { type Bounds, within } from './bounds.js';
import { type Carrier, carry, hasChanged } from './difference.js';
import { ViewNode } from './node.js';
import { noRows, Rows, Store } from './rows.js';
import type { Operator, View, ViewSource } from './view.js';

/** Decides about rows, in the node that it was made for. @internal */
export interface RowTest {
  passes(store: Store, row: number): boolean;
  /** What it depends on besides the rows that it is asked about. */
  readonly outside?: OutsideRows;
}

/** Rows other than its input on which a test depends. @internal */
export interface OutsideRows {
  readonly node: ViewNode;
  /** Looks at them, before rows are tested. True: it may say otherwise of rows that were tested before. */
  look(): boolean;
}

/** What a filter is, before it is part of a node. @internal */
export interface FilterSpec {
  readonly bounds?: Bounds;
  /** It may have to test all rows again: filters beside it must not, so it gets a node of its own. */
  readonly alone?: boolean;
  /** Called when the view is built. */
  create(node: ViewNode, input: ViewNode): RowTest;
}

const specOf = new WeakMap<Operator<never, unknown>, FilterSpec>();

/** Makes the operator of a filter. @internal */
export function filter<T>(spec: FilterSpec): Operator<T, T> {
  const operator: Operator<T, T> = (input) => new FilterNode<T>(input as ViewNode<T>, [spec]);
  specOf.set(operator, spec);
  return operator;
}

/** Applies operators one after another; filters that stand side by side become one node. @internal */
export function applyAll(input: ViewNode, operators: readonly Operator<never, unknown>[]): ViewNode {
  let node = input;
  for (let i = 0; i < operators.length; ) {
    const specs: FilterSpec[] = [];
    for (let spec = specAt(operators, i); spec !== undefined && !spec.alone; spec = specAt(operators, i)) {
      specs.push(spec);
      i++;
    }
    if (specs.length > 0) node = new FilterNode(node, specs);
    else node = applied(operators[i] as Operator<unknown, unknown>, node, ++i);
  }
  return node;
}

function applied(operator: Operator<unknown, unknown>, input: ViewNode, position: number): ViewNode {
  const node = typeof operator === 'function' ? operator(input as View) : undefined;
  if (node instanceof ViewNode) return node;
  throw new TypeError(`view: operator ${position}: expected one such as where('room', 'tea')`);
}

function specAt(operators: readonly Operator<never, unknown>[], at: number): FilterSpec | undefined {
  const operator = operators[at];
  return operator === undefined ? undefined : specOf.get(operator);
}

/** The rows of a store that pass. */
class SelectedStore extends Store {
  readonly base: Store;
  picks: Uint16Array;
  length = 0;

  constructor(base: Store, picks: Uint16Array) {
    super();
    this.base = base;
    this.picks = picks;
  }

  push(row: number): void {
    if (this.length === this.picks.length) {
      const larger = new Uint16Array(Math.max(8, this.length * 2));
      larger.set(this.picks);
      this.picks = larger;
    }
    this.picks[this.length++] = row;
  }

  /** How many of the picks are below `row`. */
  below(row: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.picks[middle] as number) < row) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  time(row: number): number {
    return this.base.time(this.picks[row] as number);
  }

  writer(row: number): WriterId {
    return this.base.writer(this.picks[row] as number);
  }

  override shownWriter(row: number): WriterId {
    return this.base.writer(this.picks[row] as number);
  }

  override tie(row: number): number {
    return this.base.tie(this.picks[row] as number);
  }

  seq(row: number): number {
    return this.base.seq(this.picks[row] as number);
  }

  override isErased(row: number): boolean {
    return this.base.isErased(this.picks[row] as number);
  }

  event(row: number): LogEvent {
    return this.base.event(this.picks[row] as number);
  }

  same(row: number, other: Store, otherRow: number): boolean {
    if (!(other instanceof SelectedStore)) return false;
    return this.base.same(this.picks[row] as number, other.base, other.picks[otherRow] as number);
  }
}

class FilterNode<T> extends ViewNode<T> implements Carrier<SelectedStore> {
  readonly sources: ReadonlySet<ViewSource>;
  readonly #input: ViewNode;
  readonly #tests: readonly RowTest[];
  #seen: Rows = noRows;
  #selected: readonly SelectedStore[] = [];
  #changed = false;

  constructor(input: ViewNode, specs: readonly FilterSpec[]) {
    const bounds = specs.reduce((all, spec) => within(all, spec.bounds ?? {}), input.bounds);
    super([input], bounds);
    this.sources = input.sources;
    this.#input = input;
    this.#tests = specs.map((spec) => spec.create(this, input));
  }

  protected override connect(listener: () => void): () => void {
    // What a test depends on may change where the input does not.
    const outside = this.#tests.flatMap((test) => test.outside?.node.follow(listener) ?? []);
    const ends = [super.connect(listener), ...outside];
    return () => {
      for (const end of ends) end();
    };
  }

  protected update(): void {
    const input = this.#input.sync();
    let again = false;
    for (const { outside } of this.#tests) if (outside?.look()) again = true;
    if (input === this.#seen && !again) return;
    this.#changed = false;
    const { rows: rowsBefore } = this;
    const before = this.#selected;
    this.#selected = again ? carry(noRows, input, [], this) : carry(this.#seen, input, before, this);
    this.#seen = input;
    if (this.#selected !== before) {
      this.rows = Rows.of(
        this.#selected,
        this.#selected.map((store) => store.length),
      );
    } else if (this.#changed) {
      this.rows = this.rows.grown((before[before.length - 1] as SelectedStore).length);
    }
    if (again ? hasChanged(rowsBefore, this.rows) : this.#changed) this.revision++;
  }

  make(store: Store): SelectedStore {
    return new SelectedStore(store, new Uint16Array());
  }

  keep(from: SelectedStore, fromRow: number, to: SelectedStore, toRow: number, length: number): void {
    const [first, last] = [from.below(fromRow), from.below(fromRow + length)];
    const picks = new Uint16Array(to.length + last - first);
    picks.set(to.picks.subarray(0, to.length));
    const shift = toRow - fromRow;
    for (let i = first, at = to.length; i < last; i++) picks[at++] = (from.picks[i] as number) + shift;
    to.picks = picks;
    to.length = picks.length;
  }

  add(to: SelectedStore, store: Store, row: number, length: number): void {
    const before = to.length;
    for (let at = row; at < row + length; at++) {
      let passes = true;
      for (const test of this.#tests) {
        if (test.passes(store, at)) continue;
        passes = false;
        break;
      }
      if (passes) to.push(at);
    }
    if (to.length > before) this.#changed = true;
    if (before === 0 && length > 64) to.picks = to.picks.slice(0, to.length);
  }

  drop(from: SelectedStore, _store: Store, row: number, length: number): void {
    if (from.below(row + length) > from.below(row)) this.#changed = true;
  }
}
