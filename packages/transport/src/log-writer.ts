/**
 * What is new in a log on its way to storage, and from there to peers.
 *
 * - [H1] An event shows at once, and is stored right after; only what is stored is spoken of to peers.
 * - [H2] Batches go to storage one after another. Within one, received events come before own ones, because own ones
 *   may depend on them; so no event is ever stored before its dependencies.
 * - [H3] A failed write is tried again, with growing pauses, and nothing is dropped meanwhile; `error` says so.
 */
import {
  type Environment,
  type GossipError,
  type GossipStorage,
  limits,
  type SequenceNumber,
  type WriterId,
} from '@gossip-log/core';
import type { LogEntry, ReplicatedLog } from '@gossip-log/core/sync';
import type { Deliveries } from './deliveries.js';
import type { LogCodec } from './log-codec.js';
import { asGossipError } from './log-errors.js';
import type { LogPeer } from './log-peer.js';
import type { LogReach } from './log-reach.js';
import type { UnsentEvents } from './unsent-events.js';

/** The log, as far as it matters here. */
export interface WrittenLog {
  readonly id: string;
  readonly storage: GossipStorage;
  readonly environment: Environment;
  /** The node promises durability. */
  readonly durable: boolean;
  /** Sessions that have the log open. */
  readonly peers: ReadonlySet<LogPeer>;
  readonly codec: Pick<LogCodec<unknown>, 'keep'>;
  readonly reach: LogReach;
  readonly deliveries: Pick<Deliveries, 'wrote'>;
  readonly unsent: Pick<UnsentEvents, 'before' | 'stored' | 'storedAgain' | 'isAmong'>;
  /** `undefined` unless it is ready. */
  log(): ReplicatedLog<unknown> | undefined;
  /** All is stored: a step of what is to be done then, if anything is. */
  upkeep(log: ReplicatedLog<unknown>): Promise<void> | undefined;
  /** A record of the journal has that key. */
  kept(key: string): void;
  /** The store cannot write, and why; `undefined` when it can again. */
  troubled(error: GossipError | undefined): void;
  /** How far events are has changed. */
  changed(): void;
  /** The log has come to its end. */
  failed(error: GossipError): void;
}

/** @internal */
export class LogWriter {
  readonly #of: WrittenLog;
  /** Entries on their way to storage, oldest first. */
  #queue: LogEntry[] = [];
  #enqueued = 0;
  #committed = 0;
  #waiters: { readonly until: number; resolve(): void; reject(error: GossipError): void }[] = [];
  #writing: Promise<void> | undefined;
  #givesUp = false;
  #wakeRetry: (() => void) | undefined;

  constructor(of: WrittenLog) {
    this.#of = of;
  }

  enqueue(entries: readonly LogEntry[]): void {
    this.#queue.push(...entries);
    this.#enqueued += entries.length;
  }

