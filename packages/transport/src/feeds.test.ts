import {
  type Connection,
  type ConnectionHandlers,
  createGossipLog,
  type LogEvent,
  limits,
  writerIdFromBytes,
} from '@gossip-log/core';
import { memoryStorage } from '@gossip-log/storage/memory';
import { expect, onTestFinished, test } from 'vitest';
import { decodeMessage, encodeMessage, type Message } from '../../core/src/codec/message.js';
import { blocksIn } from '../../core/test/sample-blocks.js';
import { FakeEnvironment } from '../test/fake-environment.js';
import type { Feed, FeedCursor, FeedFilter } from './feeds.js';
import { type AuthorizeRequest, createGossipNode, type GossipNode, type GossipNodeOptions } from './gossip-node.js';
import type { LogHandle } from './log-handle.js';
import { type MemoryPair, memoryPair } from './memory-pair.js';
import { systemEnvironment } from './system-environment.js';

function node(options: Partial<GossipNodeOptions> = {}): GossipNode {
  const made = createGossipNode({ storage: memoryStorage(), ...options });
  onTestFinished(() => made.close());
  return made;
}

async function opened(of: GossipNode): Promise<LogHandle<string>> {
  const handle = of.open<string>('room');
  await handle.ready;
  return handle;
}

/** A relay, a writer, and two wires for readers. */
async function meet(options: Partial<GossipNodeOptions> = {}) {
  const wires = [memoryPair(), memoryPair(), memoryPair()] as const;
  const connections = wires.map(({ left }) => left);
  const relay = node({ durable: true, openOnDemand: true, connections, ...options });
  const writer = node({ connections: [wires[0].right] });
  return { relay, writer, room: await opened(writer), wire: wires[1], other: wires[2] };
}

/** The platform's time and randomness, with timers that fire when told. */
function heldTimers() {
  const fake = new FakeEnvironment();
  const setTimer = (ms: number, callback: () => void) => fake.setTimer(ms, callback);
  return { advance: (ms: number) => fake.advance(ms), environment: { ...systemEnvironment, setTimer } };
}

async function take(feed: Feed<string>, count: number): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count) {
    const { done, value } = await feed.next();
    if (done) break;
    texts.push(value.payload);
  }
  return texts;
}

