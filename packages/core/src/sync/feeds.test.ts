/** The rules of feeds: one session by itself, two over real logs, and random histories. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { log, rigIn } from '../../test/session-rig.js';
import { overspentMax, TestNode, Wire } from '../../test/two-sessions.js';
import { decodeMessage, type Message } from '../codec/message.js';
import type { FeedFilter } from '../feed.js';
import { GossipError, jsonCodec, type LogEvent, type WriterId, writerIdFromBytes } from '../index.js';
import {
  creditBytesMax,
  feedBytesMax,
  feedCursorsMax,
  feedsMax,
  frameBytesMax,
  frameBytesTarget,
  requestMsMax,
} from '../limits.js';
import { endOfTime } from '../range.js';
import type { KnownEvent } from '../runs.js';
import { ReplicatedLog, type SessionOutput } from './index.js';

const idOf = (byte: number): WriterId => writerIdFromBytes(new Uint8Array(16).fill(byte));
const startMs = 1_700_000_000_000;
const all: FeedFilter = { from: 0, until: endOfTime, writers: [] };
const descriptor = { id: log, policy: 'unsigned', codec: 'json' } as const;
const clock = (ms: number) => (startMs + ms) * 2048;

/** A log that only writes, whose clock is set by hand. */
class Writer {
  readonly log: ReplicatedLog;
  readonly blocks: Uint8Array[] = [];

  constructor(
    readonly writer: WriterId,
    now: () => number,
  ) {
    this.log = new ReplicatedLog({ id: log, writer, now }, { freshWriter: () => writer });
  }

  append(payload: unknown): void {
    this.log.append(payload);
    this.blocks.push(...this.log.takeUnflushed().map(({ block }) => block));
  }
}

/** A reader on the left, a server on the right; the server takes no part in what the reader reads. */
class FeedWire extends Wire {
  readonly events: LogEvent[] = [];
  readonly after = new Map<WriterId, KnownEvent>();
  readonly refusals: string[] = [];
  /** Bytes that came and were not pulled. */
  untaken = 0;
  #seen = 0;

  constructor(server: TestNode, now: () => number) {
    super(new TestNode({ writer: idOf(100), durable: false }, now), server);
    this.connect();
    this.settle();
  }

  subscribe(filter: FeedFilter, after: ReadonlyMap<WriterId, KnownEvent> = new Map(), feed = 1): void {
    const request = { descriptor, filter, after, token: 'ticket' };
    this.left.input({ type: 'subscribe', feed, request, now: this.left.trueNow() });
  }

