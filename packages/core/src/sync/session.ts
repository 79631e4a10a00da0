/**
 * One session: two nodes, one connection, any number of logs. A state machine without I/O: `handle(input)` returns
 * outputs; the driver sends frames, carries out requests and hands their answers back as inputs.
 *
 *     greeting ── hello ──▶ established ── close, fault, silence ──▶ ended
 *
 *     per log:   attach ▶ offered ─┐                    (this node wants it; the peer has not opened it)
 *                                  ├─ peer's open ▶ opening ─ allowed ▶ live
 *     peer's open, not attached ───┘                       └ refused ▶ offered or gone
 *
 * Feeds, which take part in none of this but the credit, are in `feeds.ts`. The numbered rules, with the byte tables, are
 * in `docs/protocol.md`; tests cite them.
 *
 * - [S1] `hello` comes first, once, each way. Any other known frame before it, or a second one, ends the session:
 *   `protocol`. A `close` of the session may come at any time.
 * - [S2] Any frame is a sign of life. After `heartbeatMs` without sending, a credit of what is owed, maybe 0, is sent;
 *   after `silenceMsMax` without hearing, the session ends: `connection-lost`.
 * - [S3] A frame of unknown kind is skipped; an unknown version ends the session: `version-unsupported`.
 * - [S4] Bytes that break the format, a checksum, or a clock or sequence rule end the session with that code, and
 *   change nothing else.
 * - [S5] `open` names a log. Its channel is the sender's number for it; all other frames but a feed's (F1) carry the
 *   receiver's number. It asks for an `open` in return, or is that answer; an answer to what was detached meanwhile is
 *   answered with `close`. Who asks also begins a comparison (`ranges`): turns go back and forth until one asks nothing
 *   (C1 to C6, at the head of `log/compare-rows.ts`). A comparison that begins anew replaces the one before; frames of the
 *   old one are skipped.
 * - [S6] Logs of one name with different descriptors do not sync: `descriptor-mismatch`, for that log alone. An `open`
 *   that comes again keeps its descriptor.
 * - [S7] A peer's `open` is granted by the driver (request `open`) before anything of the log is sent or merged. What
 *   comes meanwhile waits.
 * - [S8] Once it is compared, each side streams what the other lacks of the effective log, in causal order, up to the
 *   horizon of both clocks.
 * - [S9] What becomes stored goes at once, as the same bytes, to a peer that lacks just that; else by reading. What a
 *   peer sent is never sent back to it.
 * - [S10] `events` frames spend credit, granted by the receiver once it has stored or skipped them. Logs that are
 *   behind take turns, and a read under way reserves its share. Overspending by more than a frame ends the session:
 *   `credit-exceeded`.
 * - [S11] Runs missing before received events can show are asked for once (`want`), until the peer opens the log anew.
 *   Whoever is asked sends them, and tells of those that it does not have (`absent`). Had rows to be dropped, the log is
 *   compared anew at the next tick.
 * - [S12] A durable node acknowledges what is stored of replicas that the peer has sent; a comparison with it does so too,
 *   and so does every event that it sends, since it speaks only of what it has stored. Nothing is acknowledged over a gap
 *   of its replica; a comparison says nothing of what lies below the durable node's edge, and offers it the sender's own
 *   events there again.
 * - [S13] Events that are `early` are refused whole. The sender learns from it how far the peer's clock is, keeps what is
 *   not due there, and compares anew at the next tick.
 * - [S14] Events of a peer that may not write are refused: `forbidden`; it stops sending and goes on reading. An
 *   `open` that was refused is made anew when the peer opens the log itself, and after `openRetryMs` when the reason
 *   may have passed.
 * - [S15] Requests are numbered. An answer to none is ignored, and a log that it opened is released. A failed or
 *   overdue one ends the session, but for `open` (that log is refused), a feed's (F2) and an `early` merge. A `store` is
 *   never overdue: a slow disk holds back credit, and that is enough.
 * - [S16] `close` on a channel ends that log's exchange, on channel 0 the session. A log that was opened for the peer
 *   alone is released. A node that wants the log and has only answered so far opens it anew.
 * - [S17] A frame for a channel that is not there is skipped: it crossed a `close`. Its credit is given back.
 * - [S18] A log at rest, nothing being under way, is compared every `idleCompareMs`, with jitter: the node of the lower id sends
 *   the sum of all events up to `idleSpareMs` ago (`sums`). A peer that agrees stays silent; another one begins a thorough
 *   comparison (C6), beside which everything goes on. Where that mends nothing it comes half as often each time.
 * - [S19] Who is about to send more than a frame of events says first about how much (`coming`), and when it is through.
 * - [S20] A peer's turns cost what comparing that log may cost (`WorkBudget`), however many it begins: else
 *   `limit-exceeded` ends the session. Frames of a comparison are numbered, and spans of a turn follow one another in all
 *   its frames: else `protocol`. An answer that was lost would pass for agreement.
 * - [S21] A peer's `open` that asks for the last events (`last`) is answered by one that says where they begin (`cut`).
 *   Before, nothing is compared or sent; the comparison speaks of what lies from there on, whatever the peer's edges are.
 */
import {
  decodeMessage,
  type EventsMessage,
  encodeMessage,
  type FirstTurn,
  type HelloMessage,
  type Message,
  type OpenMessage,
  type RangesMessage,
  type SumsMessage,
  type TruncationsMessage,
  type WantMessage,
} from '../codec/message.js';
import { type Supply, wholeLog } from '../edges.js';
import { GossipError, type GossipErrorCode } from '../errors.js';
import { clockMilliseconds, horizon, tick } from '../hybrid-logical-clock.js';
import { type ReplicaId, replicaIdToBytes, type SequenceNumber } from '../ids.js';
import {
  channelsMax,
  clockDriftMsMax,
  comparisonBytesMax,
  comparisonFramesMax,
  creditBytesMax,
  frameBytesMax,
  frameBytesTarget,
  heartbeatMs,
  idleCompareMs,
  idleCompareMsMax,
  idleSpareMs,
  openRetryMs,
  requestMsMax,
  runsPerFrameMax,
  silenceMsMax,
} from '../limits.js';
import type { Truncation } from '../log/truncations.js';
import type { CloseReason } from '../ports/connection.js';
import type { Run } from '../ports/storage.js';
import { isQuestion, type Range } from '../range.js';
import type { KnownEvent, LogEntry, TimedRun } from '../runs.js';
import { type Channel, type ChannelState, comparedEdges, freshExchange } from './channel.js';
import { type Comparison, endOf, newComparison, noteLacks, pagesOf, type Turn } from './comparison.js';
import { ReadFeeds, type ServedFeed, ServedFeeds } from './feeds.js';
import type {
  Answer,
  Answers,
  Effect,
  Peer,
  Progress,
  SessionInput,
  SessionOptions,
  SessionOutput,
} from './session-io.js';
import { WorkBudget } from './work-budget.js';

/** Of an `events` frame with one block: version, kind, channel, length of the block. */
const eventsHeaderBytesMax = 10;

