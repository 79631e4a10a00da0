/**
 * Events that were appended again under a fresh id, because theirs is taken (G4) or an earlier one was withdrawn (J5):
 * where they may be found by their former ids.
 */
import { eventKind } from '../event.js';
import { type EventId, eventId, parseEventId, type ReplicaId, type SequenceNumber } from '../ids.js';
import { unwrapReissued, wrapReissued } from '../reissue.js';
import type { Chunk } from './chunk.js';
import type { OwnRows } from './own-rows.js';
import { partRows } from './part-rows.js';
import { compareBytes, type ReplicaTable } from './replica-table.js';
import type { StandingRow, StandingRows } from './standing-rows.js';

/** Events that gave way, and as what they were appended again. */
export type Reissued = ReadonlyMap<EventId, { readonly clock: number; readonly id: EventId }>;

/** How a dispute ended: own events of `replica` from `from` on gave way to others. */
export interface Settlement {
  readonly replica: ReplicaId;
  readonly from: SequenceNumber;
  readonly reissued: Reissued;
}

/** Events of a replica from one on that were taken out of the log. */
export interface Yielded {
  readonly replica: ReplicaId;
  readonly from: SequenceNumber;
  readonly rows: Chunk;
}

/** Own events that were hidden with others: those behind `after` are appended again (J5). */
export interface HiddenWithOthers {
  readonly replica: ReplicaId;
  readonly after: SequenceNumber;
}

/** @internal */
export class ReissuedEvents {
  /** Former id → id. */
  readonly #ids = new Map<EventId, EventId>();
  readonly #replicas: ReplicaTable;
  readonly #standing: StandingRows;
  readonly #own: OwnRows;

  constructor(replicas: ReplicaTable, standing: StandingRows, own: OwnRows) {
    this.#replicas = replicas;
    this.#standing = standing;
    this.#own = own;
  }

  /** Former id → id. */
  get ids(): ReadonlyMap<EventId, EventId> {
    return this.#ids;
  }

  /** As a manifest has them. */
  resume(reissued: Iterable<readonly [EventId, EventId]>): void {
    for (const [former, id] of reissued) this.#ids.set(former, id);
  }

  /** A row that is new in the log bears a former id. */
  note(rows: Chunk, row: number): void {
    const { formerId } = unwrapReissued(this.#standing.payload(rows, row));
    this.#ids.set(formerId, this.#idOf(rows, row));
  }

  /** These events are not in the log any more. Of one that is hidden its former id says where it may be found. */
  forget(rows: Chunk, isHidden: boolean): void {
    for (let row = 0; row < rows.count; row++) {
      if (rows.kind[row] !== eventKind.reissued) continue;
      const { formerId } = unwrapReissued(this.#standing.payload(rows, row));
      const id = this.#idOf(rows, row);
      if (this.#ids.get(formerId) === id) this.#ids.delete(formerId);
      if (isHidden) this.#ids.set(id, formerId);
    }
  }

  /** Where the event is in memory that was known by that id. */
  find(id: EventId): StandingRow | undefined {
    return this.#follow(id, (at) => {
      const { replica, seq } = parseEventId(at);
      const index = this.#replicas.find(replica);
      return index < 0 ? undefined : this.#standing.find(index, seq);
    });
  }

  /** The id under which an event stands that was known by this one: the same, or that of the event in its place. */
  standingId(id: EventId): EventId | undefined {
    return this.#follow(id, (at) => {
      const { replica, seq } = parseEventId(at);
      return seq <= (this.#replicas.last[this.#replicas.find(replica)] ?? 0) ? at : undefined;
    });
  }

  /** An event that was re-issued twice: from the second id to the first one, and on to the last. */
  #follow<V>(id: EventId, look: (at: EventId) => V | undefined): V | undefined {
    for (let at: EventId | undefined = id, steps = 0; at !== undefined && steps < 3; steps++) {
      const found = look(at);
      if (found !== undefined) return found;
      at = this.#ids.get(at);
    }
    return undefined;
  }

  /** Appends again what gave way, except what was appended again before. */
  append({ replica, from, rows }: Yielded): Settlement {
    const reissued = new Map<EventId, { clock: number; id: EventId }>();
    for (let row = 0; row < rows.count; row++) {
      const id = eventId(replica, rows.seq[row] as number);
      const bytes = this.#standing.payload(rows, row);
      const again = rows.kind[row] === eventKind.reissued;
      const formerId = again ? unwrapReissued(bytes).formerId : id;
      const envelope = again ? bytes : wrapReissued(formerId, bytes);
      const standing = this.#standingReissue(formerId, envelope) ?? this.#own.append(eventKind.reissued, envelope).id;
      this.#ids.set(formerId, standing);
      reissued.set(id, { clock: rows.time[row] as number, id: standing });
    }
    return { replica, from, reissued };
  }

  /** The same for those that were hidden with others (J5), among rows that are hidden. */
  appendBehind(hidden: Chunk, { replica, after }: HiddenWithOthers): Reissued {
    const index = this.#replicas.find(replica);
    const { taken } = partRows(
      hidden,
      (chunk, row) => chunk.replica[row] === index && (chunk.seq[row] as number) > after,
    );
    return this.append({ replica, from: after + 1, rows: taken }).reissued;
  }

  /** The event that was appended for that former id before. One that only claims the id, with another payload, is none. */
  #standingReissue(formerId: EventId, envelope: Uint8Array): EventId | undefined {
    const id = this.#ids.get(formerId);
    if (id === undefined) return undefined;
    const { replica, seq } = parseEventId(id);
    const found = this.#standing.find(this.#replicas.find(replica), seq);
    if (found === undefined) return undefined;
    const bytes = this.#standing.payload(found.chunk, found.row);
    return bytes.length === envelope.length && compareBytes(bytes, envelope) === 0 ? id : undefined;
  }

  #idOf(rows: Chunk, row: number): EventId {
    return eventId(this.#replicas.ids[rows.replica[row] as number] as ReplicaId, rows.seq[row] as number);
  }
}
