/**
 * A real log and the reference log side by side: whatever happens to one happens to the other, and after
 * every move the real one must show what the laws and the reference say. A broken law throws, and names itself.
 *
 * `LockStep` is one copy of a log with its writer; `World` is many of them under a schedule.
 */
import {
  type EventId,
  GossipError,
  type GossipLog,
  type GossipLogOptions,
  type LogEvent,
  type MergeResult,
  type SequenceNumber,
  type Snapshot,
  type WriterId,
  writerIdFromBytes,
} from '@gossip-log/core';
import { inLogOrder, isEarly, type ReferenceEvent, ReferenceLog } from '../src/reference-log.js';
import type { Reading, Schedule, Share, Step } from './schedules.js';

export type CreateLog = (options: GossipLogOptions<unknown>) => GossipLog<unknown>;

/** Bytes on their way, and what is in them. */
export interface Parcel {
  readonly bytes: Uint8Array;
  readonly events: readonly ReferenceEvent[];
  /** Of those among them that are erased, the redaction. */
  readonly erased: ReadonlyMap<EventId, ReferenceEvent>;
}

/** How often a run reached what is rare: a history that reaches nothing proves nothing. */
export class Reached {
  appended = 0;
  merged = 0;
  duplicates = 0;
  /** Events that waited for a dependency, and such that were shown later. */
  parked = 0;
  released = 0;
  /** Merges that put an event before one that was shown already. */
  lateInserts = 0;
  /** Merges refused as a whole because of one event from the future. */
  early = 0;
  /** Appends while the wall clock stood behind the log's time. */
  clockBehind = 0;
  /** Neighbours in a log with one time and two writers. */
  equalTimes = 0;
  /** Events that name as many dependencies as are allowed. */
  fullDeps = 0;
  concurrentPairs = 0;
  reloads = 0;
  redacted = 0;
  /** Events that were erased after they had been shown, or by an earlier redaction than before. */
  erasedLater = 0;
  /** Events first read through a snapshot that was no longer the newest. */
  lateReads = 0;
  /** The longest log. */
  rows = 0;
}

/** Throws unless the law holds. */
export function law(holds: boolean, title: string): asserts holds {
  if (!holds) throw new Error(title);
}

interface View {
  readonly snapshot: Snapshot<unknown>;
  readonly events: readonly ReferenceEvent[];
  /** The redactions of these that were known. */
  readonly erased: ReadonlyMap<EventId, ReferenceEvent>;
}

/** Views kept for reading again. Big logs pass more; then every other one goes. */
const viewsMax = 200;

/** Where readers look seldom, they look after each so many moves. */
const seldomMoves = 5;

/** One copy of a log, twice. */
export class LockStep {
  readonly reference: ReferenceLog;
  log: GossipLog<unknown>;
  /** Its wall clock. */
  nowMs: () => number;
  #views: View[] = [];
  /** By id, and by the redaction that it shows. */
  #objects = new Map<string, LogEvent<unknown>>();
  #calls = 0;
  #moves = 0;
  #changedUnseen = false;

  constructor(
    readonly createLog: CreateLog,
    readonly writer: WriterId,
    nowMs: () => number,
    readonly reached: Reached,
    readonly reading: Reading,
  ) {
    this.reference = new ReferenceLog(writer);
    this.nowMs = nowMs;
    this.log = this.#open();
    this.#keepView();
  }

