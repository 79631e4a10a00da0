/** The transformation `omit`. */
import { checkFields } from './check-arguments.js';
import { transformation } from './map-node.js';
import type { Operator } from './view.js';

/** The events with payloads that lack those properties. A payload that has none of them stays the same object. */
export function omit<T, K extends keyof T>(fields: readonly K[]): Operator<T, Omit<T, K>> {
  checkFields('omit', fields);
  return transformation({
    name: 'omit',
    bounds: ({ values: _, ...bounds }) => bounds,
    create: () => (event) => {
      const payload = without(event.payload, fields);
      return payload === event.payload ? undefined : { payload };
    },
  });
}

/** @internal */
export function without(payload: unknown, fields: readonly PropertyKey[]): unknown {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return payload;
  if (!fields.some((field) => Object.hasOwn(payload, field))) return payload;
  const gone = new Set(fields.map(String));
  return Object.freeze(Object.fromEntries(Object.entries(payload).filter(([name]) => !gone.has(name))));
}
