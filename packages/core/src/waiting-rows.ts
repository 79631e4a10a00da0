/**
 * Rows that wait for events of one writer, each for the one it refers to. An event wakes those that refer to its
 * number, or to a time that it has passed: never all, or a stranger's thousand rows would be looked at for each event.
 */

interface Waiting<Row> {
  readonly parked: Row;
  readonly seq: number;
  readonly time: number;
}

/** @internal */
export class WaitingRows<Row> {
  readonly #bySeq = new Map<number, Set<Waiting<Row>>>();
  /** From the latest time to the earliest: what wakes first stands last. */
  readonly #byTime: Waiting<Row>[] = [];
  readonly #entries = new Map<Row, Waiting<Row>>();
  /** Numbers up to here have woken whom they could. */
  #woken: number;

  /** `last`: the writer's last event in the log. */
  constructor(last: number) {
    this.#woken = last;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** `parked` waits for the event `seq`, which it says is of `time`. */
  add(parked: Row, seq: number, time: number): void {
    const waiting = { parked, seq, time };
    this.#entries.set(parked, waiting);
    const same = this.#bySeq.get(seq) ?? new Set<Waiting<Row>>();
    same.add(waiting);
    this.#bySeq.set(seq, same);
    this.#byTime.splice(this.#firstNotAfter(time), 0, waiting);
    // Events may have been taken out of the log since.
    this.#woken = Math.min(this.#woken, seq - 1);
  }

  delete(parked: Row): void {
    const waiting = this.#entries.get(parked);
    if (waiting === undefined) return;
    this.#entries.delete(parked);
    const same = this.#bySeq.get(waiting.seq) as Set<Waiting<Row>>;
    same.delete(waiting);
    if (same.size === 0) this.#bySeq.delete(waiting.seq);
    this.#byTime.splice(this.#byTime.indexOf(waiting, this.#firstNotAfter(waiting.time)), 1);
  }

  /** The rows that may go on, now that the writer has come to `last`, of `lastTime`. They stay until they are deleted. */
  wake(last: number, lastTime: number): Row[] {
    if (this.size === 0) {
      this.#woken = Math.max(this.#woken, last);
      return [];
    }
    const woken = new Set<Row>();
    // Whichever is less: the numbers that came, or those that are waited for.
    if (last - this.#woken < this.#bySeq.size) {
      for (let seq = this.#woken + 1; seq <= last; seq++) this.#collect(seq, woken);
    } else {
      for (const seq of this.#bySeq.keys()) if (seq <= last) this.#collect(seq, woken);
    }
    this.#woken = Math.max(this.#woken, last);
    for (let i = this.#byTime.length - 1; i >= 0; i--) {
      const { parked, time } = this.#byTime[i] as Waiting<Row>;
      if (time > lastTime) break;
      woken.add(parked);
    }
    return [...woken];
  }

  #collect(seq: number, woken: Set<Row>): void {
    for (const { parked } of this.#bySeq.get(seq) ?? []) woken.add(parked);
  }

  /** Where the first stands whose time is not after `time`. */
  #firstNotAfter(time: number): number {
    let low = 0;
    let high = this.#byTime.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#byTime[middle] as Waiting<Row>).time > time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
