/** One use of a log of a node: what `open` gives, and `release` ends. */
import type { EventId, GossipError, GossipLog, LogEvent, RedactOptions, Snapshot } from '@gossip-log/core';
import type { Progress } from '@gossip-log/core/sync';
import type { HostedLog } from './hosted-log.js';
import { closedError } from './log-errors.js';
import type { Delivery, LogHandle, LogStatus } from './log-handle.js';
import type { UsedWindow } from './log-window.js';

/** @internal */
export class LogUse<T> implements LogHandle<T> {
  readonly ready: Promise<GossipLog<T>>;
  readonly #hosted: HostedLog<T>;
  readonly #window: UsedWindow;
  readonly #giveBack: () => void;
  #released = false;

  constructor(hosted: HostedLog<T>, window: UsedWindow, giveBack: () => void) {
    this.#hosted = hosted;
    this.#window = window;
    this.#giveBack = giveBack;
    this.ready = hosted.widen(window);
    this.ready.catch(() => undefined);
  }

  get id(): string {
    return this.#hosted.id;
  }
  get status(): LogStatus {
    return this.#hosted.status;
  }
  get error(): GossipError | undefined {
    return this.#hosted.error;
  }
  get log(): GossipLog<T> | undefined {
    return this.#hosted.log;
  }
  get progress(): Progress | undefined {
    return this.#hosted.progress;
  }
  snapshot(): Snapshot<T> {
    return this.#hosted.snapshot();
  }
  append(payload: T): LogEvent<T> {
    if (this.#released) throw closedError(this.id);
    return this.#hosted.append(payload);
  }
  redact(id: EventId, options?: RedactOptions): EventId {
    if (this.#released) throw closedError(this.id);
    return this.#hosted.redact(id, options);
  }
  erased(): Promise<void> {
    return this.#hosted.erased();
  }
  delivery(event: LogEvent<T> | EventId): Delivery {
    return this.#hosted.deliveries.of(event);
  }
  delivered(event: LogEvent<T> | EventId, level: 'stored' | 'relayed' = 'stored'): Promise<void> {
    return this.#hosted.deliveries.reached(event, level);
  }
  subscribe(listener: () => void): () => void {
    return this.#hosted.subscribe(listener);
  }
  get hasOlder(): boolean {
    return this.#hosted.hasOlder;
  }
  get hasGap(): boolean {
    return this.#hosted.reach.hasGap;
  }
  async loadOlder(count: number): Promise<number> {
    if (this.#released) throw closedError(this.id);
    if (count !== Number.POSITIVE_INFINITY && (!Number.isSafeInteger(count) || count < 0)) {
      throw new RangeError(`loadOlder: expected a whole number of events, or Infinity, got ${String(count)}`);
    }
    await this.ready;
    return this.#hosted.loadOlder(this.#window, count);
  }
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#hosted.narrow(this.#window);
    this.#giveBack();
  }
}
