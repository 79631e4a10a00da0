import { expect, onTestFinished, test, vi } from 'vitest';
import { ada, blocksIn, refusal } from '../test/sample-blocks.js';
import { joinBlocks } from './codec/block.js';
import { createGossipLog, emptySnapshot, eventId, jsonCodec, type PayloadCodec, writerIdFromBytes } from './index.js';
import { adoptedBytesMin, blockBytesMax, depsMax, eventBytesMax } from './limits.js';
import { ReplicatedLog } from './replicated-log.js';
import { view } from './view/index.js';

const now = () => 1_700_000_000_000;
const options = { id: 'tea', writer: ada, now };
const writer = (n: number) => writerIdFromBytes(Uint8Array.of(n, n >> 8, ...new Uint8Array(14)));

test('[L7] a payload of `eventBytesMax` goes in, one byte more leaves the log as it was', () => {
  const log = createGossipLog<string>(options);
  log.append('before');
  const { length } = log.append('x'.repeat(eventBytesMax - 2)).payload;
  expect(length).toBe(eventBytesMax - 2);
  const before = { snapshot: log.snapshot(), version: log.version(), bytes: log.encode() };
  let told = 0;
  log.subscribe(() => told++);
  expect(refusal(() => log.append('x'.repeat(eventBytesMax - 1)))).toBe('event-too-large');
  expect(refusal(() => log.append(1n as unknown as string))).toBe('payload-unencodable');
  expect(log.snapshot()).toBe(before.snapshot);
  expect(log.version()).toEqual(before.version);
  expect(log.encode()).toEqual(before.bytes);
  expect(told).toBe(0);
  expect(log.append('after').seq).toBe(3);
});

test('[L7] a clock at its end refuses, and leaves the log as it was', () => {
  let ms = 2 ** 42;
  const log = createGossipLog<string>({ ...options, now: () => ms });
  expect(refusal(() => log.append('too late'))).toBe('limit-exceeded');
  expect(log.length).toBe(0);
  ms = 5;
  expect(log.append('in time').seq).toBe(1);
});

test('[L6] a closed log says so once, takes nothing more and stays readable', () => {
  const log = createGossipLog<string>(options);
  const event = log.append('kept');
  const bytes = log.encode();
  let told = 0;
  log.subscribe(() => told++);
  log.close();
  log.close();
  expect(refusal(() => log.append('late'))).toBe('log-closed');
  expect(refusal(() => log.merge(bytes))).toBe('log-closed');
  expect([log.snapshot().at(0), log.get(event.id), log.length, told]).toEqual([event, event, 1, 1]);
});

test('a listener that throws stops neither the appender nor the others, and is reported [L6]', () => {
  const heard: string[] = [];
  const log = createGossipLog<string>({ ...options, onListenerError: (error) => heard.push(String(error)) });
  log.subscribe(() => {
    heard.push('first');
    throw new Error('a mistake of the first');
  });
  const unsubscribe = log.subscribe(() => {
    heard.push('second');
  });
  expect(log.append('tea').seq).toBe(1);
  expect(heard).toEqual(['first', 'Error: a mistake of the first', 'second']);
  expect(log.snapshot().map((event) => event.payload)).toEqual(['tea']);
  unsubscribe();
  unsubscribe();
  const other = createGossipLog<string>({ ...options, writer: writer(2) });
  other.append('more');
  expect(log.merge(other.encode()).added).toBe(1);
  expect(heard.slice(3)).toEqual(['first', 'Error: a mistake of the first']);
});

test('what listeners of views throw is reported by the log, all of it [L6]', () => {
  const errors: unknown[] = [];
  const log = createGossipLog<string>({ ...options, onListenerError: (error) => errors.push(error) });
  const all = view(log);
  for (const name of ['first', 'second']) {
    all.subscribe(() => {
      throw new Error(name);
    });
  }
  log.append('tea');
  expect(errors).toEqual([new AggregateError([new Error('first'), new Error('second')], '2 listeners threw')]);
});

test('without another place an error of a listener goes to the platform [L6]', () => {
  const reportError = vi.fn();
  vi.stubGlobal('reportError', reportError);
  onTestFinished(() => void vi.unstubAllGlobals());
  const log = createGossipLog<string>(options);
  const mistake = new Error('a mistake');
  log.subscribe(() => {
    throw mistake;
  });
  log.append('tea');
  expect(reportError).toHaveBeenCalledExactlyOnceWith(mistake);
});

