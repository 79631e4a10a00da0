/**
 * How far back a log goes, and what it holds below that.
 *
 *     ──────── residue: · ·· ·  ─────┤ complete              now
 *          ┤ wanted                  ├─── one run per writer ──▶
 *
 * - [K1] From `complete` up the log holds one contiguous run of each writer. What an event there refers to is here, or
 *   lies below `complete`: then the reference counts as met.
 * - [K2] Events below `complete` are residue: taken as they come, shown, stored, passed on; never compared, never required.
 * - [K3] When no connected peer has what is missing, `complete` rises to the lowest edge above it that a peer has told of.
 *   Nothing held is dropped, and what waited for it shows. By choice both edges rise, when a peer has more than a node
 *   wants to catch up with (S22).
 * - [K4] `complete` falls, though not below `wanted`, as soon as nothing above the lower edge is missing. Until then
 *   what is missing is asked for, of the peers whose edges are lowest first.
 * - [K5] Two nodes compare from the higher of their `complete` edges up.
 * - [K6] What lies below a peer's `wanted` is not sent to it by comparison. What becomes stored goes to every peer.
 *
 * A writer has segments here only where it has gaps: one that is held from its first event on has none.
 */
import { danglingMax } from '../limits.js';
import { ForkedEnds, type RunEnds } from './run-ends.js';
import type { WriterTable } from './writer-table.js';

/** Events of one writer, of which none is missing. Of a writer's last segment the end stands in the writer table. */
export interface Segment {
  first: number;
  firstTime: number;
  /** Time of the event before the first, which is missing. */
  timeBefore: number;
  last: number;
  lastTime: number;
}

/** An event that something refers to and that is not here: of `time`, as far as is told. */
export interface MissingEvent {
  readonly writer: number;
  readonly seq: number;
  readonly time: number;
}

/** What is not in memory, or gone for good, by writer. */
type GoneEvents = Pick<WriterTable, 'gone' | 'goneTime' | 'dropped'>;

/** Where none of it is kept. */
const nothingGone: GoneEvents = { gone: new Uint32Array(), goneTime: new Float64Array(), dropped: new Uint32Array() };

/** @internal */
export class Edges {
  complete = 0;
  wanted = 0;
  /** What lies before was let go of, though some of it may have come again. */
  droppedBefore = 0;
  /** How often something was found to be missing below the edge. */
  found = 0;
  /** Where each writer's events end that are here. */
  readonly #ends: RunEnds;
  /** Of none anything is gone, where it is not kept. */
  readonly #gone: GoneEvents;
  readonly #segments = new Map<number, Segment[]>();
  /** Events that dependencies refer to and that are not here. */
  readonly #dangling = new Map<number, MissingEvent>();
  /** No dangling event up to this time is remembered: there were too many. */
  #forgottenUpTo = -1;
  /** Of events that came late among packed ones, the time of the event before: no packed block tells of it yet (B6). */
  readonly #beforeLate = new Map<number, number>();
  /** The lowest edge that what is missing allows; `undefined` when it has changed. */
  #lowest: number | undefined = 0;

  constructor(ends: RunEnds, gone: GoneEvents = nothingGone) {
    this.#ends = ends;
    this.#gone = gone;
  }

