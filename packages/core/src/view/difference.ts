/**
 * What became of a list of rows: stores that stand in both lists cost a pointer each, those between are compared row by
 * row. The last answer for a list is kept, because many views ask the same.
 */
import { compareRows, type Rows, type Store } from './rows.js';

/** Rows that are kept, removed (`newStore` is -1) or inserted (`oldStore` is -1), within one store on each side. @internal */
export interface Part {
  readonly oldStore: number;
  readonly oldRow: number;
  readonly newStore: number;
  readonly newRow: number;
  length: number;
}

/** Stores before `from` and behind the ends are the same; the parts say in order what became of the rest. @internal */
export interface Difference {
  readonly from: number;
  readonly oldEnd: number;
  readonly newEnd: number;
  readonly parts: readonly Part[];
}

/** By number rather than by object: or every list would keep the one before it, and all that ever was. */
const known = new WeakMap<Rows, { readonly before: number; readonly difference: Difference }>();

/** @internal */
export function difference(before: Rows, after: Rows): Difference {
  const last = known.get(after);
  if (last?.before === before.number) return last.difference;
  const made = compare(before, after);
  known.set(after, { before: before.number, difference: made });
  return made;
}

function compare(before: Rows, after: Rows): Difference {
  const isSame = (i: number, j: number) => before.stores[i] === after.stores[j] && before.count(i) === after.count(j);
  let from = 0;
  let oldEnd = before.stores.length;
  let newEnd = after.stores.length;
  // Lists that share their stores differ in the last one alone.
  if (before.stores === after.stores) from = Math.max(0, before.stores.length - 1);
  while (from < oldEnd && from < newEnd && isSame(from, from)) from++;
  while (oldEnd > from && newEnd > from && isSame(oldEnd - 1, newEnd - 1)) {
    oldEnd--;
    newEnd--;
  }
  const parts: Part[] = [];
  const add = (oldStore: number, oldRow: number, newStore: number, newRow: number, length: number) => {
    const last = parts[parts.length - 1];
    const continues =
      last !== undefined &&
      last.oldStore === oldStore &&
      last.newStore === newStore &&
      (oldStore < 0 || last.oldRow + last.length === oldRow) &&
      (newStore < 0 || last.newRow + last.length === newRow);
    if (continues) last.length += length;
    else if (length > 0) parts.push({ oldStore, oldRow, newStore, newRow, length });
  };

  let [i, row, j, otherRow] = [from, 0, from, 0];
  while (i < oldEnd || j < newEnd) {
    const left = i < oldEnd ? before.count(i) - row : 0;
    const right = j < newEnd ? after.count(j) - otherRow : 0;
    if (left === 0 && i < oldEnd) {
      i++;
      row = 0;
      continue;
    }
    if (right === 0 && j < newEnd) {
      j++;
      otherRow = 0;
      continue;
    }
    if (i === oldEnd) {
      add(-1, 0, j, otherRow, right);
      otherRow += right;
      continue;
    }
    if (j === newEnd) {
      add(i, row, -1, 0, left);
      row += left;
      continue;
    }
    const a = before.stores[i] as Store;
    const b = after.stores[j] as Store;
    const limit = Math.min(left, right);
    const kept = a === b && row === otherRow ? limit : a.sameRows(row, b, otherRow, limit);
    if (kept > 0) {
      add(i, row, j, otherRow, kept);
      row += kept;
      otherRow += kept;
      continue;
    }
    const order = compareRows(a, row, b, otherRow);
    // Of two events under one key, the old one gave way to the new one.
    if (order <= 0) add(i, row++, -1, 0, 1);
    if (order >= 0) add(-1, 0, j, otherRow++, 1);
  }
  return { from, oldEnd, newEnd, parts };
}

/** Did rows come or go, or do they merely stand in other stores? @internal */
export function hasChanged(before: Rows, after: Rows): boolean {
  if (before.length !== after.length) return true;
  return (
    before !== after && difference(before, after).parts.some(({ oldStore, newStore }) => oldStore < 0 || newStore < 0)
  );
}

/** What a view keeps for each store of its input, and how it is handed on when rows move to other stores. @internal */
export interface Carrier<D> {
  make(store: Store, rows: number): D;
  /** Rows of `from` that are now the next rows of `to`. */
  keep(from: D, fromRow: number, to: D, toRow: number, length: number): void;
  /** Rows that are new: the next of `to`. */
  add(to: D, store: Store, row: number, length: number): void;
  drop(from: D, store: Store, row: number, length: number): void;
}

/**
 * Hands on what is kept for the stores of `before` to those of `after`. A store that grew goes on with what it has; then,
 * if nothing else changed, the array given is given back.
 *
 * @internal
 */
export function carry<D>(before: Rows, after: Rows, data: readonly D[], carrier: Carrier<D>): readonly D[] {
  const { from, oldEnd, newEnd, parts } = difference(before, after);
  const made: D[] = [];
  let reused = 0;
  for (const { oldStore, oldRow, newStore, newRow, length } of parts) {
    const old = data[oldStore] as D;
    if (newStore < 0) {
      carrier.drop(old, before.stores[oldStore] as Store, oldRow, length);
      continue;
    }
    const store = after.stores[newStore] as Store;
    const at = newStore - from;
    const isGrowth = newRow === 0 && oldRow === 0 && oldStore >= 0 && before.stores[oldStore] === store;
    if (isGrowth && length === before.count(oldStore)) {
      made[at] = old;
      reused++;
      continue;
    }
    made[at] ??= carrier.make(store, after.count(newStore));
    const target = made[at] as D;
    if (oldStore < 0) carrier.add(target, store, newRow, length);
    else carrier.keep(old, oldRow, target, newRow, length);
  }
  const many = newEnd - from;
  if (reused === many && oldEnd - from === many && newEnd === after.stores.length) return data;
  // A store without rows has no part.
  for (let at = 0; at < many; at++) made[at] ??= carrier.make(after.stores[from + at] as Store, 0);
  return [...data.slice(0, from), ...made, ...data.slice(oldEnd)];
}