  /** Looks at what has come. */
  look(): void {
    for (const output of this.left.outputs.slice(this.#seen)) {
      if (output.type === 'feed-refused') this.refusals.push(output.error.code);
      if (output.type !== 'fed') continue;
      this.untaken += output.bytes;
      for (const rows of output.rows) {
        for (let row = 0; row < rows.count; row++) {
          const event = rows.event(row, jsonCodec) as LogEvent;
          this.events.push(event);
          this.after.set(event.writer, { seq: event.seq, time: event.clock });
        }
      }
    }
    this.#seen = this.left.outputs.length;
  }

  pull(bytes = this.untaken): void {
    this.untaken -= bytes;
    this.left.input({ type: 'pull', feed: 1, bytes, now: this.left.trueNow() });
  }

  /** Reads on until nothing comes any more. */
  drain(): void {
    for (;;) {
      this.settle();
      this.look();
      if (this.untaken === 0) return;
      this.pull();
    }
  }
}

function world(options: { readonly opensForPeers?: boolean } = {}) {
  const time = { ms: startMs };
  const now = () => time.ms;
  const server = new TestNode({ writer: idOf(200), durable: true, ...options }, now);
  return { time, now, server, wire: new FeedWire(server, now) };
}

/** What a writer has written comes to a server, and is stored. */
function give(server: TestNode, blocks: readonly Uint8Array[]): void {
  const hosted = server.host(log);
  hosted.queue.push(...hosted.log.receive(blocks).entries);
  server.store(log);
}

const texts = (events: readonly LogEvent[]) => events.map(({ payload }) => payload);

const sent = <K extends Message['kind']>(outputs: readonly SessionOutput[], kind: K) =>
  outputs.flatMap((output) => {
    const message = output.type === 'send' ? decodeMessage(output.frame) : undefined;
    return message?.kind === kind ? [message as Extract<Message, { kind: K }>] : [];
  });

const ends = (node: TestNode) => node.outputs.flatMap((output) => (output.type === 'end' ? [output.reason.code] : []));

const feedFrame = (change: Partial<Extract<Message, { kind: 'feed' }>> = {}): Message => ({
  ...{ kind: 'feed', channel: 50, descriptor, token: undefined, filter: all, after: [], ...change },
});

/** A session that reads a feed, and the feed's number. */
function reading(filter: FeedFilter) {
  const rig = rigIn('live');
  const request = { descriptor, filter, after: new Map(), token: undefined };
  const [asked] = sent(rig.handle({ type: 'subscribe', feed: 1, request, now: rig.nowMs }), 'feed');
  return { rig, channel: asked?.channel as number };
}

test('[F1, F3] a feed is the matching history in log order, then what becomes stored, late events when they come', () => {
  const { time, now, server, wire } = world();
  const [ada, bob, eve] = [1, 2, 3].map((byte) => new Writer(idOf(byte), now)) as [Writer, Writer, Writer];
  for (const text of ['one', 'two', 'three', 'four']) {
    for (const writer of [ada, bob, eve]) {
      writer.append(`${writer.writer[0]} ${text}`);
      time.ms += 10;
    }
  }
  give(server, [...ada.blocks, ...eve.blocks]);
  wire.subscribe({ from: clock(30), until: clock(110), writers: [ada.writer, bob.writer] });
  wire.drain();
  const name = ({ writer: id }: Writer, text: string) => `${id[0]} ${text}`;
  expect(texts(wire.events)).toEqual(['two', 'three', 'four'].map((text) => name(ada, text)));
  give(server, bob.blocks);
  wire.drain();
  // Bob's four are at 10, 40, 70 and 100.
  expect(texts(wire.events.slice(3))).toEqual(['two', 'three', 'four'].map((text) => name(bob, text)));
  ada.append('too late');
  give(server, ada.blocks);
  wire.drain();
  expect(wire.events).toHaveLength(6);
  // Not even a frame was sent for what does not match.
  expect(sent(server.outputs, 'events').length).toBe(2);
  expect(wire.left.hosted.size).toBe(0);
});

test('[F3] what is stored before the beginning of a read under way is not left out', () => {
  const { time, now, server, wire } = world();
  const [ada, bob] = [1, 2].map((byte) => new Writer(idOf(byte), now)) as [Writer, Writer];
  for (const writer of [ada, bob, ada]) {
    writer.append(`at ${time.ms - startMs}`);
    time.ms += 10;
  }
  wire.subscribe({ ...all, from: clock(0) });
  wire.settle();
  give(server, bob.blocks);
  // The read that this brings about begins at Bob's event, and is carried out when Ada's are there.
  expect(server.asked).toMatchObject([{ effect: { kind: 'select', since: clock(10) } }]);
  give(server, ada.blocks);
  wire.drain();
  expect(texts(wire.events)).toEqual(['at 0', 'at 10', 'at 20']);
});

test('[F2] a feed is granted for reading, and one that is refused, fails or is overdue ends alone', () => {
  const closed = world({ opensForPeers: false });
  closed.wire.subscribe(all);
  closed.wire.drain();
  expect(closed.wire.refusals).toEqual(['not-found']);
  closed.server.attach(log);
  closed.server.append(log, 'open now');
  closed.server.store(log);
  closed.wire.subscribe(all, new Map(), 2);
  closed.wire.drain();
  expect(texts(closed.wire.events)).toEqual(['open now']);
  closed.server.detach(log);
  closed.wire.drain();
  expect(closed.wire.refusals).toEqual(['not-found', 'log-closed']);

  const rig = rigIn('live');
  const asked = rig.handle(rig.frame(feedFrame({ token: 'ticket' })));
  expect(asked).toMatchObject([{ effect: { kind: 'open', log, descriptor, token: 'ticket', feed: true } }]);
  expect(rig.handle(rig.answer('open', { forPeer: true }))).toMatchObject([{ effect: { kind: 'select' } }]);
  const failed = rig.handle(rig.failed('select', new GossipError('storage-failed', 'the disk is gone')));
  expect(sent(failed, 'error')).toMatchObject([{ channel: 50, code: 'storage-failed' }]);
  expect(failed).toContainEqual({ type: 'released', log });
  rig.handle(rig.frame(feedFrame({ channel: 51 })));
  rig.pass(requestMsMax + 1);
  const overdue = rig.handle(rig.tick(0));
  expect(sent(overdue, 'error')).toMatchObject([{ channel: 51, code: 'request-timeout' }]);
  expect(rig.session.channelState(log)).toBe('live');
  // What a late answer opens is given back.
  expect(rig.handle(rig.answer('open', { forPeer: true }))).toEqual([{ type: 'released', log }]);
});

test('[F4] a cursor with another event than stands in the log is refused, one of events to come is not', () => {
  const { time, now, server, wire } = world();
  const ada = new Writer(idOf(1), now);
  for (let i = 1; i <= 4; i++) {
    ada.append(i);
    time.ms += 10;
  }
  give(server, ada.blocks.slice(0, 2));
  const cursor = (seq: number, ms: number) => new Map([[ada.writer, { seq, time: clock(ms) }]]);
  wire.subscribe(all, cursor(1, 1));
  wire.drain();
  expect(wire.refusals).toEqual(['forked']);
  wire.subscribe(all, cursor(3, 20), 2);
  wire.drain();
  expect(wire.events).toEqual([]);
  give(server, ada.blocks);
  wire.drain();
  expect(texts(wire.events)).toEqual([4]);
});

test('[F5] a reader that takes nothing holds back its feed, and neither other feeds nor logs', () => {
  const { now, server, wire } = world();
  const ada = new Writer(idOf(1), now);
  for (let i = 0; i < 400; i++) ada.append('x'.repeat(10_000));
  give(server, ada.blocks);
  wire.subscribe(all);
  wire.settle();
  wire.look();
  expect(wire.untaken).toBeGreaterThanOrEqual(feedBytesMax);
  expect(wire.untaken).toBeLessThan(feedBytesMax + 2 * frameBytesTarget);
  server.append('other', 'passes');
  server.store('other');
  wire.left.attach('other');
  wire.settle();
  expect(wire.left.host('other').log.length).toBe(1);
  wire.drain();
  expect(wire.events).toHaveLength(400);
  expect(server.spentMax).toBeLessThanOrEqual(overspentMax);
});

test('[F5] credit of the session comes back for feeds that were left', () => {
  const { now, server, wire } = world();
  const ada = new Writer(idOf(1), now);
  for (let i = 0; i < 200; i++) ada.append('x'.repeat(10_000));
  give(server, ada.blocks);
  for (let feed = 1; feed <= 20; feed++) {
    wire.subscribe(all, new Map(), feed);
    wire.settle();
    wire.left.input({ type: 'unsubscribe', feed, now: now() });
  }
  wire.settle();
  expect(server.spent).toBeLessThan(-creditBytesMax / 2);
});

test('[F5] a peer that overspends a feed is cut off', () => {
  const { now } = world();
  const ada = new Writer(idOf(1), now);
  const blocksMin = Math.floor((feedBytesMax + frameBytesMax) / 10_100);
  for (let i = 0; i < blocksMin + 10; i++) ada.append('x'.repeat(10_000));
  const { rig, channel } = reading(all);
  const outputs: SessionOutput[][] = ada.blocks.map((block) =>
    rig.handle(rig.frame({ kind: 'events', channel, blocks: [block] })),
  );
  const end = outputs.findIndex((put) => put.some(({ type }) => type === 'end'));
  expect(end).toBeGreaterThanOrEqual(blocksMin);
  expect(outputs[end]?.at(-1)).toMatchObject({ reason: { code: 'credit-exceeded' } });
});

test('[F6] a feed ends when its reader says so, and with the session; what was opened for it is released', () => {
  const { now, server, wire } = world();
  const ada = new Writer(idOf(1), now);
  ada.append('one');
  give(server, ada.blocks);
  wire.subscribe(all);
  wire.drain();
  expect(server.openForPeer.get(log)).toBe(1);
  wire.left.input({ type: 'unsubscribe', feed: 1, now: now() });
  ada.append('two');
  give(server, ada.blocks);
  wire.drain();
  expect([server.openForPeer.get(log), texts(wire.events)]).toEqual([0, ['one']]);
  wire.subscribe(all, new Map(), 2);
  wire.settle();
  wire.cut();
  expect(server.openForPeer.get(log)).toBe(0);
  const rig = rigIn('live');
  for (const bytes of [0, 10]) expect(rig.handle(rig.frame({ kind: 'pull', channel: 50, bytes }))).toEqual([]);
});

test('[F7] rows that do not match, or do not follow, cost the session that they came in, and are not seen', () => {
  const { time, now } = world();
  const writers = [1, 2].map((byte) => new Writer(idOf(byte), now)) as [Writer, Writer];
  const [ada, bob] = writers;
  for (let i = 0; i < 4; i++) {
    for (const writer of writers) writer.append(i);
    time.ms += 10;
  }
  const [a1, a2, a3] = ada.blocks as [Uint8Array, Uint8Array, Uint8Array];
  const bad: Record<string, [FeedFilter, blocks: Uint8Array[], code: string]> = {
    'another writer': [{ ...all, writers: [ada.writer] }, [bob.blocks[0] as Uint8Array], 'protocol'],
    'before the time': [{ ...all, from: clock(10) }, [a1], 'protocol'],
    'at its end': [{ ...all, until: clock(10) }, [a1, a2], 'protocol'],
    'not from the first': [all, [a2], 'protocol'],
    'one left out': [all, [a1, a3], 'protocol'],
    'one twice': [all, [a1, a1], 'protocol'],
    'broken bytes': [all, [a1, a2.map((byte, i) => (i === 40 ? byte ^ 1 : byte))], 'checksum'],
  };
  for (const [what, [filter, blocks, code]] of Object.entries(bad)) {
    const { rig, channel } = reading(filter);
    const outputs = rig.handle(rig.frame({ kind: 'events', channel, blocks }));
    expect(
      outputs.map((output) => (output.type === 'end' ? output.reason.code : output.type)),
      what,
    ).toEqual(['send', code]);
  }
});

test('[F8] a session serves and reads so many feeds, and cursors name so many writers', () => {
  const rig = rigIn('live');
  const request = { descriptor, filter: all, after: new Map(), token: undefined };
  for (let feed = 1; feed <= feedsMax; feed++) {
    expect(rig.handle({ type: 'subscribe', feed, request, now: rig.nowMs })).toMatchObject([{ type: 'send' }]);
    const outputs = rig.handle(rig.frame(feedFrame({ channel: 100 + feed })));
    expect(outputs).toMatchObject([{ type: 'request' }]);
  }
  const refused = { type: 'feed-refused', feed: 99, error: { code: 'limit-exceeded' } };
  expect(rig.handle({ type: 'subscribe', feed: 99, request, now: rig.nowMs })).toMatchObject([refused]);
  const tooMany = rig.handle(rig.frame(feedFrame({ channel: 99 })));
  expect(sent(tooMany, 'error')).toMatchObject([{ channel: 99, code: 'limit-exceeded' }]);
  // One that ends makes room.
  rig.handle(rig.frame({ kind: 'pull', channel: 101, bytes: 0 }));
  expect(rig.handle(rig.frame(feedFrame({ channel: 99 })))).toMatchObject([{ type: 'request' }]);
  expect(rig.handle(rig.frame(feedFrame({ channel: 99 }))).at(-1)).toMatchObject({ reason: { code: 'protocol' } });

  const other = rigIn('live');
  const named = (count: number) =>
    Array.from({ length: count }, (_, i) => ({
      ...{ writer: writerIdFromBytes(Uint8Array.from({ length: 16 }, (_, at) => (i >> (8 * (at & 3))) & 255)) },
      ...{ last: 1, lastTime: 1 },
    }));
  const first = other.handle(other.frame(feedFrame({ channel: 1, after: named(feedCursorsMax - 1) })));
  expect(first).toMatchObject([{ type: 'request' }]);
  const second = other.handle(other.frame(feedFrame({ channel: 2, after: named(2) })));
  expect(sent(second, 'error')).toMatchObject([{ channel: 2, code: 'limit-exceeded' }]);
  other.handle(other.frame({ kind: 'pull', channel: 1, bytes: 0 }));
  expect(other.handle(other.frame(feedFrame({ channel: 2, after: named(2) })))).toMatchObject([{ type: 'request' }]);
});

type Step =
  | { readonly do: 'write'; readonly writer: number; readonly large: boolean }
  | { readonly do: 'share'; readonly writer: number; readonly from: number }
  | { readonly do: 'give'; readonly writer: number; readonly server: number; readonly count: number }
  | { readonly do: 'deliver'; readonly side: number; readonly count: number }
  | { readonly do: 'answer' | 'pull' }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'cut'; readonly server: number };

