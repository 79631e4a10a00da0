/**
 * What a peer may have of a node beside time (`turns.ts`): logs that are opened for it, questions to `authorize`, reports to
 * this node's owner.
 *
 * - [Y4] The last eighth of the places for open logs is for addresses that have fewer open than there are left: whoever takes many
 *   leaves room for others.
 * - [Y5] So many questions of a session are asked of `authorize` at once, and others wait, also in a bounded number.
 * - [Y6] What a peer refuses is reported so often a minute. The rest is told as a number.
 */
import { type Environment, GossipError, limits } from '@gossip-log/core';

/** The last eighth of `total` places, of which `free` are left, is for those who have fewer than that. @internal */
export function mayTakePlace(own: number, free: number, total: number): boolean {
  return free > total / 8 || own < free;
}

/** Logs that are open for the peers of one address. */
interface Places {
  open: number;
  sessions: number;
}

/** @internal */
export class Quotas {
  readonly #environment: Environment;
  readonly #places = new Map<string, Places>();

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  join(address: string): PeerQuota {
    const places = this.#places.get(address) ?? { open: 0, sessions: 0 };
    this.#places.set(address, places);
    places.sessions++;
    const leave = () => {
      if (--places.sessions === 0) this.#places.delete(address);
    };
    return new PeerQuota(this.#environment, address, places, leave);
  }
}

/** The quota of one session. @internal */
export class PeerQuota {
  readonly #environment: Environment;
  readonly #address: string;
  readonly #places: Places;
  readonly #leave: () => void;
  #asking = 0;
  readonly #waiting: (() => void)[] = [];
  #reports = { since: Number.NEGATIVE_INFINITY, count: 0, unsaid: 0 };

  constructor(environment: Environment, address: string, places: Places, leave: () => void) {
    this.#environment = environment;
    this.#address = address;
    this.#places = places;
    this.#leave = leave;
  }

  /**
   * Y4. Takes a place for a log, of which `free` are left; the function returned gives it back.
   *
   * @throws GossipError `limit-exceeded`.
   */
  takePlace(free: number): () => void {
    const places = this.#places;
    if (!mayTakePlace(places.open, free, limits.openLogsMax)) {
      throw new GossipError(
        'limit-exceeded',
        `peers at ${this.#address} have ${places.open} logs open here, and there is room for ${free} more`,
      );
    }
    places.open++;
    let isTaken = true;
    return () => {
      if (isTaken) places.open--;
      isTaken = false;
    };
  }

  /** Y5. Asks `question`, now or when others are answered. @throws GossipError `limit-exceeded` when too many wait. */
  async ask<V>(question: () => Promise<V>): Promise<V> {
    if (this.#asking >= limits.questionsAtOnceMax) {
      if (this.#waiting.length >= limits.channelsMax) {
        throw new GossipError('limit-exceeded', `${this.#waiting.length} questions about a peer's rights wait`);
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#asking++;
    }
    try {
      return await question();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#asking--;
      else next();
    }
  }

  /** Y6. Is this to be reported, and how many before it were not? */
  report(): { readonly isDue: boolean; readonly unsaid: number } {
    const reports = this.#reports;
    const now = this.#environment.elapsed();
    if (now - reports.since > 60_000) this.#reports = { since: now, count: 0, unsaid: 0 };
    if (this.#reports.count < limits.reportsPerMinuteMax) {
      this.#reports.count++;
      return { isDue: true, unsaid: reports === this.#reports ? 0 : reports.unsaid };
    }
    this.#reports.unsaid++;
    return { isDue: false, unsaid: 0 };
  }

  /** The session is over. What it has asked may still be answered. */
  end(): void {
    this.#leave();
  }
}
