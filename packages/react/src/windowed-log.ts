/**
 * One window over a log in use by any number of hooks and stores: a handle of the node, and the zustand store that
 * mirrors it. Rules: `shared-log.ts`.
 */
import {
  type EventId,
  emptySnapshot,
  GossipError,
  type LogEvent,
  type RedactOptions,
  type Snapshot,
} from '@gossip-log/core';
import type { Delivery, GossipNode, LogHandle, OpenOptions } from '@gossip-log/transport';
import { shallow } from 'zustand/shallow';
import { createStore, type StoreApi } from 'zustand/vanilla';
import { type LogActions, type LogState, unreadState } from './log-state.js';

type Window = OpenOptions<unknown>['window'];

/** Events that are read at once where nobody says how many. */
const olderEvents = 100;

const nothing = (): void => {};

/** A subscriber's mistake that reaches no caller. As an unhandled rejection it would end a Node process. */
function report(error: unknown): void {
  if (typeof reportError === 'function') reportError(error);
  // biome-ignore lint/suspicious/noConsole: a server has no place for it but its log
  else console.error(error);
}

/** @internal The same text for options that ask for the same events. */
export function windowKey({ window = 'all', catchUpEventsMax }: OpenOptions<unknown> = {}): string {
  return `${JSON.stringify(window)} ${catchUpEventsMax}`;
}

/** @internal Do these events reach back as far as a window does? In doubt they do not. */
export function isWithin(window: Window = 'all', events: Snapshot<unknown>, hasOlder: boolean): boolean {
  if (!hasOlder) return true;
  if (window === 'all') return false;
  if ('last' in window) return events.length >= window.last;
  return (events.at(0)?.timestamp ?? Number.POSITIVE_INFINITY) < window.since;
}

/** @internal */
export class WindowedLog {
  readonly store: StoreApi<LogState>;
  readonly options: OpenOptions<unknown> | undefined;
  uses = 0;
  readonly #id: string;
  #handle: LogHandle<unknown> | undefined;
  #unsubscribe = nothing;
  /** Opens it again as its first user did (U9). */
  #reopen = nothing;
  /** It was open, as far back as somebody asked. */
  #wasReady = false;
  /** U6. */
  #isRead = false;
  /** Why the window, or what is older, could not be read. */
  #error: GossipError | undefined;
  #loading: Promise<number> | undefined;

  /** What `whole` does is done to the whole log: all its windows show it at once. */
  constructor(
    id: string,
    options: OpenOptions<unknown> | undefined,
    whole: Pick<LogActions<unknown>, 'append' | 'redact'>,
  ) {
    this.#id = id;
    this.options = options;
    const loadOlder = (count?: number) => this.loadOlder(count);
    const { append, redact } = whole;
    this.store = createStore<LogState>(() => unreadState('opening', { append, redact, loadOlder }));
  }

  /** Nothing more can be read from it. */
  get isOver(): boolean {
    return this.#handle === undefined || this.store.getState().status === 'failed';
  }

