import { expect, expectTypeOf, test } from 'vitest';
import { payloads, ViewLog, writerOf } from '../../test/view-log.js';
import { emptySnapshot, type GossipLog, type LogEvent } from '../index.js';
import { viewErrorsMax } from '../limits.js';
import {
  after,
  aggregate,
  anonymize,
  around,
  before,
  by,
  causallyBefore,
  count,
  dedup,
  fold,
  from,
  group,
  last,
  map,
  merge,
  omit,
  sample,
  split,
  sum,
  tag,
  tagged,
  top,
  until,
  type View,
  type ViewSource,
  view,
  where,
} from './index.js';

interface Message {
  readonly room: string;
  readonly points: number;
}

const at = (points: number, room = 'tea'): Message => ({ room, points });

test('[V2] building views subscribes to nothing, takes no snapshot and calls no function', () => {
  const calls: unknown[] = [];
  const source: ViewSource<Message> = {
    snapshot() {
      calls.push('snapshot');
      return emptySnapshot;
    },
    subscribe() {
      calls.push('subscribe');
      return () => {};
    },
  };
  const asked = () => {
    calls.push('function');
    return true;
  };
  const made = view(source, from(5), where(asked), map(asked), tag('x', asked));
  aggregate(merge(made, view(made, dedup(asked))), count());
  expect(calls).toEqual([]);
  made.snapshot();
  expect(calls).toEqual(['snapshot']);
});

test('[V2] filters by time, writer and sample make no event objects', () => {
  const { log, ...rest } = new ViewLog<Message>();
  const writer = Object.assign(Object.create(ViewLog.prototype), { log, ...rest }) as ViewLog<Message>;
  for (let i = 0; i < 50; i++) log.append(at(i));
  const other = new ViewLog<Message>(2).log;
  other.merge(log.encode());
  const made = view(other, from(0), until(2_000), by(writer.log.writer), sample(0.5));
  expect(made.snapshot().length).toBeGreaterThan(5);
  const { chunks } = other.snapshot() as unknown as { chunks: readonly { events: unknown }[] };
  expect(chunks.map(({ events }) => events)).toEqual([undefined]);
});

test('what comes and goes again while only an aggregate looks leaves a snapshot the same object [V4]', () => {
  const made = new ViewLog<Message>();
  const anchor = made.append(at(1));
  const shown = view(
    made.log,
    around(anchor, 1),
    where((message) => message.points > 5),
  );
  const points = aggregate(shown, sum('points'));
  const seen = shown.snapshot();
  made.nowMs += 10;
  made.append(at(7));
  expect(points.value()).toBe(7);
  made.late(1_005, at(2));
  expect(points.value()).toBe(0);
  expect(shown.snapshot()).toBe(seen);
});

test('[V4] a change that a view does not show leaves its snapshot the same object, and tells nobody', () => {
  const { log, append, late } = bound(new ViewLog<Message>());
  const made = view(log, where('room', 'tea'));
  append(at(1), at(2));
  const seen = made.snapshot();
  let told = 0;
  const end = made.subscribe(() => told++);
  append(at(3, 'coffee'));
  late(1_001, at(4, 'coffee'));
  expect(made.snapshot()).toBe(seen);
  expect(told).toBe(0);
  append(at(5));
  expect(told).toBe(1);
  expect(made.snapshot()).not.toBe(seen);
  expect(payloads(seen)).toEqual([at(1), at(2)]);
  expect(payloads(made.snapshot())).toEqual([at(1), at(2), at(5)]);
  end();
});

test('[V5] changes are splices of one view; a snapshot of another is refused', () => {
  const { log, append, late } = bound(new ViewLog<Message>());
  const made = view(
    log,
    where(({ points }) => points > 0),
  );
  append(at(1), at(-1), at(3));
  const seen = made.snapshot();
  late(1_002, at(2));
  append(at(-2), at(4));
  const shown = made.changesSince(seen).map(({ at, removed, inserted }) => [at, removed.length, payloads(inserted)]);
  expect(shown).toEqual([
    [1, 0, [at(2)]],
    [3, 0, [at(4)]],
  ]);
  expect(made.changesSince(made.snapshot())).toEqual([]);
  expect(() => view(log).changesSince(seen)).toThrow(TypeError);
  expect(() => made.changesSince(log.snapshot())).toThrow(TypeError);
});

