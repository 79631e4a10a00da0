/**
 * Comparisons of logs with the peer (S5): turns are read and answered, and what the peer lacks is known when one ends.
 *
 * - [S20] A peer's turns cost what comparing that log may cost (`WorkBudget`), however many it begins: else
 *   `limit-exceeded` ends the session. Frames of a comparison are numbered, and spans of a turn follow one another in all
 *   its frames: else `protocol`. An answer that was lost would pass for agreement.
 */
import type { FirstTurn, RangesMessage } from '../codec/message.js';
import { GossipError } from '../errors.js';
import { comparisonBytesMax, comparisonFramesMax } from '../limits.js';
import { isQuestion, type Range } from '../range.js';
import { type Channel, comparedEdges } from './channel.js';
import { type Comparison, endOf, newComparison, noteLacks, pagesOf, type Turn } from './comparison.js';
import type { SessionContext } from './session-context.js';
import type { Answers } from './session-io.js';
import { WorkBudget } from './work-budget.js';

/** @internal */
export class Comparing {
  readonly #session: SessionContext;
  readonly #budget = new WorkBudget();
  #nextComparison = 1;

  constructor(session: SessionContext) {
    this.#session = session;
  }

  /** This node begins one; `ranges` is its first turn, of what lies from `from` on. */
  begin(channel: Channel, ranges: readonly Range[], from: number): FirstTurn {
    const comparison = this.#nextComparison++;
    // The edge may have fallen when the answer comes.
    channel.ours = { ...newComparison(comparison), from };
    return { comparison, ranges };
  }

  /** S18. This node begins a thorough one, with what it answers to what the peer said of itself. */
  beginThorough(channel: Channel, received: readonly Range[]): void {
    const comparison = newComparison(this.#nextComparison++, true);
    channel.healing = { comparison, own: true };
    this.#readTurn(channel, received, { comparison, own: true, more: false }, 0);
  }

  /** The peer begins a comparison. What it says counts once it was granted the log (S7), and is answered behind our `open`. */
  takeFirst(channel: Channel): void {
    const { first, state, described, cutting } = channel;
    if (first === undefined || state !== 'live' || !described || cutting) return;
    channel.first = undefined;
    if (this.#crosses(channel)) {
      const turn = { comparison: newComparison(first.comparison), own: false, more: false };
      this.#sendRanges(channel, turn, [], true);
      return;
    }
    channel.theirs = newComparison(first.comparison);
    channel.theirs.asked = first.ranges.some(isQuestion);
    const turn = { comparison: channel.theirs, own: false, more: false };
    this.#readTurn(channel, first.ranges, turn, 0);
  }

  /**
   * Does one of ours serve for that of the peer? The peer answers it behind its first `open`, so with all that it has said
   * there. A later `open` may want what was answered before to be compared anew: then both go on.
   */
  #crosses({ meets, ours }: Channel): boolean {
    const { options, peer } = this.#session;
    return meets && ours !== undefined && peer !== undefined && options.node < peer.node;
  }

  /** A page of a turn of a comparison. */
  received(channel: Channel, message: RangesMessage, bytes: number): void {
    const { own, more, yields, comparison: number, frame, ranges } = message;
    const comparison = underWay(channel, !own, number);
    if (comparison === undefined) return;
    const end = endOf(ranges, comparison.end);
    if (end === undefined || frame !== comparison.frames) {
      this.#session.fault(
        new GossipError('protocol', 'frames or spans of a comparison that do not follow one another'),
      );
      return;
    }
    if (yields) {
      this.#letGo(channel, comparison);
      return;
    }
    comparison.end = more ? end : 0;
    if (++comparison.frames > comparisonFramesMax) {
      this.#session.fault(
        new GossipError('limit-exceeded', `a comparison takes at most ${comparisonFramesMax} frames`),
      );
      return;
    }
    this.#readTurn(channel, ranges, { comparison, own: !own, more }, bytes);
  }

  /** The peer lets ours go: its own, of which it has told before, is to come, under way or over. */
  #letGo(channel: Channel, { thorough }: Comparison): void {
    const { first, theirs, compared } = channel;
    if (thorough || ((first ?? theirs) === undefined && !compared)) {
      this.#session.fault(new GossipError('protocol', 'a comparison is let go, and no other one serves for it'));
      return;
    }
    channel.ours = undefined;
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
      this.#session.fault(
        new GossipError('limit-exceeded', `${comparison.waitingBytes} bytes of a turn wait to be read`),
      );
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
    const isDurable = this.#session.peer?.durable === true;
    const effect = { kind: 'compare', log, received, salt, thorough, peer, isDurable } as const;
    this.#session.request(channel, effect, 0, turn);
  }

  /** What the peer said was read and is answered. */
  answered(channel: Channel, answer: Answers['compare'], turn: Turn): void {
    const { lacks, reply, from, walked, rows } = answer;
    if (!this.#budget.spend(channel.log, walked, rows, this.#session.now)) {
      this.#session.fault(new GossipError('limit-exceeded', `comparisons of "${channel.log}" take more than they may`));
      return;
    }
    const { comparison, own, more } = turn;
    if (underWay(channel, own, comparison.number) !== comparison) return;
    noteLacks(comparison.lacks, lacks);
    // Of the last events that were asked for the peer has said where they begin (S21).
    comparison.from = Math.max(comparison.from, from, channel.edges.cut ?? 0);
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
    const { lacks, onTheWay, thorough } = comparison;
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
    channel.newest = channel.edges.catchUpEventsMax;
    channel.compared = true;
    channel.behind = true;
    channel.stale = true;
    // What was announced is read anew: the peer is told of the end of that.
    channel.tellsEnd ||= channel.announced;
    channel.announced = false;
    const { peer } = this.#session;
    if (peer?.durable) {
      const { from } = comparison;
      const notHad = onTheWay.size === 0 ? lacks : new Map(lacks);
      noteLacks(notHad, onTheWay);
      this.#session.put({ type: 'compared', log: channel.log, node: peer.name, from, lacks: notHad });
    }
  }

  #sendRanges(channel: Channel, { comparison, own, more }: Turn, ranges: readonly Range[], yields = false): void {
    const pages = pagesOf(ranges);
    for (const [i, page] of pages.entries()) {
      this.#session.send({
        kind: 'ranges',
        channel: channel.remote as number,
        comparison: comparison.number,
        own,
        more: more || i < pages.length - 1,
        begins: comparison.thorough && own && comparison.sent === 0,
        yields,
        frame: comparison.sent++,
        ranges: page,
      });
    }
  }
}

/** The comparison of that number, begun by this node (`own`) or by the peer. */
function underWay({ ours, theirs, healing }: Channel, own: boolean, number: number): Comparison | undefined {
  const opening = own ? ours : theirs;
  if (opening?.number === number) return opening;
  return healing?.own === own && healing.comparison.number === number ? healing.comparison : undefined;
}
