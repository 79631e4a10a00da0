/**
 * Time that passes only when told: one queue of what is due, in virtual milliseconds.
 *
 * - [T1] What is due runs in order of time, then in the order it was asked for.
 * - [T2] After each, every microtask has run before the next begins: promises of the code under test settle at the
 *   virtual moment that caused them, always in the same order.
 * - [T3] What a process asked for does not happen after it was killed.
 */
import type { Environment } from '@gossip-log/core';
import type { Random } from './random.js';

interface Due {
  readonly at: number;
  readonly order: number;
  /** `undefined` once it ran or was cancelled. */
  run: (() => void) | undefined;
}

/** Resolves when no microtask is left: Node runs `nextTick` from within a microtask only after the last one. */
function settled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/** One queue for a whole world. */
export class VirtualTime {
  /** Milliseconds since 1970, as an all-knowing clock shows them. */
  nowMs = Date.UTC(2026, 0, 1);
  /** Things that ran. */
  ran = 0;
  /** A binary heap: parents before their children. */
  readonly #heap: Due[] = [];
  #order = 0;

  /** Runs `run` after `ms`; the function returned takes it back. */
  after(ms: number, run: () => void): () => void {
    const due: Due = { at: this.nowMs + Math.max(0, ms), order: this.#order++, run };
    this.#push(due);
    return () => {
      due.run = undefined;
    };
  }

  /** Lets time pass until `endMs`, or until `done` says so. `each` is called whenever everything has settled. */
  async passUntil(endMs: number, each: () => void, done: () => boolean = () => false): Promise<boolean> {
    await settled();
    each();
    for (let due = this.#heap[0]; due !== undefined && due.at <= endMs; due = this.#heap[0]) {
      this.#pop();
      if (due.run === undefined) continue;
      this.nowMs = due.at;
      this.ran++;
      due.run();
      due.run = undefined;
      await settled();
      each();
      if (done()) return true;
    }
    this.nowMs = endMs;
    return done();
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let at = heap.push(due) - 1;
    for (let parent = (at - 1) >> 1; at > 0 && before(due, heap[parent] as Due); parent = (at - 1) >> 1) {
      heap[at] = heap[parent] as Due;
      at = parent;
    }
    heap[at] = due;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Due;
    if (heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && before(heap[child + 1] as Due, heap[child] as Due)) child++;
      if (!before(heap[child] as Due, last)) break;
      heap[at] = heap[child] as Due;
      at = child;
    }
    heap[at] = last;
  }
}

function before(a: Due, b: Due): boolean {
  return a.at - b.at < 0 || (a.at === b.at && a.order < b.order);
}

/** A machine's wall clock: wrong by an offset, drifting, and set anew at times. */
export class VirtualClock {
  #offsetMs = 0;
  #sinceMs: number;

  constructor(
    readonly time: VirtualTime,
    /** Milliseconds gained per millisecond. */
    public driftRate = 0,
  ) {
    this.#sinceMs = time.nowMs;
  }

  /** How far it is ahead of true time. */
  get offsetMs(): number {
    return this.#offsetMs + (this.time.nowMs - this.#sinceMs) * this.driftRate;
  }

  now(): number {
    return this.time.nowMs + this.offsetMs;
  }

  set(offsetMs: number): void {
    this.#sinceMs = this.time.nowMs;
    this.#offsetMs = offsetMs;
  }
}

/** One life of a program: from its start until it ends or is killed. */
export class VirtualProcess {
  alive = true;
  readonly environment: Environment;

  constructor(time: VirtualTime, clock: VirtualClock, random: Random) {
    this.environment = {
      now: () => clock.now(),
      elapsed: () => time.nowMs,
      randomBytes: (length) => random.bytes(length),
      setTimer: (ms, callback) =>
        time.after(ms, () => {
          if (this.alive) callback();
        }),
    };
  }
}
