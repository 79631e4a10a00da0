import { type Connection, limits } from '@gossip-log/core';
import { expect, test } from 'vitest';
import { Turns } from './turns.js';

/** A clock that work moves, and timers that the test lets come. */
class World {
  nowMs = 0;
  readonly timers: (() => void)[] = [];
  readonly done: string[] = [];
  readonly turns = new Turns({
    now: () => this.nowMs,
    elapsed: () => this.nowMs,
    randomBytes: (length) => new Uint8Array(length),
    setTimer: (_ms, callback) => {
      this.timers.push(callback);
      return () => this.timers.splice(this.timers.indexOf(callback), 1);
    },
  });

  /** A peer, and whether its connection is read. */
  peer(address: string, canPause = true) {
    const state = { isRead: true };
    const connection: Connection = {
      peer: address,
      bufferedBytes: 0,
      send: () => undefined,
      close: () => undefined,
      ...(canPause && {
        pause: () => {
          state.isRead = false;
        },
        resume: () => {
          state.isRead = true;
        },
      }),
    };
    return Object.assign(state, { turns: this.turns.join(connection) });
  }

  /** Work that takes so long and notes its name. */
  work(name: string, ms: number): () => void {
    return () => {
      this.nowMs += ms;
      this.done.push(name);
    };
  }

  /** The event loop comes round once. Returns what was done. */
  round(): string[] {
    const before = this.done.length;
    for (const due of this.timers.splice(0)) due();
    return this.done.slice(before);
  }

  /** All of it until nothing waits. */
  rounds(): string[] {
    const before = this.done.length;
    while (this.timers.length > 0) this.round();
    return this.done.slice(before);
  }
}

const { turnBurstMs, turnMsMax, turnShare, turnWorkMax } = limits;

test('an address within its share is served at once, one beyond it waits and is not read [Y1] [Y3]', () => {
  const world = new World();
  const busy = world.peer('10.0.0.1:1');
  const quiet = world.peer('10.0.0.2:1');
  busy.turns.run(world.work('busy', turnBurstMs));
  expect(world.done).toEqual(['busy']);
  expect(busy.isRead).toBe(true);

  for (let i = 1; i < turnWorkMax; i++) busy.turns.run(world.work('busy again', 0));
  expect(world.done).toEqual(['busy']);
  // Some frames may wait; more are not read.
  expect(busy.isRead).toBe(true);
  busy.turns.run(world.work('busy again', 0));
  expect(busy.isRead).toBe(false);
  quiet.turns.run(world.work('quiet', 1));
  expect(world.done).toEqual(['busy', 'quiet']);

  expect(world.rounds()).toEqual(Array.from({ length: turnWorkMax }, () => 'busy again'));
  expect(busy.isRead).toBe(true);
});

test('what an address has used counts less as time goes by, also when it comes again [Y1]', () => {
  const world = new World();
  const first = world.peer('10.0.0.1:1');
  first.turns.run(world.work('first', turnBurstMs));
  first.turns.leave();
  const second = world.peer('10.0.0.1:2');
  second.turns.run(world.work('waits', 0));
  expect(world.done).toEqual(['first']);
  world.rounds();
  world.nowMs += turnBurstMs / turnShare;
  second.turns.run(world.work('at once', 0));
  expect(world.done).toEqual(['first', 'waits', 'at once']);
});

test('each address has as much of a turn, however many peers it has and however long their work takes [Y1]', () => {
  const world = new World();
  const crowd = Array.from({ length: 5 }, (_, i) => world.peer(`10.0.0.1:${i}`));
  const single = world.peer('[::1]:9');
  for (const peer of [crowd[0], single]) peer?.turns.run(world.work('', 10 * turnBurstMs));
  for (const { turns } of crowd) for (let i = 0; i < 10; i++) turns.run(world.work('crowd', turnMsMax / 4));
  for (let i = 0; i < 100; i++) single.turns.run(world.work('single', turnMsMax / 40));
  const spent = { crowd: 0, single: 0 };
  while (world.done.filter((name) => name === 'single').length < 80) {
    for (const name of world.round()) {
      if (name === 'crowd') spent.crowd += turnMsMax / 4;
      if (name === 'single') spent.single += turnMsMax / 40;
    }
  }
  expect(spent.crowd / spent.single).toBeGreaterThan(0.8);
  expect(spent.crowd / spent.single).toBeLessThan(1.25);
});

test('turns end after a while, so that other things go on in between [Y2]', () => {
  const world = new World();
  const peer = world.peer('10.0.0.1:1');
  peer.turns.run(world.work('', turnBurstMs));
  for (let i = 0; i < 40; i++) peer.turns.run(world.work('step', turnMsMax / 4));
  for (let round = 0; round < 10; round++) {
    const before = world.nowMs;
    world.round();
    expect(world.nowMs - before).toBeLessThanOrEqual(turnMsMax);
  }
  expect(world.done.filter((name) => name === 'step')).toHaveLength(40);
});

test('an address that alone has work waits once in a turn, and not for each piece [Y2]', async () => {
  const world = new World();
  const peer = world.peer('10.0.0.1:1');
  peer.turns.measure(world.work('', 10 * turnBurstMs));
  let waits = 0;
  for (let i = 0; i < 40; i++) {
    const turn = peer.turns.next();
    if (turn !== undefined) {
      waits++;
      world.round();
      await turn;
    }
    peer.turns.measure(world.work('step', turnMsMax / 4));
  }
  expect(waits).toBe(10);
});

test('work of a peer keeps its order [Y3]', () => {
  const world = new World();
  const peer = world.peer('10.0.0.1:1');
  peer.turns.run(world.work('0', turnBurstMs));
  for (let i = 1; i < 6; i++) peer.turns.run(world.work(`${i}`, 1));
  // By now its share would allow it again.
  world.nowMs += 10 * turnBurstMs;
  peer.turns.run(world.work('6', 1));
  world.rounds();
  expect(world.done).toEqual(['0', '1', '2', '3', '4', '5', '6']);
});

test('a long reading goes on when its peer has a turn, and ends when the peer is gone', async () => {
  const world = new World();
  const peer = world.peer('10.0.0.1:1');
  expect(peer.turns.next()).toBeUndefined();
  peer.turns.measure(world.work('', turnBurstMs));
  const turn = peer.turns.next();
  expect(turn).toBeInstanceOf(Promise);
  world.round();
  await turn;
  peer.turns.measure(world.work('', turnBurstMs));
  const last = peer.turns.next();
  peer.turns.leave();
  await last;
  expect(peer.turns.next()).toBeUndefined();
  expect(peer.isRead).toBe(true);
});

test('a connection that cannot be held up is served at once', () => {
  const world = new World();
  const peer = world.peer('memory:left', false);
  for (let i = 0; i < 3; i++) peer.turns.run(world.work('done', turnBurstMs));
  expect(world.done).toHaveLength(3);
  expect(peer.turns.next()).toBeUndefined();
});

test('where time stands still while work is done, as in a simulation, nothing waits', () => {
  const world = new World();
  const peer = world.peer('10.0.0.1:1');
  for (let i = 0; i < 1000; i++) peer.turns.run(world.work('done', 0));
  expect(world.done).toHaveLength(1000);
  expect(world.timers).toHaveLength(0);
});
