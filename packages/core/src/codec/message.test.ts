import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arbitraryKnownRuns, arbitraryRanges } from '../../test/arbitrary-ranges.js';
import { bytesOf, rawFrame } from '../../test/frames.js';
import { ada, blockOf, messages, oneRow, refusal } from '../../test/sample-blocks.js';
import { errorCodes, type GossipErrorCode, writerIdFromBytes } from '../index.js';
import {
  bridgedNodesMax,
  creditBytesMax,
  feedBytesMax,
  frameBytesMax,
  namesPerRangeMax,
  nodeNameBytesMax,
  rangesPerFrameMax,
  runsPerFrameMax,
  seqMax,
  timeMax,
} from '../limits.js';
import { lanes } from '../log/contribution.js';
import { endOfTime } from '../range.js';
import type { ByteWriter } from './bytes.js';
import { decodeMessage, encodeMessage, frameKinds, type Message } from './message.js';

const writer = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(writerIdFromBytes);
const run = fc
  .tuple(writer, fc.integer({ min: 1, max: seqMax }), fc.integer({ min: 1, max: seqMax }))
  .map(([writer, a, b]) => ({ writer, first: Math.min(a, b), last: Math.max(a, b) }));
const turn = fc.record({ comparison: fc.nat({ max: seqMax }), ranges: arbitraryRanges(writer) });
/** No longer than a name may be: what is longer is cut, which has its own test. */
const text = fc
  .string({ unit: 'grapheme', maxLength: 10 })
  .filter((text) => new TextEncoder().encode(text).length <= nodeNameBytesMax);
const channel = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constant(seqMax));
const code = fc.constantFrom(...(Object.keys(errorCodes) as GossipErrorCode[]));

const descriptor = fc.record({
  id: text.filter((id) => id !== ''),
  policy: fc.constant('unsigned' as const),
  codec: fc.constantFrom('json', 'cbor'),
});

const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record(
    {
      kind: fc.constant('hello' as const),
      node: writer,
      name: text,
      durable: fc.boolean(),
      onDemand: fc.constant(true),
      now: fc.nat({ max: 2 ** 42 - 1 }),
    },
    { requiredKeys: ['kind', 'node', 'name', 'durable', 'now'] },
  ),
  fc.record(
    {
      kind: fc.constant('open' as const),
      channel,
      descriptor,
      token: fc.option(text, { nil: undefined }),
      distance: fc.constantFrom(1, bridgedNodesMax, Number.POSITIVE_INFINITY),
      turn: fc.option(turn, { nil: undefined }),
    },
    { requiredKeys: ['kind', 'channel', 'descriptor', 'token', 'turn'] },
  ),
  fc.tuple(turn, channel, fc.boolean(), fc.boolean(), fc.boolean()).map(([turn, channel, own, more, begins]) => ({
    ...{ kind: 'ranges' as const, channel, own, more, begins: own && begins, yields: false, frame: channel % 1000 },
    ...turn,
  })),
  fc.tuple(turn, channel).map(([{ comparison }, channel]) => ({
    ...{ kind: 'ranges' as const, channel, own: false, more: false, begins: false, yields: true, frame: 0 },
    ...{ comparison, ranges: [] },
  })),
  fc.record({ kind: fc.constant('want' as const), channel, runs: fc.array(run, { maxLength: 5 }) }),
  fc.record({
    kind: fc.constant('events' as const),
    channel,
    blocks: fc.array(fc.uint8Array({ minLength: 34, maxLength: 300 }), { maxLength: 4 }),
  }),
  fc.record({ kind: fc.constant('ack' as const), channel, node: text, runs: fc.array(run, { maxLength: 5 }) }),
  fc.record({ kind: fc.constant('credit' as const), bytes: fc.nat(creditBytesMax) }),
  fc.record({ kind: fc.constant('error' as const), channel, code, message: text, time: fc.maxSafeNat() }),
  fc.record({
    kind: fc.constant('close' as const),
    channel: fc.oneof(channel, fc.constant(0)),
    reason: fc.record({ code: fc.oneof(code, fc.constant('normal' as const)), message: text }),
  }),
  fc.record({
    kind: fc.constant('feed' as const),
    channel,
    descriptor,
    token: fc.option(text, { nil: undefined }),
    filter: fc
      .tuple(fc.uniqueArray(fc.maxSafeNat(), { minLength: 2, maxLength: 2 }), fc.boolean(), fc.array(writer))
      .map(([times, endless, writers]) => ({
        ...{ from: Math.min(...times), until: endless ? endOfTime : Math.max(...times), writers },
      })),
    after: arbitraryKnownRuns(writer),
  }),
  fc.record({ kind: fc.constant('pull' as const), channel, bytes: fc.nat(feedBytesMax) }),
  fc.record({
    ...{ kind: fc.constant('sums' as const), channel, upTo: fc.maxSafeNat(), count: fc.maxSafeNat() },
    sum: fc.uint32Array({ minLength: lanes, maxLength: lanes }),
  }),
  fc.record({ kind: fc.constant('coming' as const), channel, events: fc.maxSafeNat(), bytes: fc.maxSafeNat() }),
  fc.record({ kind: fc.constant('cut' as const), channel, time: fc.maxSafeNat() }),
  fc.record({ kind: fc.constant('ping' as const), asks: fc.boolean(), now: fc.nat() }),
);

