/** Those that are told of changes. A view subscribes upstream while it has listeners (V9). */

/** @internal */
export class Listeners {
  readonly #report: ((error: unknown) => void) | undefined;
  readonly #connect: () => () => void;
  /** And whether they are told of the end too. */
  readonly #listeners = new Map<() => void, boolean>();
  #disconnect = () => {};

  /**
   * @param report Takes what listeners throw. Without it `tell` throws that, for the listeners upstream to report.
   * @param connect Subscribes upstream; the function that it gives ends that.
   */
  constructor(report: ((error: unknown) => void) | undefined, connect = () => () => {}) {
    this.#report = report;
    this.#connect = connect;
  }

  /**
   * @param toTheEnd It is told by `end` too.
   * @throws TypeError when it is no function: it would throw when the log changes.
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

  /** Ends all subscriptions. */
  clear(): void {
    this.#listeners.clear();
    this.#disconnect();
  }

  /** Nothing changes any more: all are dropped, and those are told who wait for that. */
  end(): void {
    const told = [...this.#listeners].flatMap(([listener, toTheEnd]) => (toTheEnd ? [listener] : []));
    this.clear();
    this.#call(told);
  }

  /** Calls every listener, whatever the others throw. */
  tell(): void {
    this.#call([...this.#listeners.keys()]);
  }

  #call(listeners: readonly (() => void)[]): void {
    const errors: unknown[] = [];
    for (const listener of listeners) {
      try {
        listener();
      } catch (error) {
        if (this.#report === undefined) errors.push(error);
        else reportTo(this.#report, error);
      }
    }
    if (errors.length > 1) throw new AggregateError(errors, `${errors.length} listeners threw`);
    if (errors.length === 1) throw errors[0];
  }
}

/** A handler of errors that throws must not keep the other listeners, or the caller, from going on. */
function reportTo(report: (error: unknown) => void, error: unknown): void {
  try {
    report(error);
  } catch (its) {
    reportUncaught(its);
  }
}

/**
 * Reports an error that has no caller to go to, as the platform does for its own event listeners: by `reportError` where
 * there is one (browsers, Deno, Bun), else as an unhandled rejection (Node). Never throws.
 */
export function reportUncaught(error: unknown): void {
  if (typeof reportError === 'function') reportError(error);
  else void Promise.reject(error);
}
