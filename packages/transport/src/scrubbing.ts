/** Has the storage overwrite what is left of erased payloads (P16): one pass at a time, for all logs of the node. */
import { type Environment, type GossipStorage, limits } from '@gossip-log/core';
import { readStored } from './stored-value.js';

/** Metadata key that is set while a scrub is due, so that a node that ended before it does it at its next start. */
export const dueKey = 'scrub';
const due = Uint8Array.of(1);

/** @internal */
export class Scrubbing {
  readonly #storage: GossipStorage;
  readonly #environment: Environment;
  readonly #onError: (error: unknown) => void;
  /** The pass that has begun. */
  #running: Promise<void> = Promise.resolve();
  /** One that has not. */
  #next: Promise<void> | undefined;
  /** Ends the pause before it. */
  #hurry = () => {};
  /** Since the last pass began it is not so long. */
  #rests = false;
  #isEnding = false;
  #cancel = () => {};
  /** How often something was about to be removed. */
  #marks = 0;

  constructor(storage: GossipStorage, environment: Environment, onError: (error: unknown) => void) {
    this.#storage = storage;
    this.#environment = environment;
    this.#onError = onError;
  }

  /** A node starts: was one that had this storage before ended too early? */
  async resume(): Promise<void> {
    if (this.#storage.scrub === undefined) return;
    // A damaged mark counts as one (H12): a pass too many costs little.
    if ((await readStored(this.#storage, dueKey, (mark) => mark, this.#onError, due)) === undefined) return;
    this.done().catch(this.#onError);
  }

  /** Data is about to be removed that must not be left. */
  async due(): Promise<void> {
    this.#marks++;
    if (this.#storage.scrub !== undefined) await this.#storage.setMetadata(dueKey, due);
  }

  /** Resolves once a pass is done that began after this call. */
  done(): Promise<void> {
    if (this.#storage.scrub === undefined) return Promise.resolve();
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => this.#pause())
      .then(() => {
        this.#next = undefined;
        this.#running = this.#pass();
        return this.#running;
      });
    return this.#next;
  }

  /** The node is closing: what is due is done without a pause. */
  async settle(): Promise<void> {
    this.#isEnding = true;
    this.#hurry();
    // Whoever asked for it has been told why it failed.
    while (this.#next !== undefined) await this.#next.catch(() => undefined);
    await this.#running.catch(() => undefined);
    this.#cancel();
  }

  #pause(): Promise<void> {
    if (!this.#rests || this.#isEnding) return Promise.resolve();
    return new Promise((resolve) => {
      this.#hurry = resolve;
    });
  }

  async #pass(): Promise<void> {
    this.#rests = true;
    this.#cancel();
    this.#cancel = this.#environment.setTimer(limits.scrubMsMin, () => {
      this.#rests = false;
      this.#hurry();
    });
    const marks = this.#marks;
    while (await this.#storage.scrub?.());
    // What was removed meanwhile is for the next pass.
    if (this.#next === undefined && this.#marks === marks) await this.#storage.setMetadata(dueKey, undefined);
  }
}
