/**
 * The log's parts put together: clock, replicas, heads, causal buffer, ordered log, codec. `gossip-log.ts` shows
 * what users call; what nodes and sessions need besides is here.
 *
 * - [G1] A block is merged whole or refused whole; a refusal leaves the log as it was before that block.
 * - [G2] An event is released when its predecessor is here and every dependency is here or void. A reference is void
 *   when its claimed time proves wrong: its replica has passed that time without that sequence number.
 * - [G3] What is stored (`markStored`) and released is the effective log: only of that does the log speak to peers.
 */
import { CausalBuffer, type ParkedRow } from './causal-buffer.js';
import { type DecodedBlock, decodeBlock, encodeBlock, joinBlocks, type LogTables, splitBlocks } from './codec/block.js';
import { jsonCodec, type PayloadCodec } from './codec/payload.js';
import { GossipError } from './errors.js';
import { eventKind, type LogEvent } from './event.js';
import type { GossipLog, GossipLogOptions, MergeResult, Relation } from './gossip-log.js';
import { horizon, observe, tick } from './hybrid-logical-clock.js';
import { type EventId, parseEventId, parseReplicaId, type ReplicaId, type SequenceNumber } from './ids.js';
import { blockBytesTarget, chunkRowsMax, depsMax, eventBytesMax, logIdBytesMax, seqMax, timeMax } from './limits.js';
import { Chunk } from './log/chunk.js';
import { DependencyArena } from './log/dependency-arena.js';
import { Heads } from './log/heads.js';
import { OrderedLog } from './log/ordered-log.js';
import { PayloadPages } from './log/payload-pages.js';
import { ReplicaTable } from './log/replica-table.js';
import { ChunkSnapshot, type Snapshot } from './log/snapshot.js';
import type { JournalEntry, Run } from './ports/storage.js';

/** A run with the times of its first and last event. */
export interface TimedRun extends Run {
  readonly firstTime: number;
  readonly lastTime: number;
}

/** What a log is, fixed when it is created; peers compare it. */
export interface LogDescriptor {
  readonly id: string;
  /** `signed` is reserved. */
  readonly policy: 'unsigned';
  /** Name of the payload codec. */
  readonly codec: string;
}

/** A block with what it holds, ready for the journal and for peers. */
export interface LogEntry extends JournalEntry {
  readonly runs: readonly TimedRun[];
}

/** What `receive` did: a merge's result, and what is to be stored, in an order that never puts an event before its dependencies. */
export interface Receipt extends MergeResult {
  readonly entries: readonly LogEntry[];
  /** Parked events that were dropped because the causal buffer was full, or because they broke a rule when released. */
  readonly dropped: number;
  /** What the received blocks hold, known before or not. */
  readonly runs: readonly TimedRun[];
  /** Why a block was refused, and those behind it left alone. The blocks before it are merged, and to be stored. */
  readonly refused: GossipError | undefined;
}

/** The last event of a replica that a peer is known to have; `time` may be 0 where it is not known. */
export interface KnownEvent {
  readonly seq: SequenceNumber;
  readonly time: number;
}

/** What to read for a peer. */
export interface ReadQuery {
  /** What the peer has. */
  readonly known: ReadonlyMap<ReplicaId, KnownEvent>;
  /** Stop once the blocks are about this large; at least one event is read. */
  readonly bytesMax: number;
  /** Events above this time are not read. */
  readonly upTo: number;
}

/** What a peer lacks, or the first part of it. */
export interface ReadResult {
  readonly entries: readonly LogEntry[];
  /** There is more to read now. */
  readonly more: boolean;
  /** The first event that is kept back because its time is over `upTo`; `undefined` when there is none. */
  readonly heldTime: number | undefined;
}

const emptyCodecName = /^[\x21-\x7e]{1,32}$/;
const textEncoder = new TextEncoder();

