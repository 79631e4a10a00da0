/** The session's rules as stories: one session by itself, two of them over real logs, and random histories. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rawFrame } from '../../test/frames.js';
import { events, inWords, log, ours, type Rig, rigIn, there } from '../../test/session-rig.js';
import { overspentMax, TestNode, type TestNodeOptions, Wire } from '../../test/two-sessions.js';
import { decodeMessage, encodeMessage, type Message } from '../codec/message.js';
import { type LogEvent, type WriterId, writerIdFromBytes } from '../index.js';
import {
  blockBytesTarget,
  channelsMax,
  clockDriftMsMax,
  creditBytesMax,
  eventBytesMax,
  frameBytesMax,
  frameBytesTarget,
  heartbeatMs,
  listedWritersMax,
  openRetryMs,
  probeMsMax,
  sessionTickMs,
  silenceMsMax,
} from '../limits.js';
import type { Range } from '../range.js';
import { ReplicatedLog, type SessionOutput } from './index.js';

const writer = (byte: number, second = 0): WriterId =>
  writerIdFromBytes(Uint8Array.from({ length: 16 }, (_, i) => (i === 0 ? byte : i === 1 ? second : 0)));

/** Two nodes whose time is set by hand. */
function pair(left: Partial<TestNodeOptions> = {}, right: Partial<TestNodeOptions> = {}) {
  const clock = { ms: 1_700_000_000_000 };
  const now = () => clock.ms;
  const wire = new Wire(
    new TestNode({ writer: writer(1), durable: false, ...left }, now),
    new TestNode({ writer: writer(2), durable: true, ...right }, now),
  );
  return { clock, wire, left: wire.left, right: wire.right };
}

function payloads(node: TestNode, name = log): unknown[] {
  return node
    .host(name)
    .log.snapshot()
    .map((event) => event.payload);
}

const sentKinds = (outputs: readonly SessionOutput[]): string[] =>
  outputs.flatMap((output) => (output.type === 'send' ? [decodeMessage(output.frame).kind] : []));

const sent = (outputs: readonly SessionOutput[], kind: Message['kind']): Message[] =>
  outputs.flatMap((output) => {
    const message = output.type === 'send' ? decodeMessage(output.frame) : undefined;
    return message?.kind === kind ? [message as Message] : [];
  });

const ends = (node: TestNode): string[] =>
  node.outputs.flatMap((output) => (output.type === 'end' ? [output.reason.code] : []));

test('[S1] a log is opened right behind our hello, whether the peer has said its own or not', () => {
  const rig = rigIn('new');
  expect(rig.handle({ type: 'attach', log, now: rig.nowMs })).toEqual([]);
  const started = rig.handle({ type: 'start', now: rig.nowMs });
  expect(sentKinds(started)).toEqual(['hello']);
  expect(started.slice(1)).toMatchObject([{ type: 'request', effect: { kind: 'describe', log } }]);
  expect(sentKinds(rig.handle(rig.answer('describe')))).toEqual(['open']);
  const hello = rig.frame({ kind: 'hello', node: there, name: 'there', durable: false, now: rig.nowMs + 5_000 });
  expect(rig.handle(hello)).toEqual([
    { type: 'established', peer: { node: there, name: 'there', durable: false, clockOffsetMs: 5_000 } },
  ]);
});

/** What a session put out while time passed for it in steps, with a tick after each. */
function ticked(rig: Rig, ms: number, stepMs: number): SessionOutput[] {
  const outputs: SessionOutput[] = [];
  for (let passed = 0; passed < ms; passed += stepMs) outputs.push(...rig.handle(rig.tick(stepMs)));
  return outputs;
}
const ping = (asks: boolean, now: number) => ({ kind: 'ping', asks, now }) as const;

test('[S2] heartbeats keep idle sessions alive; a silent peer ends one', () => {
  const { wire, clock } = pair();
  wire.connect();
  wire.settle();
  for (let i = 0; i < 6; i++) {
    for (let passed = 0; passed < heartbeatMs; passed += sessionTickMs) {
      clock.ms += sessionTickMs;
      for (const node of wire.nodes) node.tick();
    }
    expect(wire.settle()).toEqual({ left: 1, right: 1 });
  }
  expect(wire.nodes.map((node) => node.session?.state)).toEqual(['established', 'established']);
  for (let passed = 0; passed <= silenceMsMax; passed += sessionTickMs) {
    // Platforms count fractions of a millisecond; people read the reason.
    clock.ms += sessionTickMs + 0.1;
    wire.left.tick();
  }
  expect(ends(wire.left)).toEqual(['connection-lost']);
  const end = wire.left.outputs.find(({ type }) => type === 'end');
  expect(end).toMatchObject({ reason: { message: expect.stringMatching(/^nothing was heard for \d+ ms\b/) } });
});

test('a node whose timers tick once a minute is heard by its peer all the same [S2]', () => {
  const { wire, left, right, clock } = pair();
  wire.connect();
  wire.settle();
  const ticks = (60 * 60_000) / sessionTickMs;
  for (let i = 1; i <= ticks; i++) {
    clock.ms += sessionTickMs;
    right.tick();
    if (i % (60_000 / sessionTickMs) === 0) left.tick();
    wire.settle();
  }
  expect([...ends(left), ...ends(right)]).toEqual([]);
});

