/**
 * One session: two nodes, one connection, any number of logs. A state machine without I/O: `handle(input)` returns
 * outputs; the driver sends frames, carries out requests and hands their answers back as inputs.
 *
 *     new ── start ──▶ greeting ── the peer's hello ──▶ established ── close, fault, silence ──▶ ended
 *
 * Here is what becomes of each input, and the connection's own rules. The rules of a log are with the parts: in
 * `channels.ts` how it comes and goes, in `comparing.ts` and `idle-comparison.ts` how it is compared, in `sending.ts`,
 * `receiving.ts`, `wants.ts` and `progress.ts` how its events go to and fro, in `clocks.ts` up to which time. Feeds, which
 * take part in none of this but the credit, are in `feeds.ts`. All rules, with the byte tables, are in `docs/protocol.md`;
 * tests cite them.
 *
 * - [S1] `hello` comes first, once, each way. What this node says of its logs follows at once: waiting for the peer's would
 *   take a round trip. Any other known frame before it, or a second one, ends the session: `protocol`. A `close` of the
 *   session may come at any time.
 * - [S2] Any frame is a sign of life. After `heartbeatMs` without sending, a credit of what is owed, maybe 0, is sent; a
 *   frame of the peer calls for one after half of that, since timers may be throttled and frames are not. After
 *   `silenceMsMax` without hearing, the session ends: `connection-lost`.
 * - [S3] A frame of unknown kind is skipped; an unknown version ends the session: `version-unsupported`.
 * - [S4] Bytes that break the format, a checksum, or a clock or sequence rule end the session with that code, and
 *   change nothing else.
 * - [S15] Requests are numbered. An answer to none is ignored, and a log that it opened is released. A failed or
 *   overdue one ends the session, but for `open` (that log is refused), a feed's (F2) and an `early` merge. A `store` is
 *   never overdue: a slow disk holds back credit, and that is enough.
 * - [S17] A frame for a channel that is not there is skipped: it crossed a `close`. Its credit is given back.
 * - [S24] A `ping` that asks is answered by one that does not, and each tells its sender's clock. The driver asks for a
 *   probe when the way may be gone, the session itself after a long standstill and when its wall clock was set: a `ping`
 *   goes out, and if nothing is heard for `probeMsMax`, the session ends: `connection-lost`.
 * - [S25] Time in which this node stood still counts neither as the peer's silence nor as a request's delay.
 */
import { decodeMessage, type HelloMessage, type PingMessage } from '../codec/message.js';
import { GossipError } from '../errors.js';
import { heartbeatMs, probeMsMax, requestMsMax, silenceMsMax, standstillMsMin } from '../limits.js';
import type { CloseReason } from '../ports/connection.js';
import { printable } from '../printable.js';
import type { ChannelState } from './channel.js';
import { Channels } from './channels.js';
import { Comparing } from './comparing.js';
import type { Turn } from './comparison.js';
import { ReadFeeds, type ServedFeed, ServedFeeds } from './feeds.js';
import { IdleComparison } from './idle-comparison.js';
import { catchUp, through } from './progress.js';
import { Receiving } from './receiving.js';
import { Sending } from './sending.js';
import { SessionContext } from './session-context.js';
import type { Answer, SessionInput, SessionOptions, SessionOutput } from './session-io.js';
import { supply, supplyOwed } from './wants.js';

/** See the head of this file. @internal */
export class Session {
  readonly #context: SessionContext;
  readonly #channels: Channels;
  readonly #comparing: Comparing;
  readonly #idle: IdleComparison;
  readonly #sending: Sending;
  readonly #receiving: Receiving;
  readonly #served: ServedFeeds;
  readonly #read: ReadFeeds;
  #state: 'new' | 'greeting' | 'established' | 'ended' = 'new';
  #lastHeard = 0;
  /** When the peer was asked for a sign of life, and none came since. */
  #probedAt: number | undefined;

