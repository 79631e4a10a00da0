/** The filter `where`. */
import type { LogEvent } from '../event.js';
import { filter } from './filter.js';
import { property } from './property.js';
import type { Operator } from './view.js';

/**
 * Events that a pure function says yes to. What it throws is reported, and the event left out.
 *
 * @example
 * ```ts
 * import { createGossipLog, writerIdFromBytes } from '@gossip-log/core';
 * import { view, where } from '@gossip-log/core/view';
 *
 * const writer = writerIdFromBytes(new Uint8Array(16));
 * const log = createGossipLog<{ room: string; text: string }>({ id: 'chat', writer, now: Date.now });
 * const long = view(log, where('room', 'tea'), where((message) => message.text.length > 5));
 * log.append({ room: 'tea', text: 'Yes, please.' });
 * long.snapshot().length; // 1
 * ```
 */
export function where<T>(predicate: (payload: T, event: LogEvent<T>) => boolean): Operator<T, T>;
/**
 * Events whose payload has that property with that value (`Object.is`), or with one that the function says yes to.
 *
 * @throws TypeError from `view` when the same property is to have two values.
 */
export function where<T, K extends keyof T>(name: K, value: T[K] | ((value: T[K]) => boolean)): Operator<T, T>;
export function where(...condition: readonly unknown[]): Operator<unknown, unknown> {
  const [first, value] = condition;
  const isProperty = ['string', 'number', 'symbol'].includes(typeof first);
  if (condition.length < 2 ? typeof first !== 'function' : !isProperty) {
    throw new TypeError('where: expected a function, or a property and a value');
  }
  if (condition.length === 1) {
    const predicate = first as (payload: unknown, event: LogEvent) => boolean;
    return tested((event) => predicate(event.payload, event));
  }
  const name = first as PropertyKey;
  if (typeof value === 'function') {
    const predicate = value as (value: unknown) => boolean;
    return tested((event) => predicate(property(event.payload, name)));
  }
  return filter({
    bounds: { values: new Map([[name, value]]) },
    create: () => ({ passes: (store, row) => Object.is(property(store.event(row).payload, name), value) }),
  });
}

function tested(predicate: (event: LogEvent) => boolean): Operator<unknown, unknown> {
  return filter({
    create: ({ faults }) => ({
      passes(store, row) {
        const event = store.event(row);
        try {
          return answerOf(predicate(event));
        } catch (cause) {
          faults.report('where', event, cause);
          return false;
        }
      },
    }),
  });
}

/** No answer counts as no. What is neither yes nor no is a mistake that would leave out every event, as an async function is. */
function answerOf(answer: unknown): boolean {
  if (typeof answer === 'boolean') return answer;
  if (answer === undefined || answer === null) return false;
  // The report says what is wrong: a rejection that nothing handles would end a Node process besides.
  if (answer instanceof Promise) answer.catch(() => undefined);
  throw new TypeError(`expected true or false, got ${answer instanceof Promise ? 'a promise' : typeof answer}`);
}
