/** Chains of view operators as data: built as a view, and computed naively over the whole sequence. */
import type { GossipLog, LogEvent, WriterId } from '@gossip-log/core';
import {
  after,
  around,
  before,
  by,
  causallyAfter,
  causallyBefore,
  dedup,
  from,
  map,
  merge,
  type Operator,
  omit,
  sample,
  tag,
  tagged,
  tagsOf,
  untag,
  until,
  type View,
  type ViewSource,
  view,
  where,
} from '@gossip-log/core/view';
import fc from 'fast-check';
import type { Message } from './view-probes.js';

/** One operator, or a merge of the chain so far with other chains over the same log. */
export type Step =
  | { readonly do: 'from' | 'until'; readonly ms: number }
  | { readonly do: 'before' | 'after' | 'causallyBefore' | 'causallyAfter'; readonly event: number }
  | { readonly do: 'around'; readonly event: number; readonly count: number }
  | { readonly do: 'by'; readonly writer: number }
  | { readonly do: 'room' | 'dedup' | 'loud' | 'mapped' | 'omitted' }
  | { readonly do: 'tag' | 'untag' | 'tagged'; readonly name: 'x' | 'y' | 'z' }
  | { readonly do: 'sample'; readonly rate: number }
  | { readonly do: 'merge'; readonly chains: readonly Chain[]; readonly isFirst: boolean };

export type Chain = readonly Step[];

const index = fc.nat(60);
const plain: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('from' as const, 'until' as const), ms: fc.nat(60) }),
  fc.record({ do: fc.constantFrom('before' as const, 'after' as const), event: index }),
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('causallyBefore' as const, 'causallyAfter' as const),
      event: index,
    }),
  },
  fc.record({ do: fc.constant('around' as const), event: index, count: fc.nat(3) }),
  fc.record({ do: fc.constant('by' as const), writer: fc.nat(2) }),
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom(...(['room', 'dedup', 'loud', 'mapped', 'omitted'] as const)) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(...(['tag', 'untag', 'tagged'] as const)),
      name: fc.constantFrom(...(['x', 'y', 'z'] as const)),
    }),
  },
  fc.record({ do: fc.constant('sample' as const), rate: fc.constantFrom(0.3, 0.7) }),
);

const chainOf = (step: fc.Arbitrary<Step>) => fc.array(step, { maxLength: 4 });

export const chain: fc.Arbitrary<Chain> = chainOf(
  fc.oneof(
    { weight: 6, arbitrary: plain },
    fc.record({
      do: fc.constant('merge' as const),
      chains: fc.array(chainOf(plain), { minLength: 1, maxLength: 2 }),
      isFirst: fc.boolean(),
    }),
  ),
);

/** What chains speak of: events that may not have come yet, by number, and writers. */
export interface World {
  readonly log: GossipLog<Message>;
  readonly events: readonly LogEvent<Message>[];
  readonly writers: readonly WriterId[];
  readonly startMs: number;
}

/** An event as a chain shows it. */
export interface Shown {
  readonly stored: LogEvent<Message>;
  /** Of a redacted event there is none. */
  readonly payload: Partial<Message> | undefined;
  /** Those that `tag` or `untag` gave. */
  readonly given: readonly string[] | undefined;
}

const one = <V>(values: readonly V[], at: number): V => values[at % values.length] as V;
const pointsOf = (payload: Partial<Message>) => payload.points ?? 0;
const mapped = (payload: Partial<Message>): Partial<Message> => ({ points: -pointsOf(payload), tags: ['y'] });

/** @throws RangeError, TypeError where filters cannot both hold. */
export function build(world: World, steps: Chain): View<Partial<Message>> {
  let made: View<Partial<Message>> = view(world.log as ViewSource<Partial<Message>>);
  for (const step of steps) {
    if (step.do === 'merge') {
      const others = step.chains.map((other) => build(world, other));
      made = step.isFirst ? merge(...others, made) : merge(made, ...others);
    } else {
      made = view(made, operatorOf(world, step));
    }
  }
  return made;
}

function operatorOf(world: World, step: Exclude<Step, { do: 'merge' }>): Operator<Partial<Message>, Partial<Message>> {
  const { events, writers, startMs } = world;
  switch (step.do) {
    case 'from':
      return from(startMs + step.ms);
    case 'until':
      return until(startMs + step.ms);
    case 'before':
      return before(one(events, step.event));
    case 'after':
      return after(one(events, step.event));
    case 'causallyBefore':
      return causallyBefore(one(events, step.event));
    case 'causallyAfter':
      return causallyAfter(one(events, step.event));
    case 'around':
      return around(one(events, step.event), step.count);
    case 'by':
      return by(one(writers, step.writer));
    case 'room':
      return where('room', 'a');
    case 'dedup':
      return dedup(({ room, author }) => `${room}${author}`);
    case 'loud':
      return where((payload) => pointsOf(payload) > 0);
    case 'mapped':
      return map(mapped);
    case 'omitted':
      return omit(['author', 'tags']);
    case 'tag':
      return tag(step.name, ({ payload }) => pointsOf(payload) > 0);
    case 'untag':
      return untag(step.name);
    case 'tagged':
      return tagged(step.name);
    case 'sample':
      return sample(step.rate);
  }
}

