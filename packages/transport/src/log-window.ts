/** How much of a log somebody wants in memory. */
import { checkOptions, clockStepsPerMs, limits } from '@gossip-log/core';

/**
 * How far back a log is held in memory: all of it, the newest `last` events, or those `since` a time, in milliseconds
 * since 1970. At least that: events come from storage by the chunk. A node that holds nothing of the log yet also asks its
 * peers for no more; one that holds less asks them for the rest.
 */
export type LogWindow = 'all' | { readonly last: number } | { readonly since: number };

/** Where memory begins: no event before `from` is there, and `length` are. */
export interface Oldest {
  readonly from: number;
  readonly length: number;
}

/** @throws TypeError, RangeError when it is no window. */
export function checkWindow(window: LogWindow): void {
  if (window === 'all') return;
  if (typeof window === 'object' && window !== null) {
    checkOptions<{ last?: unknown; since?: unknown }>('window', window, { last: 'any', since: 'any' });
  }
  const { last, since } = (window ?? {}) as { readonly last?: unknown; readonly since?: unknown };
  if (last !== undefined && since === undefined) {
    if (!Number.isSafeInteger(last) || (last as number) < 0 || (last as number) > limits.seqMax) {
      throw new RangeError(`window.last: expected a whole number of events, at most ${limits.seqMax}, got ${last}`);
    }
  } else if (since !== undefined && last === undefined) {
    if (!Number.isFinite(since) || (since as number) < 0 || (since as number) > limits.nowMsMax) {
      throw new RangeError(`window.since: expected milliseconds since 1970, at most ${limits.nowMsMax}, got ${since}`);
    }
  } else {
    throw new TypeError("window: expected 'all', { last } or { since }");
  }
}

/** @throws RangeError when it is no number of events. */
export function checkCatchUp(eventsMax: number): void {
  if (eventsMax === Number.POSITIVE_INFINITY) return;
  if (!Number.isSafeInteger(eventsMax) || eventsMax < 0 || eventsMax > limits.seqMax) {
    throw new RangeError(
      `catchUpEventsMax: expected a whole number of events, at most ${limits.seqMax}, or Infinity, got ${eventsMax}`,
    );
  }
}

/** One use's window over a log. @internal */
export class UsedWindow {
  readonly window: LogWindow;
  /** At most so many of the events that are missing are asked for on its behalf; infinite for all. */
  readonly catchUpEventsMax: number;
  /** The time of the first event that is kept in memory for it; `undefined` until that is known. */
  #from: number | undefined;
  #reading = 0;

  constructor(window: LogWindow, catchUpEventsMax: number) {
    this.window = window;
    this.catchUpEventsMax = catchUpEventsMax;
    if (window === 'all') this.#from = 0;
    else if ('since' in window) this.#from = Math.max(0, Math.floor(window.since) * clockStepsPerMs);
  }

  /** The time from which on events stay in memory: while some are being read, all that came so far. */
  get from(): number {
    return this.#reading > 0 ? 0 : (this.#from ?? 0);
  }

  /** Does memory reach back far enough? */
  isReached({ from, length }: Oldest): boolean {
    if (this.#from !== undefined) return from <= this.#from;
    return length >= (this.window as { readonly last: number }).last;
  }

  /** Carries out what reads events into memory for it. What is there then it shows, and keeps (L9). */
  async whileReading(read: () => void | Promise<void>, log: { readonly residentFrom: number }): Promise<void> {
    this.#reading++;
    try {
      await read();
    } finally {
      this.#reading--;
      this.#from = Math.min(this.#from ?? log.residentFrom, log.residentFrom);
    }
  }
}