test.each([3_600_000, -3_600_000])(
  'a wall clock set by %i ms ends nothing, and both learn the clocks [S24]',
  (setMs) => {
    const { wire, left, right, clock } = pair();
    for (const node of wire.nodes) node.attach(log);
    wire.connect();
    wire.settle();
    (left.options as { offsetMs?: number }).offsetMs = setMs;
    for (let passed = 0; passed < 2 * silenceMsMax; passed += sessionTickMs) {
      clock.ms += sessionTickMs;
      for (const node of wire.nodes) node.tick();
      wire.settle();
    }
    expect([...ends(left), ...ends(right)]).toEqual([]);
    const told = (outputs: readonly SessionOutput[]) =>
      outputs.flatMap((output) => (output.type === 'clock' ? [output.peer.clockOffsetMs] : []));
    // The left one corrects its clock by the durable right one, so what it tells is right again.
    expect(told(left.outputs)).toEqual([-setMs]);
    expect(told(right.outputs)).toHaveLength(1);
  },
);

test('a probe that is answered ends nothing, one that is not ends the session within seconds [S24]', () => {
  const rig = rigIn('live');
  const stepMs = probeMsMax / 4;
  expect(sentKinds(rig.handle({ type: 'probe', now: rig.nowMs }))).toEqual(['ping']);
  expect(rig.session.isProbing).toBe(true);
  ticked(rig, stepMs, stepMs);
  rig.handle(rig.frame(ping(false, rig.nowMs)));
  expect(rig.session.isProbing).toBe(false);
  expect(ticked(rig, 3 * probeMsMax, stepMs).filter(({ type }) => type === 'end')).toEqual([]);

  rig.handle({ type: 'probe', now: rig.nowMs });
  const asked = rig.nowMs;
  while (rig.session.state !== 'ended') {
    rig.handle(rig.tick(stepMs));
    // Asking again puts nothing off.
    rig.handle({ type: 'probe', now: rig.nowMs });
  }
  expect(rig.nowMs - asked).toBeLessThanOrEqual(probeMsMax + stepMs);
});

test('a node that stood still blames neither its peer nor its own requests, and asks for a sign of life [S24] [S25]', () => {
  const rig = rigIn('live, merging');
  const woken = rig.handle(rig.tick(10 * silenceMsMax));
  expect(woken.filter(({ type }) => type === 'end')).toEqual([]);
  expect(sentKinds(woken)).toContain('ping');
  rig.handle(rig.frame(ping(false, rig.nowMs)));
  expect(rig.session.state).toBe('established');
  // Standing still while it waits for the answer does not count either: the answer may wait, too.
  rig.handle({ type: 'probe', now: rig.nowMs });
  expect(rig.handle(rig.tick(2 * probeMsMax)).filter(({ type }) => type === 'end')).toEqual([]);
});

test('[S3] frames of kinds to come are skipped between those that are known', () => {
  const { wire, left, right } = pair();
  left.attach(log);
  left.append(log, 'tea?');
  left.store(log);
  wire.connect();
  for (let kind = 18; kind < 256; kind++) left.outbox.push(rawFrame(0, kind, kind % 3));
  wire.settle();
  expect(payloads(right)).toEqual(['tea?']);
});

test('[S4] broken events end the session and leave the log as it was', () => {
  const rules: [change: (bytes: Uint8Array) => void, code: string][] = [
    [(block) => block.set([9]), 'version-unsupported'],
    [(block) => block.set([(block.at(-1) ?? 0) ^ 1], block.length - 1), 'checksum'],
  ];
  for (const [change, code] of rules) {
    const { wire, left, right } = pair();
    right.attach(log);
    right.append(log, 'mine');
    right.store(log);
    left.attach(log);
    wire.connect();
    wire.settle();
    const before = right.host(log).log.snapshot();
    left.append(log, 'yours');
    const [block] = left
      .host(log)
      .log.takeUnflushed()
      .map((entry) => entry.block.slice());
    change(block as Uint8Array);
    right.receive(encodeMessage({ kind: 'events', channel: 1, blocks: [block as Uint8Array] }));
    wire.settle();
    expect(ends(right)).toEqual([code]);
    expect(ends(left)).toEqual([code]);
    expect(right.host(log).log.snapshot()).toBe(before);
  }
});

test('[S5] [S8] what both sides lack is there after one round trip, greeting included', () => {
  const { wire, left, right } = pair();
  for (const node of wire.nodes) {
    node.attach(log);
    for (let i = 0; i < 200; i++) node.append(log, `${node.options.writer} ${i}`);
    node.store(log);
  }
  wire.connect();
  const flight = (from: TestNode, to: TestNode) => {
    while (to.asked.length > 0) to.answer(0);
    while (from.asked.length > 0) from.answer(0);
    for (let frames = from.outbox.length; frames > 0; frames--) wire.deliver(from);
    while (to.asked.length > 0) to.answer(0);
  };
  // The greetings and the descriptions cross, then the events.
  for (let trip = 0; trip < 2; trip++) {
    flight(left, right);
    flight(right, left);
  }
  expect(payloads(left)).toHaveLength(400);
  expect(payloads(left)).toEqual(payloads(right));
});

test('[S5] [S9] whenever a log is described anew, both sides bring to an end what crosses', () => {
  /** So many writers that a comparison takes three turns. */
  const crowd = Array.from({ length: listedWritersMax + 8 }, (_, i) => {
    const options = { id: log, writer: writer(3, i), now: () => 1_600_000_000_000 + i * 10 };
    const author = new ReplicatedLog(options, { freshWriter: () => options.writer });
    author.append(i);
    return author.takeUnflushed()[0]?.block as Uint8Array;
  });
  for (const describes of ['left', 'right'] as const) {
    for (let moment = 0, isOver = false; !isOver; moment++) {
      const { wire, left, right } = pair();
      for (const node of wire.nodes) {
        const { log: hosted } = node.host(log);
        hosted.markStored(hosted.receive(crowd).entries);
        node.append(log, node.options.writer);
        node.store(log);
      }
      left.attach(log);
      wire.connect();
      let steps = 0;
      while (steps < moment && wire.step()) steps++;
      isOver = steps < moment;
      wire[describes].input({ type: 'describe', log, now: left.trueNow() });
      wire.settle();
      for (const node of wire.nodes) node.append(log, moment);
      for (const node of wire.nodes) node.store(log);
      wire.settle();
      expect(payloads(left)).toHaveLength(crowd.length + 4);
      expect(payloads(right)).toEqual(payloads(left));
    }
  }
});

