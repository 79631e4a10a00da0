/**
 * One open log of a node: read from storage, written to it, spoken of to peers.
 *
 *     opening ── read ──▶ ready ── last use given back ──▶ closed
 *        └────── failed ◀── the store is damaged
 *
 * - [H10] In memory are the windows of all who use the log, and what is not packed. A packed chunk that proves damaged is
 *   set aside and reported, and the log read anew from all the others: what was in it is missing as in H4.
 */
import {
  clockMilliseconds,
  type Environment,
  type EventId,
  emptySnapshot,
  GossipError,
  type GossipLog,
  type GossipStorage,
  type LogEvent,
  limits,
  type PayloadCodec,
  type RedactOptions,
  type Run,
  type Snapshot,
  type WriterId,
} from '@gossip-log/core';
import {
  type DamagedChunk,
  type ErasedEvents,
  type KnownEvent,
  Listeners,
  type LogEdges,
  type LogEntry,
  type Progress,
  type Reading,
  type Receipt,
  ReplicatedLog,
  type Retention,
} from '@gossip-log/core/sync';
import { Deliveries } from './deliveries.js';
import { JournalGaps } from './journal-gaps.js';
import { LogCodec } from './log-codec.js';
import { asGossipError, closedError } from './log-errors.js';
import type { LogStatus } from './log-handle.js';
import { openLog, setAsideChunk } from './log-opening.js';
import { LogPacking } from './log-packing.js';
import type { LogPeer } from './log-peer.js';
import { LogReach } from './log-reach.js';
import { LogReading } from './log-reading.js';
import { LogRetention } from './log-retention.js';
import type { Oldest, UsedWindow } from './log-window.js';
import { LogWriter } from './log-writer.js';
import type { ParkedBytes } from './parked-bytes.js';
import type { Scrubbing } from './scrubbing.js';
import type { FormerIds } from './successors.js';
import type { PeerTurns } from './turns.js';
import { UnsentEvents } from './unsent-events.js';

/** What a hosted log needs of its node. */
export interface LogHost {
  readonly storage: GossipStorage;
  readonly environment: Environment;
  readonly durable: boolean;
  /** At most so many of a log's missing events are to be fetched, while nobody says another number; infinite for all. */
  readonly catchUpEventsMax: number;
  /** Somebody is being dialled or greeted. */
  isConnecting(): boolean;
  /** How much of a log is kept; `undefined` for all of it. */
  retentionOf(log: string): Retention | undefined;
  readonly scrubbing: Scrubbing;
  readonly parkedBytes: ParkedBytes;
  /** Removes the saved folds of a log. */
  forgetFolds(log: string): Promise<void>;
  /** Resolves when the log may be read. */
  mayOpen(log: string): Promise<void>;
  /** An id that was never used. */
  freshWriter(): WriterId;
  /** Ids that events of the log had before. */
  formerIdsOf(log: string): FormerIds;
  /** A durable node that this one has dialled has told its clock, and this node goes by it. */
  readonly isClockTold: boolean;
  /** Milliseconds since 1970 by the corrected clock. */
  now(): number;
  onError(error: unknown): void;
  /** Takes what a listener threw. */
  onListenerError(error: unknown): void;
}

/** @internal */
export class HostedLog<T = unknown> {
  readonly id: string;
  readonly ready: Promise<GossipLog<T>>;
  /** Sessions that have the log open. */
  readonly peers = new Set<LogPeer>();
  readonly #host: LogHost;
  readonly deliveries: Deliveries;
  readonly reach: LogReach;
  readonly #codec: LogCodec<T>;
  readonly #reading: LogReading;
  /** Why peers do not have the log open now. */
  readonly #refusals = new Map<LogPeer, GossipError>();
  readonly #gaps: JournalGaps;
  readonly #writer: LogWriter;
  readonly #unsent: UnsentEvents;
  readonly #formerIds: FormerIds;
  readonly #packing: LogPacking;
  readonly #retention: LogRetention;
  #status: LogStatus = 'opening';
  #error: GossipError | undefined;
  #log: ReplicatedLog<T> | undefined;
  // A reader's mistake must not stop the log for the others.
  readonly #listeners = new Listeners((error) => this.#host.onListenerError(error));
  /** What peers that send much have sent of it. */
  readonly #catchUps = new Map<LogPeer, Progress>();
  #progress: Progress | undefined;
  /** Peers that events are kept back from, by the time of the first (S13). */
  readonly #held = new Map<LogPeer, number>();
  #early: GossipError | undefined;
  /** The windows of those who use the log. */
  readonly #windows = new Set<UsedWindow>();
  #isEnding = false;
  #cancelRecheck: (() => void) | undefined;
  /** The clock is known to be right: it is to be looked whether it was when events were written. */
  #checksTimes = false;
  #readingWriters: Promise<void> | undefined;

