import { expect } from 'vitest';
import { wholeLog } from '../src/edges.js';
import { type WriterId, writerIdFromBytes } from '../src/ids.js';
import type { OwnRuns } from '../src/runs.js';
import { blocksOf, type LogEntry, PackedOtherwise, ReplicatedLog } from '../src/sync/index.js';
import { readNow } from './read-now.js';

const startMs = 1_800_000_000_000;

/** A writer id by number. */
export function numberedId(n: number): WriterId {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, n + 1);
  return writerIdFromBytes(bytes);
}

/** A node's disk, and the log that it has in memory. */
export class PackedNode {
  log: ReplicatedLog<string>;
  readonly chunks = new Map<number, Uint8Array>();
  /** What the last pack wrote; none where it was lost. */
  manifest: Uint8Array | undefined;
  #journal: LogEntry[] = [];
  #edges = wholeLog;
  #unstored: LogEntry[] = [];
  #nextId = 0;
  now = startMs;
  fresh = 1_000;

  constructor(writer: WriterId) {
    this.log = this.#newLog(writer);
  }

  #newLog(writer?: WriterId): ReplicatedLog<string> {
    return new ReplicatedLog<string>(
      { id: 'tea', now: () => this.now, ...(writer === undefined ? {} : { writer }) },
      { freshWriter: () => numberedId(this.fresh++) },
    );
  }

  receive(blocks: readonly Uint8Array[]): void {
    this.readWriters();
    const receipt = this.log.receive(blocks);
    this.#unstored.push(...receipt.entries);
  }

  /** As a node does before its log takes part in a session. */
  readWriters(): void {
    readNow(this.log.readWriters(), this.chunks);
  }

  /** To be stored with what came. */
  hold(entries: readonly LogEntry[]): void {
    this.#unstored.push(...entries);
  }

  store(): void {
    const entries = [...this.#unstored, ...this.log.takeUnflushed()];
    this.#unstored = [];
    // As high as any that the journal was written under.
    const { wanted, complete } = this.log.edges;
    this.#edges = { wanted, complete: Math.max(complete, this.#edges.complete) };
    this.#journal.push(...entries);
    this.log.markStored(entries);
  }

  /** One step, or a part of one: what is planned and lost in a crash has changed nothing. */
  pack(isLost: boolean, meanwhile = () => {}, unsent: OwnRuns = new Map()): void {
    const before = this.#journal.length;
    const plan = readNow(this.log.pack(0, unsent), this.chunks);
    if (plan === undefined || isLost) return;
    this.manifest = plan.manifest;
    for (const { id: chunk, bytes } of plan.add) {
      expect(this.chunks.has(chunk)).toBe(false);
      this.chunks.set(chunk, bytes);
      this.#nextId = chunk + 1;
    }
    const stays = ({ runs }: LogEntry) => runs.some(({ writer }) => unsent.has(writer));
    if (plan.isComplete) this.#journal = this.#journal.filter((entry, at) => at >= before || stays(entry));
    meanwhile();
    plan.apply();
    // Whoever reads meanwhile still finds them (P13).
    for (const chunk of plan.remove) this.chunks.delete(chunk);
    if (this.#journal.length === 0) this.#edges = this.log.edges;
  }

  load(length: number): void {
    readNow(
      this.log.loadOlder((oldest) => oldest.length >= length),
      this.chunks,
    );
  }

  restart(): void {
    this.#unstored = [];
    this.log = this.#newLog();
    this.log.resumeEdges(this.#edges);
    try {
      if (this.manifest !== undefined) this.log.resume(this.manifest, this.#nextId);
      else if (this.chunks.size > 0) throw new PackedOtherwise();
    } catch (error) {
      if (!(error instanceof PackedOtherwise)) throw error;
      const ids = this.log.anew(this.chunks, this.#nextId, this.manifest);
      const read = new Map(ids.map((chunk) => [chunk, this.chunks.get(chunk) as Uint8Array]));
      for (const block of blocksOf(read)) this.log.load(block);
    }
    if (this.log.needsWriters) this.readWriters();
    for (const { block } of this.#journal) readNow(this.log.loading(block), this.chunks);
    this.log.loaded();
  }

  /** Its bytes: of the journal and of the chunks. */
  get disk(): readonly Uint8Array[] {
    return [...this.#journal.map(({ block }) => block), ...this.chunks.values()];
  }

  get onDisk(): number {
    return this.#journal.length;
  }
}