test('[S5] numbers of logs are never used again, and a session carries so many logs and no more', () => {
  const rig = rigIn('greeting');
  for (let i = 0; i < channelsMax; i++) rig.handle({ type: 'attach', log: `log ${i}`, now: rig.nowMs });
  expect(rig.handle({ type: 'attach', log: 'one more', now: rig.nowMs })).toMatchObject([
    { type: 'refused', log: 'one more', error: { code: 'limit-exceeded' } },
  ]);
  rig.handle(rig.frame({ kind: 'hello', node: there, name: '', durable: false, now: 0 }));
  expect(sent(rig.handle(rig.frame(openFrame({}))), 'error')).toMatchObject([{ channel: 7, code: 'limit-exceeded' }]);
  rig.handle({ type: 'detach', log: 'log 0', now: rig.nowMs });
  rig.handle({ type: 'attach', log, now: rig.nowMs });
  const [open] = sent(rig.handle(rig.answer('describe')), 'open');
  expect(open).toMatchObject({ channel: channelsMax + 1 });
});

test('[L4] [K5] a comparison says nothing of what lay below the edge when it began, where that has fallen since', () => {
  const rig = rigIn('greeting');
  rig.handle({ type: 'attach', log, now: rig.nowMs });
  rig.handle(rig.frame({ kind: 'hello', node: there, name: 'relay', durable: true, now: 0 }));
  rig.handle(rig.answer('describe', { edges: { wanted: 0, complete: 7 } }));
  rig.handle(rig.frame(openFrame({ turn: undefined })));
  rig.handle(rig.answer('open'));
  const answers = { own: false, begins: false, yields: false, frame: 0, more: false, ranges: [] };
  rig.handle(rig.frame({ kind: 'ranges', channel: 1, comparison: 1, ...answers }));
  const outputs = rig.handle(rig.answer('compare', { from: 3 }));
  expect(outputs).toContainEqual(expect.objectContaining({ type: 'compared', from: 7 }));
});

test("a comparison does not count as the peer's what it is being sent meanwhile: that may be lost on the way [L4] [S12]", () => {
  const rig = rigIn('live, reading');
  const here = writer(1);
  const lacks = () => new Map([[here, { seq: 4, time: 40 }]]);
  const question: Range[] = [{ kind: 'rows', from: 0, to: 100, names: [] }];
  // While events are read for the peer, it opens the log again; two events go out before that comparison ends.
  rig.handle(rig.frame(openFrame({ turn: { comparison: 9, ranges: question } })));
  rig.handle(rig.answer('compare', { lacks: lacks(), reply: question }));
  const runs = [{ writer: here, first: 5, last: 6, firstTime: 50, lastTime: 60 }];
  const entries = [{ block: new Uint8Array(40), runs, origin: 'own' as const }];
  expect(sentKinds(rig.handle(rig.answer('read', { entries, lacking: 2 })))).toContain('events');
  const answers = { own: true, begins: false, yields: false, frame: 0, more: false, ranges: [] };
  rig.handle(rig.frame({ kind: 'ranges', channel: 1, comparison: 9, ...answers }));
  const outputs = rig.handle(rig.answer('compare'));
  expect(outputs.find(({ type }) => type === 'compared')).toMatchObject({ lacks: lacks() });
});

test('what was thought to be here and cannot be read is absent, as the peer is told [S11]', () => {
  const rig = rigIn('live');
  const asked = { writer: writer(1), first: 5, last: 7 };
  rig.handle(rig.frame({ kind: 'want', channel: 1, runs: [asked] }));
  rig.handle(rig.answer('supply', { lacks: new Map([[asked.writer, { seq: 4, time: 0, until: 7 }]]), absent: [] }));
  const runs = [{ writer: asked.writer, first: 5, last: 5, firstTime: 50, lastTime: 50 }];
  const entries = [{ block: new Uint8Array(40), runs, origin: 'received' as const }];
  const outputs = rig.handle(rig.answer('read', { entries }));
  expect(sent(outputs, 'events')).toHaveLength(1);
  expect(sent(outputs, 'absent')).toMatchObject([{ runs: [{ ...asked, first: 6 }] }]);
});

test('[L4] [S21] a comparison says nothing of what lies before the last events that were asked for', () => {
  const rig = rigIn('greeting');
  rig.handle({ type: 'attach', log, now: rig.nowMs });
  rig.handle(rig.frame({ kind: 'hello', node: there, name: 'relay', durable: true, now: 0 }));
  rig.handle(rig.answer('describe', { edges: { wanted: 7, complete: 7, last: 2 } }));
  rig.handle(rig.frame(openFrame({ turn: undefined, edges: { wanted: 0, complete: 0, cut: 9 } })));
  rig.handle(rig.answer('open'));
  const answers = { own: false, begins: false, yields: false, frame: 0, more: false, ranges: [] };
  rig.handle(rig.frame({ kind: 'ranges', channel: 1, comparison: 1, ...answers }));
  const outputs = rig.handle(rig.answer('compare', { from: 7 }));
  expect(outputs).toContainEqual(expect.objectContaining({ type: 'compared', from: 9 }));
});

