/**
 * An async iterator that pulls: it looks for the next value when it is asked for one, and subscribes only while there is
 * none. Between two pulls it holds nothing upstream; once it has ended it holds nothing at all.
 */
import type { GossipError } from '../errors.js';

/** Why nothing comes any more. @internal */
export interface End {
  /** What was not read yet is not given any more. */
  readonly cancelled: boolean;
  readonly error: GossipError | undefined;
}

/** @internal */
export interface Pullable<V> {
  /** The next value, if there is one. */
  readonly take: () => { readonly value: V } | undefined;
  readonly subscribe: (listener: () => void) => () => void;
  readonly end: () => End | undefined;
}

/** @internal */
export function pulled<V>(from: Pullable<V>): AsyncIterableIterator<V> {
  let source: Pullable<V> | undefined = from;
  let wake = () => {};
  /** Pulls are answered one after the other. */
  let last: Promise<unknown> = Promise.resolve();

  const pull = async (): Promise<IteratorResult<V, undefined>> => {
    while (source !== undefined) {
      const { take, subscribe, end } = source;
      try {
        const over = end();
        const next = over?.cancelled ? undefined : take();
        if (next !== undefined) return { done: false, value: next.value };
        if (over?.error !== undefined) throw over.error;
        if (over !== undefined) source = undefined;
      } catch (error) {
        // It ends with what it throws, as a generator does.
        source = undefined;
        throw error;
      }
      // It may have ended while a value was looked for.
      if (end() !== undefined) continue;
      let unsubscribe = () => {};
      await new Promise<void>((resolve) => {
        wake = resolve;
        unsubscribe = subscribe(resolve);
      }).finally(unsubscribe);
    }
    return { done: true, value: undefined };
  };

  return {
    next() {
      const result = last.then(pull);
      last = result.catch(() => undefined);
      return result;
    },
    async return() {
      source = undefined;
      wake();
      await last;
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
