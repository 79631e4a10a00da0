/** How far a node lets another's clock correct its own, and how that is kept: as decimal text. */
import { limits, utf8Decoder, utf8Encoder } from '@gossip-log/core';

/** Metadata key under which a node keeps what its clock is corrected by. */
export const clockOffsetKey = 'clock-offset-ms';

export function writeOffset(offsetMs: number): Uint8Array {
  return utf8Encoder.encode(String(offsetMs));
}

/** `undefined` when it is no number. */
export function readOffset(bytes: Uint8Array): number | undefined {
  const text = utf8Decoder().decode(bytes);
  return /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
}

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