const isLoud = ({ payload }: Shown) => payload !== undefined && pointsOf(payload) > 0;

function tagsNow({ payload, given }: Shown): readonly string[] {
  return given ?? payload?.tags ?? [];
}

/** What the chain shows of the log now, by the words of its operators. */
export function compute(world: World, steps: Chain): readonly Shown[] {
  let rows: readonly Shown[] = Array.from(world.log.snapshot(), (stored) => ({
    stored,
    payload: stored.payload,
    given: undefined,
  }));
  for (const step of steps) rows = step.do === 'merge' ? merged(world, step, rows) : applied(world, step, rows);
  return rows;
}

function merged({ log, ...world }: World, step: Step & { do: 'merge' }, rows: readonly Shown[]): readonly Shown[] {
  const others = step.chains.map((other) => compute({ log, ...world }, other));
  const all = step.isFirst ? [...others, rows] : [rows, ...others];
  return Array.from(log.snapshot()).flatMap((event) => all.flat().find(({ stored }) => stored === event) ?? []);
}

function applied(
  { log, events, writers, startMs }: World,
  step: Exclude<Step, { do: 'merge' }>,
  rows: readonly Shown[],
): readonly Shown[] {
  const whole = [...log.snapshot()];
  /** Where an event stands in the log, or would. */
  const placed = (event: LogEvent) => ({ clock: event.clock, writer: writers.indexOf(event.writer) });
  const order = (a: LogEvent, b: LogEvent) => a.clock - b.clock || placed(a).writer - placed(b).writer;
  switch (step.do) {
    case 'from':
      return rows.filter(({ stored }) => stored.timestamp >= startMs + step.ms);
    case 'until':
      return rows.filter(({ stored }) => stored.timestamp < startMs + step.ms);
    case 'before':
      return rows.filter(({ stored }) => order(stored, one(events, step.event)) < 0);
    case 'after':
      return rows.filter(({ stored }) => order(stored, one(events, step.event)) > 0);
    case 'causallyBefore':
    case 'causallyAfter': {
      const named = one(events, step.event);
      const event = whole.find(({ id }) => id === named.id);
      if (event === undefined) {
        // What follows an event that is not here shows as far as it is known.
        const known = new Set(step.do === 'causallyBefore' ? [] : view(log, causallyAfter(named)).snapshot());
        return rows.filter(({ stored }) => known.has(stored));
      }
      const wanted = step.do === 'causallyBefore' ? 'before' : 'after';
      return rows.filter(({ stored }) => log.relation(stored, event) === wanted);
    }
    case 'around': {
      const at = rows.findIndex(({ stored }) => stored.id === one(events, step.event).id);
      return at < 0 ? [] : rows.slice(Math.max(0, at - step.count), at + step.count + 1);
    }
    case 'by':
      return rows.filter(({ stored }) => stored.writer === one(writers, step.writer));
    case 'room':
      return rows.filter(({ payload }) => payload?.room === 'a');
    case 'dedup': {
      const seen = new Set<string>();
      return rows.filter(({ payload }) => {
        if (payload === undefined) return false;
        const key = `${payload.room}${payload.author}`;
        return !seen.has(key) && seen.add(key);
      });
    }
    case 'loud':
      return rows.filter(isLoud);
    case 'mapped':
      return rows.map((row) => ({ ...row, payload: row.payload && mapped(row.payload) }));
    case 'omitted':
      return rows.map((row) => {
        if (row.payload === undefined) return row;
        const { author: _a, tags: _t, ...payload } = row.payload;
        return { ...row, payload };
      });
    case 'tag':
      return rows.map((row) => (isLoud(row) ? { ...row, given: [...new Set([...tagsNow(row), step.name])] } : row));
    case 'untag':
      return rows.map((row) => ({ ...row, given: tagsNow(row).filter((name) => name !== step.name) }));
    case 'tagged':
      return rows.filter((row) => tagsNow(row).includes(step.name));
    case 'sample': {
      // Which events are picked only the draw knows; that it is a share of them, and the same everywhere, other tests show.
      const picked = new Set(Array.from(view(log, sample(step.rate)).snapshot(), ({ id }) => id));
      return rows.filter(({ stored }) => picked.has(stored.id));
    }
  }
}

/** As plain values, to be compared. */
export function plainOf(event: LogEvent<Partial<Message>>): unknown {
  return { id: event.id, payload: event.payload, tags: tagsOf(event), redacted: event.redacted?.id };
}

export function plainShown(row: Shown): unknown {
  return { id: row.stored.id, payload: row.payload, tags: tagsNow(row), redacted: row.stored.redacted?.id };
}
