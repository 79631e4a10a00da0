/**
 * Events to the peer.
 *
 * - [S8] Once it is compared, each side streams what the other lacks of the effective log, in causal order, up to the
 *   horizon of both clocks.
 * - [S9] What becomes stored goes at once, as the same bytes, to a peer that lacks just that; else by reading. What a
 *   peer sent is never sent back to it in that session.
 * - [S10] `events` frames spend credit, granted by the receiver once it has stored or skipped them. Logs that are
 *   behind take turns, and a read under way reserves its share. Overspending by more than a frame ends the session:
 *   `credit-exceeded`.
 * - [S22] An `open` may say how many events its sender wants at most of those that it lacks (`catchUpEventsMax`). Where a
 *   comparison shows more, they are not sent but for the newest so many: `cut` says where these begin, before the first
 *   of them. From a peer that was told no number a `cut` counts for nothing.
 * - [S27] What lies below an edge is not compared. So an `open` sums up the redactions below its sender's edge, from where
 *   it holds events on. Who has others there sends its own, once the log is compared: no gap keeps a redaction from what
 *   it names.
 */

import { clockStepsPerMs } from '../hybrid-logical-clock.js';
import type { SequenceNumber, WriterId } from '../ids.js';
import { aheadOfLogMsMax, creditBytesMax, frameBytesMax, frameBytesTarget } from '../limits.js';
import type { Run } from '../ports/storage.js';
import { type KeptRun, type KnownEvent, type LogEntry, lacksFrom, type TimedRun } from '../runs.js';
import { type Channel, mayRead } from './channel.js';
import { noteLacks } from './comparison.js';
import type { ServedFeed } from './feeds.js';
import { announce, announceEnd } from './progress.js';
import type { SessionContext } from './session-context.js';
import type { Answers } from './session-io.js';

/** Of an `events` frame with one block: version, kind, channel, length of the block. */
const eventsHeaderBytesMax = 10;

/** @internal */
export class Sending {
  readonly #session: SessionContext;
  readonly #readFeed: (feed: ServedFeed) => void;
  /** Bytes of events that we may still send. */
  #credit = creditBytesMax;
  /** Channels and feeds that want to read, each in its turn. */
  readonly #hungry = new Set<Channel | ServedFeed>();

  constructor(session: SessionContext, readFeed: (feed: ServedFeed) => void) {
    this.#session = session;
    this.#readFeed = readFeed;
  }

  get hasCredit(): boolean {
    return this.#credit > 0;
  }

  /** The peer grants more. */
  credited(bytes: number): void {
    this.#credit = Math.min(creditBytesMax, this.#credit + bytes);
    this.readInTurn();
  }

  /**
   * These became stored: what the peer lacks of them goes to it, or is noted to be read. Returns what of each writer
   * is kept now.
   */
  stored(
    channel: Channel,
    entries: readonly LogEntry[],
    kept: ReadonlyMap<WriterId, KeptRun> | undefined,
  ): { readonly stored: ReadonlyMap<WriterId, KeptRun>; readonly blocks: readonly Uint8Array[] } {
    const stored = new Map<WriterId, KeptRun>();
    const blocks: Uint8Array[] = [];
    const due = this.#session.clocks.horizon();
    const mayPush = mayRead(channel);
    let credit = this.#credit;
    channel.stale = true;
    channel.quiet.since = this.#session.now;
    for (const { block, runs, isUnsent = false } of entries) {
      // A block that filled the frame it came in may not fit behind a larger channel number.
      const fits = credit > 0 && block.length <= frameBytesMax - eventsHeaderBytesMax;
      // Behind what is held back nothing goes: it may depend on it.
      let next = mayPush && !channel.behind && fits && !isUnsent && channel.heldTime === undefined;
      let lacking = false;
      for (const run of runs) {
        stored.set(run.writer, kept?.get(run.writer) ?? { first: 1, last: run.last });
        const known = knownOf(channel, run);
        if (run.last <= known) continue;
        lacking = true;
        if (run.first > known + 1 || run.lastTime > due) next = false;
      }
      if (!lacking) continue;
      if (next) {
        know(channel, runs);
        blocks.push(block);
        credit -= block.length;
        continue;
      }
      channel.behind = true;
      for (const { lacks } of lackings(channel)) {
        for (const run of runs) {
          const known = Math.max(run.first - 1, channel.ahead.get(run.writer) ?? 0);
          if (run.last > known && !lacks.has(run.writer))
            lacks.set(run.writer, { seq: known, time: run.firstTime - 1 });
        }
      }
    }
    let newest = 0;
    for (const { origin, runs } of entries) {
      if (origin !== 'own') for (const { lastTime } of runs) newest = Math.max(newest, lastTime);
    }
    if (channel.heldTime !== undefined && newest + aheadOfLogMsMax * clockStepsPerMs >= channel.heldTime) {
      // The log has come so far that what was held back may follow.
      this.#hold(channel, undefined);
      channel.behind = true;
      noteLacks(channel.supplies, channel.heldSupplies);
      channel.heldSupplies = new Map();
    }
    for (const [writer, { last }] of stored) if ((channel.ahead.get(writer) ?? 0) <= last) channel.ahead.delete(writer);
    return { stored, blocks };
  }

