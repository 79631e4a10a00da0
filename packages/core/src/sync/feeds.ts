/**
 * Feeds: part of a log, served to a reader that does not take part in it. The session calls both halves: what this node
 * serves to its peer, and what it reads from it.
 *
 *     reader   subscribe ── feed ──▶ events … pull … events … ── pull 0 ──▶ over
 *     server   feed ▶ opening ─ allowed ▶ live ── pull 0, error, end of the session ──▶ over
 *
 * - [F1] `feed` names a log, a filter (times by the writers' clocks, writers) and a cursor: of each writer the last event that the
 *   reader has. Its channel is the reader's number for the feed, which all frames about it carry, both ways.
 * - [F2] A feed is granted as an `open` is, for reading (S7). One that is refused, fails or is overdue ends by `error`,
 *   alone.
 * - [F3] Sent is, as `events`, what matches of the effective log behind the cursor: in log order what is there, then what
 *   becomes stored. Each writer's events come in its own order, so what came is the next cursor, and each comes once.
 * - [F4] A cursor with another event than stands in the log is refused: `forked`.
 * - [F5] A feed's `events` spend credit as all do (S10), and the feed's own besides: `feedBytesMax`, and what the reader
 *   gives it (`pull`). Overspending that by more than a frame ends the session: `credit-exceeded`. So who reads slowly
 *   holds back its feed, and nothing else.
 * - [F6] `pull` of 0 ends the feed. A log that was opened for it is released, also at the end of the session. Frames for a
 *   feed that is not there are skipped.
 * - [F7] The reader proves that each event matches and follows on what it has: else `protocol` ends the session. Nothing
 *   of a feed is merged, stored or sent on.
 * - [F8] A session serves `feedsMax` feeds and reads as many. Cursors of those that it serves name `feedCursorsMax`
 *   writers together, as does each that it reads. Above: `limit-exceeded`.
 */
import { decodeBlock } from '../codec/block.js';
import type { FeedMessage, Message } from '../codec/message.js';
import { GossipError } from '../errors.js';
import type { FeedFilter, FeedPart } from '../feed.js';
import type { WriterId } from '../ids.js';
import { feedBytesMax, feedCursorsMax, feedsMax, frameBytesMax, frameBytesTarget } from '../limits.js';
import type { KnownEvent, LogEntry } from '../runs.js';
import { FeedRows } from './feed-rows.js';
import type { Effect, FeedRequest, SessionOutput } from './session-io.js';

/** What both halves need of their session. */
export interface FeedSession {
  send(message: Message): void;
  put(output: SessionOutput): void;
}

/** What the serving half needs besides. */
export interface ServingSession extends FeedSession {
  request(feed: ServedFeed, effect: Effect): void;
  /** Answers to what was asked for the feed are waited for no more. */
  forget(feed: ServedFeed): void;
  /** Calls `readOn` when it is the feed's turn and there is credit. */
  queue(feed: ServedFeed): void;
  /** Sends blocks as `events`. Returns the bytes of the frames. */
  sendEvents(remote: number, blocks: readonly Uint8Array[]): number;
}

/** A feed that the peer reads. */
export interface ServedFeed {
  readonly log: string;
  /** The reader's number for it. */
  readonly remote: number;
  readonly filter: FeedFilter;
  readonly writers: ReadonlySet<WriterId>;
  /** What the peer was sent, or had before. */
  readonly after: Map<WriterId, KnownEvent>;
  live: boolean;
  /** The driver opened the log for the feed and waits for `released`. */
  forPeer: boolean;
  /** Bytes of events that the reader takes now. */
  credit: number;
  /** What matches before this time was sent. Infinite: all of it, or a read is under way. */
  since: number;
  /** `since` of the read under way. */
  reading: number | undefined;
}

/** The feeds that this node serves. @internal */
export class ServedFeeds {
  readonly #session: ServingSession;
  readonly #feeds = new Map<number, ServedFeed>();
  /** Writers named in all cursors. */
  #named = 0;

  constructor(session: ServingSession) {
    this.#session = session;
  }