  #open(): GossipLog<unknown> {
    const log = this.createLog({ id: 'lock-step', writer: this.writer, now: () => this.nowMs() });
    log.subscribe(() => {
      this.#calls++;
    });
    return log;
  }

  append(payload: unknown): ReferenceEvent {
    const { log, reference, reached } = this;
    const nowClock = this.nowMs() * 2048;
    if ([...reference.shown.values()].some((event) => event.time > nowClock)) reached.clockBehind++;
    const event = this.#changing(() => log.append(payload));
    const expected = reference.append(JSON.stringify(payload), this.nowMs());
    reached.appended++;
    if (expected.deps.length === 64) reached.fullDeps++;
    this.#meet(event, expected);
    this.#checkChange(true);
    if (this.#looks()) {
      law(log.snapshot().at(-1) === event, '[L9] an own append is visible at once, as the last event');
    }
    law(log.get(expected.id) === event, '[L5] get() gives the object that append() gave');
    return expected;
  }

  /** Redacts one of the events that show, and gives the redaction when it is a new one. */
  redact(pick: number): ReferenceEvent | undefined {
    const { log, reference } = this;
    const events = reference.visible();
    if (events.length === 0) return undefined;
    const { id } = events[pick % events.length] as ReferenceEvent;
    const isNew = reference.redaction(id) === undefined;
    const found = this.#changing(() => log.redact(id));
    const expected = reference.redact(id, this.nowMs());
    law(found === expected.id, `[L1] ${id} is redacted by ${expected.id}, the log says ${found}`);
    law(log.get(found) === undefined, '[L1] a redaction is no event that shows');
    if (isNew) this.reached.redacted++;
    this.#checkChange(isNew);
    return isNew ? expected : undefined;
  }

  /** What this log holds above `after`, as bytes. */
  parcel(after?: ReadonlyMap<WriterId, SequenceNumber>): Parcel {
    const events = [...this.reference.shown.values()].filter((event) => event.seq > (after?.get(event.writer) ?? 0));
    const bytes = after === undefined ? this.log.encode() : this.log.encode(after);
    return { bytes, events, erased: this.#erasedOf(events) };
  }

  /** Merges parcels, joined into one sequence of blocks. `undefined` when it was refused as early. */
  receive(parcels: readonly Parcel[]): MergeResult | undefined {
    const { log, reference, reached } = this;
    const bytes = joined(parcels.map((parcel) => parcel.bytes));
    const events = parcels.flatMap((parcel) => parcel.events);
    const early = events.filter((event) => isEarly(event, this.nowMs(), reference.shown.values()));
    const earlyAndNew = early.some((event) => !reference.shown.has(event.id) && !reference.waiting.has(event.id));

    let result: MergeResult;
    try {
      result = this.#changing(() => log.merge(bytes));
    } catch (error) {
      if (!(error instanceof GossipError) || error.code !== 'early') throw error;
      law(early.length > 0, 'only events beyond the horizon are refused as early');
      reached.early++;
      this.#checkChange(false);
      return undefined;
    }
    law(!earlyAndNew, 'an event beyond the horizon is refused');

    const last = reference.sequence().at(-1);
    const redactedBefore = this.#erasedOf(reference.shown.values());
    const shownBefore = new Set(reference.shown.keys());
    const waitedBefore = new Set(reference.waiting.keys());
    for (const { erased } of parcels) reference.deliver([], erased);
    reference.deliver(events);
    const fresh = [...reference.shown.values()].filter((event) => !shownBefore.has(event.id));
    const released = fresh.filter((event) => waitedBefore.has(event.id)).length;

    law(result.added === fresh.length, `[L2] added ${result.added} events, expected ${fresh.length}`);
    law(
      fresh.length - released + result.duplicates + result.parked === events.length,
      `[L3] of ${events.length} rows ${fresh.length - released} are new, ${result.duplicates} duplicates, ${result.parked} parked`,
    );
    law(result.parked === 0 || result.missing.length > 0, '[L2] parked events say what they wait for');
    const version = reference.version();
    for (const run of result.missing) {
      law(
        run.first <= run.last && run.first > (version.get(run.writer) ?? 0),
        `[L2] missing ${run.writer} ${run.first}-${run.last}: events that are shown are not missing`,
      );
    }
    reached.merged += events.length;
    reached.duplicates += result.duplicates;
    reached.parked += result.parked;
    reached.released += released;
    if (last && fresh.some((event) => inLogOrder(event, last) < 0)) reached.lateInserts++;
    let erased = 0;
    for (const id of shownBefore) {
      if (redactedBefore.get(id) !== reference.redaction(id)) erased++;
    }
    reached.erasedLater += erased;
    this.#checkChange(erased > 0 || fresh.some(({ redacts }) => redacts === undefined));
    return result;
  }

  /** The redactions by which events are erased. */
  #erasedOf(events: Iterable<ReferenceEvent>): Map<EventId, ReferenceEvent> {
    const erased = new Map<EventId, ReferenceEvent>();
    for (const { id } of events) {
      const redaction = this.reference.redaction(id);
      if (redaction !== undefined) erased.set(id, redaction);
    }
    return erased;
  }

  /** Ends the log, and makes it anew from its bytes. What was parked is gone, as after a restart. */
  reload(): void {
    const bytes = this.log.encode();
    this.checkViews();
    this.log.close();
    this.checkViews();

    this.#objects.clear();
    this.#views = [];
    this.#changedUnseen = false;
    this.log = this.#open();
    // Closing the log before told its listener, too.
    this.#calls = 0;
    // Storage does not judge by the clock what was accepted once; `merge` does.
    const { nowMs } = this;
    this.nowMs = () => 2 ** 41;
    const result = this.log.merge(bytes);
    this.nowMs = nowMs;
    this.reference.forgetWaiting();
    law(result.added === this.reference.shown.size, '[L1] a log made from its own bytes is whole');
    law(equalBytes(this.log.encode(), bytes), '[L1] a log made from its own bytes has the same bytes');
    law(this.#calls === (result.added > 0 ? 1 : 0), `[L5] a listener is called once per change: ${this.#calls}`);
    this.#calls = 0;
    this.reached.reloads++;
    this.#keepView();
  }

  /** Reads every view again, those of the past included. */
  checkViews(): void {
    this.#keepView();
    const views = this.reading === 'newest first' ? [...this.#views].reverse() : this.#views;
    for (const view of views) this.#read(view);
    for (let i = 1; i < this.#views.length; i++) {
      const later = new Set((this.#views[i] as View).events);
      law(
        (this.#views[i - 1] as View).events.every((event) => later.has(event)),
        '[L9] a later snapshot holds all that an earlier one held',
      );
    }
  }

  /** Compares every pair of a small log, and a spread of pairs of a large one. */
  checkRelations(pairsMax = 600): void {
    const { log, reference } = this;
    const events = reference.visible();
    const pairs = events.length ** 2;
    for (let i = 0; i < Math.min(pairs, pairsMax); i++) {
      // Multiples of the golden ratio spread evenly, however many rows there are.
      const pair = pairs <= pairsMax ? i : Math.floor(((i * 0.6180339887498949) % 1) * pairs);
      const a = (events[Math.floor(pair / events.length)] as ReferenceEvent).id;
      const b = (events[pair % events.length] as ReferenceEvent).id;
      const expected = reference.relation(a, b);
      const found = log.relation(log.get(a) as LogEvent<unknown>, log.get(b) as LogEvent<unknown>);
      law(found === expected, `[L2] relation(${a}, ${b}) is ${expected}, the log says ${found}`);
      if (found === 'concurrent') this.reached.concurrentPairs++;
    }
  }

  #looks(): boolean {
    return this.reading !== 'seldom' || this.#moves % seldomMoves === 0;
  }

  /** Runs what may change the log; a listener must find the change made, when it is called. */
  #changing<R>(change: () => R): R {
    this.#moves++;
    if (!this.#looks()) return change();
    const before = this.log.snapshot();
    let calledTooSoon = false;
    const unsubscribe = this.log.subscribe(() => {
      calledTooSoon ||= this.log.snapshot() === before;
    });
    try {
      return change();
    } finally {
      unsubscribe();
      law(!calledTooSoon, '[L5] a listener that is called finds another snapshot');
    }
  }

  #checkChange(changed: boolean): void {
    const { log, reference } = this;
    law(this.#calls === (changed ? 1 : 0), `[L5] a listener is called once per change: ${this.#calls}, ${changed}`);
    this.#calls = 0;
    let visible = 0;
    for (const { redacts } of reference.shown.values()) if (redacts === undefined) visible++;
    law(log.length === visible, `[L2] ${log.length} events in the log, expected ${visible}`);
    const version = log.version();
    const expected = reference.version();
    law(
      version.size === expected.size && [...expected].every(([writer, seq]) => version.get(writer) === seq),
      '[L2] the version names the last event of every writer',
    );
    this.#changedUnseen ||= changed;
    if (!this.#looks()) return;

    const last = this.#views.at(-1) as View;
    const snapshot = log.snapshot();
    law(
      (snapshot !== last.snapshot) === this.#changedUnseen,
      '[L5] another snapshot when the log changed, and only then',
    );
    law(log.snapshot() === snapshot, '[L5] an unchanged log gives the same snapshot');
    law(snapshot.length === log.length, '[L9] the snapshot is as long as the log');
    if (!this.#changedUnseen) return;
    this.#changedUnseen = false;
    this.#keepView();
    if (this.reading === 'every step') {
      this.#read(this.#views.at(-1) as View);
      this.#read(this.#views[this.#views.length >> 1] as View);
      this.checkRelations(12);
    }
  }

  #keepView(): void {
    const events = this.reference.visible();
    this.#views.push({ snapshot: this.log.snapshot(), events, erased: this.#erasedOf(events) });
    if (this.#views.length > viewsMax) this.#views = this.#views.filter((_, i) => i % 2 === 1 || i > viewsMax - 10);
  }

  /** Reads a whole snapshot: it must show what the reference showed at that time, in the same order. */
  #read({ snapshot, events, erased }: View): void {
    law(
      snapshot.length === events.length,
      `[L9] a snapshot keeps its length: ${snapshot.length}, was ${events.length}`,
    );
    const old = snapshot !== this.log.snapshot();
    const above = new Set<EventId>();
    let i = 0;
    for (const event of snapshot) {
      const expected = events[i++];
      law(expected !== undefined, '[L9] a snapshot iterates over its length');
      if (old && !this.#objects.has(`${expected.id} ${event.redacted?.id}`)) this.reached.lateReads++;
      this.#meet(event, expected);
      // An old snapshot shows what it showed, or, of what nobody has read there, what became of it.
      const [was, is] = [erased.get(expected.id)?.id, this.reference.redaction(expected.id)?.id];
      law(
        event.redacted?.id === is || (old && (event.redacted?.id === was || was !== is)),
        `[L1] ${expected.id} shows the redaction ${event.redacted?.id}, expected ${is}`,
      );
      law(
        expected.named.every((id) => above.has(id) || this.reference.shown.get(id)?.redacts !== undefined),
        `[L2] ${expected.id} shows after everything that it depends on`,
      );
      const before = events[i - 2];
      if (before?.time === expected.time) this.reached.equalTimes++;
      above.add(expected.id);
    }
    law(i === events.length, '[L9] a snapshot iterates over its length');
    this.reached.rows = Math.max(this.reached.rows, i);

    const rows = [...snapshot];
    const mid = rows.length >> 1;
    for (const at of [0, mid, rows.length - 1, rows.length, -1, -mid - 1, -rows.length, -rows.length - 1]) {
      law(snapshot.at(at) === rows.at(at), `[L9] at(${at}) reads as an array does`);
    }
    for (const [from, to] of [[], [mid], [-3], [1, mid + 1], [mid, 1], [-mid, -1], [0, rows.length + 5]] as const) {
      law(
        equalRows(snapshot.slice(from, to), rows.slice(from, to)),
        `[L9] slice(${from}, ${to}) reads as an array does`,
      );
    }
    law(
      equalRows(
        snapshot.map((event) => event),
        rows,
      ),
      '[L9] map gives every event',
    );
    for (const at of [0, mid, rows.length - 1]) {
      const row = rows[at];
      if (row) law(snapshot.indexOf(row) === at, `[L9] indexOf finds row ${at}`);
    }
  }

  /** One event against the reference; its object must be the one met before. */
  #meet(event: LogEvent<unknown>, expected: ReferenceEvent): void {
    const key = `${expected.id} ${event.redacted?.id}`;
    const met = this.#objects.get(key);
    if (met !== undefined) {
      law(met === event, `[L5] ${expected.id} is the same object in every snapshot`);
      return;
    }
    law(event.id === expected.id, `[L1] ${event.id} shows where ${expected.id} belongs`);
    law(
      event.writer === expected.writer && event.seq === expected.seq,
      `[L1] ${event.id} names its writer and its place`,
    );
    law(event.clock === expected.time, `[L1] ${event.id} has the time ${event.clock}, expected ${expected.time}`);
    law(event.timestamp === Math.floor(expected.time / 2048), `[L1] ${event.id} has the timestamp ${event.timestamp}`);
    const { payload } = event;
    const text = event.redacted === undefined ? expected.payload : undefined;
    law(JSON.stringify(payload) === text, `[L1] ${event.id} has another payload`);
    law(event.error === undefined, `[L1] ${event.id} has an error`);
    law(
      event.payload === payload && Object.isFrozen(payload),
      `[L5] ${event.id}'s payload is decoded once, and frozen`,
    );
    this.#objects.set(key, event);
  }
}

/** Copies of a log under a schedule. */
export class World {
  readonly writers: LockStep[];
  readonly reached: Reached;
  /** Everything appended, each event in a parcel of its own. */
  readonly singles: Parcel[] = [];
  #timeMs = 1_700_000_000_000;
  readonly #offsetMs: number[];
  #partition = 0;
  #parcels: (Parcel & { readonly from: number })[] = [];

  constructor(createLog: CreateLog, { writers, reading }: Omit<Schedule, 'steps'>, reached = new Reached()) {
    this.reached = reached;
    this.#offsetMs = writers.map(() => 0);
    this.writers = writers.map((bytes, i) => {
      const nowMs = () => this.#timeMs + (this.#offsetMs[i] as number);
      return new LockStep(createLog, writerIdFromBytes(bytes), nowMs, reached, reading);
    });
  }

  /** Runs a whole schedule. */
  static after(createLog: CreateLog, schedule: Schedule, reached?: Reached): World {
    const world = new World(createLog, schedule, reached);
    for (const step of schedule.steps) world.take(step);
    return world;
  }

  take(step: Step): void {
    switch (step.do) {
      case 'append':
        this.append(step.at, step.payload);
        break;
      case 'redact':
        this.redact(step.at, step.event);
        break;
      case 'sync':
        this.sync(step.from, step.to);
        break;
      case 'send':
        this.#send(step.from, step.share);
        break;
      case 'deliver':
        this.#deliver(step.to, step.parcels, step.keep);
        break;
      case 'drop':
        this.#parcels.splice(step.parcel % Math.max(1, this.#parcels.length), 1);
        break;
      case 'partition':
        this.#partition = step.bits;
        break;
      case 'heal':
        this.#partition = 0;
        break;
      case 'clock':
        this.#offsetMs[this.#index(step.at)] = step.offsetMs;
        break;
      case 'pass':
        this.#timeMs += step.ms;
        break;
      case 'reload':
        this.at(step.at).reload();
        break;
    }
  }

  at(index: number): LockStep {
    return this.writers[this.#index(index)] as LockStep;
  }

  append(at: number, payload: unknown): void {
    this.#keep(this.at(at), this.at(at).append(payload));
  }

  redact(at: number, event: number): void {
    const redaction = this.at(at).redact(event);
    if (redaction !== undefined) this.#keep(this.at(at), redaction);
  }

  /** An event that was just written is a parcel of its own. */
  #keep(author: LockStep, event: ReferenceEvent): void {
    const before = new Map(author.reference.version()).set(event.writer, event.seq - 1);
    this.singles.push(author.parcel(before));
  }

  sync(from: number, to: number): void {
    if (!this.#hears(from, to)) return;
    this.at(to).receive([this.at(from).parcel(this.at(to).reference.version())]);
  }

  /** All partitions heal, all clocks are set right, and everyone gets everything. */
  exchangeEverything(): void {
    this.#partition = 0;
    this.#timeMs += 24 * 3_600_000;
    this.#offsetMs.fill(0);
    for (let i = 1; i < this.writers.length; i++) this.sync(i, 0);
    for (let i = 1; i < this.writers.length; i++) this.sync(0, i);
  }

  /** [L1]: all show one sequence, and all logs are the same bytes. */
  checkConvergence(): void {
    const [first, ...others] = this.writers as [LockStep, ...LockStep[]];
    const events = first.reference.sequence();
    const bytes = first.log.encode();
    law(events.length === this.singles.length, '[L1] after a full exchange everyone has everything');
    const visible = first.reference.visible();
    for (const writer of [first, ...others]) {
      const rows = [...writer.log.snapshot()];
      law(
        rows.length === visible.length && rows.every((row, i) => row.id === visible[i]?.id),
        '[L1] after a full exchange all writers show one sequence',
      );
      law(equalBytes(writer.log.encode(), bytes), '[L1] after a full exchange all logs are the same bytes');
    }
  }

  #index(index: number): number {
    return index % this.writers.length;
  }

  #hears(from: number, to: number): boolean {
    return ((this.#partition >> this.#index(from)) & 1) === ((this.#partition >> this.#index(to)) & 1);
  }

  #send(from: number, share: Share): void {
    const sender = this.at(from);
    this.#parcels.push({ ...sender.parcel(lacking(sender.reference.version(), share)), from });
  }

  #deliver(to: number, picks: readonly number[], keep: boolean): void {
    const open = this.#parcels.filter((parcel) => this.#hears(parcel.from, to));
    if (open.length === 0) return;
    const parcels = picks.map((pick) => open[pick % open.length] as (typeof open)[number]);
    if (!keep) this.#parcels = this.#parcels.filter((parcel) => !parcels.includes(parcel));
    this.at(to).receive(parcels);
  }
}

/** The version that a receiver would have who lacks just that share of a log. */
function lacking(version: Map<WriterId, SequenceNumber>, share: Share): Map<WriterId, SequenceNumber> | undefined {
  const entries = [...version];
  switch (share.of) {
    case 'everything':
      return undefined;
    case 'newest': {
      const entry = entries[share.writer % Math.max(1, entries.length)];
      return entry ? version.set(entry[0], entry[1] - 1) : version;
    }
    case 'ragged':
      return new Map(
        entries.map(([writer, last], i) => [writer, (share.after[i % share.after.length] as number) % (last + 1)]),
      );
  }
}

/** Sequences of blocks, one after another: a sequence of blocks. */
function joined(sequences: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(sequences.reduce((sum, bytes) => sum + bytes.length, 0));
  let at = 0;
  for (const bytes of sequences) {
    whole.set(bytes, at);
    at += bytes.length;
  }
  return whole;
}

/** Are two byte strings the same? */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function equalRows(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((row, i) => row === b[i]);
}
