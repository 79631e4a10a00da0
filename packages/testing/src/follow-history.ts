/**
 * Plays a history while apps follow its logs, and finds out whether they agree.
 *
 * - [A1] After a full exchange all replicas' apps show what a newcomer shows, who sees the whole log at once.
 * - [A2] What an app shows does not depend on its clock or on randomness.
 * - [A3] Apps share nothing.
 */
import type { LogEvent, PayloadCodec, Snapshot, WriterId } from '@gossip-log/core';
import fc from 'fast-check';
import { type World, within, world } from './borrowed-world.js';
import type { Fault, Witness } from './convergence-report.js';
import type { History } from './history.js';
import { type PlayedReplica, playHistory } from './play-history.js';

/** App code that follows a log. One is made per replica, and another after a restart. */
export interface Consumer<T, S> {
  /** The log as it is: once at the beginning, and again after every change. */
  onChange(snapshot: Snapshot<T>): void;
  /** What the app shows now. */
  state(): S;
}

/** Thrown by an app's adapter that saw a reducer change what it was given. */
export class Mutation extends Error {}

/** Ends a history early; fast-check shrinks whatever throws. */
export class Divergence extends Error {
  constructor(readonly fault: Fault) {
    super(fault.what);
  }
}

interface Follower<T, S> {
  readonly name: string;
  readonly consumer: Consumer<T, S>;
  readonly arrivals: string[];
}

/** What a follower showed, as a value and as text, which stays when the value is written into. */
interface Seen<T, S> {
  readonly follower: Follower<T, S>;
  readonly state: S;
  readonly text: string;
}

export interface FollowOptions<T, S> {
  readonly create: () => Consumer<T, S>;
  readonly equal: (a: S, b: S) => boolean;
  readonly codec: PayloadCodec<T> | undefined;
}

/** @throws Divergence with the first rule that is broken. */
export function followHistory<T, S>(history: History<T>, { create, equal, codec }: FollowOptions<T, S>): void {
  const names = new Map<WriterId, string>();
  let steps: string[] = [];
  let seen: Snapshot<T> | undefined;

  const nameOf = ({ writer, seq }: LogEvent<T>) => `${names.get(writer)}.${seq}`;
  const named = (events: Iterable<LogEvent<T>>) => [...events].map(nameOf).join(' ');

  const fail = (fault: Pick<Fault, 'what' | 'cause' | 'error'>, witnesses: readonly Witness[] = []): never => {
    const events = [...(seen ?? [])].map((event) => ({ name: nameOf(event), payload: event.payload }));
    throw new Divergence({ ...fault, steps, events, witnesses });
  };

  /** Runs code of the app. */
  const run = <R>(name: string, outside: World, task: () => R): R => {
    try {
      return within(outside, task);
    } catch (error) {
      if (error instanceof Mutation) return fail({ what: `${name}: ${error.message}.`, cause: 'mutation' });
      return fail({ what: `the app of ${name} threw ${error}.`, cause: 'throws', error });
    }
  };

  const show = ({ name, consumer }: Follower<T, S>, outside: World, snapshot: Snapshot<T>) => {
    seen = snapshot;
    run(name, outside, () => consumer.onChange(snapshot));
  };

  const follow = (name: string, outside: World, snapshot: Snapshot<T>): Follower<T, S> => {
    const consumer = run(name, outside, create);
    const follower = { name, consumer, arrivals: snapshot.length === 0 ? [] : [named(snapshot)] };
    show(follower, outside, snapshot);
    return follower;
  };

  /** Plays the whole history. */
  const play = () => {
    const followers = new Map<string, Follower<T, S>>();
    let calls = 0;
    steps = [];
    const [first] = playHistory(history, {
      codec,
      step: (words) => steps.push(words),
      opened({ name, log, nowMs }) {
        names.set(log.writer, name);
        followers.set(name, follow(name, world(nowMs, ++calls), log.snapshot()));
      },
      changed({ name, log, nowMs }, arrived) {
        const follower = followers.get(name) as Follower<T, S>;
        if (arrived.length > 0) follower.arrivals.push(named(arrived));
        show(follower, world(nowMs, ++calls), log.snapshot());
      },
    }) as [PlayedReplica<T>];
    return { followers: [...followers.values()], snapshot: first.log.snapshot(), nowMs: first.nowMs };
  };

  const { followers, snapshot, nowMs } = play();
  const now = () => world(nowMs, 0);
  const elsewhere = () => world(nowMs + 86_400_001, 1);
  const stateOf = (follower: Follower<T, S>, outside = now()): Seen<T, S> => {
    const state = run(follower.name, outside, () => follower.consumer.state());
    return { follower, state, text: fc.stringify(state) };
  };
  const witness = ({ follower, text }: Seen<T, S>): Witness => ({ ...follower, state: text });
  const count = snapshot.length === 1 ? '1 event' : `${snapshot.length} events`;
  const sameOrder = `two apps that saw the same ${count} in the same order show different states.`;

  const newcomer = stateOf(follow('a newcomer', now(), snapshot));
  for (const [cause, name, outside] of [
    ['memory', 'another newcomer', now],
    ['world', 'a newcomer elsewhere', elsewhere],
  ] as const) {
    const other = stateOf(follow(name, outside(), snapshot), outside());
    // Two that share one object are equal now, but the first has not kept what it was.
    if (equal(newcomer.state, other.state) && fc.stringify(newcomer.state) === newcomer.text) continue;
    fail({ what: sameOrder, cause }, [witness(newcomer), witness(other)]);
  }

  const all = followers.map((follower) => stateOf(follower));
  const odd = all.find(({ state }) => !equal(state, newcomer.state));
  if (odd === undefined) return;
  const again = play().followers.map((follower) => stateOf(follower));
  const changed = again.find(({ state }, i) => !equal(state, (all[i] as Seen<T, S>).state));
  if (changed !== undefined) {
    const before = all.find(({ follower }) => follower.name === changed.follower.name) as Seen<T, S>;
    const name = `${changed.follower.name} again`;
    fail({ what: sameOrder, cause: 'memory' }, [witness(before), { ...witness(changed), name }]);
  }
  const other = all.find(({ state }) => !equal(state, odd.state)) ?? newcomer;
  const both = [odd, other].map(({ follower }) => follower.name).sort();
  fail({ what: `${both.join(' and ')} hold the same ${count} and show different states.`, cause: 'arrival' }, [
    ...all.map(witness),
    witness(newcomer),
  ]);
}
