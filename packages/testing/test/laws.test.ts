/**
 * The laws, on generated histories, against the reference log. Each test ends by asserting that its histories
 * reached what makes the law hard to keep.
 */

import { createGossipLog, GossipError, type LogEvent, writerIdFromBytes } from '@gossip-log/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { payload } from '../../core/test/payload.js';
import { Random } from '../src/sim/random.js';
import { equalBytes, LockStep, law, type Parcel, Reached, World } from './lock-step.js';
import { property } from './property.js';
import { type Reading, schedule, writerIds } from './schedules.js';

const observerId = writerIdFromBytes(new Uint8Array(16).fill(255));
const farFuture = () => 2 ** 41;

/** A log that no writer writes to, under every law, which hears of everything and judges nothing early. */
function observer(reached: Reached, reading: Reading): LockStep {
  return new LockStep(createGossipLog, observerId, farFuture, reached, reading);
}

test('[L1] [L2] [L9] copies show one sequence, byte for byte, as the reference does, and every step keeps the laws', () => {
  const reached = new Reached();
  property('[L1] [L2] [L9]', schedule(), 250, (steps) => {
    const world = World.after(createGossipLog, steps, reached);
    world.exchangeEverything();
    world.checkConvergence();
    for (const writer of world.writers) {
      writer.checkViews();
      writer.checkRelations();
    }
  });
  expect(reached).toSatisfy(everything('appended merged duplicates parked released lateInserts early clockBehind'));
  expect(reached).toSatisfy(everything('equalTimes concurrentPairs reloads lateReads redacted erasedLater'));
});

test('[L3] any order, duplication and batching of deliveries gives the same log', () => {
  const reached = new Reached();
  const deliveries = fc.array(fc.tuple(fc.nat(10_000), fc.integer({ min: 1, max: 5 })), { maxLength: 80, size: 'max' });
  property('[L3] any', fc.tuple(schedule(40), deliveries), 200, ([steps, picks]) => {
    const { singles } = World.after(createGossipLog, steps);
    const inOrder = observer(reached, 'every step');
    inOrder.receive(singles);
    const shuffled = observer(reached, steps.reading);
    let left = singles;
    for (const [pick, size] of picks) {
      const from = singles.length === 0 ? 0 : pick % singles.length;
      const batch = [...singles.slice(from), ...singles.slice(0, from)].slice(0, size).reverse();
      shuffled.receive(batch);
      left = left.filter((parcel) => !batch.includes(parcel));
    }
    shuffled.receive([...left].reverse());
    law(equalBytes(shuffled.log.encode(), inOrder.log.encode()), '[L3] another order gives the same bytes');
    shuffled.checkViews();
    shuffled.checkRelations();
  });
  expect(reached).toSatisfy(everything('merged duplicates parked released lateInserts lateReads erasedLater'));
});

test('[L3] merging again adds nothing, calls nobody and leaves the snapshot the same object', () => {
  let rows = 0;
  property('[L3] merging', schedule(40), 100, (steps) => {
    const world = World.after(createGossipLog, steps);
    world.exchangeEverything();
    const { log, reference } = world.at(0);
    const rowsInLog = reference.shown.size;
    const before = log.snapshot();
    let calls = 0;
    log.subscribe(() => calls++);
    expect(log.merge(log.encode())).toEqual({ added: 0, duplicates: rowsInLog, parked: 0, missing: [] });
    expect(log.merge(log.encode(log.version()))).toEqual({ added: 0, duplicates: 0, parked: 0, missing: [] });
    expect(log.merge(new Uint8Array())).toEqual({ added: 0, duplicates: 0, parked: 0, missing: [] });
    expect(log.snapshot()).toBe(before);
    expect(calls).toBe(0);
    rows += log.length;
  });
  expect(rows).toBeGreaterThan(100);
});

