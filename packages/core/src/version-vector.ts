/** Version vectors: writer → last sequence number. What two of them have, lack, and how they compare. */
import type { SequenceNumber, WriterId } from './ids.js';
import type { Run } from './ports/storage.js';

/** Writer → last sequence number; a writer that is absent has written nothing. */
export type VersionVector = ReadonlyMap<WriterId, SequenceNumber>;

/** Everything that either has: the entrywise maximum. A new map. */
export function mergeVersions(a: VersionVector, b: VersionVector): Map<WriterId, SequenceNumber> {
  const merged = new Map(a);
  for (const [writer, seq] of b) merged.set(writer, Math.max(merged.get(writer) ?? 0, seq));
  return merged;
}

/** The runs of events that `theirs` has and `ours` lacks. */
export function missingRuns(ours: VersionVector, theirs: VersionVector): Run[] {
  const runs: Run[] = [];
  for (const [writer, last] of theirs) {
    const first = (ours.get(writer) ?? 0) + 1;
    if (first <= last) runs.push({ writer, first, last });
  }
  return runs;
}

/**
 * How two versions stand to each other.
 *
 * @example
 * ```ts
 * import { compareVersions, type WriterId } from '@gossip-log/core';
 *
 * const ada = 'AAAAAAAAAAAAAAAAAAAAAA' as WriterId;
 * compareVersions(new Map([[ada, 1]]), new Map([[ada, 2]])); // 'before'
 * ```
 */
export function compareVersions(a: VersionVector, b: VersionVector): 'same' | 'before' | 'after' | 'concurrent' {
  const ahead = missingRuns(b, a).length > 0;
  const behind = missingRuns(a, b).length > 0;
  if (ahead) return behind ? 'concurrent' : 'after';
  return behind ? 'before' : 'same';
}
