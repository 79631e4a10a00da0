/**
 * Feeds that a node reads: part of a log, from one peer at a time. The rules, F1 to F8, are at the head of core's
 * `sync/feeds.ts`.
 *
 *     idle ── first pull ──▶ seeking ◀── session ended, refused for a while ──▶ reading
 *                               └── return, refused for good, node closed ──▶ over
 *
 * What came and was not pulled yet is dropped with its session: the next one sends it again, from the cursor.
 */
import {
  checkOptions,
  clockStepsPerMs,
  type Environment,
  type GossipError,
  type GossipErrorCode,
  type LogEvent,
  limits,
  type PayloadCodec,
  parseWriterId,
  type SequenceNumber,
  type WriterId,
} from '@gossip-log/core';
import { endOfTime, type FeedRows, type KnownEvent } from '@gossip-log/core/sync';
import type { FeedReader, SessionDriver } from './session-driver.js';

/** Which events of a log: by time, by writer, or both. Relays do not read payloads, so nothing is filtered by them. */
export interface FeedFilter {
  /** Events written at this time or later, milliseconds since 1970, by their writers' clocks. */
  readonly from?: number;
  /** Events written before this time. */
  readonly until?: number;
  /** Events by one of these, 1 to `feedWritersMax`. Default: by anybody. */
  readonly writers?: readonly WriterId[];
}

/** How far a feed was read: writer → sequence number and `clock` of its last event. Plain data: save it as JSON. */
export type FeedCursor = Readonly<Record<WriterId, readonly [seq: SequenceNumber, clock: number]>>;

export interface FeedOptions<T> {
  /** Go on behind this cursor, of a feed with the same filter. Default: from the beginning. */
  readonly after?: FeedCursor;
  /** How bytes become payloads. Default: JSON. */
  readonly codec?: PayloadCodec<T>;
}

/**
 * Matching events of a log, each once: its history in log order, then what comes, late events when they come. They are in
 * no log of this node, and an event may come without those that it depends on.
 *
 * A peer sends ahead `feedBytesMax` bytes and then waits until they are pulled. Whatever happens to connections, the feed
 * goes on where it was, with any peer. `next` rejects with a `GossipError` when the feed is refused for good
 * (`forbidden`, `descriptor-mismatch`, `limit-exceeded`; `forked` when the peer has other events than the cursor names);
 * the iteration is over then. `return`, leaving a loop, and the node's `close` end it and release everything.
 *
 * @example
 * ```ts
 * import { memoryStorage } from '@gossip-log/storage/memory';
 * import { createGossipNode, webSocketClient } from '@gossip-log/transport';
 *
 * const connections = [webSocketClient({ url: 'ws://localhost:4400/sync' })];
 * const node = createGossipNode({ storage: memoryStorage(), connections });
 * const feed = node.feed<string>('news', { from: Date.now() - 3_600_000 });
 * let read = 0;
 * for await (const event of feed) {
 *   console.log(event.payload);
 *   // `after` of the next feed. It names every writer: not at every event. What came since comes again after a crash.
 *   if (++read % 100 === 0) localStorage.setItem('news', JSON.stringify(feed.cursor));
 * }
 * ```
 */
export interface Feed<T = unknown> extends AsyncIterableIterator<LogEvent<T>, undefined> {
  /** Behind the last event that was pulled. */
  readonly cursor: FeedCursor;
  return(): Promise<IteratorReturnResult<undefined>>;
  [Symbol.asyncIterator](): Feed<T>;
}

/** Why a peer may fail to serve a feed now, and serve it some time later. */
const passingReasons: ReadonlySet<GossipErrorCode> = new Set([
  'storage-failed',
  'request-timeout',
  'log-closed',
  'not-found',
]);

/** The feeds of one node. @internal */
export class NodeFeeds {
  readonly #environment: Environment;
  readonly #established: ReadonlySet<SessionDriver>;
  /** Feeds that were asked for. */
  readonly #feeds = new Set<NodeFeed<unknown>>();