test('[S4] messages of every kind come back as they went', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(message, (sent) => {
      seen.add(sent.kind);
      expect(decodeMessage(encodeMessage(sent))).toEqual(sent);
    }),
    { numRuns: 1_000 },
  );
  expect(seen.size).toBe(15);
  for (const sample of Object.values(messages)) expect(decodeMessage(encodeMessage(sample))).toEqual(sample);
});

test('[S4] a frame cut at any byte is refused, unless it ends between two blocks', () => {
  for (const sample of Object.values(messages)) {
    const whole = encodeMessage(sample);
    for (let length = 0; length < whole.length; length++) {
      const cut = whole.subarray(0, length);
      const code = refusal(() => decodeMessage(cut));
      if (code === undefined) expect(encodeMessage(decodeMessage(cut) as Message)).toEqual(cut);
      else expect(code).toMatch(/^(bytes-truncated|frame-invalid)$/);
      if (sample.kind !== 'events') expect(code).toBeDefined();
    }
    if (sample.kind !== 'events') {
      expect(refusal(() => decodeMessage(Uint8Array.of(...whole, 0)))).toBe('frame-invalid');
    }
  }
});

/** Has a code or a flag that this version does not know, and may have lost it. */
const isLossy = (read: Message) =>
  read.kind === 'hello' ||
  (read.kind === 'error' && read.code === 'protocol') ||
  (read.kind === 'close' && read.reason.code === 'protocol');

test('[S3] [S4] a frame with flipped bits is refused, skipped, or another frame as good as one that was sent so', () => {
  const flipped = (bytes: Uint8Array) => {
    const code = refusal(() => decodeMessage(bytes));
    if (code !== undefined) {
      expect(code).toMatch(/^(bytes-truncated|frame-invalid|version-unsupported)$/);
      return;
    }
    const read = decodeMessage(bytes);
    if (read.kind === 'unknown' || isLossy(read)) return;
    expect(encodeMessage(read)).toEqual(bytes);
  };
  for (const sample of Object.values(messages)) {
    const whole = encodeMessage(sample);
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const bytes = whole.slice();
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      flipped(bytes);
    }
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(17), (bytes, kind) => {
      flipped(Uint8Array.of(0, kind, ...bytes));
    }),
    { numRuns: 3_000 },
  );
});

test('[S3] kinds that are not known are skipped whatever they hold, versions that are not known are refused', () => {
  for (let kind = 0; kind < 256; kind++) {
    const isKnown = Object.values(frameKinds).some((known) => known === kind) && kind !== 7;
    const frame = rawFrame(0, kind, 5, (out) => out.bytes(new Uint8Array(9).fill(255)));
    if (isKnown) expect(refusal(() => decodeMessage(frame))).toMatch(/invalid|truncated|unsupported/);
    else expect(decodeMessage(frame)).toEqual({ kind: 'unknown' });
    expect(refusal(() => decodeMessage(rawFrame(1, kind, 5)))).toBe('version-unsupported');
  }
});

test('[S4] counts that claim more than the frame holds are refused before anything is made for them', () => {
  const runs = (kind: number, count: number, before: (out: ByteWriter) => void = () => undefined) =>
    refusal(() =>
      decodeMessage(
        rawFrame(0, kind, 1, (out) => {
          before(out);
          out.varint(count);
        }),
      ),
    );
  for (const count of [1, runsPerFrameMax, runsPerFrameMax + 1, 2 ** 50]) {
    expect(runs(frameKinds.want, count)).toBe('frame-invalid');
    expect(runs(frameKinds.ack, count, (out) => out.text('relay'))).toBe('frame-invalid');
  }
  expect(refusal(() => decodeMessage(new Uint8Array(frameBytesMax + 1)))).toBe('frame-too-large');
  for (const kind of [0, 1]) {
    expect(runs(frameKinds.ranges, 1, (out) => out.bytes(bytesOf(0, 0, 1, 1, kind)))).toBe('frame-invalid');
  }
  for (const kind of [3, 4]) {
    const header = bytesOf(0, 0, 1, 1, kind, 5, 5);
    for (const count of [1, namesPerRangeMax, namesPerRangeMax + 1]) {
      expect(runs(frameKinds.ranges, count, (out) => out.bytes(header))).toBe('frame-invalid');
    }
  }
  expect(runs(frameKinds.ranges, rangesPerFrameMax + 1, (out) => out.bytes(bytesOf(0, 0, 1)))).toBe('frame-invalid');
  // Half a million empty blocks.
  expect(refusal(() => decodeMessage(rawFrame(0, frameKinds.events, 1, (w) => w.bytes(new Uint8Array(500_000)))))).toBe(
    'frame-invalid',
  );
});

