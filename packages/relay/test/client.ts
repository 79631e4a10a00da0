/** Client nodes for tests: memory storage, real WebSockets, and a network that a test can call back at once. */
import { type Environment, limits } from '@gossip-log/core';
import { memoryStorage } from '@gossip-log/storage/memory';
import {
  createGossipNode,
  type GossipNode,
  type GossipNodeOptions,
  type LogHandle,
  systemEnvironment,
  webSocketClient,
} from '@gossip-log/transport';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';

/** For clients in a context of their own. */
export { WebSocket };

export interface Client {
  readonly node: GossipNode;
  /** Says that the network is back: what waits to dial again does so now. */
  online(): void;
}

/** A node that syncs with one relay. It closes with the test. */
export function client(url: string, options: Partial<GossipNodeOptions> = {}): Client {
  const network = new EventTarget();
  const node = createGossipNode({
    storage: memoryStorage(),
    connections: [webSocketClient({ url, WebSocket, network })],
    ...options,
  });
  onTestFinished(() => node.close());
  return { node, online: () => network.dispatchEvent(new Event('online')) };
}

/** Resolves once `condition` holds; looks whenever `source` tells of a change. */
export function until(source: { subscribe(listener: () => void): () => void }, condition: () => boolean) {
  return new Promise<void>((resolve) => {
    let unsubscribe = () => {};
    const look = () => {
      if (!condition()) return;
      unsubscribe();
      resolve();
    };
    unsubscribe = source.subscribe(look);
    look();
  });
}

/** A log that is ready, in the node of a client. */
export async function openLog<T = string>(of: Client, log: string): Promise<LogHandle<T>> {
  const handle = of.node.open<T>(log);
  await handle.ready;
  return handle;
}

/** Resolves once the log holds `count` events. */
export function hasEvents(handle: LogHandle<unknown>, count: number): Promise<void> {
  return until(handle, () => handle.snapshot().length >= count);
}

/** What a log shows, in order. */
export function idsOf(handle: LogHandle<unknown>): string[] {
  return handle.snapshot().map((event) => event.id);
}

/**
 * The platform's environment, but a log that nobody uses closes when the test says so. (Heartbeats, whose timers last
 * as long, come then too; they do no harm.)
 */
export function releaseByHand(): { readonly environment: Environment; release(): Promise<void> } {
  const waiting = new Set<() => void>();
  return {
    environment: {
      ...systemEnvironment,
      setTimer(ms, callback) {
        if (ms !== limits.releaseDelayMs) return systemEnvironment.setTimer(ms, callback);
        waiting.add(callback);
        return () => waiting.delete(callback);
      },
    },
    /** Resolves when those with nothing left to store are closed. */
    async release() {
      const due = [...waiting];
      waiting.clear();
      for (const callback of due) callback();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}