  constructor(options: SessionOptions) {
    const context = new SessionContext(options, (error) => this.#fault(error));
    const sending = new Sending(context, (feed) => this.#served.readOn(feed));
    const receiving = new Receiving(context);
    const comparing = new Comparing(context);
    const idle = new IdleComparison(context, comparing);
    this.#context = context;
    this.#sending = sending;
    this.#receiving = receiving;
    this.#comparing = comparing;
    this.#idle = idle;
    this.#channels = new Channels(context, { sending, receiving, comparing, idle });
    this.#read = new ReadFeeds(context);
    this.#served = new ServedFeeds({
      send: (message) => context.send(message),
      put: (output) => context.put(output),
      sendEvents: (remote, blocks) => sending.sendEvents(remote, blocks),
      request: (feed, effect) => context.ask(effect, { channel: undefined, feed }),
      forget: (feed) => this.#forgetFeed(feed),
      queue: (feed) => sending.takeTurn(feed),
    });
  }

  get state(): 'new' | 'greeting' | 'established' | 'ended' {
    return this.#state;
  }

  /** A sign of life is waited for: ticks must come at least each quarter of `probeMsMax`. */
  get isProbing(): boolean {
    return this.#probedAt !== undefined && this.#state !== 'ended';
  }

  /** What stands between two inputs about a log; for tests and for looking at a running node. */
  channelState(log: string): ChannelState | 'absent' {
    return this.#channels.of(log)?.state ?? 'absent';
  }

  /** The last time that the peer is sent at once; 0 before it has said hello. */
  get sendsUpTo(): number {
    return this.#state === 'established' ? this.#context.clocks.readHorizon() : 0;
  }

  /** Is there anything about a log: an exchange, or a feed that the peer reads? */
  uses(log: string): boolean {
    return this.#channels.of(log) !== undefined || this.#served.serves(log);
  }

