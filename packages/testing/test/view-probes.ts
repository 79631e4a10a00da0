/** Every operator of a view beside the naive computation over the whole sequence. */
import type { GossipLog, LogEvent } from '@gossip-log/core';
import {
  after,
  anonymize,
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
  view,
  where,
} from '@gossip-log/core/view';
import fc from 'fast-check';

export interface Message {
  readonly room: string;
  readonly author: string;
  readonly points: number;
  readonly tags: readonly string[];
}

type Event = LogEvent<Message>;

const name = fc.constantFrom('a', 'b', 'c');

export const message: fc.Arbitrary<Message> = fc.record({
  room: name,
  author: name,
  points: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ noNaN: true, min: -1e12, max: 1e12 })),
  tags: fc.subarray(['x', 'y']),
});

/** How often a probe's function was asked, by event: an id may come to name another event when a branch gives way. */
export class Calls {
  readonly counts = new Map<LogEvent, number>();

  counting<R>(answer: (message: Message, event: Event) => R): (message: Message, event: Event) => R {
    return (payload, event) => {
      this.counts.set(event, (this.counts.get(event) ?? 0) + 1);
      return answer(payload, event);
    };
  }
}

export interface Probe {
  readonly name: string;
  readonly made: View<unknown>;
  /** What it should show, as plain values. */
  readonly naive: (events: readonly Event[]) => unknown[];
  readonly calls: Calls;
}

/** What of an event a view shows. */
export function shown(event: LogEvent): unknown {
  const { id, writer, seq, clock, payload, redacted } = event;
  return { id, writer, seq, clock, payload, tags: tagsOf(event), redacted: redacted?.id };
}

/** Functions that count on a payload throw for those that have none: then they are left out. */
export const readable = (events: readonly Event[]) => events.filter(({ redacted }) => redacted === undefined);