test('[S5] the channel is 0 where no log is meant, and above 0 where one is', () => {
  const moved = (sample: Message, channel: number) => {
    const bytes = encodeMessage(sample);
    bytes[2] = channel;
    return refusal(() => decodeMessage(bytes));
  };
  const { hello, credit, ping, close, ...ofLogs } = messages;
  for (const sample of [hello, credit, ping]) expect(moved(sample, 1)).toBe('frame-invalid');
  expect([moved(close, 0), moved(close, 1)]).toEqual([undefined, undefined]);
  for (const sample of Object.values(ofLogs)) expect(moved(sample, 0)).toBe('frame-invalid');
});

test('[S5] what lets a comparison go says nothing else', () => {
  const ranges = (flags: number, ...rest: number[]) =>
    refusal(() => decodeMessage(rawFrame(0, frameKinds.ranges, 1, (out) => out.bytes(bytesOf(flags, 0, 1, ...rest)))));
  expect(ranges(8, 0)).toBeUndefined();
  for (const flags of [9, 10, 12, 15, 16]) expect(ranges(flags, 0)).toBe('frame-invalid');
  expect(ranges(8, 1, 3, 5, 5, 0)).toBe('frame-invalid');
  expect(ranges(0, 1, 3, 5, 5, 0)).toBeUndefined();
});

test('[S5] an open with what is reserved is unsupported: flags, policy, hash', () => {
  const open = (at: number, flags = 0, policy = 0, hash = 0) =>
    rawFrame(0, frameKinds.open, 1, (out) => {
      out.u8(flags);
      out.text('tea');
      out.u8(policy);
      out.u8(hash);
      out.text('json');
      for (let i = 0; i < 2; i++) out.varint(i === at ? 1 : 0);
    });
  expect(decodeMessage(open(-1))).toMatchObject({ kind: 'open', turn: undefined });
  expect(decodeMessage(open(0))).toMatchObject({ edges: { wanted: 1, complete: 0 } });
  for (const frame of [open(-1, 2), open(-1, 0, 1), open(-1, 0, 0, 1)]) {
    expect(refusal(() => decodeMessage(frame))).toBe('version-unsupported');
  }
});

test('[S4] runs and times are bounded: no sequence number 0, none over the bound, no time over the bound', () => {
  const want = (first: number, length: number) =>
    refusal(() =>
      decodeMessage(
        rawFrame(0, frameKinds.want, 1, (out) => {
          out.varint(1);
          out.bytes(new Uint8Array(16));
          out.varint(first);
          out.varint(length);
        }),
      ),
    );
  expect([want(1, 0), want(0, 5), want(seqMax, 0), want(seqMax, 1), want(seqMax + 1, 0)]).toEqual([
    ...[undefined, 'frame-invalid', undefined, 'frame-invalid', 'frame-invalid'],
  ]);
  const { ranges } = messages;
  const refused = (change: Partial<typeof ranges>) =>
    refusal(() => decodeMessage(encodeMessage({ ...ranges, ...change } as typeof ranges)));
  const rows = (from: number, to: number) => ({ kind: 'rows' as const, from, to, names: [] });
  expect(
    refused({ ranges: [{ kind: 'runs', runs: [{ writer: ada, last: 1, lastTime: timeMax + 2 }] }] }),
  ).toBeDefined();
  // Spans go on in time; behind one without an end nothing follows, and none is longer than time.
  expect(refused({ ranges: [rows(0, endOfTime), rows(endOfTime, endOfTime)] })).toBe('frame-invalid');
  expect(refused({ ranges: [rows(timeMax, endOfTime)] })).toBeUndefined();
  expect(refused({ ranges: [rows(timeMax - 5, timeMax + 11)] })).toBe('frame-invalid');
});

test('[S4] long texts for people are cut at a character', () => {
  const long = '👩‍👩‍👧‍👦é'.repeat(200);
  const hello = decodeMessage(encodeMessage({ ...messages.hello, name: long }));
  const error = decodeMessage(encodeMessage({ ...messages.error, message: long }));
  for (const [cut, bytesMax] of [
    [hello.kind === 'hello' && hello.name, 64],
    [error.kind === 'error' && error.message, 512],
  ]) {
    expect(long.startsWith(String(cut))).toBe(true);
    expect(new TextEncoder().encode(String(cut)).length).toBeGreaterThan(Number(bytesMax) - 8);
  }
});

test('[S4] a code that is not known here is taken for `protocol`', () => {
  const frame = rawFrame(0, frameKinds.error, 1, (out) => {
    out.text('what-is-to-come');
    out.text('');
    out.varint(0);
  });
  expect(decodeMessage(frame)).toMatchObject({ kind: 'error', code: 'protocol' });
});

test('[S4] blocks come out as views, not yet judged', () => {
  const frame = encodeMessage({ kind: 'events', channel: 1, blocks: [blockOf(oneRow)] });
  const read = decodeMessage(frame);
  expect(read.kind === 'events' && read.blocks[0]?.buffer).toBe(frame.buffer);
});
