/**
 * The event, as readers see it, and the total order of events.
 *
 * An event object is made when somebody first reads its row, and kept; the payload is decoded when it is first
 * read, once, and frozen. Order is (clock, writer bytes): it extends causality, so it is the order of the log
 * on every node.
 */
import type { PayloadCodec } from './codec/payload.js';
import { redactionKey } from './codec/redaction.js';
import { GossipError } from './errors.js';
import { clockMilliseconds } from './hybrid-logical-clock.js';
import { type EventId, eventId, type SequenceNumber, type WriterId, writerIdFromBytes } from './ids.js';
import { payloadDepthMax } from './limits.js';

/** Kinds of event. 1 to 127 are the log's own and do not show; the high bit says that the payload is erased. */
export const eventKind = { app: 0, redaction: 1, erased: 128 } as const;

/** Do apps see events of that kind? @internal */
export function isShown(kind: number): boolean {
  return kind === eventKind.app || kind === eventKind.erased;
}

/** Who redacted an event, and when. */
export interface RedactedBy {
  /** Of the redaction. It is no event that shows. */
  readonly id: EventId;
  readonly writer: WriterId;
  /** Milliseconds since 1970, by the clock of that writer. */
  readonly timestamp: number;
}

/** One event of a log. Immutable; the same object in every snapshot while it is resident (L5). */
export interface LogEvent<T = unknown> {
  /** `writer.seq`: unique everywhere. The key for React lists. */
  readonly id: EventId;
  /** Who wrote it. */
  readonly writer: WriterId;
  /** 1, 2, 3 … per writer. */
  readonly seq: SequenceNumber;
  /** When it was written by the writer's clock: milliseconds since 1970. */
  readonly timestamp: number;
  /** The raw hybrid time: milliseconds × 2048 + counter. Orders events. */
  readonly clock: number;
  /**
   * The app's value, deeply frozen. `undefined` when it cannot be decoded; see `error`. Peers may append anything: `T` is the
   * reader's claim, which nothing checks. Where `T` is left out it is `unknown`.
   */
  readonly payload: T;
  /** Set when the payload's bytes cannot be decoded by this log's codec: `payload-undecodable`. */
  readonly error: GossipError | undefined;
  /** Set when the event was redacted: then `payload` and `error` are `undefined`. Frozen; the same object every time. */
  readonly redacted: RedactedBy | undefined;
}

const undecoded = Symbol('undecoded');

/**
 * An event is made of a row when it is read, and decodes its payload when that is read. Its properties are its own all the
 * same, so that `{ ...event }`, `structuredClone` and JSON see what the type says. An own getter that all events share
 * lies in their hidden class: it costs an event no bytes, while a value of its own would.
 *
 * @internal
 */
export class StoredEvent<T> implements LogEvent<T> {
  // Declared only: the constructor makes them in the order in which they show.
  declare readonly id: EventId;
  declare readonly writer: WriterId;
  declare readonly seq: SequenceNumber;
  declare readonly timestamp: number;
  declare readonly clock: number;
  declare readonly payload: T;
  declare readonly error: GossipError | undefined;
  declare readonly redacted: RedactedBy | undefined;
  /** Where the payload lies: a page of the log, an offset, a length. A view per event would cost more than the rest of it. */
  #page: Uint8Array | undefined;
  readonly #offset: number;
  readonly #length: number;
  #codec: PayloadCodec<T> | undefined;
  #payload: T | typeof undecoded | undefined = undecoded;
  /** Why there is no payload. */
  #lack: GossipError | RedactedBy | undefined;
  #id: EventId | undefined;

