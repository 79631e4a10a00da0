/** What aggregators ask of events: a property's name, or a function. */
import type { LogEvent } from '../event.js';
import { aggregateNumberMax } from '../limits.js';
import { property } from './property.js';

/** A property of the payload, or a function of it. */
export type Question<T, V> = keyof T | ((payload: T, event: LogEvent<T>) => V);

/** @throws TypeError for what is no question. @internal */
export function asking<T>(question: Question<T, unknown>): (event: LogEvent<T>) => unknown {
  if (typeof question === 'function') return (event) => question(event.payload, event);
  if (typeof question !== 'string' && typeof question !== 'number') {
    throw new TypeError(`aggregate: expected the name of a property, or a function, got ${String(question)}`);
  }
  return (event) => property(event.payload, question);
}

/** What is no number that can be reckoned with counts as nothing. @internal */
export function askingNumber<T>(question: Question<T, number | undefined>): (event: LogEvent<T>) => number | undefined {
  const ask = asking(question);
  return (event) => {
    const value = ask(event);
    // Added to 0, -0 becomes 0: one zero, whatever came when.
    return typeof value === 'number' && Math.abs(value) <= aggregateNumberMax ? value + 0 : undefined;
  };
}
