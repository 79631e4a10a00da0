/** Who is told of changes. A view subscribes upstream while there is anybody (V9). */

/** @internal */
export class Listeners {
  readonly #connect: () => () => void;
  /** And whether they are told of the end too. */
  readonly #listeners = new Map<() => void, boolean>();
  #disconnect = () => {};

  /** @param connect Subscribes upstream; the function that it gives ends that. */
  constructor(connect = () => () => {}) {
    this.#connect = connect;
  }

  /**
   * @param toTheEnd It is told by `end` too.
   * @throws TypeError when it is no function: it would throw in the one who changes the log.
   */
  add(listener: () => void, toTheEnd = false): () => void {
    if (typeof listener !== 'function') throw new TypeError(`subscribe: expected a function, got ${typeof listener}`);
    // A function of its own per call, so that one listener subscribed twice is called twice.
    const entry = () => listener();
    this.#listeners.set(entry, toTheEnd);
    if (this.#listeners.size === 1) this.#disconnect = this.#connect();
    return () => {
      if (this.#listeners.delete(entry) && this.#listeners.size === 0) this.#disconnect();
    };
  }

  /** Nobody is told any more. */
  clear(): void {
    this.#listeners.clear();
    this.#disconnect();
  }

  /** Nothing changes any more: all are dropped, and those are told who wait for that. */
  end(): void {
    const told = [...this.#listeners].flatMap(([listener, toTheEnd]) => (toTheEnd ? [listener] : []));
    this.clear();
    callAll(told);
  }

  /** Every listener is told before the first one's error goes on to whoever changed the log. */
  tell(): void {
    callAll([...this.#listeners.keys()]);
  }
}

function callAll(listeners: readonly (() => void)[]): void {
  let failure: { error: unknown } | undefined;
  for (const listener of listeners) {
    try {
      listener();
    } catch (error) {
      failure ??= { error };
    }
  }
  if (failure !== undefined) throw failure.error;
}
