/**
 * Views over generated histories with late events, beside the naive computation, after every step. Chunks have four rows,
 * so that they are copied and split all the time.
 */
import { type GossipLog, type LogEvent, limits, type Snapshot, writerIdFromBytes } from '@gossip-log/core';
import { type Reading, ReplicatedLog } from '@gossip-log/core/sync';
import { aggregate, sum, type View } from '@gossip-log/core/view';
import { dequal } from 'dequal';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { arbitraryHistory } from '../src/history.js';
import { playHistory } from '../src/play-history.js';
import { type DerivedProbe, derivedProbes } from './derived-probes.js';
import { property } from './property.js';
import { type Message, message, type Probe, probes, shown } from './view-probes.js';

vi.mock('../../core/src/limits.js', async (original) => ({
  ...(await original<typeof import('../../core/src/limits.js')>()),
  chunkRowsMax: 4,
  foldStepEvents: 3,
  foldCheckpointsMax: 4,
}));

const history = arbitraryHistory(message, { stepsMax: 80, redactions: true });
/** Which probes look after a step: those whose bit is set. The others fall behind. */
const looks = fc.array(fc.nat(2 ** 24 - 1), { minLength: 1, maxLength: 20 });

/** One view that is followed: what it showed, and what its splices make of that. */
class Followed {
  readonly made: View<unknown>;
  seen: Snapshot<unknown>;
  mirror: LogEvent[] = [];

  constructor(readonly probe: Probe) {
    this.made = probe.made;
    this.seen = this.made.snapshot();
    this.mirror = this.seen.slice();
  }

  look(log: GossipLog<Message>): void {
    const { made, seen, mirror, probe } = this;
    const { name } = probe;
    const expected = probe.naive([...log.snapshot()]);
    const splices = made.changesSince(seen);
    for (const { at, removed, inserted } of splices) {
      const out = mirror.splice(at, removed.length, ...inserted);
      must(out.length === removed.length && out.every((event, i) => event === removed[i]), `[V5] ${name}: removed`);
    }
    const now = made.snapshot();
    const events = [...now];
    must(now === made.snapshot(), `[V4] ${name}: one snapshot until it changes`);
    must((now === seen) === (splices.length === 0), `[V4] ${name}: a snapshot that did not change is the same object`);
    must(
      dequal(events.map(shown), expected),
      `[V1] ${name}: ${fc.stringify(events.map(shown))} is not ${fc.stringify(expected)}`,
    );
    must(events.length === mirror.length && events.every((event, i) => event === mirror[i]), `[V5] ${name}: splices`);
    must(
      events.every((event, i) => now.at(i) === event && now.indexOf(event) === i),
      `[V4] ${name}: positions`,
    );
    must(
      [...probe.calls.counts.values()].every((count) => count === 1),
      `[V3] ${name}: once per event and view`,
    );
    const gone = new Set(splices.flatMap(({ removed }) => removed));
    const before = new Map([...seen].filter((event) => !gone.has(event)).map((event) => [event.id, event]));
    must(
      events.every((event) => (before.get(event.id) ?? event) === event),
      `[V4] ${name}: an event that did not change is the same object`,
    );
    this.seen = now;
  }
}

/** An event that is read again is another object of the same id. */
function isEqual(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => isEqual(item, b[i]));
  return typeof a === 'object' && a !== null && 'clock' in a ? a === b : dequal(a, b);
}

/** Numbers that were summed up in another order differ in their last places. */
function near(a: unknown, b: unknown): boolean {
  if (typeof a !== 'number' || typeof b !== 'number') return dequal(a, b);
  return Math.abs(a - b) <= 1e-3 * Math.max(1, Math.abs(b)) ** 0.5;
}

class FollowedValue {
  seen: unknown;

  constructor(readonly probe: DerivedProbe) {}

