/**
 * Whose work is done next: what peers make this node do takes turns, so that none of them holds up the others (L6).
 *
 *     work of a peer ── its address is within its share ──▶ done at once
 *                    └─ else ──▶ waits, and the peer's frames stay in its socket ── its turn ──▶ done
 *
 * - [Y1] An address has a share of this node's time (`turnShare`), and may use some in advance (`turnBurstMs`). What it uses
 *   beyond that is done in turns: first each address has one, then each of its peers. Where no other peer waits, one
 *   peer has all of the node.
 * - [Y2] Turns end after `turnMsMax`: what else the process has to do goes on in between. An address whose turn it is needs no
 *   other one for as long: where it alone has work, it waits once in that time, and not for each piece.
 * - [Y3] Work of one peer is done in the order in which it came. While much waits (`turnWorkMax`), no more is read from
 *   its connection.
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
  /** It needs no turn until then. */
  until: number;
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
      share = { used: 0, at: this.#environment.elapsed(), waiting: [], credit: 0, until: 0, peers: 0 };
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
    const now = this.#environment.elapsed();
    return now < share.until || usedAt(share, now) < limits.turnBurstMs;
  }

  /** Does something, and counts the time that it takes, at least so much. @internal */
  measure<V>(share: Share, work: () => V, leastMs = 0): V {
    const began = this.#environment.elapsed();
    try {
      return work();
    } finally {
      const now = this.#environment.elapsed();
      const ms = Math.max(now - began, leastMs);
      share.used = usedAt(share, now) + ms;
      share.at = now;
      share.credit -= ms;
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
      if (this.#waiting.length === 0) share.until = until;
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

  /** An address that comes again finds what it has used, for as long as that counts. */
  #forgetUnused(): void {
    const now = this.#environment.elapsed();
    for (const [address, share] of this.#shares) {
      if (share.peers === 0 && usedAt(share, now) === 0) this.#shares.delete(address);
    }
  }

  /** A peer has left. @internal */
  left(share: Share): void {
    share.peers--;
  }
}

/** Of what an address has used, what still counts. */
function usedAt({ used, at }: Share, now: number): number {
  return Math.max(0, used - (now - at) * limits.turnShare);
}

/** The turns of one peer. @internal */
export class PeerTurns {
  readonly #turns: Turns;
  readonly #share: Share;
  readonly #connection: Connection;
  readonly #work: (() => boolean)[] = [];
  #isPaused = false;
  #hasLeft = false;

  constructor(turns: Turns, share: Share, connection: Connection) {
    this.#turns = turns;
    this.#share = share;
    this.#connection = connection;
  }

  get waits(): boolean {
    return this.#work.length > 0;
  }

  /** Takes a frame of the peer, now or in its turn (Y3). A connection that cannot be held up is served at once. */
  run(work: () => void): void {
    const isNext = this.#work.length === 0 && this.#turns.isDue(this.#share);
    if (isNext || this.#connection.pause === undefined) {
      this.#take(work);
      return;
    }
    this.#wait(() => {
      this.#take(work);
      return false;
    });
  }

  /** What a frame took before it came here counts, too. */
  #take(work: () => void): void {
    this.#turns.measure(this.#share, work, limits.turnFrameMs);
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
    // Holding up a socket and letting it go on costs more than a few frames.
    if (this.#work.length === limits.turnWorkMax) {
      this.#isPaused = true;
      this.#connection.pause?.();
    }
    if (this.#work.length === 1) this.#turns.wait(this.#share, this);
  }

  /** One piece of work. True: it goes on outside, so no other turn is to follow at once. @internal */
  takeTurn(): boolean {
    const goesOn = this.#work.shift()?.() ?? false;
    if (this.#work.length === 0) this.#goOn();
    return goesOn;
  }

  #goOn(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#connection.resume?.();
  }

  /** The peer is gone. What has begun may end; frames that wait are not taken. */
  leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#turns.left(this.#share);
    for (const work of this.#work.splice(0)) work();
    this.#goOn();
  }
}
