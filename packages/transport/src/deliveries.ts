/**
 * How far the events of one log have come, as told to the app: pending, stored on this node's disk, relayed to a node that
 * promises to keep them, rejected by one.
 *
 * - [H5] A run that this store has written is noted in storage until a later start finds there that a durable node has it
 *   whole. After a restart its events are offered to durable nodes again, and no retention deletes them.
 */
import {
  type EventId,
  eventId,
  GossipError,
  type GossipStorage,
  type LogEvent,
  parseEventId,
  type Run,
  type SequenceNumber,
  type WriterId,
} from '@gossip-log/core';
import type { KeptRun, OwnRuns, ReplicatedLog } from '@gossip-log/core/sync';
import type { Delivery } from './log-handle.js';
import { type RelayedRun, readRelayed, relayedKey, relayedRunsMax, writeRelayed } from './relayed-runs.js';
import { changeStored, readStored } from './stored-value.js';
import type { FormerIds } from './successors.js';

/** The log, as far as it matters here. */
export interface DeliveredLog {
  readonly id: string;
  readonly storage: GossipStorage;
  /** Events that were appended again are asked about by their former ids, too. */
  readonly formerIds: FormerIds;
  /** `undefined` until it is read. */
  log(): ReplicatedLog<unknown> | undefined;
  /** Is that writer known in the log, or that there is none? Else `look` is called when it is. */
  isSureOf(writer: WriterId): boolean;
  /** Why nothing gets any further, once that is so. */
  ended(): GossipError | undefined;
  onError(error: unknown): void;
}

const pending: Delivery = Object.freeze({ state: 'pending' });
const stored: Delivery = Object.freeze({ state: 'stored' });

type Named = Pick<LogEvent<unknown>, 'writer' | 'seq'>;

/** @internal */
export class Deliveries {
  readonly #of: DeliveredLog;
  readonly #relayed = new Map<WriterId, { readonly seq: number; readonly delivery: Delivery }>();
  /** What a node acknowledged last behind events that are not known to be relayed. */
  readonly #ahead = new Map<WriterId, KeptRun & { readonly node: string }>();
  #rejected: (Delivery & { readonly state: 'rejected' }) | undefined;
  /** H5. What this store has written and is not settled: writer → last stored event. */
  readonly #own = new Map<WriterId, SequenceNumber>();
  /** Own runs of which it is kept how far they were relayed, the one that was relayed last at the end. */
  readonly #kept = new Map<WriterId, RelayedRun>();
  /** Those that somebody waits for. They are looked at when one may have changed, not at every event. */
  readonly #awaited = new Set<() => boolean>();
  /** How far own events were relayed is being kept. */
  #keeping: Promise<void> | undefined;
  /** Some of it is not, and nothing is on its way: it came since, or the store has failed. */
  #isUnkept = false;

  constructor(of: DeliveredLog) {
    this.#of = of;
  }

