/** Where the events of each writer end, in the log or in what is packed of it; and a fork of that, for a plan. */

/** Where the events of each writer end: the last one, and its time; 0 where there is none. */
export interface RunEnds {
  lastOf(writer: number): number;
  lastTimeOf(writer: number): number;
  setEnd(writer: number, seq: number, time: number): void;
}

/** Ends that are changed apart from others. @internal */
export class ForkedEnds implements RunEnds {
  readonly #ends: RunEnds;
  readonly changed = new Map<number, { readonly seq: number; readonly time: number }>();

  constructor(ends: RunEnds) {
    this.#ends = ends;
  }

  lastOf(writer: number): number {
    return this.changed.get(writer)?.seq ?? this.#ends.lastOf(writer);
  }

  lastTimeOf(writer: number): number {
    return this.changed.get(writer)?.time ?? this.#ends.lastTimeOf(writer);
  }

  setEnd(writer: number, seq: number, time: number): void {
    this.changed.set(writer, { seq, time });
  }
}
