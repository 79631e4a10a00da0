/**
 * Packs a log: what lies in the journal goes into chunks on disk, in log order, and what came late into the span of a
 * chunk makes a new one of it. A step is planned, stored, and only then taken over: a plan that cannot be stored changes
 * nothing. Chunks that are written anew get fresh ids.
 */

import { type DecodedBlock, joinBlocks } from '../codec/block.js';
import { encodeManifest, noPackedEdges, type PackedEdges } from '../codec/manifest.js';
import { redactionKey } from '../codec/redaction.js';
import { eventKind } from '../event.js';
import { writerIdFromBytes } from '../ids.js';
import { chunkRowsMax, listedPackedMax, packedChunkBytesTarget, packedChunksMax, pageWritersMax } from '../limits.js';
import type { PackedChunk } from '../ports/storage.js';
import type { OwnRuns } from '../runs.js';
import { Chunk } from './chunk.js';
import { addTo, contribution, lanes } from './contribution.js';
import { Edges } from './edges.js';
import type { EffectiveRows } from './effective-rows.js';
import type { Heads } from './heads.js';
import { listWriters } from './list-writers.js';
import type { ChunkHeader, PackedSlot, Reading } from './packed-chunks.js';
import { dot } from './payload-pages.js';
import { type Erasures, formOf, type OpenRedaction, type Redactions, storedOf } from './redactions.js';
import { encodeRows, rowBytes } from './rows-lacking.js';
import { type LookUpTimes, lookUpIn, timesBefore } from './times-before.js';

/** One step of packing, to be stored. */
export interface PackPlan {
  readonly manifest: Uint8Array;
  readonly add: readonly PackedChunk[];
  readonly remove: readonly number[];
  /** All that is stored is packed with it: the journal is not needed any more. */
  readonly isComplete: boolean;
  /** Payloads erased so far: once all is packed, none of them is left in the store. */
  readonly erasures: Erasures;
  /** What changes here once it is stored. @internal */
  readonly apply: () => void;
}

/** When a log is packed. */
export interface Packing {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** A chunk that was packed before is not joined with what is packed now: its events go sooner. */
  readonly joinsFromMs: number;
  /** Own runs, from the event on that is to stay in the journal. */
  readonly unsent: OwnRuns;
}

/** Chunks at which a step ends: what was begun takes a few more. */
const stepChunks = packedChunksMax - 4;

interface Replacement {
  readonly from: number;
  readonly to: number;
  readonly headers: ChunkHeader[];
}

/** @internal */
export class Packer {
  /** The id of the next chunk. */
  nextId = 0;
  /** The chunk that the last step planned joins with what is behind it in memory: until then it stays there, too (Q3). */
  joined = Number.POSITIVE_INFINITY;
  /** Chunks on disk that say nothing any more. */
  obsolete: number[] = [];
  /** Chunks whose events are to be packed anew. Until all are, the log is on disk in these, and not in the new ones. */
  former: number[] = [];
  /** How often all was forgotten. */
  #forgotten = 0;
  /** What is packed of each writer (Q4). */
  readonly packedRuns: Edges;
  readonly #effective: EffectiveRows;
  readonly #heads: Heads;
  readonly #redactions: Redactions;

  constructor(effective: EffectiveRows, heads: Heads, redactions: Redactions) {
    this.#effective = effective;
    this.#redactions = redactions;
    this.packedRuns = new Edges(effective.tables.writers.packedEnds);
    this.#heads = heads;
  }

  /** The next step. */
  *plan(when: Packing): Reading<PackPlan> {
    return yield* this.#effective.packed.reading(() => this.#plan(when));
  }

  /** Nothing is packed any more: all is to be packed anew. */
  forget(): void {
    const { packed, tables } = this.#effective;
    this.former.push(...packed.slots.map(({ id }) => id));
    packed.replace(0, packed.slots.length, [], 0);
    this.packedRuns.forget();
    const { writers } = tables;
    // What pages say is to be said again.
    writers.takeIn(0);
    this.obsolete.push(...writers.pages.map(({ id }) => id));
    writers.pages = [];
    for (const column of [writers.packed, writers.packedTime, writers.page]) column.fill(0);
    this.#forgotten++;
  }

