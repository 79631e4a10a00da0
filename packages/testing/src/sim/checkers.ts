/**
 * The laws, as they can be seen from outside: what was written, what was promised, and what every reader was shown.
 *
 * Nothing here asks the code under test whether it is right. A written event is known by what `append` returned, a
 * promise by what the disk holds when it is given, the order by the reference log.
 */
import {
  type EventId,
  eventId,
  GossipError,
  type LogEvent,
  parseEventId,
  type Run,
  type SequenceNumber,
  type WriterId,
} from '@gossip-log/core';
import { blocksOf, type ReplicatedLog, runsOf } from '@gossip-log/core/sync';
import type { LogHandle } from '@gossip-log/transport';
import { inLogOrder, ReferenceLog } from '../reference-log.js';
import type { VirtualDisk } from './virtual-disk.js';
import type { VirtualProcess } from './virtual-time.js';

/** A law was broken. `law` begins the message: `[L4]`. */
export class Violation extends Error {
  override readonly name = 'Violation';

  constructor(
    readonly law: string,
    message: string,
  ) {
    super(`[${law}] ${message}`);
  }
}

export function check(condition: unknown, law: string, message: () => string): asserts condition {
  if (!condition) throw new Violation(law, message());
}

/** An event that an app appended. */
interface Written {
  readonly id: EventId;
  readonly log: string;
  readonly writer: WriterId;
  readonly seq: SequenceNumber;
  readonly clock: number;
  readonly payload: unknown;
  /** What its writer had been shown. */
  readonly past: ReadonlyMap<WriterId, SequenceNumber>;
  readonly disk: VirtualDisk;
  readonly process: VirtualProcess;
  /** Its writer's disk knows no more that it was written there: it was set back, or the log removed from it. */
  disowned: boolean;
  /** It is on its writer's disk, or was: from then on others may see it. */
  durable: boolean;
  /** Somebody who does not share its writer's disk was shown it. */
  isSeen: boolean;
  /** What it became when it was appended again: it was written by a wrong clock, and no peer was sent it. */
  again: Written | undefined;
  /** By which its payload was taken back. */
  readonly redactions: Set<EventId>;
}

/** A redaction: an event that does not show. */
interface Redaction {
  readonly log: string;
  readonly writer: WriterId;
  readonly seq: SequenceNumber;
  readonly disk: VirtualDisk;
  readonly process: VirtualProcess;
  /** As of an event. */
  durable: boolean;
  /** The event was not stored when it was redacted. */
  readonly ofUnstored: boolean;
  /** Since when disks hold it. */
  readonly heldSince: Map<VirtualDisk, number>;
}

/** Is that very event on the disk? A disk that has later ones of its writer may lack it: they came over a gap, or it was lost. */
function isOn(disk: VirtualDisk, log: string, id: EventId): boolean {
  const { writer, seq } = parseEventId(id);
  return [...disk.records(log), ...blocksOf(disk.chunks(log))].some((block) =>
    runsOf(block).some((run) => run.writer === writer && run.first <= seq && seq <= run.last),
  );
}

/** A node knows by then that something came to its disk. */
const knownAfterMs = 1_000;

/** Writer → the last event promised. */
type Promised = Map<WriterId, SequenceNumber>;

/** The last event of each writer in a view's log. Those that the log has not read yet are read from its disk. */
function versionOf({ handle, disk, log: id }: View): Map<WriterId, SequenceNumber> | undefined {
  const log = handle.log as ReplicatedLog | undefined;
  const version = log?.version();
  if (log === undefined || version === undefined || log.knowsWriters) return version;
  for (const chunk of disk.chunks(id)) {
    for (const { writer, last } of runsIn(chunk)) version.set(writer, Math.max(last, version.get(writer) ?? 0));
  }
  return version;
}

/** What a packed chunk holds; nothing, where it is damaged. */
function runsIn(chunk: readonly [number, Uint8Array]): Run[] {
  try {
    return blocksOf(new Map([chunk])).flatMap(runsOf);
  } catch (error) {
    if (error instanceof GossipError) return [];
    throw error;
  }
}

