import { expect, test, vi } from 'vitest';
import { numberedId, PackedNode } from '../../test/packed-node.js';
import { readNow } from '../../test/read-now.js';
import {
  ada,
  baseTime,
  blockOf,
  blocksIn,
  bob,
  erasedBy,
  eve,
  exported,
  type Row,
  redactionOf,
  refusal,
} from '../../test/sample-blocks.js';
import { createGossipLog, type EventId, eventId, type GossipLog, type LogEvent, type WriterId } from '../index.js';
import { OrderedLog } from './ordered-log.js';

let clock = 1_800_000_000_000;
const now = () => clock++;
const logOf = (writer: WriterId) => createGossipLog<string>({ id: 'tea', writer, now });

const textOf = (bytes: Uint8Array) => new TextDecoder('utf-8').decode(bytes);

/** What readers see. */
const seen = (log: Pick<GossipLog<string>, 'snapshot'>) =>
  log.snapshot().map(({ payload, redacted }) => redacted?.id ?? payload);

/** Ada's three events, of which Bob and Eve redact the second; as blocks and erased rows. */
const rows = [1, 2, 3].map((seq): Row => ({ writer: ada, seq, time: baseTime + seq * 10, payload: `"${seq}"` }));
const target = rows[1] as Row;
const deps = [{ writer: ada, seq: 3, time: baseTime + 30 }];
const byBob = redactionOf(target, { writer: bob, seq: 1, deps });
const byEve = redactionOf(target, { writer: eve, seq: 1, deps }, { age: 5_000 });
const whole = blockOf(rows);
const alone = blockOf([{ ...target, before: baseTime + 10 }]);
const erased = blockOf([{ ...erasedBy(target, byBob), before: baseTime + 10 }]);

test('an event that is redacted keeps its place and loses its payload; the other events are the same objects [G8, L5]', () => {
  const log = logOf(ada);
  const events = ['a', 'secret', 'c'].map((payload) => log.append(payload));
  const [first, second, third] = events as [LogEvent<string>, LogEvent<string>, LogEvent<string>];
  const before = log.snapshot();
  before.slice();
  let told = 0;
  log.subscribe(() => {
    told++;
  });
  const id = log.redact(second.id);
  expect(id).toBe(eventId(ada, 4));
  expect(told).toBe(1);

  const after = log.snapshot();
  expect(after).not.toBe(before);
  const erased = after.at(1) as LogEvent<string>;
  expect([after.at(0), after.at(2)]).toEqual([first, third]);
  expect(after.at(0)).toBe(first);
  expect(after.at(2)).toBe(third);
  expect(erased).not.toBe(second);
  expect(log.get(second.id)).toBe(erased);
  const { writer, seq, timestamp, clock: time } = second;
  expect(erased).toMatchObject({
    id: second.id,
    writer,
    seq,
    timestamp,
    clock: time,
    payload: undefined,
    error: undefined,
  });
  expect(erased.redacted).toEqual({ id, writer: ada, timestamp: clock - 1 });
  expect(Object.isFrozen(erased.redacted)).toBe(true);
  expect(erased.redacted).toBe(erased.redacted);
  expect(first.redacted).toBeUndefined();
  // It stands where its former object stood.
  expect([after.indexOf(erased), after.indexOf(second), before.indexOf(erased)]).toEqual([1, 1, 1]);
  // What was handed out stays what it was.
  expect([second.payload, before.at(1)]).toEqual(['secret', second]);
  expect(textOf(log.encode())).not.toContain('secret');
});

test('redacting again gives the redaction that stands and appends nothing [G8]', () => {
  const log = logOf(ada);
  const { id } = log.append('secret');
  const redaction = log.redact(id, { now: true });
  const version = log.version();
  expect(log.redact(id)).toBe(redaction);
  expect(log.version()).toEqual(version);
});

test('what is no event here is not redacted, nor is a redaction', () => {
  const log = logOf(ada);
  const redaction = log.redact(log.append('secret').id);
  expect(refusal(() => log.redact(redaction))).toBe('not-redactable');
  expect(refusal(() => log.redact(eventId(ada, 9)))).toBe('unknown-event');
  expect(refusal(() => log.redact(eventId(bob, 1)))).toBe('unknown-event');
  for (const wrong of ['', 'tea', undefined, 7]) expect(() => log.redact(wrong as EventId)).toThrow(TypeError);
  log.close();
  expect(refusal(() => log.redact(eventId(ada, 1)))).toBe('log-closed');
});

