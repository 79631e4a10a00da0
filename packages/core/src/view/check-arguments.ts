/** Checks of arguments. */

/** @throws TypeError, RangeError when it is no time. @internal */
export function checkTime(name: string, ms: number): number {
  if (typeof ms !== 'number' || Number.isNaN(ms)) throw new TypeError(`${name}: expected milliseconds, got ${ms}`);
  return ms;
}

/** @throws RangeError when it is not a whole number of at least `min`. @internal */
export function checkWhole(name: string, value: number, min: number): number {
  if (!Number.isSafeInteger(value) || value < min) {
    throw new RangeError(`${name}: expected a whole number from ${min}, got ${value}`);
  }
  return value;
}

/** @throws TypeError when it is no event. @internal */
export function checkEvent<E extends { readonly clock: number }>(name: string, event: E): E {
  if (typeof event?.clock !== 'number') throw new TypeError(`${name}: expected an event`);
  return event;
}

/** @throws TypeError when it is no function. @internal */
export function checkFunction<F>(name: string, value: F): F {
  if (typeof value !== 'function') throw new TypeError(`${name}: expected a function, got ${String(value)}`);
  return value;
}

/** @throws TypeError when it is no text. @internal */
export function checkText(name: string, value: string): string {
  if (typeof value !== 'string') throw new TypeError(`${name}: expected a text, got ${String(value)}`);
  return value;
}

/** @throws TypeError when it is no aggregator: `count` instead of `count()`. @internal */
export function checkAggregator<A extends { create(): unknown }>(name: string, aggregator: A): A {
  if (typeof aggregator?.create !== 'function') throw new TypeError(`${name}: expected an aggregator, as count()`);
  return aggregator;
}

/** @throws TypeError when they are no names of properties. @internal */
export function checkFields(name: string, fields: unknown): void {
  if (Array.isArray(fields) && fields.every((field) => typeof field === 'string' || typeof field === 'number')) return;
  throw new TypeError(`${name}: expected names of properties, got ${String(fields)}`);
}