  look(log: GossipLog<Message>): void {
    const { name, made, naive, calls, mayRepeat } = this.probe;
    const now = made.value();
    const expected = naive([...log.snapshot()]);
    must(near(now, expected), `[V1] ${name}: ${fc.stringify(now)} is not ${fc.stringify(expected)}`);
    must(Object.is(now, made.value()), `[V4] ${name}: one value until it changes`);
    must(Object.is(now, this.seen) || !isEqual(now, this.seen), `[V4] ${name}: an equal value is the same object`);
    must(
      mayRepeat === true || [...calls.counts.values()].every((times) => times === 1),
      `[V3] ${name}: once per event and view`,
    );
    must(made.errors().length === 0, `[V6] ${name}: ${made.errors()[0]?.message}`);
    this.seen = now;
  }
}

function must(holds: boolean, title: string): asserts holds {
  if (!holds) throw new Error(title);
}

test('[V1] [V3] [V4] [V5] every operator shows what the naive computation shows, after every step', () => {
  expect(limits.chunkRowsMax).toBe(4);
  const reached = { late: 0, rows: 0, behind: 0, anchored: 0, redacted: 0 };
  property('[V1] [V3] [V4] [V5]', fc.tuple(history, looks, fc.nat(100)), 150, ([steps, masks, pick]) => {
    const followed = new Map<string, Followed[]>();
    let step = 0;
    const look = (name: string, log: GossipLog<Message>, all: boolean) => {
      const mask = masks[step++ % masks.length] as number;
      for (const [i, one] of (followed.get(name) ?? []).entries()) {
        if (all || (mask & (1 << (i % 24))) !== 0) one.look(log);
        else reached.behind++;
      }
    };
    const writers = playHistory(steps, {
      opened: ({ name, log }) => {
        const anchor = log.snapshot().at(pick % Math.max(1, log.length));
        followed.set(
          name,
          probes(log, anchor).map((probe) => new Followed(probe)),
        );
        look(name, log, true);
      },
      changed: ({ name, log }, arrived) => {
        const [first] = arrived;
        if (first === undefined) reached.redacted++;
        if (first !== undefined && log.snapshot().at(-arrived.length) !== first) reached.late++;
        if (followed.get(name)?.length === 17 && log.length > 3) {
          const anchor = log.snapshot().at(pick % log.length) as LogEvent<Message>;
          followed.get(name)?.push(
            ...probes(log, anchor)
              .slice(17)
              .map((probe) => new Followed(probe)),
          );
          reached.anchored++;
        }
        look(name, log, false);
      },
    });
    for (const { name, log } of writers) {
      look(name, log, true);
      reached.rows = Math.max(reached.rows, log.length);
    }
  });
  expect(reached.late).toBeGreaterThan(20);
  expect(reached.behind).toBeGreaterThan(100);
  expect(reached.anchored).toBeGreaterThan(20);
  expect(reached.redacted).toBeGreaterThan(100);
  expect(reached.rows).toBeGreaterThan(3 * limits.chunkRowsMax);
});

test('[V1] [V3] [V4] every aggregate and fold gives what the naive computation gives, after every step', () => {
  const reached = { late: 0, rows: 0, behind: 0, redacted: 0 };
  property('[V1] [V3] [V4] every', fc.tuple(history, looks), 150, ([steps, masks]) => {
    const followed = new Map<string, FollowedValue[]>();
    let step = 0;
    const look = (name: string, log: GossipLog<Message>, all: boolean) => {
      const mask = masks[step++ % masks.length] as number;
      for (const [i, one] of (followed.get(name) ?? []).entries()) {
        if (all || (mask & (1 << (i % 24))) !== 0) one.look(log);
        else reached.behind++;
      }
    };
    const writers = playHistory(steps, {
      opened: ({ name, log }) => {
        followed.set(
          name,
          derivedProbes(log).map((probe) => new FollowedValue(probe)),
        );
        look(name, log, true);
      },
      changed: ({ name, log }, arrived) => {
        const [first] = arrived;
        if (first === undefined) reached.redacted++;
        if (first !== undefined && log.snapshot().at(-arrived.length) !== first) reached.late++;
        look(name, log, false);
      },
    });
    for (const { name, log } of writers) {
      look(name, log, true);
      reached.rows = Math.max(reached.rows, log.length);
    }
    // Whatever came when, a sum is the same number, to the last bit, on every node.
    const sums = writers.map(({ log }) => aggregate(log, sum('points')).value());
    const kept = writers.map(({ name }) => followed.get(name)?.find(({ probe }) => probe.name === 'sum')?.seen);
    must(new Set([...sums, ...kept]).size === 1, `[V1] sums differ: ${sums.join()}, ${kept.join()}`);
  });
  expect(reached.late).toBeGreaterThan(20);
  expect(reached.behind).toBeGreaterThan(100);
  expect(reached.rows).toBeGreaterThan(3 * limits.chunkRowsMax);
});