test('a peer that asks for other last events meanwhile, or for all of them, is not told where the first ones begin [L4] [S21]', () => {
  for (const last of [undefined, 20]) {
    const rig = rigIn('greeting');
    rig.handle(rig.frame({ kind: 'hello', node: there, name: 'app', durable: false, now: 0 }));
    rig.handle(rig.frame(openFrame({ edges: { wanted: 0, complete: 0, last: 5 } })));
    rig.handle(rig.answer('open'));
    const edges = { wanted: 0, complete: 0, ...(last !== undefined && { last }) };
    const turn = { comparison: 2, ranges: [{ kind: 'runs', runs: [] }] as Range[] };
    const again = rig.handle(rig.frame(openFrame({ edges, turn })));
    const told = rig.handle(rig.answer('describe', { edges: { wanted: 0, complete: 0, cut: 9 } }));
    const opens = () =>
      sent([...again, ...told], 'open').map((message) => message.kind === 'open' && message.edges?.cut);
    const compared = told.find((output) => output.type === 'request' && output.effect.kind === 'compare');
    if (last === undefined) {
      expect(opens()).toEqual([undefined]);
      expect(compared).toMatchObject({ effect: { peer: { wanted: 0, complete: 0 } } });
    } else {
      expect([opens(), compared]).toEqual([[], undefined]);
      expect(told).toMatchObject([{ type: 'request', effect: { kind: 'describe', last } }]);
      told.push(...rig.handle(rig.answer('describe', { edges: { wanted: 0, complete: 0, cut: 4 } })));
      expect(opens()).toEqual([4]);
    }
  }
});

test('[S5] frames of a turn are read one after another, however long an answer takes', () => {
  const rig = rigIn('live, comparing');
  const page = (frame: number, more: boolean) =>
    rig.handle(
      rig.frame({
        ...{ kind: 'ranges', channel: 1, comparison: 1, own: false, begins: false, yields: false, frame, more },
        ranges: [{ kind: 'rows', from: frame, to: frame + 1, names: [] }],
      }),
    );
  expect(page(0, true)).toMatchObject([{ type: 'request', effect: { kind: 'compare', received: [{ from: 0 }] } }]);
  expect([...page(1, true), ...page(2, false)]).toEqual([]);
  const reply = (from: number): Range[] => [{ kind: 'lacking-rows', from, to: from + 1, names: [] }];
  for (const from of [0, 1]) {
    const outputs = rig.handle(rig.answer('compare', { reply: reply(from) }));
    expect(sent(outputs, 'ranges')).toMatchObject([{ frame: from, more: true, ranges: [{ from }] }]);
    expect(outputs.at(-1)).toMatchObject({ effect: { kind: 'compare', received: [{ from: from + 1 }] } });
  }
  const outputs = rig.handle(rig.answer('compare', { reply: reply(2) }));
  expect(sent(outputs, 'ranges')).toMatchObject([{ frame: 2, more: false }]);
  expect(outputs).toContainEqual(expect.objectContaining({ type: 'compared' }));
});

test('[S6] a log with another descriptor does not sync, the others do', () => {
  const { wire, left, right } = pair();
  const odd = new ReplicatedLog({
    ...{ id: 'odd', writer: writer(2), now: () => 0 },
    codec: { name: 'bytes', encode: () => new Uint8Array(), decode: () => 'bytes' },
  });
  right.hosted.set('odd', { log: odd as ReplicatedLog, queue: [], journal: [] });
  for (const name of ['odd', log]) {
    left.attach(name);
    left.append(name, name);
    left.store(name);
    right.attach(name);
  }
  wire.connect();
  wire.settle();
  const refused = left.outputs.filter((output) => output.type === 'refused');
  expect(refused).toMatchObject([{ log: 'odd', error: { code: 'descriptor-mismatch' } }]);
  expect(payloads(right)).toEqual([log]);
  expect(odd.length).toBe(0);
});

test('[S7] before it is granted nothing of a log is sent or merged, and what comes early is merged then', () => {
  const rig = rigIn('opening');
  expect(rig.handle(eventsOf(rig, there))).toEqual([]);
  expect(rig.handle({ type: 'stored', log, entries: entriesOf(writer(9)), now: rig.nowMs })).toEqual([]);
  expect(inWords(rig.handle(rig.answer('open')), '')).toBe('edges, send ranges, request merge');
});

test('[S7] a log that was refused is opened anew when the peer asks for it later', () => {
  const rig = rigIn('offered');
  rig.handle(rig.frame({ kind: 'error', channel: 1, code: 'forbidden', message: '', time: 0 }));
  rig.handle(rig.frame(openFrame({})));
  const outputs = rig.handle(rig.answer('open')).filter(({ type }) => type === 'request');
  expect(outputs).toMatchObject([{ type: 'request', effect: { kind: 'describe' } }]);
  expect(sent(rig.handle(rig.answer('describe')), 'open')).toMatchObject([{ turn: {} }]);
});

test('[S8] an event over the horizon is kept until it is due', () => {
  const { wire, left, right, clock } = pair({ offsetMs: 2 * clockDriftMsMax });
  // Its clock is ahead, and nobody has told it so: the peer is not durable.
  (right.options as { durable: boolean }).durable = false;
  left.attach(log);
  right.attach(log);
  wire.connect();
  wire.settle();
  left.append(log, 'from the future');
  left.store(log);
  wire.settle();
  expect(payloads(right)).toEqual([]);
  expect(ends(right)).toEqual([]);
  clock.ms += 2 * clockDriftMsMax - heartbeatMs;
  for (const node of wire.nodes) node.input({ type: 'frame', bytes: rawFrame(0, 200, 0), now: node.trueNow() });
  for (const node of wire.nodes) node.tick();
  wire.settle();
  expect(payloads(right)).toEqual(['from the future']);
});

