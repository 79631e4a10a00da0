/**
 * A log that is packed, cooled, warmed and started anew at random tells the same as one that holds everything: rules Q1
 * to Q4, at chunks of a few rows.
 */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { numberedId as id, PackedNode } from '../../test/packed-node.js';
import { readNow } from '../../test/read-now.js';
import { rowsOf } from '../../test/sample-blocks.js';
import { decodeBlock } from '../codec/block.js';
import { horizon } from '../hybrid-logical-clock.js';
import { type EventId, eventId, type WriterId } from '../ids.js';
import { endOfTime, isQuestion, type Range } from '../range.js';
import { type KnownEvent, type LogEntry, ReplicatedLog } from '../sync/index.js';
import type { Snapshot } from './snapshot.js';

vi.mock('../limits.js', async (original) => ({
  ...(await original<typeof import('../limits.js')>()),
  ...{
    chunkRowsMax: 8,
    packedChunkBytesTarget: 512,
    packedChunksMax: 7,
    listedPackedMax: 4,
    pageWritersMax: 2,
    coldRowsAtOnceMax: 16,
  },
  ...{ adoptedBytesMin: 100, listedWritersMax: 3, listedRowsMax: 6, ladderRowsMin: 4, spanParts: 4 },
}));

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ op: fc.constant('write' as const), who: fc.nat(4), count: fc.integer({ min: 1, max: 9 }) }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('own' as const), count: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('deliver' as const), who: fc.nat(4) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('store' as const) }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('pack' as const), isLost: fc.boolean(), meanwhile: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('trim' as const), keep: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('load' as const), length: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('restart' as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('repack' as const), steps: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('look' as const) }) },
);

function ids(log: ReplicatedLog<string>): EventId[] {
  return log.snapshot().map(({ id: event }) => event);
}

function everythingOf(log: ReplicatedLog<string>): Map<WriterId, KnownEvent> {
  return new Map([...log.version().keys()].map((writer) => [writer, { seq: 0, time: 0 }]));
}

/** What the other one has last of each writer of which it lacks something, by version vectors. */
function firstLacking(here: PackedNode, there: PackedNode): Map<WriterId, number> {
  const has = there.log.version();
  return new Map(
    [...here.log.version()].flatMap(([writer, last]) => {
      const known = has.get(writer) ?? 0;
      return last > known ? [[writer, known] as const] : [];
    }),
  );
}

/** A whole comparison: for either node, what it found that the other lacks. */
function compareNodes(left: PackedNode, right: PackedNode): Map<PackedNode, Map<WriterId, number>> {
  const found = new Map([left, right].map((node) => [node, new Map<WriterId, number>()]));
  let turn: readonly Range[] = readNow(left.log.describe(), left.chunks);
  let [here, there] = [right, left];
  for (let turns = 0; ; turns++) {
    if (turns > 40) throw new Error('the comparison does not end');
    const { lacks, reply } = readNow(here.log.compare(turn, 7), here.chunks);
    const noted = found.get(here) as Map<WriterId, number>;
    for (const [writer, { seq }] of lacks) noted.set(writer, Math.min(seq, noted.get(writer) ?? seq));
    if (!turn.some(isQuestion)) return found;
    turn = reply;
    [here, there] = [there, here];
  }
}

function eventsOf(entries: readonly LogEntry[]): string[] {
  return entries.flatMap(({ block }) => {
    const { writer, writers, seq } = decodeBlock(block);
    return Array.from(seq, (number, row) => `${writers[writer[row] as number]} ${number}`);
  });
}

test('[B6] what a step leaves, and memory has given back meanwhile, keeps the time of the event before it', () => {
  const node = new PackedNode(id(0));
  const [first, late, other] = [1, 2, 3].map((n) => {
    return new ReplicatedLog<string>({ id: 'tea', writer: id(n), now: () => node.now }, { freshWriter: () => id(99) });
  }) as [ReplicatedLog<string>, ReplicatedLog<string>, ReplicatedLog<string>];
  const deliver = (writer: ReplicatedLog<string>) => {
    node.receive(writer.takeUnflushed().map(({ block }) => block));
    node.store();
  };
  for (let i = 0; i < 28; i++) {
    node.now++;
    (i < 16 || i >= 25 ? late : other).append(`${i}`);
  }
  node.now += 1_000;
  first.append('first');
  deliver(first);
  node.pack(false);
  deliver(late);
  deliver(other);
  node.pack(false, () => node.log.trim(endOfTime));
  const query = { lacks: everythingOf(node.log), bytesMax: Number.POSITIVE_INFINITY, upTo: endOfTime };
  const rows = readNow(node.log.read(query), node.chunks).entries.flatMap(({ block }) => rowsOf(block));
  const told = rows.filter(({ before }) => before !== undefined);
  expect(told.at(-1)).toMatchObject({ writer: late.writer, seq: 17 });
  for (const { writer, seq, before } of told) {
    const author = writer === late.writer ? late : other;
    expect(before).toBe(author.get(eventId(writer, seq - 1))?.clock);
  }
});

