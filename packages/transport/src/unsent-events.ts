/**
 * Which of the own events of a log no peer was sent.
 *
 * - [H11] Before an own event is sent to a peer, in whatever way, the store says so (P4): with the commit, where a peer is to
 *   have it at once, else in a step of its own. What no peer was sent may still be appended again (G12), also after a restart.
 *   A node that shares its store with others takes what it finds there for sent; so does each node with own events that a peer sends.
 * - With an own event all own events of other runs count as sent, which it may refer to: under other ids it would refer to nothing,
 *   and if one was lost with the journal, nothing in the packed log would say that it is missing.
 * - Such events stay in the journal when the log is packed, where they can be replaced. Above `unsentEventsMax` all count as
 *   sent.
 */
import { type GossipStorage, limits, type Run, type SequenceNumber, type WriterId } from '@gossip-log/core';
import type { KeptRun, LogEntry, TimedRun, UnsentRecord, UnsentRuns } from '@gossip-log/core/sync';

/** The log, as far as it matters here. */
export interface SendingLog {
  readonly id: string;
  readonly storage: GossipStorage;
}

/** A record of the journal, by key, and what is in it. */
export interface RecordRuns {
  readonly key: string;
  readonly runs: readonly TimedRun[];
}

/** @internal */
export class UnsentEvents {
  readonly #of: SendingLog;
  /** By run the first and the last event that no peer was sent. */
  readonly #unsent = new Map<WriterId, KeptRun>();
  readonly #records = new Map<string, UnsentRecord>();
  /** What the store does not say yet. */
  readonly #toNote = new Map<WriterId, SequenceNumber>();
  #noting: Promise<void> | undefined;
  #replacing: Promise<unknown> | undefined;

  constructor(of: SendingLog) {
    this.#of = of;
  }

