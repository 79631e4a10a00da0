/** Who is told of changes. A view subscribes upstream while there is anybody (V9). */

/** @internal */
export class Listeners {
  readonly #connect: () => () => void;
  readonly #listeners = new Set<() => void>();
  #disconnect = () => {};

  /** @param connect Subscribes upstream; the function that it gives ends that. */
  constructor(connect = () => () => {}) {
    this.#connect = connect;
  }

  add(listener: () => void): () => void {
    // A function of its own per call, so that one listener subscribed twice is called twice.
    const entry = () => listener();
    this.#listeners.add(entry);
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

  /** Every listener is told before the first one's error goes on to whoever changed the log. */
  tell(): void {
    let failure: { error: unknown } | undefined;
    for (const listener of [...this.#listeners]) {
      try {
        listener();
      } catch (error) {
        failure ??= { error };
      }
    }
    if (failure !== undefined) throw failure.error;
  }
}
