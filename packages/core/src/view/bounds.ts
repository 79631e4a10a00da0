/** What filters say of all rows of a view, so that filters which cannot both hold are found when it is built (V7). */
import type { LogEvent } from '../event.js';
import type { WriterId } from '../ids.js';
import { compareWriters } from './rows.js';

/** @internal */
export interface Bounds {
  /** `[from, until)` in hybrid time. */
  readonly from?: number;
  readonly until?: number;
  /** Events between which all rows lie, exclusive. */
  readonly after?: LogEvent;
  readonly before?: LogEvent;
  readonly writers?: ReadonlySet<WriterId>;
  /** Values that properties of the payload have. */
  readonly values?: ReadonlyMap<PropertyKey, unknown>;
}

/** @internal */
export const unbounded: Bounds = Object.freeze({});

/**
 * Both at once.
 *
 * @throws RangeError, TypeError when no event can be within both.
 * @internal
 */
export function within(a: Bounds, b: Bounds): Bounds {
  const from = later(a.from, b.from);
  const until = earlier(a.until, b.until);
  if (from !== undefined && until !== undefined && from >= until) {
    throw new RangeError(`from, until: no time is from ${from / 2048} ms on and before ${until / 2048} ms`);
  }
  const after = lastOf(a.after, b.after, 1);
  const before = lastOf(a.before, b.before, -1);
  if (after !== undefined && before !== undefined && compareEvents(after, before) >= 0) {
    throw new RangeError(`after, before: no event is after ${after.id} and before ${before.id}`);
  }
  if (after !== undefined && until !== undefined && after.clock >= until) {
    throw new RangeError(`after, until: ${after.id} is not before ${until / 2048} ms`);
  }
  if (before !== undefined && from !== undefined && before.clock < from) {
    throw new RangeError(`from, before: ${before.id} is before ${from / 2048} ms`);
  }
  const writers = common(a.writers, b.writers);
  if (writers?.size === 0) throw new TypeError('by: no event is by two different writers');
  const values = new Map(a.values);
  for (const [property, value] of b.values ?? []) {
    if (values.has(property) && !Object.is(values.get(property), value)) {
      throw new TypeError(`${String(property)}: it cannot be ${String(values.get(property))} and ${String(value)}`);
    }
    values.set(property, value);
  }
  return {
    ...(from === undefined ? {} : { from }),
    ...(until === undefined ? {} : { until }),
    ...(after === undefined ? {} : { after }),
    ...(before === undefined ? {} : { before }),
    ...(writers === undefined ? {} : { writers }),
    ...(values.size === 0 ? {} : { values }),
  };
}

/** Order of the log. */
function compareEvents(a: LogEvent, b: LogEvent): number {
  return a.clock - b.clock || compareWriters(a.writer, b.writer);
}

function later(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}

function earlier(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

function lastOf(a: LogEvent | undefined, b: LogEvent | undefined, sign: 1 | -1): LogEvent | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return sign * compareEvents(a, b) > 0 ? a : b;
}

function common(a: ReadonlySet<WriterId> | undefined, b: ReadonlySet<WriterId> | undefined) {
  if (a === undefined || b === undefined) return a ?? b;
  return new Set([...a].filter((id) => b.has(id)));
}