test('a listener must be a function', () => {
  const log = createGossipLog<string>(options);
  for (const subscribe of [log.subscribe.bind(log), view(log).subscribe.bind(view(log))]) {
    expect(() => subscribe(undefined as never)).toThrow(new TypeError('subscribe: expected a function, got undefined'));
  }
});

test('a snapshot cannot be written to [L5]', () => {
  const log = createGossipLog<string>(options);
  log.append('tea');
  const snapshots = [log.snapshot(), view(log).snapshot(), emptySnapshot] as { length: number }[];
  for (const snapshot of snapshots) {
    expect(() => {
      snapshot.length = 3;
    }).toThrow(TypeError);
  }
  expect(snapshots.map(({ length }) => length)).toEqual([1, 1, 0]);
});

test('merge copies what it is given: the caller may use the buffer again [L3]', () => {
  const source = createGossipLog<string>(options);
  source.append('x'.repeat(adoptedBytesMin));
  const log = createGossipLog<string>({ ...options, writer: writer(2) });
  const bytes = source.encode();
  log.merge(bytes);
  bytes.fill(0);
  expect(log.snapshot().at(0)?.payload).toBe('x'.repeat(adoptedBytesMin));
});

test.each([
  ['an ArrayBuffer', (bytes: Uint8Array) => bytes.buffer, 'ArrayBuffer'],
  ['a DataView', (bytes: Uint8Array) => new DataView(bytes.buffer), 'DataView'],
  ['an array', (bytes: Uint8Array) => [...bytes], 'Array'],
  ['a text', (bytes: Uint8Array) => String(bytes), 'String'],
  ['nothing', () => undefined, 'Undefined'],
])('merge refuses %s', (_, change, name) => {
  const source = createGossipLog<string>(options);
  source.append('tea');
  const log = createGossipLog<string>({ ...options, writer: writer(2) });
  expect(() => log.merge(change(source.encode()) as never)).toThrow(
    new TypeError(`merge: expected a Uint8Array, got ${name}`),
  );
  expect(log.length).toBe(0);
});

test('bytes of another log are refused whole, also behind those of this one [G1]', () => {
  const tea = createGossipLog<string>(options);
  const milk = createGossipLog<string>({ ...options, id: 'milk' });
  tea.append('tea');
  milk.append('milk');
  const log = createGossipLog<string>({ ...options, writer: writer(2) });
  const mixed = Uint8Array.of(...tea.encode(), ...milk.encode());
  for (const bytes of [milk.encode(), mixed]) expect(refusal(() => log.merge(bytes))).toBe('descriptor-mismatch');
  const plain = createGossipLog<string>({
    ...options,
    codec: { ...(jsonCodec as PayloadCodec<string>), name: 'plain' },
  });
  plain.append('tea');
  expect(refusal(() => log.merge(plain.encode()))).toBe('descriptor-mismatch');
  const bare = joinBlocks(blocksIn(tea));
  for (const bytes of [bare, Uint8Array.of(...bare, ...tea.encode())]) {
    expect(refusal(() => log.merge(bytes))).toBe('block-invalid');
  }
  expect(refusal(() => log.merge(tea.encode().subarray(0, 7)))).toBe('bytes-truncated');
  expect(log.length).toBe(0);
  expect(log.merge(Uint8Array.of(...tea.encode(), ...tea.encode()))).toMatchObject({ added: 1, duplicates: 1 });
  expect(tea.encode(tea.version())).toEqual(new Uint8Array());
});

test('relation asks for events that are in the log', () => {
  const log = createGossipLog<string>(options);
  const own = log.append('own');
  const later = log.append('later');
  const foreign = createGossipLog<string>({ ...options, writer: writer(2) }).append('foreign');
  const namesake = createGossipLog<string>({ ...options, now: () => now() + 5 }).append('of the same writer');
  for (const [a, b] of [
    [foreign, own],
    [own, foreign],
    [foreign, foreign],
    [own, namesake],
  ] as const) {
    expect(() => log.relation(a, b)).toThrow(RangeError);
  }
  expect(() => log.relation(undefined as never, own)).toThrow(TypeError);
  expect([log.relation(own, later), log.relation(later, own), log.relation(own, own)]).toEqual([
    ...['before', 'after', 'same'],
  ]);
});

