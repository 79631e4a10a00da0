/**
 * Takes the rows out of a log that its truncation table hides, wherever they stand: in memory, late beside a packed chunk,
 * or in cold chunks. Those never change: what of them is hidden is noted in their slots until they are packed anew.
 */
import type { SequenceNumber } from '../ids.js';
import type { LogEntry } from '../runs.js';
import { Chunk } from './chunk.js';
import { contribution, lanes } from './contribution.js';
import type { Edges } from './edges.js';
import type { EffectiveRows } from './effective-rows.js';
import type { Heads } from './heads.js';
import { mergeRows } from './merge-rows.js';
import type { PackedSlot, Reading } from './packed-chunks.js';
import { partRows } from './part-rows.js';
import type { Reissued } from './reissued-events.js';
import type { StandingRows } from './standing-rows.js';
import type { Truncation } from './truncations.js';

/** By replica: events `[from, until)` are to be hidden. */
type Hiding = ReadonlyMap<number, { readonly from: SequenceNumber; readonly until: number }>;

/** What became of truncations. */
export interface Truncated {
  /** The table has grown: it is to be stored together with `hidden`, then peers are told. */
  readonly grew: boolean;
  /** What was here and is hidden now, for the journal (J3). */
  readonly hidden: readonly LogEntry[];
  /** What is to be stored besides: own events before the hidden ones, and what had waited for hidden ones. */
  readonly entries: readonly LogEntry[];
  /** Own events that were hidden, and as what they were appended again. */
  readonly reissued: Reissued;
}

/** What cold chunks say of it. */
export interface ColdHidden {
  /** Of the rows that are to be hidden there. */
  readonly times: ReadonlySet<number>;
  /** By replica, the time of its last event that stays. */
  readonly lastTime: ReadonlyMap<number, number>;
}

/** @internal */
export class HiddenRows {
  readonly #effective: EffectiveRows;
  readonly #standing: StandingRows;
  readonly #heads: Heads;
  readonly #packedRuns: Edges;

  constructor(effective: EffectiveRows, standing: StandingRows, heads: Heads, packedRuns: Edges) {
    this.#effective = effective;
    this.#packedRuns = packedRuns;
    this.#standing = standing;
    this.#heads = heads;
  }

  /** What these would hide of the log. What was hidden before is not among it, but for what a manifest brings back. */
  affected(told: readonly Truncation[]): Hiding {
    const { replicas } = this.#effective.tables;
    const hiding = new Map<number, { from: SequenceNumber; until: number }>();
    for (const { replica, from } of told) {
      const index = replicas.find(replica);
      const known = hiding.get(index);
      if (known !== undefined) known.from = Math.min(known.from, from);
      else if (index >= 0 && from <= (replicas.last[index] as number)) {
        const hidden = replicas.hiddenFrom[index] as number;
        hiding.set(index, { from, until: hidden > from ? hidden : Number.POSITIVE_INFINITY });
      }
    }
    return hiding;
  }

