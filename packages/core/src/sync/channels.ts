/**
 * The logs of a session: how one comes to be open at both ends, and how it is left.
 *
 *     attach ▶ offered ─┐                    (this node wants it; the peer has not opened it)
 *                       ├─ peer's open ▶ opening ─ allowed ▶ live
 *     peer's open, ─────┘                       └ refused ▶ offered or gone
 *     not attached
 *
 * - [S5] `open` names a log. Its channel is the sender's number for it; all other frames but a feed's (F1) carry the
 *   receiver's number. It asks for an `open` in return, or is that answer; an answer to what was detached meanwhile is
 *   answered with `close`. Who asks also begins a comparison (`ranges`): turns go back and forth until one asks nothing
 *   (C1 to C6, at the head of `log/compare-rows.ts`). A comparison that begins anew replaces the one before; frames of the
 *   old one are skipped. Where the first `open` of both begins one, the node of the lower id lets the other's go: its own
 *   serves for both.
 * - [S23] A number serves for one exchange: when that is over, the next `open` takes another. Under another number the peer
 *   has begun afresh, and what was said to it or by it counts no more. Where it asks, our `open` goes first, and begins a
 *   comparison in place of one of ours that was under way: the peer may have neither.
 * - [S6] Logs of one name with different descriptors do not sync: `descriptor-mismatch`, for that log alone. An `open`
 *   that comes again keeps its descriptor.
 * - [S7] A peer's `open` is granted by the driver (request `open`) before anything of the log is sent or merged. What
 *   comes meanwhile waits.
 * - [S14] Events of a peer that may not write are refused: `forbidden`; it stops sending and goes on reading. An
 *   `open` that was refused is made anew when the peer opens the log itself, and after `openRetryMs` when the reason
 *   may have passed.
 * - [S28] Of events that a peer that may write and not redact sends, those before the first that would erase something here
 *   are taken and acknowledged (G11); then it is refused like one that may not write. When somebody else's redactions come, it
 *   is asked to open the log anew: what it was refused may be known by now, and what follows that is taken.
 * - [S16] `close` on a channel ends that log's exchange, on channel 0 the session. A log that was opened for the peer
 *   alone is released. A node that wants the log and has only answered so far opens it anew.
 * - [S26] An `open` tells how many nodes away its sender is from one that uses the log: 0 where it does so itself, infinite
 *   where it only answers. A log that neither end wants is closed. What a node on demand is asked for by peers, it asks of
 *   other nodes on demand, one farther, but of such that are nearer to where the log is used; beyond `bridgedNodesMax` nodes
 *   no other is asked.
 * - [S21] A peer's `open` that asks for the last events (`last`) is answered by one that says where they begin (`cut`).
 *   Before, nothing is compared or sent; the comparison speaks of what lies from there on, whatever the peer's edges are.
 *   Once all that is lacking of it has been sent, `coming` says so.
 */
import type { CutMessage, EventsMessage, OpenMessage, RangesMessage, WantMessage } from '../codec/message.js';
import { wholeLog } from '../edges.js';
import { GossipError, type GossipErrorCode } from '../errors.js';
import { channelsMax, creditBytesMax, openRetryMs } from '../limits.js';
import type { Run } from '../ports/storage.js';
import { type Channel, freshExchange } from './channel.js';
import type { Comparing } from './comparing.js';
import type { IdleComparison } from './idle-comparison.js';
import { catchUp } from './progress.js';
import type { Receiving } from './receiving.js';
import type { Sending } from './sending.js';
import type { SessionContext } from './session-context.js';
import type { Answers } from './session-io.js';
import { sendWant } from './wants.js';

/** Why a peer may fail to open a log now, and open it some time later. */
const passingReasons: ReadonlySet<GossipErrorCode> = new Set([
  'storage-failed',
  'request-timeout',
  'log-closed',
  'limit-exceeded',
]);

/** What a frame that waits takes beside its bytes, so that a million of three bytes each do not count as little. */
const waitingFrameBytes = 200;

/** The parts that what happens to a log is passed on to. */
export interface ChannelParts {
  readonly sending: Sending;
  readonly receiving: Receiving;
  readonly comparing: Comparing;
  readonly idle: IdleComparison;
}

