/**
 * How far the events of one log have come, as told to the app: pending, stored on this node's disk, relayed to a node that
 * promises to keep them, rejected by one, withdrawn. An own event that gave way, or was withdrawn with another, has come as far
 * as the one that was appended for it.
 */
import {
  type EventId,
  eventId,
  GossipError,
  type GossipStorage,
  type LogEvent,
  parseEventId,
  type ReplicaId,
  type Run,
  type SequenceNumber,
  utf8Decoder,
  utf8Encoder,
} from '@gossip-log/core';
import type { KeptRun, ReplicatedLog } from '@gossip-log/core/sync';
import type { Delivery } from './log-handle.js';

/** The log, as far as it matters here. */
export interface DeliveredLog {
  readonly id: string;
  readonly storage: GossipStorage;
  /** `undefined` until it is read. */
  log(): ReplicatedLog<unknown> | undefined;
  /** Why nothing gets any further, once that is so. */
  ended(): GossipError | undefined;
  onError(error: unknown): void;
}

const pending: Delivery = Object.freeze({ state: 'pending' });
const stored: Delivery = Object.freeze({ state: 'stored' });
const withdrawn: Delivery = Object.freeze({ state: 'withdrawn' });

/** Metadata key under which it is kept how far a replica's events of a log were relayed, and by whom. */
export function relayedKey(log: string, replica: ReplicaId): string {
  return `relayed:${replica}:${log}`;
}

/** @internal */
export class Deliveries {
  readonly #of: DeliveredLog;
  readonly #relayed = new Map<ReplicaId, { readonly seq: number; readonly delivery: Delivery }>();
  /** What a node acknowledged last behind events that are not known to be relayed. */
  readonly #ahead = new Map<ReplicaId, KeptRun & { readonly node: string }>();
  #rejected: (Delivery & { readonly state: 'rejected' }) | undefined;
  /** Own events that gave way to others, and as what they were appended again. */
  readonly #reissued = new Map<EventId, { readonly clock: number; readonly id: EventId }>();
  /** Those that somebody waits for. They are looked at when one may have changed, not at every event. */
  readonly #awaited = new Set<() => boolean>();
  /** How far own events were relayed is being kept; a second time once that is done. */
  #keeping: 'no' | 'once' | 'again' = 'no';

  constructor(of: DeliveredLog) {
    this.#of = of;
  }

  /** An event object says by its clock which of two events of one id is meant; the id alone may mean either. */
  of(event: LogEvent<unknown> | EventId): Delivery {
    const { replica, seq } = named(event);
    const successor = this.#reissued.get(typeof event === 'string' ? event : event.id);
    if (successor !== undefined && (typeof event === 'string' || event.clock === successor.clock)) {
      return this.of(successor.id);
    }
    const log = this.#of.log();
    if (log?.isHidden(replica, seq)) {
      const id = log.standingId(eventId(replica, seq));
      return id === undefined ? withdrawn : this.of(id);
    }
    const relayed = this.#relayed.get(replica);
    if (relayed !== undefined && seq <= relayed.seq) return relayed.delivery;
    if (log === undefined || seq > log.storedSeq(replica)) return pending;
    return this.#rejected !== undefined && replica === log.replica ? this.#rejected : stored;
  }

  /** Resolves once the event has come as far as `level`; rejects once it cannot any more. */
  reached(event: LogEvent<unknown> | EventId, level: 'stored' | 'relayed'): Promise<void> {
    return new Promise((resolve, reject) => {
      if (level !== 'stored' && level !== 'relayed') {
        throw new TypeError(`delivered: expected "stored" or "relayed", got ${JSON.stringify(level)}`);
      }
      const { replica, seq } = named(event);
      /** It came into the log once. One that never did would be waited for without end. */
      let isKnown = false;
      const check = (): boolean => {
        const delivery = this.of(event);
        const ended = this.#of.ended();
        const log = this.#of.log();
        isKnown ||= log?.hasTaken(replica, seq) === true;
        if (delivery.state === 'relayed' || (delivery.state === 'stored' && level === 'stored')) resolve();
        else if (delivery.state === 'rejected') reject(delivery.error);
        else if (delivery.state === 'withdrawn') reject(new GossipError('withdrawn', 'the event was withdrawn'));
        else if (ended !== undefined) reject(ended);
        else if (log !== undefined && !isKnown && !log.isDisputed(replica))
          reject(this.#unknown(eventId(replica, seq)));
        else return false;
        return true;
      };
      if (!check()) this.#awaited.add(check);
    });
  }

  #unknown(event: EventId): GossipError {
    const { id } = this.#of;
    return new GossipError('unknown-event', `no event ${event} in log "${id}"`, { context: { log: id, id: event } });
  }

