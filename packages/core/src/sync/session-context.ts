/** What the parts of a session share: clocks, the peer, what goes out, and the requests under way (S15). */
import { encodeMessage, type Message } from '../codec/message.js';
import type { GossipError } from '../errors.js';
import type { WriterId } from '../ids.js';
import { frameBytesTarget } from '../limits.js';
import type { KnownEvent } from '../runs.js';
import type { Channel } from './channel.js';
import { Clocks } from './clocks.js';
import type { Turn } from './comparison.js';
import type { ServedFeed } from './feeds.js';
import type { Effect, Peer, SessionOptions, SessionOutput } from './session-io.js';

export type Request = RequestOf<Channel, undefined> | RequestOf<undefined, ServedFeed>;

interface RequestOf<OfChannel, OfFeed> {
  readonly kind: Effect['kind'];
  readonly log: string;
  readonly channel: OfChannel;
  readonly feed: OfFeed;
  since: number;
  /** Bytes whose credit is given back with the answer. */
  readonly bytes: number;
  /** The comparison that a `compare` belongs to; a `want` belongs to none. */
  readonly turn: Turn | undefined;
  /** What a `read` reads, where the peer has asked for it. */
  readonly supplies: Map<WriterId, KnownEvent> | undefined;
}

/** What a request is for, beside its effect. */
type Asking = Pick<Request, 'channel' | 'feed'> & Partial<Pick<Request, 'bytes' | 'turn' | 'supplies'>>;

/** @internal */
export class SessionContext {
  readonly options: SessionOptions;
  readonly clocks: Clocks;
  readonly requests = new Map<number, Request>();
  /** Ends the session because of an error, and tells the peer why. */
  readonly fault: (error: GossipError) => void;
  peer: Peer | undefined;
  lastSent = 0;
  /** Of the credit for events, what reads under way may take: or all logs would read at once for the same. */
  reserved = 0;
  #nextRequest = 1;
  #outputs: SessionOutput[] = [];

  constructor(options: SessionOptions, fault: (error: GossipError) => void) {
    this.options = options;
    this.clocks = new Clocks(options);
    this.fault = fault;
  }

  get now(): number {
    return this.clocks.now;
  }

  /** Outputs go from here on into a list of their own. */
  collect(): SessionOutput[] {
    this.#outputs = [];
    return this.#outputs;
  }

  put(output: SessionOutput): void {
    this.#outputs.push(output);
  }

  /** Returns the bytes of the frame. */
  send(message: Message, refusal?: GossipError): number {
    const frame = encodeMessage(message);
    this.lastSent = this.now;
    this.put({ type: 'send', frame, ...(refusal && { refusal }) });
    return frame.length;
  }

  refuse(remote: number | undefined, error: GossipError): void {
    if (remote === undefined) return;
    const time = typeof error.context['time'] === 'number' ? error.context['time'] : 0;
    this.send({ kind: 'error', channel: remote, code: error.code, message: error.message, time }, error);
  }

  request(channel: Channel, effect: Effect, bytes = 0, turn?: Turn): number {
    if (effect.kind !== 'sum') channel.quiet.since = this.now;
    return this.ask(effect, { channel, feed: undefined, bytes, turn });
  }

  ask(effect: Effect, { channel, feed, bytes = 0, turn, supplies }: Asking): number {
    const request = this.#nextRequest++;
    const { kind, log } = effect;
    if (reserves(kind)) this.reserved += frameBytesTarget;
    this.requests.set(request, { kind, log, since: this.now, channel, feed, bytes, turn, supplies } as Request);
    this.put({ type: 'request', request, effect });
    return request;
  }

  /** Events of the log came that are not merged yet. */
  isMerging(channel: Channel): boolean {
    for (const request of this.requests.values())
      if (request.channel === channel && request.kind === 'merge') return true;
    return false;
  }

  /** A request is over; `undefined` when nobody waits for its answer any more. */
  settle(number: number): Request | undefined {
    const request = this.requests.get(number);
    this.requests.delete(number);
    if (request !== undefined && reserves(request.kind)) this.reserved -= frameBytesTarget;
    return request;
  }
}

/** Does such a request read events for the peer? */
function reserves(kind: Effect['kind']): boolean {
  return kind === 'read' || kind === 'redactions' || kind === 'select';
}