  serves(log: string): boolean {
    return [...this.#feeds.values()].some((feed) => feed.log === log);
  }

  /** F1, F2. */
  asked({ channel, descriptor, token, filter, after }: FeedMessage): void {
    if (this.#feeds.has(channel)) throw new GossipError('protocol', `a second feed ${channel}`);
    const feed: ServedFeed = {
      ...{ log: descriptor.id, remote: channel, filter, writers: new Set(filter.writers) },
      after: new Map(after.map(({ writer, last, lastTime }) => [writer, { seq: last, time: lastTime }])),
      ...{ live: false, forPeer: false, credit: feedBytesMax, since: 0, reading: undefined },
    };
    this.#named += feed.after.size;
    this.#feeds.set(channel, feed);
    if (this.#feeds.size > feedsMax) {
      this.fail(feed, new GossipError('limit-exceeded', `a session serves at most ${feedsMax} feeds`));
    } else if (!this.#isOverfull(feed)) {
      this.#session.request(feed, { kind: 'open', log: feed.log, descriptor, token, feed: true });
    }
  }

  granted(feed: ServedFeed, forPeer: boolean): void {
    feed.live = true;
    feed.forPeer = forPeer;
    this.#session.queue(feed);
  }

  /** F5, F6. */
  pulled(number: number, bytes: number): void {
    const feed = this.#feeds.get(number);
    if (feed === undefined) return;
    if (bytes === 0) {
      this.#remove(feed);
      return;
    }
    feed.credit = Math.min(feedBytesMax, feed.credit + bytes);
    this.#session.queue(feed);
  }

  /** These became stored. */
  stored(log: string, entries: readonly LogEntry[]): void {
    for (const feed of this.#feeds.values()) {
      if (feed.log !== log) continue;
      const { filter, writers, after } = feed;
      for (const { runs } of entries) {
        for (const { writer, last, firstTime, lastTime } of runs) {
          if (writers.size > 0 && !writers.has(writer)) continue;
          if (lastTime < filter.from || firstTime >= filter.until || last <= (after.get(writer)?.seq ?? 0)) continue;
          feed.since = Math.min(feed.since, firstTime);
        }
      }
      this.#session.queue(feed);
    }
  }

  /** This node does not use the log any more: feeds that it was not opened for must look elsewhere. */
  detached(log: string): void {
    for (const feed of this.#feeds.values()) {
      if (feed.log !== log || !feed.live || feed.forPeer) continue;
      this.fail(feed, new GossipError('log-closed', `log "${log}" was closed here`));
    }
  }

  /** The log may hold what nobody was told of. */
  reread(log: string): void {
    for (const feed of this.#feeds.values()) {
      if (feed.log !== log) continue;
      feed.since = 0;
      this.#session.queue(feed);
    }
  }

  /** It is the feed's turn, and there is credit. */
  readOn(feed: ServedFeed): void {
    const { log, filter, after, since } = feed;
    if (!feed.live || feed.reading !== undefined || feed.credit <= 0 || since === Number.POSITIVE_INFINITY) return;
    feed.reading = since;
    feed.since = Number.POSITIVE_INFINITY;
    this.#session.request(feed, { kind: 'select', log, filter, after, since, bytesMax: frameBytesTarget });
  }

  /**
   * F3. What was read goes out. It is read again where there is no credit, and where something before its beginning was
   * stored meanwhile: of a writer with events on both sides the first would be left out.
   */
  selected(feed: ServedFeed, { entries, next }: FeedPart, hasCredit: boolean): void {
    const began = feed.reading ?? 0;
    feed.reading = undefined;
    if (!hasCredit || feed.since < began) {
      feed.since = Math.min(feed.since, began);
    } else {
      feed.since = Math.min(feed.since, next);
      this.#named -= feed.after.size;
      for (const { runs } of entries) {
        for (const { writer, last, lastTime } of runs) feed.after.set(writer, { seq: last, time: lastTime });
      }
      this.#named += feed.after.size;
      if (this.#isOverfull(feed)) return;
      feed.credit -= this.#session.sendEvents(
        feed.remote,
        entries.map(({ block }) => block),
      );
    }
    this.#session.queue(feed);
  }

  /** F2. */
  fail(feed: ServedFeed, { code, message }: GossipError): void {
    this.#remove(feed);
    this.#session.send({ kind: 'error', channel: feed.remote, code, message, time: 0 });
  }

  end(): void {
    for (const feed of this.#feeds.values()) this.#remove(feed);
  }

  #isOverfull(feed: ServedFeed): boolean {
    if (this.#named <= feedCursorsMax) return false;
    this.fail(feed, new GossipError('limit-exceeded', `cursors of feeds name at most ${feedCursorsMax} writers`));
    return true;
  }

  #remove(feed: ServedFeed): void {
    this.#feeds.delete(feed.remote);
    this.#named -= feed.after.size;
    this.#session.forget(feed);
    if (feed.forPeer) this.#session.put({ type: 'released', log: feed.log });
  }
}

/** A feed that this node reads. */
interface ReadFeed {
  /** The driver's number for it. */
  readonly feed: number;
  /** Ours on the wire. */
  readonly channel: number;
  readonly filter: FeedFilter;
  readonly writers: ReadonlySet<WriterId>;
  /** What has come, or was here before. */
  readonly after: Map<WriterId, KnownEvent>;
  /** Bytes of events that may still come. */
  granted: number;
}

/** The feeds that this node reads. @internal */
export class ReadFeeds {
  readonly #session: FeedSession;
  readonly #byFeed = new Map<number, ReadFeed>();
  readonly #byChannel = new Map<number, ReadFeed>();

  constructor(session: FeedSession) {
    this.#session = session;
  }

  has(channel: number): boolean {
    return this.#byChannel.has(channel);
  }

  /** F1. `channel` is a number that was never used in this session. */
  subscribe(feed: number, channel: number, { descriptor, filter, after, token }: FeedRequest): void {
    if (this.#byFeed.size >= feedsMax) {
      const error = new GossipError('limit-exceeded', `a session reads at most ${feedsMax} feeds`);
      this.#session.put({ type: 'feed-refused', feed, error });
      return;
    }
    const read: ReadFeed = {
      ...{ feed, channel, filter, writers: new Set(filter.writers), after: new Map(after), granted: feedBytesMax },
    };
    this.#byFeed.set(feed, read);
    this.#byChannel.set(channel, read);
    const known = Array.from(after, ([writer, { seq, time }]) => ({ writer, last: seq, lastTime: time }));
    this.#session.send({ kind: 'feed', channel, descriptor, token, filter, after: known });
  }

  /** F5. Bytes were taken, and so many more may come. */
  pull(feed: number, bytes: number): void {
    const read = this.#byFeed.get(feed);
    if (read === undefined || bytes === 0) return;
    read.granted += bytes;
    this.#session.send({ kind: 'pull', channel: read.channel, bytes });
  }

  /** F6. */
  unsubscribe(feed: number): void {
    const read = this.#byFeed.get(feed);
    if (read === undefined) return;
    this.#remove(read);
    this.#session.send({ kind: 'pull', channel: read.channel, bytes: 0 });
  }

  /**
   * F5, F7.
   *
   * @throws GossipError when the peer breaks a rule, or its bytes do.
   */
  received(channel: number, blocks: readonly Uint8Array[], bytes: number): void {
    const read = this.#byChannel.get(channel) as ReadFeed;
    read.granted -= bytes;
    if (read.granted < -frameBytesMax) {
      throw new GossipError('credit-exceeded', `${-read.granted} bytes of a feed beyond what was granted`);
    }
    const rows = blocks.map((block) => new FeedRows(decodeBlock(block)));
    for (const part of rows) for (let row = 0; row < part.count; row++) prove(read, part, row);
    if (read.after.size > feedCursorsMax) {
      throw new GossipError('limit-exceeded', `a feed's cursor names at most ${feedCursorsMax} writers`);
    }
    this.#session.put({ type: 'fed', feed: read.feed, rows, bytes });
  }

  /** The peer has ended the feed. */
  refused(channel: number, error: GossipError): void {
    const read = this.#byChannel.get(channel) as ReadFeed;
    this.#remove(read);
    this.#session.put({ type: 'feed-refused', feed: read.feed, error });
  }

  #remove({ feed, channel }: ReadFeed): void {
    this.#byFeed.delete(feed);
    this.#byChannel.delete(channel);
  }
}

/** F7: a row matches, and is the next of its writer. Nobody can tell what stands before `from`. */
function prove({ filter, writers, after }: ReadFeed, rows: FeedRows, row: number): void {
  const writer = rows.writer(row);
  const seq = rows.seq(row);
  const time = rows.time(row);
  const last = after.get(writer) ?? { seq: 0, time: 0 };
  const matches = time >= filter.from && time < filter.until && (writers.size === 0 || writers.has(writer));
  const follows = last.time < filter.from ? seq > last.seq : seq === last.seq + 1;
  if (!matches || !follows || time <= last.time) {
    throw new GossipError('protocol', `event ${seq} is not the next of its writer in this feed`);
  }
  after.set(writer, { seq, time });
}
