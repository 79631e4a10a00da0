/**
 * Events of a log that were appended again under other ids (G12): what an app was given under the former id is told of the
 * event that stands now.
 */
import { type EventId, limits } from '@gossip-log/core';
import type { Successors } from '@gossip-log/core/sync';

/** @internal */
export class FormerIds {
  readonly #now = new Map<EventId, EventId>();

  get isEmpty(): boolean {
    return this.#now.size === 0;
  }

  add(successors: Successors): void {
    for (const [former, id] of successors) this.#now.set(former, id);
    for (const former of this.#now.keys()) {
      if (this.#now.size <= limits.formerIdsMax) return;
      this.#now.delete(former);
    }
  }

  /** The id that an event has now. It may have been appended again more than once. */
  of(id: EventId): EventId {
    let now = id;
    for (let next = this.#now.get(now); next !== undefined; next = this.#now.get(now)) now = next;
    return now;
  }
}
