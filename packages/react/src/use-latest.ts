/** Values that change at every render (inline options) without tearing anything down. */
import { type RefObject, useInsertionEffect, useRef } from 'react';

/** @internal Holds the value of the last committed render. For effects and callbacks, not for rendering. */
export function useLatest<V>(value: V): RefObject<V> {
  const latest = useRef(value);
  // Earlier than all other effects, so that they read the value of their own render.
  useInsertionEffect(() => {
    latest.current = value;
  });
  return latest;
}
