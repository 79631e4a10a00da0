import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ada, bob, eve, refusal } from '../test/sample-blocks.js';
import { createGossipLog, GossipError, type GossipLog, type PayloadCodec, type WriterId } from './index.js';
import { eventBytesMax } from './limits.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8');

/** What an encode may give other than bytes of the right size. */
const wrong: Record<string, () => unknown> = {
  'a promise': () => Promise.resolve(new Uint8Array(1)),
  'a promise that fails': () => Promise.reject(new Error('too late')),
  'a text': () => 'text',
  'an ArrayBuffer': () => new ArrayBuffer(4),
  'an array': () => [1, 2, 3],
  'an array of 16 bits': () => new Uint16Array(2),
  'a DataView': () => new DataView(new ArrayBuffer(4)),
  'an object like bytes': () => ({ length: 3, byteLength: 3, 0: 1, 1: 2, 2: 3 }),
  undefined: () => undefined,
  null: () => null,
  'a number': () => 5,
  'an error': () => {
    throw new RangeError('not today');
  },
  'something thrown that is no error': () => {
    throw undefined;
  },
};

/** Writes texts; one that names a wrong result gives that. */
const codec: PayloadCodec<string> = {
  name: 'text',
  encode: (text) => (wrong[text] ?? (() => encoder.encode(text)))() as Uint8Array,
  decode: (bytes) => decoder.decode(bytes),
};

class Rig {
  ms = 1_700_000_000_000;
  now: () => number = () => this.ms;
  readonly log: GossipLog<string>;

  constructor(writer: WriterId) {
    this.log = createGossipLog<string>({ id: 'tea', writer, codec, now: () => this.now() });
  }
}

test.each(Object.keys(wrong))(
  'an encode that gives %s leaves the log, and what the next event depends on [L2]',
  (name) => {
    const [here, there] = [new Rig(ada), new Rig(bob)];
    const question = there.log.append('Tea?');
    here.log.merge(there.log.encode());
    const before = { bytes: here.log.encode(), snapshot: here.log.snapshot(), version: here.log.version() };
    expect(refusal(() => here.log.append(name))).toBe('payload-unencodable');
    expect(here.log.encode()).toEqual(before.bytes);
    expect(here.log.snapshot()).toBe(before.snapshot);
    expect(here.log.version()).toEqual(before.version);
    const answer = here.log.append('Yes, please.');
    expect(here.log.relation(question, answer)).toBe('before');
    there.log.merge(here.log.encode(there.log.version()));
    const [, theirs] = there.log.snapshot();
    expect(there.log.relation(question, theirs as typeof answer)).toBe('before');
  },
);

test('a clock that gives no number leaves the log as it was [L2]', () => {
  const rig = new Rig(ada);
  rig.log.append('Tea?');
  const bytes = rig.log.encode();
  for (const time of [Number.NaN, Number.POSITIVE_INFINITY, '5', 5n, undefined, null]) {
    rig.now = () => time as never;
    expect(() => rig.log.append('now')).toThrow(/^now: expected milliseconds since 1970, got/);
    expect(() => rig.log.merge(bytes)).toThrow(/^now: expected milliseconds since 1970, got/);
  }
  rig.now = () => {
    throw new Error('no clock');
  };
  expect(() => rig.log.append('now')).toThrow('no clock');
  expect(rig.log.encode()).toEqual(bytes);
});

test('a codec that uses its buffer again gets its payloads back, of every size [L1]', () => {
  const buffer = new Uint8Array(eventBytesMax);
  const reusing = createGossipLog<string>({
    ...{ id: 'tea', writer: ada, now: () => 1_700_000_000_000 },
    codec: { ...codec, encode: (text) => buffer.subarray(0, encoder.encodeInto(text, buffer).written) },
  });
  const texts = [1, 1000, 20_000, 40_000, eventBytesMax, 7].map((length, i) => String(i).repeat(length));
  for (const text of texts) reusing.append(text);
  expect(reusing.snapshot().map(({ payload }) => payload)).toEqual(texts);
});

test('any append that fails leaves the log as it was, dependencies included [L2]', () => {
  const writers = [ada, bob, eve];
  const failure = fc.oneof(
    fc.constantFrom(...Object.keys(wrong)).map((name) => ({ fail: 'encode', name }) as const),
    fc.constantFrom(Number.NaN, 2 ** 43, 'x').map((ms) => ({ fail: 'clock', ms }) as const),
    fc.constant({ fail: 'size' } as const),
  );
  const step = fc.oneof(
    fc.record({ kind: fc.constant('append' as const), at: fc.nat(2) }),
    fc.record({ kind: fc.constant('fail' as const), at: fc.nat(2), failure }),
    fc.record({ kind: fc.constant('sync' as const), at: fc.nat(2), from: fc.nat(2), ms: fc.nat(3) }),
  );
  let failed = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      // Every writer twice: once with the appends that fail, once without.
      const [tried, plain] = [writers.map((id) => new Rig(id)), writers.map((id) => new Rig(id))];
      for (const [i, action] of steps.entries()) {
        const rig = tried[action.at] as Rig;
        if (action.kind === 'fail') {
          failed++;
          expect(() => fail(rig, action.failure)).toThrow();
          continue;
        }
        for (const rigs of [tried, plain]) {
          const { log } = rigs[action.at] as Rig;
          if (action.kind === 'append') log.append(`${i}`);
          else log.merge((rigs[action.from] as Rig).log.encode());
          if (action.kind === 'sync') for (const each of rigs) each.ms += action.ms;
        }
      }
      for (const [i, { log }] of tried.entries()) expect(log.encode()).toEqual((plain[i] as Rig).log.encode());
    }),
  );
  expect(failed).toBeGreaterThan(100);
});

function fail(rig: Rig, failure: { fail: 'encode'; name: string } | { fail: 'clock'; ms: unknown } | { fail: 'size' }) {
  if (failure.fail === 'encode') rig.log.append(failure.name);
  if (failure.fail === 'size') rig.log.append('x'.repeat(eventBytesMax + 1));
  if (failure.fail !== 'clock') return;
  const { now } = rig;
  rig.now = () => failure.ms as number;
  try {
    rig.log.append('in time');
  } catch (error) {
    expect(error instanceof GossipError ? error.code : error).toEqual(
      expect.toBeOneOf(['limit-exceeded', expect.any(TypeError)]),
    );
    throw error;
  } finally {
    rig.now = now;
  }
}

test('a payload whose getter closes the log is not appended to the closed log', () => {
  const log = createGossipLog<{ readonly text: string }>({ id: 'tea', writer: ada, now: () => 1_700_000_000_000 });
  const payload = {
    get text() {
      log.close();
      return 'x';
    },
  };
  expect(refusal(() => log.append(payload))).toBe('log-closed');
  expect(log.length).toBe(0);
});
