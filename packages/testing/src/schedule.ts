/** In which order things arrive that travel on several wires. */
import fc from 'fast-check';

/** After so many turns of the event loop in which nothing was sent, nothing more comes. */
const quietTurns = 5;

/** Holds what is on its way, and delivers it in an order of its own; on each wire, in the order sent. */
export class Schedule {
  readonly #picks: readonly number[];
  readonly #lanes: (() => void)[][] = [];
  #delivered = 0;

  /** @param picks Which of the lanes with something waiting delivers next; the first one when picks run out. */
  constructor(picks: readonly number[]) {
    this.#picks = picks;
  }

  /** How many deliveries were made. */
  get delivered(): number {
    return this.#delivered;
  }

  /** A new wire: the option `deliver` of a `memoryPair`. */
  wire(): (task: () => void, to: 'left' | 'right') => void {
    const lanes = { left: [] as (() => void)[], right: [] as (() => void)[] };
    this.#lanes.push(lanes.left, lanes.right);
    return (task, to) => lanes[to].push(task);
  }

  /** Makes one delivery. False when nothing waits. */
  deliverOne(): boolean {
    const busy = this.#lanes.filter((lane) => lane.length > 0);
    const lane = busy[(this.#picks[this.#delivered] ?? 0) % busy.length];
    const task = lane?.shift();
    if (task === undefined) return false;
    this.#delivered++;
    task();
    return true;
  }

  /** Delivers until nothing is on its way and nothing more is sent. Timers of the nodes are not waited for. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < quietTurns; quiet++) {
      if (this.deliverOne()) quiet = 0;
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }

  /** How fast-check prints it. */
  toString(): string {
    return `Schedule(${fc.stringify(this.#picks)})`;
  }
}

/**
 * A fast-check arbitrary of schedules, to be used once each. Shrinks to the order in which wires were made.
 *
 * @example
 * ```ts
 * import { memoryStorage } from '@gossip-log/storage/memory';
 * import { arbitrarySchedule, arbitraryTopology } from '@gossip-log/testing';
 * import { createGossipNode, memoryPair } from '@gossip-log/transport';
 * import fc from 'fast-check';
 *
 * await fc.assert(
 *   fc.asyncProperty(arbitraryTopology(), arbitrarySchedule(), async ({ nodes, links }, schedule) => {
 *     const pairs = links.map(([a, b]) => ({ a, b, ...memoryPair({ deliver: schedule.wire() }) }));
 *     const all = Array.from({ length: nodes }, (_, i) => {
 *       const connections = pairs.flatMap(({ a, b, left, right }) => (a === i ? [left] : b === i ? [right] : []));
 *       return createGossipNode({ storage: memoryStorage(), connections });
 *     });
 *     const logs = all.map((node) => node.open<number>('room'));
 *     await Promise.all(logs.map((log) => log.ready));
 *     for (const [i, log] of logs.entries()) log.append(i);
 *     await schedule.settle();
 *     const shown = logs.map((log) => log.snapshot().map((event) => event.payload).join());
 *     const closing = Promise.all(all.map((node) => node.close()));
 *     await schedule.settle();
 *     await closing;
 *     return new Set(shown).size === 1;
 *   }),
 * );
 * ```
 */
export function arbitrarySchedule(): fc.Arbitrary<Schedule> {
  return fc.array(fc.nat(1000), { maxLength: 200, size: 'max' }).map((picks) => new Schedule(picks));
}
