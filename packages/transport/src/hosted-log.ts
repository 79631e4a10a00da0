/**
 * One open log of a node: read from storage, written to it, spoken of to peers.
 *
 *     opening ── read ──▶ ready ── last use given back ──▶ closed
 *        └────── failed ◀── the store is damaged, or another process wrote under our id
 *
 * - [H1] An event shows at once, and is stored right after; only what is stored is spoken of to peers.
 * - [H2] Batches go to storage one after another. Within one, received events come before own ones, because own ones
 *   may depend on them; so no event is ever stored before its dependencies.
 * - [H3] A failed write is tried again, with growing pauses, and nothing is dropped meanwhile; `error` says so.
 * - [H4] A damaged record is set aside and reported. What it held is missing from what the log tells peers, so they
 *   send it again.
 * - [H5] A replica id whose own events are not all here is not written under again: the log takes a fresh one.
 * - [H6] When a peer holds other events under our id than we do, nothing of that id is spoken of until theirs have come;
 *   then they stand, ours are appended again, and whoever waits for one of ours waits for its successor.
 * - [H7] Rows of the journal behind a gap wait in the causal buffer. What did not fit is read from the journal again
 *   once something of the gap has come, and stored behind it, where the next start finds it in order.
 * - [H8] While nobody in this node uses a log, payloads are bytes: no codec is bound, and peers may name any. The first
 *   use here binds its own.
 * - [H9] Once all is stored and much of it lies in the journal, that is packed. A journal that has events which the log
 *   could not take in (H7) is kept. A pack that fails is tried again when as much has come again; one that another tab was
 *   faster with is not.
 * - [H10] In memory are the windows of all who use the log, and what is not packed. A packed chunk that proves damaged is
 *   set aside and reported, and the log read anew from all the others: what was in it is missing as in H4.
 * - [H11] With a retention the oldest packed chunks go that are over its bounds: the edges rise, that is kept and told, then
 *   the events go from memory, and from the store with the next pack. An own event that no durable node has is kept, with
 *   all behind it. What is gone is not taken again.
 */
import {
  type Environment,
  type EventId,
  emptySnapshot,
  GossipError,
  type GossipLog,
  type GossipStorage,
  type JournalRecord,
  type LogEvent,
  limits,
  type PayloadCodec,
  parseEventId,
  type ReplicaId,
  type Run,
  type SequenceNumber,
  type Snapshot,
  type Truncation,
} from '@gossip-log/core';
import {
  blocksOf,
  DamagedChunk,
  type HiddenWithOthers,
  type KnownEvent,
  type LogEntry,
  PackedOtherwise,
  type Progress,
  type Reading,
  type Receipt,
  ReplicatedLog,
  type Retention,
  type Settlement,
} from '@gossip-log/core/sync';
import { Deliveries } from './deliveries.js';
import { HiddenEvents } from './hidden-events.js';
import type { LogStatus } from './log-handle.js';
import type { LogPeer } from './log-peer.js';
import { LogReach } from './log-reach.js';
import type { UsedWindow } from './log-window.js';
import { OwnWriters } from './own-writers.js';

/** What a hosted log needs of its node. */
export interface LogHost {
  readonly storage: GossipStorage;
  readonly environment: Environment;
  readonly durable: boolean;
  /** How much of a log is kept; `undefined` for all of it. */
  retentionOf(log: string): Retention | undefined;
  /** The replica id that this node writes under in that log; the `nth` when those before cannot be. */
  replicaFor(log: string, nth: number): Promise<ReplicaId>;
  /** An id that was never used. */
  freshReplica(): ReplicaId;
  /** Milliseconds since 1970 by the corrected clock. */
  now(): number;
  onError(error: unknown): void;
}

