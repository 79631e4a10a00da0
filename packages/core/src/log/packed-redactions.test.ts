/**
 * Events of a log that is packed, cooled, warmed, crashed and started anew at random are redacted: nothing brings a payload
 * back, and packing takes it from the disk. At chunks of a few rows.
 */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { numberedId as id, PackedNode } from '../../test/packed-node.js';
import { readNow } from '../../test/read-now.js';
import { type EventId, parseEventId, type WriterId } from '../ids.js';
import type { KnownEvent, ReplicatedLog } from '../sync/index.js';

vi.mock('../limits.js', async (original) => ({
  ...(await original<typeof import('../limits.js')>()),
  ...{
    chunkRowsMax: 8,
    packedChunkBytesTarget: 512,
    packedChunksMax: 7,
    listedPackedMax: 4,
    pageWritersMax: 2,
    adoptedBytesMin: 100,
  },
}));

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ op: fc.constant('write' as const), who: fc.nat(2), count: fc.integer({ min: 1, max: 9 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('redact' as const),
      who: fc.nat(2),
      nth: fc.nat(200),
      twice: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('deliver' as const), who: fc.nat(2), after: fc.nat(60) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('store' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('pack' as const),
      isLost: fc.boolean(),
      meanwhile: fc.nat(4),
      stores: fc.boolean(),
    }),
  },
  { weight: 6, arbitrary: fc.record({ op: fc.constant('trim' as const), keep: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('load' as const), length: fc.nat(60) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('restart' as const), loses: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('damage' as const), nth: fc.nat(20) }) },
);

function everythingOf(log: ReplicatedLog<string>): Map<WriterId, KnownEvent> {
  return new Map([...log.version().keys()].map((writer) => [writer, { seq: 0, time: 0 }]));
}

function holds(log: ReplicatedLog<string>, event: EventId): boolean {
  const { writer, seq } = parseEventId(event);
  return seq <= (log.version().get(writer) ?? 0);
}

function isStored(log: ReplicatedLog<string>, event: EventId): boolean {
  const { writer, seq } = parseEventId(event);
  return seq <= log.storedSeq(writer);
}

function textOf(parts: readonly Uint8Array[]): string {
  const decoder = new TextDecoder('utf-8');
  return parts.map((part) => decoder.decode(part)).join('');
}

/** What a peer would be sent that has nothing. */
function sent({ log, chunks }: PackedNode): string {
  const all = { lacks: everythingOf(log), bytesMax: Number.POSITIVE_INFINITY, upTo: Number.MAX_SAFE_INTEGER };
  const { entries } = readNow(log.read(all), chunks);
  return textOf(entries.map(({ block }) => block));
}