/** Probes of a log. `anchor` is one of its events, for those that need one. */
export function probes(log: GossipLog<Message>, anchor: Event | undefined): Probe[] {
  const probe = (
    title: string,
    build: (calls: Calls) => View<unknown>,
    naive: (events: readonly Event[]) => readonly LogEvent[],
  ): Probe => {
    const calls = new Calls();
    return {
      name: title,
      made: build(calls),
      calls,
      naive: (events) => naive(events).map((event) => ('tags' in event ? event : shown(event))),
    };
  };
  const filtered = (title: string, operator: Operator<Message, Message>, passes: (event: Event) => boolean) =>
    probe(
      title,
      () => view(log, operator),
      (events) => events.filter(passes),
    );
  const { writer } = log;
  const isLoud = (payload: Message) => payload.points > 0;
  const firsts = (events: readonly Event[], key: (event: Event) => unknown) => {
    const seen = new Set();
    return events.filter((event) => !seen.has(key(event)) && seen.add(key(event)));
  };
  const mid = Date.UTC(2026, 0, 1) + 30;
  const reaction = (event: Event, payload: unknown, tags = tagsOf(event)) =>
    ({ ...(shown(event) as object), payload, tags }) as unknown as LogEvent;
  const all = [
    probe(
      'nothing',
      () => view(log),
      (events) => events,
    ),
    filtered('from', from(mid), (event) => event.timestamp >= mid),
    filtered('until', until(mid), (event) => event.timestamp < mid),
    filtered('by writer', by(writer), (event) => event.writer === writer),
    filtered('by author', by({ author: 'a' }), (event) => event.payload?.author === 'a'),
    filtered('where value', where('room', 'b'), (event) => event.payload?.room === 'b'),
    filtered('tagged', tagged('x'), (event) => event.payload?.tags.includes('x') ?? false),
    probe(
      'where function',
      (calls) => view(log, where(calls.counting(isLoud))),
      (events) => readable(events).filter((event) => isLoud(event.payload)),
    ),
    probe(
      'filters side by side, and a view of a view',
      (calls) =>
        view(
          view(
            log,
            where('room', (room) => room !== 'c'),
            tagged('y'),
          ),
          where(calls.counting(isLoud)),
        ),
      (events) =>
        readable(events).filter(({ payload }) => payload.room !== 'c' && payload.tags.includes('y') && isLoud(payload)),
    ),
    probe(
      'dedup',
      (calls) => view(log, dedup(calls.counting((payload) => payload.room + payload.author))),
      (events) => firsts(readable(events), ({ payload }) => payload.room + payload.author),
    ),
    probe(
      'dedup of a filter, filtered',
      (calls) =>
        view(
          log,
          tagged('x'),
          dedup(calls.counting((payload) => payload.author)),
          where('room', (room) => room !== 'a'),
        ),
      (events) =>
        firsts(
          readable(events).filter(({ payload }) => payload.tags.includes('x')),
          ({ payload }) => payload.author,
        ).filter(({ payload }) => payload.room !== 'a'),
    ),
    probe(
      'map',
      (calls) =>
        view(
          log,
          map(calls.counting((payload) => payload.points * 2)),
          where((double) => double > 0),
        ),
      (events) =>
        readable(events)
          .filter(({ payload }) => payload.points > 0)
          .map((event) => reaction(event, event.payload.points * 2, [])),
    ),
    probe(
      'omit',
      () => view(log, omit(['points', 'tags'])),
      (events) =>
        events.map((event) =>
          event.redacted === undefined
            ? reaction(event, { room: event.payload.room, author: event.payload.author }, [])
            : event,
        ),
    ),
    probe(
      'tag, untag',
      () =>
        view(
          log,
          tag('loud', ({ payload }) => isLoud(payload)),
          untag('x'),
          tagged('loud'),
        ),
      (events) =>
        readable(events)
          .filter(({ payload }) => isLoud(payload))
          .map((event) => reaction(event, event.payload, [...event.payload.tags.filter((x) => x !== 'x'), 'loud'])),
    ),
    probe(
      'merge of overlapping views of one log',
      () => merge(view(log, where('room', 'a')), view(log, tagged('x'))),
      (events) => readable(events).filter(({ payload }) => payload.room === 'a' || payload.tags.includes('x')),
    ),
  ];
  const picked = view(log, sample(0.5));
  all.push(
    probe(
      'sample: a half is part of three quarters',
      () => merge(view(log, sample(0.75)), picked),
      () => view(log, sample(0.75)).snapshot().slice(),
    ),
  );
  const pseudonymous = view(log, anonymize(['author']));
  all.push({
    name: 'anonymize',
    made: view(
      pseudonymous,
      map((payload, event) => [payload, event.seq]),
    ),
    calls: new Calls(),
    naive: (events) => {
      const names = new Map<string, string>();
      return events.map((event, i) => {
        const at = pseudonymous.snapshot().at(i) as LogEvent;
        if (names.has(event.writer) && names.get(event.writer) !== at.writer) throw new Error('another pseudonym');
        if (at.writer === event.writer) throw new Error('the writer shows');
        names.set(event.writer, at.writer);
        if (event.redacted !== undefined) {
          if (at.redacted?.writer === event.redacted.writer) throw new Error('the writer of the redaction shows');
          return shown(at);
        }
        const { author: _, ...payload } = event.payload;
        return { ...(shown(at) as object), payload: [payload, event.seq], tags: [] };
      });
    },
  });
  if (anchor === undefined) return all;
  const at = (events: readonly Event[]) => events.findIndex(({ id }) => id === anchor.id);
  all.push(
    probe(
      'before',
      () => view(log, before(anchor)),
      (events) => events.slice(0, at(events)),
    ),
    probe(
      'after',
      () => view(log, after(anchor)),
      (events) => events.slice(at(events) + 1),
    ),
    probe(
      'around',
      () => view(log, around(anchor, 2)),
      (events) => events.slice(Math.max(0, at(events) - 2), at(events) + 3),
    ),
    probe(
      'causallyBefore',
      () => view(log, causallyBefore(anchor)),
      (events) => events.filter((event) => log.relation(event, anchor) === 'before'),
    ),
    probe(
      'causallyAfter of a filter',
      () => view(log, where('room', 'a'), causallyAfter(anchor)),
      (events) => events.filter((event) => event.payload?.room === 'a' && log.relation(event, anchor) === 'after'),
    ),
  );
  return all;
}