test('[L5] a listener subscribed twice is called twice, and one added meanwhile next time', () => {
  const log = createGossipLog<string>(options);
  let calls = 0;
  const listener = () => calls++;
  const [first] = [log.subscribe(listener), log.subscribe(listener)];
  log.append('one');
  expect(calls).toBe(2);
  first?.();
  log.append('two');
  expect(calls).toBe(3);
});

test('[L2] [B4] of a hundred heads the newest are named, the others by the events after', () => {
  const target = createGossipLog<number>(options);
  for (let i = 0; i < 100; i++) {
    const source = createGossipLog<number>({ id: 'tea', writer: writer(i), now: () => now() - 1000 + i });
    source.append(i);
    target.merge(source.encode());
  }
  const others = target.snapshot().slice();
  const first = target.append(100);
  const named = (event: typeof first) => others.filter((other) => target.relation(other, event) === 'before').length;
  expect(named(first)).toBe(depsMax);
  expect(target.relation(others[0] as typeof first, first)).toBe('concurrent');
  expect(target.relation(others.at(-1) as typeof first, first)).toBe('before');
  const second = target.append(101);
  expect(named(second)).toBe(100);

  const copy = createGossipLog<number>({ id: 'tea', writer: writer(999), now });
  copy.merge(target.encode());
  expect(copy.encode()).toEqual(target.encode());
  const [before, after] = [copy.get(first.id), copy.get(second.id)];
  expect(before !== undefined && after !== undefined && copy.relation(before, after)).toBe('before');
});

test('[L1] an event is found by its id; ids of no event, and no ids, are not', () => {
  const log = createGossipLog<string>(options);
  const events = ['a', 'b', 'c'].map((text) => log.append(text));
  for (const event of events) expect(log.get(event.id)).toBe(event);
  expect(log.get(eventId(ada, 4))).toBeUndefined();
  expect(log.get(eventId(writer(9), 1))).toBeUndefined();
  expect(() => log.get('nothing' as typeof events extends { id: infer I }[] ? I : never)).toThrow(TypeError);
});

test('[L7] the largest events go out in blocks that every reader takes', () => {
  const log = createGossipLog<string>(options);
  for (let i = 0; i < 5; i++) log.append('x'.repeat(eventBytesMax - 2));
  const blocks = blocksIn(log);
  expect(blocks).toHaveLength(5);
  for (const block of blocks) expect(block.length).toBeLessThan(blockBytesMax / 2);
  const copy = createGossipLog<string>({ ...options, writer: writer(1) });
  expect(copy.merge(log.encode()).added).toBe(5);
});

test.each([
  ['an empty id', { ...options, id: '' }],
  ['an id of 256 bytes', { ...options, id: 'é'.repeat(128) }],
])('[L7] no log is made with %s', (_, wrong) => {
  expect(() => createGossipLog(wrong)).toThrow(RangeError);
});

test('[L7] no log is made with what is no writer id or no codec', () => {
  expect(() => createGossipLog({ ...options, writer: 'ada' as typeof ada })).toThrow(TypeError);
  const codec = { name: '', encode: () => new Uint8Array(), decode: () => 1 };
  expect(() => createGossipLog({ ...options, codec })).toThrow(TypeError);
});

/** Blocks of one event each, as somebody writes them under the id of `ada` at these milliseconds. */
function branch(name: string, times: readonly number[]): Uint8Array[] {
  let now = 0;
  const log = new ReplicatedLog<string>({ ...options, now: () => now }, { freshWriter: () => writer(8) });
  return times.map((time, i) => {
    now = time;
    log.append(`${name} ${i + 1}`);
    return (log.takeUnflushed()[0] as { block: Uint8Array }).block;
  });
}

function keeping(blocks: readonly Uint8Array[]) {
  const kept = new ReplicatedLog<string>({ ...options, writer: writer(1) }, { freshWriter: () => writer(9) });
  kept.markStored(kept.receive(blocks).entries);
  return kept;
}

const payloads = (log: ReplicatedLog<string>) => log.snapshot().map(({ payload }) => payload);