  #plan({ nowMs, joinsFromMs, unsent }: Packing): PackPlan {
    const { packed, ordered, tables } = this.#effective;
    const { writers } = tables;
    const step = new Step(this.#effective, this.nextId, this.packedRuns.fork());
    const replacements: Replacement[] = [];
    const upTo = writers.stored.slice();
    for (const [id, first] of unsent) {
      const writer = writers.find(id);
      if (writer >= 0) upTo[writer] = Math.min(upTo[writer] as number, first - 1);
    }
    const isStored = (chunk: Chunk, row: number) =>
      (chunk.seq[row] as number) <= (upTo[chunk.writer[row] as number] as number);

    const { erasures } = this.#redactions;
    const closed = this.#redactions.planned();
    const redacted = this.#redacted();
    // In time order, so that from the log's edge up what is packed of a writer stays a beginning of it (Q4).
    const outdated: number[] = [];
    packed.slots.forEach(({ late }, at) => {
      const isOutdated = redacted.has(at) || (late !== undefined && hasAny(late, isStored));
      if (isOutdated && outdated.length < stepChunks) outdated.push(at);
      if (late === undefined) return;
      for (let row = 0; row < late.count; row++) if (!isStored(late, row)) step.name(late, row);
    });
    const takesTail = outdated.length < stepChunks;
    const last = packed.slots.length - 1;
    const { end } = packed;
    const tail = ordered.lowerBound(end);
    const hasTail = tail.chunk < ordered.chunks.length;
    const joinsLast = takesTail && hasTail && last >= 0 && isSmall(packed.slots[last] as PackedSlot, joinsFromMs);
    if (joinsLast && outdated[outdated.length - 1] !== last) outdated.push(last);
    this.joined = joinsLast ? last : Number.POSITIVE_INFINITY;
    for (const at of outdated) {
      if (at >= packed.cold) continue;
      packed.require((packed.slots[at] as PackedSlot).start, packed.endOf(at));
      step.tell(packed.blocks(packed.slots[at] as PackedSlot));
    }

    let isComplete = takesTail;
    let done = 0;
    /** Their targets are packed erased with this step. */
    const shown: OpenRedaction[] = [];
    for (const at of outdated) {
      if (step.isFull) break;
      const slot = packed.slots[at] as PackedSlot;
      // Before the first chunk's span there is nothing: a chunk that was before it is gone.
      const start = at === 0 ? 0 : slot.start;
      step.begin(start, slot.packedMs);
      this.#effective.each(start, packed.endOf(at), (chunk, row) => {
        // What is packed already stays packed; what is not waits for the next step when this one is full. What stays in the
        // journal is not packed here either: events before it, in the span of an earlier chunk, stay there, too (Q4).
        const isPacked = this.packedRuns.holds(chunk.writer[row] as number, chunk.seq[row] as number);
        const isDue = isPacked || isStored(chunk, row);
        if (isPacked || (isDue && !step.isFull)) {
          step.take(chunk, row);
        } else {
          step.name(chunk, row);
          if (isDue) isComplete = false;
        }
      });
      if (at < last || !joinsLast || step.isFull) step.finish();
      done++;
      shown.push(...(redacted.get(at) ?? []));
      replacements.push({ from: at, to: at + 1, headers: step.takeHeaders() });
    }
    const written = new Set(outdated.slice(0, done));
    packed.slots.forEach(({ late }, at) => {
      if (late === undefined || written.has(at)) return;
      for (let row = 0; row < late.count; row++) step.name(late, row);
    });
    if (done < outdated.length || step.isFull) {
      isComplete = false;
      this.#nameTail(tail, step);
    } else if (takesTail && hasTail) {
      if (!joinsLast) step.begin(end, nowMs);
      isComplete = this.#takeTail(tail, step, isStored);
      step.finish();
      const headers = step.takeHeaders();
      const before = joinsLast ? replacements.pop() : undefined;
      if (headers.length > 0 || before !== undefined) {
        const from = before?.from ?? last + 1;
        replacements.push({ from, to: last + 1, headers: [...(before?.headers ?? []), ...headers] });
      }
    }
    const remove = [
      ...this.obsolete,
      ...(isComplete ? this.former : []),
      ...replacements.flatMap(({ from, to }) => packed.slots.slice(from, to).map(({ id }) => id)),
    ];

    const headers: ChunkHeader[] = [...packed.slots];
    for (const { from, to, headers: anew } of replacements.reverse()) headers.splice(from, to - from, ...anew);
    const listed = listWriters({
      ...{ writers, edges: this.#effective.edges, runs: step.runs },
      isHead: (writer) =>
        step.runs.endOf(writer).seq < (writers.last[writer] as number) ||
        this.#heads.has(writer) ||
        step.named.has(writer),
      pagesMax: packedChunksMax - step.add.length,
      nextId: () => step.nextId++,
    });
    const manifest = encodeManifest({
      isWhole: isComplete || this.former.length === 0,
      ...{ chunks: headers, writers: listed.named, pages: listed.pages },
      edges: this.#edgesOf(step.runs, listed.indexOf),
      redactions: this.#unshown(step.runs, shown),
    });
    const forgotten = this.#forgotten;
    const apply = () => {
      const removed = new Set(remove);
      this.nextId = step.nextId;
      this.joined = Number.POSITIVE_INFINITY;
      this.obsolete = this.obsolete.filter((id) => !removed.has(id));
      this.former = this.former.filter((id) => !removed.has(id));
      if (this.#forgotten === forgotten) {
        this.#apply(step, replacements);
        listed.apply();
      } else {
        this.former.push(...step.add.map(({ id }) => id));
        this.obsolete.push(...listed.pages.map(({ id }) => id).filter((id) => !removed.has(id)));
      }
      this.#redactions.reopen(closed);
      for (const redaction of shown) this.#redactions.close(redaction);
    };
    const add = [...step.add, ...listed.add];
    return { manifest, add, remove: [...remove, ...listed.remove], isComplete, erasures, apply };
  }

  /** Redactions of packed events, by the chunk that is to be written again for them (Q5). */
  #redacted(): ReadonlyMap<number, readonly OpenRedaction[]> {
    const { packed, tables } = this.#effective;
    const redacted = new Map<number, OpenRedaction[]>();
    for (const open of this.#redactions.open) {
      const redaction = storedOf(open);
      const { writer, seq, time } = open.target;
      if (redaction === undefined || time >= packed.end) continue;
      if (!this.packedRuns.holds(tables.writers.lookUp(writer), seq)) continue;
      const at = packed.indexAt(time);
      const ofChunk = redacted.get(at);
      if (ofChunk === undefined) redacted.set(at, [redaction]);
      else ofChunk.push(redaction);
    }
    return redacted;
  }

  /** Q5: what the packed chunks do not show, though they may hold the redaction. `shown`: after this step they do. */
  #unshown(runs: Edges, shown: readonly OpenRedaction[]): Uint8Array[] {
    const { packed, ordered, tables } = this.#effective;
    const { writers, pages } = tables;
    const done = new Set(shown);
    const blocks: Uint8Array[] = [];
    for (const open of this.#redactions.open) {
      const redaction = storedOf(open);
      if (redaction !== undefined && !done.has(redaction)) blocks.push(redaction.block);
    }
    // Rows that are erased in memory lie in the journal as they came, or are on their way there.
    const look = (chunk: Chunk, from: number) => {
      for (let row = from; row < chunk.count; row++) {
        if (chunk.kind[row] !== eventKind.erased) continue;
        const [writer, seq] = [chunk.writer[row] as number, chunk.seq[row] as number];
        // While its redaction is not stored, another one that is may have erased it before (G10).
        const { kind, page, offset, length } = pages.formers.get(dot(writer, seq)) ?? formOf(chunk, row);
        if (runs.holds(writer, seq) || kind !== eventKind.erased) continue;
        const block = pages.get(page, offset, length);
        const by = redactionKey(block, 0);
        if (runs.holds(writers.lookUp(writerIdFromBytes(by.writer)), by.seq)) blocks.push(block);
      }
    };
    for (const { late } of packed.slots) if (late !== undefined) look(late, 0);
    const tail = ordered.lowerBound(packed.end);
    for (let at = tail.chunk; at < ordered.chunks.length; at++) {
      look(ordered.chunks[at] as Chunk, at === tail.chunk ? tail.row : 0);
    }
    return blocks;
  }

  /** Where what is packed has gaps, the log is not complete below them, whatever lies in the journal. */
  #edgesOf(runs: Edges, listed: ReadonlyMap<number, number>): PackedEdges {
    const { edges, tables } = this.#effective;
    if (edges.isWhole && !runs.hasGaps) return noPackedEdges;
    const indexOf = (writer: number) => listed.get(writer) as number;
    return {
      complete: Math.max(edges.complete, runs.lowest()),
      droppedBefore: edges.droppedBefore,
      gaps: Array.from(runs.gaps(), ({ writer, segments }) => ({ writer: indexOf(writer), segments })),
      dropped: [...listed].flatMap(([writer, index]) => {
        const seq = tables.writers.dropped[writer] as number;
        return seq > 0 && seq < runs.endOf(writer).seq ? [{ writer: index, seq }] : [];
      }),
      dangling: Array.from(edges.dangling, (event) => ({
        ...event,
        writer: tables.writers.id(event.writer),
      })),
    };
  }

  /** What rows from there on depend on is covered by rows that are not packed. */
  #nameTail(tail: { readonly chunk: number; readonly row: number }, step: Step): void {
    const { chunks } = this.#effective.ordered;
    for (let at = tail.chunk; at < chunks.length; at++) {
      const chunk = chunks[at] as Chunk;
      for (let row = at === tail.chunk ? tail.row : 0; row < chunk.count; row++) step.name(chunk, row);
    }
  }

  /** Packs what is stored behind the packed chunks. Is that all of it? */
  #takeTail(
    tail: { readonly chunk: number; readonly row: number },
    step: Step,
    isStored: (chunk: Chunk, row: number) => boolean,
  ): boolean {
    const { ordered } = this.#effective;
    for (let at = tail.chunk; at < ordered.chunks.length; at++) {
      const chunk = ordered.chunks[at] as Chunk;
      for (let row = at === tail.chunk ? tail.row : 0; row < chunk.count; row++) {
        if (isStored(chunk, row)) {
          if (step.isFull && step.isCut(chunk.time[row] as number)) {
            this.#nameTail({ chunk: at, row }, step);
            return false;
          }
          step.take(chunk, row);
        } else {
          step.name(chunk, row);
        }
      }
    }
    return true;
  }

  /** The step is stored. Events that have come since stay where they are: in memory and in the journal. */
  #apply(step: Step, replacements: readonly Replacement[]): void {
    const { packed, ordered, edges, tables } = this.#effective;
    const { end } = packed;
    this.packedRuns.adopt(step.runs);
    const left = new Chunk();
    const leave = (chunk: Chunk, from: number, to: number) => {
      for (let row = from; row < to; row++) {
        const writer = chunk.writer[row] as number;
        const seq = chunk.seq[row] as number;
        if (this.packedRuns.holds(writer, seq)) {
          edges.packedLate(writer, seq);
          continue;
        }
        left.reserveOneMore();
        left.copyRow(chunk, row);
      }
    };
    // From the last to the first, as they were put: so positions before stay what they were.
    const lates: Chunk[] = [];
    let { cold } = packed;
    for (const { from, to, headers } of replacements) {
      for (let at = from; at < to; at++) {
        const { late } = packed.slots[at] as PackedSlot;
        if (late !== undefined) lates.unshift(late);
      }
      if (from < cold) cold += headers.length - (to - from);
      packed.replace(from, to, headers, cold);
    }
    for (const late of lates) leave(late, 0, late.count);
    // What lay behind the end and was not stored yet is late from now on.
    const from = ordered.lowerBound(end);
    const to = ordered.lowerBound(packed.end);
    for (let at = from.chunk; at <= to.chunk && at < ordered.chunks.length; at++) {
      const chunk = ordered.chunks[at] as Chunk;
      leave(chunk, at === from.chunk ? from.row : 0, at === to.chunk ? to.row : chunk.count);
    }
    const { before } = timesBefore(left, tables.writers.size, this.#lookUpLeft(left));
    for (let row = 0; row < left.count; row++) {
      edges.cameLate(left.writer[row] as number, left.seq[row] as number, before[row] as number);
    }
    packed.add(left);
  }

  /** The event before a row that is not packed mostly is, and what was in memory may have been given back since the plan. */
  #lookUpLeft(left: Chunk): LookUpTimes {
    const inMemory = lookUpIn(this.#effective, left);
    return (starts, before) => {
      for (const row of starts) {
        const time = this.packedRuns.timeBeforeMissing(left.writer[row] as number, left.seq[row] as number);
        before[row] = time;
      }
      inMemory(
        starts.filter((row) => before[row] === 0),
        before,
      );
    };
  }
}