test('[L2] whoever asks for what is missing, until nothing is, gets the whole past of what is parked', () => {
  const reached = new Reached();
  property('[L2] whoever', fc.tuple(schedule(40), fc.array(fc.nat(1_000), { minLength: 1 })), 150, ([steps, picks]) => {
    const world = World.after(createGossipLog, steps);
    world.exchangeEverything();
    const source = world.at(0);
    if (world.singles.length === 0) return;
    const asker = observer(reached, 'every step');
    const version = source.reference.version();
    const first = picks.map((pick) => world.singles[pick % world.singles.length] as Parcel);
    let result = asker.receive(first);
    for (let rounds = 0; result !== undefined && result.missing.length > 0; rounds++) {
      law(rounds <= world.singles.length, '[L2] every answer brings the asker further');
      const since = new Map(version);
      for (const run of result.missing) {
        law(run.last <= (version.get(run.writer) ?? 0), '[L2] only events that exist are missing');
        since.set(run.writer, run.first - 1);
      }
      result = asker.receive([source.parcel(since)]);
    }
    law(asker.reference.waiting.size === 0, '[L2] nothing stays parked when nothing is missing');
    for (const { id, redacts } of first.flatMap((parcel) => parcel.events)) {
      law(asker.reference.shown.has(id), '[L2] what was parked is in the log');
      law((asker.log.get(id) !== undefined) === (redacts === undefined), '[L2] what was parked shows');
    }
  });
  expect(reached).toSatisfy(everything('parked released'));
});

test('[L5] an event stays the same object when an old snapshot reads it first, after late events came around it', () => {
  const reached = new Reached();
  const values = fc.tuple(
    writerIds(2, 2),
    fc.array(payload, { minLength: 3, maxLength: 30 }),
    fc.nat(1_000),
    fc.nat(1_000),
  );
  property('[L5] an event', values, 150, ([writers, payloads, pick, place]) => {
    const world = new World(createGossipLog, { writers, reading: 'every step' });
    payloads.forEach((value, i) => {
      world.append(i % 2, value);
      world.take({ do: 'pass', ms: 1 });
    });
    const parcels = world.writers.map((writer) =>
      world.singles.filter((parcel) => parcel.events[0]?.writer === writer.writer),
    ) as [Parcel[], Parcel[]];

    // One writer's events first, a snapshot kept unread, then the other's: they go before and after every row.
    const reader = createGossipLog({ id: 'lock-step', writer: observerId, now: farFuture });
    for (const { bytes } of parcels[0]) reader.merge(bytes);
    const old = reader.snapshot();
    const oldIds = parcels[0].map((parcel) => parcel.events[0]?.id);
    const late = place % (parcels[1].length + 1);
    for (const { bytes } of parcels[1].slice(0, late)) reader.merge(bytes);
    const middle = reader.snapshot();
    const row = old.at(pick % old.length) as LogEvent<unknown>;
    for (const { bytes } of parcels[1].slice(late)) reader.merge(bytes);
    const now = reader.snapshot();

    for (const snapshot of [now, middle, old]) {
      law(snapshot.at(snapshot.indexOf(row)) === row, '[L5] the row is one object in every snapshot');
    }
    const rows = new Map([...now].map((event) => [event.id, event]));
    for (const event of [...middle, ...old]) law(rows.get(event.id) === event, '[L5] every row is one object');
    expect([...old].map((event) => event.id)).toEqual(oldIds);
    law(reader.get(row.id) === row, '[L5] get() gives that object');
    reached.lateInserts += now.indexOf(row) - old.indexOf(row);
  });
  expect(reached).toSatisfy(everything('lateInserts'));
});

test('[L2] time rises with the sequence number and above all dependencies, whatever the wall clock does', () => {
  const jumps = fc.array(fc.integer({ min: -5_000_000, max: 5_000_000 }), { minLength: 1, maxLength: 50, size: 'max' });
  let back = 0;
  property('[L2] time', jumps, 100, (offsets) => {
    let nowMs = 1_700_000_000_000;
    const log = createGossipLog({ id: 'jumps', writer: observerId, now: () => nowMs });
    let last = 0;
    let highestMs = 0;
    for (const offset of offsets) {
      nowMs += offset;
      if (offset < 0) back++;
      highestMs = Math.max(highestMs, nowMs);
      const event = log.append(offset);
      expect(event.clock).toBeGreaterThan(last);
      expect(event.timestamp).toBe(highestMs);
      last = event.clock;
    }
  });
  expect(back).toBeGreaterThan(0);
});

