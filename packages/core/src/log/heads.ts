/**
 * The log's heads: events that no other event depends on. A replica has at most one, its last event, because each
 * event depends on its writer's previous one; so the heads are a set of replicas.
 */
import type { Chunk } from './chunk.js';
import type { LogTables } from './log-tables.js';

/** @internal */
export class Heads {
  readonly #tables: LogTables;
  readonly #replicas: number[] = [];
  /** Position in `#replicas` + 1, by replica; 0 when its last event is no head. */
  readonly #position: number[] = [];

  constructor(tables: LogTables) {
    this.#tables = tables;
  }

  /** What an event of `writer` depends on, newest first: at most `max` heads, less its own previous event. */
  dependenciesOf(writer: number, max: number): number[] {
    if (this.#replicas.length === 0 || (this.#replicas.length === 1 && this.#replicas[0] === writer)) return [];
    const newest: number[] = [];
    // Who became a head last is mostly the newest, so most of the others are left at the first look.
    for (let i = this.#replicas.length - 1; i >= 0; i--) {
      const head = this.#replicas[i] as number;
      if (head === writer || (newest.length === max && this.#isNewer(newest[max - 1] as number, head))) continue;
      let at = newest.length;
      while (at > 0 && this.#isNewer(head, newest[at - 1] as number)) at--;
      newest.splice(at, 0, head);
      if (newest.length > max) newest.pop();
    }
    return newest;
  }

  #isNewer(a: number, b: number): boolean {
    const { replicas } = this.#tables;
    const difference = (replicas.lastTime[a] as number) - (replicas.lastTime[b] as number);
    return difference > 0 || (difference === 0 && replicas.compare(a, b) > 0);
  }

  has(replica: number): boolean {
    return Boolean(this.#position[replica]);
  }

  add(replica: number): void {
    if (this.#position[replica]) return;
    this.#position[replica] = this.#replicas.push(replica);
  }

  remove(replica: number): void {
    const position = this.#position[replica];
    if (!position) return;
    const last = this.#replicas.pop() as number;
    if (last !== replica) {
      this.#replicas[position - 1] = last;
      this.#position[last] = position;
    }
    this.#position[replica] = 0;
  }

  /** Takes note of rows that are new in the log, in any order; the replica table knows them already. */
  release(rows: Chunk): void {
    // First every writer's last event is a head, then whatever is depended upon is none.
    const { last } = this.#tables.replicas;
    for (let row = 0; row < rows.count; row++) {
      const replica = rows.replica[row] as number;
      if (rows.seq[row] === last[replica]) this.add(replica);
    }
    this.#cover(rows);
  }

  #cover(rows: Chunk): void {
    const { dependencies, replicas } = this.#tables;
    const { last, lastTime } = replicas;
    const cover = (replica: number, seq: number, time: number) => {
      if (last[replica] === seq && lastTime[replica] === time) this.remove(replica);
    };
    for (let row = 0; row < rows.count; row++) {
      dependencies.each(rows.deps[row] as number, rows.time[row] as number, cover);
    }
  }
}
