/**
 * The log's parts put together: clock, writers, heads, causal buffer, ordered log, codec. `gossip-log.ts` shows
 * what users call; what nodes and sessions need besides is here. The rules stand at the parts.
 */
import { CausalBuffer } from './causal-buffer.js';
import { checkOptions } from './check-options.js';
import { exportBlocks, importBlocks } from './codec/exported-blocks.js';
import { jsonCodec, type PayloadCodec } from './codec/payload.js';
import { encodeRedaction } from './codec/redaction.js';
import { type LogEdges, type RedactionSum, type Supply, type UnmetRun, wholeLog } from './edges.js';
import { GossipError } from './errors.js';
import { eventKind, isShown, type LogEvent } from './event.js';
import type { FeedPart, FeedQuery } from './feed.js';
import type { GossipLog, GossipLogOptions, MergeResult, RedactOptions, Relation } from './gossip-log.js';
import { farHorizon, horizon, lastFollowing } from './hybrid-logical-clock.js';
import {
  type EventId,
  eventId,
  parseEventId,
  parseLogId,
  parseWriterId,
  type SequenceNumber,
  type WriterId,
  writerIdFromBytes,
} from './ids.js';
import { adoptedBytesMin, eventBytesMax, idleRowsMax, timeMax } from './limits.js';
import { Listeners, reportUncaught } from './listeners.js';
import { Arrivals, type Receipt } from './log/arrivals.js';
import { type Compared, compareRows, describeRows, requireRows } from './log/compare-rows.js';
import type { Fingerprint } from './log/contribution.js';
import { DependencyArena } from './log/dependency-arena.js';
import { Edges } from './log/edges.js';
import { EffectiveLog } from './log/effective-log.js';
import { EffectiveRows } from './log/effective-rows.js';
import { type ErasedEvents, ErasingRows } from './log/erasing-rows.js';
import { dependsOn } from './log/happened-before.js';
import { Heads } from './log/heads.js';
import type { LogParts } from './log/log-parts.js';
import type { LogTables } from './log/log-tables.js';
import { MissingEvents } from './log/missing-events.js';
import { startOfNewest } from './log/newest-lacking.js';
import { OrderedLog } from './log/ordered-log.js';
import { OwnRows } from './log/own-rows.js';
import { PackedChunks, type Reading } from './log/packed-chunks.js';
import { isSmall, Packer, type PackPlan } from './log/packer.js';
import { PayloadPages } from './log/payload-pages.js';
import { type ReadQuery, type ReadResult, readLacking } from './log/read-lacking.js';
import { type ReappendPlan, ReappendRows, type UnsentRecord, type UnsentRuns } from './log/reappend-rows.js';
import { type Erasures, Redactions } from './log/redactions.js';
import {
  type RedactionsQuery,
  type RedactionsRead,
  readRedactions,
  sumBelow,
  sumRedactions,
} from './log/redactions-below.js';
import { type IsEnough, Residence } from './log/residence.js';
import { packAnew, resumePacked } from './log/resume-packed.js';
import { type Retention, retentionFloor } from './log/retention.js';
import { chunksLacking, encodeRows, Lacking, pickLacking } from './log/rows-lacking.js';
import { readMatching } from './log/rows-matching.js';
import { ChunkSnapshot, type Snapshot } from './log/snapshot.js';
import { StandingRows } from './log/standing-rows.js';
import { lookUpIn } from './log/times-before.js';
import { UnstoredFills } from './log/unstored-fills.js';
import { WriterTable } from './log/writer-table.js';
import type { LogDescriptor } from './log-descriptor.js';
import type { Run } from './ports/storage.js';
import type { Range } from './range.js';
import { type KeptRun, type KnownEvent, type LogEntry, lacksFrom, type OwnRuns } from './runs.js';

/** What makes a log one that a node keeps, rather than one that is merely computed with. */
export interface JournalOptions {
  /** Draws a writer id that was never used: what is written here is written under it. */
  readonly freshWriter: () => WriterId;
  /** Takes over what the log's user merges: by `receive`, and storing what is new. */
  readonly onMerge?: (blocks: readonly Uint8Array[]) => Receipt;
}

/** A log with a journal draws the id that it writes under, unless it is told which to begin with. */
type LogOptions<T> = Omit<GossipLogOptions<T>, 'writer'> & Partial<Pick<GossipLogOptions<T>, 'writer'>>;

const codecName = /^[\x21-\x7e]{1,32}$/;

