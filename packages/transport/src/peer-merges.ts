/** Merges what a peer sends, as far as the peer may redact (G11). What came first is merged first. */
import { GossipError } from '@gossip-log/core';
import type { ErasedEvents, Receipt, ReplicatedLog } from '@gossip-log/core/sync';
import type { HostedLog } from './hosted-log.js';

/** What it needs of the peer's session. */
export interface MergingSession {
  hosted(log: string): HostedLog | undefined;
  /** What the peer has accepted of a log is taken, however far it is ahead of the clock (S13). */
  isTrusted(log: string): boolean;
  onError(error: unknown): void;
}

/** What the node answers to whether the peer may redact, or how to ask. */
type Right = boolean | (() => Promise<boolean>);

const noneErased: ErasedEvents = new Set();

/** @internal */
export class PeerMerges {
  readonly #session: MergingSession;
  readonly #rights = new Map<string, Right>();
  /** By log what is being asked or read before something is merged. */
  readonly #waiting = new Map<string, Promise<unknown>>();

  constructor(session: MergingSession) {
    this.#session = session;
  }

  /** The peer was granted a log. Without `mayRedact` it may. */
  granted(log: string, mayRedact: Right = true): void {
    this.#rights.set(log, mayRedact);
  }

  left(log: string): void {
    this.#rights.delete(log);
  }

  /** `undefined`, or a promise of it, when the node is closing: the peer keeps it. Throws or rejects when it cannot be merged. */
  merge(log: string, blocks: readonly Uint8Array[]): Receipt | undefined | Promise<Receipt | undefined> {
    const before = this.#waiting.get(log);
    const merged = before === undefined ? this.#merge(log, blocks) : before.then(() => this.#merge(log, blocks));
    if (!(merged instanceof Promise)) return merged;
    // The next one is merged whatever becomes of this.
    const over = merged.then(
      () => undefined,
      () => undefined,
    );
    const waiting = over.then(() => {
      if (this.#waiting.get(log) === waiting) this.#waiting.delete(log);
    });
    this.#waiting.set(log, waiting);
    return merged;
  }

  #merge(log: string, blocks: readonly Uint8Array[]): Receipt | undefined | Promise<Receipt | undefined> {
    const right = this.#rights.get(log) ?? true;
    if (right === true) return this.#receive(log, blocks);
    if (right === false) return this.#receiveAllowed(log, blocks);
    // Most peers never redact: the node is not asked about them.
    const receipt = this.#receive(log, blocks, noneErased);
    return receipt?.refused?.code === 'forbidden' ? this.#ask(log, blocks, right, receipt) : receipt;
  }

  async #ask(
    log: string,
    blocks: readonly Uint8Array[],
    ask: () => Promise<boolean>,
    receipt: Receipt,
  ): Promise<Receipt | undefined> {
    try {
      this.#rights.set(log, await ask());
    } catch (error) {
      this.#session.onError(error);
      return { ...receipt, refused: new GossipError('request-timeout', 'this node could not answer now') };
    }
    return this.#merge(log, blocks);
  }

  #receiveAllowed(log: string, blocks: readonly Uint8Array[]): Receipt | undefined | Promise<Receipt | undefined> {
    const hosted = this.#hosted(log);
    const reading = (hosted.log as ReplicatedLog).erasedAmong(blocks);
    return hosted.reading(reading, (erased) => this.#receive(log, blocks, erased));
  }

  #receive(log: string, blocks: readonly Uint8Array[], erased?: ErasedEvents): Receipt | undefined {
    const hosted = this.#hosted(log);
    return hosted.isEnding ? undefined : hosted.receive(blocks, this.#session.isTrusted(log), erased);
  }

  #hosted(log: string): HostedLog {
    const hosted = this.#session.hosted(log);
    if (hosted?.log === undefined) throw new GossipError('log-closed', `log "${log}" is closed here`);
    return hosted;
  }
}
