/** Reading payloads, which come from peers: whatever they are, it gives an answer. */

/** A property of an object; `undefined` of anything else. @internal */
export function property(payload: unknown, name: PropertyKey): unknown {
  return typeof payload === 'object' && payload !== null && Object.hasOwn(payload, name)
    ? (payload as Record<PropertyKey, unknown>)[name]
    : undefined;
}
