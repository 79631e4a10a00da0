/**
 * What an event costs at the end of a log, as the log grows: appended, merged with others of one writer, and received one
 * by one with the newest read after each. Small and large logs take turns.
 */
import { type ChatEvent, chatEvents } from '../events.js';
import { median } from '../results.js';
import { LogReplica } from '../systems/gossip-log.js';
import { collectGarbage, type Figure, rate, verify, type Workload } from '../workload.js';

/** Events of one round, of each kind. */
const roundEvents = 600;
const rounds = 5;
/** Events of one block that is merged. */
const blockEvents = 100;

type Kind = 'append' | 'tail merge' | 'live update';

export const growth: Workload = {
  name: 'growth',
  title: 'As a log grows (gossip-log alone)',
  systems: [],
  events: 1_000_000,
  runs: 3,
  secondsMax: 90,
  async run({ count }) {
    const logs = [Math.max(50, Math.round(count / 100)), count].map((length) => new Grown(length));
    // The first round of each is for the compiler.
    for (let round = 0; round <= rounds; round++) for (const log of logs) log.round(round > 0);
    return logs.flatMap((log) => log.figures());
  },
};

/** A log of some length; what comes to it is by another writer. */
class Grown {
  readonly #length: number;
  readonly #events: ChatEvent[];
  readonly #log = new LogReplica(0);
  readonly #other = new LogReplica(1);
  readonly #rates: Record<Kind, number[]> = {
    append: [],
    'tail merge': [],
    'live update': [],
  };
  #at = 0;

  constructor(length: number) {
    this.#length = length;
    this.#events = chatEvents(length + 3 * (rounds + 1) * roundEvents);
    for (const event of this.#next(length)) this.#log.append(event);
    this.#log.take();
  }

  round(counts: boolean): void {
    const note = (kind: Kind, work: () => void) => {
      collectGarbage();
      const startedAt = performance.now();
      work();
      if (counts) this.#rates[kind].push(rate(roundEvents, (performance.now() - startedAt) / 1000));
    };
    const appended = this.#next(roundEvents);
    note('append', () => {
      for (const event of appended) this.#log.append(event);
    });
    const blocks = this.#blocks(blockEvents);
    note('tail merge', () => {
      for (const block of blocks) this.#log.receive(block);
    });
    const updates = this.#blocks(1);
    const { length } = updates;
    let read = 0;
    note('live update', () => {
      for (const update of updates) {
        this.#log.receive(update);
        read += this.#log.newest(1).length;
      }
    });
    verify(read === length && this.#log.length() === this.#at, 'count');
  }

  figures(): Figure[] {
    return Object.entries(this.#rates).map(([kind, rates]) => ({
      name: `${kind}, ${this.#length.toLocaleString('en')} events`,
      value: median(rates),
      unit: 'events/s',
    }));
  }

  #next(count: number): ChatEvent[] {
    const events = this.#events.slice(this.#at, this.#at + count);
    this.#at += count;
    return events;
  }

  /** The next events as the other writer sends them, so many at a time. */
  #blocks(count: number): Uint8Array[][] {
    const events = this.#next(roundEvents);
    const blocks: Uint8Array[][] = [];
    for (let from = 0; from < events.length; from += count) {
      for (const event of events.slice(from, from + count)) this.#other.append(event);
      blocks.push(this.#other.take());
    }
    return blocks;
  }
}