test('views and aggregates stay right when the beginning of a log goes, comes back and is deleted [V1, V3, V4, V5]', () => {
  const reached = { gone: 0, cameBack: 0, deleted: 0 };
  const id = (byte: number) => writerIdFromBytes(new Uint8Array(16).fill(byte));
  const some = fc.array(fc.tuple(message, fc.nat(3)), { minLength: 4, maxLength: 16 });
  const values = fc.tuple(some, some, some, fc.nat(40), fc.nat(40));
  property('[V1] [V3] [V4] [V5] views', values, 100, ([first, second, late, pick, back]) => {
    let nowMs = Date.UTC(2026, 0, 1);
    const [log, other] = [1, 2].map(
      (byte) =>
        new ReplicatedLog<Message>(
          { id: 'history', writer: id(byte), now: () => nowMs },
          { freshWriter: () => id(byte) },
        ),
    ) as [ReplicatedLog<Message>, ReplicatedLog<Message>];
    const write = (to: ReplicatedLog<Message>, messages: readonly (readonly [Message, number])[]) => {
      for (const [payload, ms] of messages) {
        nowMs += ms;
        to.append(payload);
      }
      const entries = to.takeUnflushed();
      to.markStored(entries);
      return entries.map(({ block }) => block);
    };
    const packed = new Map<number, Uint8Array>();
    const pack = () => {
      const plan = readNow(log.pack(), packed);
      for (const { id: chunk, bytes } of plan?.add ?? []) packed.set(chunk, bytes);
      plan?.apply();
    };
    const take = (blocks: readonly Uint8Array[]) => log.markStored(log.receive(blocks).entries);
    const followed = [...probes(log, undefined).map((probe) => new Followed(probe))];
    const derived = derivedProbes(log).map((probe) => new FollowedValue(probe));
    const look = () => {
      for (const one of [...followed, ...derived]) one.look(log);
    };
    // Written early, and told late: into what is in memory, and into what is not.
    const told = write(other, late);
    nowMs = Date.UTC(2026, 0, 1);
    write(log, first);
    look();
    pack();
    write(log, second);
    pack();
    look();
    const length = log.length;
    log.trim((log.snapshot().at(pick % length) as LogEvent<Message>).clock);
    reached.gone += length - log.length;
    look();
    take(told.slice(0, told.length / 2));
    look();
    const before = log.length;
    readNow(
      log.loadOlder((oldest) => oldest.length >= back),
      packed,
    );
    reached.cameBack += log.length - before;
    look();
    take(told);
    pack();
    look();
    reached.deleted += readNow(log.drop((log.snapshot().at(pick % log.length) as LogEvent<Message>).clock), packed);
    look();
    write(log, first);
    look();
  });
  expect(reached.gone).toBeGreaterThan(100);
  expect(reached.cameBack).toBeGreaterThan(100);
  expect(reached.deleted).toBeGreaterThan(20);
});

/** Carries a reading out, with packed chunks from `chunks`. */
function readNow<V>(reading: Reading<V>, chunks: ReadonlyMap<number, Uint8Array>): V {
  for (let step = reading.next(); ; step = reading.next(chunks)) if (step.done) return step.value;
}
