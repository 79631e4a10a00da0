/**
 * Random truncations among nodes that write, pack, forget memory and start anew, with events and tables that arrive in any
 * order: in the end all show the reference log without what the table hides, and keep the rest.
 */
import { eventId, type LogEvent, limits, type ReplicaId, replicaIdFromBytes, type Truncation } from '@gossip-log/core';
import { type LogEntry, type Reading, ReplicatedLog } from '@gossip-log/core/sync';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { ReferenceLog } from '../src/reference-log.js';
import { property } from './property.js';

vi.mock('../../core/src/limits.js', async (original) => ({
  ...(await original<typeof import('../../core/src/limits.js')>()),
  ...{ chunkRowsMax: 6, packedChunkBytesTarget: 400, packedChunksMax: 7 },
}));

const startMs = 1_800_000_000_000;
const everything = { bytesMax: Number.POSITIVE_INFINITY, upTo: Number.MAX_SAFE_INTEGER };

function replica(n: number): ReplicaId {
  return replicaIdFromBytes(new Uint8Array(16).fill(n + 1));
}

/** What was spoken of: all that may reach others. */
class World {
  nowMs = startMs;
  fresh = 100;
  readonly blocks: Uint8Array[] = [];
  /** Hidden where it was written, before anybody was told. */
  readonly hidden: Uint8Array[] = [];
  readonly told: Truncation[] = [];

  freshReplica(): ReplicaId {
    const bytes = new Uint8Array(16);
    new DataView(bytes.buffer).setUint32(0, this.fresh++);
    return replicaIdFromBytes(bytes);
  }
}

interface Row {
  readonly entry: LogEntry;
  readonly hidden: boolean;
}

/** A node: a log, and the disk under it. */
class Node {
  log: ReplicatedLog<string>;
  readonly chunks = new Map<number, Uint8Array>();
  #journal: Row[] = [];
  #table: Truncation[] = [];
  #manifest: Uint8Array | undefined;
  #nextId = 0;
  /** Not on the disk yet. */
  #unstored: Row[] = [];
  #untold: Truncation[] = [];
  /** All that ever was on the disk. */
  readonly had = new Set<string>();

  constructor(
    readonly world: World,
    readonly own: ReplicaId,
  ) {
    this.log = this.#newLog(own);
  }

  #newLog(id: ReplicaId): ReplicatedLog<string> {
    const { world } = this;
    return new ReplicatedLog<string>(
      { id: 'tea', replica: id, now: () => world.nowMs },
      { freshReplica: () => world.freshReplica() },
    );
  }

  read<V>(reading: Reading<V>): V {
    for (let step = reading.next(); ; step = reading.next(this.chunks)) if (step.done) return step.value;
  }

  receive(blocks: readonly Uint8Array[]): void {
    const { refused, entries } = this.read(this.log.receiving(blocks, new Set()));
    expect(refused).toBeUndefined();
    this.#unstored.push(...entries.map((entry) => ({ entry, hidden: false })));
  }

  truncate(told: readonly Truncation[], after?: number): boolean {
    const [first] = told;
    const again = first === undefined || after === undefined ? undefined : { replica: first.replica, after };
    const { grew, entries, hidden, reissued } = this.read(this.log.truncate(told, again));
    this.#unstored.push(...entries.map((entry) => ({ entry, hidden: false })));
    this.#unstored.push(...hidden.map((entry) => ({ entry, hidden: true })));
    if (grew) this.#untold.push(...told);
    for (const former of reissued.keys()) expect(this.log.get(former)).toBeDefined();
    return reissued.size > 0;
  }

  store(): void {
    const rows = [...this.#unstored, ...this.log.takeUnflushed().map((entry) => ({ entry, hidden: false }))];
    this.#unstored = [];
    this.#journal.push(...rows);
    for (const { entry, hidden } of rows) {
      for (const id of idsOf(entry)) this.had.add(id);
      if (hidden) this.world.hidden.push(entry.block);
    }
    this.#table = [...this.#table, ...this.#untold];
    this.world.told.push(...this.#untold);
    this.#untold = [];
    for (const { block } of this.log.markStored(rows.map(({ entry }) => entry))) this.world.blocks.push(block);
  }

  /** Not before what was hidden is stored, and the table with it. */
  pack(isLost: boolean): void {
    if (this.#untold.length > 0) this.store();
    const before = this.#journal.length;
    const plan = this.read(this.log.pack());
    if (plan === undefined || isLost) return;
    this.#manifest = plan.manifest;
    for (const { id, bytes } of plan.add) {
      this.chunks.set(id, bytes);
      this.#nextId = id + 1;
    }
    for (const id of plan.remove) this.chunks.delete(id);
    if (plan.isComplete) this.#journal = this.#journal.filter(({ hidden }, i) => hidden || i >= before);
    plan.apply();
  }

  load(): void {
    this.read(this.log.loadOlder(() => false));
  }

  /** What was not stored is lost. */
  restart(): void {
    this.#unstored = [];
    this.#untold = [];
    const isWithdrawn = this.#table.some((entry) => entry.replica === this.own);
    this.log = this.#newLog(isWithdrawn ? this.world.freshReplica() : this.own);
    this.log.knowTruncations(this.#table);
    if (this.#manifest !== undefined) this.log.resume(this.#manifest, this.#nextId);
    for (const { entry, hidden } of this.#journal) {
      const receipt = this.log.load(entry.block);
      const isHidden =
        receipt.hidden > 0 && receipt.hidden === receipt.duplicates && receipt.added + receipt.parked === 0;
      if (hidden) expect(isHidden).toBe(true);
    }
    this.log.loaded();
    const { grew } = this.read(this.log.truncate(this.#table));
    expect(grew).toBe(false);
  }

  get kept(): Set<string> {
    return new Set(this.#journal.flatMap(({ entry, hidden }) => (hidden ? idsOf(entry) : [])));
  }
}

function idsOf({ runs }: LogEntry): string[] {
  return runs.flatMap(({ replica: id, first, last }) =>
    Array.from({ length: last - first + 1 }, (_, i) => eventId(id, first + i)),
  );
}

function isHidden(table: readonly Truncation[], { replica: id, seq }: Pick<LogEvent, 'replica' | 'seq'>): boolean {
  return table.some((entry) => entry.replica === id && seq >= entry.from);
}

const at = { node: fc.nat(2), pick: fc.nat(1_000) };
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ op: fc.constant('write' as const), count: fc.integer({ min: 1, max: 5 }), ...at }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ op: fc.constant('deliver' as const), count: fc.integer({ min: 1, max: 9 }), ...at }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('store' as const), ...at }) },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constant('truncate' as const), from: fc.nat(12), again: fc.nat(5), ...at }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('tell' as const), ...at }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('pack' as const), isLost: fc.boolean(), ...at }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('trim' as const), ...at }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('load' as const), ...at }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('restart' as const), ...at }) },
);

