/** Nodes that open logs on demand and know each other: each asks the others for what its peers ask of it, while they do. */
import { type ConnectionSource, type GossipError, limits } from '@gossip-log/core';
import { MemoryDisk } from '@gossip-log/storage/memory';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { FakeEnvironment } from '../test/fake-environment.js';
import { append, closeNodes, nodeOn } from '../test/nodes-on-disks.js';
import type { GossipNode } from './gossip-node.js';
import type { LogHandle } from './log-handle.js';
import { type MemoryPair, memoryPair } from './memory-pair.js';

const room = 'room';
afterEach(closeNodes);

/** Every node draws ids of its own. */
class SharedTime extends FakeEnvironment {
  #drawn = 0;

  override randomBytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    new DataView(bytes.buffer).setUint32(0, ++this.#drawn * 0x9e3779b1);
    return bytes;
  }
}

/** Devices that may come to one relay, one after another. */
const doorsMax = 8;

/** Relays, joined in pairs of their numbers. */
class Relays {
  readonly time = new SharedTime();
  /** Frames between relays. */
  frames = 0;
  readonly links: MemoryPair[];
  readonly nodes: GossipNode[];
  readonly disks: MemoryDisk[];
  /** Ends for devices that have not come yet. */
  readonly #doors: MemoryPair[][];

  constructor(count: number, links: readonly (readonly [number, number])[], disks: readonly MemoryDisk[] = []) {
    const ends: ConnectionSource[][] = Array.from({ length: count }, () => []);
    this.links = links.map(([from, to]) => {
      const pair = memoryPair();
      ends[from]?.push(this.#counted(pair.left));
      ends[to]?.push(this.#counted(pair.right));
      return pair;
    });
    this.#doors = ends.map((sources) => {
      const pairs = Array.from({ length: doorsMax }, () => memoryPair());
      sources.push(...pairs.map(({ left }) => left));
      return pairs;
    });
    this.disks = ends.map((_, i) => disks[i] ?? new MemoryDisk());
    this.nodes = ends.map((connections, i) =>
      this.#node(this.disks[i] as MemoryDisk, { connections, durable: true, openOnDemand: true, name: `relay ${i}` }),
    );
  }

  device(at: number, disk = new MemoryDisk()): GossipNode {
    const door = (this.#doors[at] as MemoryPair[]).pop() as MemoryPair;
    return this.#node(disk, { connections: [door.right] });
  }

  /** Lets everything happen that is under way, and `ms` pass. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed <= ms; passed += 1_000) {
      for (let turn = 0; turn < 30; turn++) await new Promise((done) => setImmediate(done));
      this.time.advance(1_000);
    }
  }

  /** The relays that have the log in use. Those that have not forget it, so that the test ends with this. */
  async inUse(): Promise<number[]> {
    const using: number[] = [];
    for (const [i, node] of this.nodes.entries()) {
      await node.forget(room).catch((error: GossipError) => {
        expect(error.code).toBe('log-in-use');
        using.push(i);
      });
    }
    return using;
  }

  #node(disk: MemoryDisk, options: Parameters<typeof nodeOn>[1]): GossipNode {
    return nodeOn(disk, { environment: this.time, ...options });
  }

  #counted(end: ConnectionSource): ConnectionSource {
    return {
      dials: true,
      start: (host) =>
        end.start({
          status: (status) => host.status(status),
          connected: (connection) => {
            const handlers = host.connected(connection);
            return {
              ...{ closed: (reason) => handlers.closed(reason), doubted: () => handlers.doubted?.() },
              frame: (bytes) => {
                this.frames++;
                handlers.frame(bytes);
              },
            };
          },
        }),
    };
  }
}

const row = [
  [0, 1],
  [1, 2],
] as const;
const circle = [...row, [2, 0]] as const;

/** What happens to relays in any order; at most one device is at each. */
interface Step {
  readonly do: 'come' | 'leave' | 'write' | 'cut' | 'reconnect';
  readonly at: number;
}

const payloads = (log: LogHandle<string>) => log.snapshot().map(({ payload }) => payload);

for (const [shape, links] of [
  ['a row', row],
  ['a circle', circle],
] as const) {
  test(`devices at relays in ${shape} exchange events, and the relays close the log when the devices have left [S26]`, async () => {
    const relays = new Relays(3, links);
    const here = relays.device(0);
    const log = here.open<string>(room);
    await append(log, ['Tea?']);
    await relays.pass(1_000);
    const there = relays.device(2);
    const other = there.open<string>(room);
    await relays.pass(1_000);
    await append(other, ['Yes.']);
    await relays.pass(1_000);
    expect([payloads(log), payloads(other)]).toEqual([
      ['Tea?', 'Yes.'],
      ['Tea?', 'Yes.'],
    ]);

    // Nothing goes round while nothing happens.
    const { frames } = relays;
    await relays.pass(limits.heartbeatMs / 2);
    expect(relays.frames - frames).toBeLessThanOrEqual(2 * links.length);

    await there.close();
    await relays.pass(2_000);
    await append(log, ['Still there?'], 'relayed');
    await here.close();
    await relays.pass(4 * limits.releaseDelayMs);
    expect(await relays.inUse()).toEqual([]);
  });
}