/** @internal */
export class ReplicatedLog<T = unknown> implements GossipLog<T> {
  readonly id: string;
  readonly replica: ReplicaId;
  readonly descriptor: LogDescriptor;
  readonly #now: () => number;
  readonly #codec: PayloadCodec<T>;
  readonly #replicas = new ReplicaTable();
  readonly #tables: LogTables = {
    replicas: this.#replicas,
    dependencies: new DependencyArena(),
    pages: new PayloadPages(),
  };
  readonly #ordered: OrderedLog;
  readonly #heads = new Heads();
  readonly #buffer = new CausalBuffer();
  readonly #listeners = new Set<() => void>();
  readonly #self: number;
  /** Own rows not yet taken for the journal; absent in a log that nobody stores. */
  #unflushed: Chunk | undefined;
  #clock = 0;
  #snapshot: Snapshot<T> | undefined;
  #closed = false;

  /** With `journal`, own events are kept for `takeUnflushed`. */
  constructor(options: GossipLogOptions<T>, journal = false) {
    const idBytes = textEncoder.encode(options.id).length;
    if (typeof options.id !== 'string' || idBytes === 0 || idBytes > logIdBytesMax) {
      throw new RangeError(`id: expected 1 to ${logIdBytesMax} bytes of UTF-8, got ${idBytes}`);
    }
    this.id = options.id;
    this.replica = parseReplicaId(options.replica);
    this.#now = options.now;
    this.#codec = options.codec ?? (jsonCodec as PayloadCodec<T>);
    if (!emptyCodecName.test(this.#codec.name)) {
      throw new TypeError(`codec.name: expected 1 to 32 printable ASCII characters, got ${this.#codec.name}`);
    }
    this.descriptor = { id: this.id, policy: 'unsigned', codec: this.#codec.name };
    this.#ordered = new OrderedLog(this.#tables, this.#codec as PayloadCodec<unknown>);
    this.#self = this.#replicas.intern(this.replica);
    if (journal) this.#unflushed = new Chunk();
  }

  get length(): number {
    return this.#ordered.length;
  }

  append(payload: T): LogEvent<T> {
    this.#assertOpen();
    const bytes = this.#encodePayload(payload);
    const { last, lastTime, firstTime } = this.#replicas;
    const { dependencies, pages } = this.#tables;
    const self = this.#self;
    const seq = (last[self] as number) + 1;
    const time = tick(this.#clock, this.#now());
    if (seq > seqMax || time > timeMax) {
      throw new GossipError(
        'limit-exceeded',
        'this replica cannot write here any more: its sequence or clock is at its end',
      );
    }

    const named = this.#headsToName();
    const deps = dependencies.begin(named.length);
    for (const head of named) {
      dependencies.add(head, last[head] as number, time - (lastTime[head] as number));
      this.#heads.remove(head);
    }
    pages.place(bytes, 0, bytes.length);
    const tail = this.#ordered.tail();
    tail.push(self, seq, time, eventKind.app, pages.page, pages.offset, bytes.length, deps);
    this.#ordered.appended();
    if (this.#unflushed !== undefined) {
      this.#unflushed.reserveOneMore();
      this.#unflushed.copyRow(tail, tail.count - 1);
    }
    last[self] = seq;
    lastTime[self] = time;
    if (seq === 1) firstTime[self] = time;
    this.#heads.add(self);
    this.#clock = time;
    const event = this.#ordered.event(tail, tail.count - 1) as LogEvent<T>;
    this.#changed();
    return event;
  }

  merge(bytes: Uint8Array): MergeResult {
    const receipt = this.#receive(splitBlocks(bytes), horizon(this.#now()), false);
    if (receipt.refused !== undefined) throw receipt.refused;
    const { added, duplicates, parked, missing } = receipt;
    return { added, duplicates, parked, missing };
  }

  /** `merge` for a node: blocks from a peer, and what is to be stored of them. */
  receive(blocks: readonly Uint8Array[]): Receipt {
    return this.#receive(blocks, horizon(this.#now()), true);
  }

  /** A block from this node's own journal: whatever its time, it was accepted before. */
  load(block: Uint8Array): Receipt {
    return this.#receive([block], timeMax, false);
  }

  snapshot(): Snapshot<T> {
    this.#snapshot ??= new ChunkSnapshot<T>(this.#ordered, this.#ordered.share(), this.#ordered.length);
    return this.#snapshot;
  }

  subscribe(listener: () => void): () => void {
    // A function of its own per call, so that one listener subscribed twice is called twice.
    const entry = () => listener();
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  version(): Map<ReplicaId, SequenceNumber> {
    const { ids, last } = this.#replicas;
    const version = new Map<ReplicaId, SequenceNumber>();
    for (let i = 0; i < ids.length; i++) {
      const seq = last[i] as number;
      if (seq > 0) version.set(ids[i] as ReplicaId, seq);
    }
    return version;
  }

  encode(since?: ReadonlyMap<ReplicaId, SequenceNumber>): Uint8Array {
    const known = new Map<ReplicaId, KnownEvent>();
    for (const [replica, seq] of since ?? []) known.set(replica, { seq, time: 0 });
    const rows = this.#rowsLacking(known, this.#replicas.last, { bytesMax: Number.POSITIVE_INFINITY, upTo: timeMax });
    return joinBlocks(this.#encodeRows(rows.chunk, 'received').map((entry) => entry.block));
  }

  relation(a: LogEvent<T>, b: LogEvent<T>): Relation {
    if (a.replica === b.replica) return a.seq === b.seq ? 'same' : a.seq < b.seq ? 'before' : 'after';
    if (a.clock < b.clock) return this.#reaches(b, a) ? 'before' : 'concurrent';
    return this.#reaches(a, b) ? 'after' : 'concurrent';
  }

  get(id: EventId): LogEvent<T> | undefined {
    const { replica, seq } = parseEventId(id);
    const index = this.#replicas.find(replica);
    if (index < 0 || seq > (this.#replicas.last[index] as number)) return undefined;
    // Newest first, since that is what is mostly asked for; two columns are scanned at about a nanosecond a row.
    const { chunks } = this.#ordered;
    for (let i = chunks.length - 1; i >= 0; i--) {
      const chunk = chunks[i] as Chunk;
      for (let row = chunk.count - 1; row >= 0; row--) {
        if (chunk.seq[row] === seq && chunk.replica[row] === index)
          return this.#ordered.event(chunk, row) as LogEvent<T>;
      }
    }
    return undefined;
  }

  close(): void {
    this.#closed = true;
    this.#listeners.clear();
  }

  /** Own events since the last call, as entries for the journal. */
  takeUnflushed(): LogEntry[] {
    const rows = this.#unflushed;
    if (rows === undefined || rows.count === 0) return [];
    this.#unflushed = new Chunk();
    return this.#encodeRows(rows, 'own');
  }

  /** Says that these runs are stored: they are part of the effective log from now on. */
  markStored(runs: readonly TimedRun[]): void {
    const { stored, storedTime } = this.#replicas;
    for (const run of runs) {
      const replica = this.#replicas.intern(run.replica);
      if (run.last > (stored[replica] as number)) {
        stored[replica] = run.last;
        storedTime[replica] = run.lastTime;
      }
    }
  }

  /** Everything in the log was read from the journal: all of it is stored. */
  markAllStored(): void {
    const { size, last, lastTime, stored, storedTime } = this.#replicas;
    for (let replica = 0; replica < size; replica++) {
      stored[replica] = last[replica] as number;
      storedTime[replica] = lastTime[replica] as number;
    }
  }

  /** The last stored event of a replica; 0 when there is none. */
  storedSeq(replica: ReplicaId): SequenceNumber {
    return this.#replicas.stored[this.#replicas.find(replica)] ?? 0;
  }

  /** Own events that are not stored yet. */
  get ownUnstored(): number {
    return (this.#replicas.last[this.#self] as number) - (this.#replicas.stored[this.#self] as number);
  }

  /** The effective log as runs, one per replica. */
  runs(): TimedRun[] {
    const { ids, stored, storedTime, firstTime } = this.#replicas;
    const runs: TimedRun[] = [];
    for (let i = 0; i < ids.length; i++) {
      const last = stored[i] as number;
      if (last > 0) {
        const replica = ids[i] as ReplicaId;
        runs.push({ replica, first: 1, last, firstTime: firstTime[i] as number, lastTime: storedTime[i] as number });
      }
    }
    return runs;
  }

  /** What a peer lacks of the effective log, in log order. */
  read(query: ReadQuery): ReadResult {
    const { chunk, more, heldTime } = this.#rowsLacking(query.known, this.#replicas.stored, query);
    return { entries: this.#encodeRows(chunk, 'received'), more, heldTime };
  }

  #assertOpen(): void {
    if (this.#closed) throw new GossipError('log-closed', `log "${this.id}" is closed`, { context: { id: this.id } });
  }

  #encodePayload(payload: T): Uint8Array {
    let bytes: Uint8Array;
    try {
      bytes = this.#codec.encode(payload);
    } catch (cause) {
      throw new GossipError('payload-unencodable', `codec ${this.#codec.name} cannot write this payload: ${cause}`, {
        cause,
      });
    }
    if (bytes.length > eventBytesMax) {
      throw new GossipError('event-too-large', `a payload of ${bytes.length} bytes, at most ${eventBytesMax}`, {
        context: { bytes: bytes.length, eventBytesMax },
      });
    }
    return bytes;
  }

  /** Heads to depend on, newest first, less the writer's own; what is over `depsMax` waits for the next event. */
  #headsToName(): number[] {
    const heads = this.#heads.replicas;
    if (heads.length === 0 || (heads.length === 1 && heads[0] === this.#self)) return [];
    const { lastTime } = this.#replicas;
    const named = heads.filter((head) => head !== this.#self);
    named.sort((a, b) => (lastTime[b] as number) - (lastTime[a] as number) || this.#replicas.compare(b, a));
    if (named.length > depsMax) named.length = depsMax;
    return named;
  }

  #changed(): void {
    this.#snapshot = undefined;
    let failure: { error: unknown } | undefined;
    for (const listener of [...this.#listeners]) {
      try {
        listener();
      } catch (error) {
        failure ??= { error };
      }
    }
    // Every listener is told before the first one's error goes on to whoever changed the log.
    if (failure !== undefined) throw failure.error;
  }

  #receive(blocks: readonly Uint8Array[], upTo: number, collect: boolean): Receipt {
    this.#assertOpen();
    // All are decoded before the first is merged: bad bytes at the end refuse the whole sequence.
    const decoded = blocks.map(decodeBlock);
    for (const block of decoded) {
      const lastTime = block.time[block.count - 1] as number;
      if (lastTime > upTo) {
        throw new GossipError('early', `an event is ahead of this clock by more than allowed`, {
          context: { time: lastTime, horizon: upTo },
        });
      }
    }
    const tally = {
      added: 0,
      duplicates: 0,
      dropped: 0,
      parked: 0,
      entries: [] as LogEntry[],
      runs: [] as TimedRun[],
    };
    const arrivals: ParkedRow[] = [];
    let refused: GossipError | undefined;
    for (const block of decoded) {
      refused = this.#absorb(block, tally, arrivals, collect);
      if (refused !== undefined) break;
    }
    tally.dropped += this.#buffer.shed();
    tally.parked = arrivals.filter(({ replica, seq }) => this.#buffer.has(replica, seq)).length;
    const receipt = { ...tally, missing: arrivals.length > 0 ? this.#missing() : [], refused };
    if (tally.added > 0) this.#changed();
    return receipt;
  }

  /** One block: what is known is passed over, what can show is released, the rest is parked. */
  #absorb(
    block: DecodedBlock,
    tally: { added: number; duplicates: number; dropped: number; entries: LogEntry[]; runs: TimedRun[] },
    arrivals: ParkedRow[],
    collect: boolean,
  ): GossipError | undefined {
    const { last, lastTime } = this.#replicas;
    const replicas = Uint32Array.from(block.replicas, (bytes) => this.#replicas.internBytes(bytes));
    const lastBefore = replicas.map((replica) => last[replica] as number);
    const timeBefore = Float64Array.from(replicas, (replica) => lastTime[replica] as number);
    const released: number[] = [];
    const waiting: { parked: ParkedRow; waitsFor: number }[] = [];
    for (let row = 0; row < block.count; row++) {
      const replica = replicas[block.replica[row] as number] as number;
      const seq = block.seq[row] as number;
      if (seq <= (last[replica] as number) || (this.#buffer.rows > 0 && this.#buffer.has(replica, seq))) {
        tally.duplicates++;
        continue;
      }
      const time = block.time[row] as number;
      const waitsFor = this.#waitsFor(block, row, replicas);
      if (waitsFor >= 0) {
        waiting.push({ parked: { block, row, replicas, replica, seq, time }, waitsFor });
        continue;
      }
      if (time <= (lastTime[replica] as number)) {
        replicas.forEach((index, i) => {
          last[index] = lastBefore[i] as number;
          lastTime[index] = timeBefore[i] as number;
        });
        return new GossipError('clock', "an event's time does not rise above its predecessor's", {
          context: { replica: this.#replicas.ids[replica], seq },
        });
      }
      last[replica] = seq;
      lastTime[replica] = time;
      released.push(row);
    }
    if (collect) tally.runs.push(...runsOf(block, replicas, this.#replicas.ids));

    if (released.length > 0) {
      const whole = released.length === block.count;
      const batch = whole ? this.#adoptBlock(block, replicas) : this.#pickRows(block, replicas, released);
      this.#release(batch);
      tally.added += batch.count;
      if (collect) {
        if (whole) {
          tally.entries.push({
            block: block.bytes,
            runs: chunkRuns(batch, 0, batch.count, this.#replicas.ids),
            origin: 'received',
          });
        } else tally.entries.push(...this.#encodeRows(batch, 'received'));
      }
      this.#ordered.insert(batch);
    }
    for (const { parked, waitsFor } of waiting) {
      this.#buffer.park(parked, waitsFor);
      arrivals.push(parked);
    }
    if (released.length > 0 && this.#buffer.rows > 0) {
      const freed = this.#releaseParked(replicas, tally);
      if (freed !== undefined) {
        tally.added += freed.count;
        if (collect) tally.entries.push(...this.#encodeRows(freed, 'received'));
        this.#ordered.insert(freed);
      }
    }
    return undefined;
  }

  /** The replica that a row waits for, or -1 when nothing is missing (G2). */
  #waitsFor(block: DecodedBlock, row: number, replicas: Uint32Array): number {
    const { last, lastTime } = this.#replicas;
    const replica = replicas[block.replica[row] as number] as number;
    if (last[replica] !== (block.seq[row] as number) - 1) return replica;
    const end = block.depStart[row + 1] as number;
    for (let i = block.depStart[row] as number; i < end; i++) {
      const other = replicas[block.depReplica[i] as number] as number;
      if (
        (block.depSeq[i] as number) > (last[other] as number) &&
        (block.depTime[i] as number) > (lastTime[other] as number)
      ) {
        return other;
      }
    }
    return -1;
  }

  /** What parked rows lack, per replica: from the first event that is neither here nor parked to the last one needed. */
  #missing(): Run[] {
    const { ids, last } = this.#replicas;
    const needed = new Map<number, number>();
    const need = (replica: number, seq: number) => {
      if (seq > (last[replica] as number) && !this.#buffer.has(replica, seq)) {
        needed.set(replica, Math.max(needed.get(replica) ?? 0, seq));
      }
    };
    for (const { block, row, replicas, replica, seq } of this.#buffer.all()) {
      if (seq > 1) need(replica, seq - 1);
      const end = block.depStart[row + 1] as number;
      for (let i = block.depStart[row] as number; i < end; i++) {
        const other = replicas[block.depReplica[i] as number] as number;
        if ((block.depTime[i] as number) > (this.#replicas.lastTime[other] as number))
          need(other, block.depSeq[i] as number);
      }
    }
    return Array.from(needed, ([replica, seq]) => ({
      replica: ids[replica] as ReplicaId,
      first: (last[replica] as number) + 1,
      last: seq,
    }));
  }

  /** All rows of a block as a chunk, its columns taken over, not copied. */
  #adoptBlock(block: DecodedBlock, replicas: Uint32Array): Chunk {
    const chunk = new Chunk(0);
    const base = this.#placePayloads(block);
    const { page } = this.#tables.pages;
    chunk.count = block.count;
    chunk.replica = block.replica.map((local) => replicas[local] as number);
    chunk.seq = block.seq;
    chunk.time = block.time;
    chunk.kind = block.kind;
    chunk.page = new Uint32Array(block.count).fill(page);
    chunk.offset = block.offset;
    if (base !== 0)
      for (let row = 0; row < block.count; row++) chunk.offset[row] = (chunk.offset[row] as number) + base;
    chunk.length = block.length;
    chunk.deps = new Uint32Array(block.count);
    for (let row = 0; row < block.count; row++) chunk.deps[row] = this.#keepDependencies(block, row, replicas);
    return chunk;
  }

  #pickRows(block: DecodedBlock, replicas: Uint32Array, rows: readonly number[]): Chunk {
    const chunk = new Chunk(rows.length);
    for (const row of rows) this.#pushRow(chunk, block, row, replicas);
    return chunk;
  }

  #pushRow(chunk: Chunk, block: DecodedBlock, row: number, replicas: Uint32Array): void {
    const { pages } = this.#tables;
    const offset = block.offset[row] as number;
    const length = block.length[row] as number;
    pages.place(block.bytes, offset, offset + length);
    chunk.push(
      replicas[block.replica[row] as number] as number,
      block.seq[row] as number,
      block.time[row] as number,
      block.kind[row] as number,
      pages.page,
      pages.offset,
      length,
      this.#keepDependencies(block, row, replicas),
    );
  }

  /** Places all payloads of a block and returns what to add to its offsets; the page is `pages.page`. */
  #placePayloads(block: DecodedBlock): number {
    const { pages } = this.#tables;
    const from = block.offset[0] as number;
    pages.place(block.bytes, from, block.bytes.length);
    return pages.offset - from;
  }

  #keepDependencies(block: DecodedBlock, row: number, replicas: Uint32Array): number {
    const from = block.depStart[row] as number;
    const to = block.depStart[row + 1] as number;
    if (from === to) return 0;
    const { dependencies } = this.#tables;
    const offset = dependencies.begin(to - from);
    const time = block.time[row] as number;
    for (let i = from; i < to; i++) {
      dependencies.add(
        replicas[block.depReplica[i] as number] as number,
        block.depSeq[i] as number,
        time - (block.depTime[i] as number),
      );
    }
    return offset;
  }

  /** Clock and heads take note of rows that are new in the log; `last` and `lastTime` are set already. */
  #release(batch: Chunk): void {
    const { last, lastTime, firstTime } = this.#replicas;
    const { dependencies } = this.#tables;
    const cover = (replica: number, seq: number, time: number) => {
      if (last[replica] === seq && lastTime[replica] === time) this.#heads.remove(replica);
    };
    // First every writer's last event is a head, then whatever is depended upon is none: one pass each, in any order.
    for (let row = 0; row < batch.count; row++) {
      const replica = batch.replica[row] as number;
      if (batch.seq[row] === 1) firstTime[replica] = batch.time[row] as number;
      this.#heads.add(replica);
    }
    for (let row = 0; row < batch.count; row++)
      dependencies.each(batch.deps[row] as number, batch.time[row] as number, cover);
    this.#clock = observe(this.#clock, batch.lastTime);
  }

  /** Releases what waited for the replicas that advanced, and what waited for that; sorted, or `undefined` for nothing. */
  #releaseParked(advanced: Uint32Array, tally: { dropped: number }): Chunk | undefined {
    const { last, lastTime } = this.#replicas;
    const freed: ParkedRow[] = [];
    const work = new Set<number>(advanced);
    for (const replica of work) {
      work.delete(replica);
      for (const parked of this.#buffer.waitingFor(replica)) {
        if (parked.seq <= (last[parked.replica] as number)) {
          this.#buffer.remove(parked);
          continue;
        }
        const waitsFor = this.#waitsFor(parked.block, parked.row, parked.replicas);
        if (waitsFor >= 0) {
          if (waitsFor !== replica) this.#buffer.park(parked, waitsFor);
          continue;
        }
        this.#buffer.remove(parked);
        if (parked.time <= (lastTime[parked.replica] as number)) {
          // It broke a rule that could not be judged before its predecessor came. Its successors stay parked and are shed.
          tally.dropped++;
          continue;
        }
        last[parked.replica] = parked.seq;
        lastTime[parked.replica] = parked.time;
        freed.push(parked);
        work.add(parked.replica);
      }
    }
    if (freed.length === 0) return undefined;
    freed.sort((a, b) => a.time - b.time || this.#replicas.compare(a.replica, b.replica));
    const chunk = new Chunk(freed.length);
    for (const { block, row, replicas } of freed) this.#pushRow(chunk, block, row, replicas);
    this.#release(chunk);
    return chunk;
  }

  /** Rows up to `column` that `known` lacks, in log order. */
  #rowsLacking(
    known: ReadonlyMap<ReplicaId, KnownEvent>,
    column: readonly number[],
    { bytesMax, upTo }: { bytesMax: number; upTo: number },
  ): { chunk: Chunk; more: boolean; heldTime: number | undefined } {
    const { ids, firstTime, size } = this.#replicas;
    // Everything before the first event that is lacking need not be looked at.
    const has = new Uint32Array(size);
    let from = Number.POSITIVE_INFINITY;
    for (let replica = 0; replica < size; replica++) {
      const event = known.get(ids[replica] as ReplicaId);
      has[replica] = event?.seq ?? 0;
      if ((column[replica] as number) > (has[replica] as number)) {
        from = Math.min(
          from,
          event === undefined || event.time === 0 ? (firstTime[replica] as number) : event.time + 1,
        );
      }
    }
    const picked = new Chunk();
    if (from === Number.POSITIVE_INFINITY) return { chunk: picked, more: false, heldTime: undefined };
    const { chunks } = this.#ordered;
    const start = this.#ordered.lowerBound(from);
    let bytes = 0;
    for (let i = start.chunk; i < chunks.length; i++) {
      const chunk = chunks[i] as Chunk;
      for (let row = i === start.chunk ? start.row : 0; row < chunk.count; row++) {
        const replica = chunk.replica[row] as number;
        const seq = chunk.seq[row] as number;
        if (seq <= (has[replica] as number) || seq > (column[replica] as number)) continue;
        const time = chunk.time[row] as number;
        if (time > upTo) return { chunk: picked, more: false, heldTime: time };
        const size = this.#rowBytes(chunk, row);
        if (picked.count > 0 && bytes + size > bytesMax) return { chunk: picked, more: true, heldTime: undefined };
        bytes += size;
        picked.reserveOneMore();
        picked.copyRow(chunk, row);
      }
    }
    return { chunk: picked, more: false, heldTime: undefined };
  }

  /** What a row takes in a block, at most. */
  #rowBytes(chunk: Chunk, row: number): number {
    // A dependency out of the block takes 16 bytes for its replica and up to 21 for the rest.
    return (chunk.length[row] as number) + 16 + this.#tables.dependencies.count(chunk.deps[row] as number) * 37;
  }

  /** Sorted rows as blocks: at most a chunk's rows and about `blockBytesTarget` each. */
  #encodeRows(rows: Chunk, origin: JournalEntry['origin']): LogEntry[] {
    const entries: LogEntry[] = [];
    let from = 0;
    let bytes = 0;
    for (let row = 0; row <= rows.count; row++) {
      const size = row < rows.count ? this.#rowBytes(rows, row) : 0;
      if (row === rows.count || row - from === chunkRowsMax || (row > from && bytes + size > blockBytesTarget)) {
        if (row > from) {
          entries.push({
            block: encodeBlock(rows, from, row, this.#tables),
            runs: chunkRuns(rows, from, row, this.#replicas.ids),
            origin,
          });
        }
        from = row;
        bytes = 0;
      }
      bytes += size;
    }
    return entries;
  }

  /** Does `later` depend on `earlier`, directly or not? Walks back from the one to the other, noting whom it reaches. */
  #reaches(later: LogEvent<T>, earlier: LogEvent<T>): boolean {
    const target = this.#replicas.find(earlier.replica);
    const source = this.#replicas.find(later.replica);
    const start = source < 0 || target < 0 ? undefined : this.#ordered.locate(later.clock, source);
    if (start === undefined) return false;
    const { chunks } = this.#ordered;
    /** Per replica, the last sequence number that `later` is known to depend on. */
    const reached = new Map<number, number>([[source, later.seq]]);
    const reach = (replica: number, seq: number, time: number) => {
      if (seq <= (reached.get(replica) ?? 0)) return;
      // A claim with a wrong time is void (G2).
      const found = this.#ordered.locate(time, replica);
      if (found !== undefined && (chunks[found.chunk] as Chunk).seq[found.row] === seq) reached.set(replica, seq);
    };
    for (let i = start.chunk; i >= 0; i--) {
      const chunk = chunks[i] as Chunk;
      for (let row = i === start.chunk ? start.row : chunk.count - 1; row >= 0; row--) {
        const time = chunk.time[row] as number;
        if (time < earlier.clock) return false;
        const replica = chunk.replica[row] as number;
        if ((chunk.seq[row] as number) > (reached.get(replica) ?? 0)) continue;
        this.#tables.dependencies.each(chunk.deps[row] as number, time, reach);
        if ((reached.get(target) ?? 0) >= earlier.seq) return true;
      }
    }
    return false;
  }
}

/** What rows `[from, to)` hold, one run per replica. They must follow one another within each replica. */
function chunkRuns(chunk: Chunk, from: number, to: number, ids: readonly ReplicaId[]): TimedRun[] {
  const runs = new Map<
    number,
    { replica: ReplicaId; first: number; last: number; firstTime: number; lastTime: number }
  >();
  for (let row = from; row < to; row++) {
    const replica = chunk.replica[row] as number;
    const seq = chunk.seq[row] as number;
    const time = chunk.time[row] as number;
    const run = runs.get(replica);
    if (run === undefined) {
      runs.set(replica, { replica: ids[replica] as ReplicaId, first: seq, last: seq, firstTime: time, lastTime: time });
    } else {
      run.last = seq;
      run.lastTime = time;
    }
  }
  return [...runs.values()];
}

/** The same for a decoded block, whose rows may be known already. */
function runsOf(block: DecodedBlock, replicas: Uint32Array, ids: readonly ReplicaId[]): TimedRun[] {
  const runs: { replica: ReplicaId; first: number; last: number; firstTime: number; lastTime: number }[] = [];
  for (let writer = 0; writer < block.writers; writer++) {
    const first = block.firstSeq[writer] as number;
    runs.push({
      replica: ids[replicas[writer] as number] as ReplicaId,
      first,
      last: first - 1,
      firstTime: 0,
      lastTime: 0,
    });
  }
  for (let row = 0; row < block.count; row++) {
    const run = runs[block.replica[row] as number] as (typeof runs)[number];
    if (run.last < run.first) run.firstTime = block.time[row] as number;
    run.last++;
    run.lastTime = block.time[row] as number;
  }
  return runs;
}
