import type { Reading } from '../src/sync/index.js';

/** Carries a reading out, with packed chunks from `chunks`. */
export function readNow<V>(reading: Reading<V>, chunks: ReadonlyMap<number, Uint8Array> = new Map()): V {
  for (let step = reading.next(); ; step = reading.next(chunks)) if (step.done) return step.value;
}
