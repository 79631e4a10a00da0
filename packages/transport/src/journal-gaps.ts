/**
 * Gaps in a log's journal, and rows behind them that did not fit into the log.
 *
 * - [H7] Rows of the journal behind a gap wait in the causal buffer. What did not fit is read from the journal again
 *   once something of the gap has come, and stored behind it, where the next start finds it in order.
 */
import { type Environment, type GossipStorage, limits, type SequenceNumber, type WriterId } from '@gossip-log/core';
import { blocksOf, type LogEntry, type Receipt, type ReplicatedLog } from '@gossip-log/core/sync';

/** The log, as far as it matters here. */
export interface GappedLog {
  readonly id: string;
  readonly storage: GossipStorage;
  readonly environment: Environment;
  /** `undefined` unless it is ready. */
  log(): ReplicatedLog<unknown> | undefined;
  /** As the log's. */
  readWriters(): Promise<void> | undefined;
  /** Chunks that were read like the journal. */
  chunkIds(): readonly number[];
  /** These are stored once more. */
  storeAgain(entries: readonly LogEntry[]): void;
  onError(error: unknown): void;
}

const none: ReadonlyMap<WriterId, SequenceNumber> = new Map();

/** @internal */
export class JournalGaps {
  readonly #of: GappedLog;
  /** Where the journal had gaps when it was last read: writer → first missing event. */
  readonly #gaps = new Map<WriterId, SequenceNumber>();
  /** Some rows behind these gaps did not fit into the causal buffer. */
  #overflown = false;
  /** What the journal was found to hold: of each writer the last event. Empty once the log has all of it. */
  #held = new Map<WriterId, SequenceNumber>();
  #isReading = false;
  #rereading: Promise<void> | undefined;
  #cancelReread: (() => void) | undefined;

  constructor(of: GappedLog) {
    this.#of = of;
  }

  /** Rows of the journal are being read: whatever their times, they were accepted before. */
  get isReading(): boolean {
    return this.#isReading;
  }

  /** The journal is about to be read. */
  forget(): void {
    this.#gaps.clear();
    this.#overflown = false;
    this.#held.clear();
  }

  /** What a part of the journal did. Once rows were dropped, those gaps count that kept them waiting then. */
  note({ missing, dropped, runs }: Receipt): void {
    for (const { writer, last } of runs) if (last > (this.#held.get(writer) ?? 0)) this.#held.set(writer, last);
    if (!this.#overflown && missing.length > 0) this.#gaps.clear();
    for (const { writer, first } of missing) if (!this.#gaps.has(writer)) this.#gaps.set(writer, first);
    this.#overflown ||= dropped > 0;
  }

  /** The journal was read to its end. */
  loaded(log: ReplicatedLog<unknown>): void {
    this.#overflown &&= this.isLacking(log);
  }

  /** Does the journal hold events that the log could not take in? */
  isLacking(log: ReplicatedLog<unknown>): boolean {
    return this.lacking(log).size > 0;
  }

  /** The last event that the journal holds, of each writer of whom the log could not take in all. */
  lacking(log: ReplicatedLog<unknown>): ReadonlyMap<WriterId, SequenceNumber> {
    if (this.#held.size === 0) return none;
    const lacking = new Map([...this.#held].filter(([writer, last]) => !log.hasTaken(writer, last)));
    if (lacking.size === 0) this.#held.clear();
    return lacking;
  }

  /** The last event of a writer that the journal holds and the log may not have taken in; 0 when there is none. */
  lastOf(writer: WriterId): SequenceNumber {
    return this.#held.get(writer) ?? 0;
  }

  /** Runs were cut in the journal, each to the last event given. */
  cut(left: ReadonlyMap<WriterId, SequenceNumber>): void {
    for (const [writer, last] of left) if (this.#held.has(writer)) this.#held.set(writer, last);
  }

  /** Something has come. */
  received({ dropped }: Receipt): void {
    if (this.#gaps.size === 0) return;
    this.#overflown ||= dropped > 0;
    this.#rereadSoon();
  }

  /** Has something come since rows of the journal had to be left? */
  get #hasComeNearer(): boolean {
    const log = this.#of.log();
    if (log === undefined || !this.#overflown) return false;
    return Array.from(this.#gaps).some(([writer, first]) => log.hasTaken(writer, first));
  }

  /** A gap fills frame by frame, and the journal is read as a whole: not for every frame. */
  #rereadSoon(): void {
    if (this.#cancelReread !== undefined || this.#rereading !== undefined || !this.#hasComeNearer) return;
    this.#cancelReread = this.#of.environment.setTimer(limits.rereadMsMin, () => {
      this.#cancelReread = undefined;
      this.#reread();
    });
  }

  /** The log is ready: it may have more than when its journal was read. */
  begin(): void {
    if (this.#hasComeNearer) this.#reread();
  }

  #reread(): void {
    this.#rereading = this.#readAgain()
      .catch((error) => {
        if (this.#of.log() !== undefined) this.#of.onError(error);
      })
      .then(() => {
        this.#rereading = undefined;
        this.#rereadSoon();
      });
  }

  async #readAgain(): Promise<void> {
    const { id, storage } = this.#of;
    const { records } = await storage.load(id);
    const chunkIds = this.#of.chunkIds();
    const chunks = chunkIds.length === 0 ? [] : blocksOf(await storage.readChunks(id, chunkIds));
    await this.#of.readWriters();
    const log = this.#of.log();
    if (log === undefined || !this.#hasComeNearer) return;
    this.forget();
    this.#isReading = true;
    try {
      for (const blocks of portions([...chunks, ...records.map(({ block }) => block)])) {
        const receipt = log.receive(blocks);
        // Behind what it waited for.
        this.#of.storeAgain(receipt.entries);
        this.note(receipt);
      }
    } finally {
      this.#isReading = false;
    }
    this.loaded(log);
  }

  /** The log has ended. */
  end(): void {
    this.#cancelReread?.();
  }
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
