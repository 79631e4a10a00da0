/**
 * Own events that were written while the clock was ahead are appended again, with the right time and under a new writer,
 * once the clock is right. Otherwise they would wait until the clock has come to their times, and all that is written after
 * them would wait, too.
 *
 * - [G12] Only own events that no peer was sent are appended again, and all of them above the time from which peers would
 *   refuse them. No other event depends on them. Among themselves, and behind what they depended on, they stay in order, and
 *   a redaction names its target under the id that it has now. What is appended while that is being stored goes under the new
 *   writer, too, with the time at which it is.
 *
 * A step is planned, stored, and only then taken over, like a step of packing: a plan that cannot be stored changes nothing.
 */
import { encodeBlock } from '../codec/block.js';
import { decodeRedaction, encodeRedaction, redactionKey } from '../codec/redaction.js';
import { eventKind } from '../event.js';
import { clockStepsPerMs, horizon, tick } from '../hybrid-logical-clock.js';
import { type EventId, eventId, parseEventId, type SequenceNumber, type WriterId, writerIdFromBytes } from '../ids.js';
import { aheadOfLogMsMax, depsMax } from '../limits.js';
import type { LogEntry, TimedRun } from '../runs.js';
import { Chunk } from './chunk.js';
import type { LogParts } from './log-parts.js';
import { dot } from './payload-pages.js';
import { encodeRows } from './rows-lacking.js';
import { lookUpIn } from './times-before.js';

/** Own runs with the first event of each that no peer was sent. */
export type UnsentRuns = ReadonlyMap<WriterId, SequenceNumber>;

/** A record of the journal that holds some of them. */
export interface UnsentRecord {
  readonly key: string;
  readonly runs: readonly TimedRun[];
}

/** Events under new ids: former id → id now. */
export type Successors = ReadonlyMap<EventId, EventId>;

/** One step, to be stored. */
export interface ReappendPlan {
  /** What takes the place of these records: the events under their new ids, */
  readonly entries: readonly LogEntry[];
  /** and what else was in the records. It was stored before. */
  readonly kept: readonly LogEntry[];
  readonly records: readonly string[];
  /** Runs that were cut, each with the last event that is left of it. */
  readonly left: ReadonlyMap<WriterId, SequenceNumber>;
  /** What changes here once it is stored. What was appended since goes under the new writer, too. @internal */
  readonly apply: () => Successors;
}

/** An event, by its writer's index. */
interface Head {
  readonly writer: number;
  readonly seq: SequenceNumber;
}

interface Dependency extends Head {
  readonly time: number;
}

interface Payload {
  readonly kind: number;
  readonly bytes: Uint8Array;
}

/** What goes. */
interface Cut {
  /** By writer, the first event that goes. */
  readonly cut: ReadonlyMap<number, SequenceNumber>;
  /** Nothing that goes is before that time. */
  readonly from: number;
  /** What nothing depends on any more. */
  readonly uncovered: readonly Head[];
}

interface Row {
  readonly chunk: Chunk;
  readonly row: number;
}

/** @internal */
export class ReappendRows {
  readonly #parts: LogParts;
  readonly #now: () => number;

  constructor(parts: LogParts, now: () => number) {
    this.#parts = parts;
    this.#now = now;
  }

