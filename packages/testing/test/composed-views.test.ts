/**
 * Chains of operators over logs whose events come in any order, and the events that operators name among them. Chunks have
 * four rows, so that they are copied and split all the time.
 */
import {
  clockStepsPerMs,
  type LogEvent,
  limits,
  type Snapshot,
  type WriterId,
  writerIdFromBytes,
} from '@gossip-log/core';
import { ReplicatedLog } from '@gossip-log/core/sync';
import { aggregate, count, type Derived, fold, group, last, max, sum, type View } from '@gossip-log/core/view';
import { dequal } from 'dequal';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { build, type Chain, chain, compute, plainOf, plainShown, type World } from './composed-views.js';
import { property } from './property.js';
import { type Message, message } from './view-probes.js';

vi.mock('../../core/src/limits.js', async (original) => ({
  ...(await original<typeof import('../../core/src/limits.js')>()),
  chunkRowsMax: 4,
  foldStepEvents: 3,
  foldCheckpointsMax: 4,
}));

const startMs = Date.UTC(2026, 0, 1);
const writers = [1, 2, 3].map((byte) => writerIdFromBytes(new Uint8Array(16).fill(byte)));
const reader = writerIdFromBytes(new Uint8Array(16).fill(9));

interface Written {
  readonly events: readonly LogEvent<Message>[];
  /** A block for each. */
  readonly blocks: readonly Uint8Array[];
}

/** Who writes, what, how much later, and of whom the writer has everything by then; and which event is redacted instead. */
const redacts = fc.option(fc.nat(60), { nil: undefined, freq: 3 });
const writing = fc.array(fc.tuple(fc.nat(2), message, fc.nat(3), fc.nat(2), redacts), {
  minLength: 1,
  maxLength: 40,
  size: 'max',
});

function write(steps: readonly (readonly [number, Message, number, number, number | undefined])[]): Written {
  let nowMs = startMs;
  const logs = writers.map((writer) => openLog(writer, () => nowMs));
  const events: LogEvent<Message>[] = [];
  const blocks: Uint8Array[] = [];
  for (const [writer, payload, ms, other, redacted] of steps) {
    const log = logs[writer] as ReplicatedLog<Message>;
    log.merge((logs[other] as ReplicatedLog<Message>).encode(log.version()));
    nowMs += ms;
    const named = redacted === undefined ? undefined : log.snapshot().at(redacted % Math.max(1, log.length));
    if (named === undefined || named.redacted !== undefined) events.push(log.append(payload));
    else log.redact(named.id);
    const entries = log.takeUnflushed();
    blocks.push((entries.at(-1) as (typeof entries)[number]).block);
  }
  return { events, blocks };
}

function openLog(writer: WriterId, now: () => number): ReplicatedLog<Message> {
  return new ReplicatedLog<Message>({ id: 'history', writer, now }, { freshWriter: () => reader });
}

function must(holds: boolean, title: string, chain: Chain): asserts holds {
  if (!holds) throw new Error(`${title}: ${JSON.stringify(chain)}`);
}

/** A view that is read now and then, and that one reader may be subscribed to. */
class Followed {
  seen: Snapshot<Partial<Message>>;
  shown: readonly unknown[] = [];
  told = 0;

  constructor(
    readonly world: World,
    readonly chain: Chain,
    readonly made: View<Partial<Message>>,
    readonly isSubscribed: boolean,
  ) {
    this.seen = made.snapshot();
    this.shown = Array.from(this.seen, plainOf);
    if (isSubscribed) made.subscribe(() => this.told++);
  }

  look(): boolean {
    const { made, seen, shown, chain } = this;
    const mirror = seen.slice();
    for (const { at, removed, inserted } of made.changesSince(seen)) {
      const out = mirror.splice(at, removed.length, ...inserted);
      must(dequal(out, [...removed]), 'another row was taken out', chain);
    }
    const now = made.snapshot();
    const plain = Array.from(now, plainOf);
    const expected = compute(this.world, chain).map(plainShown);
    must(dequal(plain, expected), `${JSON.stringify(plain)} is not ${JSON.stringify(expected)}`, chain);
    must(dequal(mirror, now.slice()), 'splices give other rows', chain);
    const isSame = dequal(plain, shown);
    must((now === seen) === isSame, `${isSame ? 'another' : 'the same'} snapshot`, chain);
    if (this.isSubscribed) must(this.told > 0 === !isSame, `told ${this.told} times`, chain);
    must(made.errors().length === 0, `${made.errors()[0]?.message}`, chain);
    this.told = 0;
    this.seen = now;
    this.shown = plain;
    return !isSame;
  }
}