/** @internal */
export class ReplicatedLog<T = unknown> implements GossipLog<T> {
  readonly id: string;
  readonly descriptor: LogDescriptor;
  readonly #now: () => number;
  readonly #codec: PayloadCodec<T>;
  readonly #writers = new WriterTable();
  readonly #tables: LogTables = {
    writers: this.#writers,
    dependencies: new DependencyArena(),
    pages: new PayloadPages(),
  };
  readonly #ordered: OrderedLog;
  readonly #packed: PackedChunks;
  readonly #packer: Packer;
  readonly #edges = new Edges(this.#writers.ends, this.#writers);
  readonly #buffer = new CausalBuffer(this.#writers, this.#edges);
  readonly #effective: EffectiveRows;
  readonly #standing: StandingRows;
  readonly #redactions: Redactions;
  readonly #residence: Residence;
  readonly #own: OwnRows;
  readonly #parts: LogParts;
  readonly #arrivals: Arrivals;
  readonly #erasing: ErasingRows;
  readonly #missing: MissingEvents;
  readonly #reappend: ReappendRows;
  readonly #stored: EffectiveLog;
  readonly #listeners: Listeners;
  readonly #journal: JournalOptions | undefined;
  #snapshot: Snapshot<T> | undefined;
  /** The log as its listeners know it. */
  #seen = { changes: 0, length: 0, shown: 0 };
  #closed = false;

  /** With `journal`, own events are kept for `takeUnflushed`, and the id to write under is drawn. */
  constructor(options: LogOptions<T>, journal?: JournalOptions) {
    this.id = parseLogId(options.id);
    const now = () => checkNow(options.now());
    this.#now = now;
    this.#listeners = new Listeners(options.onListenerError ?? reportUncaught);
    this.#codec = options.codec ?? (jsonCodec as PayloadCodec<T>);
    if (typeof this.#codec.name !== 'string' || !codecName.test(this.#codec.name)) {
      throw new TypeError(`codec.name: expected 1 to 32 printable ASCII characters, got ${this.#codec.name}`);
    }
    this.descriptor = { id: this.id, policy: 'unsigned', codec: this.#codec.name };
    this.#ordered = new OrderedLog(this.#tables, this.#codec as PayloadCodec<unknown>);
    this.#packed = new PackedChunks(this.#tables);
    this.#effective = new EffectiveRows(this.#ordered, this.#packed, this.#tables, this.#edges);
    this.#standing = new StandingRows(this.#effective);
    this.#redactions = new Redactions(this.#effective, this.#standing);
    this.#packed.eraser = this.#redactions;
    const heads = new Heads(this.#tables);
    let given = options.writer === undefined ? undefined : parseWriterId(options.writer);
    const draw = (): WriterId => {
      const writer = given ?? (journal as JournalOptions).freshWriter();
      if (journal !== undefined) given = undefined;
      return writer;
    };
    this.#own = new OwnRows(this.#ordered, heads, { draw, now, isKept: journal !== undefined });
    this.#packer = new Packer(this.#effective, heads, this.#redactions);
    this.#residence = new Residence(this.#effective, this.#packer);
    this.#parts = {
      ...{ effective: this.#effective, standing: this.#standing, heads, buffer: this.#buffer, packer: this.#packer },
      ...{ own: this.#own, fills: new UnstoredFills(this.#writers), redactions: this.#redactions },
    };
    this.#erasing = new ErasingRows(this.#parts);
    this.#arrivals = new Arrivals(this.#parts, this.#erasing);
    this.#missing = new MissingEvents(this.#parts);
    this.#reappend = new ReappendRows(this.#parts, now);
    this.#stored = new EffectiveLog(this.#parts);
    this.#journal = journal;
  }

  get writer(): WriterId {
    return this.#own.writer;
  }

  get length(): number {
    return this.#ordered.shownLength;
  }

  // What users call.

  append(payload: T): LogEvent<T> {
    const bytes = this.#encodePayload(payload);
    // Getters of the payload, and the codec, are code of the app's: it may have closed the log.
    this.#assertOpen();
    const tail = this.#own.append(eventKind.app, bytes);
    const event = this.#ordered.event(tail, tail.count - 1) as LogEvent<T>;
    this.#changed();
    return event;
  }

  redact(id: EventId, { now = false }: RedactOptions = {}): EventId {
    const { writer, seq } = parseEventId(id);
    this.#assertOpen();
    const index = this.#writers.find(writer);
    const found = index < 0 ? undefined : this.#standing.find(index, seq);
    if (found === undefined) {
      throw new GossipError('unknown-event', `no event ${id} in the memory of log "${this.id}"`, {
        context: { log: this.id, id },
      });
    }
    const kind = found.chunk.kind[found.row] as number;
    if (kind === eventKind.erased) return this.#redactions.idAt(found);
    if (!isShown(kind)) {
      throw new GossipError('not-redactable', `event ${id} is a redaction`, { context: { log: this.id, id } });
    }
    const time = found.chunk.time[found.row] as number;
    const target = { atOnce: now, writer: this.#writers.bytes(index), seq };
    const tail = this.#own.append(eventKind.redaction, (at) => encodeRedaction({ ...target, age: at - time }));
    const own = tail.count - 1;
    this.#redactions.applyOwn(tail, own, this.#journal !== undefined, this.#own.unflushed);
    this.#changed();
    return eventId(this.#writers.id(tail.writer[own] as number), tail.seq[own] as number);
  }

  merge(bytes: Uint8Array): MergeResult {
    if (!isBytes(bytes)) throw new TypeError(`merge: expected a Uint8Array, got ${kindOf(bytes)}`);
    // What is merged stays where it came: the caller may use its buffer again.
    const blocks = importBlocks(new Uint8Array(bytes), this.#exportedAs);
    const merge = this.#journal?.onMerge;
    const receipt = merge === undefined ? this.#receive(blocks, this.horizon, false) : merge(blocks);
    const { added, duplicates, parked, missing } = receipt;
    return { added, duplicates, parked, missing };
  }

  snapshot(): Snapshot<T> {
    this.#snapshot ??= new ChunkSnapshot<T>(this.#ordered);
    return this.#snapshot;
  }

  subscribe(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  version(): Map<WriterId, SequenceNumber> {
    const version = new Map<WriterId, SequenceNumber>();
    for (let writer = 0; writer < this.#writers.size; writer++) {
      const seq = this.#writers.last[writer] as number;
      if (seq > 0) version.set(this.#writers.id(writer), seq);
    }
    for (const { id, last } of this.#writers.directory ?? []) version.set(writerIdFromBytes(id), last);
    return version;
  }

  encode(since?: ReadonlyMap<WriterId, SequenceNumber>): Uint8Array {
    checkVersion(since);
    const lacks = new Map<WriterId, KnownEvent>();
    for (const writer of this.version().keys()) lacks.set(writer, { seq: since?.get(writer) ?? 0, time: 0 });
    const everything = { bytesMax: Number.POSITIVE_INFINITY, upTo: timeMax };
    const lacking = new Lacking(this.#tables, lacks, 'last');
    const { rows } = pickLacking(chunksLacking(this.#ordered, lacking), lacking, this.#tables, everything);
    const entries = encodeRows(rows, this.#tables, 'own', lookUpIn(this.#effective, rows));
    return exportBlocks(
      this.#exportedAs,
      entries.map((entry) => entry.block),
    );
  }

  relation(a: LogEvent<T>, b: LogEvent<T>): Relation {
    const [keyA, keyB] = [this.#key(a), this.#key(b)];
    if (a.writer === b.writer) return a.seq === b.seq ? 'same' : a.seq < b.seq ? 'before' : 'after';
    if (a.clock < b.clock) return dependsOn(this.#ordered, this.#tables, keyB, keyA) ? 'before' : 'concurrent';
    return dependsOn(this.#ordered, this.#tables, keyA, keyB) ? 'after' : 'concurrent';
  }

  get(id: EventId): LogEvent<T> | undefined {
    const { writer, seq } = parseEventId(id);
    const index = this.#writers.find(writer);
    const found = index < 0 ? undefined : this.#standing.find(index, seq);
    if (found === undefined || !isShown(found.chunk.kind[found.row] as number)) return undefined;
    return this.#ordered.event(found.chunk, found.row) as LogEvent<T>;
  }

  get status(): 'ready' | 'closed' {
    return this.#closed ? 'closed' : 'ready';
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#listeners.tell();
    } finally {
      this.#listeners.clear();
    }
  }

  // What comes, and what goes to the journal.

  /** Events above this time are `early` (S13). */
  get horizon(): number {
    const now = this.#now();
    return Math.max(horizon(now), lastFollowing(this.#effective.newestTime, now));
  }

  /**
   * `merge` for a node: blocks from a peer, and what is to be stored of them. `trusted`: the peer's clock is gone by, so that
   * nothing is early that it has accepted. With `erased` it may not redact: `refused` is `forbidden` where it does (G11).
   */
  receive(blocks: readonly Uint8Array[], trusted = false, erased?: ErasedEvents): Receipt {
    return this.#receive(blocks, trusted ? farHorizon(this.#now()) : this.horizon, true, false, erased);
  }

  /** What to give to `receive`, for blocks of a peer that may not redact. */
  erasedAmong(blocks: readonly Uint8Array[]): Reading<ErasedEvents> {
    return this.#erasing.erasedAmong(blocks);
  }

  /** Events that wait for others before they can show. */
  get parked(): number {
    return this.#buffer.rows;
  }

  /** Bytes that these take. */
  get parkedBytes(): number {
    return this.#buffer.parked.bytes;
  }

  /** Drops the newest of them, if they take more. They can be fetched again. */
  shedParked(bytesMax: number): void {
    this.#buffer.shed(bytesMax);
  }

  /** Own events since the last call, as entries for the journal. */
  takeUnflushed(): LogEntry[] {
    return this.#own.takeUnflushed();
  }

  /** Says that these entries are stored: peers may be told of them. */
  markStored(entries: readonly LogEntry[]): void {
    this.#stored.mark(entries);
  }

  /** A block from this node's own journal: whatever its time, it was accepted before. */
  *loading(block: Uint8Array): Reading<Receipt> {
    return yield* this.#packed.reading(() => this.load(block));
  }

  /** The same where all packed writers are known. */
  load(block: Uint8Array): Receipt {
    const receipt = this.#receive([block], timeMax, false, true);
    // The last pack did not come to its end: records of what it has erased in chunks may still lie here.
    if (receipt.duplicates > 0 && this.#packed.slots.some(({ redactions }) => redactions.count > 0)) {
      this.#redactions.mayBeLeft();
    }
    return receipt;
  }

  // Packed writers that are not in memory.

  /** Are all packed writers known? Until they are, nothing may be received. */
  get knowsWriters(): boolean {
    return this.#writers.isRead;
  }

  /** Can nothing be written before all packed writers are known? */
  get needsWriters(): boolean {
    return !this.#writers.isRead && this.#writers.directory?.hasHeads === true;
  }

  /** Is that writer known, or that there is none? */
  isSureOf(writer: WriterId): boolean {
    return this.#writers.isRead || this.#writers.find(writer) >= 0;
  }

  /** Reads which writers are packed. */
  *readWriters(): Reading<void> {
    yield* this.#packed.reading(() => {
      this.#writers.readDirectory();
      this.#writers.takeInHeads();
    });
  }

  /** The journal was read to its end: all of the log is stored. */
  loaded(): void {
    this.#stored.markAll();
    this.#missing.letEdgeFall();
  }

  // The effective log (G3): what peers are told.

  /** The last stored event of a writer; 0 when there is none. */
  storedSeq(writer: WriterId): SequenceNumber {
    return this.#stored.lastOf(writer);
  }

  /** Has an event of this id come into the log? Also one that is not in memory, or was hidden since. */
  hasTaken(writer: WriterId, seq: SequenceNumber): boolean {
    const index = this.#writers.find(writer);
    return seq <= (this.#writers.last[index] ?? 0);
  }

  /** Own events that are not stored yet. */
  get ownUnstored(): number {
    const { self } = this.#own;
    return self < 0 ? 0 : (this.#writers.last[self] as number) - (this.#writers.stored[self] as number);
  }

  /** The last event of each writer in the effective log. */
  storedVersion(): Map<WriterId, SequenceNumber> {
    return this.#stored.version();
  }

  /** What a durable node is known to have of what is stored here, when from that time on it lacks nothing. */
  provenVersion(from: number, own: OwnRuns): Map<WriterId, SequenceNumber> {
    return this.#stored.provenVersion(from, own);
  }

  /** The stored events of a writer up to the last, as far back as none is missing: a node may promise that it keeps these. */
  keptRun(writer: WriterId): KeptRun {
    return this.#stored.keptRun(writer);
  }

  /** What is stored of these runs before a gap of their writers. Only of events that are stored it says nothing wrong. */
  keptBefore(runs: readonly Run[]): Run[] {
    return this.#stored.keptBefore(runs);
  }

  /** Is any of these events here? */
  holdsAny({ writer, first, last }: Run): boolean {
    return this.#edges.heldRuns(this.#writers.find(writer), first, last).length > 0;
  }

  /** What may be promised of the writers of these entries, where that is not all from the first event on. */
  keptOf(entries: readonly LogEntry[]): ReadonlyMap<WriterId, KeptRun> | undefined {
    return this.#stored.keptOf(entries);
  }

  /** Where the last `count` events begin that peers may be told of; where the log begins, when there are no more. */
  *startOfLast(count: number): Reading<number> {
    return yield* this.#packed.reading(() => this.#effective.startOfLast(count));
  }

  /** The effective log in ranges: the first turn of a comparison. */
  *describe(): Reading<Range[]> {
    return yield* this.#packed.reading(() => describeRows(this.#effective));
  }

  /**
   * Reads a turn of a comparison, and answers it. A durable peer is offered those of the `own` runs that it may lack below
   * its edge.
   */
  *compare(
    received: readonly Range[],
    salt: number,
    thorough = false,
    peer = wholeLog,
    own: OwnRuns = new Map(),
    isDurable = false,
  ): Reading<Compared> {
    const from = Math.max(peer.complete, this.#edges.complete);
    const unproven = isDurable
      ? [...own].filter(([writer, relayed]) => !this.#stored.isProven(from, writer, relayed))
      : [];
    const between = { peer, own, offersAgain: new Map(unproven), thorough };
    return yield* this.#packed.reading(() => {
      const { rowsRead } = this.#packed;
      requireRows(this.#effective, received);
      const compared = compareRows(this.#effective, received, salt, between);
      return { ...compared, walked: compared.walked + this.#packed.rowsRead - rowsRead };
    });
  }

  /** What a peer lacks of the effective log, in log order. */
  *read({ lacks, newest, bytesMax, upTo, peerLacks = lacks }: ReadQuery): Reading<ReadResult> {
    const lackingOf = (known: typeof lacks) => new Lacking(this.#tables, known, 'stored');
    const cut = newest === undefined ? undefined : yield* startOfNewest(this.#effective, lackingOf(lacks), newest);
    const known = cut === undefined ? lacks : lacksFrom(lacks, cut);
    const lacking = lackingOf(known);
    const read = (last: number) => readLacking(this.#effective, lacking, known, { bytesMax, upTo: last });
    let part = yield* read(upTo);
    if (part.heldTime !== undefined) {
      // The peer's log may be ahead of the clock, too: then it takes what follows on that (S13).
      const last = lastFollowing(this.#stored.newestKnown(peerLacks), this.#now());
      if (last >= part.heldTime && part.entries.length === 0) part = yield* read(last);
      else if (last >= part.heldTime) part = { ...part, more: true, heldTime: undefined };
    }
    const lackingCount = Math.min(lacking.count, this.#effective.countFrom(lacking.from));
    return { ...part, lacking: lackingCount, cut };
  }

  /**
   * The fingerprint of what both this log and a peer hold before a time, unless that is much work: then part of it, for the
   * next time.
   */
  *sum(upTo: number, peer = wholeLog): Reading<Fingerprint | undefined> {
    return yield* this.#packed.reading(() => {
      const from = Math.max(this.#edges.complete, peer.complete);
      requireRows(this.#effective, [{ kind: 'rows', from, to: upTo, names: [] }]);
      return this.#effective.fingerprintWithin(from, Math.max(from, upTo), idleRowsMax);
    });
  }

  /**
   * What a feed's reader lacks of the effective log, in log order.
   *
   * @throws GossipError `forked` when the reader has another event than stands here (F4).
   */
  *select(query: FeedQuery): Reading<FeedPart> {
    return yield* readMatching(this.#effective, query);
  }

  /** Of the redactions below the edge, what a peer is to be told (S27); `undefined` where no events are held there. */
  *redactionsBelow(): Reading<RedactionSum | undefined> {
    return yield* sumBelow(this.#effective);
  }

  /** Redactions of `[from, to)`, about `bytesMax` of them; none where a peer has the same (S27). */
  *readRedactions({ from, to, known, bytesMax }: RedactionsQuery): Reading<RedactionsRead> {
    if (known !== undefined) {
      const { count, sum } = yield* sumRedactions(this.#effective, from, to);
      if (count === known.count && sum.every((value, lane) => value === known.sum[lane])) {
        return { entries: [], next: undefined };
      }
    }
    return yield* readRedactions(this.#effective, from, to, bytesMax);
  }

  /** What of these runs is here, for a peer that wants nothing before `from`. */
  supply(runs: readonly Run[], from: number): Supply {
    return this.#stored.supply(runs, from);
  }

  /**
   * Own events that no peer was sent and that peers would refuse by their times are to be appended again (G12): how, and what
   * is to be stored for it; `undefined` when there are none.
   */
  reappend(unsent: UnsentRuns, records: readonly UnsentRecord[]): ReappendPlan | undefined {
    const plan = this.#reappend.plan(unsent, records);
    if (plan === undefined) return undefined;
    const apply = () => {
      const successors = plan.apply();
      this.#changed();
      return successors;
    };
    return { ...plan, apply };
  }

  /** Was one of these own events redacted? */
  hasErased(unsent: UnsentRuns): boolean {
    const first = new Map(Array.from(unsent, ([writer, seq]) => [this.#writers.find(writer), seq]));
    return this.#ordered.chunks.some((chunk) => {
      for (let row = 0; row < chunk.count; row++) {
        if (chunk.kind[row] !== eventKind.erased) continue;
        if ((chunk.seq[row] as number) >= (first.get(chunk.writer[row] as number) ?? Number.POSITIVE_INFINITY))
          return true;
      }
      return false;
    });
  }

  // The edges.

  /** Takes up edges that were kept; the log must be empty. What the journal holds is judged by them. */
  resumeEdges({ wanted, complete }: LogEdges): void {
    this.#edges.wanted = wanted;
    this.#edges.complete = complete;
  }

  /** As peers are to be told of them. */
  get edges(): LogEdges {
    const { wanted, complete } = this.#edges;
    return { wanted, complete };
  }

  /** K3. Returns what waited for events below, to be stored. Peers are to be told of the edge. */
  raise(time: number): LogEntry[] {
    if (time <= this.#edges.complete) return [];
    this.#edges.complete = time;
    // What is written here from now on lies above.
    this.#own.observe(time);
    const freed = this.#arrivals.releaseAll();
    if (freed.length > 0) this.#changed();
    return freed;
  }

  /**
   * Moves the `wanted` edge: down to ask for more (K4), up when less is to be held; then `raise` follows. True: the
   * `complete` edge fell with it.
   */
  want(time: number): boolean {
    this.#edges.wanted = time;
    return this.#missing.letEdgeFall();
  }

  /** What events wait for that no event here waits for itself: with K3 in mind. O(events that wait). */
  unmet(): UnmetRun[] {
    return this.#missing.unmet();
  }

  /** What is missing between the edges, as far as is known (K4). */
  missingBelow(): UnmetRun[] {
    return this.#missing.below();
  }

  // Packed chunks.

  /**
   * Takes up where a manifest says that the log was packed; the log must be empty. Then `load` the journal.
   *
   * @throws GossipError when the manifest cannot be read, PackedOtherwise when it does not serve: then the log is read from
   *   its chunks (`anew`).
   */
  resume(manifest: Uint8Array, nextChunkId: number): void {
    resumePacked(this.#parts, manifest, nextChunkId);
  }

  /**
   * No manifest serves: chunks are read as if they were the journal, in front of it, and packed anew. Of all chunks there are
   * it returns the ids of those to be read; the log must be empty.
   */
  anew(chunks: ReadonlyMap<number, Uint8Array>, nextChunkId: number, manifest?: Uint8Array): number[] {
    return packAnew(this.#packer, chunks, nextChunkId, manifest);
  }

  /** Are there older events than those in memory? */
  get hasOlder(): boolean {
    return this.#packed.cold > 0;
  }

  /** Is there something on disk that goes once all is packed? */
  get isPackedAnew(): boolean {
    return this.#packer.former.length > 0;
  }

  /** How many chunks the log is packed into. */
  get packedChunks(): number {
    return this.#packed.slots.length;
  }

  /** Events that are not in memory. */
  get olderLength(): number {
    return this.#packed.coldRows;
  }

  /** Events behind the packed ones, and those that came late among them: what the journal is needed for. */
  get unpackedRows(): number {
    return this.#residence.unpackedRows;
  }

  /** The time from which on events are in memory; 0 when all are. */
  get residentFrom(): number {
    return this.#packed.hotFrom;
  }

  /** About how many events there are from a time on that apps see, in memory or not. */
  lengthFrom(time: number): number {
    return this.#effective.shownFrom(time);
  }

  /** About how many bytes the events take that are in memory. */
  get residentBytes(): number {
    return this.#residence.bytes;
  }

  /** Reads older events into memory, chunk by chunk, until `isEnough`. It is asked before each. */
  *loadOlder(isEnough: IsEnough): Reading<void> {
    while (yield* this.#packed.reading(() => this.#residence.loadSome(isEnough))) this.#changed();
  }

  /** Gives back the memory of packed events before that time. Snapshots keep what they have seen. O(events in memory). */
  trim(from: number): void {
    if (this.#residence.trim(from, this.#own.unflushed)) this.#changed();
  }

  /**
   * The next step of packing. What was packed before `joinsFromMs`, milliseconds
   * since 1970, is not joined with what is packed now. What is `unsent` of own runs stays in the journal.
   */
  *pack(joinsFromMs = 0, unsent: UnsentRuns = new Map()): Reading<PackPlan> {
    const { slots, cold, end } = this.#packed;
    const last = slots[slots.length - 1];
    // The last chunk is joined with what comes behind it when it is small. That is in memory: then it must be, too (Q3).
    if (last !== undefined && cold === slots.length && isSmall(last, joinsFromMs) && this.#own.clock >= end) {
      if (yield* this.#packed.reading(() => this.#residence.warm(this.#packed.cold - 1))) this.#changed();
    }
    const plan = yield* this.#packer.plan({ nowMs: this.#now(), joinsFromMs, unsent });
    const apply = () => {
      const { length } = this;
      plan.apply();
      if (this.length !== length) this.#changed();
    };
    return { ...plan, apply };
  }

  /**
   * Before that time events may go that are not to be kept: packed chunks as a whole, the oldest first, none that reaches to
   * `upTo`. 0: none.
   */
  floorOf(retention: Retention, upTo: number): number {
    return retentionFloor(this.#packed, this.#ordered.length + this.olderLength, retention, this.#now(), upTo);
  }

  /** The time of a writer's first event behind `seq`; `undefined` when there is none, 0 when it is not in memory. */
  timeBehind(writer: WriterId, seq: SequenceNumber): number | undefined {
    const index = this.#writers.find(writer);
    if (seq >= (this.#writers.last[index] ?? 0)) return undefined;
    return this.#standing.findTime(index, seq + 1);
  }

  /**
   * Lets go of the events before `time`, but for those that share a packed chunk with later ones; the next pack removes them.
   * Returns how many there were. Peers must learn of it: the edges rise first.
   */
  *drop(time: number): Reading<number> {
    let dropped = 0;
    for (;;) {
      const { rows, more } = yield* this.#packed.reading(() => this.#residence.dropSome(time));
      dropped += rows;
      if (rows > 0) this.#changed();
      if (more) continue;
      this.#redactions.forgetGone();
      return dropped;
    }
  }

  /** Events before that time were let go of, and are not taken again. */
  get droppedBefore(): number {
    return this.#edges.droppedBefore;
  }

  /** Does the store hold chunks that the next pack removes? */
  get hasObsoleteChunks(): boolean {
    return this.#packer.obsolete.length > 0;
  }

  /** Payloads that were erased, of which the store may hold copies. */
  get erasures(): Erasures {
    return this.#redactions.erasures;
  }

  /** Redactions whose targets are not here, or still lie on disk with their payloads. */
  get openRedactions(): number {
    return this.#redactions.openCount;
  }

  // How it works inside.

  /** A codec may have been bound since the log was made. */
  get #exportedAs(): Pick<LogDescriptor, 'id' | 'codec'> {
    return { id: this.id, codec: this.#codec.name };
  }

  #key(event: LogEvent<T>): { writer: number; seq: number; time: number } {
    if (typeof event?.clock !== 'number') throw new TypeError(`relation: expected two events, got ${event}`);
    const { id, writer, seq, clock } = event;
    const index = this.#writers.find(writer);
    const found = index < 0 ? undefined : this.#ordered.locate(clock, index);
    if (found === undefined || this.#ordered.chunks[found.chunk]?.seq[found.row] !== seq) {
      throw new RangeError(`relation: expected events in the memory of log "${this.id}", got ${id}`);
    }
    return { writer: index, seq, time: clock };
  }

  #assertOpen(): void {
    if (this.#closed) throw new GossipError('log-closed', `log "${this.id}" is closed`, { context: { id: this.id } });
  }

  #encodePayload(payload: T): Uint8Array {
    const { name } = this.#codec;
    let bytes: Uint8Array;
    try {
      bytes = this.#codec.encode(payload);
    } catch (cause) {
      if (cause instanceof GossipError && (cause.code === 'payload-unencodable' || cause.code === 'event-too-large')) {
        throw cause;
      }
      throw new GossipError('payload-unencodable', `codec ${name} cannot write this payload: ${cause}`, {
        context: { codec: name },
        cause,
      });
    }
    if (!isBytes(bytes)) {
      // A promise that nothing waits for must not end the process when it fails: this error says what is wrong.
      if ((bytes as unknown) instanceof Promise) (bytes as Promise<unknown>).catch(() => undefined);
      throw new GossipError(
        'payload-unencodable',
        `codec ${name}: encode must give a Uint8Array, gave ${kindOf(bytes)}`,
        {
          context: { codec: name },
        },
      );
    }
    if (bytes.length > eventBytesMax) {
      throw new GossipError('event-too-large', `a payload of ${bytes.length} bytes, at most ${eventBytesMax}`, {
        context: { bytes: bytes.length, eventBytesMax },
      });
    }
    // Large payloads stay where they are; the codec may use its buffer again.
    return bytes.length < adoptedBytesMin ? bytes : new Uint8Array(bytes);
  }

  #changed(): void {
    // What came late into what is not in memory is not seen: the snapshot is the same object (L5).
    const { changes, length } = this.#ordered;
    const isSame = this.#seen.shown === this.length && this.#seen.changes === changes;
    const isHidden = isSame && this.#seen.length !== length;
    this.#seen = { changes, length, shown: this.length };
    if (!isSame) this.#snapshot = undefined;
    // Rows that do not show came or went: a listener of the log would find the same snapshot.
    if (isHidden) this.#ordered.hiddenListeners.tell();
    else this.#listeners.tell();
  }

  #receive(
    blocks: readonly Uint8Array[],
    upTo: number,
    collects: boolean,
    isJournal = false,
    erased?: ErasedEvents,
  ): Receipt {
    this.#assertOpen();
    const { found } = this.#edges;
    const { changes } = this.#ordered;
    const { redactions } = this.#arrivals;
    const tally = this.#arrivals.receive(blocks, upTo, collects, erased, isJournal);
    const { added, dropped, forked, entries, runs, refused } = tally;
    let { duplicates } = tally;
    let parked = 0;
    for (const { writer, seq, again } of tally.parked) {
      if (this.#buffer.has(writer, seq)) parked++;
      else if (again) duplicates++;
    }
    const missing = tally.parked.length > 0 ? this.#buffer.missing() : [];
    // Of a journal that is still being read it is not known what is missing.
    const fell = !isJournal && this.#missing.letEdgeFall();
    if (added > 0 || this.#ordered.changes !== changes) this.#changed();
    // Not put together by spreading, which takes longer than the rest of a block of one row.
    return {
      added,
      duplicates,
      dropped,
      forked,
      entries,
      runs,
      parked,
      missing,
      refused,
      redacts: this.#arrivals.redactions > redactions,
      fell,
      foundMissing: !fell && this.#edges.found > found,
    };
  }
}

/** Is it a `Uint8Array`, of whatever realm? */
function isBytes(value: unknown): value is Uint8Array {
  return Object.prototype.toString.call(value) === '[object Uint8Array]';
}

function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1);
}

/** One that went through JSON is no map any more: all of the log would be sent, or none of it. */
function checkVersion(since: unknown): void {
  if (since === undefined) return;
  if (kindOf(since) !== 'Map')
    throw new TypeError(`encode: expected a version, as version() gives it, got ${kindOf(since)}`);
  for (const [writer, seq] of since as ReadonlyMap<unknown, unknown>) {
    if (Number.isSafeInteger(seq) && (seq as number) >= 0) continue;
    throw new RangeError(`encode: expected a whole number from 0 for writer ${String(writer)}, got ${String(seq)}`);
  }
}

function checkNow(ms: unknown): number {
  if (typeof ms === 'number' && Number.isFinite(ms)) return ms;
  throw new TypeError(`now: expected milliseconds since 1970, got ${String(ms)}`);
}

/**
 * Makes an empty log in memory. It does no I/O: storage, transport and time are the caller's. Apps that want those
 * use `createGossipNode` of `@gossip-log/transport`.
 *
 * @throws RangeError for an `id` out of bounds, TypeError for a `writer` that is no writer id or a codec without a name.
 * @example
 * ```ts
 * import { createGossipLog, writerIdFromBytes } from '@gossip-log/core';
 *
 * const newWriter = () => writerIdFromBytes(crypto.getRandomValues(new Uint8Array(16)));
 * const ada = createGossipLog<string>({ id: 'tea', writer: newWriter(), now: Date.now });
 * const bob = createGossipLog<string>({ id: 'tea', writer: newWriter(), now: Date.now });
 * ada.append('Tea?');
 * bob.merge(ada.encode());
 * bob.append('Yes, please.');
 * ada.merge(bob.encode(ada.version()));
 * ada.snapshot().map((event) => event.payload); // ['Tea?', 'Yes, please.'], and the same for bob
 * ```
 */
export function createGossipLog<T = unknown>(options: GossipLogOptions<T>): GossipLog<T> {
  checkOptions('createGossipLog', options, {
    id: 'any',
    writer: 'any',
    now: 'function',
    codec: 'object',
    onListenerError: 'function',
  });
  if (options.now === undefined) throw new TypeError('createGossipLog: now: expected a function, got undefined');
  return new ReplicatedLog<T>(options);
}
