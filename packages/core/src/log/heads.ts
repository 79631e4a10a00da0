/**
 * The log's heads: events that no other event depends on. A replica has at most one, its last event, because each
 * event depends on its writer's previous one; so the heads are a set of replicas.
 */

/** @internal */
export class Heads {
  readonly #replicas: number[] = [];
  /** Position in `#replicas` + 1, by replica; 0 when its last event is no head. */
  readonly #position: number[] = [];

  get replicas(): readonly number[] {
    return this.#replicas;
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
}
