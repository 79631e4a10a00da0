/**
 * What is compared: gossip-log, its peers, and the floor of the machine. Every system gives the same few verbs, each by
 * the way its documentation recommends where speed matters; the workloads use these and judge all alike.
 *
 * Peers are plain modules in `bench/peers`, because the type checker never sees their packages.
 */
import type { ChatEvent, EventFilter, Stint } from './events.js';

/**
 * Fixtures: `ten` writers in turns; `many` writers, ten events each; `updates` of one event each, by five writers. Two are
 * put on disk: `stored`, ten writers with ten events at a turn, and `stored-many`.
 */
export type FixtureName = 'ten' | 'many' | 'updates' | 'stored' | 'stored-many';

/** What a system wrote: the whole as it would be stored or sent, and an update for each stint. */
export interface Written {
  readonly whole: readonly Uint8Array[];
  readonly updates: readonly Uint8Array[];
}

/** What it took two replicas to come together. */
export interface Exchange {
  readonly bytes: number;
  readonly messages: number;
  /** Times there and back until both have all, where each side sends at once what it can. */
  readonly roundTrips: number;
  readonly seconds: number;
}

type Eventually<V> = V | Promise<V>;

/** One participant's copy, empty at first. */
export interface Replica {
  append(event: ChatEvent): unknown;
  /** Takes a `whole`, or updates. Waits for what is missing between updates, where the system does. */
  receive(parts: readonly Uint8Array[]): unknown;
  /** What was appended since the last call, for others. */
  take?(): Eventually<readonly Uint8Array[]>;
  length(): Eventually<number>;
  /** The last `count` events in the order shown, as objects. */
  newest(count: number): Eventually<readonly ChatEvent[]>;
  /** Brings two replicas together by the system's own protocol, without a network. */
  sync?(other: Replica): Promise<Exchange>;
  /** Gives back what it has open. */
  close?(): Eventually<unknown>;
}

export interface System {
  readonly name: string;
  readonly version: string;
  /** Largest number of events that it does in the time allowed, by fixture or workload. Default: as many as asked. */
  readonly eventsMax?: Readonly<Record<string, number>>;
  /** What to know before comparing: by workload, `all` for every one. */
  readonly notes?: Readonly<Record<string, string>>;
  /** Why it does not do a workload, by workload. */
  readonly lacks?: Readonly<Record<string, string>>;
  /** It is no log: it takes part only where a workload names it, and `create` and `write` are not for use. */
  readonly isNoLog?: true;
  create(writer: number): Eventually<Replica>;
  /** Writes a history in which each stint follows on all before it, as far as the system can. */
  write(stints: readonly Stint[]): Eventually<Written>;
  /** Bytes of the most compact encoding, where that is not `whole`. */
  compact?(whole: readonly Uint8Array[]): Eventually<readonly Uint8Array[]>;
  /** Puts a whole history on disk, and opens it again: all of it, or the `newest` alone where the system can. */
  readonly disk?: {
    store(folder: string, whole: readonly Uint8Array[]): Promise<void>;
    open(folder: string, newest?: number): Promise<Replica>;
  };
  readonly live?: LiveSystem;
  /** Holds events, as objects in memory, to be followed by views. */
  readonly views?: (events: readonly ChatEvent[]) => Eventually<HeldEvents>;
}

/** Events that are there, and views of them. */
export interface HeldEvents {
  /** For each event what takes it in, where its time puts it, as it comes from elsewhere. They are called in order. */
  arrivals(events: readonly ChatEvent[]): readonly (() => void)[];
  /** A view for each filter, ordered by time. */
  follow(filters: readonly EventFilter[]): Eventually<readonly FilteredView[]>;
}

/** Shows, whenever it is asked, all that came and passes. */
export interface FilteredView {
  length(): number;
  events(): readonly ChatEvent[];
}

/** A system with a relay. Relay and clients run in processes of their own. */
export interface LiveSystem {
  /** Starts a relay with its data in `folder`; resolves with its address. */
  startRelay(folder: string): Promise<string>;
  /** A relay that is started again has what it had. Default: no. */
  readonly isDurable?: true;
  /** Puts so many rooms with the same events into the folder of a relay that does not run. */
  storeRooms?(folder: string, rooms: number, events: readonly ChatEvent[]): Promise<void>;
  /** A participant of a room as an app has it. Default: the one room that there is, or a stored one by its number. */
  join(address: string, room?: number): Promise<Participant>;
  /** Sockets in the room that understand nothing and count bytes, made by `open`. Resolves when all are in the room. */
  listen(address: string, sockets: number, open: OpenSockets): Promise<Listeners>;
}

/** Opens so many sockets, which say `greeting`. */
export type OpenSockets = (address: string, sockets: number, greeting: readonly Uint8Array[]) => Promise<Listeners>;

export interface Participant {
  append(event: ChatEvent): void;
  /** Appends many, as fast as it can without losing any. */
  fill(events: readonly ChatEvent[]): Promise<void>;
  length(): number;
  newest(count: number): readonly ChatEvent[];
  /** Calls back whenever there may be more events. */
  subscribe(listener: () => void): void;
  close(): unknown;
}

export interface Listeners {
  /** Bytes that each socket received since it joined. */
  received(): readonly number[];
  close(): void;
}
