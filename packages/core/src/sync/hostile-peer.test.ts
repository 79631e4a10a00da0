/** Peers that lie in comparisons: what that costs is bounded, ends with a code, and changes nothing. */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { arbitraryRanges } from '../../test/arbitrary-ranges.js';
import { log } from '../../test/session-rig.js';
import { TestNode } from '../../test/two-sessions.js';
import { decodeMessage, encodeMessage, type Message } from '../codec/message.js';
import { type WriterId, writerIdFromBytes } from '../ids.js';
import { comparisonPassesMax, comparisonRefillMs, comparisonRowsMin, idleCompareMs } from '../limits.js';
import { endOfTime, isQuestion, type Range } from '../range.js';
import { ReplicatedLog } from './index.js';

const id = (index: number): WriterId =>
  writerIdFromBytes(Uint8Array.from({ length: 16 }, (_, i) => (i === 0 ? index & 255 : i === 1 ? index >> 8 : 7)));

const startMs = 1_700_000_000_000;
const rows = 3_000;
const writers = 60;

const blocks = (() => {
  let nowMs = startMs;
  const logs = Array.from(
    { length: writers },
    (_, i) => new ReplicatedLog({ id: log, writer: id(i), now: () => nowMs }, { freshWriter: () => id(999) }),
  );
  return Array.from({ length: rows }, (_, i) => {
    nowMs += 1;
    const writer = logs[(i * 7) % writers] as ReplicatedLog;
    writer.append(`event ${i}`);
    return writer.takeUnflushed()[0]?.block as Uint8Array;
  });
})();

/** All that comparisons may walk in the log at once, and one turn that goes beyond. */
const walkedMax = comparisonPassesMax * (rows + comparisonRowsMin) + 4 * rows;

/** A node, and a peer that is nothing but frames. */
class Siege {
  readonly clock = { ms: startMs + 3_600_000 };
  readonly node = new TestNode({ writer: id(500), durable: true }, () => this.clock.ms);
  readonly log = this.node.host(log).log;
  readonly before;
  /** How many frames it has sent in each comparison. */
  readonly #frames = new Map<number, number>();
  /** Rows that its turns made the node look at. */
  walked = 0;

  constructor() {
    const take = this.node.input.bind(this.node);
    vi.spyOn(this.node, 'input').mockImplementation((one) => {
      if (one.type === 'answer' && one.answer.kind === 'compare') this.walked += one.answer.walked;
      take(one);
    });
    this.log.markStored(this.log.receive(blocks).entries);
    this.before = this.log.snapshot();
    this.node.attach(log);
    this.node.connect();
    const opened = this.send({ kind: 'hello', node: id(600), name: 'mallory', durable: false, now: this.clock.ms });
    const descriptor = this.log.descriptor;
    this.send({ kind: 'open', channel: 7, descriptor, token: undefined, turn: undefined });
    // It says that it lacks nothing: what the node began is over.
    for (const begun of opened) {
      const comparison = begun.kind === 'open' ? begun.turn?.comparison : undefined;
      if (comparison !== undefined) this.turn([{ kind: 'lacking-runs', runs: [] }], { comparison, own: false });
    }
    this.#frames.clear();
  }

  /** Returns what the node says to it. */
  send(message: Message): Message[] {
    const { node } = this;
    if (message.kind === 'open' && message.turn !== undefined) this.#frames.delete(message.turn.comparison);
    node.input({ type: 'frame', bytes: encodeMessage(message), now: node.trueNow() });
    while (node.asked.length > 0) node.answer(0);
    return node.outbox.splice(0).map((frame) => decodeMessage(frame) as Message);
  }

