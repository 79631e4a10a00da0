/** gossip-log: the log alone where a workload is about the log, nodes where it is about exchange and disks. */
import { type GossipStorage, type ReplicaId, replicaIdFromBytes } from '@gossip-log/core';
import { ReplicatedLog } from '@gossip-log/core/sync';
import { view, where } from '@gossip-log/core/view';
import { createRelay } from '@gossip-log/relay';
import { lmdbStorage } from '@gossip-log/storage/lmdb';
import { memoryStorage } from '@gossip-log/storage/memory';
import { createGossipNode, type LogHandle, memoryPair, webSocketClient } from '@gossip-log/transport';
import { WebSocket } from 'ws';
import { splitBlocks } from '../../../packages/core/src/codec/block.js';
import { mulberry32 } from '../../../packages/core/test/message-generator.js';
import { type ChatEvent, type EventFilter, predicateOf, type Stint } from '../events.js';
import type { Exchange, HeldEvents, Replica, System } from '../system.js';

const id = 'bench';
/** Above so many writers each writes apart: a log for each that receives all the others' would take hours. */
const writersTogetherMax = 100;

/** Far below the bound of events that wait for storage. */
const fillStoredEvery = 10_000;

class LogReplica implements Replica {
  readonly log: ReplicatedLog<ChatEvent>;
  #now = 2_000_000_000_000;

