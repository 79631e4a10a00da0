/**
 * An async iterator that pulls: it looks for the next value when it is asked for one, and subscribes only while there is
 * none. Between two pulls it holds nothing upstream.
 */

/** @internal */
export function pulled<V>(
  take: () => { readonly value: V } | undefined,
  subscribe: (listener: () => void) => () => void,
): AsyncIterableIterator<V> {
  let ended = false;
  let wake = () => {};
  /** Pulls are answered one after the other. */
  let last: Promise<unknown> = Promise.resolve();

  const pull = async (): Promise<IteratorResult<V, undefined>> => {
    while (!ended) {
      const next = take();
      if (next !== undefined) return { done: false, value: next.value };
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
      ended = true;
      wake();
      await last;
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
