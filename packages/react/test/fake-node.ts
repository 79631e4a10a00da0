/**
 * A node whose logs open, fail, receive, deliver and read older events only when a test says so. It counts what is in use, and closes
 * unused logs when told to (the real node waits `releaseDelayMs`).
 */
import {
  type EventId,
  emptySnapshot,
  GossipError,
  type GossipLog,
  type LogEvent,
  type Snapshot,
  type WriterId,
} from '@gossip-log/core';
import type { ConnectionState, Delivery, GossipNode, LogHandle, LogStatus, OpenOptions } from '@gossip-log/transport';

const pending: Delivery = { state: 'pending' };

function snapshotOf<T>(events: readonly LogEvent<T>[]): Snapshot<T> {
  return {
    length: events.length,
    at: (index) => events.at(index),
    slice: (from, to) => events.slice(from, to),
    map: (project) => events.map((event, index) => project(event, index)),
    indexOf: (event) => events.indexOf(event),
    [Symbol.iterator]: () => events[Symbol.iterator](),
  };
}

function lengthOf(window: OpenOptions<unknown>['window'] = 'all'): number {
  return typeof window === 'object' && 'last' in window ? window.last : Number.POSITIVE_INFINITY;
}

/** The part of a log that the bindings use. */
class FakeLog {
  status: LogStatus = 'opening';
  error: GossipError | undefined;
  snapshot: Snapshot<unknown> = emptySnapshot;
  users = 0;
  hasGap = false;
  readonly deliveries = new Map<EventId, Delivery>();
  readonly listeners = new Set<() => void>();
  readonly settled: Promise<GossipLog>;
  readonly log: GossipLog;
  resolve!: (log: GossipLog) => void;
  reject!: (error: GossipError) => void;
  /** Older events are asked for: as many as there are to be in memory. */
  readings: { readonly length: number; resolve(came: number): void; reject(error: GossipError): void }[] = [];
  /** The windows of those who use it: so many events. */
  readonly windows = new Set<number>();
  #events: LogEvent[] = [];
  /** Events that are in storage only. */
  older = 0;

