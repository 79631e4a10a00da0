/**
 * Blocks that come: what is known is passed over, what can show is released, the rest is parked.
 *
 * - [G1] Blocks that come together are merged or refused together; a refusal leaves the log as it was, its writers too.
 *   From a peer that may not redact a part may be taken (G11).
 * - [G2] An event is released when its predecessor is here and every dependency is here or void. A reference is void
 *   when its claimed time proves wrong: its writer has passed that time without that sequence number. A reference to what
 *   lies below the log's edge counts as met (K1 to K6, in `log/edges.ts`).
 * - [G4] Another event than the one that has its number here is ignored; so is one whose time does not rise above that of its
 *   writer's last event. Somebody writes under an id that is not theirs: a copy of a running machine, or a forger. It is
 *   reported once per writer, and nothing else changes: what refers to the ignored event is void by its time (G2). A
 *   log that gets such events under the id that it writes under takes another id.
 * - [G7] An event that is missing here before others of its writer, as after a write that was lost, is put in its place when
 *   a peer sends it.
 */
import type { CausalBuffer } from '../causal-buffer.js';
import { type DecodedBlock, decodeBlock, timeBeforeRow } from '../codec/block.js';
import { GossipError } from '../errors.js';
import { eventKind } from '../event.js';
import type { MergeResult } from '../gossip-log.js';
import type { SequenceNumber, WriterId } from '../ids.js';
import { namedWritersMax } from '../limits.js';
import { blockRuns, type LogEntry, type TimedRun } from '../runs.js';
import { Chunk } from './chunk.js';
import type { Edges, MissingEvent } from './edges.js';
import type { EffectiveRows } from './effective-rows.js';
import type { ErasedEvents, ErasingRows } from './erasing-rows.js';
import type { Heads } from './heads.js';
import type { LogParts } from './log-parts.js';
import type { LogTables } from './log-tables.js';
import type { OwnRows } from './own-rows.js';
import type { PackedSlot } from './packed-chunks.js';
import type { Packer } from './packer.js';
import type { Redactions } from './redactions.js';
import { encodeRows } from './rows-lacking.js';
import type { StandingRows } from './standing-rows.js';
import { takeBlock, takeRows } from './take-rows.js';
import { type LookUpTimes, lookUpIn } from './times-before.js';
import type { UnstoredFills } from './unstored-fills.js';
import { pageFlags, type WriterTable } from './writer-table.js';

/** What `receive` did: a merge's result, and what is to be stored, in an order that never puts an event before its dependencies. */
export interface Receipt extends MergeResult {
  readonly entries: readonly LogEntry[];
  /** Parked events that were dropped because the causal buffer was full, or because they broke a rule when released. */
  readonly dropped: number;
  /** What the received blocks hold, known before or not. */
  readonly runs: readonly TimedRun[];
  /** Why the rest of the events is not taken, where a peer may not redact (G11). */
  readonly refused: GossipError | undefined;
  /** Redactions came: peers that may not redact may send them now, and what follows them. */
  readonly redacts: boolean;
  /** Writers under whose ids somebody else writes too (G4), as far as that was not known. */
  readonly forked: readonly WriterId[];
  /** The `complete` edge fell (K4): describe the log anew. */
  readonly fell: boolean;
  /** More was found to be missing below the edge, which has not fallen (K4): ask for it. */
  readonly foundMissing: boolean;
}

/** What blocks did, counted and gathered. @internal */
export interface Tally {
  added: number;
  duplicates: number;
  dropped: number;
  readonly entries: LogEntry[];
  readonly runs: TimedRun[];
  readonly forked: WriterId[];
  /** What was parked, now or before; it may have been released since. */
  readonly parked: { readonly writer: number; readonly seq: number; readonly again: boolean }[];
  refused: GossipError | undefined;
}

function newTally(): Tally {
  return {
    added: 0,
    duplicates: 0,
    dropped: 0,
    entries: [],
    runs: [],
    forked: [],
    parked: [],
    refused: undefined,
  };
}