test('another event under a known number is ignored, and reported once [G4]', () => {
  const first = branch('first', [1_000, 2_000]);
  const second = branch('second', [1_100, 2_100, 2_200]);
  const kept = keeping(first);
  const snapshot = kept.snapshot();
  const ignored = { added: 0, duplicates: 1, parked: 0, missing: [], entries: [] };
  expect(kept.receive([second[0] as Uint8Array])).toMatchObject({ ...ignored, forked: [ada] });
  expect(kept.receive([second[1] as Uint8Array])).toMatchObject({ ...ignored, forked: [] });
  expect(kept.snapshot()).toBe(snapshot);
  // What comes behind is taken: others may refer to it.
  expect(kept.receive([second[2] as Uint8Array])).toMatchObject({ added: 1, forked: [] });
  expect(payloads(kept)).toEqual(['first 1', 'first 2', 'second 3']);
  // The same event again is no other one.
  expect(keeping(first).receive(first)).toMatchObject({ added: 0, duplicates: 2, forked: [] });
});

test('what is behind events of another branch that come too late to be taken does not wait for them [G2, G4]', () => {
  const kept = keeping(branch('first', [3_000]));
  const second = branch('second', [1_000, 1_100, 1_200, 4_000]);
  const bob = new ReplicatedLog<string>(
    { ...options, writer: writer(2), now: () => 5_000 },
    { freshWriter: () => writer(7) },
  );
  bob.receive(second);
  bob.append('an answer to the second branch');
  const answer = bob.takeUnflushed().map(({ block }) => block);
  expect(kept.receive(answer)).toMatchObject({ added: 0, parked: 1 });
  expect(kept.receive(second)).toMatchObject({ added: 2, duplicates: 3, forked: [ada] });
  expect(payloads(kept)).toEqual(['first 1', 'second 4', 'an answer to the second branch']);
  // And so it is read again.
  const again = new ReplicatedLog<string>({ ...options, writer: writer(1) }, { freshWriter: () => writer(9) });
  for (const block of [...branch('first', [3_000]), second[3] as Uint8Array, ...answer]) again.load(block);
  expect(payloads(again)).toEqual(payloads(kept));
});

test('a log whose own id somebody else writes under goes on under another one [G4]', () => {
  const log = new ReplicatedLog<string>(options, { freshWriter: () => writer(8) });
  log.append('mine');
  log.markStored(log.takeUnflushed());
  expect(log.receive(branch('theirs', [1_000]))).toMatchObject({ added: 0, forked: [ada] });
  expect(log.append('mine too')).toMatchObject({ writer: writer(8), seq: 1 });
  expect(log.receive(branch('theirs', [1_000]))).toMatchObject({ forked: [] });
});

test('an id is drawn once, when it is first needed, and never one that the log knows', () => {
  let drawn = 0;
  const freshWriter = () => [ada, ada, writer(5)][drawn++] as typeof ada;
  const log = new ReplicatedLog<string>({ id: options.id, now: options.now }, { freshWriter });
  log.receive(branch('before', [1_000]));
  expect(drawn).toBe(0);
  expect(log.append('one').writer).toBe(writer(5));
  expect(log.append('two')).toMatchObject({ writer: writer(5), seq: 2 });
  expect(drawn).toBe(3);
});

test('a handler of errors that throws stops neither the appender nor the other listeners [L6]', async () => {
  const reported: unknown[] = [];
  vi.stubGlobal('reportError', (error: unknown) => reported.push(error));
  onTestFinished(() => void vi.unstubAllGlobals());
  const onListenerError = () => {
    throw new Error('worse');
  };
  const log = createGossipLog({ id: 'tea', writer: ada, now: () => 1_700_000_000_000, onListenerError });
  let calls = 0;
  log.subscribe(() => {
    throw new Error('bad');
  });
  log.subscribe(() => calls++);
  expect(log.append('x').seq).toBe(1);
  expect([calls, reported]).toEqual([1, [new Error('worse')]]);
});

test('encode takes a version, and says what is none: one that went through JSON would send everything', () => {
  const log = createGossipLog({ id: 'tea', writer: ada, now: () => 1_700_000_000_000 });
  log.append('x');
  for (const none of [JSON.parse(JSON.stringify(log.version())), null, 'x', [], [[ada, 1]]]) {
    expect(() => log.encode(none as never)).toThrow(/^encode: expected a version, as version\(\) gives it, got /);
  }
  for (const none of ['1', Number.NaN, -1, 1.5]) {
    expect(() => log.encode(new Map([[ada, none as number]]))).toThrow(RangeError);
  }
  expect(log.encode(log.version())).toHaveLength(0);
});