/** Every order of these blocks, one after another, and each order with every block twice. */
function orders<V>(items: readonly V[]): V[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, at) => orders(items.toSpliced(at, 1)).map((rest) => [item, ...rest]));
}

test('in whatever order events, redactions and erased rows come, the log and its bytes are the same [G8, G9, L1, L3]', () => {
  const alone = rows.map((row) => blockOf([{ ...row, ...(row.seq > 1 ? { before: row.time - 10 } : {}) }]));
  const erased = (by: Row) => blockOf([{ ...erasedBy(target, by), before: baseTime + 10 }]);
  const sets = [
    [...alone, blockOf([byBob]), blockOf([byEve])],
    [...alone, erased(byBob), blockOf([byEve]), blockOf([byBob])],
    [alone[0], erased(byEve), alone[2], blockOf([byBob, byEve])],
    [whole, erased(byBob), erased(byEve), blockOf([byEve]), blockOf([byBob])],
  ] as Uint8Array[][];
  const expected = logOf(numberedId(1));
  expected.merge(exported([whole, blockOf([byBob, byEve])]));
  const bytes = expected.encode();
  expect(seen(expected).slice(0, 3)).toEqual(['1', eventId(bob, 1), '3']);
  for (const blocks of sets) {
    for (const order of orders(blocks)) {
      const log = logOf(numberedId(2));
      for (const block of order) log.merge(exported([block]));
      expect(log.encode()).toEqual(bytes);
      const together = logOf(numberedId(3));
      together.merge(exported(order));
      expect(together.encode()).toEqual(bytes);
    }
  }
});

test('an event and its redaction may come in one block, or in one batch [G8]', () => {
  for (const blocks of [[blockOf([...rows, byBob])], [whole, blockOf([byBob])]]) {
    const log = logOf(numberedId(1));
    log.merge(exported(blocks));
    expect(seen(log).slice(0, 3)).toEqual(['1', eventId(bob, 1), '3']);
  }
});

test('a redaction of another event under that number, or of a redaction, erases nothing [G8]', () => {
  const log = logOf(numberedId(1));
  const other = redactionOf({ ...target, time: target.time + 1 }, { writer: bob, seq: 1, deps });
  const ofBobs = redactionOf(other, { writer: eve, seq: 1 });
  log.merge(exported([whole, blockOf([other]), blockOf([ofBobs])]));
  expect(seen(log).slice(0, 3)).toEqual(['1', '2', '3']);
  // Nor does it keep the right one from its target.
  log.merge(exported([blockOf([redactionOf(target, { writer: numberedId(7), seq: 1 })])]));
  expect(seen(log).slice(0, 3)).toEqual(['1', eventId(numberedId(7), 1), '3']);
});

test('events around an erased row are the same objects, in a log of many chunks too [L5]', () => {
  const log = logOf(ada);
  const events = Array.from({ length: 3_000 }, (_, i) => log.append(`${i}`));
  const before = log.snapshot();
  for (const at of [0, 1_024, 1_500, 2_999]) log.redact((events[at] as LogEvent).id);
  const after = log.snapshot();
  events.forEach((event, i) => {
    const isErased = [0, 1_024, 1_500, 2_999].includes(i);
    expect(after.at(i) === event).toBe(!isErased);
    expect(after.at(i)?.redacted === undefined).toBe(!isErased);
    expect(before.at(i)).toBe(event);
  });
});

/** A node with all of Ada's events stored, and Bob's redaction merged but not stored yet. */
function unstored() {
  const node = new PackedNode(numberedId(1));
  node.receive([whole]);
  node.store();
  return node;
}

const toPeer = (node: PackedNode) => {
  const lacks = new Map(node.log.storedVersion());
  for (const writer of lacks.keys()) lacks.set(writer, 0);
  const query = { lacks: new Map([...lacks].map(([writer]) => [writer, { seq: 0, time: 0 }])), bytesMax: 1e6 };
  const step = node.log.read({ ...query, upTo: Number.MAX_SAFE_INTEGER }).next();
  if (!step.done) throw new Error('all is in memory');
  return step.value.entries.map(({ block }) => textOf(block)).join('');
};

test('readers see an event redacted at once, peers once the redaction is stored [G10]', () => {
  const node = unstored();
  node.receive([blockOf([byBob])]);
  expect(seen(node.log).slice(0, 3)).toEqual(['1', eventId(bob, 1), '3']);
  expect(toPeer(node)).toContain('"2"');
  node.store();
  expect(toPeer(node)).not.toContain('"2"');
});

