/**
 * Views over generated histories with late events, beside the naive computation, after every step. Chunks have four rows,
 * so that they are copied and split all the time.
 */
import { type GossipLog, type LogEvent, limits, replicaIdFromBytes, type Snapshot } from '@gossip-log/core';
import { ReplicatedLog } from '@gossip-log/core/sync';
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

const history = arbitraryHistory(message, { stepsMax: 80 });
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

/** Events of two branches may have one id and one time: which of them it is, the object says. */
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
  const reached = { late: 0, rows: 0, behind: 0, anchored: 0 };
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
    const replicas = playHistory(steps, {
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
    for (const { name, log } of replicas) {
      look(name, log, true);
      reached.rows = Math.max(reached.rows, log.length);
    }
  });
  expect(reached.late).toBeGreaterThan(20);
  expect(reached.behind).toBeGreaterThan(100);
  expect(reached.anchored).toBeGreaterThan(20);
  expect(reached.rows).toBeGreaterThan(3 * limits.chunkRowsMax);
});

test('[V1] [V3] [V4] every aggregate and fold gives what the naive computation gives, after every step', () => {
  const reached = { late: 0, rows: 0, behind: 0 };
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
    const replicas = playHistory(steps, {
      opened: ({ name, log }) => {
        followed.set(
          name,
          derivedProbes(log).map((probe) => new FollowedValue(probe)),
        );
        look(name, log, true);
      },
      changed: ({ name, log }, arrived) => {
        const [first] = arrived;
        if (first !== undefined && log.snapshot().at(-arrived.length) !== first) reached.late++;
        look(name, log, false);
      },
    });
    for (const { name, log } of replicas) {
      look(name, log, true);
      reached.rows = Math.max(reached.rows, log.length);
    }
    // Whatever came when, a sum is the same number, to the last bit, on every replica.
    const sums = replicas.map(({ log }) => aggregate(log, sum('points')).value());
    const kept = replicas.map(({ name }) => followed.get(name)?.find(({ probe }) => probe.name === 'sum')?.seen);
    must(new Set([...sums, ...kept]).size === 1, `[V1] sums differ: ${sums.join()}, ${kept.join()}`);
  });
  expect(reached.late).toBeGreaterThan(20);
  expect(reached.behind).toBeGreaterThan(100);
  expect(reached.rows).toBeGreaterThan(3 * limits.chunkRowsMax);
});

test('[V1] [V3] [V4] [V5] views and aggregates stay right when a branch of the log gives way to another', () => {
  const reached = { gaveWay: 0, split: 0 };
  const id = (byte: number) => replicaIdFromBytes(new Uint8Array(16).fill(byte));
  const branch = fc.array(fc.tuple(message, fc.nat(3)), { minLength: 1, maxLength: 12 });
  const values = fc.tuple(branch, branch, branch, fc.nat(12), fc.nat(40));
  property('[V1] [V3] [V4] [V5] views', values, 100, ([shared, ours, theirs, others, pick]) => {
    let nowMs = Date.UTC(2026, 0, 1);
    let fresh = 100;
    const open = (byte: number) =>
      new ReplicatedLog<Message>(
        { id: 'history', replica: id(byte), now: () => nowMs },
        { freshReplica: () => id(fresh++) },
      );
    const write = (log: ReplicatedLog<Message>, messages: readonly (readonly [Message, number])[]) => {
      for (const [payload, ms] of messages) {
        nowMs += ms;
        log.append(payload);
      }
      return log.takeUnflushed().map(({ block }) => block);
    };
    // A store that was copied: the same writer goes on twice. A third replica knows of one of the branches.
    const [copy, log, other] = [open(1), open(1), open(2)];
    const beginning = write(copy, shared);
    for (const block of beginning) log.load(block);
    log.loaded();
    const followed = [...probes(log, undefined).map((probe) => new Followed(probe))];
    const values = derivedProbes(log).map((probe) => new FollowedValue(probe));
    const look = () => {
      for (const one of followed) one.look(log);
      for (const one of values) one.look(log);
    };
    look();
    write(log, ours);
    other.merge(log.encode());
    other.append((ours[0] as (typeof ours)[0])[0]);
    if (others > 4) log.merge(other.encode());
    const anchor = log.snapshot().at(pick % log.length) as LogEvent<Message>;
    look();
    nowMs -= others;
    const branchBlocks = write(copy, theirs);
    const before = [...log.snapshot()];
    // The branch begins a dispute, and is held against ours from the first event on.
    log.receive(branchBlocks);
    log.receive([...beginning, ...branchBlocks]);
    const now = new Set(log.snapshot());
    const gone = before.filter((event) => !now.has(event));
    if (gone.length > 0) reached.gaveWay++;
    if (gone.length > 0 && before.indexOf(gone[0] as LogEvent<Message>) < before.length - 4) reached.split++;
    look();
    if (!now.has(anchor)) return;
    const anchored = probes(log, anchor)
      .slice(followed.length)
      .map((probe) => new Followed(probe));
    write(log, ours);
    for (const one of anchored) one.look(log);
    look();
  });
  expect(reached.gaveWay).toBeGreaterThan(20);
  expect(reached.split).toBeGreaterThan(5);
});
