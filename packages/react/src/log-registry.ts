/**
 * The logs that the hooks and stores of one node use. Knows nothing of React. Reading from it opens nothing, because
 * a render may be thrown away, or happen on a server.
 */
import { type EventId, GossipError, type LogEvent, type RedactOptions } from '@gossip-log/core';
import type { Delivery, GossipNode, OpenOptions } from '@gossip-log/transport';
import type { LogState } from './log-state.js';
import { SharedLog } from './shared-log.js';
import type { WindowedLog } from './windowed-log.js';

/** @internal */
export const pending: Delivery = Object.freeze({ state: 'pending' });

/** Where an event is from, and how that was opened. */
interface Home {
  readonly id: string;
  readonly options: OpenOptions<unknown>;
}

/** @internal */
export class LogRegistry {
  readonly #node: GossipNode;
  readonly #logs = new Map<string, SharedLog>();
  /** Which log an event object belongs to, once somebody asked. */
  readonly #homes = new WeakMap<LogEvent, Home>();

  constructor(node: GossipNode) {
    this.#node = node;
  }

  /** Begins a use of a log, opening it if it is not in use with that window. */
  retain(id: string, options?: OpenOptions<unknown>): { readonly log: WindowedLog; readonly release: () => void } {
    const shared = this.#find(id) ?? new SharedLog(this.#node, id, () => this.#logs.delete(id));
    const use = shared.retain(options);
    this.#logs.set(id, shared);
    return use;
  }

  /** The state of a log that is in use, or was until a moment ago. */
  state(id: string, options: OpenOptions<unknown> | undefined): LogState | undefined {
    return this.#find(id)?.state(options);
  }

  async loadOlder(id: string, options: OpenOptions<unknown> | undefined, count?: number): Promise<number> {
    return this.#find(id)?.window(options)?.loadOlder(count) ?? 0;
  }

  append(id: string, payload: unknown): LogEvent {
    return this.#inUse(id).append(payload);
  }

  redact(id: string, event: EventId, options?: RedactOptions): EventId {
    return this.#inUse(id).redact(event, options);
  }

  #inUse(id: string): SharedLog {
    const log = this.#find(id);
    if (log === undefined) throw new GossipError('log-not-ready', `log "${id}" is not in use`);
    return log;
  }

  /** The log among these that an event object came from. */
  #home(event: LogEvent): Home | undefined {
    const known = this.#homes.get(event);
    if (known !== undefined) return known;
    for (const [id, log] of this.#logs) {
      const options = log.optionsFor(event);
      if (options === undefined) continue;
      const home = { id, options };
      this.#homes.set(event, home);
      return home;
    }
    return undefined;
  }

  /** `pending` when the event's log is not in use here: nothing more is known of it. */
  delivery(event: LogEvent): Delivery {
    const home = this.#home(event);
    return (home === undefined ? undefined : this.#find(home.id)?.delivery(event)) ?? pending;
  }

  /** Calls back when the event's log or a delivery of it changed; keeps that log open meanwhile. */
  watch(event: LogEvent, listener: () => void): () => void {
    const home = this.#home(event);
    if (home === undefined) return () => {};
    const { log, release } = this.retain(home.id, home.options);
    const unsubscribe = log.subscribe(listener);
    return () => {
      unsubscribe();
      release();
    };
  }

  #find(id: string): SharedLog | undefined {
    this.#logs.get(id)?.endIfOver();
    return this.#logs.get(id);
  }
}

const registries = new WeakMap<GossipNode, LogRegistry>();

/** @internal The one registry of a node. */
export function registryOf(node: GossipNode): LogRegistry {
  let registry = registries.get(node);
  if (registry === undefined) {
    registry = new LogRegistry(node);
    registries.set(node, registry);
  }
  return registry;
}