  of(event: LogEvent<unknown> | EventId): Delivery {
    const { writer, seq } = this.#standing(named(event));
    const log = this.#of.log();
    const relayed = this.#relayed.get(writer);
    if (relayed !== undefined && seq <= relayed.seq) return relayed.delivery;
    if (!this.#of.isSureOf(writer) || log === undefined || seq > log.storedSeq(writer)) return pending;
    return this.#rejected !== undefined && this.#own.has(writer) ? this.#rejected : stored;
  }

  /** Resolves once the event has come as far as `level`; rejects once it cannot any more. */
  reached(event: LogEvent<unknown> | EventId, level: 'stored' | 'relayed'): Promise<void> {
    return new Promise((resolve, reject) => {
      if (level !== 'stored' && level !== 'relayed') {
        throw new TypeError(`delivered: expected "stored" or "relayed", got ${JSON.stringify(level)}`);
      }
      const asked = named(event);
      /** It came into the log once. One that never did would be waited for without end. */
      let isKnown = false;
      const check = (): boolean => {
        const delivery = this.of(event);
        const ended = this.#of.ended();
        const log = this.#of.log();
        const { writer, seq } = this.#standing(asked);
        isKnown ||= log?.hasTaken(writer, seq) === true;
        if (delivery.state === 'relayed' || (delivery.state === 'stored' && level === 'stored')) resolve();
        else if (delivery.state === 'rejected') reject(delivery.error);
        else if (ended !== undefined) reject(ended);
        else if (log !== undefined && !isKnown && this.#of.isSureOf(writer))
          reject(this.#unknown(eventId(writer, seq)));
        else return false;
        return true;
      };
      if (!check()) this.#awaited.add(check);
    });
  }

  /** The event as it stands now: it may have been appended again. */
  #standing(event: Named): Named {
    const { formerIds } = this.#of;
    return formerIds.isEmpty ? event : parseEventId(formerIds.of(eventId(event.writer, event.seq)));
  }

  #unknown(event: EventId): GossipError {
    const { id } = this.#of;
    return new GossipError('unknown-event', `no event ${event} in log "${id}"`, { context: { log: id, id: event } });
  }

  /** Some event may have come further: whoever waits for it is told. */
  look(): void {
    for (const check of [...this.#awaited]) if (check()) this.#awaited.delete(check);
  }

  /** H5. What was written here and is not settled, with the last event of each run that a durable node is known to have. */
  get ownRuns(): OwnRuns {
    return new Map(Array.from(this.#own.keys(), (writer) => [writer, this.#relayed.get(writer)?.seq ?? 0]));
  }

  /** Why a peer refuses what is written here, until one acknowledges something. */
  get rejection(): GossipError | undefined {
    return this.#rejected?.error;
  }

  reject(error: GossipError): void {
    this.#rejected = Object.freeze({ state: 'rejected', error });
  }

  /** Own events up to this one are on the disk, and noted there. */
  wrote(runs: ReadonlyMap<WriterId, SequenceNumber>): void {
    for (const [writer, last] of runs) this.#own.set(writer, last);
  }

  /** H5. What the store has noted: other tabs over it may have written. */
  wroteElsewhere(runs: ReadonlyMap<WriterId, SequenceNumber>): void {
    let isNews = false;
    for (const [writer, last] of runs) {
      const relayed = this.#relayed.get(writer);
      if ((relayed?.seq ?? 0) < last && last > (this.#own.get(writer) ?? 0)) this.#own.set(writer, last);
      // The tab that wrote it may end before it has kept how far that was relayed.
      if (relayed?.delivery.state !== 'relayed' || (this.#kept.get(writer)?.seq ?? 0) >= relayed.seq) continue;
      this.#kept.set(writer, { writer, seq: relayed.seq, node: relayed.delivery.node });
      isNews = true;
    }
    if (isNews) this.#keep();
  }

  /** Runs were cut, each to the last event given; what stood behind was appended again. */
  cut(left: ReadonlyMap<WriterId, SequenceNumber>): void {
    for (const [writer, last] of left) {
      if (last === 0) this.#own.delete(writer);
      else this.#own.set(writer, last);
    }
  }

  /** A durable node has these runs. Is that news? */
  acknowledged(node: string, runs: readonly Run[]): boolean {
    const log = this.#of.log();
    let own = false;
    let news = this.#rejected !== undefined;
    this.#rejected = undefined;
    for (const { writer, first, last } of runs) {
      const known = this.#relayed.get(writer);
      const upTo = known?.seq ?? 0;
      if (last <= upTo) continue;
      const ahead = this.#ahead.get(writer);
      // Of what lies before the run it says nothing: the run counts once that is relayed too, unless it was lost here.
      const reaches = (from: number, to: number) =>
        to <= from || (this.#own.has(writer) && log?.holdsAny({ writer, first: from, last: to - 1 }) === false);
      if (!reaches(upTo + 1, first)) {
        const follows = ahead?.node === node && first <= ahead.last + 1 && ahead.first <= first;
        this.#ahead.set(writer, { first: follows ? ahead.first : first, last, node });
        continue;
      }
      const seq = ahead?.node === node && reaches(last + 1, ahead.first) ? Math.max(last, ahead.last) : last;
      const delivery: Delivery =
        known?.delivery.state === 'relayed' && known.delivery.node === node
          ? known.delivery
          : Object.freeze({ state: 'relayed', node });
      this.#relayed.set(writer, { seq, delivery });
      news = true;
      if (!this.#own.has(writer)) continue;
      own = true;
      this.#kept.delete(writer);
      this.#kept.set(writer, { writer, seq, node });
    }
    if (own) this.#keep();
    return news;
  }

  /** Remembers how far own events were relayed, so that it shows after a restart too, also offline. */
  #keep(): void {
    this.#isUnkept = true;
    this.#keeping ??= this.#keepAll()
      .catch(this.#of.onError)
      .finally(() => {
        this.#keeping = undefined;
      });
  }

  async #keepAll(): Promise<void> {
    const { id, storage, onError } = this.#of;
    while (this.#isUnkept && this.#of.ended() === undefined) {
      this.#isUnkept = false;
      for (const writer of [...this.#kept.keys()].slice(0, -relayedRunsMax)) this.#kept.delete(writer);
      const format = { key: relayedKey(id), parse: readRelayed, write: writeRelayed };
      // Another tab over this store may have kept runs of its own there, or more of a run that this one has read there.
      const withOthers = (there: readonly RelayedRun[] | undefined | 'damaged') => {
        const isNews = ({ writer, seq }: RelayedRun) => seq > (this.#kept.get(writer)?.seq ?? -1);
        const others = there === 'damaged' ? [] : (there ?? []).filter(isNews);
        const further = new Set(others.map(({ writer }) => writer));
        const own = [...this.#kept.values()].filter(({ writer }) => !further.has(writer));
        return [...others, ...own].slice(-relayedRunsMax);
      };
      try {
        await changeStored(storage, format, withOthers, onError);
      } catch (error) {
        this.#isUnkept = true;
        throw error;
      }
      this.#settle();
    }
  }

  /** What is kept. A damaged value counts as none (H12): durable nodes tell of these runs again. */
  async #readKept(): Promise<readonly RelayedRun[]> {
    const { id, storage, onError } = this.#of;
    const kept = await readStored(storage, relayedKey(id), readRelayed, onError);
    return kept === 'damaged' ? [] : (kept ?? []);
  }

  /** H5. Takes runs off the list that durable nodes have whole. Returns them. */
  #settle(): [WriterId, SequenceNumber][] {
    const settled = [...this.#own].filter(([writer, last]) => (this.#relayed.get(writer)?.seq ?? 0) >= last);
    for (const [writer] of settled) this.#own.delete(writer);
    return settled;
  }

  /** Resolves once what is known is kept, with whether it is. What the store did not take before is tried once more. */
  async whenKept(): Promise<boolean> {
    if (this.#isUnkept) this.#keep();
    await this.#keeping;
    return !this.#isUnkept;
  }

  /**
   * What was written before, and how far that was relayed. `lastOf`: the last event of a writer that is on the disk; 0 when there is
   * none.
   */
  async recall(
    ownRuns: ReadonlyMap<WriterId, SequenceNumber>,
    lastOf: (writer: WriterId) => SequenceNumber,
  ): Promise<void> {
    // A damaged note names the latest event there may be: the run ends where the disk has its last.
    for (const [writer, last] of ownRuns) this.#own.set(writer, Math.min(last, lastOf(writer) || last));
    for (const run of await this.#readKept()) {
      this.#kept.set(run.writer, run);
      this.#relayed.set(run.writer, { seq: run.seq, delivery: Object.freeze({ state: 'relayed', node: run.node }) });
    }
    // In storage a run stays on the list until a later start reads that it was relayed: a tab that writes at the same moment
    // may put an older record back, and then the run is offered once more.
    const { id, storage } = this.#of;
    for (const [writer, last] of this.#settle()) await storage.settleRun(id, writer, ownRuns.get(writer) ?? last);
  }
}

/**
 * The writer and number of an event that a caller names.
 *
 * @throws TypeError when it is neither an event nor the id of one.
 */
function named(event: LogEvent<unknown> | EventId): Named {
  if (typeof event !== 'object' || event === null) return parseEventId(event);
  parseEventId(event.id);
  return event;
}