/** Whatever is under way in memory comes to rest. */
async function rest(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test('[F1] [F3] a feed gives matching events of a log that its node does not hold: history, then what comes', async () => {
  const { relay, room, wire } = await meet();
  const reader = node({ connections: [wire.right] });
  const local = await opened(relay);
  for (let i = 0; i < 5; i++) room.append(`room ${i}`);
  local.append('relay 0');
  const first = room.snapshot().at(0) as LogEvent<string>;
  const feed = reader.feed<string>('room', { writers: [first.writer], from: first.timestamp });
  expect(await take(feed, 5)).toEqual(['room 0', 'room 1', 'room 2', 'room 3', 'room 4']);
  const waiting = feed.next();
  local.append('relay 1');
  const last = room.append('room 5');
  const { value } = await waiting;
  expect(value).toMatchObject({ id: last.id, payload: 'room 5', clock: last.clock });
  expect(await reader.logs()).toEqual([]);
});

test('[F3] a feed goes on where it was when its connection is back, and in another node where its cursor says', async () => {
  const { room, wire, other } = await meet();
  const feed = node({ connections: [wire.right] }).feed<string>('room');
  room.append('one');
  room.append('two');
  expect(await take(feed, 1)).toEqual(['one']);
  const saved = JSON.parse(JSON.stringify(feed.cursor)) as FeedCursor;
  wire.cut();
  const waiting = take(feed, 2);
  room.append('three');
  await rest();
  wire.reconnect();
  expect(await waiting).toEqual(['two', 'three']);
  const next = node({ connections: [other.right] }).feed<string>('room', {}, { after: saved });
  expect(await take(next, 2)).toEqual(['two', 'three']);
  expect(next.cursor).toEqual(feed.cursor);
});

/** Counts bytes that come over a wire's right side. */
function counted(wire: MemoryPair) {
  const count = { bytes: 0 };
  const source = {
    ...wire.right,
    start: (host: Parameters<MemoryPair['right']['start']>[0]) =>
      wire.right.start({
        status: (status) => host.status(status),
        connected(connection: Connection): ConnectionHandlers {
          const handlers = host.connected(connection);
          return {
            frame(bytes) {
              count.bytes += bytes.length;
              handlers.frame(bytes);
            },
            closed: (reason) => handlers.closed(reason),
          };
        },
      }),
  };
  return { count, source };
}

test('[F5] a reader that pulls nothing is sent no more than the bound; once it pulls it is given all of it', async () => {
  const { room, wire } = await meet();
  for (let i = 0; i < 300; i++) room.append(`${i} `.padEnd(10_000, 'x'));
  const { count, source } = counted(wire);
  const feed = node({ connections: [source] }).feed<string>('room');
  expect(await take(feed, 1)).toHaveLength(1);
  await room.delivered(room.append('the last'), 'relayed');
  await rest();
  expect(count.bytes).toBeGreaterThan(limits.feedBytesMax);
  expect(count.bytes).toBeLessThan(limits.feedBytesMax + 3 * limits.frameBytesTarget);
  const others = await take(feed, 300);
  expect(others.map((text) => Number.parseInt(text, 10)).slice(0, -1)).toEqual(
    Array.from({ length: 299 }, (_, i) => i + 1),
  );
  expect(others.at(-1)).toBe('the last');
});

test('[F2] a feed is authorized as a reader; refused for good, it says why once and is over', async () => {
  const asked: AuthorizeRequest[] = [];
  const { room, wire, other } = await meet({
    authorize(request) {
      if (request.token !== undefined) asked.push(request);
      return request.token !== 'stranger';
    },
  });
  const feed = node({ connections: [wire.right], token: 'stranger' }).feed<string>('room');
  const pulls = [feed.next(), feed.next()];
  await expect(pulls[0]).rejects.toMatchObject({ code: 'forbidden' });
  expect(await pulls[1]).toEqual({ done: true, value: undefined });
  expect(asked).toEqual([{ token: 'stranger', log: 'room', action: 'read' }]);
  room.append('for friends');
  expect(await take(node({ connections: [other.right], token: 'friend' }).feed<string>('room'), 1)).toEqual([
    'for friends',
  ]);
});

test('[F2] a feed that no peer serves now is asked for again after a while, and of the others at once', async () => {
  const { advance, environment } = heldTimers();
  const [first, second] = [memoryPair(), memoryPair()];
  const ada = node({ connections: [first.left] });
  const feed = node({ connections: [first.right, second.right], environment }).feed<string>('room');
  const waiting = take(feed, 1);
  await rest();
  const here = await opened(ada);
  here.append('by Ada');
  await here.delivered(here.snapshot().at(0) as LogEvent<string>);
  await rest();
  advance(limits.openRetryMs);
  expect(await waiting).toEqual(['by Ada']);

  const bob = node({ connections: [second.left] });
  const there = await opened(bob);
  await there.delivered(there.append('by Bob'));
  const more = take(feed, 1);
  await ada.close();
  expect(await more).toEqual(['by Bob']);
});

test('[F6] leaving a loop, `return` and the close of the node end a feed, and the relay gives the log back', async () => {
  const { relay, room, writer, wire } = await meet();
  const reader = node({ connections: [wire.right] });
  await room.delivered(room.append('one'), 'relayed');
  await writer.close();
  for await (const { payload } of reader.feed<string>('room')) {
    expect(payload).toBe('one');
    break;
  }
  const feed = reader.feed<string>('room');
  const pulls = [feed.next(), feed.next()];
  await pulls[0];
  await rest();
  await expect(relay.forget('room')).rejects.toMatchObject({ code: 'log-in-use' });
  await feed.return();
  expect(await pulls[1]).toEqual({ done: true, value: undefined });
  expect(await feed.next()).toEqual({ done: true, value: undefined });
  await rest();
  await relay.forget('room');

  const last = reader.feed<string>('other').next();
  await reader.close();
  expect(await last).toEqual({ done: true, value: undefined });
  expect(() => reader.feed('room')).toThrow('node-closed');
});

test('[F7] a peer that sends what was not asked for loses its session, and the feed goes on with the next', async () => {
  const [bad, good] = [memoryPair(), memoryPair()];
  const writer = writerIdFromBytes(new Uint8Array(16).fill(9));
  const stray = createGossipLog<string>({ id: 'room', writer, now: () => 1 });
  stray.append('of 1970');
  const ended = new Promise<string>((resolve) => {
    bad.left.start({
      status() {},
      connected(connection) {
        const say = (message: Message) => connection.send(encodeMessage(message));
        return {
          frame(bytes) {
            const message = decodeMessage(bytes);
            if (message.kind === 'hello') say({ ...message, node: writer, name: 'bad' });
            if (message.kind === 'close' && message.channel === 0) resolve(message.reason.code);
            if (message.kind !== 'feed') return;
            say({ kind: 'events', channel: message.channel, blocks: blocksIn(stray) });
          },
          closed() {},
        };
      },
    });
  });
  const feed = node({ connections: [bad.right, good.right] }).feed<string>('room', { from: 2 });
  const waiting = take(feed, 1);
  expect(await ended).toBe('protocol');
  const room = await opened(node({ connections: [good.left] }));
  room.append('of today');
  expect(await waiting).toEqual(['of today']);
});

test('[F1] filters and cursors that make no sense are refused before anything is asked for', () => {
  const reader = node();
  const writer = writerIdFromBytes(new Uint8Array(16).fill(9));
  const filters: [FeedFilter, new () => Error][] = [
    [{ from: 5, until: 5 }, RangeError],
    [{ from: Number.NaN }, TypeError],
    [{ until: -1 }, RangeError],
    [{ writers: [] }, RangeError],
    [{ writers: Array.from({ length: limits.feedWritersMax + 1 }, () => writer) }, RangeError],
    [{ writers: ['somebody' as never] }, TypeError],
  ];
  for (const [filter, error] of filters) expect(() => reader.feed('room', filter)).toThrow(error);
  const cursors: unknown[] = [{ [writer]: [0, 1] }, { [writer]: 4 }, { [writer]: [1, 2 ** 60] }, { me: [1, 1] }];
  for (const after of cursors) {
    expect(() => reader.feed('room', {}, { after: after as FeedCursor })).toThrow(TypeError);
  }
  expect(() => reader.feed('')).toThrow(RangeError);
  expect(reader.feed('room', { from: -1, until: 10 }).cursor).toEqual({});
});