test('[S9] what becomes stored goes out as the same bytes, and never back to whom it came from', () => {
  const { wire, left, right } = pair();
  for (const node of wire.nodes) node.attach(log);
  wire.connect();
  wire.settle();
  left.outputs.length = 0;
  right.outputs.length = 0;
  for (let i = 0; i < 50; i++) {
    left.append(log, i);
    left.store(log);
    wire.settle();
  }
  const frames = sent(left.outputs, 'events') as Extract<Message, { kind: 'events' }>[];
  expect(frames.flatMap(({ blocks }) => blocks)).toEqual(left.host(log).journal);
  expect(right.host(log).journal).toEqual(left.host(log).journal);
  expect(sent(right.outputs, 'events')).toEqual([]);
  expect(payloads(right)).toHaveLength(50);
});

test('[S9] a block that would not fit behind a larger number is read in smaller ones', () => {
  const rig = rigIn('live');
  const [entry] = entriesOf(there);
  const large = { ...(entry as NonNullable<typeof entry>), block: new Uint8Array(frameBytesMax - 4) };
  expect(rig.handle({ type: 'stored', log, entries: [large], now: rig.nowMs })).toMatchObject([
    { type: 'request', effect: { kind: 'read' } },
  ]);
});

test('[S9] what the peer lacks more of, or comes while a read is under way, is read', () => {
  const rig = rigIn('live');
  const [entry] = entriesOf(there);
  const large = { ...(entry as NonNullable<typeof entry>), block: new Uint8Array(frameBytesMax - 4) };
  expect(rig.handle({ type: 'stored', log, entries: [large], now: rig.nowMs })).toMatchObject([
    { type: 'request', effect: { kind: 'read' } },
  ]);
  expect(rig.handle({ type: 'stored', log, entries: entriesOf(there), now: rig.nowMs })).toEqual([]);
  expect(rig.handle(rig.answer('read'))).toMatchObject([{ type: 'request', effect: { kind: 'read' } }]);
  expect(rig.handle(rig.answer('read'))).toEqual([]);
});

test('[S10] no more is read at once than there is credit for, and a log that was left is not read', () => {
  const { wire, left, right } = pair({ durable: true });
  for (let i = 0; i < 60; i++) {
    left.append(`room ${i}`, 'tea');
    left.store(`room ${i}`);
    right.attach(`room ${i}`);
  }
  wire.connect();
  let moved = true;
  while (moved) {
    moved = wire.deliver(left) || wire.deliver(right);
    for (const node of wire.nodes) {
      const other = node.asked.findIndex(({ effect }) => effect.kind !== 'read');
      if (other >= 0) node.answer(other);
      moved ||= other >= 0;
    }
  }
  expect(left.asked).toHaveLength(creditBytesMax / frameBytesTarget);

  const rig = rigIn('live');
  const [entry] = entriesOf(there);
  const large = { ...(entry as NonNullable<typeof entry>), block: new Uint8Array(frameBytesMax - 10) };
  for (let seq = 1; seq <= 3; seq++) {
    const runs = large.runs.map((run) => ({ ...run, first: seq, last: seq }));
    rig.handle({ type: 'stored', log, entries: [{ ...large, runs }], now: rig.nowMs });
  }
  rig.handle(rig.frame({ kind: 'want', channel: 1, runs: [] }));
  const lacks = new Map([[there, { seq: 0, time: 0, until: 3 }]]);
  expect(rig.handle(rig.answer('supply', { lacks }))).toEqual([]);
  rig.handle({ type: 'detach', log, now: rig.nowMs });
  expect(rig.handle(rig.frame({ kind: 'credit', bytes: creditBytesMax }))).toEqual([]);
});

test('[S10] many logs that are behind share the credit, and none of it is overspent', () => {
  const { wire, left, right } = pair({ durable: true });
  const names = Array.from({ length: 60 }, (_, i) => `room ${i}`);
  for (const name of names) {
    for (let i = 0; i < 12; i++) left.append(name, 'x'.repeat(10_000));
    left.store(name);
    right.attach(name);
  }
  wire.connect();
  wire.settle();
  expect(names.map((name) => payloads(right, name).length)).toEqual(names.map(() => 12));
  expect(left.spentMax).toBeLessThanOrEqual(overspentMax);
  expect(ends(right)).toEqual([]);
});

test('[S10] the largest events overspend by less than a frame, also from many logs at once', () => {
  const { wire, left, right } = pair({ durable: true });
  const names = Array.from({ length: 12 }, (_, i) => `room ${i}`);
  for (const name of names) {
    for (let i = 0; i < 2; i++) left.append(name, 'x'.repeat(eventBytesMax - 2));
    left.store(name);
    right.attach(name);
  }
  wire.connect();
  wire.settle();
  expect(names.map((name) => payloads(right, name).length)).toEqual(names.map(() => 2));
  expect(left.spentMax).toBeGreaterThan(0);
  expect(left.spentMax).toBeLessThanOrEqual(overspentMax);
});

test('[S10] a peer that sends without credit is cut off', () => {
  const rig = rigIn('live');
  const frame = eventsOf(rig, there, 'x'.repeat(blockBytesTarget - 100));
  const outputs: SessionOutput[] = [];
  for (let bytes = 0; bytes <= creditBytesMax + frameBytesMax; bytes += blockBytesTarget - 100) {
    expect(outputs.some((output) => output.type === 'end')).toBe(false);
    outputs.push(...rig.handle(frame));
  }
  expect(outputs.at(-1)).toMatchObject({ type: 'end', reason: { code: 'credit-exceeded' } });
});