/** @internal */
export class Channels {
  readonly #session: SessionContext;
  readonly #parts: ChannelParts;
  readonly #byLog = new Map<string, Channel>();
  readonly #byNumber = new Map<number, Channel>();
  #nextNumber = 1;

  constructor(session: SessionContext, parts: ChannelParts) {
    this.#session = session;
    this.#parts = parts;
  }

  /** All logs. */
  [Symbol.iterator](): IterableIterator<Channel> {
    return this.#byLog.values();
  }

  of(log: string): Channel | undefined {
    return this.#byLog.get(log);
  }

  numbered(number: number): Channel | undefined {
    return this.#byNumber.get(number);
  }

  /** A number for a log or a feed. None is used again: a frame that crossed a close must not reach another log (L6). */
  takeNumber(): number {
    return this.#nextNumber++;
  }

  attach(log: string, hasGreeted: boolean, distance: number): void {
    let channel = this.#byLog.get(log);
    if (channel === undefined) {
      channel = this.#add(log, distance);
      if (channel === undefined) {
        const error = new GossipError('limit-exceeded', `a session carries at most ${channelsMax} logs`);
        this.#session.put({ type: 'refused', log, error });
        return;
      }
      if (hasGreeted) this.describe(channel, true);
    } else if (hasGreeted && channel.state === 'offered' && !channel.described) {
      // The peer refused it or left it, and now it is wanted anew.
      this.describe(channel, true);
    }
    channel.distance = distance;
    this.#tellDistance(channel);
  }

  detach(log: string): void {
    const channel = this.#byLog.get(log);
    if (channel === undefined) return;
    channel.distance = Number.POSITIVE_INFINITY;
    // What the peer had us open stays open for it.
    const { onDemand = false } = this.#session.options;
    if (
      (channel.forPeer || onDemand) &&
      channel.state !== 'offered' &&
      channel.peerDistance < Number.POSITIVE_INFINITY
    ) {
      channel.asked = false;
      this.#tellDistance(channel);
      return;
    }
    if (channel.remote !== undefined) this.#leave(channel.remote);
    if (channel.forPeer) this.#session.put({ type: 'released', log });
    this.#remove(channel);
  }

  /** S26. To a peer that opens nothing on demand it makes no difference. */
  #tellDistance(channel: Channel): void {
    const { state, described, distance, toldDistance } = channel;
    if (state !== 'live' || !described || distance === toldDistance || !this.#session.peer?.onDemand) return;
    this.describe(channel, false);
  }

