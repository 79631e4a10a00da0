/** Two nodes of gossip-log, joined in memory: what it takes them to come together. */
import type { ConnectionSource, GossipLog, GossipStorage } from '@gossip-log/core';
import { createGossipNode, type LogWindow, memoryPair } from '@gossip-log/transport';
import type { ChatEvent } from '../events.js';
import type { Exchange } from '../system.js';

/** One of the two; it has its part in storage when they meet. */
export interface Side {
  readonly storage: GossipStorage;
  /** Default: all of it in memory. */
  readonly window?: LogWindow;
  /** Blocks that come to it from elsewhere before. */
  readonly blocks?: Uint8Array;
}

/**
 * Opens a log on both sides and carries frames to and fro until `isDone`. Each frame counts, from the greeting on. What is
 * sent while the other side's frames are on their way counts as half a round trip with them.
 */
export async function exchange<V>(
  id: string,
  sides: readonly [Side, Side],
  isDone: (logs: readonly GossipLog<ChatEvent>[]) => boolean,
  after: (logs: readonly GossipLog<ChatEvent>[]) => V,
): Promise<Exchange & { readonly result: V }> {
  let held: (() => void)[] = [];
  let messages = 0;
  let bytes = 0;
  const pair = memoryPair({ deliver: (task) => held.push(task) });
  const counted = (source: ConnectionSource): ConnectionSource => ({
    start: (host) =>
      source.start({
        ...host,
        status: (status) => host.status(status),
        connected: (connection) =>
          host.connected({
            peer: connection.peer,
            get bufferedBytes() {
              return connection.bufferedBytes;
            },
            send(frame) {
              messages += 1;
              bytes += frame.length;
              connection.send(frame);
            },
            close: (reason) => connection.close(reason),
          }),
      }),
  });
  const opened = await Promise.all(
    sides.map(async ({ storage, window = 'all', blocks }, i) => {
      const node = createGossipNode({ storage, connections: [counted(i === 0 ? pair.left : pair.right)] });
      const log = await node.open<ChatEvent>(id, { window }).ready;
      if (blocks !== undefined) log.merge(blocks);
      return { node, log };
    }),
  );
  const logs = opened.map(({ log }) => log);
  globalThis.gc?.();

  let halfTrips = 0;
  const startedAt = performance.now();
  while (!isDone(logs)) {
    const sentBefore = messages;
    const tasks = held;
    held = [];
    for (const task of tasks) task();
    if (messages > sentBefore || tasks.length > 0) halfTrips += 1;
    await turn();
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const sent = { bytes, messages };
  const result = after(logs);
  for (const { node } of opened) {
    let isClosed = false;
    const closed = node.close().then(() => {
      isClosed = true;
    });
    while (!isClosed) {
      for (const task of held.splice(0)) task();
      await turn();
    }
    await closed;
  }
  return { ...sent, roundTrips: halfTrips / 2, seconds, result };
}

export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
