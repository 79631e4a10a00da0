/** `fork`: a branch of a view that can be ended as one. */
import { ViewNode } from './node.js';
import type { End } from './pulled.js';
import { nodeOf } from './root.js';
import type { View, ViewSource } from './view.js';

/** A branch of a view. */
export interface Fork<T = unknown> extends View<T> {
  /**
   * Ends its iterations, also those that wait, and drops its subscribers; those of all that is made of it too. It can still
   * be read. Idempotent.
   */
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

const cancelled: End = Object.freeze({ cancelled: true, error: undefined });

class ForkNode<T> extends ViewNode<T> implements Fork<T> {
  readonly sources: ReadonlySet<ViewSource>;
  readonly #input: ViewNode;
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

  override end(): End | undefined {
    return this.#closed ? cancelled : super.end();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.finish();
  }
}