  /** Reads on for a peer that is behind, once it is this log's turn and there is credit. */
  takeTurn(channel: Channel | ServedFeed): void {
    this.#hungry.add(channel);
    this.readInTurn();
  }

  readInTurn(): void {
    for (const channel of this.#hungry) {
      if (this.#credit <= this.#session.reserved) return;
      this.#hungry.delete(channel);
      if (!('behind' in channel)) {
        this.#readFeed(channel);
        continue;
      }
      const supplies = channel.supplies.size > 0 ? channel.supplies : undefined;
      const { redactions } = channel;
      if (!channel.behind && supplies === undefined && redactions === undefined) continue;
      if (channel.reading !== undefined || !mayRead(channel)) continue;
      if (!channel.behind && supplies === undefined && redactions !== undefined) {
        const { from, to, known } = redactions;
        const effect = { kind: 'redactions', log: channel.log, from, to, known, bytesMax: frameBytesTarget } as const;
        redactions.isRead = true;
        channel.reading = this.#session.ask(effect, { channel, feed: undefined });
        continue;
      }
      if (supplies === undefined) channel.stale = false;
      else channel.supplies = new Map();
      const { log, newest } = channel;
      const part = supplies === undefined ? { lacks: channel.lacks, newest } : { lacks: supplies };
      if (supplies === undefined) channel.newest = undefined;
      const query = {
        ...part,
        peerLacks: channel.lacks,
        bytesMax: frameBytesTarget,
        upTo: this.#session.clocks.readHorizon(),
      };
      channel.reading = this.#session.ask({ kind: 'read', log, ...query }, { channel, feed: undefined, supplies });
    }
  }

  /**
   * A part of what the peer lacks was read. `supplies`: it had asked for that. Returns what was thought to be here of that and
   * could not be read.
   */
  read(channel: Channel, answer: Answers['read'], supplies: Map<WriterId, KnownEvent> | undefined): readonly Run[] {
    channel.reading = undefined;
    if (answer.cut !== undefined) {
      channel.lacks = lacksFrom(channel.lacks, answer.cut);
      this.#session.send({ kind: 'cut', channel: channel.remote as number, time: answer.cut });
    }
    if (this.#credit <= 0) {
      // Others read events larger than what was reserved for them: this is read again when there is credit.
      if (supplies === undefined) channel.behind = true;
      else noteLacks(channel.supplies, supplies);
      return [];
    }
    if (supplies === undefined) {
      for (const { runs } of answer.entries) {
        noteOnTheWay(channel, runs);
        know(channel, runs);
      }
      announce(this.#session, channel, answer);
    } else {
      for (const { runs } of answer.entries) advance(supplies, runs);
      if (answer.more) noteLacks(channel.supplies, supplies);
      else if (answer.heldTime !== undefined) noteLacks(channel.heldSupplies, supplies);
    }
    this.sendEvents(
      channel.remote as number,
      answer.entries.map((entry) => entry.block),
    );
    if (answer.heldTime !== undefined) {
      this.#hold(channel, Math.min(answer.heldTime, channel.heldTime ?? Number.POSITIVE_INFINITY));
    }
    if (supplies !== undefined) return answer.more || answer.heldTime !== undefined ? [] : restOf(supplies);
    channel.behind = answer.more || channel.stale;
    if (!channel.behind && mayRead(channel)) announceEnd(this.#session, channel);
    if (!channel.behind && answer.heldTime === undefined) {
      channel.lacks.clear();
      // What was held back is gone, or was appended again.
      if (channel.heldSupplies.size === 0) this.#hold(channel, undefined);
    }
    return [];
  }

  /** S27. Redactions below the peer's edge were read. */
  redactionsRead(channel: Channel, { entries, next }: Answers['redactions']): void {
    channel.reading = undefined;
    const { redactions } = channel;
    // Others read events larger than what was reserved for them: this is read again when there is credit.
    if (this.#credit <= 0) return;
    // The peer may have told others meanwhile: those are still to be read.
    if (redactions?.isRead) {
      channel.redactions =
        next === undefined ? undefined : { ...redactions, from: next, known: undefined, isRead: false };
    }
    this.sendEvents(
      channel.remote as number,
      entries.map(({ block }) => block),
    );
  }

  /** Some events wait for a clock from now on, or none. */
  #hold(channel: Channel, time: number | undefined): void {
    if (channel.heldTime === time) return;
    channel.heldTime = time;
    this.#session.put({ type: 'held', log: channel.log, time });
  }

  /** What was held back may be due. */
  tick(channel: Channel): void {
    if (channel.heldTime !== undefined && channel.heldTime <= this.#session.clocks.readHorizon()) {
      this.#hold(channel, undefined);
      channel.behind = true;
      noteLacks(channel.supplies, channel.heldSupplies);
      channel.heldSupplies = new Map();
    }
  }

  /** Blocks as `events` frames. Returns their bytes. */
  sendEvents(remote: number, blocks: readonly Uint8Array[]): number {
    let from = 0;
    let bytes = 0;
    let sent = 0;
    for (let i = 0; i <= blocks.length; i++) {
      const size = blocks[i]?.length ?? 0;
      if (i === blocks.length || (i > from && bytes + size > frameBytesTarget)) {
        if (i > from) sent += this.#session.send({ kind: 'events', channel: remote, blocks: blocks.slice(from, i) });
        from = i;
        bytes = 0;
      }
      bytes += size;
    }
    this.#credit -= sent;
    return sent;
  }

  /** It wants nothing any more, and what it had reserved is free. */
  forget(channel: Channel | ServedFeed): void {
    this.#hungry.delete(channel);
    this.readInTurn();
  }

  end(): void {
    this.#hungry.clear();
  }
}

/** What was asked for by name and was not read. */
function restOf(supplies: ReadonlyMap<WriterId, KnownEvent>): Run[] {
  return Array.from(supplies, ([writer, { seq, until = 0 }]) => ({ writer, first: seq + 1, last: until })).filter(
    ({ first, last }) => first <= last,
  );
}

/** A comparison under way is not to count as the peer's what it is only being sent. */
function noteOnTheWay({ ours, theirs }: Channel, runs: readonly TimedRun[]): void {
  for (const comparison of [ours, theirs]) {
    if (comparison === undefined) continue;
    for (const { writer, last } of runs) {
      const known = comparison.lacks.get(writer);
      if (known !== undefined && last > known.seq) noteLacks(comparison.onTheWay, new Map([[writer, known]]));
    }
  }
}

/** The peer has these: it sent them, or was sent them. */
export function know(channel: Channel, runs: readonly TimedRun[]): void {
  for (const { lacks } of lackings(channel)) advance(lacks, runs);
}

/** The last event of a run's writer that the peer has: if nothing else is known, what was stored here before. */
export function knownOf(
  { lacks, ahead }: Channel,
  { writer, first }: Pick<TimedRun, 'writer' | 'first'>,
): SequenceNumber {
  return lacks.get(writer)?.seq ?? Math.max(first - 1, ahead.get(writer) ?? 0);
}

/** Of what somebody lacks, these are on their way. */
function advance(lacks: Map<WriterId, KnownEvent>, runs: readonly TimedRun[]): void {
  for (const { writer, last, lastTime } of runs) {
    const known = lacks.get(writer);
    if (known !== undefined && last > known.seq) lacks.set(writer, { ...known, seq: last, time: lastTime });
  }
}

/** Where it is kept what the peer lacks: in the channel, and in each comparison under way. */
function lackings({ lacks, ours, theirs }: Channel): { readonly lacks: Map<WriterId, KnownEvent> }[] {
  return [{ lacks }, ...(ours === undefined ? [] : [ours]), ...(theirs === undefined ? [] : [theirs])];
}
