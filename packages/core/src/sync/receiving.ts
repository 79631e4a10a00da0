/**
 * Events from the peer: merged, stored, acknowledged, and their credit granted again (S10).
 *
 * - [S12] A durable node acknowledges what is stored of writers that the peer has sent; a comparison with it does so too,
 *   and so does every event that it sends, since it speaks only of what it has stored. Of a writer with a gap all behind it
 *   is acknowledged, and before it what the peer has sent. A comparison says nothing of what lies below the durable node's
 *   edge, and offers it the sender's own events there again. A durable node takes no acknowledgements: it keeps its events
 *   whoever else does, and a peer could name writers without end.
 */
import { GossipError } from '../errors.js';
import type { WriterId } from '../ids.js';
import { creditBytesMax, frameBytesMax, runsPerFrameMax } from '../limits.js';
import type { Run } from '../ports/storage.js';
import type { KeptRun } from '../runs.js';
import type { Channel } from './channel.js';
import { caughtUp } from './progress.js';
import { know } from './sending.js';
import type { SessionContext } from './session-context.js';
import type { Answers } from './session-io.js';
import { askFor } from './wants.js';

/** @internal */
export class Receiving {
  readonly #session: SessionContext;
  /** Bytes of events that the peer may still send. */
  #granted = creditBytesMax;
  /** Bytes stored or skipped, to be granted again. */
  #owed = 0;

  constructor(session: SessionContext) {
    this.#session = session;
  }

  /** S10. Returns false where the peer had no credit for it. */
  spend(bytes: number): boolean {
    this.#granted -= bytes;
    if (this.#granted >= -frameBytesMax) return true;
    this.#session.fault(
      new GossipError('credit-exceeded', `${-this.#granted} bytes of events beyond what was granted`),
    );
    return false;
  }

  merge(channel: Channel, blocks: readonly Uint8Array[], bytes: number): void {
    if (!channel.writable) {
      this.giveBack(bytes);
      this.#session.refuse(channel.remote, new GossipError('forbidden', 'this peer may not write here'));
      return;
    }
    if (channel.refusal !== undefined) {
      // It crossed the refusal, and is sent again with what was refused.
      this.giveBack(bytes);
      return;
    }
    this.#session.request(channel, { kind: 'merge', log: channel.log, blocks }, bytes);
  }

  merged(channel: Channel, { runs, missing, dropped, refused }: Answers['merge'], bytes: number): void {
    const { peer } = this.#session;
    know(channel, runs);
    caughtUp(this.#session, channel, runs);
    for (const { writer, last } of runs) {
      if (last > (channel.ahead.get(writer) ?? 0)) channel.ahead.set(writer, last);
    }
    if (peer?.durable && runs.length > 0) {
      this.#session.put({ type: 'acknowledged', log: channel.log, node: peer.name, runs });
    }
    for (const { writer, first, last } of runs) {
      if (!channel.acked.has(writer)) channel.acked.set(writer, { first: 1, last: 0 });
      channel.unstored.runs.push({ writer, first, last });
    }
    askFor(this.#session, channel, missing);
    if (dropped > 0) channel.dropped = true;
    channel.unstored.bytes += bytes;
    if (refused !== undefined) channel.refusal ??= { error: refused, told: false };
    this.#store(channel);
  }

  stored(channel: Channel, { stored, before }: Answers['store'], bytes: number): void {
    channel.storing = undefined;
    this.acknowledge(channel, stored, before);
    this.giveBack(bytes);
    this.#store(channel);
    this.#tellRefusal(channel);
  }

  /** S28. Behind the acknowledgements of what came before: one that comes later would take it back. */
  #tellRefusal(channel: Channel): void {
    const { refusal, storing } = channel;
    if (refusal === undefined || refusal.told || storing !== undefined) return;
    refusal.told = true;
    this.#session.refuse(channel.remote, refusal.error);
  }

  /** One store request at a time for a log; what is merged meanwhile goes into the next. */
  #store(channel: Channel): void {
    const { bytes, runs } = channel.unstored;
    if (channel.storing !== undefined || bytes === 0) return;
    channel.unstored = { bytes: 0, runs: [] };
    const effect = { kind: 'store', log: channel.log, runs } as const;
    channel.storing = this.#session.request(channel, effect, bytes);
  }

  /** S12. What is stored `before` a gap is told as often as it comes: whoever sends it again does not know. */
  acknowledge(channel: Channel, stored: ReadonlyMap<WriterId, KeptRun>, before: readonly Run[] = []): void {
    const { durable, name } = this.#session.options;
    if (!durable || channel.remote === undefined) return;
    const runs = [...before];
    for (const [writer, kept] of stored) {
      const acked = channel.acked.get(writer);
      // Where a gap before what was acknowledged is filled, all of it is told once more.
      const isDeeper = acked !== undefined && kept.last > 0 && kept.first < acked.first;
      if (acked === undefined || (kept.last <= acked.last && !isDeeper)) continue;
      const last = Math.max(kept.last, acked.last);
      channel.acked.set(writer, { first: kept.first, last });
      runs.push({ writer, first: isDeeper ? kept.first : Math.max(kept.first, acked.last + 1), last });
    }
    for (let from = 0; from < runs.length; from += runsPerFrameMax) {
      const page = runs.slice(from, from + runsPerFrameMax);
      this.#session.send({ kind: 'ack', channel: channel.remote, node: name, runs: page });
    }
  }

  /** Credit is granted again in quarters of the window, so that it does not cost a frame per frame. */
  giveBack(bytes: number): void {
    this.#owed += bytes;
    if (this.#owed >= creditBytesMax / 4) this.grant();
  }

  grant(): void {
    const bytes = Math.min(this.#owed, creditBytesMax);
    this.#owed -= bytes;
    this.#granted += bytes;
    this.#session.send({ kind: 'credit', bytes });
  }
}