test('[S10] [S16] credit of a log that is left is given back once, however it is left', () => {
  const leave: Record<string, (rig: Rig) => SessionOutput[]> = {
    'the peer closes it': (rig) =>
      rig.handle(rig.frame({ kind: 'close', channel: 1, reason: { code: 'normal', message: '' } })),
    'this node detaches it': (rig) => rig.handle({ type: 'detach', log, now: rig.nowMs }),
  };
  for (const [how, left] of Object.entries(leave)) {
    for (const state of ['opening', 'live', 'live, storing', 'live, for the peer alone'] as const) {
      const rig = rigIn(state);
      const outputs: SessionOutput[] = [];
      let spent = 0;
      // One frame is being stored, one waits for that, one is being merged; or all wait for the grant.
      const frame = eventsOf(rig, there, 'x'.repeat(100_000));
      for (let i = 0; i < 3; i++) {
        outputs.push(...rig.handle(frame));
        spent += frame.type === 'frame' ? frame.bytes.length : 0;
        if (i < 2) outputs.push(...rig.handle(rig.answer('merge')));
      }
      outputs.push(...left(rig));
      if (rig.session.channelState(log) === 'live') continue;
      const late = [rig.answer('merge'), rig.answer('store'), rig.tick(heartbeatMs), rig.tick(heartbeatMs)];
      for (const input of late) outputs.push(...rig.handle(input));
      const granted = sent(outputs, 'credit').reduce(
        (sum, message) => sum + ('bytes' in message ? message.bytes : 0),
        0,
      );
      // One small frame was on its way before in the state that stores.
      expect(granted - spent, `${how}, ${state}`).toBeGreaterThanOrEqual(0);
      expect(granted - spent, `${how}, ${state}`).toBeLessThan(200);
    }
  }
});

test('[S11] missing runs are asked for once; dropped rows bring a new comparison at the next tick', () => {
  const rig = rigIn('live, merging');
  const missing = [{ writer: there, first: 1, last: 3 }];
  expect(sent(rig.handle(rig.answer('merge', { missing })), 'want')).toMatchObject([{ channel: 7, runs: missing }]);
  rig.handle(eventsOf(rig, there));
  expect(sent(rig.handle(rig.answer('merge', { missing, dropped: 2 })), 'want')).toEqual([]);
  expect(rig.handle(rig.tick(0))).toMatchObject([{ type: 'request', effect: { kind: 'describe' } }]);
  expect(sent(rig.handle(rig.answer('describe')), 'open')).toMatchObject([{ turn: {} }]);
  // Also where they had come from another peer; what is under way goes on until then.
  const other = rigIn('live');
  expect(other.handle({ type: 'dropped', log, now: other.nowMs })).toEqual([]);
  expect(other.handle(other.tick(0))).toMatchObject([{ type: 'request', effect: { kind: 'describe' } }]);
  expect(other.handle(other.tick(0))).toEqual([]);
});

test('[S11] of a run that is wanted and is not here the peer is told', () => {
  const { wire, left, right } = pair();
  for (const node of wire.nodes) node.attach(log);
  for (let i = 0; i < 10; i++) left.append(log, i);
  left.store(log);
  wire.connect();
  wire.settle();
  const { writer } = left.options;
  const runs = [
    { writer: writer, first: 9, last: 12 },
    { writer: there, first: 1, last: 2 },
  ];
  right.input({ type: 'want', log, runs, now: right.trueNow() });
  wire.settle();
  expect(right.outputs.filter(({ type }) => type === 'absent')).toMatchObject([
    { log, runs: [{ writer: writer, first: 11, last: 12 }, runs[1]] },
  ]);
});

test('[S11] a run that is wanted is sent again from its first event to its last', () => {
  const { wire, left, right } = pair();
  for (const node of wire.nodes) node.attach(log);
  for (let i = 0; i < 10; i++) left.append(log, i);
  left.store(log);
  wire.connect();
  wire.settle();
  left.outputs.length = 0;
  left.receive(
    encodeMessage({ kind: 'want', channel: 1, runs: [{ writer: left.options.writer, first: 4, last: 10 }] }),
  );
  wire.settle();
  const again = new ReplicatedLog({ id: log, writer: writer(9), now: () => left.now() });
  for (const message of sent(left.outputs, 'events')) if ('blocks' in message) again.receive(message.blocks);
  // The first three are not among them.
  expect(again.length).toBe(0);
  expect(again.parked).toBe(7);
  expect(again.receive(left.host(log).journal.slice(0, 3)).added).toBe(10);
  expect(payloads(right)).toHaveLength(10);
});

test('[S12] a durable node acknowledges what it stored, no more, and a comparison with it does so too', () => {
  const { wire, left, right } = pair();
  for (const node of wire.nodes) node.attach(log);
  wire.connect();
  wire.settle();
  left.append(log, 'first');
  left.store(log);
  while (wire.deliver(left));
  expect(left.acknowledged.size).toBe(0);
  wire.settle();
  expect(left.acknowledged).toEqual(left.host(log).log.version());
  expect(right.acknowledged.size).toBe(0);

  left.append(log, 'second');
  left.store(log);
  while (wire.deliver(left));
  while (right.asked.length > 0) right.answer(0);
  // The acknowledgement is lost with the connection.
  wire.cut();
  expect(left.acknowledged.get(left.options.writer)).toBe(1);
  wire.connect();
  wire.settle();
  expect(left.acknowledged.get(left.options.writer)).toBe(2);
});