/** Where the redacted event lies when its redactions come. */
const places: readonly [string, (node: PackedNode) => void][] = [
  ['in the journal', () => {}],
  ['packed and in memory', (node) => node.pack(false)],
  [
    'packed',
    (node) => {
      node.pack(false);
      node.log.trim(Number.POSITIVE_INFINITY);
    },
  ],
];

const sentTo = (node: PackedNode) => {
  const lacks = new Map([...node.log.storedVersion().keys()].map((writer) => [writer, { seq: 0, time: 0 }]));
  const query = { lacks, bytesMax: 1e6, upTo: Number.MAX_SAFE_INTEGER };
  return readNow(node.log.read(query), node.chunks)
    .entries.map(({ block }) => textOf(block))
    .join('');
};

test.each(places)(
  'of an event %s that a stored redaction names nothing brings the payload back while an earlier one is not stored [G10, Q5]',
  (_, put) => {
    const node = unstored();
    put(node);
    node.receive([blockOf([byEve])]);
    node.store();
    node.receive([blockOf([byBob])]);
    expect(sentTo(node)).not.toContain('"2"');
    node.load(Number.POSITIVE_INFINITY);
    expect(seen(node.log).slice(0, 3)).toEqual(['1', eventId(bob, 1), '3']);
    expect(sentTo(node)).not.toContain('"2"');
    // The redaction that is stored is packed, the other one lost in a crash.
    node.pack(false);
    node.restart();
    expect(sentTo(node)).not.toContain('"2"');
    node.load(Number.POSITIVE_INFINITY);
    expect(seen(node.log).slice(0, 3)).toEqual(['1', eventId(eve, 1), '3']);
    node.receive([blockOf([byBob])]);
    node.store();
    for (let i = 0; i < 4; i++) node.pack(false);
    expect(node.disk.map(textOf).join('')).not.toContain('"2"');
    node.restart();
    node.load(Number.POSITIVE_INFINITY);
    expect(seen(node.log).slice(0, 3)).toEqual(['1', eventId(bob, 1), '3']);
  },
);

test.each(places)(
  'of an event %s peers see no payload once one of two redactions that came together is stored [G10]',
  (_, put) => {
    const node = unstored();
    put(node);
    const first = node.log.receive([blockOf([byEve])]);
    const second = node.log.receive([blockOf([byBob])]);
    expect(sentTo(node)).toContain('"2"');
    node.log.markStored(first.entries);
    expect(sentTo(node)).not.toContain('"2"');
    node.load(Number.POSITIVE_INFINITY);
    expect(sentTo(node)).not.toContain('"2"');
    node.log.markStored(second.entries);
    expect(sentTo(node)).not.toContain('"2"');
    expect(seen(node.log).slice(0, 3)).toEqual(['1', eventId(bob, 1), '3']);
  },
);

test('an own redaction that a crash loses was not told to peers [G10]', () => {
  const node = unstored();
  node.log.redact(eventId(ada, 2));
  expect(toPeer(node)).toContain('"2"');
  node.restart();
  expect(seen(node.log)).toEqual(['1', '2', '3']);
  node.log.redact(eventId(ada, 2));
  node.store();
  expect(toPeer(node)).not.toContain('"2"');
  node.restart();
  expect(seen(node.log)[1]).toBe(eventId(node.log.get(eventId(ada, 2))?.redacted?.writer as WriterId, 1));
});

test('an own event that is redacted before it is stored never reaches the disk [G8]', () => {
  const node = new PackedNode(numberedId(1));
  const { id } = node.log.append('secret');
  node.log.append('tea');
  node.log.redact(id);
  const [entry] = node.log.takeUnflushed();
  expect(textOf(entry?.block as Uint8Array)).not.toContain('secret');
  const other = logOf(numberedId(2));
  other.merge(exported([entry?.block as Uint8Array]));
  expect(seen(other).slice(0, 2)).toEqual([eventId(numberedId(1), 3), 'tea']);
});