  constructor(readonly id: string) {
    this.settled = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.settled.catch(() => {});
    this.log = { get: (id: EventId) => this.#events.find((event) => event.id === id) } as GossipLog;
  }

  change(): void {
    for (const listener of [...this.listeners]) listener();
  }

  add(payload: unknown): LogEvent {
    const seq = this.#events.length + 1;
    // Every log counts alike: ids are unique within one log only, as those of the real one may be.
    const id = `AAAAAAAAAAAAAAAAAAAAAA.${seq}` as EventId;
    const writer = 'AAAAAAAAAAAAAAAAAAAAAA' as WriterId;
    const event: LogEvent = {
      id,
      writer,
      seq,
      timestamp: seq,
      clock: seq * 2048,
      payload,
      error: undefined,
      redacted: undefined,
    };
    this.#events = [...this.#events, event];
    this.show();
    return event;
  }

  redact(id: EventId): EventId {
    const event = this.#events.find((one) => one.id === id);
    if (event === undefined) throw new GossipError('unknown-event', `no event ${id}`);
    const writer = 'BBBBBBBBBBBBBBBBBBBBBA' as WriterId;
    const redacted = event.redacted ?? {
      id: `${writer}.${event.seq}` as EventId,
      writer,
      timestamp: event.timestamp + 1,
    };
    this.#events = this.#events.map((one) => (one === event ? { ...event, payload: undefined, redacted } : one));
    this.show();
    return redacted.id;
  }

  show(): void {
    this.snapshot = snapshotOf(this.#events.slice(this.older));
  }

  /** Resolves with how many came, when the test says so. */
  reach(length: number): Promise<number> {
    if (this.older === 0 || length <= this.snapshot.length) return Promise.resolve(0);
    return new Promise((resolve, reject) => this.readings.push({ length, resolve, reject }));
  }
}

export class FakeNode implements GossipNode {
  /** Handles given out so far. */
  opened = 0;
  /** Options of the last `open`. */
  openedWith: OpenOptions<never> | undefined;
  /** Everything that listens to the node, or to a log that it ever had. */
  listening = 0;
  closed = false;
  readonly #logs = new Map<string, FakeLog>();
  readonly #listeners = new Set<() => void>();
  #connection: ConnectionState = { status: 'offline', sources: [] };

  /** Handles not given back. */
  get held(): number {
    let users = 0;
    for (const log of this.#logs.values()) users += log.users;
    return users;
  }

  open<T>(id: string, options?: OpenOptions<T>): LogHandle<T> {
    if (id === '') throw new RangeError('id: expected 1 to 255 bytes of UTF-8, got 0');
    if (this.closed) throw new GossipError('node-closed', 'the node was closed');
    const known = this.#logs.get(id);
    const log = known === undefined || known.status === 'failed' ? new FakeLog(id) : known;
    this.#logs.set(id, log);
    this.opened += 1;
    this.openedWith = options as OpenOptions<never> | undefined;
    log.users += 1;
    const shown = lengthOf(options?.window);
    log.windows.add(shown);
    const reached = log.status === 'ready' ? log.reach(shown).then(() => log.log) : log.settled;
    reached.catch(() => {});
    let released = false;
    const handle: LogHandle<unknown> = {
      id,
      get status() {
        return log.status;
      },
      get error() {
        return log.error;
      },
      progress: undefined,
      get hasOlder() {
        return log.status === 'ready' && log.older > 0;
      },
      get hasGap() {
        return log.hasGap;
      },
      loadOlder: async (count) => {
        if (released) throw new GossipError('log-closed', `log "${id}" was given back`);
        if (!(count >= 0)) throw new RangeError(`loadOlder: got ${count}`);
        return log.reach(log.snapshot.length + count);
      },
      ready: reached,
      get log() {
        return log.status === 'ready' ? log.log : undefined;
      },
      snapshot: () => log.snapshot,
      append: (payload) => {
        if (log.status !== 'ready') throw new GossipError('log-not-ready', `log "${id}" is ${log.status}`);
        // It does not call back by itself: the bindings must not wait for that.
        return log.add(payload);
      },
      erased: () => Promise.resolve(),
      redact: (event) => {
        if (log.status !== 'ready') throw new GossipError('log-not-ready', `log "${id}" is ${log.status}`);
        return log.redact(event);
      },
      delivery: (event) => log.deliveries.get(typeof event === 'string' ? event : event.id) ?? pending,
      delivered: () => new Promise(() => {}),
      subscribe: (listener) => this.#listen(log.listeners, listener),
      release: () => {
        if (released) return;
        released = true;
        log.users -= 1;
      },
    };
    return handle as LogHandle<T>;
  }

  ready(id: string, ...payloads: unknown[]): readonly LogEvent[] {
    const log = this.#log(id);
    const events = payloads.map((payload) => log.add(payload));
    log.older = Math.max(0, events.length - Math.max(...log.windows));
    log.show();
    log.status = 'ready';
    log.resolve(log.log);
    log.change();
    return events;
  }

  /** How often older events are being read. */
  readings(id: string): number {
    return this.#log(id).readings.length;
  }

  /** Carries out what is being read of older events. */
  read(id: string): void {
    const log = this.#log(id);
    const readings = log.readings.splice(0);
    const before = log.older;
    for (const { length } of readings) log.older -= Math.min(log.older, Math.max(0, length - log.snapshot.length));
    log.show();
    log.change();
    for (const { resolve } of readings) resolve(before - log.older);
  }

  failRead(id: string, error: GossipError): void {
    for (const { reject } of this.#log(id).readings.splice(0)) reject(error);
  }

  fail(id: string, error: GossipError): void {
    const log = this.#log(id);
    log.status = 'failed';
    log.error = error;
    log.reject(error);
    log.change();
  }

  receive(id: string, payload: unknown): LogEvent {
    const log = this.#log(id);
    const event = log.add(payload);
    log.change();
    return event;
  }

  deliver(id: string, event: LogEvent, delivery: Delivery): void {
    const log = this.#log(id);
    log.deliveries.set(event.id, delivery);
    log.change();
  }

  /** What happens `releaseDelayMs` after the last release. */
  closeUnused(): void {
    for (const [id, log] of this.#logs) if (log.users === 0) this.#end(id, log);
  }

  connect(connection: ConnectionState): void {
    this.#connection = connection;
    for (const listener of [...this.#listeners]) listener();
  }

  connection(): ConnectionState {
    return this.#connection;
  }

  subscribe(listener: () => void): () => void {
    return this.#listen(this.#listeners, listener);
  }

  reconnect(): void {}

  /** The bindings read no feeds. */
  feed(): never {
    throw new Error('this node serves no feeds');
  }

  checkpoints(): never {
    throw new Error('no test asks for it');
  }

  async forget(): Promise<void> {}

  async logs(): Promise<readonly string[]> {
    return [];
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const [id, log] of this.#logs) this.#end(id, log);
  }

  #listen(listeners: Set<() => void>, listener: () => void): () => void {
    // Its own function each time: the same listener may be given twice.
    const call = () => listener();
    listeners.add(call);
    this.listening += 1;
    return () => {
      if (listeners.delete(call)) this.listening -= 1;
    };
  }

  #end(id: string, log: FakeLog): void {
    this.#logs.delete(id);
    log.status = 'closed';
    log.change();
  }

  /** Says whether a log has a gap. */
  setGap(id: string, hasGap: boolean): void {
    const log = this.#log(id);
    log.hasGap = hasGap;
    log.change();
  }

  #log(id: string): FakeLog {
    const log = this.#logs.get(id);
    if (log === undefined) throw new Error(`test: log "${id}" is not open`);
    return log;
  }
}