/** What one handle of one process was shown. */
export class View {
  #events: readonly LogEvent[] = [];
  #snapshot: unknown;
  #droppedBefore = 0;
  /** How many events had been appended again when it was last looked at. */
  #moves = 0;
  /** The redactions of what was shown when it was last looked at. */
  #redactions = '';
  /** Events that it showed redacted. */
  readonly #redacted = new Set<EventId>();
  /** The last event of each writer that was looked at. */
  readonly #clocks = new Map<WriterId, number>();
  readonly version = new Map<WriterId, SequenceNumber>();
  /** What had ended when it was opened. */
  readonly #ended: ReadonlySet<VirtualProcess>;
  /** Own events that no relay has yet, with how far they were said to be. */
  readonly #own = new Map<EventId, { readonly event: LogEvent; level: number }>();

  constructor(
    readonly laws: Laws,
    readonly name: string,
    readonly log: string,
    readonly handle: LogHandle<unknown>,
    readonly disk: VirtualDisk,
    readonly process: VirtualProcess,
  ) {
    this.#ended = new Set(laws.endedProcesses);
  }

  /** Was it written here, in this run or in an earlier one that this disk remembers? */
  isOwn(event: LogEvent): boolean {
    const written = this.laws.find(this.log, event);
    if (written === undefined || written.disk !== this.disk || written.disowned) return false;
    return written.process === this.process || this.#ended.has(written.process);
  }

  get length(): number {
    return this.#events.length;
  }

  /** Is the writer's last event still on its way to the disk? */
  get isPending(): boolean {
    const { log } = this.handle;
    if (log === undefined) return true;
    const seq = log.version().get(log.writer);
    return seq !== undefined && this.handle.delivery(eventId(log.writer, seq)).state === 'pending';
  }

  /** Appends, and checks what comes back. */
  append(payload: unknown): LogEvent {
    const log = this.handle.log;
    check(log !== undefined, 'L9', () => `${this.name}: append to a log that is not ready`);
    const before = log.snapshot();
    const past = log.version();
    const event = this.handle.append(payload);
    const last = before.at(-1);
    check(last === undefined || event.clock > last.clock, 'L2', () => `${this.name}: ${event.id} is not the last`);
    check(event.seq === (past.get(event.writer) ?? 0) + 1, 'L1', () => `${this.name}: ${event.id} leaves a gap`);
    const after = log.snapshot();
    check(
      after.at(-1) === event && after.length === before.length + 1,
      'L9',
      () => `${this.name}: its writer does not see ${event.id}`,
    );
    this.#own.set(event.id, { event, level: 0 });
    this.laws.written(this, event, past);
    return event;
  }

  /** Redacts one of the events that are shown with their payloads, and checks what comes of it. */
  redact(nth: number, now: boolean): EventId | undefined {
    const shown = [...this.handle.snapshot()].filter(({ redacted }) => redacted === undefined);
    const event = shown[nth % Math.max(1, shown.length)];
    if (event === undefined) return undefined;
    const by = this.handle.redact(event.id, { now });
    this.laws.redacted(this, event, by);
    const after = this.handle.log?.get(event.id);
    check(after?.redacted?.id === by, 'L9', () => `${this.name}: ${event.id} does not show redacted`);
    check(
      after.clock === event.clock && after.payload === undefined,
      'L1',
      () => `${this.name}: ${event.id} has changed`,
    );
    return event.id;
  }

  /** Looks at the log as an app would, and compares with all it saw before. */
  look(): void {
    const { handle, name } = this;
    if (handle.log === undefined) return;
    const snapshot = handle.snapshot();
    check(snapshot.length === handle.log.length, 'L9', () => `${name}: a stale snapshot`);
    if (snapshot !== this.#snapshot) {
      const events = [...snapshot];
      for (const event of events) this.laws.meet(this, event);
      // Something may have come and gone since.
      const { droppedBefore } = this;
      const redactions = events.flatMap(({ redacted }) => redacted?.id ?? []).join();
      check(
        this.#snapshot === undefined ||
          events.length > this.#events.length ||
          this.#droppedBefore !== droppedBefore ||
          this.#moves !== this.laws.moves ||
          this.#redactions !== redactions,
        'L5',
        () => `${name}: another snapshot of a log that did not change, or that lost events`,
      );
      // Of tabs over one disk another one may keep an edge of its own there; each tells its peers its own.
      const told = Math.max(this.disk.completeEdge(this.log), this.disk.isShared ? this.complete : 0);
      check(
        droppedBefore === 0 || (this.disk.letsGo && droppedBefore <= told),
        'L4',
        () => `${name}: events before ${droppedBefore} of ${this.log} were let go of, told are those before ${told}`,
      );
      this.#droppedBefore = droppedBefore;
      this.#moves = this.laws.moves;
      this.#redactions = redactions;
      this.#compare(events);
      this.#events = events;
      this.#snapshot = snapshot;
    }
    this.#lookAtDeliveries();
  }

