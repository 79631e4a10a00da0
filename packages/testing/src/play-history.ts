/** Plays a history on real logs, and tells a watcher what happens. */
import {
  checkOptions,
  createGossipLog,
  type EventId,
  type GossipLog,
  type LogEvent,
  limits,
  type PayloadCodec,
  type Snapshot,
  writerIdFromBytes,
} from '@gossip-log/core';
import fc from 'fast-check';
import { type History, type HistoryStep, replicaNames } from './history.js';

/** One replica of a history that is played. */
export interface PlayedReplica<T> {
  /** `ada`, `bob` … */
  readonly name: string;
  /** Another object after a restart. */
  readonly log: GossipLog<T>;
  /** Its wall clock: milliseconds since 1970. */
  readonly nowMs: number;
}

/** What a watcher of a history is told, in order. */
export interface HistoryWatcher<T> {
  /** What happens next, in words. Steps without an effect are not told. */
  step?(words: string): void;
  /** A log is there: empty at the beginning; with all that it held after a restart. */
  opened?(replica: PlayedReplica<T>): void;
  /** A log changed. `arrived` is what is new in it, in log order; nothing where events were redacted that it showed. */
  changed?(replica: PlayedReplica<T>, arrived: readonly LogEvent<T>[]): void;
}

export interface PlayOptions<T> extends HistoryWatcher<T> {
  /** Default: JSON. */
  readonly codec?: PayloadCodec<T> | undefined;
}

/** Any moment would do. */
const beginsAtMs = Date.UTC(2026, 0, 1);

class Replica<T> implements PlayedReplica<T> {
  readonly name: string;
  log: GossipLog<T>;
  offsetMs = 0;
  known = new Set<EventId>();
  shown: Snapshot<T>;

  constructor(
    readonly number: number,
    readonly trueMs: () => number,
    readonly codec: PayloadCodec<T> | undefined,
  ) {
    this.name = replicaNames[number] as string;
    this.log = this.open();
    this.shown = this.log.snapshot();
  }

  get nowMs(): number {
    return this.trueMs() + this.offsetMs;
  }

  open(): GossipLog<T> {
    return createGossipLog<T>({
      id: 'history',
      writer: writerIdFromBytes(new Uint8Array(limits.writerIdBytes).fill(this.number)),
      now: () => this.nowMs,
      ...(this.codec === undefined ? {} : { codec: this.codec }),
    });
  }

  /** What the log shows since this was asked last. */
  arrivals(): LogEvent<T>[] {
    const fresh = [...this.log.snapshot()].filter((event) => !this.known.has(event.id));
    for (const { id } of fresh) this.known.add(id);
    return fresh;
  }
}

/**
 * Plays a history on real logs. At its end everybody receives everything.
 *
 * @returns The replicas. All logs hold the same events.
 * @throws GossipError `payload-unencodable`, `event-too-large` where a payload cannot be appended.
 * @example
 * ```ts
 * import { playHistory } from '@gossip-log/testing';
 *
 * const [ada] = playHistory({
 *   replicas: 2,
 *   steps: [
 *     { do: 'append', at: 0, payload: 'Tea?' },
 *     { do: 'send', from: 0, to: 1 },
 *     { do: 'append', at: 1, payload: 'Yes, please.' },
 *   ],
 * });
 * ada?.log.snapshot().map((event) => event.payload); // ['Tea?', 'Yes, please.']
 * ```
 */
export function playHistory<T>(history: History<T>, options: PlayOptions<T> = {}): readonly PlayedReplica<T>[] {
  checkOptions('playHistory', options, { step: 'function', opened: 'function', changed: 'function', codec: 'object' });
  let timeMs = beginsAtMs;
  const replicas = Array.from(
    { length: history.replicas },
    (_, number) => new Replica<T>(number, () => timeMs, options.codec),
  );
  const at = (number: number) => replicas[number % replicas.length] as Replica<T>;
  const says = (words: string) => options.step?.(words);
  const changed = (replica: Replica<T>) => {
    const shown = replica.log.snapshot();
    const arrived = replica.arrivals();
    if (shown !== replica.shown) options.changed?.(replica, arrived);
    replica.shown = shown;
  };

  const send = (from: Replica<T>, to: Replica<T>, writer?: Replica<T>) => {
    const known = to.log.version();
    const since =
      writer === undefined ? known : from.log.version().set(writer.log.writer, known.get(writer.log.writer) ?? 0);
    const { added, parked } = to.log.merge(from.log.encode(since));
    if (added + parked === 0) return;
    const whose = writer === undefined ? '' : ` of ${writer.name}`;
    const waiting = parked === 0 ? '' : `, and ${counted(parked)} that must wait for others`;
    says(`${to.name} receives ${counted(added)}${whose} from ${from.name}${waiting}`);
    changed(to);
  };

  const take = (step: HistoryStep<T>) => {
    switch (step.do) {
      case 'append':
        says(`${at(step.at).name} appends ${fc.stringify(step.payload)}`);
        at(step.at).log.append(step.payload);
        changed(at(step.at));
        break;
      case 'redact': {
        const { name, log } = at(step.at);
        const event = log.snapshot().at(step.event % Math.max(1, log.length));
        if (event === undefined) break;
        const nameOf = replicas.find((replica) => replica.log.writer === event.writer)?.name;
        says(`${name} redacts ${nameOf}.${event.seq}`);
        log.redact(event.id);
        changed(at(step.at));
        break;
      }
      case 'send':
        send(at(step.from), at(step.to), step.writer === undefined ? undefined : at(step.writer));
        break;
      case 'clock':
        at(step.at).offsetMs = step.offsetMs;
        says(`${at(step.at).name}'s clock is set ${step.offsetMs} ms from true time`);
        break;
      case 'pass':
        timeMs += step.ms;
        if (step.ms > 0) says(`${step.ms} ms pass`);
        break;
      case 'restart': {
        const replica = at(step.at);
        const { log } = replica;
        log.close();
        replica.log = replica.open();
        replica.log.merge(log.encode());
        replica.shown = replica.log.snapshot();
        says(`${replica.name} restarts`);
        options.opened?.(replica);
        break;
      }
    }
  };

  for (const replica of replicas) options.opened?.(replica);
  for (const step of history.steps) take(step);
  const [first, ...others] = replicas as [Replica<T>, ...Replica<T>[]];
  for (const other of others) send(other, first);
  for (const other of others) send(first, other);
  return replicas;
}

function counted(events: number): string {
  return events === 1 ? '1 event' : `${events} events`;
}
