/** What a peer lacks of the effective log, read for it in log order: from packed chunks, then from memory. */
import type { WriterId } from '../ids.js';
import { blockRuns, type KnownEvent, type LogEntry } from '../runs.js';
import type { EffectiveRows } from './effective-rows.js';
import type { PackedSlot, Reading } from './packed-chunks.js';
import { chunksLacking, encodeRows, type Lacking, pickLacking } from './rows-lacking.js';
import { lookUpIn, lookUpInChunk } from './times-before.js';

/** What to read for a peer. */
export interface ReadQuery {
  /** What the peer lacks: all events of these writers behind those given. */
  readonly lacks: ReadonlyMap<WriterId, KnownEvent>;
  /** Stop once the blocks are about this large; at least one event is read. */
  readonly bytesMax: number;
  /** Events above this time are not read, unless the peer's log is ahead of it (S13). */
  readonly upTo: number;
  /** All that the peer lacks; `lacks` if absent. */
  readonly peerLacks?: ReadonlyMap<WriterId, KnownEvent> | undefined;
  /** Where more are lacking, all but the newest so many are left out (S22). */
  readonly newest?: number | undefined;
}

/** What a peer lacks, or the first part of it. */
export interface ReadResult {
  readonly entries: readonly LogEntry[];
  /** There is more to read now. */
  readonly more: boolean;
  /** The first event that is kept back because its time is over `upTo`; `undefined` when there is none. */
  readonly heldTime: number | undefined;
  /** Events that the peer lacked when this was asked for, all told. */
  readonly lacking: number;
  /** Where the `newest` begin, when there were more. */
  readonly cut: number | undefined;
}

interface Part {
  readonly entries: LogEntry[];
  readonly more: boolean;
  readonly heldTime: number | undefined;
}

const nothing: Part = { entries: [], more: false, heldTime: undefined };

/**
 * Blocks of what is lacking, up to about `bytesMax`, and up to the time `upTo`. A packed chunk that is lacking as a whole
 * goes out as it lies on disk.
 *
 * @internal
 */
export function* readLacking(
  effective: EffectiveRows,
  lacking: Lacking,
  known: ReadonlyMap<WriterId, KnownEvent>,
  bounds: { readonly bytesMax: number; readonly upTo: number },
): Reading<Part> {
  if (lacking.count === 0) return nothing;
  const { packed, ordered, tables, epoch } = effective;
  const entries: LogEntry[] = [];
  let left = bounds.bytesMax;
  let from = lacking.from;
  while (from < packed.hotFrom) {
    const time = from;
    const { part, end } = yield* packed.reading(() => {
      // The chunks may be others than they were before their bytes came.
      if (time >= packed.hotFrom) return { part: nothing, end: time };
      const index = packed.indexAt(time);
      return { part: readSlot(effective, index, lacking, { ...bounds, bytesMax: left }), end: packed.endOf(index) };
    });
    // What was read may have been taken out of the log meanwhile.
    if (effective.epoch !== epoch) return { ...nothing, more: true };
    entries.push(...part.entries);
    for (const { block } of part.entries) left -= block.length;
    if (part.more || part.heldTime !== undefined) return { ...part, entries };
    if (left <= 0) return { entries, more: true, heldTime: undefined };
    from = end;
  }
  const { rows, more, heldTime } = pickLacking(chunksLacking(ordered, lacking, from), lacking, tables, {
    ...bounds,
    bytesMax: left,
  });
  // A single row is picked whatever its size, but not behind others that have filled the frame.
  if (entries.length > 0 && rows.count === 1 && more) return { entries, more, heldTime: undefined };
  const read = encodeRows(rows, tables, 'received', lookUpIn(effective, rows, known));
  return { entries: [...entries, ...read], more, heldTime };
}

function readSlot(
  effective: EffectiveRows,
  index: number,
  lacking: Lacking,
  bounds: { readonly bytesMax: number; readonly upTo: number },
): Part {
  const { packed, tables } = effective;
  const slot = packed.slots[index] as PackedSlot;
  if (slot.late === undefined && slot.lastTime <= bounds.upTo) {
    const blocks = packed.blocks(slot);
    const isWhole = blocks.every(
      ({ block, writers }) =>
        block.firstSeq.every((seq, writer) =>
          lacking.hasAll(writers[writer] as number, seq, block.time[0] as number),
        ) && packed.eraser?.namesAny(block, writers) !== true,
    );
    if (isWhole) {
      const entries = blocks.map(
        ({ block, writers }): LogEntry => ({
          block: block.bytes,
          runs: blockRuns(block, writers, tables.writers),
          origin: 'received',
        }),
      );
      return { entries, more: false, heldTime: undefined };
    }
  }
  const chunk = packed.rows(index);
  const { rows, more, heldTime } = pickLacking([{ chunk, row: 0 }], lacking, tables, bounds);
  const read = encodeRows(rows, tables, 'received', lookUpInChunk(effective, slot, chunk, rows));
  return { entries: read, more, heldTime };
}
