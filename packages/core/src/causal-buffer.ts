/**
 * Events that wait for a predecessor or a dependency, bounded. Each waits at one writer: that of the first reference
 * it lacks. Above the bounds the newest are dropped; they can be fetched again.
 *
 * Who waits for its writer's previous event is found by that event's number. Lists are kept for the others alone, and
 * those are few: a writer's first event that waits for a dependency keeps all later ones waiting for their predecessor.
 */
import { type DecodedBlock, timeBeforeRow } from './codec/block.js';
import { causalBufferBytesMax, causalBufferRowsMax } from './limits.js';
import type { Edges, MissingEvent } from './log/edges.js';
import type { WriterTable } from './log/writer-table.js';
import { ParkedRows } from './parked-rows.js';
import type { Run } from './ports/storage.js';
import { WaitingRows } from './waiting-rows.js';

/** Empty lists that are kept: among few writers each will be waited for again. */
const spareLists = 64;

/** @internal */
export class CausalBuffer {
  readonly #writers: WriterTable;
  readonly #edges: Edges;
  readonly #parked = new ParkedRows();
  /** By slot, the writer that a row waits for; its own when it waits for its writer's previous event. */
  readonly #waitsFor: number[] = [];
  readonly #waiting = new Map<number, WaitingRows<number>>();
  readonly #byDot = new Map<number, number>();
  /** Per writer, the last event that is known to be missing. */
  readonly #needed = new Map<number, number>();

  /** `writers` says what is in the log: up to `last`, per writer; `edges` which references count as met (K1). */
  constructor(writers: WriterTable, edges: Edges) {
    this.#writers = writers;
    this.#edges = edges;
  }

  get rows(): number {
    return this.#byDot.size;
  }

  /** The parked rows, by slot. */
  get parked(): ParkedRows {
    return this.#parked;
  }

  has(writer: number, seq: number): boolean {
    return this.#byDot.has(dot(writer, seq));
  }

  /** The parked row of an event. */
  slotOf(writer: number, seq: number): number | undefined {
    return this.#byDot.get(dot(writer, seq));
  }

