/** Nodes over disks in memory, and rooms of messages in them. */
import type { ConnectionSource } from '@gossip-log/core';
import { MemoryDisk, memoryStorage } from '@gossip-log/storage/memory';
import { createGossipNode, type GossipNode, type GossipNodeOptions, type LogHandle, memoryPair } from '../src/index.js';

const nodes: GossipNode[] = [];

/** A node whose errors fail the test, unless it is told otherwise. `closeNodes` ends it. */
export function nodeOn(disk: MemoryDisk, options: Partial<GossipNodeOptions> = {}): GossipNode {
  const node = createGossipNode({
    storage: options.storage ?? memoryStorage({ disk }),
    onError: (error) => {
      throw error;
    },
    ...options,
  });
  nodes.push(node);
  return node;
}

export const closeNodes = () => Promise.all(nodes.splice(0).map((node) => node.close()));

/** A relay over one disk and an app over the other, joined. What the app is sent is counted. */
export function joined(
  relayDisk: MemoryDisk,
  appDisk = new MemoryDisk(),
  relayOptions: Partial<GossipNodeOptions> = {},
  appOptions: Partial<GossipNodeOptions> = {},
) {
  const pair = memoryPair();
  const durable = { durable: true, openOnDemand: true, name: 'relay' };
  const relay = nodeOn(relayDisk, { connections: [pair.left], ...durable, ...relayOptions });
  const { source, traffic } = counted(pair.right);
  return { relay, app: nodeOn(appDisk, { connections: [source], ...appOptions }), traffic, pair };
}

/** Two nodes that answer each other for ever would leave no turn to anything else: so many frames are passed on. */
const framesMax = 20_000;

function counted(end: ConnectionSource) {
  const traffic = { bytes: 0, frames: 0 };
  const source: ConnectionSource = {
    start: (host) =>
      end.start({
        status: (status) => host.status(status),
        connected: (connection) => {
          const handlers = host.connected(connection);
          return {
            closed: (reason) => handlers.closed(reason),
            frame: (bytes) => {
              traffic.bytes += bytes.length;
              if (traffic.frames++ < framesMax) handlers.frame(bytes);
            },
          };
        },
      }),
  };
  return { source, traffic };
}

/** Messages `from` to `to - 1`. */
export function texts(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => `message ${from + i}, and some more words of it`);
}

/** Appends, and waits until that has come as far as `level`. */
export async function append(
  log: LogHandle<string>,
  written: readonly string[],
  level: 'stored' | 'relayed' = 'stored',
): Promise<void> {
  await log.ready;
  let last = log.append(written[0] as string);
  for (const payload of written.slice(1)) last = log.append(payload);
  await log.delivered(last, level);
}