test('an erased row of a known event is stored, so that it survives a restart without its redaction [G9]', () => {
  const node = unstored();
  node.receive([blockOf([{ ...erasedBy(target, byBob), before: baseTime + 10 }])]);
  expect(seen(node.log)).toEqual(['1', eventId(bob, 1), '3']);
  expect(toPeer(node)).toContain('"2"');
  node.store();
  expect(toPeer(node)).not.toContain('"2"');
  node.restart();
  expect(seen(node.log)).toEqual(['1', eventId(bob, 1), '3']);
  // It is no news any more, and nobody writes under Ada's id but her.
  const erased = blockOf([{ ...erasedBy(target, byBob), before: baseTime + 10 }]);
  expect(node.log.receive([erased, whole])).toMatchObject({ entries: [], forked: [], duplicates: 4 });
});

test('blocks of a log with redactions are read by another one as they are [L1]', () => {
  const log = logOf(numberedId(1));
  log.merge(exported([whole, blockOf([byBob, byEve])]));
  const other = logOf(numberedId(2));
  for (const block of blocksIn(log).reverse()) other.merge(exported([block]));
  expect(other.encode()).toEqual(log.encode());
});

test('a redaction that comes before its target, as below an edge, erases it when it comes, also after a restart [G8, K2]', () => {
  for (const restarts of [false, true]) {
    const node = new PackedNode(numberedId(1));
    node.log.resumeEdges({ wanted: baseTime + 25, complete: baseTime + 25 });
    const later = { ...(rows[2] as Row), before: baseTime + 20 };
    node.receive([blockOf([later, byBob])]);
    node.store();
    expect(seen(node.log)).toEqual(['3']);
    if (restarts) node.restart();
    node.receive([blockOf([{ ...target, before: baseTime + 10 }])]);
    expect(seen(node.log)).toEqual([eventId(bob, 1), '3']);
    expect(node.log.get(eventId(ada, 2))?.payload).toBeUndefined();
    node.store();
    node.restart();
    expect(seen(node.log)).toEqual([eventId(bob, 1), '3']);
    expect(toPeer(node)).not.toContain('"2"');
  }
});

/** So many rows that decoding makes typed arrays of them, which a log takes over. */
const earlier = Array.from({ length: 100 }, (_, i): Row => {
  const at = (place: number) => baseTime - 1_000 + place;
  return {
    writer: numberedId(50 + (i % 2)),
    seq: (i >> 1) + 1,
    time: at(i),
    before: i < 2 ? 0 : at(i - 2),
    payload: '""',
  };
});

test.each<[string, readonly Uint8Array[]]>([
  ['a block of it alone', [blockOf([{ ...target, before: baseTime + 10 }])]],
  ['a block that is new as a whole', [blockOf(rows.slice(0, 2))]],
  ['a large one', [blockOf([...earlier, { ...target, before: baseTime + 10 }])]],
  ['a block with others', [whole]],
  ['a block of which some is known', [blockOf([rows[0] as Row]), whole]],
])(
  'what a known redaction erases is stored and passed on erased, though it came with its payload: %s [G8]',
  (_, blocks) => {
    const node = new PackedNode(numberedId(1));
    // The event lies below the edge, and comes after its redaction, in a block that numbers writers in another way than the log.
    node.receive([blockOf([{ writer: eve, seq: 1, time: baseTime + 28, payload: '"e"' }])]);
    node.log.resumeEdges({ wanted: baseTime + 25, complete: baseTime + 25 });
    node.receive([blockOf([{ ...(rows[2] as Row), before: baseTime + 20 }, byBob])]);
    node.store();
    const entries = blocks.flatMap((block) => node.log.receive([block]).entries);
    expect(seen(node.log)).toContain(eventId(bob, 1));
    expect(entries.flatMap(({ runs }) => runs).some(({ first, last }) => first <= 2 && last >= 2)).toBe(true);
    expect(entries.map(({ block }) => textOf(block)).join()).not.toContain('"2"');
  },
);

