/**
 * Lets calls into a storage until it closes (P9), knows those under way, and gives every failure from below the
 * one code that callers expect.
 */
import { GossipError } from '@gossip-log/core';

export class CallGate {
  readonly #calls = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  /** Runs a call. Rejects with `storage-closed` after `close`, and with `storage-failed` around foreign errors. */
  async run<T>(what: string, call: () => T | Promise<T>): Promise<T> {
    if (this.#closing) throw new GossipError('storage-closed', `${what}: the storage is closed`);
    const running = Promise.resolve().then(call);
    this.#calls.add(running);
    try {
      return await running;
    } catch (cause) {
      if (cause instanceof GossipError) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new GossipError('storage-failed', `${what}: ${why}`, { cause });
    } finally {
      this.#calls.delete(running);
    }
  }

  /** Lets nobody in any more, waits for the calls under way, then does `last`, once. */
  close(last: () => void | Promise<void>): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#calls).then(last);
    return this.#closing;
  }
}
