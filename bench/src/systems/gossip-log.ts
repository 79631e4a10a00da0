/** gossip-log: the log alone where a workload is about the log, nodes where it is about exchange and disks. */
import { type Environment, type GossipStorage, type WriterId, writerIdFromBytes } from '@gossip-log/core';
import { ReplicatedLog } from '@gossip-log/core/sync';
import { view, where } from '@gossip-log/core/view';
import { createRelay } from '@gossip-log/relay';
import { lmdbStorage } from '@gossip-log/storage/lmdb';
import { MemoryDisk, memoryStorage } from '@gossip-log/storage/memory';
import { createGossipNode, type LogHandle, systemEnvironment, webSocketClient } from '@gossip-log/transport';
import { WebSocket } from 'ws';
import { mulberry32 } from '../../../packages/core/test/message-generator.js';
import { blocksIn } from '../../../packages/core/test/sample-blocks.js';
import { type ChatEvent, type EventFilter, predicateOf, type Stint } from '../events.js';
import type { Exchange, HeldEvents, Replica, System } from '../system.js';
import { exchange, turn } from './exchange.js';

/** The log of all workloads. */
export const id = 'bench';
/** Above so many writers each writes apart: a log for each that receives all the others' would take hours. */
const writersTogetherMax = 100;

/** Far below the bound of events that wait for storage. */
const fillStoredEvery = 10_000;

/** Who only reads: no workload writes as this one. */
const reader = 0x7fff_ffff;

/** Rooms that are stored in one transaction. */
const roomsAtOnce = 1_000;

export class LogReplica implements Replica {
  readonly log: ReplicatedLog<ChatEvent>;
  #now = 2_000_000_000_000;

  constructor(writer: number) {
    const journal = {
      freshWriter: (): never => {
        throw new Error('bench: no writer here has to give way');
      },
    };
    this.log = new ReplicatedLog<ChatEvent>({ id, writer: writerOf(writer), now: () => this.#now }, journal);
  }

  append(event: ChatEvent): void {
    this.#now = event.at;
    this.log.append(event);
  }

  receive(parts: readonly Uint8Array[]): void {
    this.#now = 2_000_000_000_000;
    this.log.receive(parts);
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
    return blocksIn(this.log);
  }

  /** By two nodes, joined in memory; each has its half in storage when they meet. */
  async sync(other: LogReplica): Promise<Exchange> {
    const replicas = [this, other];
    const total = new Set(replicas.flatMap(({ log }) => log.snapshot().map((event) => event.id))).size;
    const [here, there] = await Promise.all(replicas.map((replica) => inStorage(replica.blocks())));
    const { result, ...taken } = await exchange(
      id,
      [{ storage: here as GossipStorage }, { storage: there as GossipStorage }],
      (logs) => logs.every(({ length }) => length === total),
      (logs) => logs.map((log) => blocksIn(log)),
    );
    for (const [i, blocks] of result.entries()) replicas[i]?.receive(blocks);
    return taken;
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

/** A store that has a whole log, as a node leaves it. */
export async function inStorage(blocks: readonly Uint8Array[]): Promise<GossipStorage> {
  const disk = new MemoryDisk();
  await keepPacked(memoryStorage({ disk }), blocks);
  return memoryStorage({ disk });
}

/** The platform's environment, whose timers do not wait: nobody comes back to a log that was released. */
const hasty: Environment = {
  ...systemEnvironment,
  setTimer: (_ms, callback) => systemEnvironment.setTimer(0, callback),
};

/** Puts a whole log into storage, and packs it: a log that nobody uses is closed once it is. */
export async function keepPacked(storage: GossipStorage, blocks: readonly Uint8Array[]): Promise<void> {
  await keep(storage, blocks);
  const node = createGossipNode({ storage, environment: hasty });
  const handle = node.open<ChatEvent>(id);
  await handle.ready;
  await new Promise<void>((resolve) => {
    handle.subscribe(() => handle.status === 'closed' && resolve());
    handle.release();
  });
  await node.close();
}

/** Puts a whole log into storage, as a node would that received it. */
async function keep(storage: GossipStorage, blocks: readonly Uint8Array[]): Promise<void> {
  const { entries } = new LogReplica(reader).log.receive(blocks);
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

const roomOf = (room: number | undefined) => (room === undefined ? id : `room-${room}`);

export const gossipLog: System = {
  name: 'gossip-log',
  version: 'this commit',
  notes: {
    all: 'Unsigned. Every event has an id, a hybrid time and its dependencies.',
    'fan-out': 'Events that wait for a socket go in one frame. Each is on the disk before it is delivered.',
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
      await keepPacked(lmdbStorage({ path: folder }), whole);
    },
    async open(folder, newest) {
      const node = createGossipNode({ storage: lmdbStorage({ path: folder }) });
      const handle = node.open<ChatEvent>(id, { window: newest === undefined ? 'all' : { last: newest } });
      await handle.ready;
      return { ...replicaOfHandle(handle), close: () => node.close() };
    },
  },
  views: (events) => new HeldLog(events),
  live: {
    async startRelay(folder) {
      const relay = await createRelay({ port: 0, host: '127.0.0.1', dataDir: folder });
      return relay.address?.url ?? never();
    },
    isDurable: true,
    async storeRooms(folder, rooms, events) {
      const storage = lmdbStorage({ path: folder });
      for (let from = 0; from < rooms; from += roomsAtOnce) {
        await Promise.all(
          Array.from({ length: Math.min(roomsAtOnce, rooms - from) }, (_, i) => {
            const writer = new LogReplica(from + i);
            for (const event of events) writer.append(event);
            return storage.commit(roomOf(from + i), writer.log.takeUnflushed(), { durability: 'relaxed' });
          }),
        );
      }
      await storage.close();
    },
    async join(address, room) {
      const node = createGossipNode({
        storage: memoryStorage(),
        connections: [webSocketClient({ url: address, WebSocket })],
      });
      const handle = node.open<ChatEvent>(roomOf(room));
      await handle.ready;
      return {
        ...replicaOfHandle(handle),
        append: (event) => void handle.append(event),
        async fill(events) {
          for (const [i, event] of events.entries()) {
            const appended = handle.append(event);
            if (i === events.length - 1) await handle.delivered(appended, 'relayed');
            else if (i % fillStoredEvery === 0) {
              await handle.delivered(appended);
              // A store in memory is done before any socket has its turn.
              await turn();
            }
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
  const replica = new LogReplica(reader);
  replica.receive(updates);
  return replica.blocks();
}

export function writerOf(writer: number): WriterId {
  const random = mulberry32(1_000 + writer);
  return writerIdFromBytes(Uint8Array.from({ length: 16 }, () => Math.floor(random() * 256)));
}

function never(): never {
  throw new Error('bench: this cannot be');
}
