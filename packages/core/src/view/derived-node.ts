/** What aggregates and folds have in common: a value that is computed of a view when it is asked for. */
import type { GossipError } from '../errors.js';
import { viewErrorsMax } from '../limits.js';
import { Listeners } from '../listeners.js';
import { Faults } from './faults.js';
import type { ViewNode } from './node.js';
import { pulled } from './pulled.js';
import type { Derived } from './view.js';

/** @internal */
export abstract class DerivedNode<V> implements Derived<V> {
  readonly input: ViewNode;
  readonly faults = new Faults();
  readonly #listeners = new Listeners(undefined, () => this.#connect());

  constructor(input: ViewNode) {
    this.input = input;
  }

  abstract value(): V;

  /** What it shows, not what it is made of. */
  toJSON(): V {
    return this.value();
  }

  subscribe(listener: () => void): () => void {
    return this.#add(listener, false);
  }

  #add(listener: () => void, toTheEnd: boolean): () => void {
    return this.input.end() === undefined ? this.#listeners.add(listener, toTheEnd) : () => {};
  }

  #connect(): () => void {
    const faultCount = () => this.faults.count + this.input.faultCount();
    let before = this.value();
    let faultsBefore = faultCount();
    return this.input.follow(() => {
      const now = this.value();
      const faultsNow = faultCount();
      const isNews = !Object.is(now, before) || faultsNow !== faultsBefore;
      before = now;
      faultsBefore = faultsNow;
      try {
        if (isNews) this.tell();
      } finally {
        if (this.input.end() !== undefined) this.#listeners.end();
      }
    });
  }

  protected tell(): void {
    this.#listeners.tell();
  }

  errors(): readonly GossipError[] {
    return [...this.input.errors(), ...this.faults.list].slice(-viewErrorsMax);
  }

  /** The newest value, whenever it is another than the one given last. */
  [Symbol.asyncIterator](): AsyncIterableIterator<V> {
    let last: { readonly value: V } | undefined;
    const take = () => {
      const value = this.value();
      if (last !== undefined && Object.is(last.value, value)) return undefined;
      last = { value };
      return last;
    };
    return pulled({ take, subscribe: (listener) => this.#add(listener, true), end: () => this.input.end() });
  }
}