  /** The next step; `undefined` when nothing is to be appended again. O(events above the horizon). */
  plan(unsent: UnsentRuns, records: readonly UnsentRecord[]): ReappendPlan | undefined {
    const { effective, own } = this.#parts;
    const { tables } = effective;
    const { writers } = tables;
    const first = this.#candidates(unsent);
    const { rows, newest } = this.#early(first);
    if (rows.length === 0) return undefined;

    /** By old writer, its first row that is appended again. */
    const cut = new Map<number, SequenceNumber>();
    for (const { chunk, row } of rows) {
      const writer = chunk.writer[row] as number;
      if (!cut.has(writer)) cut.set(writer, chunk.seq[row] as number);
    }
    const isCut = (writer: number, seq: SequenceNumber) => seq >= (cut.get(writer) ?? Number.POSITIVE_INFINITY);
    const id = own.beginAgain();
    const self = writers.intern(id);
    const successors = new Map<EventId, EventId>();
    const batch = new Chunk(rows.length);
    const uncovered: Head[] = [];
    const named: (readonly Dependency[])[] = [];
    let time = newest;
    for (const [i, { chunk, row }] of rows.entries()) {
      const writer = chunk.writer[row] as number;
      const seq = chunk.seq[row] as number;
      time = tick(time, this.#now());
      const before = seq === cut.get(writer) ? { seq: seq - 1, time: this.#timeOf(writer, seq - 1) } : undefined;
      named.push(this.#dependencies({ chunk, row }, isCut, before, uncovered));
      const { kind, page, offset, length } = chunk;
      batch.push(
        self,
        i + 1,
        time,
        kind[row] as number,
        page[row] as number,
        offset[row] as number,
        length[row] as number,
        0,
      );
      successors.set(eventId(writers.id(writer), seq), eventId(id, i + 1));
    }

    this.#record(batch, named);
    const payloads = this.#payloads(batch, rows, successors);
    const from = (rows[0] as Row).chunk.time[(rows[0] as Row).row] as number;
    const touched = records.filter(({ runs }) => runs.some((run) => isCut(writers.find(run.writer), run.last)));
    const kept = this.#rowsOf(touched, isCut);
    return {
      entries: encodeRows(batch, tables, 'own', () => undefined),
      kept: encodeRows(kept, tables, 'own', lookUpIn(effective, kept)),
      records: touched.map(({ key }) => key),
      left: new Map(Array.from(cut, ([writer, seq]) => [writers.id(writer), seq - 1])),
      apply: () => {
        // What the log gave back of its memory meanwhile, it does not know of these.
        this.#record(batch, named);
        for (const [row, { kind, bytes }] of payloads) this.#place(batch, row, kind, bytes);
        // Numbers of writers without events may serve others by now.
        batch.writer.fill(writers.intern(id));
        this.#apply(batch, { cut, from, uncovered }, successors);
        return successors;
      },
    };
  }

  /** Runs by writer that may be cut: where some of a run is missing here, it stays as it is. */
  #candidates(unsent: UnsentRuns): Map<number, SequenceNumber> {
    const { effective } = this.#parts;
    const { writers } = effective.tables;
    const first = new Map<number, SequenceNumber>();
    for (const [id, seq] of unsent) {
      const writer = writers.find(id);
      const last = writers.last[writer] ?? 0;
      const isPacked = seq <= (writers.packed[writer] ?? 0);
      if (seq <= last && !isPacked && effective.edges.wholeFrom(writer, last) === 1) first.set(writer, seq);
    }
    return first;
  }

  /**
   * The last rows of the log, as far as they are of these runs and above what peers take; and the time of the event before
   * them. Where others' events are ahead of the clock, too, peers take what follows these closely.
   */
  #early(first: ReadonlyMap<number, SequenceNumber>): { readonly rows: readonly Row[]; readonly newest: number } {
    const { ordered, packed, edges } = this.#parts.effective;
    const { chunks } = ordered;
    const upTo = horizon(this.#now());
    const rows: Row[] = [];
    let newest = Math.max(packed.end - 1, edges.complete, edges.droppedBefore, 0);
    walk: for (let at = chunks.length - 1; at >= 0; at--) {
      const chunk = chunks[at] as Chunk;
      for (let row = chunk.count - 1; row >= 0; row--) {
        const time = chunk.time[row] as number;
        const seq = first.get(chunk.writer[row] as number);
        if (time > upTo && seq !== undefined && (chunk.seq[row] as number) >= seq) {
          rows.push({ chunk, row });
          continue;
        }
        newest = Math.max(newest, time);
        break walk;
      }
    }
    rows.reverse();
    const following = newest > upTo ? newest + aheadOfLogMsMax * clockStepsPerMs : upTo;
    const from = rows.findIndex(({ chunk, row }) => (chunk.time[row] as number) > following);
    if (from < 0) return { rows: [], newest };
    const before = rows[from - 1];
    if (before !== undefined) newest = Math.max(newest, before.chunk.time[before.row] as number);
    return { rows: rows.slice(from), newest };
  }

  /** The time of an own event that stays; 0 of none. It is not packed, or the last of its writer that is. */
  #timeOf(writer: number, seq: SequenceNumber): number {
    const { effective, standing } = this.#parts;
    const { packed, packedTime } = effective.tables.writers;
    if (seq === 0) return 0;
    return seq === packed[writer] ? (packedTime[writer] as number) : standing.findTime(writer, seq);
  }

  /** What a row depended on and stays, with its writer's event before where that stays. */
  #dependencies(
    { chunk, row }: Row,
    isCut: (writer: number, seq: SequenceNumber) => boolean,
    before: { readonly seq: SequenceNumber; readonly time: number } | undefined,
    uncovered: Head[],
  ): Dependency[] {
    const { dependencies, writers } = this.#parts.effective.tables;
    const named: Dependency[] = [];
    dependencies.each(chunk.deps[row] as number, chunk.time[row] as number, (writer, seq, at) => {
      if (!isCut(writer, seq)) named.push({ writer, seq, time: at });
    });
    if (before !== undefined && before.seq > 0) {
      // Of as many as there may be the oldest gives its place, and is named by the next event.
      if (named.length === depsMax) uncovered.push(named.pop() as Head);
      named.push({ writer: chunk.writer[row] as number, ...before });
    }
    // From newest to oldest (B4).
    named.sort((a, b) => b.time - a.time || writers.compare(b.writer, a.writer));
    return named;
  }

