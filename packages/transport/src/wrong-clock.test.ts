/**
 * Clocks that were wrong and are put right: what a durable node accepted is delivered, a log that is ahead goes on, and what no
 * peer was sent is appended again.
 */
import {
  type ConnectionSource,
  clockMilliseconds,
  type Environment,
  GossipError,
  type LogEvent,
} from '@gossip-log/core';
import { runsOf } from '@gossip-log/core/sync';
import { view, where } from '@gossip-log/core/view';
import { MemoryDisk, memoryStorage } from '@gossip-log/storage/memory';
import { afterEach, expect, test } from 'vitest';
import { FakeEnvironment } from '../test/fake-environment.js';
import { append, closeNodes, nodeOn } from '../test/nodes-on-disks.js';
import type { GossipNode } from './gossip-node.js';
import type { LogHandle } from './log-handle.js';
import { type MemoryPair, memoryPair } from './memory-pair.js';

const room = 'room';
const minute = 60_000;
const hour = 60 * minute;
const year = 365 * 24 * hour;
afterEach(closeNodes);

type Clock = Environment & { wrongMs: number };

/** One time for all, in which each has a wall clock of its own. */
class World {
  readonly #time = new FakeEnvironment();
  readonly #doors = Array.from({ length: 4 }, () => memoryPair());
  #drawn = 0;
  readonly relayClock = this.clock();
  /** Lets the relay dial another one. */
  relayDials = (_: ConnectionSource) => {};
  readonly relay = nodeOn(new MemoryDisk(), {
    ...{ connections: [...this.#doors.map(({ left }) => ({ ...left, dials: false })), this.#later()] },
    environment: this.relayClock,
    ...{ durable: true, openOnDemand: true, name: 'relay', onError: () => undefined },
  });

  #later(): ConnectionSource {
    return {
      dials: true,
      start: (host) => {
        let stop = async () => {};
        this.relayDials = (source) => {
          stop = source.start(host);
        };
        return () => stop();
      },
    };
  }

  /** `wrongMs`: what its wall clock is ahead by. */
  clock(wrongMs = 0): Clock {
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

  device(
    environment: Environment = this.clock(),
    disk = new MemoryDisk(),
    dials = true,
    storage = memoryStorage({ disk }),
  ): GossipNode {
    const { right } = this.#doors.pop() as MemoryPair;
    const waiting: ConnectionSource = {
      dials: true,
      start(host) {
        let stop = async () => {};
        world.connect = () => {
          stop = right.start(host);
        };
        return () => stop();
      },
    };
    const world = this;
    const connections = [dials ? right : waiting];
    return nodeOn(disk, { storage, connections, environment, onError: () => undefined });
  }

  /** Lets the last device dial that was told to wait. */
  connect = () => {};

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

/** Writes without a connection, with a clock that is wrong. Returns the events as they were appended. */
async function writeAlone(world: World, clock: Environment, disk: MemoryDisk, written: readonly string[]) {
  const alone = nodeOn(disk, { environment: clock });
  const log = alone.open<string>(room);
  await world.pass(1_000);
  const events = written.map((payload) => log.append(payload));
  await log.delivered(events.at(-1) as LogEvent<string>);
  return { alone, log, events };
}

for (const [name, aheadMs] of [
  ['two hours', 2 * hour],
  ['three days', 72 * hour],
  ['three years', 3 * year],
] as const) {
  test(`what was written ${name} ahead without a connection is delivered within a minute once the clock is right, also after a restart [G12] [H11]`, async () => {
    const world = new World();
    const clock = world.clock(aheadMs);
    const disk = new MemoryDisk();
    const { alone } = await writeAlone(world, clock, disk, ['one', 'two', 'three']);
    await alone.close();
    clock.wrongMs = 0;
    const log = world.device(clock, disk).open<string>(room);
    await world.pass(1_000);
    const other = world.device().open<string>(room);
    await world.pass(minute);
    expect(payloads(other)).toEqual(['one', 'two', 'three']);
    log.append('four');
    await world.pass(10_000);
    expect(payloads(other)).toEqual(['one', 'two', 'three', 'four']);
    expect(log.snapshot().map(({ id }) => id)).toEqual(other.snapshot().map(({ id }) => id));
    expect([log.error, other.error]).toEqual([undefined, undefined]);
    const states = [...log.snapshot()].map((event) => log.delivery(event).state);
    expect(states).toEqual(['relayed', 'relayed', 'relayed', 'relayed']);

    // Nothing of the old events is left on the disk.
    const stored = await memoryStorage({ disk }).load(room);
    const ids = stored.records.flatMap(({ block }) => runsOf(block));
    expect(ids.every(({ lastTime }) => clockMilliseconds(lastTime) < clock.now() + minute)).toBe(true);
  });
}

test('while the node runs, the delivery of a former id follows, with its promise, and readers see the change [G12]', async () => {
  const world = new World();
  const clock = world.clock(2 * hour);
  const log = world.device(clock, new MemoryDisk(), false).open<string>(room);
  await world.pass(1_000);
  const seen = view(
    log,
    where(() => true),
  );
  const before = [log.append('one'), log.append('two')] as const;
  await log.delivered(before[1]);
  const relayed = before.map((event) => log.delivered(event, 'relayed'));
  const shown = log.snapshot();
  clock.wrongMs = 0;
  world.connect();
  await world.pass(minute);
  await Promise.all(relayed);
  for (const event of before) {
    expect(log.delivery(event)).toEqual({ state: 'relayed', node: 'relay' });
    expect(log.delivery(event.id)).toEqual({ state: 'relayed', node: 'relay' });
  }
  expect(shown.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
  expect(log.snapshot()).not.toBe(shown);
  expect(payloads(log)).toEqual(['one', 'two']);
  const now = [...log.snapshot()];
  expect(new Set([...now, ...before].map(({ id }) => id)).size).toBe(4);
  expect([...seen.snapshot()]).toEqual(now);
  expect(log.log?.relation(now[0] as LogEvent<string>, now[1] as LogEvent<string>)).toBe('before');
  expect(log.append('three').timestamp).toBeLessThan(clock.now() + minute);
});

test('a log whose events wait for a clock says so, with the code early and until when [S13]', async () => {
  const world = new World();
  const clock = world.clock(3 * year);
  const log = world.device(clock).open<string>(room);
  await world.pass(1_000);
  log.append('from the future');
  await world.pass(minute);
  const at = log.snapshot().at(0)?.timestamp as number;
  expect(log.error?.code).toBe('early');
  expect(log.error?.context).toEqual({ log: room, until: at - minute });
  clock.wrongMs = 0;
  await world.pass(minute);
  expect(log.error).toBeUndefined();
});

/** What the two own events of a device are called that were written two hours ahead, and later, when its clock is right. */
async function idsOverCorrection(between: (world: World, disk: MemoryDisk, clock: Clock) => Promise<unknown>) {
  const world = new World();
  const clock = world.clock(2 * hour);
  const disk = new MemoryDisk();
  const { alone, events } = await writeAlone(world, clock, disk, ['one', 'two']);
  await alone.close();
  await between(world, disk, clock);
  clock.wrongMs = 0;
  const log = world.device(clock, disk).open<string>(room);
  await world.pass(minute);
  const other = world.device().open<string>(room);
  await world.pass(minute);
  return { before: events.map(({ id }) => id), log, other };
}

test('what another peer was sent keeps its id, and waits for the clock with the code early [H11] [S13]', async () => {
  const friend = new MemoryDisk();
  const { before, log, other } = await idsOverCorrection(async (world, disk, clock) => {
    const pair = memoryPair();
    const device = nodeOn(disk, { environment: clock, connections: [pair.left] });
    const far = nodeOn(friend, { environment: clock, connections: [pair.right] });
    const logs = [device, far].map((node) => node.open<string>(room));
    await world.pass(10_000);
    expect(payloads(logs[1] as LogHandle<string>)).toEqual(['one', 'two']);
    await Promise.all([device.close(), far.close()]);
  });
  expect(log.snapshot().map(({ id }) => id)).toEqual(before);
  expect(log.error?.code).toBe('early');
  expect(payloads(other)).toEqual([]);
});

test('what another node over the same store has read keeps its id; what one alone finds there does not [H11]', async () => {
  const shared = await idsOverCorrection(async (world, disk, clock) => {
    const tabs = [nodeOn(disk, { environment: clock }), nodeOn(disk, { environment: clock })];
    for (const tab of tabs) tab.open(room);
    await world.pass(10_000);
    await Promise.all(tabs.map((tab) => tab.close()));
  });
  expect(shared.log.snapshot().map(({ id }) => id)).toEqual(shared.before);
  const alone = await idsOverCorrection(async (world, disk, clock) => {
    const tab = nodeOn(disk, { environment: clock });
    tab.open(room);
    await world.pass(10_000);
    await tab.close();
  });
  expect(alone.log.snapshot().map(({ id }) => id)).not.toEqual(alone.before);
  expect(payloads(alone.other)).toEqual(['one', 'two']);
});

test('what waited in the journal for a damaged record, and is stored behind it once more, is replaced there, too [G12] [H7]', async () => {
  const world = new World();
  const clock = world.clock();
  const disk = new MemoryDisk();
  const node = world.device(clock, disk);
  const before = node.open<string>(room);
  await world.pass(1_000);
  await append(before, ['one'], 'relayed');
  clock.wrongMs = 72 * hour;
  await world.pass(10_000);
  await append(before, ['two'], 'stored');
  await node.close();
  const [damaged] = disk.logs.get(room)?.journal.values() ?? [];
  damaged?.set([0xff], damaged.length - 1);

  const log = world.device(clock, disk).open<string>(room);
  await world.pass(10_000);
  expect(payloads(log)).toEqual(['one', 'two']);
  clock.wrongMs = 0;
  await world.pass(minute);
  const other = world.device().open<string>(room);
  await world.pass(10_000);
  expect(payloads(other)).toEqual(['one', 'two']);
  const { records } = await memoryStorage({ disk }).load(room);
  const runs = records.flatMap(({ block }) => runsOf(block));
  expect(runs.every(({ lastTime }) => clockMilliseconds(lastTime) < clock.now() + minute)).toBe(true);
});

test('an event that is appended again depends on what it depended on, and on no other [G12]', async () => {
  const world = new World();
  const clock = world.clock();
  const disk = new MemoryDisk();
  const first = nodeOn(disk, { environment: clock });
  const log = first.open<string>(room);
  await world.pass(1_000);
  await log.delivered(log.append('right'));
  clock.wrongMs = 2 * hour;
  const events = ['one', 'two'].map((payload) => log.append(payload));
  await log.delivered(events[1] as LogEvent<string>);
  await first.close();
  clock.wrongMs = 0;
  const again = world.device(clock, disk).open<string>(room);
  const other = world.device().open<string>(room);
  await world.pass(minute);
  const shown = [...again.snapshot()];
  expect(payloads(again)).toEqual(['right', 'one', 'two']);
  expect(payloads(other)).toEqual(['right', 'one', 'two']);
  const [right, one, two] = shown as [LogEvent<string>, LogEvent<string>, LogEvent<string>];
  // The event that was written by a right clock has its id.
  expect(right.writer).not.toBe(one.writer);
  expect([one.writer, two.seq]).toEqual([two.writer, 2]);
  expect(again.log?.relation(right, one)).toBe('before');
});

test('a store that fails or ends in the middle has all of the old events or all of the new ones [G12] [P4]', async () => {
  const world = new World();
  const clock = world.clock(2 * hour);
  const disk = new MemoryDisk();
  const { alone, events } = await writeAlone(world, clock, disk, ['one', 'two']);
  await alone.close();
  clock.wrongMs = 0;
  const storage = memoryStorage({ disk });
  const { commit } = storage;
  let isFull = true;
  storage.commit = async (log, entries, options) => {
    if (isFull && options.instead !== undefined) throw new GossipError('storage-failed', 'the disk is full');
    return commit.call(storage, log, entries, options);
  };
  const log = world.device(clock, disk, true, storage).open<string>(room);
  await world.pass(5_000);
  expect(log.snapshot().map(({ id }) => id)).toEqual(events.map(({ id }) => id));
  expect(log.delivery(events[0] as LogEvent<string>).state).toBe('stored');
  isFull = false;
  await world.pass(minute);
  expect(log.delivery(events[0] as LogEvent<string>).state).toBe('relayed');
  expect(payloads(log)).toEqual(['one', 'two']);
});

test('while events are put in the place of others, what is appended goes with them [G12]', async () => {
  const world = new World();
  const clock = world.clock(2 * hour);
  const disk = new MemoryDisk();
  const { alone } = await writeAlone(world, clock, disk, ['one']);
  await alone.close();
  clock.wrongMs = 0;
  const storage = memoryStorage({ disk });
  const { commit } = storage;
  let during: LogEvent<string> | undefined;
  storage.commit = async (id, entries, options) => {
    if (options.instead !== undefined) during = log.append('two');
    return commit.call(storage, id, entries, options);
  };
  const log = world.device(clock, disk, true, storage).open<string>(room);
  await world.pass(minute);
  const [one, two] = [...log.snapshot()] as [LogEvent<string>, LogEvent<string>];
  expect([payloads(log), one.writer]).toEqual([['one', 'two'], two.writer]);
  expect(during?.id).not.toBe(two.id);
  expect(log.delivery(during as LogEvent<string>).state).toBe('relayed');
  expect(two.timestamp).toBeLessThan(clock.now() + minute);
  await log.delivered(log.append('three'), 'relayed');
});

test('redactions that are appended again name what they redacted, under its new id or its old one [G12]', async () => {
  const world = new World();
  const clock = world.clock();
  const disk = new MemoryDisk();
  const online = world.device(clock, disk);
  const log = online.open<string>(room);
  await world.pass(1_000);
  await append(log, ['sent', 'stays'], 'relayed');
  await online.close();
  clock.wrongMs = 2 * hour;
  const { alone, log: offline, events } = await writeAlone(world, clock, disk, ['one', 'two']);
  const [sent] = [...offline.snapshot()] as [LogEvent<string>];
  offline.redact(sent.id);
  offline.redact((events[0] as LogEvent<string>).id);
  await world.pass(1_000);
  const erased = [undefined, 'stays', undefined, 'two'];
  expect(payloads(offline)).toEqual(erased);
  await alone.close();
  clock.wrongMs = 0;
  const again = world.device(clock, disk).open<string>(room);
  const other = world.device().open<string>(room);
  await world.pass(minute);
  expect([payloads(again), payloads(other)]).toEqual([erased, erased]);
  const redactedBy = ({ redacted }: LogEvent<string>) => redacted?.id;
  expect([...again.snapshot()].map(redactedBy)).toEqual([...other.snapshot()].map(redactedBy));
  // Both hold the same bytes: they have nothing to compare that differs.
  const [ours, theirs] = [again, other].map((handle) => handle.log?.encode());
  expect(ours).toEqual(theirs);
});

test('an event that is redacted while it is put in the place of another is redacted under its new id, too [G12]', async () => {
  const world = new World();
  const clock = world.clock(2 * hour);
  const disk = new MemoryDisk();
  const { alone, events } = await writeAlone(world, clock, disk, ['one']);
  await alone.close();
  clock.wrongMs = 0;
  const storage = memoryStorage({ disk });
  const { commit } = storage;
  storage.commit = async (id, entries, options) => {
    if (options.instead !== undefined) {
      log.redact((events[0] as LogEvent<string>).id);
      log.redact(log.append('two').id);
    }
    return commit.call(storage, id, entries, options);
  };
  const log = world.device(clock, disk, true, storage).open<string>(room);
  await world.pass(minute);
  const other = world.device().open<string>(room);
  await world.pass(minute);
  expect([payloads(log), payloads(other)]).toEqual([
    [undefined, undefined],
    [undefined, undefined],
  ]);
  expect(log.log?.encode()).toEqual(other.log?.encode());
});

for (const [who, mayVouch] of [
  ['one that dials, and one that is dialled', true],
  ['unless it may not vouch: then the one that dials has it alone, and says until when', false],
] as const) {
  test(`what a relay accepted whose clock was wrong goes on to other relays: ${who} [S13] [L4]`, async () => {
    const world = new World();
    world.relayClock.wrongMs = 2 * year;
    const clock = world.clock(2 * year);
    const log = world.device(clock).open<string>(room);
    await world.pass(1_000);
    await append(log, ['accepted'], 'relayed');
    world.relayClock.wrongMs = 0;
    clock.wrongMs = 0;

    const [above, below] = [memoryPair(), memoryPair()];
    world.relayDials(above.left);
    const far = nodeOn(new MemoryDisk(), {
      ...{
        connections: [
          { ...above.right, dials: false },
          { ...below.left, dials: false },
        ],
        environment: world.clock(),
      },
      ...{ durable: true, openOnDemand: true, name: 'far', onError: () => undefined },
      authorize: ({ action }) => action !== 'vouch' || mayVouch,
    });
    const reader = nodeOn(new MemoryDisk(), { connections: [below.right], environment: world.clock() });
    const read = reader.open<string>(room);
    await world.pass(minute);
    expect(payloads(read)).toEqual(mayVouch ? ['accepted'] : []);
    if (mayVouch) {
      read.append('follows');
      await world.pass(minute);
      expect(payloads(log)).toEqual(['accepted', 'follows']);
    }
    await far.close();
  });
}
