/**
 * The slow, obvious log that the fast one is tested against.
 *
 * A log is a set of events. One that names another as its dependency, or that follows another of the same
 * writer, waits until that one is there. What does not wait is shown in the order (time, writer bytes).
 * Nothing here is shared with core's implementation: even the clock and the protocol's constants are written
 * out again, so that a mistake would have to be made twice.
 */
import {
  type EventId,
  eventId,
  type Relation,
  type SequenceNumber,
  type WriterId,
  writerIdToBytes,
} from '@gossip-log/core';

const clockStepsPerMs = 2048;
const clockDriftMsMax = 60_000;
const aheadOfLogMsMax = 1_000;
const depsMax = 64;

/** Another event, as a dependency names it. */
export interface Reference {
  readonly writer: WriterId;
  readonly seq: SequenceNumber;
  readonly time: number;
}

export interface ReferenceEvent extends Reference {
  readonly id: EventId;
  /** The heads that the writer saw, newest first, without its own previous event, which is implied. */
  readonly deps: readonly Reference[];
  /** All that it depends on directly: `deps`, and its writer's previous event. */
  readonly named: readonly EventId[];
  /** JSON text; of a redaction empty. */
  readonly payload: string;
  /** Of a redaction, the event whose payload it erases. Redactions are in the log and do not show. */
  readonly redacts?: EventId;
}

/**
 * A log that is slow and obvious.
 *
 * @example
 * ```ts
 * import { writerIdFromBytes } from '@gossip-log/core';
 * import { ReferenceLog } from '@gossip-log/testing';
 *
 * const [ada, bob] = [1, 2].map((byte) => new ReferenceLog(writerIdFromBytes(new Uint8Array(16).fill(byte))));
 * const question = ada?.append('"Tea?"', Date.now());
 * if (question) bob?.deliver([question]);
 * bob?.append('"Yes, please."', Date.now());
 * bob?.sequence().map((event) => event.payload); // ['"Tea?"', '"Yes, please."']
 * ```
 */
export class ReferenceLog {
  /** In the log: everything that these depend on is here too. */
  readonly shown = new Map<EventId, ReferenceEvent>();
  /** Arrived before something that they depend on. */
  readonly waiting = new Map<EventId, ReferenceEvent>();
  /** Event → its first redaction: of those in the log, and of those that came in erased events. */
  readonly #inLog = new Map<EventId, ReferenceEvent>();
  readonly #heard = new Map<EventId, ReferenceEvent>();
  /** Shown, and not yet named by any other shown event. */
  readonly heads = new Map<EventId, ReferenceEvent>();

  constructor(readonly writer: WriterId) {}

  append(payload: string, nowMs: number): ReferenceEvent {
    return this.#add({ payload }, nowMs);
  }

  /** The redaction of an event: the one that stands, or a new one. */
  redact(id: EventId, nowMs: number): ReferenceEvent {
    return this.redaction(id) ?? this.#add({ payload: '', redacts: id }, nowMs);
  }

  /** The redaction by which an event is erased: of those that are known the first in log order. */
  redaction(id: EventId): ReferenceEvent | undefined {
    const known = [this.#inLog.get(id), this.#heard.get(id)].filter((redaction) => redaction !== undefined);
    return known.sort(inLogOrder)[0];
  }

  #add(content: Pick<ReferenceEvent, 'payload' | 'redacts'>, nowMs: number): ReferenceEvent {
    const { writer } = this;
    const seq = (this.version().get(writer) ?? 0) + 1;
    let latest = 0;
    for (const event of this.shown.values()) latest = Math.max(latest, event.time);
    const deps = [...this.heads.values()]
      .filter((head) => head.writer !== writer)
      .sort(inLogOrder)
      .reverse()
      .slice(0, depsMax);
    const named = deps.map((dep) => dep.id);
    if (seq > 1) named.push(eventId(writer, seq - 1));
    const time = Math.max(latest + 1, Math.floor(nowMs) * clockStepsPerMs);
    const event = { id: eventId(writer, seq), writer, seq, time, deps, named, ...content };
    this.deliver([event]);
    return event;
  }