  /** From where on the log is to be whole. */
  get complete(): number {
    return (this.handle.log as ReplicatedLog | undefined)?.edges.complete ?? 0;
  }

  /** What lies before is not in memory, and shows once it is. */
  get residentFrom(): number {
    return (this.handle.log as ReplicatedLog | undefined)?.residentFrom ?? 0;
  }

  /** What lies before was let go of. */
  get droppedBefore(): number {
    return (this.handle.log as ReplicatedLog | undefined)?.droppedBefore ?? 0;
  }

  /** What it shows, for the reference to compare with. */
  get events(): readonly LogEvent[] {
    return this.#events;
  }

  #compare(events: readonly LogEvent[]): void {
    const { name, laws, version, complete } = this;
    const news: LogEvent[] = [];
    const seen = new Map<WriterId, SequenceNumber>();
    this.#clocks.clear();
    let at = 0;
    for (const [i, event] of events.entries()) {
      const last = events[i - 1];
      check(last === undefined || compareEvents(last, event) < 0, 'L1', () => `${name}: ${event.id} is out of order`);
      // A window may begin anywhere in what a writer wrote, and below the log's edge anything may be missing.
      const first = this.handle.hasOlder || complete > 0 ? event.seq - 1 : 0;
      const known = seen.get(event.writer);
      const mayMiss = complete > 0 && (event.clock < complete || (this.#clocks.get(event.writer) ?? 0) < complete);
      this.#clocks.set(event.writer, event.clock);
      const shownBefore = laws.shownUpTo(this.log, event.writer, event.seq - 1);
      const seq =
        (mayMiss || shownBefore <= (known ?? first) ? Math.max(event.seq - 1, known ?? 0) : (known ?? first)) + 1;
      check(event.seq === seq, 'L2', () => `${name}: ${event.id} shows, ${eventId(event.writer, seq)} does not`);
      seen.set(event.writer, seq);
      while (event !== this.#events[at] && (this.#wasMoved(at) || this.#wasDropped(at))) at++;
      const before = this.#events[at];
      if (event === before) at++;
      else news.push(event);
      // A redacted event is another object.
      if (event !== before && event.id === before?.id && isRedactedSince(before, event)) at++;
      if (event.redacted !== undefined) this.#redacted.add(event.id);
      check(
        event.redacted !== undefined || !this.#redacted.has(event.id),
        'L9',
        () => `${name}: ${event.id} was redacted, and shows its payload again`,
      );
    }
    while (this.#wasMoved(at) || this.#wasDropped(at)) at++;
    check(at === this.#events.length, 'L5', () => {
      const lost = this.#events[at] as LogEvent;
      const there = events.some(({ id }) => id === lost.id);
      return `${name}: ${lost.id} ${there ? 'is another object now' : 'is not shown any more'}`;
    });
    version.clear();
    // What is there, but not in memory, counts as shown.
    if (this.handle.hasOlder) for (const [writer, seq] of versionOf(this) ?? []) version.set(writer, seq);
    for (const [writer, seq] of seen) version.set(writer, seq);
    for (const event of news) laws.shown(this, event);
    // Of a shared disk another tab may have written the redaction, which this one learns of from peers.
    if (complete === 0 && !this.disk.damaged && !this.disk.isShared) {
      const known = versionOf(this);
      const isKnown = (redaction: EventId) => {
        const { writer, seq } = parseEventId(redaction);
        return (known?.get(writer) ?? 0) >= seq && isOn(this.disk, this.log, redaction);
      };
      for (const event of events) laws.checkRedacted(name, this.log, event, isKnown);
    }
  }

  /** Was it appended again, under another id? */
  #wasMoved(at: number): boolean {
    const event = this.#events[at];
    return event !== undefined && this.laws.now(this.log, event) !== event.id;
  }

  /** Was it deleted, as retention may? */
  #wasDropped(at: number): boolean {
    const event = this.#events[at];
    if (event === undefined || event.clock >= this.#droppedBefore) return false;
    // What its disk knows that it has written is kept until a durable node has it. Of a run that was settled since, the note
    // which node that was may be gone: few are kept, and a damaged value counts as none.
    const { state } = this.handle.delivery(event.id);
    check(
      !this.isOwn(event) || state === 'relayed' || this.laws.isSettled(this, event),
      'L4',
      () => `${this.name}: ${event.id} was let go of, and is ${state}`,
    );
    this.#own.delete(event.id);
    return true;
  }

  /** L4: how far an event is said to be never falls, and is true. */
  #lookAtDeliveries(): void {
    for (const [id, own] of this.#own) {
      const level = this.#level(own.event);
      check(level >= own.level, 'L4', () => `${this.name}: delivery of ${id} fell back`);
      if (level > own.level && !(level === 2 && this.laws.forged)) this.laws.promisedStored(this, own.event);
      own.level = level;
      if (level === 2) this.#own.delete(id);
    }
    for (const [writer, seq] of this.version) this.#level({ id: eventId(writer, seq), writer, seq });
  }