/** Rows on their way into chunks. */
class Step {
  readonly add: PackedChunk[] = [];
  /** What is packed of each writer once the step is stored. */
  readonly runs: Edges;
  /** Writers that rows depend on which are not packed. */
  readonly named = new Set<number>();
  nextId: number;
  readonly #effective: EffectiveRows;
  #packedMs = 0;
  #headers: ChunkHeader[] = [];
  #start = 0;
  #rows = new Chunk(chunkRowsMax);
  #bytes = 0;
  /** Times of the events before these rows, where those were taken before or a packed block has told; else 0. */
  #before: number[] = [];
  /** The last event taken of each writer, or the one before the first. */
  readonly #told = new Map<string, number>();
  readonly #taken = new Map<number, { seq: number; time: number }>();
  /** The page of the last row, */
  #page = -1;
  /** and where that is a block whose rows stand here one after another from the first on: how many are still to come. */
  #blockLeft = 0;
  #endsBlock = false;

  constructor(effective: EffectiveRows, nextId: number, runs: Edges) {
    this.#effective = effective;
    this.nextId = nextId;
    this.runs = runs;
  }

  /** The next chunk's span begins here; what comes late into a chunk is taken to be as old as that. */
  begin(start: number, packedMs: number): void {
    this.#start = start;
    this.#packedMs = packedMs;
  }

