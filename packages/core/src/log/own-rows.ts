/**
 * What is written here: under which replica, at which time of the log's clock, and which rows are on their way to the
 * journal.
 */
import { GossipError } from '../errors.js';
import type { LogEvent } from '../event.js';
import { observe, tick } from '../hybrid-logical-clock.js';
import type { ReplicaId, SequenceNumber } from '../ids.js';
import { depsMax, seqMax, timeMax } from '../limits.js';
import type { LogEntry } from '../runs.js';
import { Chunk } from './chunk.js';
import type { Heads } from './heads.js';
import type { OrderedLog } from './ordered-log.js';
import { partRows } from './part-rows.js';
import { encodeRows } from './rows-lacking.js';

/** @internal */
export interface OwnRowsOptions {
  readonly replica: ReplicaId;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Draws a replica id that was never used. Without it no journal is kept, and nothing gives way. */
  readonly freshReplica: (() => ReplicaId) | undefined;
}

/** @internal */
export class OwnRows {
  readonly #ordered: OrderedLog;
  readonly #heads: Heads;
  readonly #now: () => number;
  readonly #freshReplica: (() => ReplicaId) | undefined;
  #self: number;
  #clock = 0;
  #unflushed = new Chunk();
  /** Time of the event before the first of these. */
  #timeBeforeUnflushed = 0;

  constructor(ordered: OrderedLog, heads: Heads, { replica, now, freshReplica }: OwnRowsOptions) {
    this.#ordered = ordered;
    this.#heads = heads;
    this.#now = now;
    this.#freshReplica = freshReplica;
    this.#self = ordered.tables.replicas.intern(replica);
  }

  /** Index of the replica that this log writes as. */
  get self(): number {
    return this.#self;
  }

  /** Are own events kept for a journal? Then they may have to give way (G4). */
  get isKept(): boolean {
    return this.#freshReplica !== undefined;
  }

  /** No event of the log is later. */
  get clock(): number {
    return this.#clock;
  }

  /** The log has events up to that time, or begins there. */
  observe(time: number): void {
    this.#clock = observe(this.#clock, time);
  }

  /** Rows not yet taken for the journal. */
  get unflushed(): Chunk {
    return this.#unflushed;
  }

  /** @throws GossipError `limit-exceeded`. */
  append(kind: number, bytes: Uint8Array): LogEvent {
    const { replicas, dependencies, pages } = this.#ordered.tables;
    const { last, lastTime, firstTime } = replicas;
    const self = this.#self;
    const time = tick(this.#clock, this.#now());
    const seq = (last[self] as number) + 1;
    if (seq > seqMax || !(time <= timeMax)) {
      throw new GossipError(
        'limit-exceeded',
        'this replica cannot write here any more: its sequence or clock is at its end',
      );
    }

    // Whatever may fail is before the first change that counts. What is over `depsMax` stays a head, and is named by the
    // next event.
    const named = this.#heads.dependenciesOf(self, depsMax);
    pages.place(bytes, 0, bytes.length);
    const deps = dependencies.begin(named.length);
    const tail = this.#ordered.tail();
    for (const head of named) {
      dependencies.add(head, last[head] as number, time - (lastTime[head] as number));
      this.#heads.remove(head);
    }
    tail.push(self, seq, time, kind, pages.page, pages.offset, bytes.length, deps);
    this.#ordered.appended();
    if (this.isKept) {
      if (this.#unflushed.count === 0) this.#timeBeforeUnflushed = lastTime[self] as number;
      this.#unflushed.reserveOneMore();
      this.#unflushed.copyRow(tail, tail.count - 1);
    }
    last[self] = seq;
    lastTime[self] = time;
    if (seq === 1) firstTime[self] = time;
    this.#heads.add(self);
    this.#clock = time;
    return this.#ordered.event(tail, tail.count - 1);
  }

  /** Own events since the last call, as entries for the journal. */
  takeUnflushed(): LogEntry[] {
    const rows = this.#unflushed;
    if (rows.count === 0) return [];
    const before = this.#timeBeforeUnflushed;
    const entries = encodeRows(rows, this.#ordered.tables, 'own', ([first], times) => {
      times[first as number] = before;
    });
    // Mostly it is one row: its chunk serves again.
    if (rows.count === 1) rows.count = 0;
    else this.#unflushed = new Chunk();
    return entries;
  }

  /** Own events give way to others (G4): what is written from now on is another replica's. */
  giveWay(): void {
    // What is agreed is on the other side's disk already; the rest is among the rows that were taken out.
    this.#unflushed = new Chunk();
    this.#replaceSelf();
  }

  /** The same where own events from `from` on are hidden. Returns those before, as entries for the journal. */
  endBefore(from: SequenceNumber): LogEntry[] {
    this.#unflushed = partRows(this.#unflushed, ({ seq }, row) => (seq[row] as number) >= from).left;
    const entries = this.takeUnflushed();
    this.#replaceSelf();
    return entries;
  }

  #replaceSelf(): void {
    this.#self = this.#ordered.tables.replicas.intern((this.#freshReplica as () => ReplicaId)());
  }
}