  constructor(environment: Environment, established: ReadonlySet<SessionDriver>) {
    this.#environment = environment;
    this.#established = established;
  }

  open<T>(log: string, filter: FeedFilter, codec: PayloadCodec<T>, after: FeedCursor = {}): Feed<T> {
    const request = {
      descriptor: { id: log, policy: 'unsigned', codec: codec.name } as const,
      filter: parseFilter(filter),
      after: parseCursor(after),
    };
    return new NodeFeed<T>(request, codec, this.#environment, this.#established, this.#feeds);
  }

  /** Another session is there. */
  look(): void {
    for (const feed of this.#feeds) feed.look();
  }

  ended(driver: SessionDriver): void {
    for (const feed of this.#feeds) feed.ended(driver);
  }

  close(): void {
    for (const feed of this.#feeds) void feed.return();
  }
}

class NodeFeed<T> implements Feed<T>, FeedReader {
  readonly request: FeedReader['request'];
  readonly #codec: PayloadCodec<T>;
  readonly #environment: Environment;
  readonly #sessions: ReadonlySet<SessionDriver>;
  /** Those of the node that were asked for. */
  readonly #asked: Set<NodeFeed<unknown>>;
  readonly #after: Map<WriterId, KnownEvent>;
  /** Rows to be pulled, and the bytes that are taken with the last of each. */
  #parts: { readonly rows: FeedRows; readonly bytes: number }[] = [];
  /** The next row of the first part. */
  #row = 0;
  #taken = 0;
  readonly #pulls: { resolve(result: IteratorResult<LogEvent<T>, undefined>): void; reject(error: Error): void }[] = [];
  #peer: { readonly session: SessionDriver; readonly feed: number } | undefined;
  /** Sessions that refused it for a while. */
  readonly #refusals = new Set<SessionDriver>();
  #cancelRetry: (() => void) | undefined;
  #isOver = false;
  #error: GossipError | undefined;

  constructor(
    request: FeedReader['request'] & { readonly after: Map<WriterId, KnownEvent> },
    codec: PayloadCodec<T>,
    environment: Environment,
    sessions: ReadonlySet<SessionDriver>,
    asked: Set<NodeFeed<unknown>>,
  ) {
    this.request = request;
    this.#after = request.after;
    this.#codec = codec;
    this.#environment = environment;
    this.#sessions = sessions;
    this.#asked = asked;
  }

  get cursor(): FeedCursor {
    return Object.fromEntries(Array.from(this.#after, ([writer, { seq, time }]) => [writer, [seq, time]]));
  }

  next(): Promise<IteratorResult<LogEvent<T>, undefined>> {
    const pull = new Promise<IteratorResult<LogEvent<T>, undefined>>((resolve, reject) => {
      this.#pulls.push({ resolve, reject });
    });
    if (!this.#isOver && !this.#asked.has(this)) {
      this.#asked.add(this);
      this.look();
    }
    this.#answer();
    return pull;
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#end(undefined);
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): Feed<T> {
    return this;
  }

  /** Asks a session for the feed, unless one was: the first that has not refused it lately. */
  look(): void {
    if (this.#isOver || this.#peer !== undefined) return;
    for (const session of this.#sessions) {
      if (this.#refusals.has(session)) continue;
      this.#peer = { session, feed: session.subscribe(this) };
      return;
    }
  }

  ended(session: SessionDriver): void {
    this.#refusals.delete(session);
    if (this.#peer?.session === session) this.#lose();
  }

  fed(rows: readonly FeedRows[], bytes: number): void {
    rows.forEach((part, i) => {
      this.#parts.push({ rows: part, bytes: i === rows.length - 1 ? bytes : 0 });
    });
    this.#answer();
  }

  refused(error: GossipError): void {
    if (!passingReasons.has(error.code)) {
      this.#peer = undefined;
      this.#end(error);
      return;
    }
    if (this.#peer !== undefined) this.#refusals.add(this.#peer.session);
    this.#cancelRetry ??= this.#environment.setTimer(limits.openRetryMs, () => {
      this.#cancelRetry = undefined;
      this.#refusals.clear();
      this.look();
    });
    this.#lose();
  }

  /** The feed goes on with another session, from what was pulled. */
  #lose(): void {
    this.#peer = undefined;
    this.#parts = [];
    this.#row = 0;
    this.#taken = 0;
    this.look();
  }

  #answer(): void {
    while (this.#pulls.length > 0) {
      if (this.#isOver) {
        const error = this.#error;
        this.#error = undefined;
        const pull = this.#pulls.shift();
        if (error === undefined) pull?.resolve({ done: true, value: undefined });
        else pull?.reject(error);
      } else {
        const part = this.#parts[0];
        if (part === undefined) return;
        const event = this.#take(part);
        if (event !== undefined) this.#pulls.shift()?.resolve({ done: false, value: event });
      }
    }
  }

  #take({ rows, bytes }: { readonly rows: FeedRows; readonly bytes: number }): LogEvent<T> | undefined {
    const row = this.#row++;
    this.#after.set(rows.writer(row), { seq: rows.seq(row), time: rows.time(row) });
    const event = rows.event(row, this.#codec);
    if (this.#row === rows.count) {
      this.#parts.shift();
      this.#row = 0;
      this.#taken += bytes;
      // In quarters, so that it does not cost a frame per frame.
      if (this.#taken >= limits.feedBytesMax / 4) {
        this.#peer?.session.pull(this.#peer.feed, this.#taken);
        this.#taken = 0;
      }
    }
    return event;
  }

  #end(error: GossipError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = error;
    this.#cancelRetry?.();
    this.#asked.delete(this);
    this.#parts = [];
    const peer = this.#peer;
    this.#peer = undefined;
    peer?.session.unsubscribe(peer.feed);
    this.#answer();
  }
}

function parseFilter(given: FeedFilter) {
  checkOptions('feed', given, { from: 'any', until: 'any', writers: 'array' });
  const { from = 0, until = Number.POSITIVE_INFINITY, writers } = given;
  for (const [name, ms] of Object.entries({ from, until })) {
    if (typeof ms !== 'number' || Number.isNaN(ms)) throw new TypeError(`${name}: expected milliseconds, got ${ms}`);
  }
  if (from >= until) throw new RangeError(`from: expected a time before until, got ${from} and ${until}`);
  if (writers !== undefined && !(writers.length >= 1 && writers.length <= limits.feedWritersMax)) {
    throw new RangeError(`writers: expected 1 to ${limits.feedWritersMax}, got ${writers.length}`);
  }
  const clock = (ms: number) => Math.min(Math.max(0, Math.ceil(ms * clockStepsPerMs)), endOfTime);
  const filter = { from: clock(from), until: clock(until), writers: (writers ?? []).map(parseWriterId) };
  if (filter.from >= filter.until) throw new RangeError('from, until: expected times from 1970 to 2109');
  return filter;
}

function parseCursor(cursor: FeedCursor): Map<WriterId, KnownEvent> {
  const { feedCursorsMax, seqMax, timeMax } = limits;
  const entries = Object.entries(cursor);
  if (entries.length > feedCursorsMax) {
    throw new RangeError(`after: expected at most ${feedCursorsMax} writers, got ${entries.length}`);
  }
  return new Map(
    entries.map(([writer, event]) => {
      const [seq, time] = Array.isArray(event) ? event : [];
      if (!isWhole(seq, seqMax) || !isWhole(time, timeMax)) {
        throw new TypeError(`after: expected a feed's cursor, got ${JSON.stringify(event)} for ${writer}`);
      }
      return [parseWriterId(writer), { seq, time }];
    }),
  );
}

function isWhole(value: unknown, max: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= max;
}