const title = '[L1] [J1] [J2] [J3]';
test(`${title} nodes come to one log, the reference log without what is hidden, and keep that`, () => {
  const reached = { hidden: 0, cold: 0, reissued: 0, anew: 0 };
  property(title, fc.array(step, { minLength: 30, maxLength: 90 }), 120, (steps) => {
    const world = new World();
    const nodes = [0, 1, 2].map((n) => new Node(world, replica(n)));
    for (const action of steps) {
      const node = nodes[action.node] as Node;
      const { pick } = action;
      world.nowMs += 3;
      switch (action.op) {
        case 'write':
          for (let i = 0; i < action.count; i++) node.log.append(`${pick} ${i}`);
          break;
        case 'deliver': {
          // From anywhere, over the end and back to the beginning.
          const { blocks } = world;
          const from = pick % Math.max(1, blocks.length);
          node.receive([...blocks.slice(from), ...blocks.slice(0, from)].slice(0, action.count));
          break;
        }
        case 'store':
          node.store();
          break;
        case 'truncate': {
          const writers = [...node.log.version()];
          const [writer, last] = writers[pick % Math.max(1, writers.length)] ?? [replica(pick % 3), 3];
          const from = 1 + Math.max(0, last + 1 - action.from);
          if (node.log.hasOlder) reached.cold++;
          const after = action.again === 0 ? undefined : from + action.again - 2;
          if (node.truncate([{ replica: writer, from, reason: 'withdrawn' }], after)) reached.reissued++;
          break;
        }
        case 'tell':
          node.truncate(world.told.slice(pick % Math.max(1, world.told.length)));
          break;
        case 'pack':
          node.pack(action.isLost);
          break;
        case 'trim':
          node.log.trim(node.log.snapshot().at(-(pick % 20))?.clock ?? Number.MAX_SAFE_INTEGER);
          break;
        case 'load':
          node.load();
          break;
        case 'restart':
          node.restart();
          reached.anew++;
          break;
      }
      const shown = [...node.log.snapshot()];
      expect(shown.filter((event) => isHidden(node.log.truncations, event))).toEqual([]);
      expect(isHidden(node.log.truncations, { replica: node.log.replica, seq: limits.seqMax })).toBe(false);
    }

    // Everything reaches everybody.
    for (let round = 0; round < 2; round++) {
      for (const node of nodes) {
        node.store();
        node.truncate(world.told);
        node.receive([...world.blocks].reverse());
        node.store();
      }
    }
    const table = (nodes[0] as Node).log.truncations;
    const reference = new ReferenceLog(replica(0));
    const teller = new Node(new World(), replica(90));
    teller.receive([...world.blocks, ...world.hidden]);
    reference.deliver(
      teller.log.snapshot().map(({ id, replica: writer, seq, clock, payload }) => {
        const named = seq > 1 ? [eventId(writer, seq - 1)] : [];
        return { id, replica: writer, seq, time: clock, deps: [], named, payload };
      }),
    );
    const expected = reference.sequence().filter((event) => !isHidden(table, event));
    reached.hidden += reference.shown.size - expected.length;

    for (const node of nodes) {
      expect(node.log.truncations).toEqual(table);
      for (const again of [false, true]) {
        if (again) node.restart();
        expect(node.log.parked).toBe(0);
        for (let i = 0; i < 3; i++) node.pack(false);
        const { lacking } = node.read(
          node.log.read({
            lacks: new Map([...node.log.version().keys()].map((id) => [id, { seq: 0, time: 0 }])),
            ...everything,
          }),
        );
        expect(lacking).toBe(expected.length);
        expect(node.log.length + node.log.olderLength).toBe(expected.length);
        node.load();
        expect(node.log.snapshot().map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
        expect(node.log.snapshot().map(({ payload }) => payload)).toEqual(expected.map(({ payload }) => payload));
        const turn = (nodes[0] as Node).read((nodes[0] as Node).log.describe());
        expect(node.read(node.log.compare(turn, 3)).lacks.size).toBe(0);
      }
      const { kept } = node;
      expect([...node.had].filter((id) => isHidden(table, parse(id)) && !kept.has(id))).toEqual([]);
    }
  });
  for (const count of Object.values(reached)) expect(count).toBeGreaterThan(0);
});

function parse(id: string): Pick<LogEvent, 'replica' | 'seq'> {
  const [writer, seq] = id.split('.') as [ReplicaId, string];
  return { replica: writer, seq: Number(seq) };
}