  #leave(remote: number): void {
    this.#session.send({ kind: 'close', channel: remote, reason: { code: 'normal', message: '' } });
  }

  /** S5, S6, S7. */
  peerOpens(message: OpenMessage): void {
    const log = message.descriptor.id;
    const known = this.#byLog.get(log);
    const { distance = 0 } = message;
    const isWanted = Math.min(distance, known?.distance ?? Number.POSITIVE_INFINITY) < Number.POSITIVE_INFINITY;
    if (!isWanted || (message.turn === undefined && known === undefined)) {
      // The peer answers an `open` of a log that was detached meanwhile, or does not want it any more either.
      this.#leave(message.channel);
      if (known !== undefined) this.#peerLeaves(known);
      return;
    }
    const channel = known ?? this.#add(log, Number.POSITIVE_INFINITY);
    if (channel === undefined) {
      const error = new GossipError('limit-exceeded', `a session carries at most ${channelsMax} logs`);
      this.#session.refuse(message.channel, error);
      return;
    }
    channel.descriptor ??= message.descriptor;
    const { codec, policy } = channel.descriptor;
    if (message.descriptor.codec !== codec || message.descriptor.policy !== policy) {
      const error = new GossipError('descriptor-mismatch', 'this log was opened with another descriptor before');
      this.#session.refuse(message.channel, error);
      return;
    }
    const asks = message.turn !== undefined;
    // Under another number the peer has begun afresh: what was sent to the old one, or heard from it, counts no more.
    const isFresh = channel.remote !== undefined && channel.remote !== message.channel;
    if (isFresh) this.#forgetPeer(channel, asks);
    channel.remote = message.channel;
    channel.peerDistance = distance;
    channel.edges = message.edges ?? wholeLog;
    const { complete, redactions } = channel.edges;
    channel.redactions = redactions && { from: redactions.from, to: complete, known: redactions, isRead: false };
    channel.cutting = channel.edges.last !== undefined;
    channel.meets = channel.state === 'offered' && !channel.cutting;
    channel.cut = undefined;
    // One that begins no comparison only tells edges, or answers.
    if (isFresh || asks) channel.first = message.turn;
    switch (channel.state) {
      case 'offered':
        channel.state = 'opening';
        this.#session.request(channel, {
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
        channel.refusal = undefined;
        channel.reopen = false;
        // It may have more than when it was asked.
        channel.wanted.clear();
        this.#session.put({ type: 'edges', log, edges: channel.edges, distance });
        this.#answerOpen(channel);
        if (!channel.cutting) this.#takeWaiting(channel);
        this.#parts.sending.takeTurn(channel);
        return;
    }
  }

  /** The peer has begun afresh. Where it asks, it may have done so without our `open`, and without what that has begun. */
  #forgetPeer(channel: Channel, asks: boolean): void {
    channel.muted = false;
    channel.refusal = undefined;
    channel.compared = false;
    channel.theirs = undefined;
    channel.healing = undefined;
    channel.ahead.clear();
    catchUp(this.#session, channel, undefined);
    if (!asks) return;
    channel.described = false;
    channel.lost = channel.ours !== undefined;
    channel.ours = undefined;
  }

  /** The driver has granted the peer's `open`. */
  granted(channel: Channel, { forPeer, writable }: Answers['open']): void {
    channel.state = 'live';
    channel.forPeer = forPeer;
    channel.writable = writable;
    this.#session.put({ type: 'edges', log: channel.log, edges: channel.edges, distance: channel.peerDistance });
    if (!channel.described || channel.first === undefined || channel.cutting) this.#answerOpen(channel);
    else this.#parts.comparing.takeFirst(channel);
    this.#tellDistance(channel);
    this.#takeWaiting(channel);
  }

  /** The driver has not. */
  denied(channel: Channel, error: GossipError): void {
    this.#session.refuse(channel.remote, error);
    this.#forgetRequests(channel);
    if (isWantedHere(channel)) Object.assign(channel, freshExchange(this.#session.now));
    else this.#remove(channel);
  }

  /** The peer's `open` is granted: ours goes back if it is asked for, and a comparison is under way in any case. */
  #answerOpen(channel: Channel): void {
    const { first, ours, theirs, compared, described, describing, cutting, lost } = channel;
    const isAnswer = first === undefined && theirs === undefined;
    const begins = (isAnswer || lost) && ours === undefined && !compared;
    if (begins ? describing?.answer !== true : first !== undefined || !described || cutting) {
      this.describe(channel, begins);
    }
    this.#parts.comparing.takeFirst(channel);
  }

  /** Sends our description of a log once the driver has given it. */
  describe(channel: Channel, answer: boolean): void {
    if (channel.describing !== undefined) {
      channel.describing = { ...channel.describing, answer: answer || channel.describing.answer };
      return;
    }
    const { last } = channel.edges;
    channel.describing = { answer, last };
    this.#session.request(channel, { kind: 'describe', log: channel.log, last });
  }

  described(channel: Channel, answer: Answers['describe']): void {
    const { answer: asked, last } = channel.describing ?? { answer: false, last: undefined };
    channel.describing = undefined;
    const isCut = channel.cutting && channel.state === 'live';
    // The peer has opened the log anew while this was being made: it must not take the cut for one that it asks for now.
    const isOutdated = last !== channel.edges.last;
    if (isCut && isOutdated) {
      this.describe(channel, asked);
      return;
    }
    channel.described = true;
    channel.asked ||= asked;
    this.#sendOpen(channel, isOutdated ? withoutCut(answer) : answer, asked);
    if (isCut) {
      channel.cutting = false;
      channel.cut = answer.edges?.cut;
      channel.tellsEnd = true;
      this.#takeWaiting(channel);
    }
    if (channel.state === 'live') sendWant(this.#session, channel, channel.toAsk.splice(0));
    this.#parts.comparing.takeFirst(channel);
  }

  /** S5: who asks for an answer begins a comparison; what was known of the peer's part is not needed any more. */
  #sendOpen(channel: Channel, { descriptor, ranges, token, edges }: Answers['describe'], asks: boolean): void {
    if (channel.isSpent) this.#renumber(channel);
    const turn = asks ? this.#parts.comparing.begin(channel, ranges, edges?.complete ?? 0) : undefined;
    channel.lost = false;
    const { distance } = channel;
    channel.toldDistance = distance;
    const about = { ...(edges === undefined ? {} : { edges }), ...(distance > 0 && { distance }) };
    channel.limited ||= edges?.catchUpEventsMax !== undefined;
    this.#session.send({ kind: 'open', channel: channel.number, descriptor, token, ...about, turn });
  }

  /** Runs that are wanted, whether they were asked for before or not. */
  want(channel: Channel, runs: readonly Run[]): void {
    if (channel.state !== 'live') return;
    // Behind the edges that are being told: what is sent depends on them.
    if (channel.described && channel.describing === undefined) sendWant(this.#session, channel, runs);
    else channel.toAsk.push(...runs);
  }

  /** A page of a turn of a comparison. */
  ranges(channel: Channel, message: RangesMessage, bytes: number): void {
    if (channel.state === 'opening' || (channel.state === 'live' && channel.cutting)) {
      this.#wait(channel, message, bytes);
      return;
    }
    if (channel.state !== 'live') return;
    if (message.begins) this.#parts.idle.peerHeals(channel, message.comparison);
    this.#parts.comparing.received(channel, message, bytes);
    if (message.yields) this.#parts.sending.takeTurn(channel);
  }

  wanted(channel: Channel, message: WantMessage, bytes: number): void {
    const { log, edges, state } = channel;
    if (state === 'opening') this.#wait(channel, message, bytes);
    else if (state === 'live') {
      this.#session.request(channel, { kind: 'supply', log, runs: message.runs, from: edges.wanted });
    }
  }

  events(channel: Channel, message: EventsMessage, bytes: number): void {
    if (channel.state === 'opening') channel.waiting.push({ message, bytes });
    else this.#parts.receiving.merge(channel, message.blocks, bytes);
  }

  /** S22. What a peer says that may not write, or was not asked, counts for nothing (S14). */
  cut(channel: Channel, message: CutMessage, bytes: number): void {
    const { log, state, writable, limited } = channel;
    if (state === 'opening') this.#wait(channel, message, bytes);
    else if (state === 'live' && writable && limited) this.#session.put({ type: 'cut', log, time: message.time });
  }

  /** S7: until the peer is granted the log. */
  #wait(channel: Channel, message: CutMessage | RangesMessage | WantMessage, bytes: number): void {
    channel.waitingBytes += bytes + waitingFrameBytes;
    if (channel.waitingBytes > 2 * creditBytesMax) {
      const error = new GossipError(
        'limit-exceeded',
        `${channel.waitingBytes} bytes before "${channel.log}" is granted`,
      );
      this.#session.fault(error);
    } else {
      channel.waiting.push({ message, bytes });
    }
  }

  #takeWaiting(channel: Channel): void {
    const { waiting } = channel;
    channel.waiting = [];
    channel.waitingBytes = 0;
    for (const { message, bytes } of waiting) {
      if (message.kind === 'events') this.#parts.receiving.merge(channel, message.blocks, bytes);
      else if (message.kind === 'want') this.wanted(channel, message, bytes);
      else if (message.kind === 'cut') this.cut(channel, message, bytes);
      else this.ranges(channel, message, bytes);
    }
  }

  /** S13, S14, and what else a peer may say of one log. */
  peerRefuses(channel: Channel, error: GossipError, time: number): void {
    if (error.code === 'not-found') {
      this.#peerLeaves(channel);
      return;
    }
    if (error.code === 'early') {
      this.#session.clocks.early(time);
      channel.reopen = true;
    } else if (channel.state === 'offered') {
      // It was our `open` that is refused. Should the peer open the log later, it needs another one.
      this.#forgetRequests(channel);
      Object.assign(channel, freshExchange(this.#session.now));
      if (passingReasons.has(error.code)) channel.refusedAt = this.#session.now;
      this.#session.put({ type: 'left', log: channel.log });
    } else {
      channel.muted = true;
      if (passingReasons.has(error.code)) channel.refusedAt = this.#session.now;
    }
    this.#session.put({ type: 'refused', log: channel.log, error });
  }

  /** S16. A peer that was only answered may not know that this node wants the log too, so it is told. */
  closed(channel: Channel): void {
    const tell = isWantedHere(channel) && !channel.asked;
    this.#peerLeaves(channel);
    if (tell) this.describe(channel, true);
  }

  /** S16: the peer has no more to do with the log. */
  #peerLeaves(channel: Channel): void {
    this.#forgetRequests(channel);
    this.#session.put({ type: 'left', log: channel.log });
    if (channel.forPeer) this.#session.put({ type: 'released', log: channel.log });
    if (!isWantedHere(channel)) {
      this.#remove(channel);
      return;
    }
    Object.assign(channel, freshExchange(this.#session.now));
  }

  /** S28. What was refused may be taken now. */
  redacted(channel: Channel): void {
    if (channel.refusal !== undefined) channel.dropped = true;
  }

  /** What was held back may be due by the peer's clock. */
  clockTold(): void {
    for (const channel of this.#byLog.values()) {
      if (channel.state !== 'live') continue;
      this.#parts.sending.tick(channel);
      this.#parts.sending.takeTurn(channel);
    }
  }

  tick(): void {
    const { now } = this.#session;
    for (const channel of this.#byLog.values()) {
      if (channel.refusedAt !== undefined && now - channel.refusedAt >= openRetryMs) {
        channel.refusedAt = undefined;
        this.describe(channel, true);
      }
      if (channel.state !== 'live') continue;
      this.#parts.sending.tick(channel);
      if (channel.reopen || channel.dropped) {
        channel.reopen = false;
        channel.dropped = false;
        channel.wanted.clear();
        this.describe(channel, true);
      }
      this.#parts.idle.tick(channel);
      this.#parts.sending.takeTurn(channel);
    }
  }

  end(): void {
    for (const channel of this.#byLog.values()) {
      catchUp(this.#session, channel, undefined);
      if (channel.forPeer) this.#session.put({ type: 'released', log: channel.log });
    }
    this.#byLog.clear();
    this.#byNumber.clear();
  }

  #add(log: string, distance: number): Channel | undefined {
    if (this.#byLog.size >= channelsMax) return undefined;
    const number = this.takeNumber();
    const channel: Channel = { log, number, distance, ...freshExchange(this.#session.now), isSpent: false };
    this.#byLog.set(log, channel);
    this.#byNumber.set(number, channel);
    return channel;
  }

  #renumber(channel: Channel): void {
    this.#byNumber.delete(channel.number);
    channel.number = this.takeNumber();
    channel.isSpent = false;
    this.#byNumber.set(channel.number, channel);
  }

  #remove(channel: Channel): void {
    this.#byLog.delete(channel.log);
    this.#byNumber.delete(channel.number);
    this.#forgetRequests(channel);
  }

  /** Answers to what was asked for this exchange are of no use any more; credit tied to them is given back. */
  #forgetRequests(channel: Channel): void {
    const { receiving, sending } = this.#parts;
    catchUp(this.#session, channel, undefined);
    for (const [number, request] of this.#session.requests) {
      if (request.channel !== channel) continue;
      this.#session.settle(number);
      if (request.bytes > 0) receiving.giveBack(request.bytes);
    }
    const { unstored, waiting } = channel;
    channel.unstored = { bytes: 0, runs: [] };
    channel.waiting = [];
    channel.waitingBytes = 0;
    const bytes = waiting.reduce(
      (sum, frame) => (frame.message.kind === 'events' ? sum + frame.bytes : sum),
      unstored.bytes,
    );
    if (bytes > 0) receiving.giveBack(bytes);
    sending.forget(channel);
  }
}

function withoutCut({ edges, ...description }: Answers['describe']): Answers['describe'] {
  const { cut: _, ...told } = edges ?? wholeLog;
  return { ...description, edges: told };
}

/** This node uses the log, or peers of it do. */
function isWantedHere({ distance }: Channel): boolean {
  return distance < Number.POSITIVE_INFINITY;
}
