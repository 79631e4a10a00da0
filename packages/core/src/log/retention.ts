/** What of a log is kept, where not all of it is: whole packed chunks go, the oldest first. */
import { type PackedChunks, rowsOf } from './packed-chunks.js';

/** How much of a log is kept. What is over one of these bounds may go; without bounds all is kept. */
export interface Retention {
  /** Milliseconds that events are kept after they have come. */
  readonly ageMsMax?: number;
  /** So many events are kept, the newest. */
  readonly eventsMax?: number;
  /** So many bytes of them, as they lie on disk. */
  readonly bytesMax?: number;
}

/** The time before which chunks may go, none that reaches to `upTo`; 0 when none may. The log has so many `events`. @internal */
export function retentionFloor(
  packed: PackedChunks,
  events: number,
  { ageMsMax, eventsMax, bytesMax }: Retention,
  nowMs: number,
  upTo: number,
): number {
  const { slots } = packed;
  let rows = events;
  let bytes = slots.reduce((sum, slot) => sum + slot.bytes, 0);
  let floor = 0;
  for (const [at, slot] of slots.entries()) {
    rows -= rowsOf(slot);
    bytes -= slot.bytes;
    const isOver =
      (ageMsMax !== undefined && slot.packedMs < nowMs - ageMsMax) ||
      (eventsMax !== undefined && rows >= eventsMax) ||
      (bytesMax !== undefined && bytes >= bytesMax);
    if (!isOver || packed.endOf(at) > upTo) break;
    floor = packed.endOf(at);
  }
  return floor;
}