test('a relay that comes late is asked for what is open, and gives and gets what was written before [S26]', async () => {
  const relays = new Relays(2, [[0, 1]]);
  await relays.pass(1_000);
  relays.links[0]?.cut();
  await relays.pass(1_000);
  const log = relays.device(0).open<string>(room);
  const other = relays.device(1).open<string>(room);
  await append(log, ['here']);
  await append(other, ['there']);
  await relays.pass(1_000);
  expect(payloads(log)).toEqual(['here']);
  relays.links[0]?.reconnect();
  await relays.pass(1_000);
  expect([payloads(log).sort(), payloads(other).sort()]).toEqual([
    ['here', 'there'],
    ['here', 'there'],
  ]);
});

test('a relay asks others only for what somebody uses: nobody who merely answers keeps a log open [S16] [S26]', async () => {
  const relays = new Relays(2, [[0, 1]]);
  const own = (relays.nodes[0] as GossipNode).open<string>(room);
  await append(own, ['by the relay itself']);
  await relays.pass(1_000);
  own.release();
  await relays.pass(4 * limits.releaseDelayMs);
  expect(await relays.inUse()).toEqual([]);
});

test('devices at relays that are joined anyhow agree whenever all links stand, and nothing stays open without them [L1] [S26]', async () => {
  const counts = 4;
  const pairs = Array.from({ length: counts }, (_, to) =>
    Array.from({ length: to }, (__, from) => [from, to] as const),
  );
  const links = fc.subarray(pairs.flat(), { minLength: 3 });
  const steps = fc.array(
    fc.record<Step>({
      do: fc.constantFrom('come', 'come', 'write', 'write', 'leave', 'cut', 'reconnect'),
      at: fc.nat({ max: 5 }),
    }),
    { minLength: 8, maxLength: 16 },
  );
  const reached = { exchanged: 0, circles: 0 };
  await fc.assert(
    fc.asyncProperty(links, steps, async (joined, moves) => {
      const relays = new Relays(counts, joined);
      const there = new Map<number, { readonly node: GossipNode; readonly log: LogHandle<string> }>();
      const beginning: Step[] = [
        { do: 'come', at: 0 },
        { do: 'come', at: 2 },
        { do: 'write', at: 0 },
      ];
      for (const [i, step] of [...beginning, ...moves].entries()) {
        const at = step.at % counts;
        const link = relays.links[step.at % joined.length];
        const device = there.get(at);
        if (step.do === 'come' && device === undefined) {
          const node = relays.device(at);
          there.set(at, { node, log: node.open<string>(room) });
        } else if (step.do === 'leave' && device !== undefined) {
          there.delete(at);
          await device.node.close();
        } else if (step.do === 'write' && device !== undefined) {
          await append(device.log, [`${i}`]);
        } else if (step.do === 'cut') {
          link?.cut();
        } else {
          link?.reconnect();
        }
        await relays.pass(0);
      }
      for (const link of relays.links) link.reconnect();
      await relays.pass(2_000);
      // Relays that a row of relays joins.
      const group = Array.from({ length: counts }, (_, i) => i);
      for (let round = 0; round < counts; round++) {
        for (const [from, to] of joined) group[from] = group[to] = Math.min(group[from] as number, group[to] as number);
      }
      for (const [at, { log }] of there) {
        for (const [other, { log: others }] of there) {
          if (group[at] !== group[other]) continue;
          expect(payloads(log)).toEqual(payloads(others));
          if (at < other && log.snapshot().length > 1) reached.exchanged++;
        }
      }
      if (joined.length >= counts) reached.circles++;
      const { frames } = relays;
      await relays.pass(2_000);
      // A sign of life each way, at most.
      expect(relays.frames - frames).toBeLessThanOrEqual(2 * joined.length);
      for (const { node } of there.values()) await node.close();
      await relays.pass((counts + 1) * limits.releaseDelayMs);
      expect(await relays.inUse()).toEqual([]);
      await closeNodes();
    }),
    { numRuns: 60 },
  );
  expect(reached.exchanged).toBeGreaterThan(20);
  expect(reached.circles).toBeGreaterThan(10);
}, 60_000);