  /** Nothing more is to be begun. */
  get isFull(): boolean {
    // Each writer that is packed now may have to go to a page.
    const pages = Math.floor(Math.max(0, this.runs.changed - listedPackedMax) / pageWritersMax);
    return this.add.length + pages >= stepChunks;
  }

  /** A row that is not packed depends on these. */
  name(chunk: Chunk, row: number): void {
    this.#effective.tables.dependencies.each(chunk.deps[row] as number, 0, (writer) => this.named.add(writer));
  }

  take(chunk: Chunk, row: number): void {
    const time = chunk.time[row] as number;
    if (this.isCut(time)) {
      this.finish();
      this.#start = time;
    }
    this.#follow(chunk, row);
    this.#rows.reserveOneMore();
    this.#rows.copyRow(chunk, row);
    this.#bytes += rowBytes(chunk, row, this.#effective.tables);
    const writer = chunk.writer[row] as number;
    const seq = chunk.seq[row] as number;
    const before = this.#taken.get(writer);
    this.#before.push(before?.seq === seq - 1 ? before.time : 0);
    this.#taken.set(writer, { seq, time });
    if (!this.runs.holds(writer, seq)) {
      this.runs.take(writer, seq, time, this.#effective.edges.timeBefore(writer, seq));
    }
  }

  /** Is the row the next one of a received block? */
  #follow(chunk: Chunk, row: number): void {
    const page = chunk.page[row] as number;
    if (page === this.#page) {
      // A block that something else stands in does not end.
      if (this.#blockLeft > 0) this.#endsBlock = --this.#blockLeft === 0;
      else this.#endsBlock = false;
      return;
    }
    this.#page = page;
    const block = this.#effective.tables.pages.block(page);
    const begins = block !== undefined && block.from === chunk.offset[row];
    this.#blockLeft = begins ? block.rows - 1 : 0;
    this.#endsBlock = begins && block.rows === 1;
  }

  /** The bytes of these rows, where a peer sent exactly them as a block. */
  #received(): Uint8Array | undefined {
    if (!this.#endsBlock) return undefined;
    const { pages } = this.#effective.tables;
    return pages.block(this.#page)?.rows === this.#rows.count ? pages.whole(this.#page) : undefined;
  }

  /** The next rows are those of these blocks, and what came late among them. */
  tell(blocks: readonly { readonly block: DecodedBlock; readonly writers: readonly number[] }[]): void {
    for (const { block, writers } of blocks) {
      block.timeBefore.forEach((time, writer) => {
        this.#told.set(`${writers[writer]} ${block.firstSeq[writer]}`, time);
      });
    }
  }

  readonly #lookUp: LookUpTimes = (starts, before) => {
    const { packed, packedTime } = this.#effective.tables.writers;
    const rows = this.#rows;
    const left = starts.filter((row) => {
      const writer = rows.writer[row] as number;
      const seq = rows.seq[row] as number;
      before[row] = this.#before[row] || (this.#told.get(`${writer} ${seq}`) ?? 0);
      if (before[row] === 0 && packed[writer] === seq - 1) before[row] = packedTime[writer] as number;
      return before[row] === 0;
    });
    if (left.length > 0) lookUpIn(this.#effective, rows)(left, before);
  };

  /** The rows taken since are a chunk. */
  finish(): void {
    const rows = this.#rows;
    if (rows.count === 0) return;
    const { tables } = this.#effective;
    const received = this.#received();
    const bytes = joinBlocks(
      received === undefined
        ? encodeRows(rows, tables, 'received', this.#lookUp).map(({ block }) => block)
        : [received],
    );
    const sum = new Uint32Array(lanes);
    const redactions = { count: 0, sum: new Uint32Array(lanes) };
    const scratch = new Uint32Array(lanes);
    for (let row = 0; row < rows.count; row++) {
      contribution(rows, row, tables, scratch);
      addTo(sum, scratch);
      if (rows.kind[row] !== eventKind.redaction) continue;
      addTo(redactions.sum, scratch);
      redactions.count++;
    }
    const id = this.nextId++;
    this.add.push({ id, bytes });
    const { lastTime, count } = rows;
    this.#headers.push({
      id,
      start: this.#start,
      lastTime,
      rows: count,
      bytes: bytes.length,
      sum,
      packedMs: this.#packedMs,
      redactions,
    });
    this.#rows = new Chunk(chunkRowsMax);
    this.#before = [];
    this.#bytes = 0;
  }

  /** Headers of the chunks made since. */
  takeHeaders(): ChunkHeader[] {
    const headers = this.#headers;
    this.#headers = [];
    return headers;
  }

  /** Does a row of that time begin another chunk? Rows of one time stay together (Q1). */
  isCut(time: number): boolean {
    const { count } = this.#rows;
    if (count === 0 || time <= this.#rows.lastTime) return false;
    // Cut where received blocks end, what a peer sent is stored as it is: so a block is waited for, and not gone beyond.
    if (this.#endsBlock) return !isSmallSize(count, this.#bytes);
    const blocks = this.#blockLeft > 0 ? 2 : 1;
    return count >= blocks * chunkRowsMax || this.#bytes >= blocks * packedChunkBytesTarget;
  }
}

/** Small enough to be joined with what comes behind it, and young enough. @internal */
export function isSmall({ rows, bytes, packedMs }: ChunkHeader, joinsFromMs: number): boolean {
  return packedMs >= joinsFromMs && isSmallSize(rows, bytes);
}

function isSmallSize(rows: number, bytes: number): boolean {
  return rows < chunkRowsMax / 2 && bytes < packedChunkBytesTarget / 2;
}

function hasAny(chunk: Chunk, passes: (chunk: Chunk, row: number) => boolean): boolean {
  for (let row = 0; row < chunk.count; row++) if (passes(chunk, row)) return true;
  return false;
}