/** What is summed up of a view, and anew of a view that is built anew. */
const derivations: readonly ((made: View<Partial<Message>>) => Derived<unknown>)[] = [
  (made) => aggregate(made, count()),
  (made) => aggregate(made, sum('points')),
  (made) => aggregate(made, max('points')),
  (made) => aggregate(made, last(2)),
  (made) => aggregate(made, group('room', last(1))),
  (made) => fold(made, (ids: string, { id }) => `${ids.slice(-60)} ${id}`, ''),
];

/** Events of two views of one log may be two objects. */
const comparable = (value: unknown): unknown => {
  if (value instanceof Map) return [...value].map(([key, each]) => [key, comparable(each)]).sort();
  if (Array.isArray(value)) return value.map(comparable);
  return typeof value === 'object' && value !== null && 'clock' in value ? plainOf(value as LogEvent<Message>) : value;
};

test('chains of operators show what they give over the whole log, after every change, and are told of nothing else [V1] [V4] [V5]', () => {
  expect(limits.chunkRowsMax).toBe(4);
  const reached = { changed: 0, unchanged: 0, named: 0, rows: 0, holes: 0, redacted: 0 };
  const values = fc.tuple(
    writing,
    fc.array(chain, { minLength: 2, maxLength: 4 }),
    fc.array(fc.nat(), { minLength: 1, maxLength: 40 }),
    fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }),
    fc.boolean(),
  );
  property('chains of operators', values, 40, ([steps, chains, picks, looks, hasHoles]) => {
    const { events, blocks } = write(steps);
    const log = openLog(reader, () => startMs + 1_000);
    // Below an edge events show without those that they depend on, until these come.
    const edge = (startMs + 1_000) * clockStepsPerMs;
    if (hasHoles) log.resumeEdges({ wanted: edge, complete: edge });
    const world: World = { log, events, writers, startMs };
    const followed = chains.flatMap((steps) => {
      try {
        return [true, false].map((isSubscribed) => new Followed(world, steps, build(world, steps), isSubscribed));
      } catch (error) {
        // Filters that cannot both hold.
        if (error instanceof RangeError || error instanceof TypeError) return [];
        throw error;
      }
    });
    const derived = followed.flatMap((one) => {
      if (one.isSubscribed) return [];
      // Not of the view that is followed: what comes and goes between two looks at that would be looked at here.
      const made = build(world, one.chain);
      return derivations.map((derive) => ({ one, derive, made: derive(made) }));
    });
    const look = (all: boolean, turn: number) => {
      for (const [i, one] of followed.entries()) {
        if (!all && !one.isSubscribed && looks[(turn + i) % looks.length] !== true) continue;
        if (one.look()) reached.changed++;
        else reached.unchanged++;
        reached.rows = Math.max(reached.rows, one.seen.length);
      }
      for (const [i, { one, derive, made }] of derived.entries()) {
        // Building them anew takes long.
        if (!all && (turn + i) % 16 > 0) continue;
        const expected = derive(build(world, one.chain)).value();
        must(dequal(comparable(made.value()), comparable(expected)), 'another value', one.chain);
        must(Object.is(made.value(), made.value()), 'another object', one.chain);
      }
    };
    const waiting = [...blocks];
    for (let turn = 0; waiting.length > 0; turn++) {
      const at = (picks[turn % picks.length] as number) % waiting.length;
      const shown = Array.from(log.snapshot(), ({ id }) => id);
      const { added } = log.receive(waiting.splice(at, 1));
      if (hasHoles && added === 1 && at > 0) reached.holes++;
      if (shown.some((id) => log.get(id)?.redacted !== undefined)) reached.redacted++;
      look(waiting.length === 0, turn);
    }
    reached.named += chains.flat().filter((step) => step.do === 'causallyBefore' || step.do === 'around').length;
  });
  expect(reached.changed).toBeGreaterThan(500);
  expect(reached.unchanged).toBeGreaterThan(500);
  expect(reached.holes).toBeGreaterThan(50);
  expect(reached.redacted).toBeGreaterThan(50);
  expect(reached.named).toBeGreaterThan(20);
  expect(reached.rows).toBeGreaterThan(3 * limits.chunkRowsMax);
});