  /** Opens it for its first user. `onChange` is told after every change. */
  open(node: GossipNode, codec: OpenOptions<unknown>['codec'], onChange: () => void): void {
    this.end();
    this.#reopen = () => this.open(node, codec, onChange);
    this.#handle = undefined;
    this.#wasReady = false;
    this.#isRead = false;
    this.#error = undefined;
    this.#loading = undefined;
    try {
      const handle = node.open(this.#id, codec === undefined ? this.options : { ...this.options, codec });
      this.#handle = handle;
      this.#unsubscribe = handle.subscribe(() => {
        this.mirror();
        onChange();
      });
      this.mirror();
      handle.ready
        .then(
          () => this.#settle(handle, undefined),
          (error: GossipError) => this.#settle(handle, error),
        )
        .catch(report);
    } catch (error) {
      // A closed node, or too many open logs. A bad id is the caller's mistake and goes to the error boundary.
      if (!(error instanceof GossipError)) throw error;
      this.store.setState({ status: 'failed', error, hasOlder: false, hasGap: false, isLoadingOlder: false });
    }
  }

  /** Gives its window back. It is read on (U2). */
  release(): void {
    this.#handle?.release();
  }

  /** Follows the log no more. */
  end(): void {
    this.#unsubscribe();
    this.#unsubscribe = nothing;
  }

  append(payload: unknown): LogEvent {
    return this.#opened.append(payload);
  }

  redact(id: EventId, options?: RedactOptions): EventId {
    return this.#opened.redact(id, options);
  }

  get #opened(): LogHandle<unknown> {
    // Opening it failed at once: the state holds why.
    if (this.#handle === undefined) throw this.store.getState().error;
    return this.#handle;
  }

  /** Is it this very object? An event's id is unique only within its log. */
  holds(event: LogEvent): boolean {
    return this.#handle?.log?.get(event.id) === event;
  }

  /** Of a redacted event how far the redaction has come: nothing else of it is left to deliver. */
  delivery({ id, redacted }: LogEvent): Delivery | undefined {
    return this.#handle?.delivery(redacted?.id ?? id);
  }

  /** Calls back when the log or a delivery of it changed. */
  subscribe(listener: () => void): () => void {
    return this.#handle?.subscribe(listener) ?? nothing;
  }

  /** U7. */
  loadOlder(count = olderEvents): Promise<number> {
    const handle = this.#handle;
    if (handle === undefined || this.uses === 0 || (this.#isRead && !handle.hasOlder)) return Promise.resolve(0);
    if (this.#loading !== undefined) return this.#loading;
    const loading = this.#load(handle, count).finally(() => {
      if (this.#loading !== loading) return;
      this.#loading = undefined;
      try {
        this.mirror();
      } catch (error) {
        report(error);
      }
    });
    this.#loading = loading;
    this.#error = undefined;
    this.mirror();
    return loading;
  }

  async #load(handle: LogHandle<unknown>, count: number): Promise<number> {
    try {
      return await handle.loadOlder(count);
    } catch (error) {
      if (!(error instanceof GossipError)) throw error;
      if (handle === this.#handle && this.uses > 0) this.#error = error;
      return 0;
    }
  }

  #settle(handle: LogHandle<unknown>, error: GossipError | undefined): void {
    if (handle !== this.#handle) return;
    if (error === undefined) this.#isRead = true;
    else this.#error = error;
    this.mirror();
  }

  #status(handle: LogHandle<unknown>): 'opening' | 'ready' | 'failed' {
    if (handle.status === 'closed') return 'failed';
    if (handle.status !== 'ready' || this.#isRead) return handle.status;
    return this.#error === undefined ? 'opening' : 'failed';
  }

  /** Brings the state up to date. */
  mirror(): void {
    const handle = this.#handle;
    if (handle === undefined) return;
    this.#wasReady ||= handle.status === 'ready';
    if (this.#wasReady && this.uses > 0 && handle.status === 'failed' && handle.error?.code === 'storage-corrupt') {
      this.#reopen();
      handle.release();
      return;
    }
    const before = this.store.getState();
    // Sooner than its promise says it.
    this.#isRead ||= handle.status === 'ready' && isWithin(this.options?.window, handle.snapshot(), handle.hasOlder);
    const status = this.#status(handle);
    let error = handle.error ?? this.#error;
    if (handle.status === 'closed') {
      error ??= before.error ?? new GossipError('log-closed', `log "${this.#id}" was closed by its node`);
    }
    const unread = status === 'opening' ? emptySnapshot : before.events;
    const after = {
      status,
      events: status === 'ready' ? handle.snapshot() : unread,
      error,
      progress: handle.progress,
      hasOlder: status === 'ready' && handle.hasOlder,
      hasGap: status === 'ready' && handle.hasGap,
      isLoadingOlder: this.#loading !== undefined,
    };
    if (!shallow(before, { ...before, ...after })) this.store.setState(after);
  }
}