  /** Begins a comparison of its own, and goes on with one that it began (`own`) or the node did. */
  turn(ranges: readonly Range[], { comparison = 1, begins = false, own = true, more = false } = {}): Message[] {
    const frame = begins ? 0 : (this.#frames.get(comparison) ?? 0);
    this.#frames.set(comparison, frame + 1);
    return this.send({ kind: 'ranges', channel: 1, comparison, own, more, begins, yields: false, frame, ranges });
  }

  get ended(): string | undefined {
    return this.node.outputs.flatMap((output) => (output.type === 'end' ? [output.reason.code] : []))[0];
  }
}

const everything = (count: number): Range => ({
  ...{ kind: 'fingerprint', from: 0, to: endOfTime, count, sum: new Uint32Array(4) },
});

test.each<[string, (siege: Siege, i: number) => void]>([
  ['asks the same span again for ever', (siege, i) => void siege.turn([everything(rows)], { begins: i === 0 })],
  [
    'answers each part with the whole',
    (siege, i) => {
      const span = i % 2 === 0 ? { from: 0, to: endOfTime } : { from: 1, to: endOfTime };
      siege.turn([{ ...everything(rows), ...span } as Range], { begins: i === 0 });
    },
  ],
  [
    'begins ever new comparisons',
    (siege, i) => void siege.turn([everything(rows)], { begins: true, comparison: i + 1 }),
  ],
  [
    'opens the log ever anew, and says that it has one event',
    (siege, i) => {
      const ranges: Range[] = [{ kind: 'rows', from: 0, to: endOfTime, names: [1] }];
      const { descriptor } = siege.log;
      siege.send({ kind: 'open', channel: 7 + (i % 3), descriptor, token: undefined, turn: { comparison: i, ranges } });
    },
  ],
  [
    'lacks rows that it was never told of',
    (siege, i) =>
      void siege.turn([{ kind: 'lacking-rows', from: 0, to: endOfTime, names: [i] }], {
        begins: true,
        comparison: i + 1,
      }),
  ],
  [
    'leaves the log and comes back',
    (siege, i) => {
      const { descriptor } = siege.log;
      const channel = 10 + i;
      const turn = { comparison: i, ranges: [everything(rows)] };
      siege.send({ kind: 'open', channel, descriptor, token: undefined, turn });
      siege.send({ kind: 'close', channel: 1, reason: { code: 'normal', message: '' } });
    },
  ],
])('[S20] [L6] a peer that %s is cut off with a code after bounded work', (_, step) => {
  const siege = new Siege();
  let steps = 0;
  while (siege.ended === undefined && steps < 5_000) step(siege, steps++);
  expect(siege.ended).toBe('limit-exceeded');
  expect(siege.walked).toBeGreaterThan(walkedMax / 4);
  expect(siege.walked).toBeLessThanOrEqual(walkedMax);
  expect(siege.log.snapshot()).toBe(siege.before);
});

test('[S20] what a comparison may cost is granted again as time goes by', () => {
  const siege = new Siege();
  const ask = () => siege.turn([everything(rows)], { begins: true });
  for (let minutes = 0; minutes < 30; minutes++) {
    for (let i = 0; i < 4; i++) ask();
    siege.clock.ms += comparisonRefillMs;
  }
  expect(siege.ended).toBeUndefined();
});

test('[S20] spans of a turn that do not follow one another, also from frame to frame, end the session', () => {
  const span = (from: number, to: number): Range => ({ ...everything(3), from, to }) as Range;
  const siege = new Siege();
  siege.turn([span(0, 100), span(100, 200)], { begins: true, more: true });
  siege.turn([span(200, 300)], { more: true });
  expect(siege.ended).toBeUndefined();
  siege.turn([span(250, 300)]);
  expect(siege.ended).toBe('protocol');
});

test('[S20] a frame of a comparison that is lost or doubled on its way ends the session', () => {
  for (const frame of [0, 2]) {
    const siege = new Siege();
    siege.turn([{ kind: 'rows', from: 0, to: 100, names: [] }], { begins: true, more: true });
    const rest = { kind: 'ranges' as const, channel: 1, comparison: 1, own: true, more: false, begins: false };
    siege.send({ ...rest, yields: false, frame, ranges: [{ kind: 'rows', from: 100, to: 200, names: [] }] });
    expect(siege.ended).toBe('protocol');
  }
});

test('[S4] [S20] a frame lists the runs of a log once', () => {
  const siege = new Siege();
  const runs: Range = { kind: 'runs', runs: [] };
  siege.turn([runs, { kind: 'lacking-runs', runs: [] }], { begins: true });
  expect(siege.ended).toBeUndefined();
  siege.turn([runs, runs], { begins: true });
  expect(siege.ended).toBe('frame-invalid');
});

test('[S11] [S20] runs that a peer claims and does not have are not asked for again, and the exchange goes on', () => {
  const siege = new Siege();
  const claims: Range = {
    kind: 'runs',
    runs: [{ writer: id(0), last: 1_000_000, lastTime: siege.clock.ms * 2048 }],
  };
  const asked: Message[] = [];
  for (let i = 0; i < 50; i++) {
    const turn = { comparison: i, ranges: [claims] };
    asked.push(
      ...siege.send({ kind: 'open', channel: 7, descriptor: siege.log.descriptor, token: undefined, turn }),
      ...siege.turn([{ kind: 'lacking-runs', runs: [] }], { own: false }),
    );
  }
  // Its claims are answered, and nothing more is asked.
  expect(asked.filter(({ kind }) => kind === 'ranges')).toHaveLength(50);
  expect(asked.filter(({ kind }) => kind === 'want')).toEqual([]);
  expect(asked.filter((message) => message.kind === 'ranges' && message.ranges.some(isQuestion))).toEqual([]);
  expect(siege.ended).toBeUndefined();
  expect(siege.log.snapshot()).toBe(siege.before);
});

test('[S20] [L6] whatever well-formed ranges and sums a peer sends: bounded work, a code or none, and the same log', () => {
  const writer = fc.oneof(fc.nat(writers - 1).map(id), fc.constant(id(500)), fc.nat(9_000).map(id));
  const time = fc.oneof(
    fc.maxSafeNat(),
    fc.nat(4_000).map((ms) => (startMs + ms) * 2048),
  );
  const sum = fc.uint32Array({ minLength: 4, maxLength: 4 });
  const move = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('ranges' as const),
        ...{ channel: fc.constant(1), comparison: fc.nat(3), own: fc.constant(true) },
        ...{ more: fc.boolean(), begins: fc.boolean(), ranges: arbitraryRanges(writer, time) },
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ comparison: fc.nat(3), ranges: arbitraryRanges(writer, time) }).map((turn) => ({
        ...{ kind: 'open' as const, channel: 7, token: undefined, turn },
        descriptor: { id: log, policy: 'unsigned' as const, codec: 'json' },
      })),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        ...{ kind: fc.constant('sums' as const), channel: fc.constant(1), upTo: time, count: fc.nat(2 * rows), sum },
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        ...{ kind: fc.constant('coming' as const), channel: fc.constant(1), events: fc.maxSafeNat(), bytes: fc.nat() },
      }),
    },
    { weight: 1, arbitrary: fc.constant('wait' as const) },
    // Sums that come after a rest are looked at.
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('rested' as const), upTo: time, count: fc.nat(2 * rows), sum }),
    },
  );
  const reached = { ended: 0, went: 0, healed: 0 };
  fc.assert(
    fc.property(fc.array(move, { minLength: 1, maxLength: 60, size: 'max' }), (moves) => {
      const siege = new Siege();
      let budget = walkedMax;
      for (const one of moves) {
        if (one === 'wait' || one.kind === 'rested') {
          siege.clock.ms += idleCompareMs;
          budget += walkedMax / 2;
          siege.send({ kind: 'credit', bytes: 0 });
          siege.node.tick();
        }
        if (one === 'wait') continue;
        const frame = one.kind === 'rested' ? { ...one, kind: 'sums' as const, channel: 1 } : one;
        const replies = frame.kind === 'ranges' ? siege.turn(frame.ranges, frame) : siege.send(frame);
        if (replies.some((reply) => reply.kind === 'ranges' && reply.begins)) reached.healed++;
      }
      expect(siege.walked).toBeLessThanOrEqual(budget);
      expect(siege.log.snapshot()).toBe(siege.before);
      if (siege.ended === undefined) reached.went++;
      else {
        expect(['limit-exceeded', 'protocol', 'forked', 'frame-invalid']).toContain(siege.ended);
        reached.ended++;
      }
    }),
    { numRuns: 60 },
  );
  for (const [what, times] of Object.entries(reached)) expect(times, what).toBeGreaterThan(0);
}, 60_000);