test('[V6] a predicate that throws is reported with the event, once, and excludes it; the view goes on', () => {
  const { log, append, late } = bound(new ViewLog<Message>());
  const made = view(
    log,
    where(({ points }) => {
      if (points === 2) throw new Error('two');
      return true;
    }),
  );
  const over = aggregate(made, count());
  let told = 0;
  const end = over.subscribe(() => told++);
  append(at(1));
  const event = append(at(2));
  expect(told).toBe(2);
  late(1_001, at(3));
  expect(over.value()).toBe(2);
  expect(over.errors()).toMatchObject([
    { code: 'view-threw', context: { operator: 'where', id: event.id }, cause: { message: 'two' } },
  ]);
  expect(made.errors()).toEqual(over.errors());
  end();
});

test('[V6] where a projection throws, the event shows without payload and says why', () => {
  const { log, append } = bound(new ViewLog<Message>());
  const made = view(
    log,
    map(({ points }) => {
      if (points === 2) throw new Error('two');
      return points;
    }),
  );
  append(at(1), at(2), at(3));
  expect(payloads(made.snapshot())).toEqual([1, undefined, 3]);
  expect(made.snapshot().at(1)?.error?.code).toBe('view-threw');
  expect(made.errors()).toHaveLength(1);
});

test('[V6] what dedup and aggregates ask may throw too: the event does not count', () => {
  const { log, append, late } = bound(new ViewLog<Message>());
  const refuse = ({ points }: Message) => {
    if (points === 2) throw new Error('two');
    return points;
  };
  const total = aggregate(log, sum(refuse));
  const rooms = aggregate(
    log,
    group((message) => (refuse(message) > 0 ? message.room : ''), count()),
  );
  const single = view(log, dedup(refuse));
  append(at(1), at(2), at(2), at(3));
  late(1_001, at(5));
  expect([total.value(), rooms.value().get('tea'), single.snapshot().length]).toEqual([9, 3, 3]);
  expect([total.errors().length, rooms.errors().length, single.errors().length]).toEqual([2, 2, 2]);
});

test('[V6] [L7] a view keeps the newest errors only', () => {
  const { log, append } = bound(new ViewLog<number>());
  const made = view(
    log,
    where((n: number) => {
      throw new Error(String(n));
    }),
  );
  append(...Array.from({ length: viewErrorsMax + 10 }, (_, i) => i));
  expect(made.snapshot().length).toBe(0);
  expect(made.errors()).toHaveLength(viewErrorsMax);
  expect(made.errors().at(-1)?.cause).toMatchObject({ message: String(viewErrorsMax + 9) });
});

test('[V7] filters that cannot both hold are reported when the view is built, across views too', () => {
  const { log, append } = bound(new ViewLog<Message>());
  append(at(1), at(2), at(3));
  const [first, second, third] = log.snapshot().slice() as [LogEvent<Message>, LogEvent<Message>, LogEvent<Message>];
  const recent = view(log, from(second.timestamp));
  const of = (build: () => unknown, error: typeof TypeError | typeof RangeError) => expect(build).toThrow(error);
  of(() => view(log, from(2), until(2)), RangeError);
  of(() => view(recent, until(first.timestamp)), RangeError);
  of(() => view(log, after(third), before(first)), RangeError);
  of(() => view(log, after(first), before(first)), RangeError);
  of(() => view(recent, before(first)), RangeError);
  of(() => view(log, after(third), until(first.timestamp)), RangeError);
  of(() => view(log, by(log.writer), by(writerOf(9))), TypeError);
  of(() => view(log, by([log.writer, writerOf(8)]), by(writerOf(9))), TypeError);
  of(() => view(log, by({ author: 'ada' }), by({ author: 'bob' })), TypeError);
  of(() => view(view(log, where('room', 'tea')), where('room', 'coffee')), TypeError);
  expect(view(recent, until(third.timestamp), before(third), after(first), where('room', 'tea')).snapshot().at(0)).toBe(
    second,
  );
  // What shows other payloads or writers is bound by nothing that was said of those before.
  expect(() =>
    view(
      view(
        log,
        where('room', 'tea'),
        map(({ room }) => ({ room })),
      ),
      where('room', 'x'),
    ),
  ).not.toThrow();
});

