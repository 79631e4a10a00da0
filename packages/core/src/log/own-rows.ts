/**
 * What is written here: under which writer, at which time of the log's clock, and which rows are on their way to the
 * journal.
 */
import { GossipError, invariant } from '../errors.js';
import { observe, tick } from '../hybrid-logical-clock.js';
import { type WriterId, writerIdToBytes } from '../ids.js';
import { depsMax, seqMax, timeMax } from '../limits.js';
import type { LogEntry } from '../runs.js';
import { Chunk } from './chunk.js';
import type { Heads } from './heads.js';
import type { OrderedLog } from './ordered-log.js';
import { encodeRows } from './rows-lacking.js';

/** Ids drawn until one is unknown to the log. */
const drawsMax = 4;

/** @internal */
export interface OwnRowsOptions {
  /** Gives the id to write under, when it is first needed. */
  readonly draw: () => WriterId;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Own events are kept for a journal. Then an id that the log knows already is not taken. */
  readonly isKept: boolean;
}

/** @internal */
export class OwnRows {
  readonly #ordered: OrderedLog;
  readonly #heads: Heads;
  readonly #now: () => number;
  readonly #draw: () => WriterId;
  readonly #isKept: boolean;
  #writer: WriterId | undefined;
  #self = -1;
  #clock = 0;
  #unflushed = new Chunk();
  /** Time of the event before the first of these. */
  #timeBeforeUnflushed = 0;

  constructor(ordered: OrderedLog, heads: Heads, { draw, now, isKept }: OwnRowsOptions) {
    this.#ordered = ordered;
    this.#heads = heads;
    this.#now = now;
    this.#draw = draw;
    this.#isKept = isKept;
  }

  /** The id that this log writes under. It is drawn when it is first asked for. */
  get writer(): WriterId {
    this.#writer ??= this.#drawUnused();
    return this.#writer;
  }

  /** Index of the writer that this log writes as; -1 before it has written anything. */
  get self(): number {
    return this.#self;
  }

  /** Somebody else writes under this id too: the next event is written under another one. */
  renounce(): void {
    this.#writer = undefined;
    this.#self = -1;
  }

  /** Another id, to append events again under. It is taken for the next events by `goOn`. */
  beginAgain(): WriterId {
    return this.#drawUnused();
  }

  /** The rows that were appended and not taken for the journal. They are the caller's: they leave the log. */
  takeAppended(): Chunk {
    const rows = this.#unflushed;
    this.#unflushed = new Chunk();
    return rows;
  }

  /** The next event follows on those of that writer, and on what is at that time. */
  goOn(self: number, clock: number): void {
    this.#writer = this.#ordered.tables.writers.id(self);
    this.#self = self;
    this.#clock = clock;
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

  /**
   * Appends an event and gives the chunk whose last row it is. What depends on its time is made of that.
   *
   * @throws GossipError `limit-exceeded`.
   */
  append(kind: number, payload: Uint8Array | ((time: number) => Uint8Array)): Chunk {
    const { writers, dependencies, pages } = this.#ordered.tables;
    // Drawn at random it is none of those that are packed, whether or not these were read.
    const self = this.#self < 0 ? writers.internListed(writerIdToBytes(this.writer)) : this.#self;
    const { last, lastTime, firstTime } = writers;
    const time = tick(this.#clock, this.#now());
    const seq = (last[self] as number) + 1;
    if (seq > seqMax || !(time <= timeMax)) {
      throw new GossipError(
        'limit-exceeded',
        'this writer cannot write here any more: its sequence or clock is at its end',
      );
    }

    // Whatever may fail is before the first change that counts. What is over `depsMax` stays a head, and is named by the
    // next event.
    const bytes = typeof payload === 'function' ? payload(time) : payload;
    const named = this.#heads.dependenciesOf(self, depsMax);
    pages.place(bytes, 0, bytes.length);
    const deps = dependencies.begin(named.length);
    const tail = this.#ordered.tail();
    for (const head of named) {
      dependencies.add(head, last[head] as number, time - (lastTime[head] as number));
      this.#heads.remove(head);
    }
    tail.push(self, seq, time, kind, pages.page, pages.offset, bytes.length, deps);
    this.#ordered.appended(kind);
    this.#self = self;
    if (this.#isKept) {
      if (this.#unflushed.count === 0) this.#timeBeforeUnflushed = lastTime[self] as number;
      this.#unflushed.reserveOneMore();
      this.#unflushed.copyRow(tail, tail.count - 1);
    }
    last[self] = seq;
    lastTime[self] = time;
    if (seq === 1) firstTime[self] = time;
    this.#heads.add(self);
    this.#clock = time;
    return tail;
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

  #drawUnused(): WriterId {
    const { writers } = this.#ordered.tables;
    for (let tries = 0; tries < drawsMax; tries++) {
      const id = this.#draw();
      if (!this.#isKept || writers.find(id) < 0) return id;
    }
    // Of 128 random bits none come twice: the source of randomness is broken, and going on would give numbers twice.
    return invariant(false, 'randomness gives an id that nobody has written under') as never;
  }
}
