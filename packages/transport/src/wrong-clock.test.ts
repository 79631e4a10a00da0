/** Clocks that were wrong and are put right: what a durable node accepted is delivered, and a log that is ahead goes on. */
import type { Environment } from '@gossip-log/core';
import { MemoryDisk } from '@gossip-log/storage/memory';
import { afterEach, expect, test } from 'vitest';
import { FakeEnvironment } from '../test/fake-environment.js';
import { append, closeNodes, nodeOn } from '../test/nodes-on-disks.js';
import type { GossipNode } from './gossip-node.js';
import type { LogHandle } from './log-handle.js';
import { memoryPair } from './memory-pair.js';

const room = 'room';
const minute = 60_000;
const hour = 60 * minute;
const year = 365 * 24 * hour;
afterEach(closeNodes);

/** One time for all, in which each has a wall clock of its own. */
class World {
  readonly #time = new FakeEnvironment();
  readonly #doors = Array.from({ length: 4 }, () => memoryPair());
  #drawn = 0;
  readonly relayClock = this.clock();
  readonly relay = nodeOn(new MemoryDisk(), {
    ...{ connections: this.#doors.map(({ left }) => ({ ...left, dials: false })), environment: this.relayClock },
    ...{ durable: true, openOnDemand: true, name: 'relay', onError: () => undefined },
  });

  /** `wrongMs`: what its wall clock is ahead by. */
  clock(wrongMs = 0): Environment & { wrongMs: number } {
    const elapsed = () => this.#time.elapsed();
    return {
      wrongMs,
      now() {
        return 1_800_000_000_000 + elapsed() + this.wrongMs;
      },
      elapsed,
      setTimer: (ms, callback) => this.#time.setTimer(ms, callback),
      randomBytes: (length) => {
        const bytes = new Uint8Array(length);
        new DataView(bytes.buffer).setUint32(0, ++this.#drawn * 0x9e3779b1);
        return bytes;
      },
    };
  }

  device(environment: Environment = this.clock(), disk = new MemoryDisk()): GossipNode {
    const door = this.#doors.pop();
    return nodeOn(disk, { connections: door ? [door.right] : [], environment, onError: () => undefined });
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 1_000) {
      for (let turn = 0; turn < 20; turn++) await new Promise((done) => setImmediate(done));
      this.#time.advance(1_000);
    }
  }
}

const payloads = (log: LogHandle<string>) => log.snapshot().map(({ payload }) => payload);

for (const [name, aheadMs] of [
  ['ten minutes', 10 * minute],
  ['two hours', 2 * hour],
  ['two years', 2 * year],
] as const) {
  test(`what a relay accepted whose clock was ${name} ahead is delivered after it was put right, and the log goes on [S13] [L4]`, async () => {
    const world = new World();
    world.relayClock.wrongMs = aheadMs;
    // Its own clock is as wrong: else it could not be corrected by years.
    const clock = world.clock(aheadMs);
    const log = world.device(clock).open<string>(room);
    await world.pass(1_000);
    await append(log, ['accepted'], 'relayed');

    world.relayClock.wrongMs = 0;
    clock.wrongMs = 0;
    await world.pass(2_000);
    const other = world.device().open<string>(room);
    await world.pass(minute);
    expect(payloads(other)).toEqual(['accepted']);
    other.append('follows');
    log.append('too');
    await world.pass(minute);
    expect([payloads(log), payloads(other)]).toEqual([payloads(other), payloads(log)]);
    expect(log.snapshot()).toHaveLength(3);
    expect([log.error, other.error]).toEqual([undefined, undefined]);
    const newcomer = world.device().open<string>(room);
    await world.pass(minute);
    expect(payloads(newcomer)).toEqual(payloads(log));
  });
}

test('a log whose events wait for a clock says so, with the code early and until when [S13]', async () => {
  const world = new World();
  const clock = world.clock(3 * year);
  const disk = new MemoryDisk();
  const alone = nodeOn(disk, { environment: clock });
  const early = alone.open<string>(room);
  await world.pass(1_000);
  await append(early, ['from the future']);
  await alone.close();
  clock.wrongMs = 0;
  const log = world.device(clock, disk).open<string>(room);
  await world.pass(minute);
  const at = log.snapshot().at(0)?.timestamp as number;
  expect(log.error?.code).toBe('early');
  expect(log.error?.context).toEqual({ log: room, until: at - minute });
});