  /** What a row of a block lacks first; `undefined` when nothing is missing (G2). */
  lackedBy(block: DecodedBlock, row: number, writers: readonly number[]): MissingEvent | undefined {
    const writer = writers[block.writer[row] as number] as number;
    const before = (block.seq[row] as number) - 1;
    if (this.#writers.last[writer] !== before) {
      const time = timeBeforeRow(block, row);
      if (!this.#follows(writer, before, time)) return { writer, seq: before, time };
    }
    const end = block.depStart[row + 1] as number;
    for (let i = block.depStart[row] as number; i < end; i++) {
      const other = writers[block.depWriter[i] as number] as number;
      const seq = block.depSeq[i] as number;
      const time = block.depTime[i] as number;
      if (this.#isMissing(other, seq, time)) return { writer: other, seq, time };
    }
    return undefined;
  }

  /** The same for a parked row. */
  lackedByParked(slot: number): MissingEvent | undefined {
    const parked = this.#parked;
    if (this.#lacksPredecessor(slot)) {
      return { writer: parked.writer(slot), seq: parked.seq(slot) - 1, time: parked.timeBefore(slot) };
    }
    let missing: MissingEvent | undefined;
    parked.eachDependency(slot, (writer, seq, time) => {
      if (missing === undefined && this.#isMissing(writer, seq, time)) missing = { writer, seq, time };
    });
    return missing;
  }

  /** Parks a row of a block, and notes what it refers to and is neither here nor parked. */
  park(block: DecodedBlock, row: number, writers: readonly number[], lacks: MissingEvent): void {
    const slot = this.#parked.add(block, row, writers);
    this.wait(slot, lacks);
    this.#eachMissing(slot, this.#need);
  }

  /** A row in a slot waits for what it lacks first. */
  wait(slot: number, { writer: waitsFor, seq, time }: MissingEvent): void {
    const writer = this.#parked.writer(slot);
    this.#byDot.set(dot(writer, this.#parked.seq(slot)), slot);
    this.#waitsFor[slot] = waitsFor;
    if (waitsFor === writer) return;
    let waiting = this.#waiting.get(waitsFor);
    if (waiting === undefined) {
      waiting = new WaitingRows<number>(this.#writers.last[waitsFor] as number);
      this.#waiting.set(waitsFor, waiting);
    }
    waiting.add(slot, seq, time);
  }

  /** A row waits no more. It stays in its slot until that is freed. */
  take(slot: number): void {
    this.#byDot.delete(dot(this.#parked.writer(slot), this.#parked.seq(slot)));
    const waitsFor = this.#waitsFor[slot] as number;
    const waiting = this.#waiting.get(waitsFor);
    if (waiting === undefined || waitsFor === this.#parked.writer(slot)) return;
    waiting.delete(slot);
    if (waiting.size === 0 && this.#waiting.size > spareLists) this.#waiting.delete(waitsFor);
  }

  /** A row waits no more, and is gone. */
  drop(slot: number): void {
    this.take(slot);
    this.#parked.free(slot);
  }

  /** The rows that the last events of `writer` may have freed. */
  waitingFor(writer: number): number[] {
    const last = this.#writers.last[writer] as number;
    const slots = this.#waiting.get(writer)?.wake(last, this.#writers.lastTime[writer] as number) ?? [];
    const next = this.#byDot.get(dot(writer, last + 1));
    if (next !== undefined) slots.push(next);
    return slots;
  }

  /** Calls back for each writer of a parked row or of what one depends on. Of others nothing is kept. */
  eachWriter(visit: (writer: number) => void): void {
    for (const slot of this.#byDot.values()) {
      visit(this.#parked.writer(slot));
      this.#parked.eachDependency(slot, visit);
    }
    for (const [writer, waiting] of this.#waiting) if (waiting.size === 0) this.#waiting.delete(writer);
    this.missing();
    for (const writer of this.#needed.keys()) visit(writer);
  }

  /** What parked rows refer to and that is neither here nor parked, each once. O(parked rows). */
  unmet(): MissingEvent[] {
    const unmet = new Map<number, MissingEvent>();
    for (const slot of this.#byDot.values()) {
      this.#eachMissing(slot, (writer, seq, time) => {
        const key = dot(writer, seq);
        if (!this.has(writer, seq) && (unmet.get(key)?.time ?? -1) < time) unmet.set(key, { writer, seq, time });
      });
    }
    return [...unmet.values()];
  }

  /** The latest event below the edge that parked rows refer to and that is not here: under a lower edge they would wait for it too. */
  latestMetByEdge(): number {
    const { complete } = this.#edges;
    let latest = -1;
    for (const slot of this.#byDot.values()) {
      const timeBefore = this.#parked.timeBefore(slot);
      if (timeBefore > latest && this.#edges.begins(this.#parked.writer(slot), timeBefore)) latest = timeBefore;
      this.#parked.eachDependency(slot, (writer, seq, time) => {
        if (time < complete && time > latest && !this.#edges.holds(writer, seq)) latest = time;
      });
    }
    return latest;
  }

  /** Takes all rows, in log order: what they wait for is to be looked at anew. */
  takeAll(): number[] {
    const slots = [...this.#byDot.values()];
    this.#byDot.clear();
    this.#waiting.clear();
    return this.inOrder(slots);
  }

  /** Sorts slots into log order. */
  inOrder(slots: number[]): number[] {
    const parked = this.#parked;
    return slots.sort(
      (a, b) => parked.time(a) - parked.time(b) || this.#writers.compare(parked.writer(a), parked.writer(b)),
    );
  }

  #lacksPredecessor(slot: number): boolean {
    const writer = this.#parked.writer(slot);
    const before = this.#parked.seq(slot) - 1;
    return this.#writers.last[writer] !== before && !this.#follows(writer, before, this.#parked.timeBefore(slot));
  }

  #eachMissing(slot: number, visit: (writer: number, seq: number, time: number) => void): void {
    const writer = this.#parked.writer(slot);
    const seq = this.#parked.seq(slot);
    if (seq - 1 > (this.#writers.last[writer] as number) && this.#lacksPredecessor(slot)) {
      visit(writer, seq - 1, this.#parked.timeBefore(slot) || this.#parked.time(slot) - 1);
    }
    this.#parked.eachDependency(slot, (other, needed, time) => {
      if (this.#isMissing(other, needed, time)) visit(other, needed, time);
    });
  }

  /** What parked rows lack, per writer: from the first event that is not here to the last one needed. */
  missing(): Run[] {
    const { last } = this.#writers;
    for (const [writer, seq] of this.#needed) {
      if (this.rows === 0 || seq <= (last[writer] as number)) this.#needed.delete(writer);
    }
    return Array.from(this.#needed, ([writer, seq]) => ({
      writer: this.#writers.id(writer),
      first: (last[writer] as number) + 1,
      last: seq,
    }));
  }

  readonly #need = (writer: number, seq: number): void => {
    if (seq > (this.#needed.get(writer) ?? 0) && !this.has(writer, seq)) this.#needed.set(writer, seq);
  };

  /** A reference whose writer has passed its time without its number is void, not missing (G2). */
  #isMissing(writer: number, seq: number, time: number): boolean {
    if (seq <= (this.#writers.last[writer] as number) || time < this.#edges.complete) return false;
    return time > (this.#writers.lastTime[writer] as number);
  }

  /** May an event follow although its writer's event before, `seq` of `time`, is not the last one here? */
  #follows(writer: number, seq: number, time: number): boolean {
    return this.isVoid(writer, seq, time) || (this.#edges.complete > 0 && this.#edges.begins(writer, time));
  }

  /** Can that event not come any more, since its writer has passed that time without that number (G2, G4)? */
  isVoid(writer: number, seq: number, time: number): boolean {
    return (
      time > 0 && time <= (this.#writers.lastTime[writer] as number) && seq > (this.#writers.last[writer] as number)
    );
  }

  /** Drops the newest rows until the buffer is within seven eighths of its bounds, if it is over one. Returns how many. */
  shed(bytesMax = causalBufferBytesMax): number {
    const parked = this.#parked;
    if (this.rows <= causalBufferRowsMax && parked.bytes <= bytesMax) return 0;
    const newestFirst = [...this.#byDot.values()].sort((a, b) => parked.time(b) - parked.time(a));
    let dropped = 0;
    for (const slot of newestFirst) {
      if (this.rows <= causalBufferRowsMax * 0.875 && parked.bytes <= bytesMax * 0.875) break;
      this.drop(slot);
      dropped++;
    }
    return dropped;
  }
}

function dot(writer: number, seq: number): number {
  return writer * 0x1_0000_0000 + seq;
}