test('[S12] of a writer with a gap that is acknowledged which lies behind it, and all of it once the gap is filled', () => {
  const rig = rigIn('live');
  const acked = (first: number, last: number, before: readonly (readonly [number, number])[] = []) => {
    const runs = before.map(([from, to]) => ({ writer: there, first: from, last: to }));
    const kept = { stored: new Map([[there, { first, last }]]), before: runs };
    rig.handle(rig.frame(events(ours)));
    rig.handle(rig.answer('merge'));
    return sent(rig.handle(rig.answer('store', kept)), 'ack').flatMap((ack) => ('runs' in ack ? ack.runs : []));
  };
  expect(acked(6, 8)).toEqual([{ writer: there, first: 6, last: 8 }]);
  expect(acked(6, 8)).toEqual([]);
  expect(acked(6, 10)).toEqual([{ writer: there, first: 9, last: 10 }]);
  expect(acked(3, 10)).toEqual([{ writer: there, first: 3, last: 10 }]);
  expect(acked(1, 11)).toEqual([{ writer: there, first: 1, last: 11 }]);
  expect(acked(1, 12)).toEqual([{ writer: there, first: 12, last: 12 }]);
  expect(acked(14, 15)).toEqual([{ writer: there, first: 14, last: 15 }]);
  // What was sent before the gap is told as often as it comes.
  for (const run of [
    [9, 10],
    [9, 10],
    [11, 12],
  ] as const) {
    expect(acked(14, 15, [run])).toEqual([{ writer: there, first: run[0], last: run[1] }]);
  }
});

test.each([
  ['known from its hello, so nothing is sent early', 2 * clockDriftMsMax, 0],
  ['set back later, so events are refused once', 0, -2 * clockDriftMsMax],
])('[S8] [S13] events wait until the peer takes them, whose clock is behind: %s', (_, ahead, later) => {
  const { wire, left, right, clock } = pair({ offsetMs: ahead, durable: true });
  for (const node of wire.nodes) node.attach(log);
  wire.connect();
  wire.settle();
  (right.options as { offsetMs?: number }).offsetMs = later;
  left.append(log, 'early');
  left.store(log);
  wire.settle();
  expect(left.outputs.filter((output) => output.type === 'refused')).toHaveLength(later === 0 ? 0 : 1);
  expect(payloads(right)).toEqual([]);
  right.append(log, 'in time');
  right.store(log);
  wire.settle();
  expect(payloads(left)).toEqual(['in time', 'early']);
  for (let passed = 0; passed <= 3 * clockDriftMsMax; passed += heartbeatMs) {
    clock.ms += heartbeatMs;
    for (const node of wire.nodes) node.tick();
    wire.settle();
  }
  expect(payloads(right)).toEqual(['in time', 'early']);
  expect([...ends(left), ...ends(right)]).toEqual([]);
});

test('[S14] a peer that may not write is told so, stops, and goes on reading', () => {
  const { wire, left, right } = pair();
  right.mayWrite = false;
  for (const node of wire.nodes) node.attach(log);
  wire.connect();
  wire.settle();
  for (const text of ['one', 'two', 'three']) {
    left.append(log, text);
    left.store(log);
    wire.settle();
  }
  expect(sent(left.outputs, 'events')).toHaveLength(1);
  right.append(log, 'read this');
  right.store(log);
  wire.settle();
  expect(payloads(right)).toEqual(['read this']);
  expect(payloads(left)).toContain('read this');
});

test('of a peer that may not redact what comes before is kept, then it is refused, until the redaction is known [S28]', () => {
  const { wire, left, right, clock } = pair();
  right.mayRedact = false;
  for (const node of wire.nodes) node.attach(log);
  wire.connect();
  wire.settle();
  left.append(log, 'secret');
  left.store(log);
  wire.settle();
  left.append(log, 'before');
  const { log: here } = left.host(log);
  const { id } = here.snapshot().at(0) as LogEvent;
  here.redact(id);
  left.append(log, 'after');
  left.store(log);
  wire.settle();
  expect(payloads(right)).toEqual(['secret', 'before']);
  const told = right.outputs.flatMap((output) => (output.type === 'send' ? [decodeMessage(output.frame).kind] : []));
  expect(told.slice(-2)).toEqual(['ack', 'error']);
  expect(left.outputs.filter(({ type }) => type === 'refused')).toMatchObject([{ error: { code: 'forbidden' } }]);
  right.append(log, 'read this');
  right.store(log);
  wire.settle();
  expect(payloads(left)).toContain('read this');

  right.host(log).log.redact(id);
  right.store(log);
  right.input({ type: 'redacted', log, now: clock.ms });
  for (const node of wire.nodes) node.tick();
  wire.settle();
  expect(payloads(right)).toContain('after');
  expect(payloads(right)).not.toContain('secret');
});

test.each([
  ['storage-failed', true],
  ['forbidden', false],
] as const)('[S14] an `open` refused with %s is made again after a while: %s', (code, again) => {
  const rig = rigIn('offered');
  rig.handle(rig.frame({ kind: 'error', channel: 1, code, message: '', time: 0 }));
  const later = rig.handle(rig.tick(openRetryMs));
  expect(later.filter(({ type }) => type === 'request')).toHaveLength(again ? 1 : 0);
});

test('[S15] [S16] what late answers open for a peer that has left is released', () => {
  const rig = rigIn('absent');
  rig.handle(rig.frame(openFrame({})));
  const late = rig.answer('open', { forPeer: true });
  rig.handle(rig.frame({ kind: 'close', channel: 1, reason: { code: 'normal', message: '' } }));
  expect(rig.session.channelState(log)).toBe('absent');
  expect(rig.handle(late)).toEqual([{ type: 'released', log }]);
});

test('[S16] [S17] a log attached, detached and attached again while frames cross ends live at both ends or at none', () => {
  const { wire, left, right } = pair({ opensForPeers: true });
  wire.connect();
  wire.settle();
  for (let i = 0; i < 5; i++) {
    left.attach(log);
    while (left.asked.length > 0) left.answer(0);
    wire.deliver(left);
    left.detach(log);
    while (right.asked.length > 0) right.answer(0);
  }
  wire.settle();
  expect(wire.nodes.map((node) => node.session?.channelState(log))).toEqual(['absent', 'absent']);
  expect(wire.nodes.map((node) => node.openForPeer.get(log) ?? 0)).toEqual([0, 0]);
  left.attach(log);
  left.append(log, 'at last');
  left.store(log);
  wire.settle();
  expect(payloads(right)).toEqual(['at last']);
});

