/** Logs for tests of views: a clock that is set, late events that come when asked for, subscriptions that are counted. */
import { createGossipLog, type GossipLog, type LogEvent, writerIdFromBytes } from '../src/index.js';

export const writerOf = (byte: number) => writerIdFromBytes(new Uint8Array(16).fill(byte));

export class ViewLog<T> {
  nowMs = 1_000;
  readonly log: GossipLog<T>;
  /** Written at the same time as the log, never in touch with it: what it writes comes late. */
  readonly #other: GossipLog<T>;
  listening = 0;

  constructor(byte = 1) {
    const now = () => this.nowMs;
    this.log = createGossipLog<T>({ id: 'tea', writer: writerOf(byte), now });
    this.#other = createGossipLog<T>({ id: 'tea', writer: writerOf(byte + 100), now });
    const { subscribe } = this.log;
    this.log.subscribe = (listener) => {
      this.listening++;
      const end = subscribe.call(this.log, listener);
      return () => {
        this.listening--;
        end();
      };
    };
  }

  append(...payloads: readonly T[]): LogEvent<T> {
    let event: LogEvent<T> | undefined;
    for (const payload of payloads) {
      this.nowMs++;
      event = this.log.append(payload);
    }
    return event as LogEvent<T>;
  }

  /** Written elsewhere at that time, it arrives now. Times rise. */
  late(ms: number, payload: T): void {
    const { nowMs } = this;
    this.nowMs = ms;
    this.#other.append(payload);
    this.nowMs = nowMs;
    this.log.merge(this.#other.encode());
  }
}

export const payloads = <T>(rows: Iterable<LogEvent<T>>): T[] => Array.from(rows, ({ payload }) => payload);
