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
  /** JSON text. */
  readonly payload: string;
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
  /** Shown, and not yet named by any other shown event. */
  readonly heads = new Map<EventId, ReferenceEvent>();

  constructor(readonly writer: WriterId) {}

  append(payload: string, nowMs: number): ReferenceEvent {
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
    const event = { id: eventId(writer, seq), writer, seq, time, deps, named, payload };
    this.deliver([event]);
    return event;
  }

  /** Takes events in, in any order, and shows what can be shown. */
  deliver(events: readonly ReferenceEvent[]): void {
    for (const event of events) if (!this.shown.has(event.id)) this.waiting.set(event.id, event);
    let moved = true;
    while (moved) {
      moved = false;
      for (const event of this.waiting.values()) {
        if (!event.named.every((id) => this.shown.has(id))) continue;
        this.waiting.delete(event.id);
        this.shown.set(event.id, event);
        this.heads.set(event.id, event);
        for (const id of event.named) this.heads.delete(id);
        moved = true;
      }
    }
  }

  /** The whole log in its order. */
  sequence(): ReferenceEvent[] {
    return [...this.shown.values()].sort(inLogOrder);
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