/** What may happen, as data; indexes are taken modulo what exists when the step runs. */
type Step =
  | { readonly do: 'append' | 'store' | 'attach' | 'detach'; readonly at: number; readonly log: number }
  | { readonly do: 'deliver' | 'answer' | 'tick'; readonly at: number; readonly pick: number }
  | { readonly do: 'cut' }
  | { readonly do: 'pass'; readonly ms: number };

const at = fc.nat(1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('append' as const), at, log: fc.nat(2) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('store' as const), at, log: fc.nat(2) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('attach' as const, 'detach' as const), at, log: fc.nat(2) }),
  },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('deliver' as const), at, pick: fc.nat(3) }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('answer' as const), at, pick: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('tick' as const), at, pick: fc.constant(0) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'cut' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 20, 3_000) }) },
);

test('[S5] [S8] [S9] [S10] [S16] [S17] whatever crosses, waits or is cut: both converge, nothing is overspent or leaked', () => {
  const reached = { cuts: 0, crossed: 0, late: 0, events: 0, released: 0 };
  const names = ['a', 'b', 'c'];
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 150, size: 'max' }),
      fc.boolean(),
      fc.boolean(),
      (steps, leftOpens, rightOpens) => {
        const { wire, left, right, clock } = pair({ opensForPeers: leftOpens }, { opensForPeers: rightOpens });
        wire.connect();
        /** Came in a session that has ended, and was not stored yet: the next one does not know from whom it was. */
        const forgotten = new Set<string>();
        for (const move of steps) {
          if (move.do === 'cut') {
            reached.cuts++;
            for (const node of wire.nodes) {
              for (const name of names) for (const { block } of node.host(name).queue) forgotten.add(block.join());
            }
            wire.cut();
            // A lost connection takes what was opened for the peer with it.
            expect(wire.nodes.flatMap((node) => [...node.openForPeer.values()]).filter((opens) => opens !== 0)).toEqual(
              [],
            );
            wire.connect();
            continue;
          }
          if (move.do === 'pass') {
            clock.ms += move.ms;
            continue;
          }
          const node = wire.nodes[move.at] as TestNode;
          if ('pick' in move) {
            if (move.do === 'tick') node.tick();
            if (move.do === 'deliver') for (let i = 0; i <= move.pick; i++) wire.deliver(node);
            if (move.do === 'answer' && node.asked.length > 0) {
              if (node.asked.length > 1) reached.late++;
              node.answer(move.pick % node.asked.length);
            }
          } else {
            const name = names[move.log] as string;
            if (move.do === 'append') node.append(name, `${move.at} ${reached.events++}`);
            else if (move.do === 'store') node.store(name);
            else if (move.do === 'attach') node.attach(name);
            else {
              if (node.outbox.length > 0) reached.crossed++;
              node.detach(name);
            }
          }
        }
        for (const name of names) for (const node of wire.nodes) node.attach(name);
        wire.settle();
        for (const node of wire.nodes) for (const name of names) node.store(name);
        wire.settle();
        for (const name of names) {
          expect(payloads(left, name)).toEqual(payloads(right, name));
          expect(left.host(name).queue).toEqual([]);
        }
        for (const node of wire.nodes) {
          expect(node.spentMax).toBeLessThanOrEqual(overspentMax);
          const ended = ends(node).filter((code) => code !== 'connection-lost');
          expect(ended).toEqual([]);
          for (const [name, opens] of node.openForPeer) {
            expect(opens, name).toBe(node.session?.channelState(name) === 'live' && opens === 1 ? 1 : 0);
          }
          reached.released += node.outputs.filter((output) => output.type === 'released').length;
        }
        for (const [from, to] of [wire.nodes, [right, left]] as const) {
          const received = new Set<string>();
          const own = from.options.writer;
          for (const message of sent(to.outputs, 'events')) {
            if ('blocks' in message) for (const block of message.blocks) received.add(block.join());
          }
          for (const block of forgotten) received.delete(block);
          // S9: a block that came from the peer never goes back to it, and own events never come back.
          for (const message of sent(from.outputs, 'events')) {
            if ('blocks' in message) for (const block of message.blocks) expect(received.has(block.join())).toBe(false);
          }
          expect(from.host('a').log.version().get(own) ?? 0).toBe(to.host('a').log.version().get(own) ?? 0);
        }
        wire.cut();
        expect(wire.nodes.flatMap((node) => [...node.openForPeer.values()]).filter((opens) => opens !== 0)).toEqual([]);
      },
    ),
    { numRuns: 300 },
  );
  for (const [what, times] of Object.entries(reached)) expect(times, what).toBeGreaterThan(20);
});

function openFrame(change: Partial<Extract<Message, { kind: 'open' }>>): Message {
  return {
    ...{ kind: 'open', channel: 7, descriptor: { id: log, policy: 'unsigned', codec: 'json' }, token: undefined },
    turn: { comparison: 1, ranges: [{ kind: 'runs', runs: [] }] },
    ...change,
  };
}

function entriesOf(writer: WriterId, payload: unknown = 'x') {
  const source = new ReplicatedLog(
    { id: log, writer: writer, now: () => 1_700_000_000_000 },
    { freshWriter: () => writer },
  );
  source.append(payload);
  return source.takeUnflushed();
}

function eventsOf(rig: Rig, writer: WriterId, payload?: unknown) {
  return rig.frame({ kind: 'events', channel: 1, blocks: entriesOf(writer, payload).map(({ block }) => block) });
}