  /** Takes one input and returns what follows from it, in order. */
  handle(input: SessionInput): SessionOutput[] {
    if (this.#state === 'ended') return [];
    const outputs = this.#context.collect();
    this.#pass(input.now);
    const hasGreeted = this.#state !== 'new';
    switch (input.type) {
      case 'start':
        this.#start();
        break;
      case 'frame':
        this.#frame(input.bytes);
        this.#answerHeartbeat();
        break;
      case 'attach':
        this.#channels.attach(input.log, hasGreeted, input.distance ?? 0);
        this.#served.reread(input.log);
        break;
      case 'detach':
        this.#channels.detach(input.log);
        this.#served.detached(input.log);
        break;
      case 'describe': {
        const channel = this.#channels.of(input.log);
        if (channel !== undefined && hasGreeted) this.#channels.describe(channel, true);
        this.#served.reread(input.log);
        break;
      }
      case 'tell': {
        const channel = this.#channels.of(input.log);
        if (channel?.state === 'live') this.#channels.describe(channel, false);
        break;
      }
      case 'dropped': {
        const channel = this.#channels.of(input.log);
        if (channel !== undefined) channel.dropped = true;
        break;
      }
      case 'redacted': {
        const channel = this.#channels.of(input.log);
        if (channel !== undefined) this.#channels.redacted(channel);
        break;
      }
      case 'want': {
        const channel = this.#channels.of(input.log);
        if (channel !== undefined) this.#channels.want(channel, input.runs);
        break;
      }
      case 'stored':
        this.#stored(input);
        this.#served.stored(input.log, input.entries);
        break;
      case 'subscribe':
        if (this.#state === 'established') this.#read.subscribe(input.feed, this.#channels.takeNumber(), input.request);
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
      case 'probe':
        this.#probe();
        break;
      case 'end':
        this.#end(input.reason, input.reason.code === 'connection-lost' ? undefined : input.reason);
        break;
    }
    return outputs;
  }

  /** S24, S25. Time has passed since the last input. */
  #pass(now: number): void {
    const { clocks, requests } = this.#context;
    const passedMs = now - clocks.now;
    clocks.now = now;
    const wasSet = clocks.wasSet();
    if (this.#state === 'new') return;
    const stoodStillMs = passedMs - (this.isProbing ? probeMsMax / 2 : standstillMsMin);
    if (stoodStillMs > 0) {
      this.#lastHeard += stoodStillMs;
      for (const request of requests.values()) request.since += stoodStillMs;
      if (this.#probedAt !== undefined) this.#probedAt += stoodStillMs;
    }
    if (wasSet || passedMs > silenceMsMax) this.#probe();
  }

  #probe(): void {
    if (this.#state === 'new' || this.#state === 'ended') return;
    // One that waits for an answer goes on waiting: asking again would put off its end.
    if (this.#probedAt !== undefined) return;
    this.#probedAt = this.#context.now;
    this.#ping(true);
  }

  #ping(asks: boolean): void {
    const { clocks } = this.#context;
    this.#context.send({ kind: 'ping', asks, now: clocks.wall + clocks.offsetMs });
  }

  #start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'greeting';
    const { clocks, options } = this.#context;
    this.#lastHeard = clocks.now;
    const { node, name, durable, onDemand = false } = options;
    const now = clocks.wall + clocks.offsetMs;
    this.#context.send({ kind: 'hello', node, name, durable, onDemand, now });
    for (const channel of this.#channels) this.#channels.describe(channel, true);
  }

  #frame(bytes: Uint8Array): void {
    this.#lastHeard = this.#context.now;
    this.#probedAt = undefined;
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
      const { code, message: text } = message.reason;
      this.#end({ code, message: printable(text) }, undefined);
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
      case 'ping':
        this.#pinged(message);
        return;
      case 'credit':
        this.#sending.credited(message.bytes);
        return;
      case 'open':
        this.#channels.peerOpens(message);
        return;
      case 'feed':
        this.#unlessFaulty(() => this.#served.asked(message));
        return;
      case 'pull':
        this.#served.pulled(message.channel, message.bytes);
        return;
    }
    const context = this.#context;
    const channel = this.#channels.numbered(message.channel);
    if (channel !== undefined && message.kind !== 'sums') channel.quiet.since = context.now;
    switch (message.kind) {
      case 'sums':
        if (channel !== undefined) this.#idle.peerSums(channel, message);
        return;
      case 'coming':
        if (channel?.state === 'live' && channel.writable) {
          catchUp(context, channel, message.events === 0 ? undefined : { received: 0, expected: message.events });
          channel.isThrough = message.events === 0;
          through(context, channel);
        }
        return;
      case 'ranges':
        if (channel !== undefined) this.#channels.ranges(channel, message, bytes.length);
        return;
      case 'events':
        if (!this.#receiving.spend(bytes.length)) return;
        if (channel === undefined || channel.state === 'offered') {
          this.#receiving.giveBack(bytes.length);
          const { channel: number, blocks } = message;
          if (this.#read.has(number)) this.#unlessFaulty(() => this.#read.received(number, blocks, bytes.length));
          return;
        }
        this.#channels.events(channel, message, bytes.length);
        return;
      case 'want':
        if (channel !== undefined) this.#channels.wanted(channel, message, bytes.length);
        return;
      case 'absent':
        if (channel?.state === 'live') context.put({ type: 'absent', log: channel.log, runs: message.runs });
        return;
      case 'cut':
        if (channel !== undefined) this.#channels.cut(channel, message, bytes.length);
        return;
      case 'ack':
        // A durable node keeps what it has, whoever else does.
        if (channel !== undefined && context.peer?.durable && !context.options.durable) {
          const { node, runs } = message;
          context.put({ type: 'acknowledged', log: channel.log, node: printable(node), runs });
        }
        return;
      case 'error': {
        const error = new GossipError(message.code, printable(message.message));
        if (channel !== undefined) this.#channels.peerRefuses(channel, error, message.time);
        else if (this.#read.has(message.channel)) this.#read.refused(message.channel, error);
        return;
      }
      case 'close':
        if (channel !== undefined) this.#channels.closed(channel);
        return;
    }
  }

  #greeted(hello: HelloMessage): void {
    this.#state = 'established';
    const context = this.#context;
    const { node, name, durable, onDemand, now } = hello;
    context.peer = {
      node,
      name: printable(name),
      durable,
      ...(onDemand && { onDemand }),
      clockOffsetMs: now - context.clocks.wall,
    };
    context.clocks.told(context.peer);
    context.put({ type: 'established', peer: context.peer });
  }

  #pinged({ asks, now }: PingMessage): void {
    const context = this.#context;
    const { peer, clocks } = context;
    if (peer === undefined) return;
    context.peer = { ...peer, clockOffsetMs: now - clocks.wall };
    clocks.told(context.peer);
    context.put({ type: 'clock', peer: context.peer });
    this.#channels.clockTold();
    if (asks) this.#ping(false);
  }

  #stored({ log, entries, kept }: Extract<SessionInput, { type: 'stored' }>): void {
    const channel = this.#channels.of(log);
    if (channel === undefined) return;
    supplyOwed(this.#context, channel, entries);
    const { stored, blocks } = this.#sending.stored(channel, entries, kept);
    if (channel.state !== 'live') return;
    this.#receiving.acknowledge(channel, stored);
    this.#sending.sendEvents(channel.remote as number, blocks);
    this.#sending.takeTurn(channel);
  }

  #answer(number: number, answer: Answer): void {
    const request = this.#context.settle(number);
    if (request === undefined) {
      // The log was opened for a peer that has left it meanwhile.
      if (answer.kind === 'open' && answer.forPeer) this.#context.put({ type: 'released', log: answer.log });
      return;
    }
    if (answer.kind !== request.kind) {
      this.#fault(new GossipError('protocol', `a ${request.kind} request was answered with ${answer.kind}`));
      return;
    }
    const { channel, feed } = request;
    if (feed !== undefined) {
      if (answer.kind === 'open') this.#served.granted(feed, answer.forPeer);
      if (answer.kind === 'select') this.#served.selected(feed, answer, this.#sending.hasCredit);
      return;
    }
    switch (answer.kind) {
      case 'open':
        this.#channels.granted(channel, answer);
        break;
      case 'describe':
        this.#channels.described(channel, answer);
        break;
      case 'compare':
        this.#comparing.answered(channel, answer, request.turn as Turn);
        break;
      case 'supply':
        supply(this.#context, channel, answer);
        break;
      case 'read':
        // It counted as held, and is gone with something that was damaged, say.
        supply(this.#context, channel, {
          lacks: new Map(),
          absent: this.#sending.read(channel, answer, request.supplies),
        });
        break;
      case 'redactions':
        this.#sending.redactionsRead(channel, answer);
        break;
      case 'sum':
        this.#idle.summed(channel, answer);
        break;
      case 'merge':
        this.#receiving.merged(channel, answer, request.bytes);
        through(this.#context, channel);
        break;
      case 'store':
        this.#receiving.stored(channel, answer, request.bytes);
        break;
    }
    this.#sending.takeTurn(channel);
  }

  #failed(number: number, error: GossipError): void {
    const request = this.#context.settle(number);
    if (request === undefined) return;
    const { channel, feed, kind } = request;
    if (feed !== undefined) {
      this.#served.fail(feed, error);
      return;
    }
    if (kind === 'open') {
      this.#channels.denied(channel, error);
    } else if (kind === 'merge' && error.code === 'early') {
      this.#receiving.giveBack(request.bytes);
      this.#context.refuse(channel.remote, error);
    } else {
      this.#fault(error);
    }
  }

  /**
   * S2. Browsers throttle the timers of a hidden page to one a minute, but not its sockets. Half: heartbeats do not come to
   * the millisecond, and one too early would have to wait for the next.
   */
  #answerHeartbeat(): void {
    const { now, lastSent } = this.#context;
    if (this.#state === 'established' && now - lastSent >= heartbeatMs / 2) this.#receiving.grant();
  }

  #tick(): void {
    if (this.#state === 'new') return;
    const { clocks, now, peer, requests } = this.#context;
    if (this.#probedAt !== undefined && now - this.#probedAt >= probeMsMax) {
      this.#fault(new GossipError('connection-lost', 'the peer was asked for a sign of life and gave none'));
      return;
    }
    if (now - this.#lastHeard > silenceMsMax) {
      this.#fault(new GossipError('connection-lost', `nothing was heard for ${Math.round(now - this.#lastHeard)} ms`));
      return;
    }
    for (const [number, { kind, log, since }] of requests) {
      if (kind === 'store' || now - since <= requestMsMax) continue;
      this.#failed(number, new GossipError('request-timeout', `${kind} of "${log}" was not answered in time`));
      if (this.#state === 'ended') return;
    }
    if (peer !== undefined) clocks.tick();
    this.#channels.tick();
    if (now - this.#context.lastSent >= heartbeatMs) this.#receiving.grant();
  }

  #forgetFeed(feed: ServedFeed): void {
    for (const [number, request] of this.#context.requests) if (request.feed === feed) this.#context.settle(number);
    this.#sending.forget(feed);
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
    const context = this.#context;
    if (tell !== undefined && this.#state !== 'new') context.send({ kind: 'close', channel: 0, reason: tell });
    this.#state = 'ended';
    this.#channels.end();
    this.#sending.end();
    this.#served.end();
    context.requests.clear();
    context.put({ type: 'end', reason });
  }
}
