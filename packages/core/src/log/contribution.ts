/**
 * What one event adds to a fingerprint: four 32-bit numbers mixed from its writer's id and its sequence number. Sums of them
 * are compared instead of events. Neither time nor payload counts: of two events under one number each node keeps the one
 * that came first (G4), and no comparison could change that. Frozen, because nodes of different versions compare them; the
 * vectors are in `contribution.test.ts`. Not collision-resistant: who may write can make two logs look alike.
 *
 * The mixing step is the finalizer of MurmurHash3 (Austin Appleby, public domain).
 */
import type { Chunk } from './chunk.js';
import type { LogTables } from './log-tables.js';

/** Lanes of a contribution and of a sum. */
export const lanes = 4;

/** Rows and the sum of their contributions. */
export interface Fingerprint {
  readonly count: number;
  readonly sum: Uint32Array;
}

/** Adds a sum, or one row's contribution, to a sum. @internal */
export function addTo(sum: Uint32Array, more: Uint32Array): void {
  for (let lane = 0; lane < lanes; lane++) sum[lane] = (sum[lane] as number) + (more[lane] as number);
}

/** Bytes of a short name. */
export const shortNameBytes = 6;

const bySeq = 0x9e3779b1;
const byEvent = [0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f, 0x165667b1] as const;

/** Writes the contribution of one row into `out[0, 4)`. @internal */
export function contribution(chunk: Chunk, row: number, { writers }: LogTables, out: Uint32Array): void {
  const { idBytes: ids } = writers;
  const from = writers.offsetOf(chunk.writer[row] as number);
  const event = mix(Math.imul(chunk.seq[row] as number, bySeq));
  for (let lane = 0; lane < lanes; lane++) {
    const at = from + lane * 4;
    const word =
      (ids[at] as number) |
      ((ids[at + 1] as number) << 8) |
      ((ids[at + 2] as number) << 16) |
      ((ids[at + 3] as number) << 24);
    out[lane] = mix((word + Math.imul(event, byEvent[lane] as number)) | 0);
  }
}

/**
 * A short name of an event among those of one comparison: 48 bits of its contribution. `salt` differs from comparison to
 * comparison, so two events that look alike in one do not in the next.
 *
 * @internal
 */
export function shortName(of: Uint32Array, salt: number): number {
  const odd = salt * 2 + 1;
  const low = mix(((of[0] as number) + Math.imul(of[2] as number, odd)) | 0);
  const high = mix(((of[1] as number) + Math.imul(of[3] as number, odd)) | 0);
  return (high >>> 16) * 0x1_0000_0000 + (low >>> 0);
}

function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