/** Metadata key under which a log's codec name is kept. */
export function codecKey(log: string): string {
  return `codec:${log}`;
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
  readonly #writers: OwnWriters;
  readonly #hidden: HiddenEvents;
  #codec: PayloadCodec<T> | undefined;
  #status: LogStatus = 'opening';
  #error: GossipError | undefined;
  #log: ReplicatedLog<T> | undefined;
  readonly #listeners = new Set<() => void>();
  /** Entries on their way to storage, oldest first. */
  #queue: LogEntry[] = [];
  #enqueued = 0;
  #committed = 0;
  /** How often the truncation table has grown and is not stored. */
  #growths = 0;
  #waiters: { readonly until: number; resolve(): void; reject(error: GossipError): void }[] = [];
  #writing: Promise<void> | undefined;
  /** A failed write is not tried again: the node is closing. */
  #givesUp = false;
  #wakeRetry: (() => void) | undefined;
  #repair = false;
  /** The codec that the log was used with here before. */
  #storedCodec: string | undefined;
  /** Where the journal had gaps when it was last read: replica → first missing event. */
  #gaps = new Map<ReplicaId, SequenceNumber>();
  /** Some rows behind these gaps did not fit into the causal buffer. */
  #overflown = false;
  /** Rows of the journal are being read: whatever their times, they were accepted before. */
  #reading = false;
  #rereading: Promise<void> | undefined;
  #cancelReread: (() => void) | undefined;
  /** What peers that send much have sent of it. */
  readonly #catchUps = new Map<LogPeer, Progress>();
  #progress: Progress | undefined;
  /** Records of the journal, by key. */
  #records: string[] = [];
  /** Chunks that were read like the journal, since no manifest serves. */
  #chunkIds: readonly number[] = [];
  /** What the store's heads cover and the log lacks, since it was read. */
  #lacking: ReadonlyMap<ReplicaId, SequenceNumber> = new Map();
  #revision = 0;
  /** Events in the journal at which it is packed; infinite when another tab packs. */
  #packAt = limits.journalRowsMax;
  /** A step of packing is under way. */
  #packing: Promise<void> | undefined;
  /** Also a journal of few events is packed: the log is about to close. */
  #tidies = false;
  readonly #retention: Retention | undefined;
  /** It is to be looked whether events may go (H11). */
  #retains: boolean;
  /** All that lies in the journal is to be packed: from then on its age counts. */
  #packsAll = false;
  #cancelRetain = () => {};
  /** The windows of those who use the log. */
  readonly #windows = new Set<UsedWindow>();
  constructor(host: LogHost, id: string) {
    this.#host = host;
    this.id = id;
    this.#writers = new OwnWriters(host.storage, id);
    this.#hidden = new HiddenEvents({
      log: () => this.#log,
      hide: (told) => this.#hide(told),
      onError: (error) => host.onError(error),
    });
    this.deliveries = new Deliveries({
      id,
      storage: host.storage,
      onError: (error) => host.onError(error),
      log: () => this.#log,
      // What has ended gets no further.
      ended: () => (this.#isEnded ? (this.#error ?? closedError(id)) : undefined),
    });
    this.reach = new LogReach({
      ...{ id, peers: this.peers, storage: host.storage, environment: host.environment },
      log: () => this.log,
      now: () => host.now(),
      store: (entries) => {
        this.#enqueue(entries);
        this.#write();
      },
      changed: () => this.#notify(),
    });
    this.#retention = host.retentionOf(id);
    this.#retains = this.#retention !== undefined;
    this.#retainLater();
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

  get error(): GossipError | undefined {
    return this.#error ?? this.deliveries.rejection;
  }

  get log(): ReplicatedLog<T> | undefined {
    return this.#status === 'ready' ? this.#log : undefined;
  }

  /** Name of the codec that is bound, if one is (H8). */
  get codec(): string | undefined {
    return this.#codec?.name;
  }

  /** H8. A log that turns out to have been stored with another codec fails when it has been read. */
  bindCodec(codec: PayloadCodec<T>): void {
    const bound = this.#storedCodec ?? this.#codec?.name;
    if (bound !== undefined && bound !== codec.name) throw otherCodec(this.id, bound, codec.name);
    this.#codec ??= codec;
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
    if (this.#progress !== before) this.#tell();
    // What came is packed at once now, rather than a thousand events at a time.
    if (this.#progress === undefined) this.#write();
  }

  snapshot(): Snapshot<T> {
    return this.#log?.snapshot() ?? emptySnapshot;
  }

  append(payload: T): LogEvent<T> {
    const log = this.#open();
    if (log.ownUnstored >= limits.unstoredEventsMax) {
      throw new GossipError('limit-exceeded', `${log.ownUnstored} events of log "${this.id}" wait for storage`, {
        context: { log: this.id, unstoredEventsMax: limits.unstoredEventsMax },
        cause: this.#error,
      });
    }
    const event = log.append(payload);
    this.#write();
    return event;
  }

  /** Merges a peer's blocks and stores what is new of them. `contested` as in the log's `receive`. */
  receive(blocks: readonly Uint8Array[], contested?: Set<ReplicaId>): Receipt {
    return this.#received(this.#open().receive(blocks, contested));
  }

  /** The same where packed chunks may be needed to judge what comes. */
  receiving(
    blocks: readonly Uint8Array[],
    contested: Set<ReplicaId>,
    take: (receipt: Receipt) => void,
  ): void | Promise<void> {
    return this.reading(this.#open().receiving(blocks, contested), (receipt) => take(this.#received(receipt)));
  }

  #received(receipt: Receipt): Receipt {
    this.reach.received(receipt.entries, receipt.parked);
    if (receipt.disputed) this.#describeAnew();
    else if (receipt.fell) this.#tellEdges();
    // What was dropped may have come from any of them.
    if (receipt.dropped > 0) for (const peer of [...this.peers]) peer.describe(this.id);
    if (receipt.settled !== undefined) this.#settled(receipt.settled);
    this.#repair ||= receipt.mended;
    if (receipt.entries.length > 0) this.#enqueue(receipt.entries);
    if (receipt.added > 0) this.#write();
    if (this.#gaps.size > 0) {
      this.#overflown ||= receipt.dropped > 0;
      this.#rereadSoon();
    }
    return receipt;
  }

  left(peer: LogPeer): void {
    this.peers.delete(peer);
    this.reach.left(peer);
  }

  #tellEdges(): void {
    for (const peer of [...this.peers]) peer.describe(this.id);
    this.#notify();
  }

  /** A durable node has all that is stored here from that time on, but for what is behind the events in `lacks`. */
  compared(node: string, from: number, lacks: ReadonlyMap<ReplicaId, KnownEvent>): void {
    const log = this.#log;
    const version = log?.provenVersion(from, this.deliveries.relayedSeq(log.replica)) ?? [];
    const runs = Array.from(version, ([replica, last]) => ({
      replica,
      first: 1,
      last: Math.min(last, lacks.get(replica)?.seq ?? last),
    }));
    this.acknowledged(node, runs);
  }

  #describeAnew(): void {
    // Heads in the store cover events that it does not hold: what comes is stored whatever they say.
    this.#repair = true;
    for (const peer of [...this.peers]) peer.describe(this.id);
  }

  #settled({ replica, from, reissued }: Settlement): void {
    // Entries of ours that are still on their way would only be contradicted when the journal is read.
    const gone = this.#queue.filter(
      ({ origin, runs }) => origin === 'own' && runs.some((run) => run.replica === replica && run.last >= from),
    );
    this.#queue = this.#queue.filter((entry) => !gone.includes(entry));
    this.#committed += gone.length;
    this.deliveries.reissued(reissued);
    // What is agreed of the disputed id may be spoken of again, and nobody was told that it is here.
    for (const peer of [...this.peers]) peer.describe(this.id);
    const error = new GossipError(
      'forked',
      `the store of log "${this.id}" was an older copy; ${reissued.size} events were appended again`,
      { context: { log: this.id, replica, from, reissued: reissued.size } },
    );
    this.#host.onError(error);
  }

  /** As it is stored. */
  get truncations(): readonly Truncation[] {
    return this.#hidden.stored;
  }

  /** A peer that may write says that these are hidden. */
  toldHidden(truncations: readonly Truncation[]): void {
    if (this.#status === 'ready') this.#hidden.told(truncations);
  }

  /** Takes an own event back (J5). */
  async withdraw(id: EventId): Promise<void> {
    const log = this.#open();
    const standing = log.standingId(id);
    const { replica, seq } = parseEventId(standing ?? id);
    if (standing === undefined && log.isHidden(replica, seq)) return this.whenStored();
    const context = { log: this.id, id };
    if (standing === undefined)
      throw new GossipError('unknown-event', `no event ${id} in log "${this.id}"`, { context });
    if (replica !== log.replica && !(await this.#writers.has(replica))) {
      throw new GossipError('not-own', `event ${id} of log "${this.id}" is not this writer's`, { context });
    }
    await this.#hide([{ replica, from: seq, reason: 'withdrawn' }], { replica, after: seq });
    // Meanwhile it may have been appended again, with one that was withdrawn before it.
    if (log.standingId(id) !== undefined) return this.withdraw(id);
    await this.whenStored();
  }

  /** Hidden events that are in storage. */
  async withdrawn(): Promise<readonly LogEvent<T>[]> {
    this.#open();
    await this.whenStored();
    const { records } = await this.#host.storage.load(this.id);
    return this.#open().hiddenIn(records.map(({ block }) => block));
  }

  /** J5: `again` says which own events are hidden with others; of those of a writer that a peer withdraws, what nobody is known to have. */
  #hide(told: readonly Truncation[], again?: HiddenWithOthers): void | Promise<void> {
    // What is being packed holds what is there now.
    if (this.#packing !== undefined) return this.#packing.then(() => this.#hide(told, again));
    const log = this.#open();
    const { replica } = log;
    const unknown = { replica, after: this.deliveries.relayedUpTo(replica) };
    return this.reading(log.truncate(told, again ?? unknown), (truncated) => {
      this.#hidden.took(truncated);
      this.#enqueue([...truncated.entries, ...truncated.hidden]);
      if (truncated.grew) {
        this.#growths++;
        this.#enqueued++;
      }
      this.deliveries.reissued(truncated.reissued);
      if (again === undefined && log.replica !== replica) {
        const error = new GossipError('withdrawn', `another node has withdrawn what was written here in "${this.id}"`, {
          context: { log: this.id, replica },
        });
        this.#host.onError(error);
      }
      this.#write();
      this.#notify();
    });
  }

  /** Resolves once everything merged so far is durable. */
  whenStored(): Promise<void> {
    if (this.#status !== 'ready') return Promise.reject(this.#error ?? closedError(this.id));
    if (this.#committed === this.#enqueued) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiters.push({ until: this.#enqueued, resolve, reject }));
  }

  successor(event: LogEvent<T>): LogEvent<T> | undefined {
    const log = this.#log;
    const hidden = log?.isHidden(event.replica, event.seq) ? log.standingId(event.id) : undefined;
    const id = this.deliveries.successor(event) ?? hidden;
    return id && log?.get(id);
  }

  /** A durable node has these runs. */
  acknowledged(node: string, runs: readonly Run[]): void {
    if (this.deliveries.acknowledged(node, runs)) this.#notify();
  }

  /** A peer refuses something about this log. */
  refused(error: GossipError): void {
    if (error.code === 'forbidden' || error.code === 'descriptor-mismatch') {
      this.deliveries.reject(error);
      this.#notify();
    } else {
      this.#host.onError(error);
    }
  }

  subscribe(listener: () => void): () => void {
    const entry = () => listener();
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  /** Resolves once nothing is left to store or to pack, or the log has failed. */
  async whenIdle(): Promise<void> {
    await this.ready.catch(() => undefined);
    this.#tidies = true;
    this.#write();
    await this.#writing;
  }

  /** Stores what is pending before the node closes. What cannot be stored now is given up. */
  async settle(): Promise<void> {
    this.#givesUp = true;
    this.#wakeRetry?.();
    await this.whenIdle();
  }

  /** Ends the log. What is pending is not stored any more. */
  close(): void {
    if (this.#status === 'closed') return;
    if (this.#status !== 'failed') this.#status = 'closed';
    this.#cancelReread?.();
    this.#log?.close();
    this.reach.end();
    this.#cancelRetain();
    this.#failWaiters(this.#error ?? closedError(this.id));
    this.#notify();
    this.#listeners.clear();
  }

  #open(): ReplicatedLog<T> {
    if (this.#status === 'ready' && this.#log !== undefined) return this.#log;
    if (this.#status === 'opening') {
      throw new GossipError('log-not-ready', `log "${this.id}" is still being read`, { context: { id: this.id } });
    }
    throw this.#error ?? closedError(this.id);
  }

  async #load(): Promise<GossipLog<T>> {
    try {
      const { storage } = this.#host;
      // First: where the log is being forgotten, this waits for the end of it.
      let replica = await this.#host.replicaFor(this.id, 0);
      const name = await storage.getMetadata(codecKey(this.id));
      this.#storedCodec = name && new TextDecoder().decode(name);
      if (this.#codec !== undefined) this.bindCodec(this.#codec);
      await this.reach.recall();
      let { log, heads } = await this.#fromStore(replica);
      for (let nth = 1; log.isHidden(replica, limits.seqMax); nth++) {
        replica = await this.#host.replicaFor(this.id, nth);
        ({ log, heads } = await this.#fromStore(replica));
      }
      // An id that gave way while the journal was read has been replaced already.
      if (log.replica === replica && (log.version().get(replica) ?? 0) !== (heads.get(replica) ?? 0)) {
        ({ log, heads } = await this.#fromStore(this.#host.freshReplica()));
      }
      // Heads outlive a record that was set aside, in this life or in an earlier one. What they cover and the log lacks
      // is stored again when it comes.
      this.#lacking = lacking(log, heads);
      this.#repair = this.#lacking.size > 0;
      this.#overflown &&= this.#repair;
      log.loaded();
      await this.deliveries.recall(log.replica);
      log.subscribe(() => {
        this.#tell();
        // Whoever appends to the log itself rather than through a handle is stored all the same.
        this.#write();
      });
      this.#log = log;
      if (this.#status !== 'opening') throw closedError(this.id);
      this.#status = 'ready';
      this.#notify();
      this.#write();
      if (this.#hasComeNearer()) this.#reread();
      return log;
    } catch (cause) {
      this.#fail(asGossipError(cause, `log "${this.id}" cannot be read`));
      throw this.#error ?? closedError(this.id);
    }
  }

  /** The log as the store has it, with as much in memory as is wanted (H10). */
  async #fromStore(replica: ReplicaId) {
    const { storage } = this.#host;
    /** The manifest does not serve: all chunks are read. */
    let isOutdated = false;
    for (;;) {
      const { records, heads, revision, nextChunkId, manifest, truncations } = await storage.load(this.id);
      const log = this.#newLog(replica);
      log.knowTruncations(truncations);
      this.#forgetGaps();
      this.#chunkIds = [];
      const windows = Array.from(this.#windows, ({ window }) => window);
      this.reach.begin(log, records.length + heads.size + revision === 0, windows);
      try {
        if (manifest !== undefined && !isOutdated) log.resume(manifest, nextChunkId);
        else if (revision > 0) this.#chunkIds = await this.#loadChunks(log, nextChunkId, manifest);
        const { damaged, hidden } = this.#replay(log, records);
        // A manifest may be older than the table.
        await this.reading(log.truncate(truncations), done);
        await this.reading(
          log.loadOlder((oldest) => [...this.#windows].every((window) => window.isReached(oldest))),
          done,
        );
        for (const [key, error] of damaged) {
          await storage.setAside(this.id, key);
          this.#reportDamage(`record ${key}`, error);
        }
        this.#revision = revision;
        this.#records = records.map(({ key }) => key).filter((key) => !damaged.has(key) && !hidden.has(key));
        this.#hidden.keep(log.truncations);
        return { log, heads };
      } catch (error) {
        if (error instanceof DamagedChunk) {
          await this.#setAsideChunk(error);
        } else if (manifest !== undefined && !isOutdated && isUnreadable(error)) {
          isOutdated = true;
        } else {
          throw error;
        }
      }
    }
  }

  async #setAsideChunk(error: DamagedChunk): Promise<void> {
    await this.#host.storage.setAsideChunk(this.id, error.id);
    this.#reportDamage(`packed chunk ${error.id}`, error);
  }

  #reportDamage(what: string, cause: GossipError): void {
    const error = new GossipError('storage-corrupt', `${what} of log "${this.id}" is damaged, and was set aside`, {
      context: { log: this.id },
      cause,
    });
    this.#host.onError(error);
  }

  /** Reads packed chunks as if they were the journal. Returns their ids. */
  async #loadChunks(log: ReplicatedLog<T>, nextChunkId: number, manifest: Uint8Array | undefined) {
    const chunks = await this.#host.storage.readChunks(this.id);
    const ids = [...log.anew(chunks.keys(), nextChunkId, manifest)];
    const read = new Map(ids.map((id) => [id, chunks.get(id) as Uint8Array]));
    for (const block of blocksOf(read)) this.#noteGaps(log.load(block));
    return ids;
  }

  /** Reads the journal into a log that is not in use yet. Returns the damaged records, and those of hidden events. */
  #replay(log: ReplicatedLog<T>, records: readonly JournalRecord[]) {
    const damaged = new Map<string, GossipError>();
    const hidden = new Set<string>();
    for (const { key, block } of records) {
      try {
        const receipt = log.load(block);
        if (receipt.refused !== undefined) throw receipt.refused;
        const others = receipt.added + receipt.parked + receipt.dropped + receipt.duplicates - receipt.hidden;
        if (receipt.hidden > 0 && others === 0) hidden.add(key);
        this.#noteGaps(receipt);
      } catch (error) {
        if (!(error instanceof GossipError)) throw error;
        damaged.set(key, error);
      }
    }
    return { damaged, hidden };
  }

  /**
   * Carries a reading out: at once where all of it is in memory. `take` is given what was read before anything else
   * happens to the log. A damaged chunk ends the log (H10).
   */
  reading<V, R>(reading: Reading<V>, take: (value: V) => R): R | Promise<R> {
    const step = reading.next();
    return step.done ? take(step.value) : this.#readOn(reading, take, step.value);
  }

  async #readOn<V, R>(reading: Reading<V>, take: (value: V) => R, needed: readonly number[]): Promise<R> {
    const { storage } = this.#host;
    try {
      for (let ids = needed; ; ) {
        const chunks = await storage.readChunks(this.id, ids);
        if (this.#status !== 'ready' && this.#status !== 'opening') throw closedError(this.id);
        const step = reading.next(chunks);
        if (step.done) return take(step.value);
        ids = step.value;
      }
    } catch (error) {
      // A log that is being opened is read again without it.
      if (!(error instanceof DamagedChunk) || this.#status === 'opening') throw error;
      this.#endDamaged(error);
      throw closedError(this.id);
    }
  }

  /** H10: what is pending is stored as far as it can be, then the log ends. */
  #endDamaged(error: DamagedChunk): void {
    if (this.#givesUp) return;
    this.#givesUp = true;
    this.#wakeRetry?.();
    const end = async () => {
      while (this.#writing !== undefined) await this.#writing;
      if (this.#status !== 'ready') return;
      await this.#setAsideChunk(error);
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
    let came = 0;
    const older = async () => {
      await this.reading(
        log.loadOlder((oldest) => oldest.length >= length + count),
        done,
      );
      came = Math.max(0, olderLength - log.olderLength);
      if (came >= count) return;
      // Peers are told of what is stored: the rest would be sent once more.
      if (this.#error === undefined) await this.whenStored();
      const { complete } = log.edges;
      const before = log.lengthFrom(0) - log.lengthFrom(complete);
      await this.reach.older(count - came);
      came += Math.max(0, log.lengthFrom(0) - log.lengthFrom(complete) - before);
    };
    await window.whileReading(older, log);
    return came;
  }

  /** Gives back what no window shows. */
  trim(): void {
    if (this.#status !== 'ready') return;
    this.#log?.trim(Math.min(...Array.from(this.#windows, (window) => window.from)));
  }

  get hasOlder(): boolean {
    return (this.#log?.hasOlder ?? false) || this.reach.mayReachFurther;
  }

  /** About how many bytes the events take that are in memory. */
  get residentBytes(): number {
    return this.#log?.residentBytes ?? 0;
  }

  #forgetGaps(): void {
    this.#gaps.clear();
    this.#overflown = false;
  }

  /** Once rows were dropped, those gaps count that kept them waiting then. */
  #noteGaps({ missing, dropped }: Receipt): void {
    if (!this.#overflown && missing.length > 0) this.#gaps.clear();
    for (const { replica, first } of missing) if (!this.#gaps.has(replica)) this.#gaps.set(replica, first);
    this.#overflown ||= dropped > 0;
  }

  /** H7: has something come since rows of the journal had to be left? */
  #hasComeNearer(): boolean {
    const log = this.#log;
    // While own events are disputed the journal is no witness: the settlement decides what stands.
    if (log === undefined || !this.#overflown || log.isDisputed(log.replica)) return false;
    const version = log.version();
    return Array.from(this.#gaps).some(([replica, first]) => (version.get(replica) ?? 0) >= first);
  }

  /** A gap fills frame by frame, and the journal is read as a whole: not for every frame. */
  #rereadSoon(): void {
    if (this.#cancelReread !== undefined || this.#rereading !== undefined || !this.#hasComeNearer()) return;
    this.#cancelReread = this.#host.environment.setTimer(limits.rereadMsMin, () => {
      this.#cancelReread = undefined;
      this.#reread();
    });
  }

  #reread(): void {
    this.#rereading = this.#readAgain(this.#log as ReplicatedLog<T>)
      .catch((error) => {
        if (this.#status === 'ready') this.#host.onError(error);
      })
      .then(() => {
        this.#rereading = undefined;
        if (this.#status === 'ready') this.#rereadSoon();
      });
  }

  async #readAgain(log: ReplicatedLog<T>): Promise<void> {
    const { records, heads } = await this.#host.storage.load(this.id);
    const chunks =
      this.#chunkIds.length === 0 ? [] : blocksOf(await this.#host.storage.readChunks(this.id, this.#chunkIds));
    if (this.#status !== 'ready' || !this.#hasComeNearer()) return;
    this.#forgetGaps();
    // What comes now is stored once more, behind what it waited for.
    this.#repair = true;
    this.#reading = true;
    try {
      // Not as `load` does it: in a contradiction what stands by now stands.
      for (const blocks of portions([...chunks, ...records.map(({ block }) => block)])) {
        const receipt = log.receive(blocks);
        this.#enqueue(receipt.entries);
        this.#noteGaps(receipt);
        if (receipt.refused !== undefined) this.#host.onError(receipt.refused);
      }
    } finally {
      this.#reading = false;
      this.#write();
    }
    this.#overflown &&= lacking(log, heads).size > 0;
  }

  #newLog(replica: ReplicaId): ReplicatedLog<T> {
    const now = () => (this.#reading ? limits.nowMsMax : this.#host.now());
    const bound = (): PayloadCodec<T> => {
      if (this.#codec !== undefined) return this.#codec;
      throw new GossipError('payload-undecodable', `log "${this.id}" is only passed on by this node`);
    };
    const later: PayloadCodec<T> = {
      name: 'later',
      encode: (payload) => bound().encode(payload),
      decode: (bytes) => bound().decode(bytes),
    };
    return new ReplicatedLog<T>(
      { id: this.id, replica, codec: this.#codec ?? later, now },
      {
        freshReplica: () => this.#host.freshReplica(),
        onListenerError: (error) => this.#host.onError(error),
        onMerge: (blocks) => this.receive(blocks),
      },
    );
  }

  #fail(error: GossipError): void {
    if (this.#status === 'closed') return;
    this.#status = 'failed';
    this.#error = error;
    this.#failWaiters(error);
    this.reach.end();
    for (const peer of [...this.peers]) peer.failed(this.id);
    this.#notify();
  }

  #failWaiters(error: GossipError): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(error);
  }

  /** Something but the events changed: how far they are, the state of the log. */
  #notify(): void {
    this.deliveries.look();
    this.#tell();
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener();
      } catch (error) {
        // A reader's mistake must not stop the log for the others.
        this.#host.onError(error);
      }
    }
  }

  #enqueue(entries: readonly LogEntry[]): void {
    this.#queue.push(...entries);
    this.#enqueued += entries.length;
  }

  /** Starts the writer unless it runs. It begins in a microtask, so that what is appended together goes together. */
  #write(): void {
    if (this.#writing !== undefined || this.#log === undefined || this.#status !== 'ready') return;
    this.#writing = Promise.resolve()
      .then(() => this.#drain(this.#log as ReplicatedLog<T>))
      .catch((error) => {
        this.#writing = undefined;
        this.#fail(asGossipError(error, `log "${this.id}" cannot be stored`));
      });
  }

  async #drain(log: ReplicatedLog<T>): Promise<void> {
    let pauseMs = limits.storageRetryMsMax / 10;
    for (;;) {
      const batch = this.#nextBatch(log);
      let table: readonly Truncation[] | undefined;
      if (batch.length === 0 && this.#hidden.grown === undefined) {
        if (this.#isToBePacked(log)) {
          this.#packing = this.#pack(log).finally(() => {
            this.#packing = undefined;
          });
          await this.#packing;
          continue;
        }
        if (this.#retains && !this.#givesUp) {
          await this.#retain(log);
          continue;
        }
        // In the same breath as the look: what is appended a microtask later must start a writer of its own.
        this.#writing = undefined;
        return;
      }
      try {
        table = await this.#commit(log, batch);
      } catch (cause) {
        const error = asGossipError(cause, `log "${this.id}" cannot be stored`);
        if (error.code !== 'storage-failed' || this.#givesUp) throw error;
        this.#putBack(batch, log);
        this.#error = error;
        this.#host.onError(error);
        this.#notify();
        await this.#pause(pauseMs);
        pauseMs = Math.min(pauseMs * 2, limits.storageRetryMsMax);
        continue;
      }
      pauseMs = limits.storageRetryMsMax / 10;
      this.#error = undefined;
      this.#committed += batch.length;
      // Before events, so that nobody is told of what is hidden, nor asks for it.
      if (table !== undefined) for (const peer of [...this.peers]) peer.truncated(this.id, table);
      const told = log.markStored(batch).filter((entry) => !this.reach.isFill(entry));
      const kept = log.keptOf(told);
      if (told.length > 0) for (const peer of [...this.peers]) peer.stored(this.id, told, kept);
      this.#waiters = this.#waiters.filter((waiter) => {
        if (waiter.until > this.#committed) return true;
        waiter.resolve();
        return false;
      });
      this.#notify();
    }
  }

  /** What could not be written waits at the front again, but for own events that gave way meanwhile (H6). */
  #putBack(batch: readonly LogEntry[], log: ReplicatedLog<T>): void {
    const kept = batch.filter((entry) => log.mayStore(entry));
    this.#committed += batch.length - kept.length;
    this.#queue.unshift(...kept);
  }

  /**
   * What is queued, up to the bound; own events only behind everything that they may depend on (H2). All of it when the
   * truncation table has grown: what is hidden, and what is appended again for it, is stored at once or not at all.
   */
  #nextBatch(log: ReplicatedLog<T>): LogEntry[] {
    let bytes = 0;
    let count = 0;
    const bytesMax = this.#hidden.grown === undefined ? limits.commitBytesMax : Number.POSITIVE_INFINITY;
    while (count < this.#queue.length && (count === 0 || bytes < bytesMax)) {
      bytes += (this.#queue[count++] as LogEntry).block.length;
    }
    const batch = this.#queue.splice(0, count);
    if (this.#queue.length > 0) return batch;
    const own = log.takeUnflushed();
    this.#enqueued += own.length;
    return batch.concat(own);
  }

  /** Returns the truncation table, when it has grown and is stored with these. */
  async #commit(log: ReplicatedLog<T>, batch: readonly LogEntry[]): Promise<readonly Truncation[] | undefined> {
    const table = this.#hidden.grown;
    const growths = this.#growths;
    const { storage, durable } = this.#host;
    const { codec } = this;
    if (codec !== undefined && this.#storedCodec === undefined) {
      await storage.setMetadata(codecKey(this.id), new TextEncoder().encode(codec));
      this.#storedCodec = codec;
    }
    await this.reach.keep(log);
    // What lies below an edge is also below the heads in the store.
    this.#repair ||= this.reach.isPartial;
    // What others wrote can be fetched again, unless this node has promised to keep it.
    const own = batch.some(({ origin }) => origin === 'own');
    for (const { origin, runs } of batch) {
      if (origin === 'own') for (const { replica } of runs) await this.#writers.keep(replica);
    }
    const options = {
      durability: durable || own || table !== undefined ? 'strict' : 'relaxed',
      // Heads in the store cover hidden events.
      repair: this.#repair || batch.some((entry) => this.#hidden.has(entry)),
      ...(table === undefined ? {} : { truncations: table }),
    } as const;
    const keys = await storage.commit(this.id, batch, options);
    keys.forEach((key, i) => {
      if (key !== undefined && !this.#hidden.has(batch[i] as LogEntry)) this.#records.push(key);
    });
    this.#hidden.settle(batch);
    if (table !== undefined) {
      this.#hidden.keep(table);
      this.#growths -= growths;
      this.#committed += growths;
    }
    return table;
  }

  /** H9. */
  #isToBePacked(log: ReplicatedLog<T>): boolean {
    if (this.#givesUp || this.#packAt === Number.POSITIVE_INFINITY || !log.isPackable) return false;
    // What the log could not take in lies in the old chunks alone.
    if (this.#chunkIds.length > 0 && this.#isLacking(log)) return false;
    if (log.isPackedAnew && this.#packAt === limits.journalRowsMax) return true;
    if (log.hasObsoleteChunks && this.#packAt === limits.journalRowsMax) return true;
    if (this.#records.length === 0) return false;
    if (this.#packsAll && log.unpackedRows > 0) return true;
    if (this.#tidies && this.#records.length > limits.journalRecordsMax) return true;
    const rows = log.unpackedRows;
    if (this.#progress !== undefined) {
      // Where all is shown, nothing that is packed goes from memory: first it is to be seen.
      const showsAll = Array.from(this.#windows).some(({ from }) => from === 0);
      if (rows < (showsAll ? limits.catchUpShownRowsMax : limits.catchUpRowsMax)) return false;
    }
    // The manifest names every replica and every chunk: it is not written for every few of their events.
    return rows >= Math.max(this.#packAt, log.replicaCount / 8, 2 * log.packedChunks);
  }

  /** Does the store hold events that the log could not take in? */
  #isLacking(log: ReplicatedLog<T>): boolean {
    if (this.#lacking.size === 0) return false;
    const version = log.version();
    for (const [replica, head] of this.#lacking)
      if (isLacking(log, replica, version.get(replica) ?? 0, head)) return true;
    this.#lacking = new Map();
    return false;
  }

  /** One step of packing. */
  async #pack(log: ReplicatedLog<T>): Promise<void> {
    const { storage } = this.#host;
    try {
      const before = this.#records.length;
      const ageMsMax = this.#retention?.ageMsMax;
      const joinsFromMs = ageMsMax === undefined ? 0 : this.#host.now() - ageMsMax / retentionSteps;
      const plan = await this.reading(log.pack(joinsFromMs), (step) => step);
      if (plan === undefined) return;
      const packed = plan.isComplete && !this.#isLacking(log) ? this.#records.slice(0, before) : [];
      const { manifest, add, remove } = plan;
      await storage.pack(this.id, { revision: this.#revision, manifest, add, remove, packed });
      this.#revision++;
      plan.apply();
      this.#records = this.#records.slice(packed.length);
      this.#packAt = limits.journalRowsMax;
      if (this.#records.length === 0) await this.reach.packed(log);
      if (plan.isComplete) {
        this.#chunkIds = [];
        this.#tidies = false;
        this.#packsAll = false;
        this.#retains = this.#retention !== undefined;
        if (this.#windows.size === 0) this.trim();
      }
    } catch (cause) {
      const error = asGossipError(cause, `log "${this.id}" cannot be packed`);
      this.#tidies = false;
      this.#packsAll = false;
      this.#packAt =
        error.code === 'head-conflict' ? Number.POSITIVE_INFINITY : log.unpackedRows + limits.journalRowsMax;
      if (error.code !== 'head-conflict' && this.#status === 'ready') this.#host.onError(error);
    }
  }

  /** H11. What has no age yet is packed, and what is too old goes, a few times within that age. */
  #retainLater(): void {
    const ageMsMax = this.#retention?.ageMsMax;
    if (ageMsMax === undefined) return;
    const pauseMs = Math.min(limits.retentionMsMax, Math.max(limits.retentionMsMin, ageMsMax / retentionSteps));
    this.#cancelRetain = this.#host.environment.setTimer(pauseMs, () => {
      this.#retainLater();
      this.#retains = true;
      this.#packsAll = true;
      this.#write();
    });
  }

  /** H11. Lets go of what is not to be kept. Peers learn of it, and it is noted, before anything goes. */
  async #retain(log: ReplicatedLog<T>): Promise<void> {
    this.#retains = false;
    if (this.#retention === undefined) return;
    const relayed = this.deliveries.relayedSeq(log.replica);
    const notRelayed = this.#host.durable ? undefined : log.timeOfOwn(relayed);
    const floor = log.floorOf(this.#retention, notRelayed ?? Number.POSITIVE_INFINITY);
    if (floor <= log.droppedBefore) return;
    try {
      this.reach.letGo(log, floor);
      await this.reach.keep(log);
      await this.reading(log.drop(floor), done);
    } catch (cause) {
      if (this.#status === 'ready')
        this.#host.onError(asGossipError(cause, `log "${this.id}" cannot let go of events`));
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#wakeRetry = undefined;
        cancel();
        resolve();
      };
      const cancel = this.#host.environment.setTimer(ms, wake);
      this.#wakeRetry = wake;
    });
  }
}

function leftOf({ received, expected }: Progress): number {
  return expected - received;
}

/** The heads that cover events which the log does not have. */
function lacking<T>(log: ReplicatedLog<T>, heads: ReadonlyMap<ReplicaId, SequenceNumber>) {
  const version = log.version();
  return new Map(
    Array.from(heads).filter(([replica, head]) => isLacking(log, replica, version.get(replica) ?? 0, head)),
  );
}

/** Does a log that has a replica's events up to `last` lack some up to `head`? Hidden ones are none (J2). */
function isLacking<T>(log: ReplicatedLog<T>, replica: ReplicaId, last: number, head: number): boolean {
  return last < head && !log.isHidden(replica, last + 1);
}

const done = () => undefined;

/** An event goes at the latest this part of its age later. */
const retentionSteps = 8;

/** Another reading may serve: of all chunks, without the manifest. */
function isUnreadable(error: unknown): boolean {
  return error instanceof PackedOtherwise || (error instanceof GossipError && error.code !== 'storage-failed');
}

/** Blocks in portions, so that neither every record of one event nor a whole journal is merged by itself. */
function* portions(blocks: readonly Uint8Array[]): Iterable<Uint8Array[]> {
  let portion: Uint8Array[] = [];
  let bytes = 0;
  for (const block of blocks) {
    portion.push(block);
    bytes += block.length;
    if (bytes < limits.blockBytesTarget) continue;
    yield portion;
    portion = [];
    bytes = 0;
  }
  yield portion;
}

function otherCodec(id: string, bound: string, asked: string): GossipError {
  return new GossipError('descriptor-mismatch', `log "${id}" has codec ${bound} here, not ${asked}`, {
    context: { log: id, codec: bound, asked },
  });
}

/** @internal */
export function closedError(id: string): GossipError {
  return new GossipError('log-closed', `log "${id}" is closed`, { context: { id } });
}

function asGossipError(cause: unknown, what: string): GossipError {
  return cause instanceof GossipError ? cause : new GossipError('storage-failed', `${what}: ${cause}`, { cause });
}