  /** Starts the writer unless it runs. It begins in a microtask, so that what is appended together goes together. */
  start(): void {
    const log = this.#of.log();
    if (this.#writing !== undefined || log === undefined) return;
    this.#writing = Promise.resolve()
      .then(() => this.#drain(log))
      .catch((error) => {
        this.#writing = undefined;
        this.#of.failed(asGossipError(error, `log "${this.#of.id}" cannot be stored`));
      });
  }

  /** Resolves once what is being written is, and nothing is left; `undefined` when nothing is. */
  get writing(): Promise<void> | undefined {
    return this.#writing;
  }

  /** Resolves once everything enqueued so far is durable. */
  whenStored(): Promise<void> {
    if (this.#committed === this.#enqueued) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiters.push({ until: this.#enqueued, resolve, reject }));
  }

  /** What cannot be stored now is given up. False: it was before. */
  giveUp(): boolean {
    if (this.#givesUp) return false;
    this.#givesUp = true;
    this.#wakeRetry?.();
    return true;
  }

  /** Whoever waits learns why it will not be stored. */
  fail(error: GossipError): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(error);
  }

  async #drain(log: ReplicatedLog<unknown>): Promise<void> {
    const { id, peers } = this.#of;
    let pauseMs = limits.storageRetryMsMax / 10;
    for (;;) {
      const batch = this.#nextBatch(log);
      if (batch.length === 0) {
        const upkeep = this.#givesUp ? undefined : this.#of.upkeep(log);
        if (upkeep !== undefined) {
          await upkeep;
          continue;
        }
        // In the same breath as the look: what is appended a microtask later must start a writer of its own.
        this.#writing = undefined;
        return;
      }
      let told: readonly LogEntry[];
      try {
        told = await this.#commit(log, batch);
      } catch (cause) {
        const error = asGossipError(cause, `log "${id}" cannot be stored`);
        if (error.code !== 'storage-failed' || this.#givesUp) throw error;
        // What could not be written waits at the front again.
        this.#queue.unshift(...batch);
        this.#of.troubled(error);
        await this.#pause(pauseMs);
        pauseMs = Math.min(pauseMs * 2, limits.storageRetryMsMax);
        continue;
      }
      pauseMs = limits.storageRetryMsMax / 10;
      this.#of.troubled(undefined);
      this.#committed += batch.length;
      log.markStored(batch);
      const kept = log.keptOf(told);
      if (told.length > 0) for (const peer of [...peers]) peer.stored(id, told, kept);
      this.#waiters = this.#waiters.filter((waiter) => {
        if (waiter.until > this.#committed) return true;
        waiter.resolve();
        return false;
      });
      this.#of.changed();
    }
  }

  /** What is queued, up to the bound; own events only behind everything that they may depend on (H2). */
  #nextBatch(log: ReplicatedLog<unknown>): LogEntry[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#queue.length && (count === 0 || bytes < limits.commitBytesMax)) {
      bytes += (this.#queue[count++] as LogEntry).block.length;
    }
    const batch = this.#queue.splice(0, count);
    if (this.#queue.length > 0) return batch;
    const own = log.takeUnflushed();
    this.#enqueued += own.length;
    return batch.concat(own);
  }

  /** Returns what peers are to be told of. */
  async #commit(log: ReplicatedLog<unknown>, batch: readonly LogEntry[]): Promise<readonly LogEntry[]> {
    const { id, storage, durable, codec, reach, deliveries, peers, unsent } = this.#of;
    await reach.keep(log);
    // Beside the commit, which need not wait for it. What fails here is written with the next commit: until then the log
    // takes any codec once more.
    const keeping = codec.keep().catch(() => undefined);
    const ownRuns = new Map<WriterId, SequenceNumber>();
    const sent = new Map<WriterId, SequenceNumber>();
    const upTo = Math.max(0, ...Array.from(peers, ({ sendsUpTo }) => sendsUpTo));
    const isSent = ({ runs }: LogEntry) => runs.every(({ lastTime }) => lastTime <= upTo);
    // A durable node need not find another one that keeps what it writes.
    const isNoted = ({ origin }: LogEntry) => origin === 'own' && !durable;
    for (const entry of batch.filter(isNoted)) {
      for (const { writer, last } of entry.runs) {
        ownRuns.set(writer, last);
        if (!isSent(entry)) continue;
        for (const [before, upTo] of unsent.before) sent.set(before, upTo);
        sent.set(writer, last);
      }
    }
    // What others wrote can be fetched again, unless this node has promised to keep it.
    const durability = durable || ownRuns.size > 0 ? 'strict' : 'relaxed';
    const keys = await storage.commit(id, batch, { durability, ownRuns, sent });
    await keeping;
    for (const key of keys) this.#of.kept(key);
    deliveries.wrote(ownRuns);
    for (const [i, entry] of batch.entries()) {
      if (isNoted(entry)) unsent.stored(keys[i] as string, entry, isSent(entry));
      else unsent.storedAgain(keys[i] as string, entry);
    }
    return batch
      .filter((entry) => !reach.isFill(entry))
      .map((entry) => {
        const isUnsent = (isNoted(entry) && !isSent(entry)) || unsent.isAmong(entry);
        return isUnsent ? { ...entry, isUnsent } : entry;
      });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#wakeRetry = undefined;
        cancel();
        resolve();
      };
      const cancel = this.#of.environment.setTimer(ms, wake);
      this.#wakeRetry = wake;
    });
  }
}