  /** The same segments, over ends that are changed apart from these. */
  fork(): Edges {
    const fork = new Edges(new ForkedEnds(this.#ends));
    for (const [writer, segments] of this.#segments) {
      fork.#segments.set(
        writer,
        segments.map((segment) => ({ ...segment })),
      );
    }
    return fork;
  }

  /** A fork has become what is so. */
  adopt(fork: Edges): void {
    for (const [writer, { seq, time }] of (fork.#ends as ForkedEnds).changed) this.#ends.setEnd(writer, seq, time);
    this.#segments.clear();
    for (const [writer, segments] of fork.#segments) this.#segments.set(writer, segments);
    this.#lowest = undefined;
  }

  /** The last event of a writer that is here, and its time. */
  endOf(writer: number): { readonly seq: number; readonly time: number } {
    return { seq: this.#ends.lastOf(writer), time: this.#ends.lastTimeOf(writer) };
  }

  /** How many writers' ends were changed in this fork. */
  get changed(): number {
    return (this.#ends as ForkedEnds).changed.size;
  }

  /** Was that one's? */
  isChanged(writer: number): boolean {
    return (this.#ends as ForkedEnds).changed.has(writer);
  }

  /** Takes note of an event, wherever it belongs. Not one that is here. */
  take(writer: number, seq: number, time: number, timeBefore: number): void {
    if (seq - 1 === this.#ends.lastOf(writer)) this.#ends.setEnd(writer, seq, time);
    else this.add(writer, seq, time, timeBefore);
  }

  /** Writers whose events are not one run from the first on, with what is here of them. */
  *gaps(): Iterable<{ readonly writer: number; readonly segments: readonly Segment[] }> {
    for (const [writer, segments] of this.#segments) {
      const { seq, time } = this.endOf(writer);
      const end = { ...(segments[segments.length - 1] as Segment), last: seq, lastTime: time };
      yield { writer, segments: [...segments.slice(0, -1), end] };
    }
  }

  /** As `gaps` told; where the writer's events end is known. */
  resumeGaps(writer: number, segments: readonly Segment[]): void {
    this.#lowest = undefined;
    this.#segments.set(
      writer,
      segments.map((segment) => ({ ...segment })),
    );
  }

  /** What is here is known no more; where it ends is the caller's to forget. */
  forget(): void {
    this.#segments.clear();
    this.#lowest = undefined;
  }

  /** What is referred to below the edge and is not here. */
  get dangling(): Iterable<MissingEvent> {
    return this.#dangling.values();
  }

  /** All events of a writer up to this one are gone. They count as held: they would not be taken again. */
  drop(writer: number, seq: number): void {
    this.packedLate(writer, seq);
    const { dropped } = this.#gone;
    if (seq > (dropped[writer] as number)) dropped[writer] = seq;
  }

  /** The last event of a writer that is gone; 0 when none is. */
  droppedUpTo(writer: number): number {
    return this.#gone.dropped[writer] ?? 0;
  }

  /** Before that time it says nothing that an event is not here. */
  get certainFrom(): number {
    return Math.max(this.complete, this.droppedBefore);
  }

  /** Is that event here, or was it? */
  holds(writer: number, seq: number): boolean {
    if (seq > this.#ends.lastOf(writer)) return false;
    if (this.#segments.size === 0) return true;
    const segments = this.#segments.get(writer);
    if (segments === undefined) return true;
    const segment = segments[firstEndingAt(segments, seq)];
    return segment !== undefined && seq >= segment.first;
  }

  /** Does the run of a writer begin anew with this event, because the one before lies below the edge (K1)? */
  begins(writer: number, timeBefore: number): boolean {
    return timeBefore > 0 && timeBefore < this.complete && timeBefore > this.#ends.lastTimeOf(writer);
  }

  /** Could this be an event of the writer, by the times of those that are held around it? */
  fits(writer: number, seq: number, time: number, timeBefore: number): boolean {
    const end = this.endOf(writer);
    if (seq > end.seq) return (timeBefore || time - 1) >= end.time;
    const segments = this.#segments.get(writer) ?? [];
    const at = firstEndingAt(segments, seq);
    const next = segments[at] as Segment;
    const before = segments[at - 1];
    if (before !== undefined && (timeBefore || time - 1) < before.lastTime) return false;
    return seq === next.first - 1 && next.timeBefore > 0 ? time === next.timeBefore : time < next.firstTime;
  }

  /** Takes note of an event that does not follow the writer's last one. */
  add(writer: number, seq: number, time: number, timeBefore: number): void {
    const { seq: last, time: lastTime } = this.endOf(writer);
    this.#lowest = undefined;
    let segments = this.#segments.get(writer);
    if (segments === undefined) {
      segments = [];
      if (last > 0) segments.push({ first: 1, firstTime: 0, timeBefore: 0, last: 0, lastTime: 0 });
      this.#segments.set(writer, segments);
    }
    const end = segments[segments.length - 1];
    if (end !== undefined) Object.assign(end, { last, lastTime });
    const at = end !== undefined && seq > end.last ? segments.length : firstEndingAt(segments, seq);
    const before = segments[at - 1];
    const next = segments[at];
    if (seq > last) this.#ends.setEnd(writer, seq, time);
    if (before?.last === seq - 1) {
      before.last = seq;
      before.lastTime = time;
      if (next?.first === seq + 1) {
        before.last = next.last;
        before.lastTime = next.lastTime;
        segments.splice(at, 1);
      }
    } else if (next?.first === seq + 1) {
      next.first = seq;
      next.firstTime = time;
      next.timeBefore = timeBefore;
    } else {
      segments.splice(at, 0, { first: seq, firstTime: time, timeBefore, last: seq, lastTime: time });
      this.found++;
    }
    if (segments.length === 1 && segments[0]?.first === 1) this.#segments.delete(writer);
  }

  /** Something refers to this event, which lies below the edge. */
  refer(writer: number, seq: number, time: number): void {
    if (this.holds(writer, seq) || time <= this.#timeBelow(writer, seq)) return;
    const key = dot(writer, seq);
    if (this.#dangling.has(key)) return;
    this.#lowest = undefined;
    this.found++;
    if (this.#dangling.size === danglingMax) {
      this.#forgottenUpTo = Math.max(this.#forgottenUpTo, time);
      return;
    }
    this.#dangling.set(key, { writer, seq, time });
  }

  /** It came. Was it referred to? */
  came(writer: number, seq: number): boolean {
    if (this.#dangling.size === 0 || !this.#dangling.delete(dot(writer, seq))) return false;
    this.#lowest = undefined;
    return true;
  }

  /** An event is not in memory any more. It counts as held: it would not be taken again. */
  letGo(writer: number, seq: number, time: number): void {
    if (seq > (this.#gone.gone[writer] as number)) this.residesFrom(writer, seq, time);
  }

  /** An event came late among packed ones. `timeBefore` as it was told. */
  cameLate(writer: number, seq: number, timeBefore: number): void {
    if (timeBefore > 0) this.#beforeLate.set(dot(writer, seq), timeBefore);
  }

  /** It is packed now. */
  packedLate(writer: number, seq: number): void {
    if (this.#beforeLate.size > 0) this.#beforeLate.delete(dot(writer, seq));
  }

  /** In memory the writer's events begin behind this one now, of `time`; 0 where that is not told. */
  residesFrom(writer: number, seq: number, time: number): void {
    this.#gone.gone[writer] = seq;
    this.#gone.goneTime[writer] = time;
  }

  /** Nothing is missing, nothing was let go of. */
  get isWhole(): boolean {
    return this.complete === 0 && this.droppedBefore === 0 && this.#segments.size === 0;
  }

  /** Some writer's events are not one run from its first on. */
  get hasGaps(): boolean {
    return this.#segments.size > 0;
  }

  /** What is held of a writer's events `[first, last]` and not gone, in runs. */
  heldRuns(writer: number, first: number, last: number): { first: number; last: number }[] {
    const held: { first: number; last: number }[] = [];
    for (let next = Math.max(first, this.droppedUpTo(writer) + 1); next <= last; ) {
      const end = this.holds(writer, next) ? this.#endOfRun(writer, next) : undefined;
      if (end === undefined) {
        const later = this.#segments.get(writer)?.find((segment) => segment.first > next);
        if (later === undefined) break;
        next = later.first;
      } else {
        held.push({ first: next, last: Math.min(last, end) });
        next = end + 1;
      }
    }
    return held;
  }

  #endOfRun(writer: number, seq: number): number {
    const last = this.#ends.lastOf(writer);
    const segments = this.#segments.get(writer);
    if (segments === undefined) return last;
    const at = firstEndingAt(segments, seq);
    return at === segments.length - 1 ? last : (segments[at] as Segment).last;
  }

  /** From which event of a writer on none is missing up to this one, which is here. */
  wholeFrom(writer: number, seq: number): number {
    const segments = this.#segments.get(writer);
    return segments === undefined ? 1 : (segments[firstEndingAt(segments, seq)] as Segment).first;
  }

  /** The time of the event before one whose predecessor is not in memory; 0 where that is not known. */
  timeBefore(writer: number, seq: number): number {
    if (seq > 1 && this.#gone.gone[writer] === seq - 1) return this.#gone.goneTime[writer] as number;
    const late = this.#beforeLate.size > 0 ? this.#beforeLate.get(dot(writer, seq)) : undefined;
    if (late !== undefined) return late;
    const segments = this.#segments.get(writer);
    const segment = segments?.[firstEndingAt(segments, seq)];
    return segment?.first === seq ? segment.timeBefore : 0;
  }

  /** The time of the event before one that is not here; 0 where that is not here either. */
  timeBeforeMissing(writer: number, seq: number): number {
    return this.heldBefore(writer, seq) === seq - 1 ? this.#timeBelow(writer, seq) : 0;
  }

  /** K4. The lowest edge from which up nothing is missing. */
  lowest(): number {
    if (this.#lowest === undefined) {
      let latest = this.#forgottenUpTo;
      for (const { time } of this.missing()) latest = Math.max(latest, time);
      this.#lowest = latest + 1;
    }
    return Math.max(this.wanted, this.droppedBefore, this.#lowest);
  }

  /** What is missing below the edge, as far as is known; of each gap of a writer the last event. */
  *missing(): Iterable<MissingEvent> {
    for (const [writer, segments] of this.#segments) {
      for (const { first, firstTime, timeBefore } of segments) {
        if (first > 1) yield { writer, seq: first - 1, time: timeBefore || firstTime - 1 };
      }
    }
    yield* this.#dangling.values();
  }

  /** The last event before `seq` that is here; 0 when there is none. */
  heldBefore(writer: number, seq: number): number {
    const last = this.#ends.lastOf(writer);
    const segments = this.#segments.get(writer);
    if (seq > last) return last;
    if (segments === undefined) return seq - 1;
    const at = firstEndingAt(segments, seq);
    return (segments[at] as Segment).first < seq ? seq - 1 : (segments[at - 1]?.last ?? 0);
  }

  /** The latest time that is known to lie below a missing event of the writer: no reference to it can be earlier. */
  #timeBelow(writer: number, seq: number): number {
    const end = this.endOf(writer);
    if (seq > end.seq) return end.time;
    const segments = this.#segments.get(writer) as Segment[];
    return segments[firstEndingAt(segments, seq) - 1]?.lastTime ?? 0;
  }
}

/** The first segment that ends at `seq` or behind it. The last one counts as endless. */
function firstEndingAt(segments: readonly Segment[], seq: number): number {
  let low = 0;
  let high = segments.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((segments[middle] as Segment).last < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

function dot(writer: number, seq: number): number {
  return writer * 0x1_0000_0000 + seq;
}