test('no payload comes back, and packing takes it from the disk, whatever happens in between [Q5]', () => {
  const counts = { redacted: 0, cold: 0, packed: 0, lost: 0, twice: 0 };
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 80 }), (steps) => {
      const writers = [0, 1, 2].map((n) => new PackedNode(id(n)));
      const node = new PackedNode(id(10));
      /** Redactions, by what they name. */
      const redacted: [target: EventId, by: EventId][] = [];
      let written = 0;
      let now = node.now;
      const text = (event: EventId) => `<${event}>`;
      const deliver = (from: PackedNode, to: PackedNode, after: number) => {
        const since = new Map([...from.log.version()].map(([writer, last]) => [writer, Math.max(0, last - after)]));
        const has = to.log.version();
        const lacks = new Map(
          [...since].map(([writer, seq]) => [writer, { seq: Math.min(seq, has.get(writer) ?? 0), time: 0 }]),
        );
        const all = { lacks, bytesMax: Number.POSITIVE_INFINITY, upTo: Number.MAX_SAFE_INTEGER };
        to.receive(readNow(from.log.read(all), from.chunks).entries.map(({ block }) => block));
      };
      const look = () => {
        for (const event of node.log.snapshot()) {
          if (!redacted.some(([target, by]) => target === event.id && holds(node.log, by))) continue;
          expect(event.payload).toBeUndefined();
          expect(event.redacted).toBeDefined();
        }
        const bytes = sent(node);
        for (const [target, by] of redacted) {
          if (!isStored(node.log, by)) continue;
          expect(bytes.includes(text(target)), `${target} is sent`).toBe(false);
        }
      };
      for (const each of steps) {
        now += 1_000;
        for (const each of [...writers, node]) each.now = now;
        switch (each.op) {
          case 'write': {
            const writer = writers[each.who] as PackedNode;
            for (let i = 0; i < each.count; i++) {
              const seq = (writer.log.version().get(writer.log.writer) ?? 0) + 1;
              writer.log.append(text(`${writer.log.writer}.${seq}` as EventId));
              written++;
            }
            writer.store();
            break;
          }
          case 'redact': {
            const writer = writers[each.who] as PackedNode;
            // Of two neither knows that the other one redacts the same event.
            const redacting = each.twice ? [writer, writers[(each.who + 1) % 3] as PackedNode] : [writer];
            for (const one of redacting) {
              for (const other of writers) if (other !== one) deliver(other, one, 1_000);
              one.store();
            }
            const events = [...writer.log.snapshot()].filter(({ payload }) => payload !== undefined);
            const event = events[each.nth % Math.max(1, events.length)];
            if (event === undefined) break;
            for (const one of redacting) {
              redacted.push([event.id, one.log.redact(event.id)]);
              one.store();
            }
            counts.redacted++;
            if (each.twice) counts.twice++;
            break;
          }
          case 'deliver':
            deliver(writers[each.who] as PackedNode, node, each.after);
            break;
          case 'store':
            node.store();
            break;
          case 'pack': {
            if (node.onDisk === 0) break;
            node.pack(each.isLost, () => {
              if (each.meanwhile === 3) return;
              if (each.meanwhile < 3) deliver(writers[each.meanwhile] as PackedNode, node, 1_000);
              // What was on its way to the disk comes there while the pack does.
              if (each.stores) node.store();
            });
            break;
          }
          case 'trim': {
            for (let i = 0; i < 3 && node.onDisk > 0; i++) node.pack(false);
            const first = [...node.log.snapshot()].at(-each.keep - 1);
            node.log.trim(first?.clock ?? Number.POSITIVE_INFINITY);
            break;
          }
          case 'load':
            node.load(each.length);
            break;
          case 'damage': {
            const lost = [...node.chunks.keys()][each.nth % Math.max(1, node.chunks.size)];
            if (lost === undefined) break;
            node.chunks.delete(lost);
            node.manifest = undefined;
            node.restart();
            counts.lost++;
            break;
          }
          case 'restart':
            if (each.loses === 0) node.manifest = undefined;
            node.restart();
            break;
        }
        if (node.log.olderLength > 0) counts.cold++;
        look();
      }
      for (const writer of writers) deliver(writer, node, 1_000);
      node.store();
      for (let i = 0; i < 60 && node.onDisk > 0; i++) node.pack(false);
      look();
      expect(node.onDisk).toBe(0);
      const disk = textOf(node.disk);
      for (const [target, by] of redacted) {
        expect(isStored(node.log, by)).toBe(true);
        expect(disk.includes(text(target)), `${target} is on the disk`).toBe(false);
        counts.packed++;
      }
      expect(node.log.openRedactions).toBe(0);
      // Whatever else was written is there.
      node.load(Number.POSITIVE_INFINITY);
      const shown = [...node.log.snapshot()].filter(
        ({ payload, redacted: by }) => payload !== undefined || by !== undefined,
      );
      expect(shown).toHaveLength(written);
      node.restart();
      node.load(Number.POSITIVE_INFINITY);
      look();
    }),
    { numRuns: 400 },
  );
  expect(counts.redacted).toBeGreaterThan(300);
  expect(counts.packed).toBeGreaterThan(300);
  expect(counts.cold).toBeGreaterThan(200);
  expect(counts.lost).toBeGreaterThan(5);
  expect(counts.twice).toBeGreaterThan(100);
});

test('a chunk that is packed again for a redaction leaves own events in the journal that are to stay there [Q4, Q5]', () => {
  const node = new PackedNode(id(0));
  const other = new PackedNode(id(1));
  const send = () => {
    other.store();
    const since = node.log.version().get(id(1)) ?? 0;
    const all = { lacks: new Map([[id(1), { seq: since, time: 0 }]]), bytesMax: 1e6, upTo: Number.MAX_SAFE_INTEGER };
    node.receive(readNow(other.log.read(all), other.chunks).entries.map(({ block }) => block));
    node.store();
  };
  const write = (writer: PackedNode, text: string) => {
    for (const each of [node, other]) each.now++;
    return writer.log.append(text).id;
  };
  // Own events between those of another writer, in the spans of two chunks and behind them.
  const targets = Array.from({ length: 24 }, (_, i) => {
    if (i % 2 === 1) write(node, `own ${i}`);
    return write(other, `text ${i}`);
  });
  send();
  const unsent = new Map([[id(0), 1]]);
  for (let i = 0; i < 4; i++) node.pack(false, undefined, unsent);
  node.restart();
  other.log.redact(targets[16] as EventId);
  send();
  for (let i = 0; i < 4; i++) node.pack(false, undefined, unsent);
  node.restart();
  node.load(Number.POSITIVE_INFINITY);
  const shown = [...node.log.snapshot()].filter(({ writer }) => writer === id(0));
  expect(shown.map(({ seq }) => seq)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
  expect(textOf(node.disk)).not.toContain('text 16');
});