  #level(event: Pick<LogEvent, 'id' | 'writer' | 'seq'>): number {
    const delivery = this.handle.delivery(event.id);
    if (delivery.state === 'rejected') {
      check(this.laws.forged, 'L6', () => `${this.name}: ${event.id} was refused by a peer: ${delivery.error.message}`);
      return 1;
    }
    if (delivery.state === 'relayed') this.laws.promisedRelayed(this, event, delivery.node);
    return delivery.state === 'pending' ? 0 : delivery.state === 'stored' ? 1 : 2;
  }
}

export class Laws {
  /** Frames were changed on the wire: what peers said may be false, and promises of theirs with it. */
  forged = false;
  /** By log and id. */
  readonly #written = new Map<string, Written>();
  /** Every id that was ever given, also to what was never stored. */
  readonly #given = new Set<string>();
  /** Each has a payload of its own. */
  readonly #byPayload = new Map<string, Written>();
  /** How many were appended again. */
  moves = 0;
  /** Of these, the ones that are on no disk yet. */
  readonly #pending = new Set<Written>();
  /** Those that are over. */
  readonly endedProcesses = new Set<VirtualProcess>();
  readonly #promised = new Map<VirtualDisk, Map<string, Promised>>();
  /** Logs that were removed from a disk at some time. */
  readonly #forgotten = new Map<VirtualDisk, Set<string>>();
  /** By log and id. */
  readonly #redactions = new Map<string, Redaction>();

  constructor(
    /** The disk of a node that promises durability, by the node's name. */
    readonly relayDisk: (node: string) => VirtualDisk | undefined,
    /** The disks of all nodes that promise durability. */
    readonly relayDisks: () => readonly VirtualDisk[],
  ) {}

  get events(): number {
    return this.#written.size;
  }