  constructor(writer: number) {
    const journal = {
      freshReplica: (): never => {
        throw new Error('bench: no writer here has to give way');
      },
    };
    this.log = new ReplicatedLog<ChatEvent>({ id, replica: replicaOf(writer), now: () => this.#now }, journal);
  }

  append(event: ChatEvent): void {
    this.#now = event.at;
    this.log.append(event);
  }

  receive(parts: readonly Uint8Array[]): void {
    this.#now = 2_000_000_000_000;
    const { refused } = this.log.receive(parts);
    if (refused !== undefined) throw refused;
  }

  take(): Uint8Array[] {
    return this.log.takeUnflushed().map(({ block }) => block);
  }

  length(): number {
    return this.log.length;
  }

  newest(count: number): ChatEvent[] {
    return this.log
      .snapshot()
      .slice(-count)
      .map(({ payload }) => payload);
  }

  /** As blocks of about a thousand events, as nodes store and send them. */
  blocks(): Uint8Array[] {
    return splitBlocks(this.log.encode());
  }

  /** By two nodes, joined in memory; each has its half in storage when they meet. */
  async sync(other: LogReplica): Promise<Exchange> {
    let held: (() => void)[] = [];
    let messages = 0;
    let bytes = 0;
    const pair = memoryPair({ deliver: (task) => held.push(task) });
    const sides = [
      { replica: this, source: pair.left },
      { replica: other, source: pair.right },
    ];
    const opened = await Promise.all(
      sides.map(async ({ replica, source }) => {
        const storage = memoryStorage();
        await keep(storage, replica.blocks());
        const node = createGossipNode({
          storage,
          connections: [
            {
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
            },
          ],
        });
        const handle = node.open<ChatEvent>(id);
        await handle.ready;
        return { node, handle };
      }),
    );
    const total = new Set(sides.flatMap(({ replica }) => replica.log.snapshot().map((event) => event.id))).size;
    const isDone = () => opened.every(({ handle }) => handle.snapshot().length === total);

    let halfTrips = 0;
    const startedAt = performance.now();
    while (!isDone()) {
      const tasks = held;
      held = [];
      const sentBefore = messages;
      for (const task of tasks) task();
      if (messages > sentBefore || tasks.length > 0) halfTrips += 1;
      await turn();
    }
    const seconds = (performance.now() - startedAt) / 1000;
    for (const [i, { handle, node }] of opened.entries()) {
      sides[i]?.replica.receive(splitBlocks((await handle.ready).encode()));
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
    return { bytes, messages, roundTrips: halfTrips / 2, seconds };
  }
}

/** A log that was read, so that no view has to decode it; what comes is written by others, each call by another one. */
export class HeldLog extends LogReplica implements HeldEvents {
  #writers = 0;

  constructor(events: readonly ChatEvent[]) {
    super(0);
    for (const event of events) this.append(event);
    this.newest(events.length);
  }

  arrivals(events: readonly ChatEvent[]): (() => void)[] {
    this.#writers += 1;
    const writer = new LogReplica(this.#writers);
    return events.map((event) => {
      writer.append(event);
      const parts = writer.take();
      return () => this.receive(parts);
    });
  }

  follow(filters: readonly EventFilter[]) {
    return filters.map((filter) => {
      const filtered = view(this.log, where(predicateOf(filter)));
      return {
        length: () => filtered.snapshot().length,
        events: () => filtered.snapshot().map(({ payload }) => payload),
      };
    });
  }
}

/** Puts a whole log into storage, as a node would that received it. */
async function keep(storage: GossipStorage, blocks: readonly Uint8Array[]): Promise<void> {
  const { entries } = new LogReplica(0xffff).log.receive(blocks);
  await storage.commit(id, entries, { durability: 'strict' });
}

/** An open log of a node. */
function replicaOfHandle(handle: LogHandle<ChatEvent>): Replica {
  return {
    append: (event) => handle.append(event),
    receive: () => {
      throw new Error('bench: a node receives from its peers alone');
    },
    length: () => handle.snapshot().length,
    newest: (count) =>
      handle
        .snapshot()
        .slice(-count)
        .map(({ payload }) => payload),
  };
}

export const gossipLog: System = {
  name: 'gossip-log',
  version: 'this commit',
  lacks: { 'load, newest 200 alone': 'not yet' },
  notes: {
    all: 'Unsigned. Every event has an id, a hybrid time and its dependencies.',
    'fan-out': 'Events that wait for a socket go in one frame, so its half load is many times that of the others.',
    'many-writers': 'Each writer wrote apart from the others.',
  },
  create: (writer) => new LogReplica(writer),
  write(stints) {
    return new Set(stints.map(({ writer }) => writer)).size > writersTogetherMax
      ? writeApart(stints)
      : writeTogether(stints);
  },
  disk: {
    async store(folder, whole) {
      const storage = lmdbStorage({ path: folder });
      await keep(storage, whole);
      await storage.close();
    },
    async open(folder) {
      const handle = createGossipNode({ storage: lmdbStorage({ path: folder }) }).open<ChatEvent>(id);
      await handle.ready;
      return replicaOfHandle(handle);
    },
  },
  views: (events) => new HeldLog(events),
  live: {
    async startRelay(folder) {
      const relay = await createRelay({ port: 0, host: '127.0.0.1', dataDir: folder });
      return relay.address?.url ?? never();
    },
    async join(address) {
      const node = createGossipNode({
        storage: memoryStorage(),
        connections: [webSocketClient({ url: address, WebSocket })],
      });
      const handle = node.open<ChatEvent>(id);
      await handle.ready;
      return {
        ...replicaOfHandle(handle),
        append: (event) => void handle.append(event),
        async fill(events) {
          for (const [i, event] of events.entries()) {
            const appended = handle.append(event);
            if (i % fillStoredEvery === 0) await handle.delivered(appended);
          }
        },
        length: () => handle.snapshot().length,
        newest: (count) =>
          handle
            .snapshot()
            .slice(-count)
            .map(({ payload }) => payload),
        subscribe: (listener) => void handle.subscribe(listener),
        close: () => node.close(),
      };
    },
    listen: async (address, sockets, open) => open(address, sockets, await greeting(address)),
  },
};

/** What a node says until it is in the room: recorded once, said by sockets that have no node. */
async function greeting(address: string): Promise<Uint8Array[]> {
  const sent: Uint8Array[] = [];
  class Recorder extends WebSocket {
    override send(data: Uint8Array, ...rest: never[]): void {
      sent.push(data.slice());
      super.send(data, ...rest);
    }
  }
  const node = createGossipNode({
    storage: memoryStorage(),
    connections: [webSocketClient({ url: address, WebSocket: Recorder })],
  });
  await node.open(id).ready;
  // Hello and open.
  while (sent.length < 2) await turn();
  await node.close();
  return sent.slice(0, 2);
}

function writeTogether(stints: readonly Stint[]) {
  const members = new Map<number, { replica: LogReplica; seen: number }>();
  const updates: Uint8Array[] = [];
  for (const { writer, events } of stints) {
    const member = members.get(writer) ?? { replica: new LogReplica(writer), seen: 0 };
    members.set(writer, member);
    member.replica.receive(updates.slice(member.seen));
    for (const event of events) member.replica.append(event);
    updates.push(...member.replica.take());
    member.seen = updates.length;
  }
  return { whole: mergedOf(updates), updates };
}

function writeApart(stints: readonly Stint[]) {
  const updates = stints.flatMap(({ writer, events }) => {
    const replica = new LogReplica(writer);
    for (const event of events) replica.append(event);
    return replica.take();
  });
  return { whole: mergedOf(updates), updates };
}

function mergedOf(updates: readonly Uint8Array[]): Uint8Array[] {
  const replica = new LogReplica(0xffff);
  replica.receive(updates);
  return replica.blocks();
}

function replicaOf(writer: number): ReplicaId {
  const random = mulberry32(1_000 + writer);
  return replicaIdFromBytes(Uint8Array.from({ length: 16 }, () => Math.floor(random() * 256)));
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function never(): never {
  throw new Error('bench: this cannot be');
}
