/**
 * A disk in memory that fails as disks do, and the storage port over it. Without a fault it keeps the whole contract.
 *
 * - [D1] Calls take effect one after another, in the order made, each some milliseconds later; the caller learns of it
 *   later still. So a process may be killed before an effect, or between the effect and its answer.
 * - [D2] What was written `relaxed` is lost with the power, and only a suffix of it: a later strict write keeps all
 *   before it (P2). The end of a process alone loses nothing that took effect.
 * - [D3] While the disk is full, writes reject with `storage-failed` and change nothing; while it is away, reads do too.
 * - [D4] Bits flip and records tear at rest; whole disks are set back to an older copy. Metadata, own runs, manifests and
 *   counters are sealed in real stores: when they are damaged, the storage says so, or gives what stands for them.
 */
import {
  type CommitOptions,
  GossipError,
  type GossipStorage,
  type JournalEntry,
  type JournalRecord,
  limits,
  type Packing,
  type Run,
  type SequenceNumber,
  type WriterId,
} from '@gossip-log/core';
import type { Random } from './random.js';
import type { VirtualTime } from './virtual-time.js';

/** Whoever uses a storage. */
export interface Holder {
  readonly alive: boolean;
}

/** An own run: its last event, and the last that may have been sent. */
interface RunNote {
  readonly last: SequenceNumber;
  readonly sent: SequenceNumber;
}

interface DiskLog {
  readonly journal: Map<number, Uint8Array>;
  readonly aside: Map<number, Uint8Array>;
  /** The last event of each writer that was ever written, for those who watch. */
  readonly heads: Map<WriterId, SequenceNumber>;
  readonly ownRuns: Map<WriterId, RunNote>;
  nextOrdinal: number;
  readonly chunks: Map<number, Uint8Array>;
  /** Chunks that a pack removed, and that a storage may still read. */
  readonly removed: Set<number>;
  manifest: Uint8Array | undefined;
  revision: number;
  nextChunkId: number;
}

/** All that a disk holds at one moment. */
interface DiskState {
  readonly logs: Map<string, DiskLog>;
  readonly metadata: Map<string, Uint8Array>;
}

type Change = (state: DiskState) => void;

/** A call that has not taken effect. */
interface Call {
  readonly holder: Holder;
  /** Takes effect; returns what tells the caller. */
  act(): () => void;
}

export interface VirtualDiskOptions {
  /** Longest time until a call takes effect, and again until its caller hears of it. Default 3. */
  readonly latencyMsMax?: number;
  /** What a block holds. Default: nothing that anybody watches. */
  readonly runsOf?: (block: Uint8Array) => readonly Run[];
  /** Called around each effect: a world may end a process just there. */
  readonly watch?: (holder: Holder, moment: 'before' | 'after') => void;
  /** Called when a log is gone from the disk for good. */
  readonly forgot?: (log: string) => void;
  /** Told what happens, by name, for counting. */
  readonly count?: (what: string) => void;
}

/** What is added to damaged counters: they are taken for far above all that was given. */
const [damagedRevision, damagedChunkId] = [2 ** 40, 2 ** 20];

/** What a store has to be written with (P10). */
const format = 5;

/** What outlives processes. */
export class VirtualDisk {
  /** Calls are refused until then. */
  fullUntilMs = 0;
  /** Every call is refused until then. */
  awayUntilMs = 0;
  /** Calls take this much longer until then. */
  slowUntilMs = 0;
  slowMs = 0;
  /** Something was damaged, or set back. */
  damaged = false;
  /** Events may be gone with it: promises about this disk are void. A damaged value beside a log takes none with it. */
  hasLost = false;
  /** An older copy was put in its place. */
  restored = false;
  formatVersion = format;
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #options: VirtualDiskOptions;
  #state = newState();
  #durable = newState();
  /** Changes of `#state` that `#durable` lacks, oldest first. */
  #unsynced: Change[] = [];
  #storages = new Set<DiskStorage>();
  #calls: Call[] = [];
  readonly #damagedBytes = new WeakSet<Uint8Array>();
  /** What stood where a value is damaged now. */
  readonly #soundValues = new WeakMap<Uint8Array, Uint8Array>();
  #lastEffectMs = 0;

