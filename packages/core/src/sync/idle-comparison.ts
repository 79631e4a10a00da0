/**
 * Logs at rest are compared by the clock.
 *
 * - [S18] A log at rest, nothing being under way, is compared every `idleCompareMs`, with jitter: the node of the lower id sends
 *   the sum of all events up to `idleSpareMs` ago (`sums`). A peer that agrees stays silent; another one begins a thorough
 *   comparison (C6), beside which everything goes on. Where that mends nothing it comes half as often each time.
 */
import type { SumsMessage } from '../codec/message.js';
import { tick } from '../hybrid-logical-clock.js';
import { writerIdToBytes } from '../ids.js';
import { idleCompareMs, idleCompareMsMax, idleSpareMs } from '../limits.js';
import { type Channel, mayRead } from './channel.js';
import type { Comparing } from './comparing.js';
import { newComparison } from './comparison.js';
import type { SessionContext } from './session-context.js';
import type { Answers } from './session-io.js';

/** @internal */
export class IdleComparison {
  readonly #session: SessionContext;
  readonly #comparing: Comparing;
  /** Where our own jitter begins, which differs from node to node. */
  readonly #jitter: number;

  constructor(session: SessionContext, comparing: Comparing) {
    this.#session = session;
    this.#comparing = comparing;
    this.#jitter = writerIdToBytes(session.options.node).reduce((sum, byte) => (sum * 31 + byte) >>> 0, 0);
  }

  /** Which of the two asks, and when, is nobody's choice: it follows from their ids. */
  tick(channel: Channel): void {
    const { options, peer, now } = this.#session;
    const { since, forMs } = channel.quiet;
    if (peer === undefined || options.node >= peer.node || !isQuiet(channel)) return;
    const jitterMs = ((this.#jitter + channel.number * 7919) % 1000) * (idleCompareMs / 2000);
    if (now - since >= forMs + jitterMs) this.#sum(channel, undefined);
  }

  /** A peer that asks more often than it is to is not answered. */
  peerSums(channel: Channel, theirs: SumsMessage): void {
    const { now } = this.#session;
    const isResting = now - channel.quiet.since >= idleSpareMs && now - channel.summedAt >= idleCompareMs / 2;
    if (!isResting || !isQuiet(channel)) return;
    channel.summedAt = now;
    this.#sum(channel, theirs);
  }

  #sum(channel: Channel, theirs: SumsMessage | undefined): void {
    const { clocks } = this.#session;
    const upTo = theirs?.upTo ?? tick(0, clocks.wall + clocks.offsetMs - idleSpareMs);
    channel.summing = { upTo, theirs };
    this.#session.request(channel, { kind: 'sum', log: channel.log, upTo, peer: channel.edges });
  }

  summed(channel: Channel, { fingerprint }: Answers['sum']): void {
    const { summing } = channel;
    channel.summing = undefined;
    // Too much at once: what is summed by now is kept, and the next time it is less.
    if (summing === undefined || fingerprint === undefined || channel.remote === undefined) return;
    const { upTo, theirs } = summing;
    if (theirs === undefined) {
      const { quiet } = channel;
      if (!quiet.differed) quiet.forMs = idleCompareMs;
      quiet.differed = false;
      quiet.since = this.#session.now;
      this.#session.send({ kind: 'sums', channel: channel.remote, upTo, ...fingerprint });
      return;
    }
    const { count, sum } = theirs;
    if (fingerprint.count === count && fingerprint.sum.every((value, lane) => value === sum[lane])) return;
    this.#comparing.beginThorough(channel, [{ kind: 'fingerprint', from: 0, to: upTo, count, sum }]);
  }

  /** Our sum, or a peer that makes one up, differs from the peer's: it begins. */
  peerHeals(channel: Channel, number: number): void {
    channel.healing = { comparison: newComparison(number, true), own: false };
    const { quiet } = channel;
    if (!quiet.differed) quiet.forMs = Math.min(2 * quiet.forMs, idleCompareMsMax);
    quiet.differed = true;
  }
}

/** At rest, and the peer is thought to lack nothing. */
function isQuiet(channel: Channel): boolean {
  const { behind, reading, storing, unstored, heldTime, describing, summing } = channel;
  if (!mayRead(channel) || behind || describing || summing) return false;
  return (reading ?? storing ?? heldTime) === undefined && unstored.bytes === 0;
}