  written(view: View, event: LogEvent, past: ReadonlyMap<WriterId, SequenceNumber>): void {
    const { id, writer, seq, clock, payload } = event;
    const { log, disk, process } = view;
    const key = `${log}/${id}`;
    check(!this.#given.has(key), 'L1', () => `${view.name}: sequence number ${id} was given twice`);
    this.#given.add(key);
    const state = { disowned: false, durable: false, isSeen: false, again: undefined, redactions: new Set<EventId>() };
    const written: Written = { id, log, writer, seq, clock, payload, past, disk, process, ...state };
    this.#written.set(key, written);
    this.#byPayload.set(`${log}/${payload}`, written);
    this.#pending.add(written);
  }

  redacted({ log, disk, process }: View, event: LogEvent, by: EventId): void {
    const { writer, seq } = parseEventId(by);
    this.#given.add(`${log}/${by}`);
    const written = this.#written.get(`${log}/${event.id}`);
    const ofUnstored = written?.durable !== true;
    this.#redactions.set(`${log}/${by}`, {
      log,
      writer,
      seq,
      disk,
      process,
      durable: false,
      ofUnstored,
      heldSince: new Map(),
    });
    written?.redactions.add(by);
  }

  /** Of a writer's numbers up to this one the last that is not a redaction's: those do not show. */
  shownUpTo(log: string, writer: WriterId, last: SequenceNumber): SequenceNumber {
    let seq = last;
    while (seq > 0 && this.#redactions.has(`${log}/${eventId(writer, seq)}`)) seq--;
    return seq;
  }

  /** An event shows redacted where a redaction of it is known. */
  checkRedacted(name: string, log: string, event: LogEvent, isKnown: (redaction: EventId) => boolean): void {
    if (event.redacted !== undefined) return;
    const known = [...(this.#written.get(`${log}/${event.id}`)?.redactions ?? [])].find(isKnown);
    check(known === undefined, 'L1', () => `${name} shows the payload of ${event.id}, which ${known} redacts`);
  }

  /** A redacted event whose payload can be read on a disk that has its redaction. */
  payloadOn(disk: VirtualDisk, log: string): EventId | undefined {
    const written = [...this.#written.values()].filter((one) => one.log === log && one.redactions.size > 0);
    if (written.length === 0) return undefined;
    const text = disk
      .readable(log)
      .map((bytes) => new TextDecoder().decode(bytes))
      .join('');
    return written.find(({ payload, clock, redactions }) => {
      if (clock < disk.completeEdge(log) || !text.includes(`"${payload}"`)) return false;
      return [...redactions].some((by) => isOn(disk, log, by));
    })?.id;
  }

  /** Nobody sends a payload of which it has the redaction. Of tabs over one disk each knows its own. */
  checkSent(name: string, disk: VirtualDisk, frame: Uint8Array, nowMs: number): void {
    if (this.#redactions.size === 0 || disk.damaged || disk.isShared || this.forged) return;
    const text = new TextDecoder().decode(frame);
    for (const { id, log, payload, redactions } of this.#written.values()) {
      if (redactions.size === 0 || !text.includes(`"${payload}"`)) continue;
      for (const by of redactions) {
        const since = this.#redactions.get(`${log}/${by}`)?.heldSince.get(disk) ?? Number.POSITIVE_INFINITY;
        check(
          nowMs < since + knownAfterMs || !isOn(disk, log, by),
          'L1',
          () => `${name} sends the payload of ${id}, and has ${by}`,
        );
      }
    }
  }

  /** A disk has forgotten what was written on it, of one log or of all. */
  disown(disk: VirtualDisk, log?: string): void {
    for (const written of this.#written.values()) {
      if (written.disk === disk && (log === undefined || written.log === log)) written.disowned = true;
    }
  }

  /** A disk took something in: what of it is there for good may be spoken of from now on. */
  wrote(disk: VirtualDisk, nowMs: number): void {
    for (const written of this.#pending) {
      if (written.disk !== disk || disk.head(written.log, written.writer, 'durable') < written.seq) continue;
      written.durable = true;
      this.#pending.delete(written);
    }
    for (const redaction of this.#redactions.values()) {
      const { log, writer, seq, heldSince } = redaction;
      const isHeld = disk.head(log, writer, 'durable') >= seq;
      if (!isHeld) heldSince.delete(disk);
      else if (!heldSince.has(disk)) heldSince.set(disk, nowMs);
      if (isHeld && redaction.disk === disk) redaction.durable = true;
    }
  }

  /** A process, or one use of a log, is over: what it had not stored was never there. */
  ended(process: VirtualProcess, log?: string): void {
    if (log === undefined) this.endedProcesses.add(process);
    for (const written of this.#pending) {
      if (written.process !== process || (log !== undefined && written.log !== log)) continue;
      this.#pending.delete(written);
      this.#written.delete(`${written.log}/${written.id}`);
    }
  }

  /**
   * An event is about to be shown. One that nobody wrote under this id was appended again: it was ahead of the clock, and only
   * its writer has it.
   */
  meet(view: View, event: LogEvent): void {
    if (this.#written.has(`${view.log}/${event.id}`)) return;
    const before = this.#byPayload.get(`${view.log}/${event.payload}`);
    if (before === undefined) return;
    const { log, disk, disowned } = before;
    const { id, writer, seq, clock } = event;
    // A disk that was set back knows no more what became of an event. One that was appended while others were appended again
    // goes with them, as late as it is by then.
    check(
      disowned ||
        disk.damaged ||
        (!before.isSeen && before.again === undefined && (clock < before.clock || !before.durable)),
      'L1',
      () =>
        `${view.name}: ${before.id} was ${before.isSeen ? 'shown to others' : `${before.again?.id} before`}, and is ${id} now`,
    );
    const durable = disk.head(log, writer, 'durable') >= seq;
    // The process that appended it again is its writer now.
    const process = view.disk === disk ? view.process : before.process;
    const again: Written = { ...before, process, id, writer, seq, clock, durable, isSeen: false, again: undefined };
    this.#given.add(`${log}/${id}`);
    this.#written.set(`${log}/${id}`, again);
    if (!durable) this.#pending.add(again);
    before.again = again;
    // It lives on as that one, also when its process ends before it was stored under its former id, or has ended.
    this.#pending.delete(before);
    this.#written.set(`${log}/${before.id}`, before);
    this.#byPayload.set(`${log}/${event.payload}`, again);
    this.moves++;
  }

  /** The id that an event has by now. */
  now(log: string, { id }: Pick<LogEvent, 'id'>): EventId {
    return standing(this.#written.get(`${log}/${id}`))?.id ?? id;
  }

  /** A reader sees an event for the first time. */
  shown(view: View, event: LogEvent): void {
    const written = this.find(view.log, event);
    check(written !== undefined, 'L1', () => {
      const others = this.#written.has(`${view.log}/${event.id}`) ? 'another event than was written' : 'never written';
      return `${view.name}: ${event.id} is ${others}, or was never stored`;
    });
    check(
      written.again === undefined || written.disowned || written.disk.damaged,
      'L4',
      () => `${view.name}: ${event.id} shows, which is ${written.again?.id} now`,
    );
    if (written.disk !== view.disk) written.isSeen = true;
    check(
      written.process === view.process || written.durable,
      'L4',
      () => `${view.name}: ${event.id} was spoken of before it was stored`,
    );
    this.#checkTold(view, event);
    for (const [writer, last] of written.past) {
      const seq = this.shownUpTo(view.log, writer, last);
      if (seq === 0) continue;
      const written = this.#lastShown(view.log, writer, seq);
      const past = standing(written);
      const isShown = (event: { readonly writer: WriterId; readonly seq: SequenceNumber }) =>
        (view.version.get(event.writer) ?? 0) >= event.seq;
      // A disk that was set back appends it again once more: one of them is enough.
      let isThere = past !== undefined ? isShown(past) : isShown({ writer, seq });
      for (let one = written; one?.disowned && !isThere; one = one.again) isThere = isShown(one);
      check(
        isThere || (past !== undefined && past.clock < view.complete),
        'L2',
        () => `${view.name}: ${event.id} shows before ${eventId(writer, seq)}, which it depends on`,
      );
    }
  }

  /** What is not stored yet shows to its writer alone: so does a redaction. */
  #checkTold({ name, log, process }: View, { id, redacted }: LogEvent): void {
    if (redacted === undefined) return;
    const redaction = this.#redactions.get(`${log}/${redacted.id}`) as Redaction;
    // What its writer redacted before it was stored may be on a disk, erased, before the redaction is.
    check(
      redaction.durable || redaction.process === process || redaction.ofUnstored,
      'L4',
      () => `${name}: ${id} shows redacted before ${redacted.id} was stored`,
    );
  }

  /** The written event that this one is, with its clock and its payload, or a redaction of it. */
  find(log: string, event: LogEvent): Written | undefined {
    const written = this.#written.get(`${log}/${event.id}`);
    if (written?.clock !== event.clock) return undefined;
    const { payload, redacted } = event;
    if (redacted !== undefined)
      return payload === undefined && written.redactions.has(redacted.id) ? written : undefined;
    return written.payload === payload ? written : undefined;
  }

  promisedStored(view: View, event: LogEvent): void {
    const { id, writer, seq } = this.#standingOn(view.disk, view.log, event);
    const durable = view.disk.head(view.log, writer, 'durable');
    check(durable >= seq, 'L4', () => `${view.name}: ${id} was called stored, and is not durable`);
    this.#promise(view.disk, view.log, writer, seq);
  }

  promisedRelayed(view: View, event: Pick<LogEvent, 'id' | 'writer' | 'seq'>, node: string): void {
    if (this.forged) return;
    const disk = this.relayDisk(node);
    check(disk !== undefined, 'L4', () => `${view.name}: ${event.id} was relayed by ${node}, which promises nothing`);
    if (disk.hasLost) return;
    const { id, writer, seq } = this.#standingOn(disk, view.log, event);
    const durable = disk.head(view.log, writer, 'durable');
    check(durable >= seq, 'L4', () => `${view.name}: ${id} was acknowledged by ${node}, which does not hold it`);
    this.#promise(disk, view.log, writer, seq);
  }

  /** Has a view's disk taken the event's run off its list, and does a relay hold the event? */
  isSettled({ disk, log }: View, event: Pick<LogEvent, 'id' | 'writer' | 'seq'>): boolean {
    if (disk.isNoted(log, event.writer)) return false;
    return this.relayDisks().some((relay) => {
      const { writer, seq } = this.#standingOn(relay, log, event);
      const promised = this.#promised.get(relay)?.get(log)?.get(writer) ?? 0;
      const isHeld = relay.head(log, writer, 'durable') >= seq || this.#isLetGo(relay, log, writer, seq);
      return isHeld || (relay.hasLost && promised >= seq);
    });
  }

  /** What an event is by now. What a disk that was set back has appended again may be there under its former id, too. */
  #standingOn(disk: VirtualDisk, log: string, event: Pick<LogEvent, 'id' | 'writer' | 'seq'>) {
    const written = this.#written.get(`${log}/${event.id}`);
    for (let one = written; one?.disowned; one = one.again) {
      if (disk.head(log, one.writer, 'durable') >= one.seq) return one;
    }
    return standing(written) ?? event;
  }

  /** Does a disk lie above that event by now, which was promised, since its nodes let go of what is old? */
  #isLetGo(disk: VirtualDisk, log: string, writer: WriterId, seq: SequenceNumber): boolean {
    if (!disk.letsGo) return false;
    const written = this.#written.get(`${log}/${eventId(writer, seq)}`);
    return written !== undefined && written.clock < disk.completeEdge(log);
  }

  /** The last event up to one that apps see: redactions have numbers, too. */
  #lastShown(log: string, writer: WriterId, upTo: SequenceNumber): Written | undefined {
    for (let seq = upTo; seq > 0; seq--) {
      const written = this.#written.get(`${log}/${eventId(writer, seq)}`);
      if (written !== undefined) return written;
    }
    return undefined;
  }

  /**
   * One tab has removed the log while another one had it open, and went on: what that wrote since is on the disk, and waits
   * there for what was removed.
   */
  #waitsForForgotten({ disk, log }: View, writer: WriterId, seq: SequenceNumber): boolean {
    return this.#forgotten.get(disk)?.has(log) === true && disk.head(log, writer, 'durable') >= seq;
  }

  /** Is an event there under another id? */
  #isAgain(view: View, writer: WriterId, seq: SequenceNumber): boolean {
    const written = this.#written.get(`${view.log}/${eventId(writer, seq)}`);
    if (written === undefined) return false;
    const now = standing(written) as Written;
    if (now !== written) return (view.handle.log?.version().get(now.writer) ?? 0) >= now.seq;
    return [...view.handle.snapshot()].some(({ payload }) => payload === written.payload);
  }

  /** A log was removed from a disk on purpose. */
  forgot(disk: VirtualDisk, log: string): void {
    this.#forgotten.set(disk, (this.#forgotten.get(disk) ?? new Set()).add(log));
    this.#promised.get(disk)?.delete(log);
    this.disown(disk, log);
  }

  /** After a crash: what was promised about a disk is still there, unless it was damaged. */
  checkDisk(disk: VirtualDisk, name: string): void {
    if (disk.hasLost) return;
    for (const [log, promised] of this.#promised.get(disk) ?? []) {
      for (const [writer, seq] of promised) {
        check(
          disk.head(log, writer, 'durable') >= seq,
          'L4',
          () => `${name}: ${eventId(writer, seq)} was promised, and is gone after a crash`,
        );
      }
    }
  }

  /** A log is about to be read from its disk. What was promised by now must be there once it is. */
  loading(view: View): () => void {
    const promised = [...(this.#promised.get(view.disk)?.get(view.log) ?? [])];
    return () => {
      if (view.disk.hasLost || this.#promised.get(view.disk)?.get(view.log) === undefined) return;
      const version = versionOf(view);
      for (const [writer, seq] of promised) {
        check(
          (version?.get(writer) ?? 0) >= seq ||
            this.#waitsForForgotten(view, writer, seq) ||
            this.#isLetGo(view.disk, view.log, writer, seq) ||
            this.#isAgain(view, writer, seq),
          'L4',
          () => `${view.name}: ${eventId(writer, seq)} was promised, and is not there after a restart`,
        );
      }
    };
  }

  /**
   * Everybody has come together: from `edge` up all show one sequence, the reference log's, and nothing that was promised is
   * missing.
   */
  checkConverged(
    log: string,
    sequences: ReadonlyMap<string, readonly LogEvent[]>,
    edge: number,
    disks: readonly VirtualDisk[],
  ): void {
    const all = new Map<EventId, LogEvent>();
    for (const events of sequences.values()) for (const event of events) all.set(event.id, event);
    const reference = new ReferenceLog('' as WriterId);
    const above = [...all.values()].filter(({ clock }) => clock >= edge);
    const known = Array.from(above, (event) => this.find(log, event) as Written);
    known.sort((a, b) => a.clock - b.clock);
    const isAbove = (id: EventId) => (all.get(id)?.clock ?? 0) >= edge;
    const now = (writer: WriterId, last: SequenceNumber) => {
      const seq = this.shownUpTo(log, writer, last);
      return seq === 0 ? undefined : this.now(log, { id: eventId(writer, seq) });
    };
    reference.deliver(known.map((written) => asReference(written, now, isAbove)));
    const expected = reference.sequence().map(({ id }) => id);
    for (const [name, shown] of sequences) {
      const events = shown.filter(({ clock }) => clock >= edge);
      const at = expected.findIndex((id, i) => events[i]?.id !== id);
      check(at < 0 && events.length === expected.length, 'L1', () => {
        const here = events[at]?.id ?? 'nothing';
        return `${name} shows ${events.length} events, the reference ${expected.length}; at ${at} ${here}, not ${expected[at]}`;
      });
      for (const event of events)
        this.checkRedacted(name, log, event, (by) => disks.some((disk) => isOn(disk, log, by)));
    }
    for (const [disk, logs] of this.#promised) {
      if (disk.hasLost) continue;
      for (const [writer, seq] of logs.get(log) ?? []) {
        const id = eventId(writer, seq);
        check(
          all.has(this.now(log, { id })) ||
            this.#redactions.has(`${log}/${id}`) ||
            this.#isLetGo(disk, log, writer, seq),
          'L4',
          () => `${id} of ${log} was promised, and nobody has it any more`,
        );
      }
    }
  }

  #promise(disk: VirtualDisk, log: string, writer: WriterId, seq: SequenceNumber): void {
    let logs = this.#promised.get(disk);
    if (logs === undefined) {
      logs = new Map();
      this.#promised.set(disk, logs);
    }
    let promised = logs.get(log);
    if (promised === undefined) {
      promised = new Map();
      logs.set(log, promised);
    }
    if (seq > (promised.get(writer) ?? 0)) promised.set(writer, seq);
  }
}

/** What became of an event in the end. */
function standing(written: Written | undefined): Written | undefined {
  let now = written;
  while (now?.again !== undefined) now = now.again;
  return now;
}

function asReference(
  { id, writer, seq, clock, past, payload }: Written,
  now: (writer: WriterId, last: SequenceNumber) => EventId | undefined,
  isThere: (id: EventId) => boolean,
) {
  const named = Array.from(past, ([writer, last]) => now(writer, last)).filter(
    (one): one is EventId => one !== undefined && isThere(one),
  );
  return { id, writer, seq, time: clock, deps: [], named, payload: JSON.stringify(payload) };
}

function isRedactedSince(before: LogEvent, event: LogEvent): boolean {
  return event.redacted !== undefined && event.redacted.id !== before.redacted?.id;
}

/** The total order, by the reference's rule. */
function compareEvents(a: LogEvent, b: LogEvent): number {
  return a.clock - b.clock || inLogOrder(asTimed(a), asTimed(b));
}

function asTimed({ id, writer, seq, clock }: LogEvent) {
  return { id, writer, seq, time: clock, deps: [], named: [], payload: '' };
}
