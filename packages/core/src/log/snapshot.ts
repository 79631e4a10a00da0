/** placeholder: the interface first; the implementation follows in this file. */
import type { LogEvent } from '../event.js';

/**
 * An immutable reading view of a log at one moment, in log order. An unchanged log returns the same object; a changed
 * one shares all chunks that did not change. `for … of`, `at`, `map`, `slice` read as an array does; it is not an
 * Array, because making one would make every event.
 */
export interface Snapshot<T = unknown> extends Iterable<LogEvent<T>> {
  readonly length: number;
  /** The i-th event in log order; negative counts from the end; `undefined` outside. O(log chunks). */
  at(index: number): LogEvent<T> | undefined;
  /** `[from, to)`, as `Array.prototype.slice`. Reads only those events. */
  slice(from?: number, to?: number): LogEvent<T>[];
  map<U>(project: (event: LogEvent<T>, index: number) => U): U[];
  /** Position of an event of this log, or -1. O(log n). */
  indexOf(event: LogEvent<T>): number;
}
