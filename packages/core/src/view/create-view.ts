/** `view`: where views begin. */
import { applyAll } from './filter.js';
import { nodeOf } from './root.js';
import type { Operator, View, ViewSource } from './view.js';

/**
 * A view of a log, of a node's handle, or of another view, through operators in that order. Filters are cheapest at the
 * front, and those that look at time and writer before those that look at payloads. Views share nothing but their
 * source: build one and use it in many places.
 *
 * @throws TypeError, RangeError when the source is none, or filters cannot both hold.
 * @example
 * ```ts
 * import { createGossipLog, writerIdFromBytes } from '@gossip-log/core';
 * import { from, map, view, where } from '@gossip-log/core/view';
 *
 * const writer = writerIdFromBytes(new Uint8Array(16));
 * const log = createGossipLog<{ room: string; text: string }>({ id: 'chat', writer, now: Date.now });
 * const tea = view(log, from(Date.now() - 86_400_000), where('room', 'tea'), map((message) => message.text));
 * const end = tea.subscribe(() => console.log(tea.snapshot().at(-1)?.payload));
 * log.append({ room: 'tea', text: 'Tea?' }); // prints: Tea?
 * end();
 * ```
 */
export function view<A>(source: ViewSource<A>): View<A>;
export function view<A, B>(source: ViewSource<A>, a: Operator<A, B>): View<B>;
export function view<A, B, C>(source: ViewSource<A>, a: Operator<A, B>, b: Operator<B, C>): View<C>;
export function view<A, B, C, D>(
  source: ViewSource<A>,
  a: Operator<A, B>,
  b: Operator<B, C>,
  c: Operator<C, D>,
): View<D>;
export function view<A, B, C, D, E>(
  source: ViewSource<A>,
  a: Operator<A, B>,
  b: Operator<B, C>,
  c: Operator<C, D>,
  d: Operator<D, E>,
): View<E>;
export function view<A, B, C, D, E, F>(
  source: ViewSource<A>,
  a: Operator<A, B>,
  b: Operator<B, C>,
  c: Operator<C, D>,
  d: Operator<D, E>,
  e: Operator<E, F>,
): View<F>;
export function view<A, B, C, D, E, F, G>(
  source: ViewSource<A>,
  a: Operator<A, B>,
  b: Operator<B, C>,
  c: Operator<C, D>,
  d: Operator<D, E>,
  e: Operator<E, F>,
  f: Operator<F, G>,
): View<G>;
export function view(source: ViewSource, ...operators: readonly Operator<never, unknown>[]): View {
  return applyAll(nodeOf(source), operators);
}