  constructor(time: VirtualTime, random: Random, options: VirtualDiskOptions = {}) {
    this.#time = time;
    this.#random = random;
    this.#options = options;
  }

  /** Do several storages use it now? @internal */
  get isInUse(): boolean {
    return [...this.#storages].filter(({ open }) => open).length > 1;
  }

  /** The highest sequence number that is written, or that would survive a loss of power. */
  head(log: string, writer: WriterId, level: 'written' | 'durable'): SequenceNumber {
    return (level === 'durable' ? this.#durable : this.#state).logs.get(log)?.heads.get(writer) ?? 0;
  }

  /** Is that run still noted as one that no durable node is known to have whole? */
  isNoted(log: string, writer: WriterId): boolean {
    return this.#state.logs.get(log)?.ownRuns.has(writer) === true;
  }

  heads(log: string): ReadonlyMap<WriterId, SequenceNumber> {
    return this.#state.logs.get(log)?.heads ?? new Map();
  }

  /** Its nodes keep a part of each log: below the edge, what they promised they need not have for ever. */
  letsGo = false;
  /** Several nodes are over it. */
  isShared = false;

  /** From where on a node has kept that it holds all of a log. */
  completeEdge(log: string): number {
    const stored = this.#state.metadata.get(`edges:${log}`);
    const kept = (stored && this.#soundValues.get(stored)) ?? stored;
    return kept === undefined ? 0 : (JSON.parse(new TextDecoder().decode(kept)) as { complete: number }).complete;
  }

  /** A log's records as they lie there, oldest first. */
  records(log: string): Uint8Array[] {
    return [...(this.#state.logs.get(log)?.journal.values() ?? [])];
  }

  /** The packed chunks of a log, as they lie on the disk. */
  chunks(log: string): ReadonlyMap<number, Uint8Array> {
    return this.#state.logs.get(log)?.chunks ?? new Map();
  }

  /** All that a start would read of a log: its records, and the chunks that no pack has removed. */
  readable(log: string): Uint8Array[] {
    const stored = this.#state.logs.get(log);
    if (stored === undefined) return [];
    const chunks = [...stored.chunks].filter(([id]) => !stored.removed.has(id)).map(([, bytes]) => bytes);
    return [...stored.journal.values(), ...chunks];
  }

  /** Is a packed chunk still there that was damaged? One that was torn between two blocks looks like a sound one. */
  hasDamagedChunk(log: string): boolean {
    for (const bytes of this.chunks(log).values()) if (this.#damagedBytes.has(bytes)) return true;
    return false;
  }

  logs(): string[] {
    return [...this.#state.logs.keys()].sort();
  }

  /** A process ended: of its calls on their way the first few still take effect. */
  processEnded(holder: Holder): void {
    const calls = this.#calls.filter((call) => call.holder === holder);
    this.#calls = this.#calls.filter((call) => call.holder !== holder);
    for (const call of calls.slice(0, this.#random.below(calls.length + 1))) call.act();
  }

  /** The power is lost: calls on their way are gone, and a suffix of what was relaxed. Every process is dead by then. */
  powerLost(): void {
    this.#calls = [];
    const kept = this.#random.below(this.#unsynced.length + 1);
    if (kept < this.#unsynced.length) this.#count('relaxed writes lost');
    for (const change of this.#unsynced.slice(0, kept)) change(this.#durable);
    this.#unsynced = [];
    this.#state = copyState(this.#durable);
  }

  /** A copy of the whole disk, for `restore`. */
  copy(): DiskState {
    return copyState(this.#state);
  }

  /** Puts an older copy in place of what is there. The power is off. */
  restore(copy: DiskState): void {
    this.damaged = true;
    this.hasLost = true;
    this.restored = true;
    this.#unsynced = [];
    this.#calls = [];
    this.#durable = copyState(copy);
    this.#state = copyState(copy);
  }

  /**
   * Flips one bit of a record or a packed chunk, or cuts its end off; or damages a sealed value. Returns whether there was one.
   */
  damage(kind: 'flip' | 'tear' | 'value'): boolean {
    if (kind === 'value') return this.#damageValue();
    const places = [...this.#state.logs].flatMap(([log, { journal, chunks }]) => [
      ...Array.from(journal, ([at, bytes]) => ({ log, of: 'journal' as const, at, bytes })),
      ...Array.from(chunks, ([at, bytes]) => ({ log, of: 'chunks' as const, at, bytes })),
    ]);
    if (places.length === 0) return false;
    const { log, of, at, bytes: sound } = this.#random.pick(places);
    const bytes = kind === 'tear' ? sound.slice(0, this.#random.below(sound.length)) : sound.slice();
    if (kind === 'flip') flipBit(bytes, this.#random);
    this.#damagedBytes.add(bytes);
    for (const state of [this.#state, this.#durable]) {
      const kept = state.logs.get(log)?.[of];
      if (kept?.has(at)) kept.set(at, bytes);
    }
    this.damaged = true;
    this.hasLost = true;
    return true;
  }

  #damageValue(): boolean {
    const { logs, metadata } = this.#state;
    const places: ((state: DiskState) => void)[] = [];
    for (const [key, sound] of metadata) {
      const damaged = sound.slice();
      this.#soundValues.set(damaged, this.#soundValues.get(sound) ?? sound);
      places.push((state) => {
        if (state.metadata.get(key) === sound) state.metadata.set(key, damaged);
      });
    }
    for (const [name, { ownRuns, manifest, revision }] of logs) {
      const change = (to: (log: DiskLog) => void) =>
        places.push(({ logs }) => {
          const log = logs.get(name);
          if (log !== undefined) to(log);
        });
      for (const writer of ownRuns.keys()) {
        change(
          (log) => log.ownRuns.has(writer) && log.ownRuns.set(writer, { last: limits.seqMax, sent: limits.seqMax }),
        );
      }
      if (manifest !== undefined) {
        change((log) => {
          log.manifest = undefined;
        });
      }
      if (revision > 0 && revision < damagedRevision) {
        change((log) => {
          log.revision += damagedRevision;
          log.nextChunkId += damagedChunkId;
        });
      }
    }
    if (places.length === 0) return false;
    const damage = this.#random.pick(places);
    for (const state of [this.#state, this.#durable]) damage(state);
    this.damaged = true;
    return true;
  }

  /** A value of the metadata keyspace. @internal */
  metadata(key: string): Uint8Array | undefined {
    const stored = this.read().metadata.get(key);
    if (stored === undefined || !this.#soundValues.has(stored)) return stored?.slice();
    this.#count('damaged value read');
    throw new GossipError('storage-corrupt', `metadata ${key}: its checksum does not match`);
  }

  /** The storage port, for one process. */
  storage(holder: Holder): GossipStorage {
    for (const storage of this.#storages) {
      if (!storage.open) this.#storages.delete(storage);
    }
    // Packs are strict: both states have the same chunks.
    if (this.#storages.size === 0) for (const state of [this.#state, this.#durable]) collectRemoved(state);
    const storage = new DiskStorage(this, holder);
    this.#storages.add(storage);
    return storage;
  }

  /** Lets `action` take effect in its turn, and tells the caller. @internal */
  call<T>(holder: Holder, action: () => T): Promise<T> {
    const { latencyMsMax = 3 } = this.#options;
    return new Promise((resolve, reject) => {
      const call: Call = {
        holder,
        act: () => {
          try {
            const result = action();
            return () => resolve(result);
          } catch (error) {
            return () => reject(error);
          }
        },
      };
      this.#calls.push(call);
      const slow = this.#time.nowMs < this.slowUntilMs ? this.slowMs : 0;
      const at = Math.max(this.#lastEffectMs, this.#time.nowMs + slow + this.#random.below(latencyMsMax + 1));
      this.#lastEffectMs = at;
      this.#time.after(at - this.#time.nowMs, () => this.#effect(call));
    });
  }

  #effect(call: Call): void {
    this.#options.watch?.(call.holder, 'before');
    const at = this.#calls.indexOf(call);
    if (at < 0) return;
    this.#calls.splice(at, 1);
    const tell = call.act();
    this.#options.watch?.(call.holder, 'after');
    const { latencyMsMax = 3 } = this.#options;
    this.#time.after(this.#random.below(latencyMsMax + 1), () => {
      if (call.holder.alive) tell();
    });
  }

  /** @internal */
  read(): DiskState {
    if (this.#time.nowMs < this.awayUntilMs) {
      this.#count('call refused, disk away');
      throw new GossipError('storage-failed', 'the disk is away');
    }
    if (this.formatVersion !== format)
      throw new GossipError('storage-format', `this disk has format ${this.formatVersion}`);
    return this.#state;
  }

  /** @internal */
  write(durability: 'strict' | 'relaxed', change: Change): void {
    this.read();
    if (this.#time.nowMs < this.fullUntilMs) {
      this.#count('write refused, disk full');
      throw new GossipError('storage-failed', 'the disk is full');
    }
    change(this.#state);
    this.#unsynced.push(change);
    if (durability === 'relaxed') return;
    for (const unsynced of this.#unsynced) unsynced(this.#durable);
    this.#unsynced = [];
  }

  /** @internal */
  runsOf(block: Uint8Array): readonly Run[] {
    return this.#options.runsOf?.(block) ?? [];
  }

  /** @internal */
  forgot(log: string): void {
    this.#options.forgot?.(log);
  }

  #count(what: string): void {
    this.#options.count?.(what);
  }

  /** @internal */
  counted(what: string): void {
    this.#count(what);
  }
}

class DiskStorage implements GossipStorage {
  readonly #disk: VirtualDisk;
  readonly #holder: Holder;
  readonly #underWay = new Set<Promise<unknown>>();
  #closed: Promise<void> | undefined;

  constructor(disk: VirtualDisk, holder: Holder) {
    this.#disk = disk;
    this.#holder = holder;
  }

  /** May it still read? */
  get open(): boolean {
    return this.#holder.alive && this.#closed === undefined;
  }

  load(log: string) {
    return this.#run('load', () => {
      checkText('log', log, limits.logIdBytesMax);
      const stored = this.#disk.read().logs.get(log);
      const records = Array.from(
        stored?.journal ?? [],
        ([ordinal, block]): JournalRecord => ({ key: String(ordinal), block: block.slice() }),
      );
      const { revision, nextChunkId, manifest } = stored ?? newLog();
      const notes = [...(stored?.ownRuns ?? [])];
      const ownRuns = new Map(notes.map(([writer, { last }]) => [writer, last]));
      const sent = new Map(notes.flatMap(([writer, note]) => (note.sent > 0 ? [[writer, note.sent] as const] : [])));
      return { records, ownRuns, sent, revision, nextChunkId, manifest: manifest?.slice() };
    });
  }

  async commit(
    log: string,
    entries: readonly JournalEntry[],
    { durability, ownRuns = new Map(), sent = new Map(), instead }: CommitOptions,
  ): Promise<readonly string[]> {
    return this.#run('commit', () => {
      checkText('log', log, limits.logIdBytesMax);
      for (const [writer, last] of ownRuns) checkRun(writer, last);
      const blocks = entries.map(({ block }) => block.slice());
      const runs = blocks.flatMap((block) => this.#disk.runsOf(block));
      for (const [writer, upTo] of sent) checkRun(writer, upTo);
      const notes = [...ownRuns];
      const marks = [...sent];
      for (const [i, key] of (instead?.records ?? []).entries()) checkKey(`instead.records[${i}]`, key);
      const gone = (instead?.records ?? []).map(Number);
      const cut = [...(instead?.runs ?? [])];
      const before = this.#disk.read().logs.get(log);
      const next = before?.nextOrdinal ?? 0;
      const isSent = cut.some(([writer, left]) => (before?.ownRuns.get(writer)?.sent ?? 0) > left);
      if (isSent || gone.some((ordinal) => before?.journal.has(ordinal) !== true)) {
        this.#disk.counted('replacing refused');
        throw new GossipError('pack-conflict', `log ${log}: what is to be replaced is not there, or was sent`);
      }
      if (instead !== undefined) this.#disk.counted('records replaced');
      this.#disk.write(durability, ({ logs }) => {
        if (blocks.length + notes.length + marks.length + gone.length + cut.length === 0) return;
        const stored = logs.get(log) ?? newLog();
        logs.set(log, stored);
        for (const block of blocks) stored.journal.set(stored.nextOrdinal++, block);
        for (const { writer, last } of runs) {
          stored.heads.set(writer, Math.max(last, stored.heads.get(writer) ?? 0));
        }
        for (const ordinal of gone) stored.journal.delete(ordinal);
        for (const [writer, left] of cut) {
          if (left === 0) stored.ownRuns.delete(writer);
          else stored.ownRuns.set(writer, { last: left, sent: stored.ownRuns.get(writer)?.sent ?? 0 });
        }
        for (const [writer, last] of notes) {
          stored.ownRuns.set(writer, { last, sent: stored.ownRuns.get(writer)?.sent ?? 0 });
        }
        for (const [writer, upTo] of marks) {
          const note = stored.ownRuns.get(writer);
          if (note !== undefined) stored.ownRuns.set(writer, { ...note, sent: Math.max(note.sent, upTo) });
        }
      });
      return blocks.map((_, i) => String(next + i));
    });
  }

  async isShared(): Promise<boolean> {
    return this.#disk.isInUse;
  }

  async settleRun(log: string, writer: WriterId, upTo: SequenceNumber): Promise<void> {
    return this.#run('settleRun', () => {
      checkText('log', log, limits.logIdBytesMax);
      checkRun(writer, upTo);
      this.#disk.write('relaxed', ({ logs }) => {
        const ownRuns = logs.get(log)?.ownRuns;
        if ((ownRuns?.get(writer)?.last ?? 0) <= upTo) ownRuns?.delete(writer);
      });
    });
  }

  async setAside(log: string, key: string): Promise<void> {
    return this.#run('setAside', () => {
      checkText('log', log, limits.logIdBytesMax);
      checkKey('key', key);
      this.#disk.write('strict', ({ logs }) => {
        const stored = logs.get(log);
        const block = stored?.journal.get(Number(key));
        if (stored === undefined || block === undefined) return;
        stored.journal.delete(Number(key));
        stored.aside.set(Number(key), block);
      });
      this.#disk.counted('record set aside');
    });
  }

  pack(log: string, packing: Packing): Promise<void> {
    return this.#run('pack', () => {
      checkText('log', log, limits.logIdBytesMax);
      checkPacking(packing);
      const { revision, remove, packed } = packing;
      const before = this.#disk.read().logs.get(log);
      if (before?.revision !== revision) {
        this.#disk.counted('pack refused');
        throw new GossipError('pack-conflict', `log ${log}: got a pack from revision ${revision}`, {
          context: { log, revision: before?.revision ?? 0 },
        });
      }
      const { nextChunkId } = before;
      if (packing.add.some(({ id }) => id < nextChunkId)) {
        throw new GossipError('storage-failed', `add: expected ids from ${nextChunkId}`);
      }
      const add = packing.add.map(({ id, bytes }) => ({ id, bytes: bytes.slice() }));
      const manifest = packing.manifest.slice();
      this.#disk.write('strict', ({ logs }) => {
        const stored = logs.get(log);
        if (stored === undefined) return;
        stored.revision++;
        stored.manifest = manifest;
        for (const id of remove) if (stored.chunks.has(id)) stored.removed.add(id);
        for (const { id, bytes } of add) {
          stored.chunks.set(id, bytes);
          stored.nextChunkId = Math.max(stored.nextChunkId, id + 1);
        }
        for (const key of packed) stored.journal.delete(Number(key));
      });
      this.#disk.counted('packed');
    });
  }

  readChunks(log: string, ids?: readonly number[]): Promise<ReadonlyMap<number, Uint8Array>> {
    return this.#run('readChunks', () => {
      checkText('log', log, limits.logIdBytesMax);
      checkIds('ids', ids ?? []);
      const { chunks, removed } = this.#disk.read().logs.get(log) ?? newLog();
      const wanted = ids ?? [...chunks.keys()].filter((id) => !removed.has(id));
      return new Map(
        wanted.flatMap((id) => {
          const bytes = chunks.get(id);
          return bytes ? [[id, bytes.slice()]] : [];
        }),
      );
    });
  }

  setAsideChunk(log: string, id: number): Promise<void> {
    return this.#run('setAsideChunk', () => {
      checkText('log', log, limits.logIdBytesMax);
      checkId('id', id);
      this.#disk.write('strict', ({ logs }) => {
        const stored = logs.get(log);
        if (stored === undefined || stored.removed.has(id) || !stored.chunks.delete(id)) return;
        stored.manifest = undefined;
        stored.revision++;
      });
      this.#disk.counted('chunk set aside');
    });
  }

  logs() {
    return this.#run('logs', () => this.#disk.logs());
  }

  forget(log: string) {
    return this.#run('forget', () => {
      checkText('log', log, limits.logIdBytesMax);
      this.#disk.write('strict', ({ logs }) => void logs.delete(log));
      this.#disk.forgot(log);
    });
  }

  getMetadata(key: string) {
    return this.#run('getMetadata', () => {
      checkText('key', key, limits.metadataKeyBytesMax);
      return this.#disk.metadata(key);
    });
  }

  setMetadata(key: string, value: Uint8Array | undefined) {
    return this.#run('setMetadata', () => {
      checkText('key', key, limits.metadataKeyBytesMax);
      if (value !== undefined && value.length > limits.metadataValueBytesMax) {
        throw new RangeError(`value: expected at most ${limits.metadataValueBytesMax} bytes, got ${value.length}`);
      }
      const copy = value?.slice();
      this.#disk.write('strict', ({ metadata }) => {
        if (copy === undefined) metadata.delete(key);
        else metadata.set(key, copy);
      });
    });
  }

  replaceMetadata(key: string, expected: Uint8Array | undefined, value: Uint8Array | undefined) {
    return this.#run('replaceMetadata', () => {
      checkText('key', key, limits.metadataKeyBytesMax);
      for (const given of [expected, value]) {
        if (given !== undefined && given.length > limits.metadataValueBytesMax) {
          throw new RangeError(`value: expected at most ${limits.metadataValueBytesMax} bytes, got ${given.length}`);
        }
      }
      if (String(this.#disk.metadata(key)) !== String(expected)) return false;
      const copy = value?.slice();
      this.#disk.write('strict', ({ metadata }) => {
        if (copy === undefined) metadata.delete(key);
        else metadata.set(key, copy);
      });
      return true;
    });
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      await Promise.allSettled(this.#underWay);
    })();
    return this.#closed;
  }

  #run<T>(what: string, action: () => T): Promise<T> {
    if (this.#closed !== undefined) {
      return Promise.reject(new GossipError('storage-closed', `${what}: the storage is closed`));
    }
    const running = this.#disk.call(this.#holder, action).finally(() => this.#underWay.delete(running));
    this.#underWay.add(running);
    return running;
  }
}