test.each([
  ['from', () => from('1' as unknown as number), TypeError],
  ['until', () => until(Number.NaN), TypeError],
  ['by', () => by('ada' as never), TypeError],
  ['before', () => before(1 as never), TypeError],
  ['around', () => around({ clock: 1 } as never, -1), RangeError],
  ['sample', () => sample(1.5), RangeError],
  ['split', () => split(new ViewLog().log, 0), RangeError],
  ['last', () => last(0), RangeError],
  ['top', () => top(1.5, () => 1), RangeError],
  ['where', () => where('room' as never), TypeError],
  ['merge', () => merge(), TypeError],
  ['view', () => view({} as never), TypeError],
  ['view', () => view({ snapshot: () => [1], subscribe: () => () => {} } as never).snapshot(), TypeError],
  ['aggregate', () => aggregate(new ViewLog().log, count as never), TypeError],
  [
    'causallyBefore',
    () => view(merge(new ViewLog().log, new ViewLog().log), causallyBefore({ clock: 1 } as never)),
    TypeError,
  ],
])('[V7] %s refuses what is none of its arguments', (_name, build, error) => {
  expect(build).toThrow(error);
});

test('[V1] sample picks the same on every node, split puts every event into one part', () => {
  const { log, append } = bound(new ViewLog<number>());
  append(...Array.from({ length: 2_000 }, (_, i) => i));
  const other = new ViewLog<number>(2).log;
  other.merge(log.encode());
  const ids = (made: View<number>) => made.snapshot().map(({ id }) => id);
  const quarter = ids(view(log, sample(0.25)));
  const half = ids(view(log, sample(0.5)));
  expect(ids(view(other, sample(0.5)))).toEqual(half);
  expect(half.length).toBeGreaterThan(900);
  expect(half.length).toBeLessThan(1_100);
  expect(quarter.every((id) => half.includes(id))).toBe(true);
  const parts = split(log, 3).map(ids);
  expect(parts.flat().sort()).toEqual(ids(view(log)).sort());
  expect(parts.every((part) => part.length > 500)).toBe(true);
  // A part of a sample is cut from all of it.
  expect(split(view(log, sample(0.3)), 2).every((part) => part.snapshot().length > 200)).toBe(true);
});

test('[V3] a filter that begins anew asks nothing of the filters beside it again', () => {
  const { log, append } = bound(new ViewLog<Message>());
  const other = new ViewLog<Message>(2);
  const unknown = other.append(at(0));
  let asked = 0;
  const loud = where(({ points }: Message) => {
    asked++;
    return points > 0;
  });
  const made = view(log, loud, causallyBefore(unknown), loud);
  append(at(1));
  expect(made.snapshot().length).toBe(0);
  append(at(2));
  expect(made.snapshot().length).toBe(0);
  expect(asked).toBe(2);
});

test('[V6] an error that reaches a view on two ways is there once', () => {
  const { log, append } = bound(new ViewLog<Message>());
  const broken = view(
    log,
    where((_message: Message): boolean => {
      throw new Error('no');
    }),
  );
  const made = merge(view(broken, tagged('x')), view(broken, tagged('y')));
  append(at(1));
  made.snapshot();
  expect(made.errors()).toHaveLength(1);
});