  /**
   * Takes events in, in any order, and shows what can be shown. Of events that came erased, `erased` has the redaction: it
   * is known from then on, whether or not it came itself.
   */
  deliver(events: readonly ReferenceEvent[], erased: ReadonlyMap<EventId, ReferenceEvent> = new Map()): void {
    for (const [id, redaction] of erased) noteFirst(this.#heard, id, redaction);
    for (const event of events) if (!this.shown.has(event.id)) this.waiting.set(event.id, event);
    let moved = true;
    while (moved) {
      moved = false;
      for (const event of this.waiting.values()) {
        if (!event.named.every((id) => this.shown.has(id))) continue;
        this.waiting.delete(event.id);
        this.shown.set(event.id, event);
        if (event.redacts !== undefined) noteFirst(this.#inLog, event.redacts, event);
        this.heads.set(event.id, event);
        for (const id of event.named) this.heads.delete(id);
        moved = true;
      }
    }
  }

  /** What waits is gone, as after a restart. */
  forgetWaiting(): void {
    this.waiting.clear();
    for (const id of this.#heard.keys()) if (!this.shown.has(id)) this.#heard.delete(id);
  }

  /** The whole log in its order, redactions too. */
  sequence(): ReferenceEvent[] {
    return [...this.shown.values()].sort(inLogOrder);
  }

  /** What apps see of it. */
  visible(): ReferenceEvent[] {
    return this.sequence().filter(({ redacts }) => redacts === undefined);
  }

  /** Writer → last sequence number shown. */
  version(): Map<WriterId, SequenceNumber> {
    const version = new Map<WriterId, SequenceNumber>();
    for (const { writer, seq } of this.shown.values()) {
      version.set(writer, Math.max(seq, version.get(writer) ?? 0));
    }
    return version;
  }

  relation(a: EventId, b: EventId): Relation {
    if (a === b) return 'same';
    if (this.#past(b).has(a)) return 'before';
    if (this.#past(a).has(b)) return 'after';
    return 'concurrent';
  }

  /** Everything that an event depends on, directly or through others. */
  #past(id: EventId): Set<EventId> {
    const past = new Set<EventId>();
    const open = [id];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const earlier of (this.shown.get(next) as ReferenceEvent).named) {
        if (!past.has(earlier)) open.push(earlier);
        past.add(earlier);
      }
    }
    return past;
  }
}

function noteFirst(known: Map<EventId, ReferenceEvent>, id: EventId, redaction: ReferenceEvent): void {
  const before = known.get(id);
  if (before === undefined || inLogOrder(redaction, before) < 0) known.set(id, redaction);
}

/**
 * Does an event lie above the horizon of a receiver whose clock says `nowMs`, and further ahead of the newest of the events
 * that it shows than one may be that follows on it?
 */
export function isEarly(event: ReferenceEvent, nowMs: number, shown: Iterable<ReferenceEvent>): boolean {
  let newest = 0;
  for (const { time } of shown) newest = Math.max(newest, time);
  const isAheadOfClock = Math.floor(event.time / clockStepsPerMs) > Math.floor(nowMs) + clockDriftMsMax;
  return isAheadOfClock && event.time > newest + aheadOfLogMsMax * clockStepsPerMs;
}

/** The total order: by time, then by the writer's bytes. */
export function inLogOrder(a: ReferenceEvent, b: ReferenceEvent): number {
  if (a.time !== b.time) return a.time - b.time;
  const left = writerIdToBytes(a.writer);
  const right = writerIdToBytes(b.writer);
  const at = left.findIndex((byte, i) => byte !== right[i]);
  return at < 0 ? 0 : (left[at] as number) - (right[at] as number);
}