function checkText(name: string, text: string, bytesMax: number): void {
  const { length } = new TextEncoder().encode(text);
  if (length === 0 || length > bytesMax || /\p{Surrogate}/u.test(text)) {
    throw new RangeError(`${name}: expected 1 to ${bytesMax} bytes of UTF-8, got ${length}`);
  }
}

function checkRun(writer: WriterId, last: SequenceNumber): void {
  if (!(last >= 1 && last <= limits.seqMax))
    throw new RangeError(`own run: expected its last event of ${writer}, 1 to seqMax`);
}

function checkKey(name: string, key: string): void {
  if (!/^(0|[1-9][0-9]*)$/.test(key)) throw new RangeError(`${name}: expected one that load gave, got ${key}`);
}

function checkPacking({ revision, manifest, add, remove, packed }: Packing): void {
  if (!(revision >= 0)) throw new RangeError(`revision: expected one that load gave, got ${revision}`);
  checkCount('manifest', manifest.length, limits.manifestBytesMax);
  checkCount('add', add.length, limits.packedChunksMax);
  for (const [i, { id, bytes }] of add.entries()) {
    checkId(`add[${i}].id`, id);
    checkCount(`add[${i}].bytes`, bytes.length, limits.packedChunkBytesMax);
  }
  if (new Set(add.map(({ id }) => id)).size < add.length) throw new RangeError('add: expected ids that differ');
  checkIds('remove', remove);
  checkCount('packed', packed.length, limits.storedNamesMax);
  for (const [i, key] of packed.entries()) checkKey(`packed[${i}]`, key);
}