  /** Writes down what rows depend on. Returns the offset of each. */
  #record(batch: Chunk, named: readonly (readonly Dependency[])[]): void {
    const { dependencies } = this.#parts.effective.tables;
    for (const [row, events] of named.entries()) {
      batch.deps[row] = dependencies.begin(events.length);
      for (const { writer, seq, time } of events) dependencies.add(writer, seq, (batch.time[row] as number) - time);
    }
  }

  /** By row, the payloads that are not as they were: what redactions name, and by what redacted events were redacted. */
  #payloads(batch: Chunk, rows: readonly Row[], successors: Successors): Map<number, Payload> {
    const payloads = new Map<number, Payload>();
    const put = (row: number, kind: number, bytes: Uint8Array) => {
      payloads.set(row, { kind, bytes });
      this.#place(batch, row, kind, bytes);
    };
    for (const [i, { chunk, row }] of rows.entries()) {
      if (chunk.kind[row] !== eventKind.redaction) continue;
      const { target, time } = this.#named({ chunk, row }, successors, (seq) => batch.time[seq - 1] as number);
      put(i, eventKind.redaction, encodeRedaction({ ...target, age: (batch.time[i] as number) - time }));
    }
    const { pages } = this.#parts.effective.tables;
    for (const [i, { chunk, row }] of rows.entries()) {
      if (chunk.kind[row] !== eventKind.erased) continue;
      const { writer, seq } = redactionKey(pages.whole(chunk.page[row] as number), chunk.offset[row] as number);
      const now = successors.get(eventId(writerIdFromBytes(writer), seq));
      if (now === undefined) continue;
      const at = parseEventId(now).seq - 1;
      put(i, eventKind.erased, encodeBlock(batch, at, at + 1, this.#parts.effective.tables, []));
    }
    return payloads;
  }

  #place(batch: Chunk, row: number, kind: number, bytes: Uint8Array): void {
    const { pages } = this.#parts.effective.tables;
    pages.place(bytes, 0, bytes.length);
    batch.reform(row, { kind, page: pages.page, offset: pages.offset, length: bytes.length });
  }

  /** What a redaction names, as that stands now. `timeOf` tells the time of an event that has another id. */
  #named({ chunk, row }: Row, successors: Successors, timeOf: (seq: SequenceNumber) => number) {
    const { pages, writers } = this.#parts.effective.tables;
    const bytes = pages.get(chunk.page[row] as number, chunk.offset[row] as number, chunk.length[row] as number);
    const { atOnce, writer, seq, age } = decodeRedaction(bytes);
    const now = successors.get(eventId(writerIdFromBytes(writer), seq));
    if (now === undefined) return { target: { atOnce, writer, seq }, time: (chunk.time[row] as number) - age };
    const found = parseEventId(now);
    const target = { atOnce, writer: writers.bytes(writers.find(found.writer)), seq: found.seq };
    return { target, time: timeOf(found.seq) };
  }

  /** What these records hold and is not appended again. */
  #rowsOf(records: readonly UnsentRecord[], isCut: (writer: number, seq: SequenceNumber) => boolean): Chunk {
    const { effective } = this.#parts;
    const { ordered, tables } = effective;
    const rows = new Chunk();
    const times = records.flatMap(({ runs }) => runs.map(({ firstTime }) => firstTime));
    if (times.length === 0) return rows;
    const isIn = (id: WriterId, seq: SequenceNumber) =>
      records.some(({ runs }) => runs.some((run) => run.writer === id && run.first <= seq && seq <= run.last));
    const start = ordered.lowerBound(Math.min(...times));
    for (let at = start.chunk; at < ordered.chunks.length; at++) {
      const chunk = ordered.chunks[at] as Chunk;
      for (let row = at === start.chunk ? start.row : 0; row < chunk.count; row++) {
        const writer = chunk.writer[row] as number;
        const seq = chunk.seq[row] as number;
        if (isCut(writer, seq) || !isIn(tables.writers.id(writer), seq)) continue;
        rows.reserveOneMore();
        rows.copyRow(chunk, row);
      }
    }
    return rows;
  }

  #apply(batch: Chunk, { cut, from, uncovered }: Cut, successors: Map<EventId, EventId>): void {
    const { effective, heads, own, redactions } = this.#parts;
    const { ordered, edges, tables } = effective;
    const { dependencies, pages, writers } = tables;
    const { last, lastTime, firstTime, stored, storedTime } = writers;

    const self = batch.writer[0] as number;
    // What was appended since depends on what goes.
    const since = own.takeAppended();
    const gone = new Map(cut);
    const bare = [...uncovered];
    for (let row = 0; row < since.count; row++) {
      const writer = since.writer[row] as number;
      if (!gone.has(writer)) gone.set(writer, since.seq[row] as number);
      dependencies.each(since.deps[row] as number, since.time[row] as number, (named, seq) => {
        bare.push({ writer: named, seq });
      });
    }
    for (const [writer, seq] of gone) {
      const time = this.#timeOf(writer, seq - 1);
      last[writer] = seq - 1;
      lastTime[writer] = time;
      if (seq === 1) firstTime[writer] = 0;
      if ((stored[writer] as number) >= seq) {
        stored[writer] = seq - 1;
        storedTime[writer] = time;
      }
      heads.remove(writer);
      if (seq > 1) heads.add(writer);
    }
    for (const { writer, seq } of bare) if (last[writer] === seq) heads.add(writer);
    const isGone = (writer: number, seq: SequenceNumber) => seq >= (gone.get(writer) ?? Number.POSITIVE_INFINITY);
    ordered.remove(from, (chunk, row) => isGone(chunk.writer[row] as number, chunk.seq[row] as number));
    // Those that were redacted since have their payloads still: they are redacted again.
    const former = new Map<number, Payload>();
    for (let row = 0; row < since.count; row++) {
      const form =
        since.kind[row] === eventKind.erased
          ? pages.formers.get(dot(since.writer[row] as number, since.seq[row] as number))
          : undefined;
      const { kind, page, offset, length } = form ?? {
        kind: since.kind[row] as number,
        page: since.page[row] as number,
        offset: since.offset[row] as number,
        length: since.length[row] as number,
      };
      former.set(row, { kind, bytes: pages.get(page, offset, length).slice() });
    }
    redactions.forget((writer, seq) => isGone(writers.find(writer), seq));
    effective.forget();

    last[self] = batch.count;
    lastTime[self] = batch.lastTime;
    firstTime[self] = batch.time[0] as number;
    heads.release(batch);
    const redacts = redactions.among(batch, false);
    ordered.insert(batch);
    for (const redaction of redacts) redactions.apply(redaction);
    own.goOn(self, Math.max(effective.newestTime, edges.complete, edges.droppedBefore));
    const timeOf = (seq: SequenceNumber) => {
      return this.#parts.standing.findTime(self, seq);
    };
    for (const [row, { kind, bytes }] of former) {
      const id = eventId(writers.id(since.writer[row] as number), since.seq[row] as number);
      const isRedaction = kind === eventKind.redaction;
      const named = isRedaction ? this.#named({ chunk: since, row }, successors, timeOf) : undefined;
      const payload =
        named === undefined ? bytes : (at: number) => encodeRedaction({ ...named.target, age: at - named.time });
      const tail = own.append(kind, payload);
      if (isRedaction) redactions.applyOwn(tail, tail.count - 1, true, own.unflushed);
      successors.set(id, eventId(writers.id(self), tail.seq[tail.count - 1] as number));
    }
  }
}