  /** The log was read. */
  loaded(
    ownRuns: ReadonlyMap<WriterId, SequenceNumber>,
    sent: ReadonlyMap<WriterId, SequenceNumber>,
    records: readonly RecordRuns[],
  ): void {
    for (const [writer, last] of ownRuns) {
      const upTo = sent.get(writer) ?? 0;
      if (upTo < last) this.#unsent.set(writer, { first: upTo + 1, last });
    }
    if (this.#unsent.size > 0) for (const record of records) this.#keep(record);
  }

  #keep(record: UnsentRecord): void {
    if (record.runs.some((run) => this.#isUnsent(run))) this.#records.set(record.key, record);
  }

  #isUnsent({ writer, last }: Pick<Run, 'writer' | 'last'>): boolean {
    return last >= (this.#unsent.get(writer)?.first ?? Number.POSITIVE_INFINITY);
  }

  /** An own block is stored; `isSent`: and the store says that it may have been sent. */
  stored(key: string, { runs }: LogEntry, isSent: boolean): void {
    for (const { writer, first, last } of runs) {
      // With all that it may refer to.
      if (isSent) this.#unsent.clear();
      else this.#unsent.set(writer, { first: this.#unsent.get(writer)?.first ?? first, last });
    }
    if (!isSent) this.#keep({ key, runs });
    if (this.count > limits.unsentEventsMax) this.allSent();
  }

  /** A block is stored that holds what a peer sent, and may hold own events again, behind what they waited for (H7). */
  storedAgain(key: string, { runs }: LogEntry): void {
    this.#keep({ key, runs });
  }

  /** Is there one of these events among them, or one of which the store does not say yet that it may be sent? */
  isAmong({ runs }: Pick<LogEntry, 'runs'>): boolean {
    return runs.some((run) => this.#isUnsent(run) || this.#toNote.has(run.writer));
  }

  get runs(): UnsentRuns {
    return new Map(Array.from(this.#unsent, ([writer, { first }]) => [writer, first]));
  }

  /** Is there one of these events in a record of the journal? */
  holds(key: string): boolean {
    return this.#records.has(key);
  }

  /** By run the first event in a record that stays in the journal: it may hold others that were sent. */
  get kept(): UnsentRuns {
    const kept = new Map<WriterId, SequenceNumber>();
    for (const { runs } of this.#records.values()) {
      for (const { writer, first } of runs) kept.set(writer, Math.min(first, kept.get(writer) ?? first));
    }
    return kept;
  }

  get records(): readonly UnsentRecord[] {
    return [...this.#records.values()];
  }

  /** How many events these are. */
  get count(): number {
    let count = 0;
    for (const { first, last } of this.#unsent.values()) count += last - first + 1;
    return count;
  }

  /**
   * A peer is about to be sent these. `undefined`: they may go. Else it resolves when the store says so, or some of them were
   * replaced: then they are to be read again. It rejects when the store cannot be written.
   */
  beforeSending(runs: Iterable<Pick<Run, 'writer' | 'last'>>): Promise<unknown> | undefined {
    let waits = false;
    for (const run of runs) {
      if (this.#toNote.has(run.writer)) waits = true;
      if (!this.#isUnsent(run)) continue;
      if (this.#replacing !== undefined) return this.#replacing;
      const { last } = this.#unsent.get(run.writer) as KeptRun;
      if (run.last < last) this.#unsent.set(run.writer, { first: run.last + 1, last });
      else this.#unsent.delete(run.writer);
      this.#toNote.set(run.writer, run.last);
      waits = true;
      for (const [writer, unsent] of [...this.#unsent]) {
        if (writer === run.writer) continue;
        this.#toNote.set(writer, unsent.last);
        this.#unsent.delete(writer);
      }
    }
    return waits ? this.#note() : undefined;
  }

  /** What an own event that is sent may refer to: of each run the last event that no peer was sent. */
  get before(): ReadonlyMap<WriterId, SequenceNumber> {
    return new Map(Array.from(this.#unsent, ([writer, { last }]) => [writer, last]));
  }

  /**
   * A peer has sent these. Events of an own run are among them where the disk was set back to an older copy: that peer, or another, was
   * sent those, and all before them.
   */
  received(runs: Iterable<Pick<Run, 'writer' | 'last'>>): void {
    if (this.#unsent.size === 0) return;
    const own = Array.from(runs).flatMap(({ writer, last }) => {
      const unsent = this.#unsent.get(writer);
      return unsent === undefined ? [] : [{ writer, last: Math.min(last, unsent.last) }];
    });
    // What is not noted now is noted before the next event is sent.
    this.beforeSending(own)?.catch(() => undefined);
  }

  /** All that was written so far counts as sent from now on. */
  allSent(): void {
    for (const [writer, { last }] of this.#unsent) this.#toNote.set(writer, last);
    this.#unsent.clear();
    this.#records.clear();
    // What is not noted now is noted before the next event is sent.
    this.#note().catch(() => undefined);
  }

  #note(): Promise<void> {
    this.#noting ??= this.#noteAll().finally(() => {
      this.#noting = undefined;
    });
    return this.#noting;
  }

  async #noteAll(): Promise<void> {
    const { id, storage } = this.#of;
    while (this.#toNote.size > 0) {
      const sent = new Map(this.#toNote);
      await storage.commit(id, [], { durability: 'strict', sent });
      for (const [writer, upTo] of sent) if (this.#toNote.get(writer) === upTo) this.#toNote.delete(writer);
      for (const [key, { runs }] of this.#records) {
        if (!runs.some((run) => this.#isUnsent(run))) this.#records.delete(key);
      }
    }
  }

  /** Some are being replaced: until that is done they are not sent. */
  replacing<V>(storing: Promise<V>): Promise<V> {
    const settled = storing.then(
      () => undefined,
      () => undefined,
    );
    this.#replacing = settled;
    settled.then(() => {
      this.#replacing = undefined;
    });
    return storing;
  }

  /** Records went, and runs were cut. */
  replaced(records: readonly string[], left: ReadonlyMap<WriterId, SequenceNumber>): void {
    for (const key of records) this.#records.delete(key);
    for (const [writer, last] of left) {
      const first = this.#unsent.get(writer)?.first ?? Number.POSITIVE_INFINITY;
      if (first > last) this.#unsent.delete(writer);
      else this.#unsent.set(writer, { first, last });
    }
  }
}