test.each<[string, (node: PackedNode) => readonly Uint8Array[]]>([
  [
    'below an edge',
    (node) => {
      node.log.resumeEdges({ wanted: baseTime + 25, complete: baseTime + 25 });
      return [blockOf([{ ...(rows[2] as Row), before: baseTime + 20 }, byBob]), whole];
    },
  ],
  [
    'when what it waited for has come',
    () => [
      blockOf([{ ...target, before: baseTime + 10 }]),
      blockOf([redactionOf(target, { writer: bob, seq: 1 })]),
      blockOf([rows[0] as Row]),
    ],
  ],
  [
    'in the place of one that was lost',
    (node) => {
      node.receive([blockOf([rows[0] as Row])]);
      const insert = vi.spyOn(OrderedLog.prototype, 'insert').mockImplementationOnce(() => undefined);
      node.receive([blockOf([{ ...target, before: baseTime + 10 }])]);
      insert.mockRestore();
      node.receive([blockOf([{ ...(rows[2] as Row), before: baseTime + 20 }])]);
      return [blockOf([byBob]), blockOf([{ ...target, before: baseTime + 10 }])];
    },
  ],
])('an event that comes after its redaction, which is not stored yet, shows redacted: %s [G8, G10]', (_, prepare) => {
  const node = new PackedNode(numberedId(1));
  node.receive(prepare(node));
  expect(seen(node.log)).toContain(eventId(bob, 1));
  expect(seen(node.log)).not.toContain('2');
  node.store();
  expect(seen(node.log)).not.toContain('2');
  expect(toPeer(node)).not.toContain('"2"');
  node.restart();
  expect(seen(node.log)).not.toContain('2');
});

test.each<[string, readonly Uint8Array[]]>([
  ['after it', [blockOf([rows[0] as Row]), alone, erased]],
  ['before it', [blockOf([rows[0] as Row]), erased, alone]],
  ['after it, and both wait for the event before', [alone, erased, blockOf([rows[0] as Row])]],
  ['before it, and both wait for the event before', [erased, alone, blockOf([rows[0] as Row])]],
])('a payload in a journal that has the erased row, too, is known to be left there: %s [G9, Q5]', (_, journal) => {
  const node = new PackedNode(numberedId(1));
  for (const block of journal) node.log.load(block);
  node.log.loaded();
  expect(seen(node.log)).toEqual(['1', eventId(bob, 1)]);
  expect(node.log.erasures.all).toBeGreaterThan(0);
});

test('an erased row takes the place of one that waits in the causal buffer [G9, L3]', () => {
  const log = logOf(numberedId(1));
  log.merge(exported([blockOf([{ ...target, before: baseTime + 10 }])]));
  log.merge(exported([blockOf([{ ...erasedBy(target, byEve), before: baseTime + 10 }])]));
  log.merge(exported([blockOf([{ ...erasedBy(target, byBob), before: baseTime + 10 }])]));
  log.merge(exported([blockOf([{ ...erasedBy(target, byEve), before: baseTime + 10 }])]));
  expect(log.length).toBe(0);
  expect(log.merge(exported([blockOf([rows[0] as Row])])).added).toBe(2);
  expect(seen(log)).toEqual(['1', eventId(bob, 1)]);
});

test('a redaction of what is not here changes no snapshot and calls no listener [L5]', () => {
  const log = logOf(numberedId(1));
  log.merge(exported([whole]));
  const before = log.snapshot();
  let calls = 0;
  log.subscribe(() => {
    calls++;
  });
  const elsewhere: Row = { writer: numberedId(8), seq: 4, time: baseTime, payload: '' };
  expect(log.merge(exported([blockOf([redactionOf(elsewhere, { writer: bob, seq: 1 })])])).added).toBe(1);
  expect([log.snapshot(), calls, log.length]).toEqual([before, 0, 3]);
  expect(log.snapshot()).toBe(before);
  expect(log.version().get(bob)).toBe(1);
});

test('the last so many events, and how many there are from a time on, are those that show, in memory or not', () => {
  const node = new PackedNode(numberedId(1));
  const ids: EventId[] = [];
  for (let i = 0; i < 3_000; i++) {
    node.now++;
    const { id } = node.log.append(`${i}`);
    ids.push(id);
    if (i % 3 === 0) node.log.redact(id);
  }
  node.store();
  const shown = node.log.snapshot().slice();
  const check = () => {
    for (const count of [1, 10, 1_000, 2_999]) {
      const from = readNow(node.log.startOfLast(count), node.chunks);
      expect(from).toBe(shown.at(-count)?.clock);
      expect(node.log.lengthFrom(from) - count).toBeGreaterThanOrEqual(0);
    }
    expect(node.log.lengthFrom(0)).toBe(3_000);
  };
  check();
  for (let step = 0; step < 4; step++) node.pack(false);
  node.log.trim(shown.at(-100)?.clock as number);
  expect(node.log.length).toBeLessThan(2_000);
  check();
  node.restart();
  check();
  node.load(2_000);
  expect(node.log.length).toBeGreaterThanOrEqual(2_000);
  expect(node.log.snapshot().at(-2_000)?.id).toBe(ids.at(-2_000));
});
