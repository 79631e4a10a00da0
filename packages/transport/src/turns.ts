/**
 * Whose work is done next: what peers make this node do takes turns, so that none of them holds up the others (L6).
 *
 *     work of a peer ── its address is within its share ──▶ done at once
 *                    └─ else ──▶ waits, and the peer's frames stay in its socket ── its turn ──▶ done
 *
 * - [Y1] An address has a share of this node's time (`turnShare`), and may use some in advance (`turnBurstMs`). What it uses
 *   beyond that is done in turns: first each address has one, then each of its peers. Where no other peer waits, one
 *   peer has all of the node.
 * - [Y2] Turns end after `turnMsMax`: what else the process has to do goes on in between.
 * - [Y3] Work of one peer is done in the order in which it came. While some waits, no more is read from its connection.
 *
 * Time is measured by `Environment.elapsed`. Where that stands still while work is done, as in a simulation, everything is
 * done at once. Source: deficit round robin (Shreedhar and Varghese, 1995), with processor time in place of bytes.
 */
import { type Connection, type Environment, limits } from '@gossip-log/core';
import { addressOf } from './peer-address.js';

/** The peers behind one address. */
interface Share {
  /** Milliseconds of work that count against it, at a time. */
  used: number;
  at: number;
  /** Its peers that wait, the next one first. */
  readonly waiting: PeerTurns[];
  /** Milliseconds that its next turn has, less what the last one took too much. */
  credit: number;
  peers: number;
}

/** @internal */
export class Turns {
  readonly #environment: Environment;
  readonly #shares = new Map<string, Share>();
  /** Those with peers that wait, the next one first. */
  readonly #waiting: Share[] = [];
  #cancel: (() => void) | undefined;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  join(connection: Connection): PeerTurns {
    const address = addressOf(connection.peer);
    let share = this.#shares.get(address);
    if (share === undefined) {
      this.#forgetUnused();
      share = { used: 0, at: this.#environment.elapsed(), waiting: [], credit: 0, peers: 0 };
      this.#shares.set(address, share);
    }
    share.peers++;
    return new PeerTurns(this, share, connection);
  }

  /** Nothing is done any more. */
  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#waiting.length = 0;
  }

  /** Y1. @internal */
  isDue(share: Share): boolean {
    return this.#usedOf(share) < limits.turnBurstMs;
  }

  /** Does something, and counts the time that it takes. @internal */
  measure<V>(share: Share, work: () => V): V {
    const began = this.#environment.elapsed();
    try {
      return work();
    } finally {
      const now = this.#environment.elapsed();
      share.used = this.#usedOf(share) + now - began;
      share.at = now;
      share.credit -= now - began;
    }
  }

  /** A peer of that address waits. @internal */
  wait(share: Share, peer: PeerTurns): void {
    if (share.waiting.length === 0) {
      share.credit = 0;
      this.#waiting.push(share);
    }
    share.waiting.push(peer);
    this.#schedule();
  }

  #schedule(): void {
    this.#cancel ??= this.#environment.setTimer(0, () => {
      this.#cancel = undefined;
      this.#takeTurns();
    });
  }

  /** Y1, Y2. */
  #takeTurns(): void {
    const until = this.#environment.elapsed() + limits.turnMsMax;
    let isOver = false;
    while (!isOver) {
      const share = this.#waiting.shift();
      if (share === undefined) return;
      share.credit += limits.turnMsMax / 4;
      while (share.credit > 0 && share.waiting.length > 0 && !isOver) {
        const peer = share.waiting.shift() as PeerTurns;
        isOver = peer.takeTurn() || this.#environment.elapsed() >= until;
        if (peer.waits) share.waiting.push(peer);
      }
      if (share.waiting.length > 0) this.#waiting.push(share);
    }
    if (this.#waiting.length > 0) this.#schedule();
  }

  #usedOf({ used, at }: Share): number {
    return Math.max(0, used - (this.#environment.elapsed() - at) * limits.turnShare);
  }

  /** An address that comes again finds what it has used, for as long as that counts. */
  #forgetUnused(): void {
    for (const [address, share] of this.#shares) {
      if (share.peers === 0 && this.#usedOf(share) === 0) this.#shares.delete(address);
    }
  }

  /** A peer has left. @internal */
  left(share: Share): void {
    share.peers--;
  }
}

/** The turns of one peer. @internal */
export class PeerTurns {
  readonly #turns: Turns;
  readonly #share: Share;
  readonly #connection: Connection;
  #work: (() => boolean)[] = [];
  #hasLeft = false;

  constructor(turns: Turns, share: Share, connection: Connection) {
    this.#turns = turns;
    this.#share = share;
    this.#connection = connection;
  }

  get waits(): boolean {
    return this.#work.length > 0;
  }

  /** Does something for the peer, now or in its turn (Y3). A connection that cannot be held up is served at once. */
  run(work: () => void): void {
    const isNext = this.#work.length === 0 && this.#turns.isDue(this.#share);
    if (isNext || this.#connection.pause === undefined) {
      this.measure(work);
      return;
    }
    this.#wait(() => {
      this.measure(work);
      return false;
    });
  }

  /** Counts what is done for the peer in this moment. */
  measure<V>(work: () => V): V {
    return this.#turns.measure(this.#share, work);
  }

  /** Before a further step of something long: `undefined` when it may be taken at once, or a promise of the peer's turn. */
  next(): Promise<void> | undefined {
    // In a page a timer may take a minute, and the one peer is the relay that it has dialled.
    if (this.#connection.pause === undefined || this.#hasLeft || this.#turns.isDue(this.#share)) return undefined;
    return new Promise((resolve) => {
      this.#wait(() => {
        resolve();
        return true;
      });
    });
  }

  #wait(work: () => boolean): void {
    this.#work.push(work);
    if (this.#work.length > 1) return;
    this.#connection.pause?.();
    this.#turns.wait(this.#share, this);
  }

  /** One piece of work. True: it goes on outside, so no other turn is to follow at once. @internal */
  takeTurn(): boolean {
    const goesOn = this.#work.shift()?.() ?? false;
    if (this.#work.length === 0) this.#connection.resume?.();
    return goesOn;
  }

  /** The peer is gone. What has begun may end; frames that wait are not taken. */
  leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#turns.left(this.#share);
    for (const work of this.#work.splice(0)) work();
    this.#connection.resume?.();
  }
}