/** Why a peer may fail to open a log now, and open it some time later. */
const passingReasons: ReadonlySet<GossipErrorCode> = new Set([
  'storage-failed',
  'request-timeout',
  'log-closed',
  'limit-exceeded',
]);

const noTurn = { bytes: 0, turn: undefined } as const;

type Request = RequestOf<Channel, undefined> | RequestOf<undefined, ServedFeed>;

interface RequestOf<OfChannel, OfFeed> {
  readonly kind: Effect['kind'];
  readonly log: string;
  readonly channel: OfChannel;
  readonly feed: OfFeed;
  since: number;
  /** Bytes whose credit is given back with the answer. */
  readonly bytes: number;
  /** The comparison that a `compare` belongs to; a `want` belongs to none. */
  readonly turn: Turn | undefined;
  /** What a `read` reads, where the peer has asked for it. */
  readonly supplies: Map<ReplicaId, KnownEvent> | undefined;
}

/** See the head of this file. @internal */
export class Session {
  readonly #options: SessionOptions;
  readonly #byLog = new Map<string, Channel>();
  readonly #byNumber = new Map<number, Channel>();
  readonly #requests = new Map<number, Request>();
  #outputs: SessionOutput[] = [];
  #state: 'new' | 'greeting' | 'established' | 'ended' = 'new';
  #peer: Peer | undefined;
  #now = 0;
  #clockOffsetMs: number;
  /** How far the peer's clock is from our wall clock, as far as is known. */
  #peerOffsetMs = 0;
  /** When a refusal told of it: clocks are set right at times, so that counts for a while. */
  #peerOffsetAt = 0;
  #lastSent = 0;
  #lastHeard = 0;
  #nextRequest = 1;
  #nextChannel = 1;
  #nextComparison = 1;
  /** Bytes of events that we may still send. */
  #credit = creditBytesMax;
  /** Of these, what reads under way may take: or all logs would read at once for the same credit. */
  #reserved = 0;
  /** Channels and feeds that want to read, each in its turn. */
  readonly #hungry = new Set<Channel | ServedFeed>();
  /** Bytes of events that the peer may still send. */
  #granted = creditBytesMax;
  /** Bytes stored or skipped, to be granted again. */
  #owed = 0;
  readonly #served: ServedFeeds;
  readonly #read: ReadFeeds;
  readonly #budget = new WorkBudget();
  /** What the peer says is hidden in a log that it is about to open. */
  #toldHidden: TruncationsMessage | undefined;
  /** Where our own jitter begins, which differs from node to node. */
  readonly #jitter: number;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#clockOffsetMs = options.clockOffsetMs;
    this.#jitter = replicaIdToBytes(options.node).reduce((sum, byte) => (sum * 31 + byte) >>> 0, 0);
    const send = (message: Message) => void this.#send(message);
    const put = (output: SessionOutput) => void this.#outputs.push(output);
    this.#read = new ReadFeeds({ send, put });
    this.#served = new ServedFeeds({
      ...{ send, put },
      sendEvents: (remote, blocks) => this.#sendEvents(remote, blocks),
      request: (feed, effect) => this.#ask(effect, { channel: undefined, feed, ...noTurn, supplies: undefined }),
      forget: (feed) => this.#forgetFeed(feed),
      queue: (feed) => this.#takeTurn(feed),
    });
  }

  get state(): 'new' | 'greeting' | 'established' | 'ended' {
    return this.#state;
  }

  /** What stands between two inputs about a log; for tests and for looking at a running node. */
  channelState(log: string): ChannelState | 'absent' {
    return this.#byLog.get(log)?.state ?? 'absent';
  }

  /** Is there anything about a log: an exchange, or a feed that the peer reads? */
  uses(log: string): boolean {
    return this.#byLog.has(log) || this.#served.serves(log);
  }

  /** Takes one input and returns what follows from it, in order. */
  handle(input: SessionInput): SessionOutput[] {
    if (this.#state === 'ended') return [];
    this.#setTime(input.now);
    this.#outputs = [];
    switch (input.type) {
      case 'start':
        this.#start();
        break;
      case 'frame':
        this.#frame(input.bytes);
        break;
      case 'attach':
        this.#attach(input.log);
        this.#served.reread(input.log);
        break;
      case 'detach':
        this.#detach(input.log);
        this.#served.detached(input.log);
        break;
      case 'describe': {
        const channel = this.#byLog.get(input.log);
        if (channel !== undefined && this.#state === 'established') this.#describe(channel, true);
        this.#served.reread(input.log);
        break;
      }
      case 'tell': {
        const channel = this.#byLog.get(input.log);
        if (channel?.state === 'live') this.#describe(channel, false);
        break;
      }
      case 'truncated': {
        const channel = this.#byLog.get(input.log);
        if (channel?.described) this.#tellHidden(channel, input.truncations);
        break;
      }
      case 'want': {
        const channel = this.#byLog.get(input.log);
        if (channel?.state !== 'live') break;
        // Behind the edges that are being told: what is sent depends on them.
        if (channel.described && channel.describing === undefined) this.#sendWant(channel, input.runs);
        else channel.toAsk.push(...input.runs);
        break;
      }
      case 'stored':
        this.#stored(input.log, input.entries, input.kept);
        this.#served.stored(input.log, input.entries);
        break;
      case 'subscribe':
        if (this.#state === 'established') this.#read.subscribe(input.feed, this.#nextChannel++, input.request);
        break;
      case 'pull':
        this.#read.pull(input.feed, input.bytes);
        break;
      case 'unsubscribe':
        this.#read.unsubscribe(input.feed);
        break;
      case 'answer':
        this.#answer(input.request, input.answer);
        break;
      case 'failed':
        this.#failed(input.request, input.error);
        break;
      case 'tick':
        this.#tick();
        break;
      case 'end':
        this.#end(input.reason, input.reason.code === 'connection-lost' ? undefined : input.reason);
        break;
    }
    return this.#outputs;
  }

  /** Wall clocks are set back at times: then what was noted in the future counts from now. */
  #setTime(now: number): void {
    if (now < this.#now) {
      this.#lastSent = Math.min(this.#lastSent, now);
      this.#lastHeard = Math.min(this.#lastHeard, now);
      this.#peerOffsetAt = Math.min(this.#peerOffsetAt, now);
      for (const request of this.#requests.values()) request.since = Math.min(request.since, now);
      for (const channel of this.#byLog.values()) {
        if (channel.refusedAt !== undefined) channel.refusedAt = Math.min(channel.refusedAt, now);
        channel.quiet.since = Math.min(channel.quiet.since, now);
        channel.summedAt = Math.min(channel.summedAt, now);
      }
    }
    this.#now = now;
  }

  /** The last time that may be sent now: by this node's corrected clock, and by the peer's. */
  #horizon(): number {
    return horizon(this.#now + Math.min(this.#clockOffsetMs, this.#peerOffsetMs));
  }

  #start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'greeting';
    this.#lastHeard = this.#now;
    const { node, name, durable } = this.#options;
    this.#send({ kind: 'hello', node, name, durable, now: this.#now + this.#clockOffsetMs });
  }

  #frame(bytes: Uint8Array): void {
    this.#lastHeard = this.#now;
    let message: ReturnType<typeof decodeMessage>;
    try {
      message = decodeMessage(bytes);
    } catch (error) {
      if (!(error instanceof GossipError)) throw error;
      this.#fault(error);
      return;
    }
    if (message.kind === 'unknown') return;
    if (message.kind === 'close' && message.channel === 0) {
      this.#end(message.reason, undefined);
      return;
    }
    if (this.#state !== 'established') {
      if (message.kind === 'hello' && this.#state === 'greeting') this.#greeted(message);
      else this.#fault(new GossipError('protocol', `${message.kind} before hello`));
      return;
    }
    switch (message.kind) {
      case 'hello':
        this.#fault(new GossipError('protocol', 'a second hello'));
        return;
      case 'credit':
        this.#credit = Math.min(creditBytesMax, this.#credit + message.bytes);
        this.#readInTurn();
        return;
      case 'open':
        this.#peerOpens(message);
        return;
      case 'truncations':
        this.#peerHides(message);
        return;
      case 'feed':
        this.#unlessFaulty(() => this.#served.asked(message));
        return;
      case 'pull':
        this.#served.pulled(message.channel, message.bytes);
        return;
    }
    const channel = this.#byNumber.get(message.channel);
    if (channel !== undefined && message.kind !== 'sums') channel.quiet.since = this.#now;
    switch (message.kind) {
      case 'sums':
        if (channel !== undefined) this.#peerSums(channel, message);
        return;
      case 'coming':
        if (channel?.state === 'live' && channel.writable) {
          this.#catchUp(channel, message.events === 0 ? undefined : { received: 0, expected: message.events });
        }
        return;
      case 'ranges':
        if (channel !== undefined) this.#ranges(channel, message, bytes.length);
        return;
      case 'events':
        this.#events(channel, message, bytes.length);
        return;
      case 'want':
        if (channel !== undefined) this.#want(channel, message, bytes.length);
        return;
      case 'absent':
        if (channel?.state === 'live') this.#outputs.push({ type: 'absent', log: channel.log, runs: message.runs });
        return;
      case 'ack':
        if (channel !== undefined && this.#peer?.durable && !channel.doubted) {
          this.#outputs.push({ type: 'acknowledged', log: channel.log, node: message.node, runs: message.runs });
        }
        return;
      case 'error': {
        const error = new GossipError(message.code, message.message);
        if (channel !== undefined) this.#peerRefuses(channel, error, message.time);
        else if (this.#read.has(message.channel)) this.#read.refused(message.channel, error);
        return;
      }
      case 'close':
        if (channel !== undefined) this.#closed(channel);
        return;
    }
  }

  #greeted(hello: HelloMessage): void {
    this.#state = 'established';
    this.#peer = { node: hello.node, name: hello.name, durable: hello.durable, clockOffsetMs: hello.now - this.#now };
    this.#peerOffsetMs = this.#clockOf(this.#peer);
    if (hello.durable && !this.#options.durable) this.#clockOffsetMs = this.#peer.clockOffsetMs;
    this.#outputs.push({ type: 'established', peer: this.#peer });
    for (const channel of this.#byLog.values()) this.#describe(channel, true);
  }

  /** The peer's clock, by its hello. One that is not durable takes over the clock of a durable node. */
  #clockOf({ durable, clockOffsetMs }: Peer): number {
    return this.#options.durable && !durable ? this.#clockOffsetMs : clockOffsetMs;
  }

  #attach(log: string): void {
    let channel = this.#byLog.get(log);
    if (channel === undefined) {
      channel = this.#addChannel(log);
      if (channel === undefined) {
        const error = new GossipError('limit-exceeded', `a session carries at most ${channelsMax} logs`);
        this.#outputs.push({ type: 'refused', log, error });
        return;
      }
      if (this.#state === 'established') this.#describe(channel, true);
    } else if (this.#state === 'established' && channel.state === 'offered' && !channel.described) {
      // The peer refused it or left it, and now it is wanted anew.
      this.#describe(channel, true);
    }
    channel.attached = true;
  }

  #detach(log: string): void {
    const channel = this.#byLog.get(log);
    if (channel === undefined) return;
    channel.attached = false;
    // What the peer had us open stays open for it.
    if (channel.forPeer) return;
    if (channel.remote !== undefined) this.#leave(channel.remote);
    this.#removeChannel(channel);
  }

  #leave(remote: number): void {
    this.#send({ kind: 'close', channel: remote, reason: { code: 'normal', message: '' } });
  }

  /** S5, S6, S7. */
  #peerOpens(message: OpenMessage): void {
    const log = message.descriptor.id;
    if (message.turn === undefined && !this.#byLog.has(log)) {
      // The peer answers an `open` of a log that was detached meanwhile: nobody here wants it any more.
      this.#leave(message.channel);
      return;
    }
    const channel = this.#byLog.get(log) ?? this.#addChannel(log);
    if (channel === undefined) {
      this.#refuse(message.channel, new GossipError('limit-exceeded', `a session carries at most ${channelsMax} logs`));
      return;
    }
    channel.descriptor ??= message.descriptor;
    const { codec, policy } = channel.descriptor;
    if (message.descriptor.codec !== codec || message.descriptor.policy !== policy) {
      const error = new GossipError('descriptor-mismatch', 'this log was opened with another descriptor before');
      this.#refuse(message.channel, error);
      return;
    }
    // Under another number the peer has begun afresh: what was sent to the old one, or heard from it, counts no more.
    const isFresh = channel.remote !== undefined && channel.remote !== message.channel;
    channel.remote = message.channel;
    channel.edges = message.edges ?? wholeLog;
    channel.cutting = channel.edges.last !== undefined;
    channel.cut = undefined;
    // One that begins no comparison only tells edges, or answers.
    if (isFresh || message.turn !== undefined) channel.first = message.turn;
    if (this.#toldHidden?.channel === message.channel) this.#hide(channel, this.#toldHidden.truncations);
    this.#toldHidden = undefined;
    switch (channel.state) {
      case 'offered':
        channel.state = 'opening';
        this.#request(channel, {
          kind: 'open',
          log,
          descriptor: message.descriptor,
          token: message.token,
          feed: false,
        });
        // Ours is on its way already, unless the log is not attached: then the answer follows the grant.
        return;
      case 'opening':
        return;
      case 'live':
        channel.muted = false;
        channel.reopen = false;
        // It may have more than when it was asked.
        channel.wanted.clear();
        // It may have forgotten what it was told.
        if (message.turn !== undefined) channel.toldHidden = [];
        this.#outputs.push({ type: 'edges', log, edges: channel.edges });
        if (isFresh) {
          channel.compared = false;
          channel.theirs = undefined;
          channel.healing = undefined;
          channel.ahead.clear();
          this.#catchUp(channel, undefined);
        }
        this.#answerOpen(channel);
        if (!channel.cutting) this.#takeWaiting(channel);
        return;
    }
  }

  /** J4. Of a log that it has not opened yet, under that number, it is kept until the next `open`. */
  #peerHides(message: TruncationsMessage): void {
    const channel = [...this.#byLog.values()].find(({ remote }) => remote === message.channel);
    if (channel === undefined) this.#toldHidden = message;
    else this.#hide(channel, message.truncations);
  }

  /** Who may not write here hides nothing (S14). */
  #hide(channel: Channel, truncations: readonly Truncation[]): void {
    const { log, state, writable } = channel;
    if (truncations.length === 0) return;
    if (state !== 'live') channel.hidden = truncations;
    else if (writable) this.#outputs.push({ type: 'truncations', log, truncations });
  }

  #tellHidden(channel: Channel, truncations: readonly Truncation[]): void {
    if (channel.toldHidden === truncations || truncations.length === 0) return;
    channel.toldHidden = truncations;
    this.#send({ kind: 'truncations', channel: channel.number, truncations });
  }

  /** The peer's `open` is granted: ours goes back if it is asked for, and a comparison is under way in any case. */
  #answerOpen(channel: Channel): void {
    const { first, ours, theirs, compared, described, describing, cutting } = channel;
    // An answer to a comparison of ours that is over for us: it was settled with a former exchange of the peer's.
    const begins = first === undefined && ours === undefined && theirs === undefined && !compared;
    if (begins ? describing?.answer !== true : first !== undefined || !described || cutting) {
      this.#describe(channel, begins);
    }
    this.#takeFirst(channel);
  }

  /** The peer begins a comparison. What it says counts once it was granted the log (S7), and is answered behind our `open`. */
  #takeFirst(channel: Channel): void {
    const { first, state, described, cutting } = channel;
    if (first === undefined || state !== 'live' || !described || cutting) return;
    channel.first = undefined;
    channel.theirs = newComparison(first.comparison);
    channel.theirs.asked = first.ranges.some(isQuestion);
    const turn = { comparison: channel.theirs, own: false, more: false };
    this.#readTurn(channel, first.ranges, turn, 0);
  }

  /** A page of a turn of a comparison. */
  #ranges(channel: Channel, message: RangesMessage, bytes: number): void {
    const { own, more, begins, comparison: number, frame, ranges } = message;
    if (channel.state === 'opening' || (channel.state === 'live' && channel.cutting)) {
      this.#wait(channel, message, bytes);
      return;
    }
    if (channel.state !== 'live') return;
    if (begins) this.#peerHeals(channel, number);
    const comparison = underWay(channel, !own, number);
    if (comparison === undefined) return;
    const end = endOf(ranges, comparison.end);
    if (end === undefined || frame !== comparison.frames) {
      this.#fault(new GossipError('protocol', 'frames or spans of a comparison that do not follow one another'));
      return;
    }
    comparison.end = more ? end : 0;
    if (++comparison.frames > comparisonFramesMax) {
      this.#fault(new GossipError('limit-exceeded', `a comparison takes at most ${comparisonFramesMax} frames`));
      return;
    }
    this.#readTurn(channel, ranges, { comparison, own: !own, more }, bytes);
  }

  /** Frames of a turn are read one after another: an answer may take a while, and each ends where the next begins. */
  #readTurn(channel: Channel, ranges: readonly Range[], turn: Turn, bytes: number): void {
    const { comparison } = turn;
    if (!comparison.reading) {
      comparison.reading = true;
      comparison.asked ||= ranges.some(isQuestion);
      this.#compare(channel, ranges, comparison.number, turn);
      return;
    }
    comparison.waiting.push({ ranges, turn, bytes });
    comparison.waitingBytes += bytes;
    if (comparison.waitingBytes > comparisonBytesMax) {
      this.#fault(new GossipError('limit-exceeded', `${comparison.waitingBytes} bytes of a turn wait to be read`));
    }
  }

  #readNext(channel: Channel, comparison: Comparison): void {
    comparison.reading = false;
    const next = comparison.waiting.shift();
    if (next === undefined) return;
    comparison.waitingBytes -= next.bytes;
    this.#readTurn(channel, next.ranges, next.turn, next.bytes);
  }

  #compare(channel: Channel, received: readonly Range[], salt: number, turn: Turn): void {
    const { log } = channel;
    const peer = comparedEdges(channel);
    const { thorough } = turn.comparison;
    const peerWriter = this.#peer?.node;
    const isDurable = this.#peer?.durable === true;
    this.#request(channel, { kind: 'compare', log, received, salt, thorough, peer, peerWriter, isDurable }, 0, turn);
  }

  /** S18: at rest, and the peer is thought to lack nothing. */
  #isQuiet(channel: Channel): boolean {
    const { behind, reading, storing, unstored, heldTime, describing, summing } = channel;
    if (!this.#mayRead(channel) || behind || describing || summing) return false;
    return (reading ?? storing ?? heldTime) === undefined && unstored.bytes === 0;
  }

  /** S18. Which of the two asks, and when, is nobody's choice: it follows from their ids. */
  #askSums(channel: Channel): void {
    const { since, forMs } = channel.quiet;
    if (this.#peer === undefined || this.#options.node >= this.#peer.node || !this.#isQuiet(channel)) return;
    const jitterMs = ((this.#jitter + channel.number * 7919) % 1000) * (idleCompareMs / 2000);
    if (this.#now - since >= forMs + jitterMs) this.#sum(channel, undefined);
  }

  /** S18. A peer that asks more often than it is to is not answered. */
  #peerSums(channel: Channel, theirs: SumsMessage): void {
    const isResting =
      this.#now - channel.quiet.since >= idleSpareMs && this.#now - channel.summedAt >= idleCompareMs / 2;
    if (!isResting || !this.#isQuiet(channel)) return;
    channel.summedAt = this.#now;
    this.#sum(channel, theirs);
  }

  #sum(channel: Channel, theirs: SumsMessage | undefined): void {
    const upTo = theirs?.upTo ?? tick(0, this.#now + this.#clockOffsetMs - idleSpareMs);
    channel.summing = { upTo, theirs };
    this.#request(channel, { kind: 'sum', log: channel.log, upTo, peer: channel.edges });
  }

  #summed(channel: Channel, { fingerprint }: Answers['sum']): void {
    const { summing } = channel;
    channel.summing = undefined;
    // Too much at once: what is summed by now is kept, and the next time it is less.
    if (summing === undefined || fingerprint === undefined || channel.remote === undefined) return;
    const { upTo, theirs } = summing;
    if (theirs === undefined) {
      const { quiet } = channel;
      if (!quiet.differed) quiet.forMs = idleCompareMs;
      quiet.differed = false;
      quiet.since = this.#now;
      this.#send({ kind: 'sums', channel: channel.remote, upTo, ...fingerprint });
      return;
    }
    const { count, sum } = theirs;
    if (fingerprint.count === count && fingerprint.sum.every((value, lane) => value === sum[lane])) return;
    const number = this.#nextComparison++;
    const comparison = newComparison(number, true);
    channel.healing = { comparison, own: true };
    const received: Range[] = [{ kind: 'fingerprint', from: 0, to: upTo, count, sum }];
    this.#readTurn(channel, received, { comparison, own: true, more: false }, 0);
  }

  /** S18: our sum, or a peer that makes one up, differs from the peer's. */
  #peerHeals(channel: Channel, number: number): void {
    channel.healing = { comparison: newComparison(number, true), own: false };
    const { quiet } = channel;
    if (!quiet.differed) quiet.forMs = Math.min(2 * quiet.forMs, idleCompareMsMax);
    quiet.differed = true;
  }

  /** S19. */
  #catchUp(channel: Channel, progress: Progress | undefined): void {
    if (channel.catchUp === undefined && progress === undefined) return;
    channel.catchUp = progress;
    this.#outputs.push({ type: 'progress', log: channel.log, progress });
  }

  /** S19. What is coming is judged by its first part. */
  #announce(channel: Channel, { entries, more, lacking }: Answers['read']): void {
    if (channel.announced || !more) return;
    channel.announced = true;
    let bytes = 0;
    let events = 0;
    for (const { block, runs } of entries) {
      bytes += block.length;
      events += eventsOf(runs);
    }
    this.#send({
      ...{ kind: 'coming', channel: channel.remote as number, events: lacking },
      bytes: Math.round((bytes / Math.max(1, events)) * lacking),
    });
  }

  #announceEnd(channel: Channel): void {
    if (!channel.announced) return;
    channel.announced = false;
    this.#send({ kind: 'coming', channel: channel.remote as number, events: 0, bytes: 0 });
  }

  /** What the peer said was read and is answered. */
  #compareAnswered(channel: Channel, answer: Answers['compare'], turn: Turn): void {
    const { lacks, reply, missing, doubtful, from, walked, rows } = answer;
    if (!this.#budget.spend(channel.log, walked, rows, this.#now)) {
      this.#fault(new GossipError('limit-exceeded', `comparisons of "${channel.log}" take more than they may`));
      return;
    }
    this.#askFor(channel, missing);
    const { comparison, own, more } = turn;
    if (underWay(channel, own, comparison.number) !== comparison) return;
    noteLacks(comparison.lacks, lacks);
    comparison.doubted ||= doubtful;
    comparison.from = Math.max(comparison.from, from);
    comparison.asks ||= reply.some(isQuestion);
    if (reply.length > 0 || (comparison.asked && !more)) this.#sendRanges(channel, turn, reply);
    if (!more) {
      if (!comparison.asks) this.#compared(channel, comparison);
      comparison.asked = false;
      comparison.asks = false;
    }
    this.#readNext(channel, comparison);
  }

  /** A comparison has ended, at both ends: what the peer lacks is known. */
  #compared(channel: Channel, comparison: Comparison): void {
    const { lacks, doubted, thorough } = comparison;
    if (thorough) {
      // It says nothing of the last events, so it settles nothing else.
      channel.healing = undefined;
      noteLacks(channel.lacks, lacks);
      if (lacks.size > 0) channel.behind = true;
      channel.stale = true;
      return;
    }
    // One that crossed it goes on: whether the other side has ended that, too, nobody could know.
    if (channel.ours === comparison) channel.ours = undefined;
    else channel.theirs = undefined;
    channel.lacks = lacks;
    channel.compared = true;
    channel.behind = true;
    channel.stale = true;
    channel.doubted = doubted;
    channel.reopen = doubted;
    this.#announceEnd(channel);
    if (this.#peer?.durable && !doubted) {
      const { from } = comparison;
      this.#outputs.push({ type: 'compared', log: channel.log, node: this.#peer.name, from, lacks });
    }
  }

  #sendRanges(channel: Channel, { comparison, own, more }: Turn, ranges: readonly Range[]): void {
    const pages = pagesOf(ranges);
    for (const [i, page] of pages.entries()) {
      this.#send({
        kind: 'ranges',
        channel: channel.remote as number,
        comparison: comparison.number,
        own,
        more: more || i < pages.length - 1,
        begins: comparison.thorough && own && comparison.sent === 0,
        frame: comparison.sent++,
        ranges: page,
      });
    }
  }

  /** S7: until the peer is granted the log. */
  #wait(channel: Channel, message: RangesMessage | WantMessage, bytes: number): void {
    const waiting = channel.waiting.reduce((sum, frame) => sum + frame.bytes, bytes);
    if (waiting > 2 * creditBytesMax) {
      this.#fault(new GossipError('limit-exceeded', `${waiting} bytes before "${channel.log}" is granted`));
    } else {
      channel.waiting.push({ message, bytes });
    }
  }

  #takeWaiting(channel: Channel): void {
    const { waiting } = channel;
    channel.waiting = [];
    for (const { message, bytes } of waiting) {
      if (message.kind === 'events') this.#merge(channel, message.blocks, bytes);
      else if (message.kind === 'want') this.#want(channel, message, bytes);
      else this.#ranges(channel, message, bytes);
    }
  }

  #want(channel: Channel, message: WantMessage, bytes: number): void {
    const { log, edges, state } = channel;
    if (state === 'opening') this.#wait(channel, message, bytes);
    else if (state === 'live') this.#request(channel, { kind: 'supply', log, runs: message.runs, from: edges.wanted });
  }

  /** S11. What is here of what the peer asked for is read; of the rest it is told. */
  #supply(channel: Channel, { lacks, absent }: Supply): void {
    noteLacks(channel.supplies, lacks);
    if (absent.length === 0 || channel.remote === undefined) return;
    for (let from = 0; from < absent.length; from += runsPerFrameMax) {
      const runs = absent.slice(from, from + runsPerFrameMax);
      this.#send({ kind: 'absent', channel: channel.remote, runs });
    }
  }

  #events(channel: Channel | undefined, message: EventsMessage, bytes: number): void {
    this.#granted -= bytes;
    if (this.#granted < -frameBytesMax) {
      this.#fault(new GossipError('credit-exceeded', `${-this.#granted} bytes of events beyond what was granted`));
      return;
    }
    if (channel === undefined || channel.state === 'offered') {
      this.#giveBack(bytes);
      const { channel: number, blocks } = message;
      if (this.#read.has(number)) this.#unlessFaulty(() => this.#read.received(number, blocks, bytes));
      return;
    }
    if (channel.state === 'opening') {
      channel.waiting.push({ message, bytes });
      return;
    }
    this.#merge(channel, message.blocks, bytes);
  }

  #merge(channel: Channel, blocks: readonly Uint8Array[], bytes: number): void {
    if (!channel.writable) {
      this.#giveBack(bytes);
      this.#refuse(channel.remote, new GossipError('forbidden', 'this peer may not write here'));
      return;
    }
    this.#request(channel, { kind: 'merge', log: channel.log, blocks }, bytes);
  }

  /** S13, S14, and what else a peer may say of one log. */
  #peerRefuses(channel: Channel, error: GossipError, time: number): void {
    if (error.code === 'not-found') {
      this.#peerLeaves(channel);
      return;
    }
    if (error.code === 'early') {
      const offsetMs = clockMilliseconds(time) - clockDriftMsMax - this.#now - 1;
      this.#peerOffsetMs = Math.min(this.#peerOffsetMs, offsetMs);
      this.#peerOffsetAt = this.#now;
      channel.reopen = true;
    } else if (channel.state === 'offered') {
      // It was our `open` that is refused. Should the peer open the log later, it needs another one.
      this.#forgetRequests(channel);
      Object.assign(channel, freshExchange(this.#now));
      if (passingReasons.has(error.code)) channel.refusedAt = this.#now;
    } else {
      channel.muted = true;
      if (passingReasons.has(error.code)) channel.refusedAt = this.#now;
    }
    this.#outputs.push({ type: 'refused', log: channel.log, error });
  }

  /** S16. A peer that was only answered may not know that this node wants the log too, so it is told. */
  #closed(channel: Channel): void {
    const tell = channel.attached && !channel.asked;
    this.#peerLeaves(channel);
    if (tell) this.#describe(channel, true);
  }

  /** S16: the peer has no more to do with the log. */
  #peerLeaves(channel: Channel): void {
    this.#forgetRequests(channel);
    if (channel.forPeer) this.#outputs.push({ type: 'released', log: channel.log });
    if (!channel.attached) {
      this.#removeChannel(channel);
      return;
    }
    Object.assign(channel, freshExchange(this.#now));
  }

  #stored(log: string, entries: readonly LogEntry[], kept: ReadonlyMap<ReplicaId, SequenceNumber> | undefined): void {
    const channel = this.#byLog.get(log);
    if (channel === undefined) return;
    const acks = new Map<ReplicaId, SequenceNumber>();
    const blocks: Uint8Array[] = [];
    const due = this.#horizon();
    const mayPush = this.#mayRead(channel);
    let credit = this.#credit;
    channel.stale = true;
    channel.quiet.since = this.#now;
    for (const { block, runs } of entries) {
      // A block that filled the frame it came in may not fit behind a larger channel number.
      const fits = credit > 0 && block.length <= frameBytesMax - eventsHeaderBytesMax;
      let next = mayPush && !channel.behind && fits;
      let lacking = false;
      for (const run of runs) {
        acks.set(run.replica, kept?.get(run.replica) ?? run.last);
        const known = this.#knownOf(channel, run);
        if (run.last <= known) continue;
        lacking = true;
        if (run.first > known + 1 || run.lastTime > due) next = false;
      }
      if (!lacking) continue;
      if (next) {
        this.#know(channel, runs);
        blocks.push(block);
        credit -= block.length;
        continue;
      }
      channel.behind = true;
      for (const { lacks } of lackings(channel)) {
        for (const run of runs) {
          const known = Math.max(run.first - 1, channel.ahead.get(run.replica) ?? 0);
          if (run.last > known && !lacks.has(run.replica))
            lacks.set(run.replica, { seq: known, time: run.firstTime - 1 });
        }
      }
    }
    for (const [replica, last] of acks) if ((channel.ahead.get(replica) ?? 0) <= last) channel.ahead.delete(replica);
    if (channel.state !== 'live') return;
    this.#acknowledge(channel, acks);
    this.#sendEvents(channel.remote as number, blocks);
    this.#takeTurn(channel);
  }

  /** The last event of a run's replica that the peer has: if nothing else is known, what was stored here before. */
  #knownOf({ lacks, ahead }: Channel, { replica, first }: TimedRun): SequenceNumber {
    return lacks.get(replica)?.seq ?? Math.max(first - 1, ahead.get(replica) ?? 0);
  }

  /** May events go to the peer? What it lacks is known, it can take them, and nothing is to be settled first. */
  #mayRead({ state, described, cutting, compared, ours, theirs, muted, reopen }: Channel): boolean {
    return state === 'live' && described && !cutting && compared && !ours && !theirs && !muted && !reopen;
  }

  #answer(number: number, answer: Answer): void {
    const request = this.#settle(number);
    if (request === undefined) {
      // The log was opened for a peer that has left it meanwhile.
      if (answer.kind === 'open' && answer.forPeer) this.#outputs.push({ type: 'released', log: answer.log });
      return;
    }
    if (answer.kind !== request.kind) {
      this.#fault(new GossipError('protocol', `a ${request.kind} request was answered with ${answer.kind}`));
      return;
    }
    const { channel, feed } = request;
    if (feed !== undefined) {
      if (answer.kind === 'open') this.#served.granted(feed, answer.forPeer);
      if (answer.kind === 'select') this.#served.selected(feed, answer, this.#credit > 0);
      return;
    }
    switch (answer.kind) {
      case 'open': {
        channel.state = 'live';
        channel.forPeer = answer.forPeer;
        channel.writable = answer.writable;
        this.#hide(channel, channel.hidden);
        channel.hidden = [];
        this.#outputs.push({ type: 'edges', log: channel.log, edges: channel.edges });
        if (!channel.described || channel.first === undefined || channel.cutting) this.#answerOpen(channel);
        else this.#takeFirst(channel);
        this.#takeWaiting(channel);
        break;
      }
      case 'describe': {
        const { answer: asked, last } = channel.describing ?? { answer: false, last: undefined };
        channel.describing = undefined;
        channel.described = true;
        channel.asked ||= asked;
        this.#sendOpen(channel, answer, asked);
        if (channel.cutting && channel.state === 'live') {
          if (last === channel.edges.last) {
            channel.cutting = false;
            channel.cut = answer.edges?.cut;
            this.#takeWaiting(channel);
          } else {
            // It has asked while this one was being made.
            this.#describe(channel, false);
          }
        }
        if (channel.state === 'live') this.#sendWant(channel, channel.toAsk.splice(0));
        this.#takeFirst(channel);
        break;
      }
      case 'compare':
        this.#compareAnswered(channel, answer, request.turn as Turn);
        break;
      case 'supply':
        this.#supply(channel, answer);
        break;
      case 'read': {
        channel.reading = undefined;
        const { supplies } = request;
        if (this.#credit <= 0) {
          // Others read events larger than what was reserved for them: this is read again when there is credit.
          if (supplies === undefined) channel.behind = true;
          else noteLacks(channel.supplies, supplies);
          break;
        }
        if (supplies === undefined) {
          for (const { runs } of answer.entries) this.#know(channel, runs);
          this.#announce(channel, answer);
        } else if (answer.more || answer.heldTime !== undefined) {
          for (const { runs } of answer.entries) advance(supplies, runs);
          noteLacks(answer.more ? channel.supplies : channel.heldSupplies, supplies);
        }
        this.#sendEvents(
          channel.remote as number,
          answer.entries.map((entry) => entry.block),
        );
        if (answer.heldTime !== undefined) {
          channel.heldTime = Math.min(answer.heldTime, channel.heldTime ?? Number.POSITIVE_INFINITY);
        }
        if (supplies !== undefined) break;
        channel.behind = answer.more || channel.stale;
        if (!channel.behind) this.#announceEnd(channel);
        if (!channel.behind && answer.heldTime === undefined) channel.lacks.clear();
        break;
      }
      case 'sum':
        this.#summed(channel, answer);
        break;
      case 'merge': {
        this.#know(channel, answer.runs);
        if (channel.catchUp !== undefined) {
          const { received, expected } = channel.catchUp;
          const more = Math.min(expected, received + eventsOf(answer.runs));
          this.#catchUp(channel, { received: more, expected });
        }
        for (const { replica, last } of answer.runs) {
          if (last > (channel.ahead.get(replica) ?? 0)) channel.ahead.set(replica, last);
        }
        if (this.#peer?.durable && answer.runs.length > 0 && !channel.doubted) {
          this.#outputs.push({ type: 'acknowledged', log: channel.log, node: this.#peer.name, runs: answer.runs });
        }
        for (const { replica } of answer.runs) {
          if (!channel.acked.has(replica)) channel.acked.set(replica, 0);
          channel.unstored.replicas.add(replica);
        }
        this.#askFor(channel, answer.missing);
        if (answer.dropped > 0) channel.reopen = true;
        channel.unstored.bytes += request.bytes;
        this.#store(channel);
        break;
      }
      case 'store':
        channel.storing = undefined;
        this.#acknowledge(channel, answer.stored);
        this.#giveBack(request.bytes);
        this.#store(channel);
        break;
    }
    this.#takeTurn(channel);
  }

  #failed(number: number, error: GossipError): void {
    const request = this.#settle(number);
    if (request === undefined) return;
    const { channel, feed, kind } = request;
    if (feed !== undefined) {
      this.#served.fail(feed, error);
      return;
    }
    if (kind === 'open') {
      this.#refuse(channel.remote, error);
      this.#forgetRequests(channel);
      if (channel.attached) Object.assign(channel, freshExchange(this.#now));
      else this.#removeChannel(channel);
    } else if (kind === 'merge' && (error.code === 'early' || error.code === 'limit-exceeded')) {
      this.#giveBack(request.bytes);
      this.#refuse(channel.remote, error);
    } else {
      this.#fault(error);
    }
  }

  #tick(): void {
    if (this.#state === 'new') return;
    if (this.#now - this.#lastHeard > silenceMsMax) {
      this.#fault(new GossipError('connection-lost', `nothing was heard for ${this.#now - this.#lastHeard} ms`));
      return;
    }
    for (const [number, { kind, log, since }] of this.#requests) {
      if (kind === 'store' || this.#now - since <= requestMsMax) continue;
      this.#failed(number, new GossipError('request-timeout', `${kind} of "${log}" was not answered in time`));
      if (this.#state === 'ended') return;
    }
    if (this.#now - this.#peerOffsetAt >= clockDriftMsMax && this.#peer !== undefined) {
      this.#peerOffsetMs = this.#clockOf(this.#peer);
    }
    for (const channel of this.#byLog.values()) {
      if (channel.refusedAt !== undefined && this.#now - channel.refusedAt >= openRetryMs) {
        channel.refusedAt = undefined;
        this.#describe(channel, true);
      }
      if (channel.state !== 'live') continue;
      if (channel.heldTime !== undefined && channel.heldTime <= this.#horizon()) {
        channel.heldTime = undefined;
        channel.behind = true;
        noteLacks(channel.supplies, channel.heldSupplies);
        channel.heldSupplies = new Map();
      }
      if (channel.reopen) {
        channel.reopen = false;
        channel.wanted.clear();
        this.#describe(channel, true);
      }
      this.#askSums(channel);
      this.#takeTurn(channel);
    }
    if (this.#now - this.#lastSent >= heartbeatMs) this.#grant();
  }

  /** Sends our description of a log once the driver has given it. */
  #describe(channel: Channel, answer: boolean): void {
    if (channel.describing !== undefined) {
      channel.describing = { ...channel.describing, answer: answer || channel.describing.answer };
      return;
    }
    const { last } = channel.edges;
    channel.describing = { answer, last };
    this.#request(channel, { kind: 'describe', log: channel.log, last });
  }

  /** S5: who asks for an answer begins a comparison; what was known of the peer's part is not needed any more. */
  #sendOpen(
    channel: Channel,
    { descriptor, ranges, token, edges, truncations = [] }: Answers['describe'],
    asks: boolean,
  ): void {
    let turn: FirstTurn | undefined;
    if (asks) {
      const comparison = this.#nextComparison++;
      channel.ours = newComparison(comparison);
      turn = { comparison, ranges };
    }
    const about = edges === undefined ? {} : { edges };
    this.#tellHidden(channel, truncations);
    this.#send({ kind: 'open', channel: channel.number, descriptor, token, ...about, turn });
  }

  /** Reads on for a peer that is behind, once it is this log's turn and there is credit. */
  #takeTurn(channel: Channel | ServedFeed): void {
    this.#hungry.add(channel);
    this.#readInTurn();
  }

  #readInTurn(): void {
    for (const channel of this.#hungry) {
      if (this.#credit <= this.#reserved) return;
      this.#hungry.delete(channel);
      if (!('behind' in channel)) {
        this.#served.readOn(channel);
        continue;
      }
      const supplies = channel.supplies.size > 0 ? channel.supplies : undefined;
      if (!channel.behind && supplies === undefined) continue;
      if (channel.reading !== undefined || !this.#mayRead(channel)) continue;
      if (supplies === undefined) channel.stale = false;
      else channel.supplies = new Map();
      const lacks = supplies ?? channel.lacks;
      const { log } = channel;
      const query = { lacks, bytesMax: frameBytesTarget, upTo: this.#horizon() };
      channel.reading = this.#ask({ kind: 'read', log, ...query }, { channel, feed: undefined, ...noTurn, supplies });
    }
  }

  /** Blocks as `events` frames. Returns their bytes. */
  #sendEvents(remote: number, blocks: readonly Uint8Array[]): number {
    let from = 0;
    let bytes = 0;
    let sent = 0;
    for (let i = 0; i <= blocks.length; i++) {
      const size = blocks[i]?.length ?? 0;
      if (i === blocks.length || (i > from && bytes + size > frameBytesTarget)) {
        if (i > from) sent += this.#send({ kind: 'events', channel: remote, blocks: blocks.slice(from, i) });
        from = i;
        bytes = 0;
      }
      bytes += size;
    }
    this.#credit -= sent;
    return sent;
  }

  /** The peer has these: it sent them, or was sent them. */
  #know(channel: Channel, runs: readonly TimedRun[]): void {
    for (const { lacks } of lackings(channel)) advance(lacks, runs);
  }

  #askFor(channel: Channel, missing: readonly Run[]): void {
    const runs = missing
      .filter(({ replica, last }) => last > (channel.wanted.get(replica) ?? 0))
      .slice(0, runsPerFrameMax);
    if (runs.length > 0) this.#sendWant(channel, runs);
  }

  #sendWant(channel: Channel, runs: readonly Run[]): void {
    if (channel.remote === undefined || runs.length === 0) return;
    for (const { replica, last } of runs) channel.wanted.set(replica, last);
    this.#outputs.push({ type: 'asked', log: channel.log, runs });
    for (let from = 0; from < runs.length; from += runsPerFrameMax) {
      this.#send({ kind: 'want', channel: channel.remote, runs: runs.slice(from, from + runsPerFrameMax) });
    }
  }

  /** One store request at a time for a log; what is merged meanwhile goes into the next. */
  #store(channel: Channel): void {
    const { bytes, replicas } = channel.unstored;
    if (channel.storing !== undefined || bytes === 0) return;
    channel.unstored = { bytes: 0, replicas: new Set() };
    channel.storing = this.#request(channel, { kind: 'store', log: channel.log, replicas: [...replicas] }, bytes);
  }

  /** S12. */
  #acknowledge(channel: Channel, stored: ReadonlyMap<ReplicaId, SequenceNumber>): void {
    if (!this.#options.durable || channel.remote === undefined) return;
    const runs: Run[] = [];
    for (const [replica, last] of stored) {
      const acked = channel.acked.get(replica);
      if (acked === undefined || last <= acked) continue;
      channel.acked.set(replica, last);
      runs.push({ replica, first: acked + 1, last });
    }
    for (let from = 0; from < runs.length; from += runsPerFrameMax) {
      const page = runs.slice(from, from + runsPerFrameMax);
      this.#send({ kind: 'ack', channel: channel.remote, node: this.#options.name, runs: page });
    }
  }

  /** Credit is granted again in quarters of the window, so that it does not cost a frame per frame. */
  #giveBack(bytes: number): void {
    this.#owed += bytes;
    if (this.#owed >= creditBytesMax / 4) this.#grant();
  }

  #grant(): void {
    const bytes = Math.min(this.#owed, creditBytesMax);
    this.#owed -= bytes;
    this.#granted += bytes;
    this.#send({ kind: 'credit', bytes });
  }

  #refuse(remote: number | undefined, error: GossipError): void {
    if (remote === undefined) return;
    const time = typeof error.context['time'] === 'number' ? error.context['time'] : 0;
    this.#send({ kind: 'error', channel: remote, code: error.code, message: error.message, time });
  }

  #request(channel: Channel, effect: Effect, bytes = 0, turn?: Turn): number {
    if (effect.kind !== 'sum') channel.quiet.since = this.#now;
    return this.#ask(effect, { channel, feed: undefined, bytes, turn, supplies: undefined });
  }

  #ask(effect: Effect, of: Pick<Request, 'channel' | 'feed' | 'bytes' | 'turn' | 'supplies'>): number {
    const request = this.#nextRequest++;
    const { kind, log } = effect;
    if (kind === 'read' || kind === 'select') this.#reserved += frameBytesTarget;
    this.#requests.set(request, { kind, log, since: this.#now, ...of } as Request);
    this.#outputs.push({ type: 'request', request, effect });
    return request;
  }

  /** A request is over; `undefined` when nobody waits for its answer any more. */
  #settle(number: number): Request | undefined {
    const request = this.#requests.get(number);
    this.#requests.delete(number);
    if (request?.kind === 'read' || request?.kind === 'select') this.#reserved -= frameBytesTarget;
    return request;
  }

  #send(message: Message): number {
    const frame = encodeMessage(message);
    this.#lastSent = this.#now;
    this.#outputs.push({ type: 'send', frame });
    return frame.length;
  }

  #addChannel(log: string): Channel | undefined {
    if (this.#byLog.size >= channelsMax) return undefined;
    // Numbers are never used again: a frame that crossed a close must not reach another log (L6).
    const number = this.#nextChannel++;
    const channel: Channel = { log, number, attached: false, ...freshExchange(this.#now) };
    this.#byLog.set(log, channel);
    this.#byNumber.set(number, channel);
    return channel;
  }

  #removeChannel(channel: Channel): void {
    this.#byLog.delete(channel.log);
    this.#byNumber.delete(channel.number);
    this.#forgetRequests(channel);
  }

  /** Answers to what was asked for this exchange are of no use any more; credit tied to them is given back. */
  #forgetRequests(channel: Channel): void {
    this.#catchUp(channel, undefined);
    for (const [number, request] of this.#requests) {
      if (request.channel !== channel) continue;
      this.#settle(number);
      if (request.bytes > 0) this.#giveBack(request.bytes);
    }
    const { unstored, waiting } = channel;
    channel.unstored = { bytes: 0, replicas: new Set() };
    channel.waiting = [];
    const bytes = waiting.reduce(
      (sum, frame) => (frame.message.kind === 'events' ? sum + frame.bytes : sum),
      unstored.bytes,
    );
    if (bytes > 0) this.#giveBack(bytes);
    this.#hungry.delete(channel);
    this.#readInTurn();
  }

  #forgetFeed(feed: ServedFeed): void {
    for (const [number, request] of this.#requests) if (request.feed === feed) this.#settle(number);
    this.#hungry.delete(feed);
    this.#readInTurn();
  }

  /** What a peer's bytes may break ends the session alone (L6). */
  #unlessFaulty(take: () => void): void {
    try {
      take();
    } catch (error) {
      if (!(error instanceof GossipError)) throw error;
      this.#fault(error);
    }
  }

  /** The session ends because of `error`, and the peer is told why. */
  #fault(error: GossipError): void {
    const reason = { code: error.code, message: error.message };
    this.#end(reason, reason);
  }

  #end(reason: CloseReason, tell: CloseReason | undefined): void {
    if (tell !== undefined && this.#state !== 'new') this.#send({ kind: 'close', channel: 0, reason: tell });
    this.#state = 'ended';
    for (const channel of this.#byLog.values()) {
      this.#catchUp(channel, undefined);
      if (channel.forPeer) this.#outputs.push({ type: 'released', log: channel.log });
    }
    this.#byLog.clear();
    this.#byNumber.clear();
    this.#hungry.clear();
    this.#served.end();
    this.#requests.clear();
    this.#outputs.push({ type: 'end', reason });
  }
}

/** Of what somebody lacks, these are on their way. */
function advance(lacks: Map<ReplicaId, KnownEvent>, runs: readonly TimedRun[]): void {
  for (const { replica, last, lastTime } of runs) {
    const known = lacks.get(replica);
    if (known !== undefined && last > known.seq) lacks.set(replica, { ...known, seq: last, time: lastTime });
  }
}

/** The comparison of that number, begun by this node (`own`) or by the peer. */
function underWay({ ours, theirs, healing }: Channel, own: boolean, number: number): Comparison | undefined {
  const opening = own ? ours : theirs;
  if (opening?.number === number) return opening;
  return healing?.own === own && healing.comparison.number === number ? healing.comparison : undefined;
}

function eventsOf(runs: readonly TimedRun[]): number {
  return runs.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

/** Where it is kept what the peer lacks: in the channel, and in each comparison under way. */
function lackings({ lacks, ours, theirs }: Channel): { readonly lacks: Map<ReplicaId, KnownEvent> }[] {
  return [{ lacks }, ...(ours === undefined ? [] : [ours]), ...(theirs === undefined ? [] : [theirs])];
}