  /** Some event may have come further: whoever waits for it is told. */
  look(): void {
    for (const check of [...this.#awaited]) if (check()) this.#awaited.delete(check);
  }

  /** How far durable nodes have a replica's events, as far as is known. */
  relayedSeq(replica: ReplicaId): SequenceNumber {
    return this.#relayed.get(replica)?.seq ?? 0;
  }

  /** These gave way, and were appended again. */
  reissued(events: ReadonlyMap<EventId, { readonly clock: number; readonly id: EventId }>): void {
    for (const [id, successor] of events) this.#reissued.set(id, successor);
  }

  /** As what an own event that gave way was appended again. */
  successor(event: LogEvent<unknown>): EventId | undefined {
    const successor = this.#reissued.get(event.id);
    return successor?.clock === event.clock ? successor.id : undefined;
  }

  /** Up to which event of a replica a durable node is known to have them. */
  relayedUpTo(replica: ReplicaId): number {
    return this.#relayed.get(replica)?.seq ?? 0;
  }

  /** Why a peer refuses what is written here, until one acknowledges something. */
  get rejection(): GossipError | undefined {
    return this.#rejected?.error;
  }

  reject(error: GossipError): void {
    this.#rejected = Object.freeze({ state: 'rejected', error });
  }

  /** A durable node has these runs. Is that news? */
  acknowledged(node: string, runs: readonly Run[]): boolean {
    const log = this.#of.log();
    let own = false;
    let news = this.#rejected !== undefined;
    this.#rejected = undefined;
    for (const { replica, first, last } of runs) {
      if (log?.isDisputed(replica)) continue;
      const known = this.#relayed.get(replica);
      const upTo = known?.seq ?? 0;
      if (last <= upTo) continue;
      const ahead = this.#ahead.get(replica);
      // Of what lies before the run it says nothing: the run counts once that is relayed too.
      if (first > upTo + 1) {
        const follows = ahead?.node === node && first <= ahead.last + 1 && ahead.first <= first;
        this.#ahead.set(replica, { first: follows ? ahead.first : first, last, node });
        continue;
      }
      const seq = ahead?.node === node && ahead.first <= last + 1 ? Math.max(last, ahead.last) : last;
      const delivery: Delivery =
        known?.delivery.state === 'relayed' && known.delivery.node === node
          ? known.delivery
          : Object.freeze({ state: 'relayed', node });
      this.#relayed.set(replica, { seq, delivery });
      news = true;
      own ||= replica === log?.replica;
    }
    if (own) this.#keep();
    return news;
  }

  /** Remembers how far own events were relayed, so that it shows after a restart too, also offline. */
  #keep(): void {
    const { id, storage } = this.#of;
    const replica = this.#of.log()?.replica;
    const relayed = replica === undefined ? undefined : this.#relayed.get(replica);
    if (replica === undefined || relayed?.delivery.state !== 'relayed' || this.#of.ended() !== undefined) return;
    if (this.#keeping !== 'no') {
      this.#keeping = 'again';
      return;
    }
    this.#keeping = 'once';
    const text = utf8Encoder.encode(`${relayed.seq} ${relayed.delivery.node}`);
    storage
      .setMetadata(relayedKey(id, replica), text)
      .catch((error) => this.#of.onError(error))
      .finally(() => {
        const again = this.#keeping === 'again';
        this.#keeping = 'no';
        if (again) this.#keep();
      });
  }

  async recall(replica: ReplicaId): Promise<void> {
    const bytes = await this.#of.storage.getMetadata(relayedKey(this.#of.id, replica));
    const [, seq, node] = /^(\d+) (.*)$/s.exec(bytes === undefined ? '' : utf8Decoder().decode(bytes)) ?? [];
    if (seq === undefined || node === undefined) return;
    this.#relayed.set(replica, { seq: Number(seq), delivery: Object.freeze({ state: 'relayed', node }) });
  }
}

/**
 * The replica and number of an event that a caller names.
 *
 * @throws TypeError when it is neither an event nor the id of one.
 */
function named(event: LogEvent<unknown> | EventId): { readonly replica: ReplicaId; readonly seq: SequenceNumber } {
  if (typeof event !== 'object' || event === null) return parseEventId(event);
  parseEventId(event.id);
  return event;
}
