/**
 * The log's heads: events that no other event depends on. A writer has at most one, its last event, because each
 * event depends on its writer's previous one; so the heads are a set of writers.
 */
import type { Chunk } from './chunk.js';
import type { LogTables } from './log-tables.js';

/** @internal */
export class Heads {
  readonly #tables: LogTables;
  readonly #writers: number[] = [];
  /** Position in `#writers` + 1, by writer; 0 when its last event is no head. */
  #position = new Uint32Array(8);

  constructor(tables: LogTables) {
    this.#tables = tables;
  }

  /** What an event of `writer` depends on, newest first: at most `max` heads, less its own previous event. */
  dependenciesOf(writer: number, max: number): number[] {
    if (this.#writers.length === 0 || (this.#writers.length === 1 && this.#writers[0] === writer)) return [];
    const newest: number[] = [];
    // Who became a head last is mostly the newest, so most of the others are left at the first look.
    for (let i = this.#writers.length - 1; i >= 0; i--) {
      const head = this.#writers[i] as number;
      if (head === writer || (newest.length === max && this.#isNewer(newest[max - 1] as number, head))) continue;
      let at = newest.length;
      while (at > 0 && this.#isNewer(head, newest[at - 1] as number)) at--;
      newest.splice(at, 0, head);
      if (newest.length > max) newest.pop();
    }
    return newest;
  }

  #isNewer(a: number, b: number): boolean {
    const { writers } = this.#tables;
    const difference = (writers.lastTime[a] as number) - (writers.lastTime[b] as number);
    return difference > 0 || (difference === 0 && writers.compare(a, b) > 0);
  }

  has(writer: number): boolean {
    return Boolean(this.#position[writer]);
  }

  add(writer: number): void {
    if (this.#position[writer]) return;
    if (writer >= this.#position.length) {
      const longer = new Uint32Array(Math.max(this.#tables.writers.size, Math.ceil(writer * 1.5)));
      longer.set(this.#position);
      this.#position = longer;
    }
    this.#position[writer] = this.#writers.push(writer);
  }

  remove(writer: number): void {
    const position = this.#position[writer];
    if (!position) return;
    const last = this.#writers.pop() as number;
    if (last !== writer) {
      this.#writers[position - 1] = last;
      this.#position[last] = position;
    }
    this.#position[writer] = 0;
  }

  /** Takes note of rows that are new in the log, in any order; the writer table knows them already. */
  release(rows: Chunk): void {
    // First every writer's last event is a head, then whatever is depended upon is none.
    const { last } = this.#tables.writers;
    for (let row = 0; row < rows.count; row++) {
      const writer = rows.writer[row] as number;
      if (rows.seq[row] === last[writer]) this.add(writer);
    }
    this.#cover(rows);
  }

  #cover(rows: Chunk): void {
    const { dependencies, writers } = this.#tables;
    const { last, lastTime } = writers;
    const cover = (writer: number, seq: number, time: number) => {
      if (last[writer] === seq && lastTime[writer] === time) this.remove(writer);
    };
    for (let row = 0; row < rows.count; row++) {
      dependencies.each(rows.deps[row] as number, rows.time[row] as number, cover);
    }
  }
}