/** @internal */
export class Arrivals {
  readonly #effective: EffectiveRows;
  readonly #tables: LogTables;
  readonly #writers: WriterTable;
  readonly #edges: Edges;
  readonly #standing: StandingRows;
  readonly #heads: Heads;
  readonly #buffer: CausalBuffer;
  readonly #own: OwnRows;
  readonly #packer: Packer;
  readonly #fills: UnstoredFills;
  readonly #redactions: Redactions;
  /** Writers added at which those are looked for that nothing names. */
  #sweepAt = namedWritersMax;
  readonly #erasing: ErasingRows;
  /** Redactions, and erased rows that were news, so far. */
  redactions = 0;
  /** Writers under whose ids somebody else writes too. */
  readonly #forked = new Set<number>();
  /** For a batch of one row, as most are: it is copied into the log, so the chunk serves again. */
  readonly #oneRow = new Chunk(1);

  constructor(parts: LogParts, erasing: ErasingRows) {
    const { effective, standing, heads, buffer, own, packer, fills, redactions } = parts;
    this.#erasing = erasing;
    this.#effective = effective;
    this.#tables = effective.tables;
    this.#writers = effective.tables.writers;
    this.#edges = effective.edges;
    this.#standing = standing;
    this.#heads = heads;
    this.#buffer = buffer;
    this.#own = own;
    this.#packer = packer;
    this.#fills = fills;
    this.#redactions = redactions;
  }

  /**
   * Takes blocks in. `collects`: says what is to be stored of them. With `erased` they are from a peer that may not redact
   * (G11).
   *
   * @throws GossipError for bytes that break a rule, `early` for events above `upTo`; then nothing is taken in.
   */
  receive(
    blocks: readonly Uint8Array[],
    upTo: number,
    collects: boolean,
    erased?: ErasedEvents,
    isJournal = false,
  ): Tally {
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
    const tally = newTally();
    for (const block of decoded) {
      const count = erased === undefined ? block.count : this.#erasing.firstIn(block, erased);
      if (count > 0) {
        const writers = this.#numbersOf(block, isJournal);
        this.#absorb(count < block.count ? { ...block, count } : block, writers, tally, collects);
      }
      if (count === block.count) continue;
      tally.refused = mayNotRedact();
      break;
    }
    tally.dropped += this.#buffer.shed();
    if (this.#writers.added >= this.#sweepAt) this.#forgetWriters();
    return tally;
  }

  /** The numbers of a block's writers. @throws ColdRows where the packed writers have to be read for it. */
  #numbersOf(block: DecodedBlock, isJournal: boolean): number[] {
    const { edges, packed } = this.#effective;
    // A redaction names an event of any writer.
    if (isJournal && block.kind.some((kind) => kind !== eventKind.app)) this.#writers.readDirectory();
    // Of the rest of the journal, a writer who began after all that is packed, and after all that was deleted, is in no page.
    const isAfterPages = isJournal && (block.time[0] as number) >= Math.max(packed.end, edges.droppedBefore);
    return block.writers.map((bytes, slot) =>
      isAfterPages && block.firstSeq[slot] === 1 ? this.#writers.internListed(bytes) : this.#writers.internBytes(bytes),
    );
  }

