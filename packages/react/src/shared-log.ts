/**
 * One log in use by any number of hooks and stores: a handle of the node, and the zustand store that mirrors it.
 *
 * - [U1] The first user opens the log and the last gives it back; all between share one handle and one store.
 * - [U2] A log that was given back is read on until its node closes it (`releaseDelayMs` later): switching back
 *   shows it in the first render.
 * - [U3] The state is the same object until something in it changed.
 * - [U4] A log that failed or was closed ends with its last user: the next one tries anew.
 * - [U5] Another codec than that of the first user is refused. Who names none takes what there is.
 */
import { emptySnapshot, GossipError, jsonCodec, type LogEvent } from '@gossip-log/core';
import type { Delivery, GossipNode, LogHandle, OpenOptions } from '@gossip-log/transport';
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { LogState } from './log-state.js';

const nothing = (): void => {};

/** @internal */
export class SharedLog {
  readonly store: StoreApi<LogState>;
  readonly #node: GossipNode;
  readonly #id: string;
  /** Called once nothing more can be read from it. */
  readonly #ended: () => void;
  #uses = 0;
  /** What it was opened with. */
  #options: OpenOptions<unknown> | undefined;
  #handle: LogHandle<unknown> | undefined;
  #unsubscribe = nothing;

  constructor(node: GossipNode, id: string, ended: () => void) {
    this.#node = node;
    this.#id = id;
    this.#ended = ended;
    this.store = createStore<LogState>(() => ({
      status: 'opening',
      events: emptySnapshot,
      append: (payload) => this.append(payload),
      error: undefined,
      progress: undefined,
    }));
  }

  get options(): OpenOptions<unknown> | undefined {
    return this.#options;
  }

  /**
   * Begins a use. The function returned ends it.
   *
   * @throws GossipError `descriptor-mismatch` (U5).
   */
  retain(options: OpenOptions<unknown> | undefined): () => void {
    if (this.#uses === 0) this.#open(options);
    else this.#assertSameCodec(options);
    this.#uses += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#uses -= 1;
      if (this.#uses === 0) this.#handle?.release();
    };
  }

  /** Ends an unused log that its node has closed, or that failed (U4). */
  endIfOver(): void {
    const status = this.#handle?.status ?? 'failed';
    if (this.#uses > 0 || status === 'opening' || status === 'ready') return;
    this.#unsubscribe();
    this.#ended();
  }

  append(payload: unknown): LogEvent {
    // Opening it failed at once: the state holds why.
    if (this.#handle === undefined) throw this.store.getState().error;
    const event = this.#handle.append(payload);
    // A writer reads its own writes at once (L9), however late the node calls back.
    this.#mirror(this.#handle);
    return event;
  }

  /** Is it this very object, or was it? An event's id is unique only within its log. */
  holds(event: LogEvent): boolean {
    return this.#handle?.log?.get(event.id) === event || this.#handle?.successor(event) !== undefined;
  }

  delivery(event: LogEvent): Delivery | undefined {
    return this.#handle?.delivery(event);
  }

  /** Calls back when the log or a delivery of it changed. */
  subscribe(listener: () => void): () => void {
    return this.#handle?.subscribe(listener) ?? nothing;
  }

  #open(options: OpenOptions<unknown> | undefined): void {
    this.#unsubscribe();
    this.#unsubscribe = nothing;
    this.#handle = undefined;
    this.#options = options;
    try {
      const handle = this.#node.open(this.#id, options);
      this.#handle = handle;
      this.#unsubscribe = handle.subscribe(() => {
        this.#mirror(handle);
        this.endIfOver();
      });
      this.#mirror(handle);
    } catch (error) {
      // A closed node, or too many open logs. A bad id is the caller's mistake and goes to the error boundary.
      if (!(error instanceof GossipError)) throw error;
      this.store.setState({ status: 'failed', error });
    }
  }

  #assertSameCodec(options: OpenOptions<unknown> | undefined): void {
    const { name } = this.#options?.codec ?? jsonCodec;
    const asked = options?.codec?.name ?? name;
    if (asked === name) return;
    throw new GossipError('descriptor-mismatch', `log "${this.#id}" is open with codec ${name}, not ${asked}`);
  }

  #mirror(handle: LogHandle<unknown>): void {
    const before = this.store.getState();
    const closed = handle.status === 'closed';
    const status = handle.status === 'closed' ? 'failed' : handle.status;
    const events = handle.log === undefined ? before.events : handle.snapshot();
    let error = handle.error;
    if (closed) error ??= before.error ?? new GossipError('log-closed', `log "${this.#id}" was closed by its node`);
    const { progress } = handle;
    if (
      status === before.status &&
      events === before.events &&
      error === before.error &&
      progress === before.progress
    ) {
      return;
    }
    this.store.setState({ status, events, error, progress });
  }
}