test('[L3] an event beyond the horizon is refused with `early`, with all that came along, and is taken when it is due', () => {
  const reached = new Reached();
  const values = fc.tuple(
    writerIds(2, 3),
    fc.integer({ min: 60_001, max: 10_000_000 }),
    fc.array(payload, { maxLength: 5 }),
  );
  property('[L3] an event beyond', values, 60, ([writers, aheadMs, payloads]) => {
    const world = new World(createGossipLog, { writers, reading: 'every step' }, reached);
    for (const value of payloads) world.append(1, value);
    world.take({ do: 'clock', at: 1, offsetMs: aheadMs });
    world.append(1, 'from the future');

    const receiver = world.at(0);
    expect(receiver.receive([world.at(1).parcel()])).toBeUndefined();
    expect(receiver.log.length).toBe(0);
    try {
      receiver.log.merge(world.at(1).log.encode());
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(GossipError);
      expect(error).toHaveProperty('code', 'early');
    }
    // One millisecond before it is due, and when it is.
    world.take({ do: 'pass', ms: aheadMs - 60_001 });
    expect(receiver.receive([world.at(1).parcel()])).toBeUndefined();
    world.take({ do: 'pass', ms: 1 });
    expect(receiver.receive([world.at(1).parcel()])?.added).toBe(payloads.length + 1);
  });
  expect(reached).toSatisfy(everything('early'));
});

test.each([
  { writers: 10, events: 4_000, burst: 30 },
  { writers: 200, events: 3_000, burst: 10 },
])(
  '[L1] [L3] [L5] [L9] logs of $events events by $writers writers, held back and shuffled, keep the laws',
  (size) => {
    const reached = new Reached();
    // Not shrunk: one run takes seconds, and a smaller number is not a smaller history.
    const values = fc.noShrink(
      fc.tuple(
        fc.integer(),
        writerIds(size.writers, size.writers),
        fc.constantFrom<Reading>('oldest first', 'newest first'),
      ),
    );
    property('[L1] [L3] [L5] [L9] logs', values, 1, ([seed, writers, reading]) => {
      const random = new Random(seed);
      const upTo = (bound: number) => random.below(bound);
      const world = new World(createGossipLog, { writers, reading: 'oldest first' }, reached);
      const hubs = [observer(reached, reading), observer(reached, 'seldom')] as const;
      const held: Parcel[] = [];
      while (world.singles.length < size.events) {
        const at = upTo(size.writers);
        const author = world.at(at);
        const before = new Map(author.reference.version());
        for (let burst = 1 + upTo(size.burst); burst > 0; burst--) world.append(at, `${at}: ${world.singles.length}`);
        held.push(author.parcel(before));
        world.take({ do: 'pass', ms: upTo(40) });

        // Parcels reach the hub in any order, some twice; from half way on, writers hear from it now and then.
        if (random.chance(0.8)) hubs[0].receive([held[upTo(held.length)] as Parcel]);
        if (random.chance(0.1)) hubs[0].receive(held.splice(0, upTo(held.length)));
        if (world.singles.length > size.events / 2 && random.chance(0.3))
          author.receive([hubs[0].parcel(author.reference.version())]);
      }
      hubs[0].receive(held.toReversed());
      hubs[0].receive(world.singles);
      // The other hub gets the oldest half last, row by row or in blocks: full chunks take rows in their middle.
      const half = world.singles.length >> 1;
      hubs[1].receive(world.singles.slice(half));
      for (let from = 0; from < half; ) {
        const to = Math.min(half, from + 1 + upTo(400));
        hubs[1].receive(world.singles.slice(from, to));
        from = to;
      }
      law(equalBytes(hubs[0].log.encode(), hubs[1].log.encode()), '[L1] both hubs hold the same bytes');
      for (const hub of hubs) {
        hub.checkViews();
        hub.checkRelations();
      }
    });
    // At least twice the 1,024 rows of a chunk, with rows inserted above its tail: chunks were split.
    expect(reached.rows).toBeGreaterThanOrEqual(size.events);
    expect(reached).toSatisfy(
      everything('duplicates parked released lateInserts equalTimes lateReads concurrentPairs'),
    );
    if (size.writers > 64) expect(reached).toSatisfy(everything('fullDeps'));
  },
  60_000,
);

/** Were all of these reached? */
function everything(names: string): (reached: Reached) => boolean {
  return (reached) => names.split(' ').every((name) => reached[name as keyof Reached] > 0);
}
