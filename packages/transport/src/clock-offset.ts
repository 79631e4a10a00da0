/** How far a node lets another's clock correct its own. */
import { limits } from '@gossip-log/core';

/**
 * What a wall clock may be corrected by, in milliseconds; `undefined` when it is more than a clock goes wrong by
 * itself. A clock that was never set, and stands before gossip-log was made, is no witness against anybody.
 *
 * @internal
 */
export function believableOffset(nowMs: number, offsetMs: number): number | undefined {
  const believable = Math.abs(offsetMs) <= limits.clockOffsetMsMax || nowMs < limits.wallClockMsMin;
  return believable && Number.isFinite(offsetMs) ? Math.round(offsetMs) : undefined;
}