function checkIds(name: string, ids: readonly number[]): void {
  checkCount(name, ids.length, limits.storedNamesMax);
  for (const [i, id] of ids.entries()) checkId(`${name}[${i}]`, id);
}

function checkId(name: string, id: number): void {
  if (!Number.isInteger(id) || id < 0 || id > limits.chunkIdMax) {
    throw new RangeError(`${name}: expected 0 to ${limits.chunkIdMax}, got ${id}`);
  }
}

function checkCount(name: string, count: number, max: number): void {
  if (count > max) throw new RangeError(`${name}: expected at most ${max}, got ${count}`);
}

function newState(): DiskState {
  return { logs: new Map(), metadata: new Map() };
}

function newLog(): DiskLog {
  return {
    journal: new Map(),
    aside: new Map(),
    heads: new Map(),
    ownRuns: new Map(),
    nextOrdinal: 0,
    chunks: new Map(),
    removed: new Set(),
    manifest: undefined,
    revision: 0,
    nextChunkId: 0,
  };
}

/** Forgets what packs removed (P13). */
function collectRemoved({ logs }: DiskState): void {
  for (const { chunks, removed } of logs.values()) {
    for (const id of removed) chunks.delete(id);
    removed.clear();
  }
}

/** Blocks are never written into, so copies share them. */
function copyState({ logs, metadata }: DiskState): DiskState {
  return {
    logs: new Map(
      Array.from(logs, ([name, log]) => [
        name,
        {
          ...log,
          journal: new Map(log.journal),
          aside: new Map(log.aside),
          heads: new Map(log.heads),
          chunks: new Map(log.chunks),
          removed: new Set(log.removed),
          ownRuns: new Map(log.ownRuns),
        },
      ]),
    ),
    metadata: new Map(metadata),
  };
}

/** Flips one bit in place. */
export function flipBit(bytes: Uint8Array, random: Random): void {
  if (bytes.length === 0) return;
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
}
