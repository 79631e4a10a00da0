/**
 * Both clocks of a session, and the horizon that they set.
 *
 * - [S13] Events that are `early` are refused whole. The sender learns from it how far the peer's clock is, keeps what is
 *   not due there, and compares anew at the next tick. Early is what lies more than `clockDriftMsMax` ahead of the corrected
 *   clock and more than `aheadOfLogMsMax` ahead of the log's newest event: a log that is ahead of the clock goes on. What a
 *   durable node sends that this one has dialled, or that may vouch, was accepted there, and is never early. Beyond `aheadOfClockMsMax` all is.
 */
import { clockMilliseconds, farHorizon, horizon } from '../hybrid-logical-clock.js';
import { clockDriftMsMax, clockStepMsMin, standstillMsMin } from '../limits.js';
import type { Peer, SessionOptions } from './session-io.js';

/** @internal */
export class Clocks {
  readonly #durable: boolean;
  readonly #wallClock: () => number;
  /** The last input's time, by the monotonic clock. */
  now = 0;
  /** How far the wall clock was ahead of that one. */
  #wallAheadMs: number | undefined;
  /** What this node adds to its wall clock. */
  offsetMs: number;
  /** How far the peer's clock is from our wall clock, as far as is known. */
  #peerOffsetMs = 0;
  /** What the peer has told, less what our wall clock was set by since. */
  #toldOffsetMs = 0;
  /** The peer's clock does not change with ours. One that is not durable takes over the clock of a durable node. */
  #goesOn = false;
  /** A refusal told of it. */
  #wasRefused = false;
  /** When: clocks are set right at times, so that counts for a while. */
  #peerOffsetAt = 0;

  constructor({ durable, clockOffsetMs, wallClock }: SessionOptions) {
    this.#durable = durable;
    this.#wallClock = wallClock;
    this.offsetMs = clockOffsetMs;
  }

  /** Milliseconds since 1970 by this node's wall clock. */
  get wall(): number {
    return this.#wallClock();
  }

  /**
   * Was the wall clock set since it was last asked, or has the machine slept? Either way what is known of the peer's is old. Until
   * the peer tells it again, its clock is taken to have gone on with the time that has passed here.
   */
  wasSet(): boolean {
    const before = this.#wallAheadMs;
    this.#wallAheadMs = this.wall - this.now;
    const steppedMs = before === undefined ? 0 : this.#wallAheadMs - before;
    if (Math.abs(steppedMs) < clockStepMsMin) return false;
    if (this.#goesOn) {
      this.#toldOffsetMs -= steppedMs;
      this.#peerOffsetMs -= steppedMs;
    }
    return true;
  }

  /** The wall clock; one that was set ahead since the last input counts when that has been seen. */
  get #steadyWall(): number {
    const { wall } = this;
    if (this.#wallAheadMs === undefined) return wall;
    return Math.min(wall, this.now + this.#wallAheadMs + standstillMsMin);
  }

  told(peer: Peer): void {
    this.#goesOn = !this.#durable || peer.durable;
    this.#toldOffsetMs = this.#clockOf(peer);
    this.#peerOffsetMs = this.#toldOffsetMs;
    if (peer.durable && !this.#durable) this.offsetMs = peer.clockOffsetMs;
  }

  /** The peer's clock, by its hello. One that is not durable takes over the clock of a durable node. */
  #clockOf({ durable, clockOffsetMs }: Peer): number {
    return this.#durable && !durable ? this.offsetMs : clockOffsetMs;
  }

  /**
   * The last time that may be read for the peer. What a durable node has accepted it sends, though its clock was set back
   * since; not where the peer's clock is known to be behind.
   */
  readHorizon(): number {
    const isBehind = this.#wasRefused || this.#peerOffsetMs < this.offsetMs - clockDriftMsMax;
    return this.#durable && !isBehind ? farHorizon(this.wall + this.offsetMs) : this.horizon();
  }

  /** The last time that may be sent at once: by this node's corrected clock, and by the peer's. */
  horizon(): number {
    return horizon(this.#steadyWall + Math.min(this.offsetMs, this.#peerOffsetMs));
  }

  /** S13: that time is too far ahead for the peer. */
  early(time: number): void {
    const offsetMs = clockMilliseconds(time) - clockDriftMsMax - this.wall - 1;
    this.#peerOffsetMs = Math.min(this.#peerOffsetMs, offsetMs);
    this.#peerOffsetAt = this.now;
    this.#wasRefused = true;
  }

  /** What a refusal told has counted for long enough. */
  tick(): void {
    if (this.now - this.#peerOffsetAt < clockDriftMsMax) return;
    this.#peerOffsetMs = this.#toldOffsetMs;
    this.#wasRefused = false;
  }
}