test('[V1] anonymize hides the writer from all that follows', () => {
  const { log, append, late } = bound(new ViewLog<Message>());
  append(at(1), at(2));
  late(1_001, at(3));
  const made = view(log, anonymize(['points']));
  const [first, second, third] = made.snapshot().slice() as [LogEvent, LogEvent, LogEvent];
  expect(first.payload).toEqual({ room: 'tea' });
  expect(new Set([first.writer, second.writer, third.writer]).size).toBe(2);
  expect(JSON.stringify([first, second, third])).not.toContain(log.writer);
  expect(view(made, by(log.writer)).snapshot().length).toBe(0);
  expect(view(made, by(third.writer)).snapshot().slice()).toEqual(
    [first, third].filter((one) => one.writer === third.writer),
  );
  expect(payloads(log.snapshot()).at(0)).toEqual(at(1));
});

test('[V1] views of several logs merge in one order, with equal ids kept apart', () => {
  const [tea, coffee] = [bound(new ViewLog<string>()), bound(new ViewLog<string>())];
  const made = merge<string>(tea.log, coffee.log);
  tea.append('t1');
  coffee.append('c1');
  tea.append('t2');
  coffee.append('c2');
  expect(payloads(made.snapshot())).toEqual(['t1', 'c1', 't2', 'c2']);
  const seen = made.snapshot();
  coffee.late(1_001, 'c0');
  expect(payloads(made.snapshot())).toEqual(['t1', 'c1', 'c0', 't2', 'c2']);
  expect(made.changesSince(seen).map((splice) => splice.at)).toEqual([2]);
  expect(payloads(aggregate(merge(coffee.log, made), last(2)).value())).toEqual(['c2', 't2']);
});

test('[V1] a view is built from handles that have no log yet', () => {
  let snapshot: ReturnType<GossipLog<Message>['snapshot']> = emptySnapshot;
  const source: ViewSource<Message> = { snapshot: () => snapshot, subscribe: () => () => {} };
  const made = view(source, where('room', 'tea'));
  expect(made.snapshot().length).toBe(0);
  const { log, append } = bound(new ViewLog<Message>());
  append(at(1));
  snapshot = log.snapshot();
  expect(payloads(made.snapshot())).toEqual([at(1)]);
  snapshot = emptySnapshot;
  expect(made.snapshot().length).toBe(0);
});

test('[V1] types follow the operators', () => {
  const { log } = new ViewLog<Message>();
  expectTypeOf(
    view(
      log,
      from(1),
      where('points', 2),
      map(({ room }) => room),
    ),
  ).toEqualTypeOf<View<string>>();
  expectTypeOf(view(log, omit(['room']), tagged('x'))).toEqualTypeOf<View<Omit<Message, 'room'>>>();
  expectTypeOf(aggregate(log, group('room', sum('points'))).value()).toEqualTypeOf<ReadonlyMap<string, number>>();
  // @ts-expect-error there is no such property
  where<Message, 'nothing'>('nothing', 1);
});

/** Methods that can be taken apart. */
function bound<T>(made: ViewLog<T>) {
  return { log: made.log, append: made.append.bind(made), late: made.late.bind(made) };
}

test('JSON of views, aggregates and folds is what they show, not what they are made of', () => {
  const made = new ViewLog<number>();
  made.append(1, 2);
  const even = view(
    made.log,
    where((n: number) => n % 2 === 0),
  );
  const shown = {
    even,
    count: aggregate(even, count()),
    sum: fold(made.log, (sum: number, { payload }) => sum + payload, 0),
  };
  const { id } = even.snapshot().at(0) as LogEvent<number>;
  expect(JSON.parse(JSON.stringify(shown))).toMatchObject({ even: [{ id, payload: 2 }], count: 1, sum: 3 });
});

test('what is no event stands nowhere in a snapshot', () => {
  const made = new ViewLog<number>();
  made.append(1, 2);
  for (const snapshot of [made.log.snapshot(), view(made.log).snapshot()]) {
    for (const none of [undefined, null, 5, {}, { id: 'x' }]) expect(snapshot.indexOf(none as never)).toBe(-1);
    expect(() => snapshot.map(undefined as never)).toThrow(/^map: expected a function, got undefined/);
  }
});