  /** Writers that only rows named which are gone are forgotten: a peer may name any. O(writers, and events in memory). */
  #forgetWriters(): void {
    const used = new Set<number>();
    const use = (writer: number) => used.add(writer);
    this.#buffer.eachWriter(use);
    for (const { writer } of this.#edges.dangling) use(writer);
    const { ordered, packed } = this.#effective;
    for (const chunk of [...ordered.chunks, ...packed.slots.flatMap(({ late }) => late ?? [])]) {
      for (let row = 0; row < chunk.count; row++) this.#tables.dependencies.each(chunk.deps[row] as number, 0, use);
    }
    if (this.#own.self >= 0) use(this.#own.self);
    this.#writers.forgetUnused(used);
    this.#sweepAt = this.#writers.added + namedWritersMax;
  }

  /**
   * One block: what is known is passed over, what can show is released, the rest is parked. Its `count` may be less than what
   * its bytes hold.
   */
  #absorb(block: DecodedBlock, writers: readonly number[], tally: Tally, collects: boolean): void {
    const { last, lastTime } = this.#writers;
    const edges = this.#edges;
    const released: number[] = [];
    const waiting: { row: number; writer: number; seq: number; lacks: MissingEvent; again: boolean }[] = [];
    const mending: number[] = [];
    const erased: number[] = [];
    let missing: ReadonlySet<number> | undefined;
    for (let row = 0; row < block.count; row++) {
      const writer = writers[block.writer[row] as number] as number;
      const seq = block.seq[row] as number;
      const time = block.time[row] as number;
      const isResidue = time < edges.complete;
      const isErased = block.kind[row] === eventKind.erased;
      const slot = this.#buffer.rows > 0 ? this.#buffer.slotOf(writer, seq) : undefined;
      if (slot !== undefined) {
        tally.parked.push({ writer, seq, again: true });
        if (!collects && isErased !== (this.#buffer.parked.kind(slot) === eventKind.erased))
          this.#redactions.mayBeLeft();
        if (!isErased || !this.#redactions.isNewsOfParked(block, row, this.#buffer.parked, slot)) continue;
        this.#buffer.drop(slot);
      }
      if (isResidue ? edges.holds(writer, seq) : seq <= (last[writer] as number)) {
        tally.duplicates++;
        // In a journal, behind the erased row: another node over the store has written it.
        if (!collects && !isErased && this.#standing.isErased(time, writer)) this.#redactions.mayBeLeft();
        if (isErased && time >= edges.droppedBefore && this.#redactions.isNews(block, row, writer)) {
          erased.push(row);
          continue;
        }
        const isHeld = time >= edges.certainFrom && seq <= (last[writer] as number);
        if (collects && isHeld && !this.#standing.stands(block, row, writer)) {
          missing ??= this.#standing.missing(block, writers);
          if (missing.has(row)) mending.push(row);
          else this.#noteForked(writer, tally);
        }
        continue;
      }
      if (isResidue) {
        const timeBefore = timeBeforeRow(block, row);
        if (edges.fits(writer, seq, time, timeBefore)) {
          this.#advance(writer, seq, time, timeBefore);
          released.push(row);
        } else {
          tally.duplicates++;
        }
        continue;
      }
      const lacks = this.#buffer.lackedBy(block, row, writers);
      if (lacks !== undefined) {
        waiting.push({ row, writer, seq, lacks, again: slot !== undefined });
        continue;
      }
      if (time <= (lastTime[writer] as number)) {
        tally.duplicates++;
        if (collects) this.#noteForked(writer, tally);
        continue;
      }
      if (collects && writer === this.#own.self) this.#noteForked(writer, tally);
      this.#advance(writer, seq, time, timeBeforeRow(block, row));
      released.push(row);
    }
    const runs = blockRuns(block, writers, this.#writers);
    tally.runs.push(...runs);
    if (erased.length > 0 && collects) {
      const rows = this.#pickRows(block, writers, erased);
      tally.entries.push(...encodeRows(rows, this.#tables, 'received', toldBefore(block, erased)));
    }
    this.redactions += erased.length;
    for (const row of erased) {
      this.#redactions.hear(block, row, writers[block.writer[row] as number] as number, collects);
    }
    if (mending.length > 0) this.#mend(this.#pickRows(block, writers, mending), tally);

    if (released.length > 0) {
      // Before the block's columns are taken over.
      for (const row of released) {
        if ((block.time[row] as number) >= this.#effective.packed.end) break;
        const writer = writers[block.writer[row] as number] as number;
        this.#cameLate(writer, block.seq[row] as number, block.time[row] as number, timeBeforeRow(block, row));
      }
      const whole = released.length === block.seq.length;
      // A block whose columns are taken over can be asked nothing any more, as it is where some of it comes to be erased.
      const isTakenOver = whole && block.count > 1 && this.#redactions.openCount === 0;
      const batch = isTakenOver ? takeBlock(block, writers, this.#tables) : this.#pickRows(block, writers, released);
      this.#release(batch);
      tally.added += batch.count;
      const isAsItCame = !this.#redactions.meet(batch) && whole;
      if (collects) {
        if (isAsItCame) {
          this.#toStore([{ block: block.bytes, runs, origin: 'received' }], tally);
        } else {
          this.#toStore(encodeRows(batch, this.#tables, 'received', toldBefore(block, released)), tally);
        }
      }
      this.#insert(batch, collects);
    }
    for (const parked of waiting) {
      this.#buffer.park(block, parked.row, writers, parked.lacks);
      if (!parked.again) tally.parked.push(parked);
    }
    if (released.length > 0 && this.#buffer.rows > 0) {
      const freed = this.#releaseParked(writers);
      if (freed.length > 0) this.#insertFreed(freed, tally, collects);
    }
  }

  /** G4. */
  #noteForked(writer: number, tally: Tally): void {
    if (writer === this.#own.self) this.#own.renounce();
    if (this.#forked.has(writer)) return;
    this.#forked.add(writer);
    tally.forked.push(this.#writers.id(writer));
  }

  #toStore(entries: readonly LogEntry[], tally: Tally): void {
    if (this.#edges.complete > 0) this.#fills.took(entries);
    tally.entries.push(...entries);
  }

  /** What has come to be met is released, wherever it waited. Returns it, to be stored. */
  releaseAll(): LogEntry[] {
    const tally = newTally();
    const freed: number[] = [];
    const { parked } = this.#buffer;
    // In log order whatever a row refers to has been looked at before.
    for (const slot of this.#buffer.takeAll()) {
      const writer = parked.writer(slot);
      const seq = parked.seq(slot);
      const at = parked.time(slot);
      const isResidue = at < this.#edges.complete;
      const lacks = isResidue ? undefined : this.#buffer.lackedByParked(slot);
      if (lacks !== undefined) {
        this.#buffer.wait(slot, lacks);
        continue;
      }
      const timeBefore = parked.timeBefore(slot);
      const isTaken = isResidue
        ? !this.#edges.holds(writer, seq) && this.#edges.fits(writer, seq, at, timeBefore)
        : at > (this.#writers.lastTime[writer] as number);
      if (isTaken) {
        this.#advance(writer, seq, at, timeBefore);
        freed.push(slot);
      } else {
        parked.free(slot);
      }
    }
    if (freed.length > 0) this.#insertFreed(freed, tally, true);
    return tally.entries;
  }

  /** The writer's run goes on with an event, or begins anew with it (K1). */
  #advance(writer: number, seq: SequenceNumber, time: number, timeBefore: number): void {
    const { last, lastTime } = this.#writers;
    if (seq - 1 === last[writer] || this.#buffer.isVoid(writer, seq - 1, timeBefore)) {
      last[writer] = seq;
      lastTime[writer] = time;
    } else {
      this.#edges.add(writer, seq, time, timeBefore);
    }
  }

  /** What rows refer to below the edge may be missing; and what was missing may be among them. */
  #noteReferences(batch: Chunk): void {
    const { complete } = this.#edges;
    const refer = (writer: number, seq: number, time: number) => {
      if (time < complete) this.#edges.refer(writer, seq, time);
    };
    for (let row = 0; row < batch.count; row++) {
      this.#tables.dependencies.each(batch.deps[row] as number, batch.time[row] as number, refer);
      const writer = batch.writer[row] as number;
      const seq = batch.seq[row] as number;
      if (this.#edges.came(writer, seq) && seq === this.#writers.last[writer]) this.#heads.remove(writer);
    }
  }

  /** Parked rows that wait no more, in log order. */
  #insertFreed(freed: readonly number[], tally: Tally, collect: boolean): void {
    const { parked } = this.#buffer;
    const chunk = new Chunk(freed.length);
    for (const slot of freed) parked.copy(slot, chunk, this.#tables);
    this.#release(chunk);
    this.#redactions.meet(chunk);
    tally.added += chunk.count;
    if (collect) {
      const lookUp: LookUpTimes = (starts, before) => {
        for (const at of starts) before[at] = parked.timeBefore(freed[at] as number);
      };
      this.#toStore(encodeRows(chunk, this.#tables, 'received', lookUp), tally);
    }
    for (const slot of freed) {
      this.#cameLate(parked.writer(slot), parked.seq(slot), parked.time(slot), parked.timeBefore(slot));
      parked.free(slot);
    }
    this.#insert(chunk, collect);
  }

  /** Nothing in the packed chunk, whose span a row comes into, tells of the event before where that lies before the span. */
  #cameLate(writer: number, seq: number, time: number, timeBefore: number): void {
    const { packed, edges } = this.#effective;
    if (time < packed.end && timeBefore < (packed.slots[packed.indexAt(time)] as PackedSlot).start) {
      edges.cameLate(writer, seq, timeBefore);
    }
  }

  /** Rows that were missing before others of their writers are put in their places (G7). */
  #mend(batch: Chunk, tally: Tally): void {
    tally.added += batch.count;
    tally.duplicates -= batch.count;
    this.#redactions.meet(batch);
    tally.entries.push(...encodeRows(batch, this.#tables, 'received', lookUpIn(this.#effective, batch)));
    this.#insert(batch, true);
    this.#effective.forget();
    if (this.#effective.packed.cold === 0) this.#packer.forget();
  }

  /** Rows that are new in the log, and have met open redactions, go to where their times are. `awaited`: they are to be stored. */
  #insert(batch: Chunk, awaited: boolean): void {
    const redactions = this.#redactions.among(batch, awaited);
    this.redactions += redactions.length;
    this.#place(batch);
    for (const redaction of redactions) this.#redactions.apply(redaction);
  }

  #place(batch: Chunk): void {
    const hot = this.#effective.packed.add(batch);
    // What follows them may be in memory, where they are not found.
    for (let row = 0; row < hot; row++) {
      const { writer, seq, time } = batch;
      this.#effective.edges.letGo(writer[row] as number, seq[row] as number, time[row] as number);
    }
    if (hot === 0) {
      this.#effective.ordered.insert(batch);
    } else if (hot < batch.count) {
      const rows = new Chunk(batch.count - hot);
      rows.copyRows(batch, hot, batch.count);
      this.#effective.ordered.insert(rows);
    }
  }

  #pickRows(block: DecodedBlock, writers: readonly number[], rows: readonly number[]): Chunk {
    const chunk = rows.length === 1 ? this.#oneRow : new Chunk(rows.length);
    chunk.count = 0;
    return takeRows(chunk, block, rows, writers, this.#tables);
  }

  /** Clock and heads take note of rows that are new in the log; `last` and `lastTime` are set already. */
  #release(batch: Chunk): void {
    const { firstTime, page, pageFlags: pageFlagsOf } = this.#writers;
    for (let row = 0; row < batch.count; row++) {
      const writer = batch.writer[row] as number;
      const seq = batch.seq[row] as number;
      const time = batch.time[row] as number;
      if (seq !== 1 && time >= (firstTime[writer] || Number.POSITIVE_INFINITY)) continue;
      firstTime[writer] = time;
      if (page[writer] !== 0) pageFlagsOf[writer] = pageFlags.outdated | (pageFlagsOf[writer] as number);
    }
    this.#heads.release(batch);
    if (this.#edges.complete > 0) this.#noteReferences(batch);
    this.#own.observe(batch.lastTime);
  }

  /** Releases what waited for the writers that advanced, and what waited for that; in log order. */
  #releaseParked(advanced: readonly number[]): number[] {
    const { last, lastTime } = this.#writers;
    const { parked } = this.#buffer;
    const freed: number[] = [];
    const work = new Set<number>(advanced);
    for (const advancing of work) {
      work.delete(advancing);
      for (const slot of this.#buffer.waitingFor(advancing)) {
        const writer = parked.writer(slot);
        const seq = parked.seq(slot);
        if (seq <= (last[writer] as number)) {
          this.#buffer.drop(slot);
          continue;
        }
        const lacks = this.#buffer.lackedByParked(slot);
        this.#buffer.take(slot);
        if (lacks !== undefined) {
          this.#buffer.wait(slot, lacks);
          continue;
        }
        const time = parked.time(slot);
        const timeBefore = parked.timeBefore(slot);
        if (time <= (lastTime[writer] as number)) {
          // G4, which could not be judged before its predecessor came.
          parked.free(slot);
          continue;
        }
        this.#advance(writer, seq, time, timeBefore);
        freed.push(slot);
        work.add(writer);
      }
    }
    return this.#buffer.inOrder(freed);
  }
}

function mayNotRedact(): GossipError {
  return new GossipError('forbidden', 'this peer may not redact here', { context: { action: 'redact' } });
}

/** The times before these rows of a block, as it tells them. */
function toldBefore(block: DecodedBlock, rows: readonly number[]): LookUpTimes {
  return (starts, before) => {
    for (const at of starts) before[at] = timeBeforeRow(block, rows[at] as number);
  };
}
