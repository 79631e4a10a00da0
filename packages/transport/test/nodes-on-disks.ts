/** Nodes over disks in memory, and rooms of messages in them. */
import { type MemoryDisk, memoryStorage } from '@gossip-log/storage/memory';
import { createGossipNode, type GossipNode, type GossipNodeOptions, type LogHandle } from '../src/index.js';

const nodes: GossipNode[] = [];

/** A node whose errors fail the test, unless it is told otherwise. `closeNodes` ends it. */
export function nodeOn(disk: MemoryDisk, options: Partial<GossipNodeOptions> = {}): GossipNode {
  const node = createGossipNode({
    storage: memoryStorage({ disk }),
    onError: (error) => {
      throw error;
    },
    ...options,
  });
  nodes.push(node);
  return node;
}

export const closeNodes = () => Promise.all(nodes.splice(0).map((node) => node.close()));

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