  /** Looks through cold chunks, from the last one back as far as is needed. O(their events). */
  *search(told: readonly Truncation[]): Reading<ColdHidden> {
    const { packed, edges, tables } = this.#effective;
    const { firstTime } = tables.replicas;
    const times = new Set<number>();
    const lastTime = new Map<number, number>();
    const open = new Map(this.affected(told));
    for (const [replica, { from }] of open) {
      const last = edges.heldBefore(replica, from);
      if (last > 0 && this.#standing.find(replica, last) !== undefined) open.delete(replica);
    }
    for (let end = packed.hotFrom; end > 0 && open.size > 0; ) {
      const behind = end;
      end = yield* packed.reading(() => {
        // Chunks may have been read into memory, or packed anew, since the last one was looked at.
        const before = Math.min(behind, packed.hotFrom);
        if (before === 0) return 0;
        const index = packed.indexAt(before - 1);
        const { start } = packed.slots[index] as PackedSlot;
        const rows = packed.rows(index);
        for (let row = 0; row < rows.count; row++) {
          const replica = rows.replica[row] as number;
          const range = open.get(replica);
          if (range === undefined) continue;
          if ((rows.seq[row] as number) >= range.from) times.add(rows.time[row] as number);
          else lastTime.set(replica, rows.time[row] as number);
        }
        for (const replica of open.keys()) {
          if (lastTime.has(replica) || start <= (firstTime[replica] as number)) open.delete(replica);
        }
        return index === 0 ? 0 : start;
      });
    }
    return { times, lastTime };
  }

  /**
   * Takes the rows out and returns them in order. What is known of the replicas is set right.
   *
   * @throws ColdRows until the chunks that have such rows are given.
   */
  take(hiding: Hiding, cold: ColdHidden): Chunk {
    const { packed, ordered, tables } = this.#effective;
    const { replicas } = tables;
    packed.requireAt(cold.times);
    const isHidden = (chunk: Chunk, row: number) => {
      const range = hiding.get(chunk.replica[row] as number);
      const seq = chunk.seq[row] as number;
      return range !== undefined && seq >= range.from && seq < range.until;
    };
    const { hotFrom } = packed;
    let taken = new Chunk(0);
    const take = (rows: Chunk) => {
      taken = mergeRows(taken, rows, 0, rows.count, replicas);
    };
    packed.slots.forEach((slot, index) => {
      const late = slot.late === undefined ? undefined : packed.takeLate(index, isHidden);
      // Of what is in memory the ordered log has them too.
      if (late !== undefined && index < packed.cold) take(late);
    });
    for (const index of new Set(Array.from(cold.times, (time) => (time < hotFrom ? packed.indexAt(time) : -1)))) {
      if (index < 0) continue;
      const { taken: own } = partRows(packed.decode(packed.slots[index] as PackedSlot, true), isHidden);
      this.#note(packed.slots[index] as PackedSlot, own, 0, own.count);
      take(own);
    }
    const hot = ordered.remove(isHidden);
    for (let row = 0; row < hot.count; row++) {
      const time = hot.time[row] as number;
      if (time >= packed.end || !this.#packedRuns.holds(hot.replica[row] as number, hot.seq[row] as number)) continue;
      this.#note(packed.slots[packed.indexAt(time)] as PackedSlot, hot, row, row + 1);
    }
    take(hot);
    this.#setRight(hiding, cold, taken);
    return taken;
  }

  /** A packed chunk has these rows, which do not count any more. */
  #note(slot: PackedSlot, rows: Chunk, from: number, to: number): void {
    if (to === from) return;
    slot.hidden ??= { rows: 0, sum: new Uint32Array(lanes) };
    const scratch = new Uint32Array(lanes);
    for (let row = from; row < to; row++) {
      contribution(rows, row, this.#effective.tables, scratch);
      for (let lane = 0; lane < lanes; lane++) {
        slot.hidden.sum[lane] = (slot.hidden.sum[lane] as number) + (scratch[lane] as number);
      }
    }
    slot.hidden.rows += to - from;
  }

  #setRight(hiding: Hiding, cold: ColdHidden, taken: Chunk): void {
    const { tables, edges } = this.#effective;
    const { last, lastTime, firstTime, stored, storedTime } = tables.replicas;
    for (const [replica, { from }] of hiding) {
      const end = edges.heldBefore(replica, from);
      const time =
        cold.lastTime.get(replica) || this.#standing.findTime(replica, end) || edges.timeBefore(replica, end + 1);
      edges.endBefore(replica, from, time);
      if (end === 0) firstTime[replica] = 0;
      if ((stored[replica] as number) > end) {
        stored[replica] = end;
        storedTime[replica] = lastTime[replica] as number;
      }
      if (end === 0) this.#heads.remove(replica);
      else this.#heads.add(replica);
    }
    // What only a hidden event depended on is a head again. One too many is harmless, one too few is not.
    for (let row = 0; row < taken.count; row++) {
      tables.dependencies.each(taken.deps[row] as number, taken.time[row] as number, (replica, seq, time) => {
        if (last[replica] === seq && lastTime[replica] === time) this.#heads.add(replica);
      });
    }
    this.#effective.forget();
  }
}