test('[Q1] [Q2] [Q3] [Q4] [B6] [L1] packed or not, cold or not, after any crash: a log tells the same', () => {
  const reached = { cold: 0, late: 0, read: 0, anew: 0 };
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), fc.nat(), (steps, seed) => {
      const node = new PackedNode(id(0));
      // What is written elsewhere, in rooms that hear of the node's events late.
      const writers = [1, 2, 3, 4, 5].map(
        (n) =>
          new ReplicatedLog<string>(
            { id: 'tea', writer: id(n), now: () => node.now - n * 40 },
            { freshWriter: () => id(99) },
          ),
      );
      /** Taken, and read only at the end. */
      const looks: Snapshot<string>[] = [];
      for (const action of steps) {
        node.now += 7;
        switch (action.op) {
          case 'write': {
            const writer = writers[action.who] as ReplicatedLog<string>;
            for (let i = 0; i < action.count; i++) {
              node.now++;
              writer.append(`${action.who} ${i} ${'x'.repeat((seed + i * 7) % 60)}`);
            }
            break;
          }
          case 'own':
            for (let i = 0; i < action.count; i++) node.log.append(`own ${i}`);
            break;
          case 'deliver': {
            const writer = writers[action.who] as ReplicatedLog<string>;
            const before = node.log.olderLength;
            for (const block of writer.takeUnflushed()) node.receive([block.block]);
            if ((seed + action.who) % 2 === 0) writer.merge(node.log.encode(writer.version()));
            if (node.log.olderLength > before) reached.late++;
            break;
          }
          case 'store':
            node.store();
            break;
          case 'pack':
            node.pack(action.isLost, () => {
              if (action.meanwhile === 0) node.log.trim(endOfTime);
              if (action.meanwhile === 1) node.load(node.log.length + 5);
            });
            break;
          case 'trim':
            node.log.trim(node.log.snapshot().at(-action.keep)?.clock ?? endOfTime);
            break;
          case 'load':
            node.load(action.length);
            break;
          case 'restart':
            node.store();
            node.restart();
            reached.anew++;
            break;
          case 'repack':
            // The manifest is lost, and a crash ends what packs all anew.
            node.store();
            node.manifest = undefined;
            node.restart();
            for (let i = 0; i < action.steps; i++) node.pack(false);
            node.restart();
            break;
          case 'look':
            looks.push(node.log.snapshot());
            break;
        }
        if (node.log.hasOlder) reached.cold++;
      }
      node.store();

      node.readWriters();

      // The same events in a log that holds all.
      const whole = new PackedNode(id(50));
      const everything = readNow(
        node.log.read({
          lacks: everythingOf(node.log),
          ...{ bytesMax: Number.POSITIVE_INFINITY, upTo: endOfTime },
        }),
        node.chunks,
      );
      whole.receive(everything.entries.map(({ block }) => block));
      whole.store();
      node.readWriters();
      expect(whole.log.version()).toEqual(node.log.version());

      // What a snapshot showed it shows, whatever the log let go of since. Own events may have been lost in a restart.
      for (const { id: event, payload } of looks.flatMap((look) => look.slice())) {
        expect(whole.log.get(event)?.payload ?? payload).toBe(payload);
        expect(payload).toMatch(/^(own|\d)/);
      }

      // What is resident is the end of it.
      const all = ids(whole.log);
      expect(ids(node.log)).toEqual(all.slice(all.length - node.log.length));
      expect(node.log.olderLength + node.log.length).toBe(all.length);

      // Both say the same of every part, and find that nothing differs.
      const turn = readNow(whole.log.describe(), node.chunks);
      const compared = readNow(node.log.compare(turn, 5), node.chunks);
      expect(compared.lacks.size).toBe(0);
      const answer = readNow(whole.log.compare(compared.reply, 5), node.chunks);
      expect(answer.lacks.size).toBe(0);

      // A peer that has a part of it, and something of its own, finds out what each lacks.
      const peer = new PackedNode(id(60));
      const cut = all.length === 0 ? 0 : (whole.log.snapshot().at(seed % all.length)?.clock as number);
      const known = { ...{ bytesMax: Number.POSITIVE_INFINITY, upTo: cut }, lacks: everythingOf(node.log) };
      peer.receive(readNow(node.log.read(known), node.chunks).entries.map(({ block }) => block));
      for (let i = 0; i < seed % 5; i++) peer.log.append(`peer ${i}`);
      peer.store();
      for (let i = 0; i < 3; i++) peer.pack(false);
      peer.log.trim(seed % 3 === 0 ? 0 : endOfTime);
      for (const [left, right] of [
        [node, peer],
        [peer, node],
      ] as const) {
        const found = compareNodes(left, right);
        expect(found.get(left)).toEqual(firstLacking(left, right));
        expect(found.get(right)).toEqual(firstLacking(right, left));
      }

      // A peer that has a part of it is given the rest.
      const lacks = new Map(
        [...node.log.version()].flatMap(([writer, last], i) => {
          const seq = (seed >> i) % (last + 2);
          const event = seq === 0 ? undefined : whole.log.get(eventId(writer, seq));
          return seq <= last ? [[writer, { seq, time: event?.clock ?? 0 }] as const] : [];
        }),
      );
      const query = { lacks, bytesMax: Number.POSITIVE_INFINITY, upTo: endOfTime };
      const rest = eventsOf(readNow(whole.log.read(query)).entries);
      const { entries } = readNow(node.log.read(query), node.chunks);
      expect(eventsOf(entries)).toEqual(rest);
      // With when each writer's event before was.
      for (const { writer, seq, before } of entries.flatMap(({ block }) => rowsOf(block))) {
        if (before !== undefined) expect(before).toBe(whole.log.get(eventId(writer, seq - 1))?.clock);
      }
      if (rest.length > 20 && node.log.hasOlder) reached.read++;
      const part = readNow(node.log.read({ ...query, bytesMax: 300 + (seed % 4_000) }), node.chunks);
      expect(eventsOf(part.entries)).toEqual(rest.slice(0, eventsOf(part.entries).length));
      if (!part.more) expect(eventsOf(part.entries).length).toBe(rest.length);

      // At last it is all there again, in order, and nothing stands twice.
      node.restart();
      node.readWriters();
      expect(node.log.version()).toEqual(whole.log.version());
      node.load(Number.POSITIVE_INFINITY);
      expect(node.log.hasOlder).toBe(false);
      expect(ids(node.log)).toEqual(all);
      expect(node.log.snapshot().map(({ payload }) => payload)).toEqual(
        whole.log.snapshot().map(({ payload }) => payload),
      );

      // Packed to the end, the journal is not needed.
      for (let i = 0; i < 100; i++) node.pack(false);
      expect(node.onDisk).toBe(0);
      node.restart();
      node.readWriters();
      expect(node.log.version()).toEqual(whole.log.version());
      expect(node.log.olderLength).toBe(all.length);
      for (const kept of node.chunks.values()) expect(kept.length).toBeGreaterThan(0);
    }),
    { numRuns: 600 },
  );
  expect(Math.min(reached.cold, reached.late, reached.read, reached.anew)).toBeGreaterThan(10);
});

test.each<[string, (node: PackedNode, upTo: number) => unknown]>([
  ['is in memory', () => undefined],
  ['is on disk alone', (node, upTo) => node.log.trim(upTo)],
  [
    'was let go of',
    (node, upTo) => {
      node.log.want(upTo);
      node.log.raise(upTo);
      return readNow(node.log.drop(upTo), node.chunks);
    },
  ],
])('a log goes on that is ahead of the clock, where its newest event %s [S13]', (_, leave) => {
  const node = new PackedNode(id(1));
  const right = node.now;
  node.now = right + 3 * 86_400_000;
  const before = node.log.append('ahead');
  const ahead = node.log.writer;
  node.store();
  node.pack(false);
  node.now = right;
  leave(node, before.clock + 1);

  const { clock } = node.log.append('follows');
  node.store();
  expect(node.log.horizon).toBeGreaterThanOrEqual(clock);
  // A peer that has all but the last event.
  const lacks = new Map([[ahead, { seq: 1, time: before.clock }]]);
  const read = node.log.read({ lacks, bytesMax: 1_000, upTo: horizon(right) });
  expect(readNow(read, node.chunks)).toMatchObject({ entries: [{}], heldTime: undefined });
});
