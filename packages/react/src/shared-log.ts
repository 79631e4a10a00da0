/**
 * One log in use by any number of hooks and stores, each with the window that it asked for.
 *
 * - [U1] The first user opens the log and the last gives it back; those with the same window share one handle and one
 *   store. The others' windows stay in memory as long as they are in use.
 * - [U2] A log that was given back is read on until its node closes it (`releaseDelayMs` later): switching back
 *   shows it in the first render. So does what is open and reaches back far enough, whoever opened it.
 * - [U3] The state is the same object until something in it changed.
 * - [U4] A log that failed or was closed ends with its last user: the next one tries anew.
 * - [U5] Another codec than that of the first user is refused. Who names none takes what there is.
 * - [U6] A window is `ready` once it is read, whatever others show of the log; then it stays so.
 * - [U7] Of older events a window has one reading under way at a time, and whoever asks meanwhile shares it.
 * - [U8] Where older events cannot be read, the log goes on: `error` says so until it is tried again.
 * - [U9] A log that ends because a stored chunk proved damaged is opened anew at once, while it is in use: that chunk was set
 *   aside, so this comes to an end, and peers send what was in it.
 */
import { type EventId, GossipError, jsonCodec, type LogEvent, type RedactOptions } from '@gossip-log/core';
import type { Delivery, GossipNode, OpenOptions } from '@gossip-log/transport';
import type { LogState } from './log-state.js';
import { isWithin, WindowedLog, windowKey } from './windowed-log.js';

/** @internal */
export class SharedLog {
  readonly #node: GossipNode;
  readonly #id: string;
  /** Called once nothing more can be read from it. */
  readonly #ended: () => void;
  /** Those in use; without any, the last one that was. */
  readonly #windows = new Map<string, WindowedLog>();
  /** The first user's. */
  #codec: OpenOptions<unknown>['codec'];

  constructor(node: GossipNode, id: string, ended: () => void) {
    this.#node = node;
    this.#id = id;
    this.#ended = ended;
  }

  /**
   * Begins a use.
   *
   * @throws GossipError `descriptor-mismatch` (U5).
   */
  retain(options: OpenOptions<unknown> | undefined): { readonly log: WindowedLog; readonly release: () => void } {
    if (this.#isInUse) this.#assertSameCodec(options);
    else this.#codec = options?.codec;
    const key = windowKey(options);
    const log = this.#windows.get(key) ?? new WindowedLog(this.#id, options, this);
    if (log.uses === 0) log.open(this.#node, this.#codec, () => this.endIfOver());
    log.uses += 1;
    this.#windows.set(key, log);
    this.endIfOver();
    let held = true;
    const release = () => {
      if (!held) return;
      held = false;
      log.uses -= 1;
      if (log.uses > 0) return;
      log.release();
      this.endIfOver();
    };
    return { log, release };
  }

  /** Ends windows that nobody uses, but for the last one of a log that its node has not closed yet (U2, U4). */
  endIfOver(): void {
    for (const [key, log] of this.#windows) {
      if (log.uses > 0 || !(this.#isInUse || log.isOver)) continue;
      log.end();
      this.#windows.delete(key);
    }
    if (this.#windows.size === 0) this.#ended();
  }

  /** The state for a window: its own when it is in use, or another's that reaches back as far. */
  state(options: OpenOptions<unknown> | undefined): LogState | undefined {
    const own = this.window(options);
    if (own !== undefined && own.uses > 0) return own.store.getState();
    for (const { store } of this.#windows.values()) {
      const state = store.getState();
      if (state.status === 'ready' && isWithin(options?.window, state.events, state.hasOlder)) return state;
    }
    return undefined;
  }

  window(options: OpenOptions<unknown> | undefined): WindowedLog | undefined {
    return this.#windows.get(windowKey(options));
  }

  readonly append = (payload: unknown): LogEvent => this.#write((log) => log.append(payload));

  readonly redact = (id: EventId, options?: RedactOptions): EventId => this.#write((log) => log.redact(id, options));

  #write<V>(write: (log: WindowedLog) => V): V {
    const log = this.#readable;
    if (log === undefined) throw new GossipError('log-closed', `log "${this.#id}" is not in use any more`);
    const written = write(log);
    // A writer reads its own writes at once (L9), however late the node calls back.
    for (const other of this.#windows.values()) other.mirror();
    return written;
  }

  /** How to open it as the users of this event did; `undefined` when it is none of its events. */
  optionsFor(event: LogEvent): OpenOptions<unknown> | undefined {
    const log = Array.from(this.#windows.values()).find((log) => log.holds(event));
    return log && { ...log.options, ...(this.#codec && { codec: this.#codec }) };
  }

  delivery(event: LogEvent): Delivery | undefined {
    return this.#readable?.delivery(event);
  }

  /** Any window will do, but one that failed: of the others the log may have been opened anew. */
  get #readable(): WindowedLog | undefined {
    const logs = Array.from(this.#windows.values());
    return logs.find(({ isOver }) => !isOver) ?? logs[0];
  }

  get #isInUse(): boolean {
    return Array.from(this.#windows.values()).some(({ uses }) => uses > 0);
  }

  #assertSameCodec(options: OpenOptions<unknown> | undefined): void {
    const { name } = this.#codec ?? jsonCodec;
    const asked = options?.codec?.name ?? name;
    if (asked === name) return;
    throw new GossipError('descriptor-mismatch', `log "${this.#id}" is open with codec ${name}, not ${asked}`);
  }
}