  constructor(host: LogHost, id: string) {
    this.#host = host;
    this.id = id;
    const { storage, environment, durable } = host;
    const onError = (error: unknown) => host.onError(error);
    const log = () => this.log;
    const isReady = () => this.#status === 'ready';
    const now = () => host.now();
    this.#codec = new LogCodec(storage, id, onError);
    this.#reading = new LogReading({
      ...{ id, storage },
      status: () => this.#status,
      damaged: (error) => this.#endDamaged(error),
    });
    this.#formerIds = host.formerIdsOf(id);
    this.#unsent = new UnsentEvents({ id, storage });
    this.deliveries = new Deliveries({
      ...{ id, storage, onError, formerIds: this.#formerIds },
      log: () => this.#log,
      isSureOf: (writer) => this.#isSureOf(writer),
      // What has ended gets no further.
      ended: () => (this.#isEnded ? (this.#error ?? closedError(id)) : undefined),
    });
    this.reach = new LogReach({
      ...{ id, peers: this.peers, storage, environment, log, now, onError },
      isConnecting: () => host.isConnecting(),
      catchUpEventsMax: () => this.#catchUpEventsMax,
      store: (entries) => this.#store(entries),
      changed: () => this.#notify(),
    });
    this.#gaps = new JournalGaps({
      ...{ id, storage, environment, log, onError },
      readWriters: () => this.readWriters(),
      chunkIds: () => this.#packing.chunkIds,
      storeAgain: (entries) => this.#store(entries),
    });
    this.#packing = new LogPacking({
      ...{ id, storage, environment, scrubbing: host.scrubbing, reading: this.#reading, reach: this.reach },
      ...{ windows: this.#windows, isReady, onError },
      forgetFolds: () => host.forgetFolds(id),
      wake: () => this.#writer.start(),
      isLacking: (log) => this.#gaps.isLacking(log),
      unsent: this.#unsent,
      isCatchingUp: () => this.#progress !== undefined,
      joinsFromMs: () => this.#retention.joinsFromMs,
      packed: () => {
        this.#retention.packed();
        if (this.#windows.size === 0) this.trim();
      },
    });
    this.#retention = new LogRetention(
      {
        ...{ id, storage, environment, durable, reading: this.#reading, reach: this.reach },
        ...{ deliveries: this.deliveries, gaps: this.#gaps },
        ...{ isReady, now, onError },
        wake: () => {
          this.#packing.packAll();
          this.#writer.start();
        },
      },
      host.retentionOf(id),
    );
    this.#writer = new LogWriter({
      ...{ id, storage, environment, durable, peers: this.peers, codec: this.#codec },
      ...{ reach: this.reach, deliveries: this.deliveries, unsent: this.#unsent, log },
      upkeep: (stored) => {
        if (this.#checksTimes) return this.#reappend(stored);
        if (this.#packing.isDue(stored)) return this.#packing.pack(stored);
        return this.#retention.isDue ? this.#retention.letGo(stored) : undefined;
      },
      kept: (key) => this.#packing.kept(key),
      troubled: (error) => {
        this.#error = error;
        if (error === undefined) return;
        host.onError(error);
        this.#notify();
      },
      changed: () => this.#notify(),
      failed: (error) => this.#fail(error),
    });
    this.ready = this.#load();
    // Whoever did not ask for `ready` must not end the process when it rejects; status and error tell.
    this.ready.catch(() => undefined);
  }

  get status(): LogStatus {
    return this.#status;
  }

  get #isEnded(): boolean {
    return this.#status === 'closed' || this.#status === 'failed';
  }

  /** Nothing is appended or merged any more. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  get error(): GossipError | undefined {
    const [refusal] = this.#refusals.values();
    return this.#error ?? this.deliveries.rejection ?? this.#early ?? refusal;
  }

  get log(): ReplicatedLog<T> | undefined {
    return this.#status === 'ready' ? this.#log : undefined;
  }

  /** Name of the codec that is bound, if one is (H8). */
  get codec(): string | undefined {
    return this.#codec.name;
  }

  /** H8. A log that turns out to have been stored with another codec fails when it has been read. */
  bindCodec(codec: PayloadCodec<T>): void {
    this.#codec.bind(codec);
  }

  get progress(): Progress | undefined {
    return this.#progress;
  }

  /** A peer sends many events; `undefined` when it does not any more. The one with most of them left is shown. */
  progressed(peer: LogPeer, progress: Progress | undefined): void {
    if (progress === undefined) this.#catchUps.delete(peer);
    else this.#catchUps.set(peer, Object.freeze(progress));
    const before = this.#progress;
    this.#progress = [...this.#catchUps.values()].sort((a, b) => leftOf(b) - leftOf(a))[0];
    if (this.#progress !== before) this.#listeners.tell();
    // What came is packed at once now, rather than a thousand events at a time.
    if (this.#progress === undefined) this.#writer.start();
  }

  snapshot(): Snapshot<T> {
    return this.#log?.snapshot() ?? emptySnapshot;
  }

  append(payload: T): LogEvent<T> {
    return this.#write((log) => log.append(payload));
  }

  redact(id: EventId, options?: RedactOptions): EventId {
    return this.#write((log) => log.redact(id, options));
  }

  /** Resolves once nothing is left on this node's disk of what is redacted by now (H13). */
  async erased(): Promise<void> {
    const log = this.#open();
    // A redaction counts once it is stored.
    while (log.ownUnstored > 0 && this.#status === 'ready') {
      this.#writer.start();
      await this.#writer.writing;
    }
    await this.#packing.erased(this.#open());
  }

  #write<V>(write: (log: ReplicatedLog<T>) => V): V {
    const log = this.#open();
    if (log.ownUnstored >= limits.unstoredEventsMax) {
      throw new GossipError('limit-exceeded', `${log.ownUnstored} events of log "${this.id}" wait for storage`, {
        context: { log: this.id, unstoredEventsMax: limits.unstoredEventsMax },
        cause: this.#error,
      });
    }
    const written = write(log);
    this.#writer.start();
    return written;
  }

  /** Is that writer known here, or that there is none? Else it will be. */
  #isSureOf(writer: WriterId): boolean {
    if (this.#log?.isSureOf(writer) !== false) return true;
    this.readWriters();
    return false;
  }

  /** Sees to it that all packed writers are known, which receiving asks for. `undefined` when they are. */
  readWriters(): Promise<void> | undefined {
    const log = this.#log;
    if (log === undefined || log.knowsWriters || this.#status !== 'ready') return undefined;
    if (this.#readingWriters === undefined) {
      this.#readingWriters = Promise.resolve(this.#reading.run(log.readWriters(), done))
        .then(() => this.#notify())
        .finally(() => {
          this.#readingWriters = undefined;
        });
      // Whoever does not wait for it is told by the status.
      this.#readingWriters.catch(() => undefined);
    }
    return this.#readingWriters;
  }

  /**
   * Merges a peer's blocks and stores what is new of them. `trusted` and `erased` as in the log's `receive`.
   *
   * @throws GossipError `log-not-ready` while packed writers are being read.
   */
  receive(blocks: readonly Uint8Array[], trusted?: boolean, erased?: ErasedEvents): Receipt {
    const log = this.#open();
    if (this.readWriters() !== undefined) throw notReady(this.id);
    const receipt = log.receive(blocks, trusted, erased);
    this.reach.received(receipt);
    this.#unsent.received(receipt.runs);
    if (receipt.fell) this.#fell();
    if (receipt.parked > 0) this.#host.parkedBytes.changed(this);
    if (receipt.dropped > 0) this.#dropped();
    if (receipt.redacts) for (const peer of [...this.peers]) peer.redacted(this.id);
    for (const writer of receipt.forked) {
      const error = new GossipError('forked', `two writers of log "${this.id}" use one id`, {
        context: { log: this.id, writer },
      });
      this.#host.onError(error);
    }
    // Also of events that are not new: a row of a known event that came erased is to be stored (G9).
    if (receipt.entries.length > 0) {
      this.#writer.enqueue(receipt.entries);
      this.#writer.start();
    }
    this.#gaps.received(receipt);
    return receipt;
  }

  get parkedBytes(): number {
    return this.#log?.parkedBytes ?? 0;
  }

  /** Y7. */
  shedParked(bytesMax: number): void {
    this.#log?.shedParked(bytesMax);
    this.#dropped();
  }

  /** What was dropped may have come from any of them. */
  #dropped(): void {
    for (const peer of [...this.peers]) peer.dropped(this.id);
  }

  /**
   * A peer is about to be sent these. A promise: they are to be read again once it resolves (H11).
   */
  beforeSending(entries: readonly LogEntry[]): Promise<unknown> | undefined {
    return this.#unsent.beforeSending(entries.flatMap(({ runs }) => runs));
  }

  /** This node goes by the clock of a durable one from now on: what was written by a wrong clock may have to be appended again. */
  clockTold(): void {
    this.#checksTimes = true;
    this.#writer.start();
  }

  /** G12. One step of upkeep: all is stored. */
  async #reappend(log: ReplicatedLog<unknown>): Promise<void> {
    this.#checksTimes = false;
    if (this.#unsent.count === 0) return;
    await this.readWriters();
    const plan = log.reappend(this.#unsent.runs, this.#unsent.records);
    if (plan === undefined) return;
    const { storage, environment } = this.#host;
    const { id } = this;
    const ownRuns = new Map(
      plan.entries.flatMap(({ runs }) => runs.map(({ writer, last }) => [writer, last] as const)),
    );
    try {
      const instead = { records: plan.records, runs: plan.left };
      const blocks = [...plan.kept, ...plan.entries];
      const keys = await this.#unsent.replacing(
        storage.commit(id, blocks, { durability: 'strict', ownRuns, instead }).then((stored) => {
          // In the same breath as it is stored: whoever waited reads the log as it is then.
          this.#formerIds.add(plan.apply());
          log.markStored(plan.entries);
          this.#unsent.replaced(plan.records, plan.left);
          return stored;
        }),
      );
      for (const [i, entry] of [...plan.kept, ...plan.entries].entries()) {
        this.#unsent.stored(keys[i] as string, entry, false);
      }
      this.#packing.replaced(plan.records, keys);
      this.#gaps.cut(plan.left);
      this.deliveries.cut(plan.left);
      this.deliveries.wrote(ownRuns);
      const told = plan.entries.map((entry) => ({ ...entry, isUnsent: true }));
      for (const peer of [...this.peers]) {
        peer.stored(id, told, log.keptOf(told));
        peer.describe(id);
      }
      this.#notify();
    } catch (cause) {
      const error = asGossipError(cause, `events of log "${id}" cannot be appended again`);
      // Another node over this store has them, and sends them as they are.
      if (error.code === 'pack-conflict') {
        this.#unsent.allSent();
        return;
      }
      if (this.#isEnded || this.#isEnding) return;
      this.#host.onError(error);
      this.#cancelRecheck?.();
      this.#cancelRecheck = environment.setTimer(limits.storageRetryMsMax, () => this.clockTold());
    }
  }

  left(peer: LogPeer): void {
    this.peers.delete(peer);
    this.held(peer, undefined);
    if (this.#refusals.delete(peer)) this.#notify();
    this.reach.left(peer);
  }

  #fell(): void {
    this.reach.fell();
    for (const peer of [...this.peers]) peer.describe(this.id);
    this.#notify();
  }

  /** A durable node has all that is stored here from that time on, but for what is behind the events in `lacks`. */
  compared(node: string, from: number, lacks: ReadonlyMap<WriterId, KnownEvent>): void {
    const log = this.#log;
    const version = log?.provenVersion(from, this.deliveries.ownRuns) ?? [];
    const runs = Array.from(version, ([writer, last]) => ({
      writer,
      first: 1,
      last: Math.min(last, lacks.get(writer)?.seq ?? last),
    }));
    this.acknowledged(node, runs);
  }

  /** Resolves once everything merged so far is durable. */
  whenStored(): Promise<void> {
    if (this.#status !== 'ready') return Promise.reject(this.#error ?? closedError(this.id));
    return this.#writer.whenStored();
  }

  /** A durable node has these runs. */
  acknowledged(node: string, runs: readonly Run[]): void {
    if (this.deliveries.acknowledged(node, runs)) this.#notify();
  }

  /** Events are not sent to a peer before a clock has come to that time; `undefined` when none wait any more (S13). */
  held(peer: LogPeer, time: number | undefined): void {
    if (this.#held.get(peer) === time) return;
    if (time === undefined) this.#held.delete(peer);
    else this.#held.set(peer, time);
    const times = [...this.#held.values()];
    const until = times.length === 0 ? undefined : clockMilliseconds(Math.min(...times)) - limits.clockDriftMsMax;
    if (until === this.#early?.context['until']) return;
    this.#early =
      until === undefined
        ? undefined
        : new GossipError(
            'early',
            `events of log "${this.id}" wait for the clock until ${new Date(until).toISOString()}`,
            {
              context: { log: this.id, until },
            },
          );
    this.#notify();
  }

  /** A peer refuses something about this log; `isReported`: not only to those who look at the log. */
  refused(peer: LogPeer, error: GossipError, isReported: boolean): void {
    if (error.code === 'forbidden' || error.code === 'descriptor-mismatch') {
      this.deliveries.reject(error);
      this.#notify();
      return;
    }
    if (isReported) this.#host.onError(error);
    // Of what waits for a clock the log tells itself, and one that is being read anew is back in a moment.
    if (error.code === 'early' || error.code === 'log-closed') return;
    this.#refusals.set(peer, error);
    this.#notify();
  }

  /** A peer has opened the log, maybe anew. */
  peerOpened(peer: LogPeer, edges: LogEdges): void {
    this.reach.opened(peer, edges);
    if (this.#refusals.delete(peer)) this.#notify();
  }

  subscribe(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Resolves once nothing is left to store or to pack, or the log has failed. */
  async whenIdle(): Promise<void> {
    await this.ready.catch(() => undefined);
    this.#packing.tidy();
    this.#writer.start();
    await this.#writer.writing;
    await this.deliveries.whenKept();
  }

  /**
   * Stores what is pending before the node closes. What cannot be stored now is given up, and nothing more is taken, or
   * whoever goes on writing would hold up the end.
   */
  async settle(): Promise<void> {
    this.#isEnding = true;
    this.#log?.close();
    this.#writer.giveUp();
    await this.whenIdle();
  }

  /** Ends the log. What is pending is not stored any more. */
  close(): void {
    if (this.#status === 'closed') return;
    if (this.#status !== 'failed') this.#status = 'closed';
    this.#gaps.end();
    this.#cancelRecheck?.();
    this.#host.parkedBytes.forget(this);
    this.#log?.close();
    this.reach.end();
    this.#retention.end();
    this.#packing.end(this.#error ?? closedError(this.id));
    this.#writer.fail(this.#error ?? closedError(this.id));
    this.#notify();
    this.#listeners.clear();
  }

  #open(): ReplicatedLog<T> {
    if (this.#status === 'ready' && this.#log !== undefined) return this.#log;
    if (this.#status === 'opening') throw notReady(this.id);
    throw this.#error ?? closedError(this.id);
  }

  async #load(): Promise<GossipLog<T>> {
    try {
      const { storage } = this.#host;
      const stored = await openLog<T>({
        ...{ id: this.id, storage, reading: this.#reading, reach: this.reach, gaps: this.#gaps },
        ...{ codec: this.#codec, windows: this.#windows, durable: this.#host.durable },
        mayOpen: () => this.#host.mayOpen(this.id),
        newLog: () => this.#newLog(),
        onError: (error) => this.#host.onError(error),
      });
      const { log } = stored;
      this.#packing.begin(stored);
      this.#gaps.loaded(log);
      log.loaded();
      await this.reach.loaded(log);
      // Events behind a gap are on the disk, and not in the log yet.
      const lastOf = (writer: WriterId) => Math.max(log.storedSeq(writer), this.#gaps.lastOf(writer));
      await this.deliveries.recall(stored.ownRuns, lastOf);
      if (!this.#host.durable) this.#unsent.loaded(stored.ownRuns, stored.sent, stored.records);
      this.#checksTimes = this.#host.isClockTold;
      log.subscribe(() => {
        if (log.status === 'closed') return;
        this.#listeners.tell();
        // Whoever appends to the log itself rather than through a handle is stored all the same.
        this.#writer.start();
      });
      this.#log = log;
      if (this.#isEnding) log.close();
      if (this.#status !== 'opening') throw closedError(this.id);
      this.#status = 'ready';
      this.#notify();
      this.#writer.start();
      this.#gaps.begin();
      return log;
    } catch (cause) {
      this.#fail(asGossipError(cause, `log "${this.id}" cannot be read`));
      throw this.#error ?? closedError(this.id);
    }
  }

  /**
   * Carries a reading out: at once where all of it is in memory. `take` is given what was read before anything else
   * happens to the log. A damaged chunk ends the log (H10). `turns`: those of the peer that it is read for.
   */
  reading<V, R>(reading: Reading<V>, take: (value: V) => R, turns?: PeerTurns): R | Promise<R> {
    return this.#reading.run(reading, take, turns);
  }

  /** H10: what is pending is stored as far as it can be, then the log ends. */
  #endDamaged(error: DamagedChunk): void {
    if (!this.#writer.giveUp()) return;
    const written = async () => {
      while (this.#writer.writing !== undefined) await this.#writer.writing;
    };
    const end = async () => {
      await written();
      if (this.#status !== 'ready') return;
      await setAsideChunk(this.id, this.#host, error);
      // What was appended meanwhile is on its way to the disk: it must not come there when the log has ended.
      await written();
      this.#fail(error);
    };
    end().catch((cause) => this.#fail(asGossipError(cause, `log "${this.id}" cannot be read`)));
  }

  // The windows of those who use the log.

  /** Sees to it that a window is in memory, now and from now on. Resolves with the log when it is. */
  async widen(window: UsedWindow): Promise<GossipLog<T>> {
    this.#windows.add(window);
    await this.ready;
    const log = this.#open();
    const older = () => log.loadOlder((oldest) => window.isReached(oldest));
    await window.whileReading(() => this.reading(older(), done), log);
    this.reach.deepen(window.window);
    return log;
  }

  /** The window is not needed any more; `trim` gives its memory back. */
  narrow(window: UsedWindow): void {
    this.#windows.delete(window);
  }

  /** Reads `count` more events into memory, for a window; those that are not here come from peers. Resolves with how many came. */
  async loadOlder(window: UsedWindow, count: number): Promise<number> {
    const log = this.#open();
    const { length, olderLength } = log;
    let fromPeers = 0;
    const came = () => Math.max(0, olderLength - log.olderLength + fromPeers);
    const read = (from: number) => {
      const isEnough = (oldest: Oldest) => oldest.length >= length + count || oldest.from <= from;
      return this.reading(log.loadOlder(isEnough), done);
    };
    // What lies behind a gap is not what comes next, as long as the gap can be filled.
    const toGap = () => (this.reach.isSkipping ? log.edges.complete : 0);
    const older = async () => {
      await read(toGap());
      if (came() >= count) return;
      // Peers are told of what is stored: the rest would be sent once more.
      if (this.#error === undefined) await this.whenStored();
      const { complete } = log.edges;
      const below = () => log.lengthFrom(0) - log.lengthFrom(complete);
      const before = below();
      await this.reach.older(count - came());
      fromPeers = Math.max(0, below() - before);
      if (came() < count) await read(fromPeers === 0 ? 0 : toGap());
    };
    await window.whileReading(older, log);
    return came();
  }

  /** Gives back what no window shows. */
  trim(): void {
    if (this.#status !== 'ready') return;
    this.#log?.trim(Math.min(...Array.from(this.#windows, (window) => window.from)));
  }

  /** Of those who use it whoever wants most decides (M5). */
  get #catchUpEventsMax(): number {
    if (this.#windows.size === 0) return this.#host.catchUpEventsMax;
    return Math.max(...Array.from(this.#windows, ({ catchUpEventsMax }) => catchUpEventsMax));
  }

  get hasOlder(): boolean {
    return (this.#log?.hasOlder ?? false) || this.reach.mayReachFurther;
  }

  /** About how many bytes the events take that are in memory. */
  get residentBytes(): number {
    return this.#log?.residentBytes ?? 0;
  }

  #newLog(): ReplicatedLog<T> {
    const now = () => (this.#gaps.isReading ? limits.nowMsMax : this.#host.now());
    return new ReplicatedLog<T>(
      {
        id: this.id,
        codec: this.#codec.boundOrLater,
        now,
        onListenerError: (error) => this.#host.onListenerError(error),
      },
      {
        freshWriter: () => this.#host.freshWriter(),
        onMerge: (blocks) => this.receive(blocks),
      },
    );
  }

  #fail(error: GossipError): void {
    if (this.#status === 'closed') return;
    this.#status = 'failed';
    this.#host.parkedBytes.forget(this);
    this.#error = error;
    this.#writer.fail(error);
    this.#packing.end(error);
    this.reach.end();
    for (const peer of [...this.peers]) peer.failed(this.id);
    this.#notify();
  }

  /** Something but the events changed: how far they are, the state of the log. */
  #notify(): void {
    this.deliveries.look();
    this.#listeners.tell();
  }

  #store(entries: readonly LogEntry[]): void {
    this.#writer.enqueue(entries);
    this.#writer.start();
  }
}

function notReady(id: string): GossipError {
  return new GossipError('log-not-ready', `log "${id}" is still being read`, { context: { id } });
}

function leftOf({ received, expected }: Progress): number {
  return expected - received;
}

const done = () => undefined;