const writer = fc.nat(2);
const server = fc.nat(1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('write' as const), writer, large: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('share' as const), writer, from: writer }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('give' as const), writer, server, count: fc.integer({ min: 1, max: 5 }) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('deliver' as const),
      side: fc.nat(1),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom('answer' as const, 'pull' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 20, 1_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cut' as const), server }) },
);
const times = fc.oneof(fc.constant(undefined), fc.integer({ min: -20_000, max: 20_000 }));

test('[F3, F6, F7] over histories with late events, cuts and other servers a feed is what matches, each once', () => {
  const reached = { events: 0, filtered: 0, late: 0, cuts: 0, resumed: 0, elsewhere: 0 };
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 120, size: 'max' }),
      fc.tuple(times, times),
      fc.subarray([0, 1, 2]),
      (steps, [from, until], writing) => {
        const time = { ms: startMs };
        // Their clocks are apart, so what one writes is late beside the others'.
        const writers = [0, -15_000, 15_000].map((offset, i) => new Writer(idOf(i + 1), () => time.ms + offset));
        const at = (i: number) => writers[i] as Writer;
        const servers = [201, 202].map((byte) => new TestNode({ writer: idOf(byte), durable: true }, () => time.ms));
        const filter = {
          ...{ from: from === undefined ? 0 : clock(from), until: until === undefined ? endOfTime : clock(until) },
          writers: writing.map((i) => at(i).writer),
        };
        fc.pre(filter.from < filter.until);
        const read: LogEvent[] = [];
        let serving = servers[0] as TestNode;
        let wire = new FeedWire(serving, () => time.ms);
        wire.subscribe(filter);
        const change = (next: TestNode) => {
          wire.look();
          read.push(...wire.events);
          const { after } = wire;
          wire.cut();
          expect(serving.openForPeer.get(log) ?? 0).toBe(0);
          expect([...ends(wire.left), ...ends(serving)].filter((code) => code !== 'connection-lost')).toEqual([]);
          if (after.size > 0) reached.resumed++;
          if (after.size > 0 && next !== serving) reached.elsewhere++;
          serving = next;
          wire = new FeedWire(serving, () => time.ms);
          for (const [id, event] of after) wire.after.set(id, event);
          wire.subscribe(filter, after);
        };
        const givenTo = new Map(servers.map((node) => [node, [0, 0, 0]]));
        const handOut = (node: TestNode, i: number, count: number) => {
          const given = givenTo.get(node) as number[];
          const start = given[i] as number;
          const blocks = at(i).blocks.slice(start, start + count);
          given[i] = start + blocks.length;
          give(node, blocks);
        };
        for (const move of steps) {
          if (move.do === 'write') at(move.writer).append('x'.repeat(move.large ? 30_000 : 1));
          if (move.do === 'share') at(move.writer).log.merge(at(move.from).log.encode());
          if (move.do === 'give') handOut(servers[move.server] as TestNode, move.writer, move.count);
          if (move.do === 'deliver')
            for (let i = 0; i < move.count; i++) wire.deliver(wire.nodes[move.side] as TestNode);
          if (move.do === 'answer') serving.answer(0);
          if (move.do === 'pass') time.ms += move.ms;
          if (move.do === 'pull') {
            wire.look();
            if (wire.untaken > 0) wire.pull();
          }
          if (move.do === 'cut') {
            reached.cuts++;
            change(servers[move.server] as TestNode);
          }
        }
        for (const node of servers) for (const i of [0, 1, 2]) handOut(node, i, Number.POSITIVE_INFINITY);
        wire.drain();
        change(servers[0] as TestNode);
        wire.drain();
        expect(wire.events).toEqual([]);
        expect(wire.refusals).toEqual([]);

        const everything = new ReplicatedLog({ id: log, writer: idOf(99), now: () => time.ms });
        for (const { blocks } of writers) everything.receive(blocks);
        const matching = everything
          .snapshot()
          .slice()
          .filter((event) => event.clock >= filter.from && event.clock < filter.until)
          .filter(({ writer: id }) => filter.writers.length === 0 || filter.writers.includes(id));
        expect(read.map(({ id }) => id).sort()).toEqual(matching.map(({ id }) => id).sort());
        for (const { writer: id } of writers) {
          const seqs = read.filter((event) => event.writer === id).map(({ seq }) => seq);
          expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
        }
        for (const node of servers) expect(node.spentMax).toBeLessThanOrEqual(overspentMax);
        reached.events += read.length;
        reached.filtered += everything.length - read.length;
        reached.late += read.filter((event, i) => i > 0 && event.clock < (read[i - 1] as LogEvent).clock).length;
      },
    ),
    { numRuns: 500 },
  );
  for (const [what, count] of Object.entries(reached)) expect(count, what).toBeGreaterThan(20);
});
