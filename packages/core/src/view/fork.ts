/** `fork`: a branch of a view that can be ended as one. */
import type { LogEvent } from '../event.js';
import { ViewNode } from './node.js';
import { nodeOf } from './root.js';
import type { View, ViewSource } from './view.js';

/** A branch of a view. */
export interface Fork<T = unknown> extends View<T> {
  /** Ends its iterations and drops its subscribers, those of views made of it too. It can still be read. Idempotent. */
  close(): void;
}

/**
 * A branch of a view: the same rows, evaluated once for all branches, each read at its own pace. `close` ends whatever
 * follows this branch, and nothing else.
 *
 * @throws TypeError when the source is none.
 */
export function fork<T>(source: ViewSource<T>): Fork<T> {
  return new ForkNode<T>(nodeOf(source) as ViewNode);
}

class ForkNode<T> extends ViewNode<T> implements Fork<T> {
  readonly sources: ReadonlySet<ViewSource>;
  readonly #input: ViewNode;
  readonly #open = new Set<AsyncIterableIterator<LogEvent<T>>>();
  readonly #connections = new Set<() => void>();
  #closed = false;

  constructor(input: ViewNode) {
    super([input], input.bounds);
    this.sources = input.sources;
    this.#input = input;
  }

  protected update(): void {
    this.rows = this.#input.sync();
    this.revision = this.#input.revision;
  }

  protected override connect(listener: () => void): () => void {
    if (this.#closed) return () => {};
    const end = super.connect(listener);
    this.#connections.add(end);
    return () => {
      if (this.#connections.delete(end)) end();
    };
  }

  override arrivals(history: boolean): AsyncIterableIterator<LogEvent<T>> {
    const events = super.arrivals(history);
    if (this.#closed) void events.return?.();
    else this.#open.add(events);
    return events;
  }

  close(): void {
    this.#closed = true;
    for (const events of this.#open) void events.return?.();
    this.#open.clear();
    for (const end of this.#connections) end();
    this.#connections.clear();
  }
}