  static readonly #shown = {
    id: shared((event) => {
      event.#id ??= eventId(event.writer, event.seq);
      return event.#id;
    }),
    timestamp: shared((event) => clockMilliseconds(event.clock)),
    payload: shared((event) => {
      if (event.#payload === undecoded) event.#decode();
      return event.#payload;
    }),
    error: shared((event) => {
      if (event.#payload === undecoded) event.#decode();
      return event.#lack instanceof GossipError ? event.#lack : undefined;
    }),
    redacted: shared((event) => {
      if (event.#codec !== redactionCodec && event.#lack === undefined) return undefined;
      if (event.#payload === undecoded) event.#decode();
      return event.#lack instanceof GossipError ? undefined : event.#lack;
    }),
  };

  constructor(
    writer: WriterId,
    seq: SequenceNumber,
    clock: number,
    page: Uint8Array,
    offset: number,
    length: number,
    codec: PayloadCodec<T>,
  ) {
    const { id, timestamp, payload, error, redacted } = StoredEvent.#shown;
    Object.defineProperty(this, 'id', id);
    this.writer = writer;
    this.seq = seq;
    Object.defineProperty(this, 'timestamp', timestamp);
    this.clock = clock;
    Object.defineProperty(this, 'payload', payload);
    Object.defineProperty(this, 'error', error);
    Object.defineProperty(this, 'redacted', redacted);
    this.#page = page;
    this.#offset = offset;
    this.#length = length;
    this.#codec = codec;
    Object.freeze(this);
  }

  #decode(): void {
    const bytes = (this.#page as Uint8Array).subarray(this.#offset, this.#offset + this.#length);
    try {
      const decoded = (this.#codec as PayloadCodec<T>).decode(bytes);
      if (this.#codec === redactionCodec) {
        this.#payload = undefined;
        this.#lack = decoded as RedactedBy;
      } else {
        this.#payload = deepFreeze(decoded, payloadDepthMax);
      }
    } catch (cause) {
      // Bytes from outside must not break a reader's loop (L6): the event shows, without payload.
      this.#payload = undefined;
      this.#lack = new GossipError('payload-undecodable', `event ${this.id}: the codec cannot read its payload`, {
        context: { id: this.id },
        cause,
      });
    }
    this.#page = undefined;
    this.#codec = undefined;
  }

  // Consoles show no values of getters; Node asks for this symbol.
  [Symbol.for('nodejs.util.inspect.custom')](): unknown {
    return { ...this };
  }
}

/** A getter that all events share. */
function shared(read: (event: StoredEvent<unknown>) => unknown): PropertyDescriptor {
  return {
    enumerable: true,
    configurable: false,
    get(this: StoredEvent<unknown>) {
      return read(this);
    },
  };
}

/** Reads what stands in the place of an erased payload. */
const redactionCodec: PayloadCodec<never> = {
  name: 'redaction',
  encode: () => new Uint8Array(),
  decode: (bytes) => {
    const { writer: author, seq, time } = redactionKey(bytes, 0);
    const writer = writerIdFromBytes(author);
    return Object.freeze({ id: eventId(writer, seq), writer, timestamp: clockMilliseconds(time) }) as never;
  },
};

/** Columns that an event is made of, in a chunk as in a block. */
interface EventColumns {
  readonly seq: ArrayLike<number>;
  readonly time: ArrayLike<number>;
  readonly kind: ArrayLike<number>;
  readonly offset: ArrayLike<number>;
  readonly length: ArrayLike<number>;
}

/** The event of a row that `writer` wrote; its payload lies in `page`. @internal */
export function eventOf<T>(
  columns: EventColumns,
  row: number,
  writer: WriterId,
  page: Uint8Array,
  codec: PayloadCodec<T>,
): StoredEvent<T> {
  const seq = columns.seq[row] as number;
  const time = columns.time[row] as number;
  const offset = columns.offset[row] as number;
  const length = columns.length[row] as number;
  const reads = columns.kind[row] === eventKind.erased ? redactionCodec : codec;
  return new StoredEvent(writer, seq, time, page, offset, length, reads);
}

/**
 * Freezes plain objects and arrays all the way down; leaves typed arrays, which cannot be frozen, and what is frozen.
 *
 * @throws RangeError for more than `levels` objects within each other: whether the stack has room for them would differ from
 *   reader to reader.
 */
function deepFreeze<V>(value: V, levels: number): V {
  if (Object.isFrozen(value) || !isFreezable(value)) return value;
  if (levels === 0) throw new RangeError(`more than ${payloadDepthMax} levels`);
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner, levels - 1);
  return value;
}

/**
 * The same for a value whose outermost object may be frozen already, and which may be nested deeper than the stack has room
 * for: a list whose items hold one another.
 *
 * @internal
 */
export function freezeDeeply<V>(value: V): V {
  if (!isFreezable(value)) return value;
  const open: object[] = [Object.freeze(value)];
  for (let outer = open.pop(); outer !== undefined; outer = open.pop()) {
    for (const inner of Object.values(outer)) {
      if (!Object.isFrozen(inner) && isFreezable(inner)) open.push(Object.freeze(inner));
    }
  }
  return value;
}

function isFreezable(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value);
}
