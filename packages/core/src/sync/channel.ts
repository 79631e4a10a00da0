/** One log in one session: what is known of the peer's part, and what is under way. */
import type { ReplicaId, SequenceNumber } from '../ids.js';
import type { LogDescriptor } from '../replicated-log.js';
import type { KnownEvent, TimedRun } from '../runs.js';

export type ChannelState = 'offered' | 'opening' | 'live';

/** One log in this session. */
export interface Channel {
  readonly log: string;
  /** Our number for it, which the peer's frames carry. */
  readonly number: number;
  /** The peer's number for it, once it has opened it. */
  remote: number | undefined;
  /** What the peer opened it with. */
  descriptor: LogDescriptor | undefined;
  state: ChannelState;
  /** This node uses the log itself. */
  attached: boolean;
  /** The driver opened it for the peer alone and waits for `released`. */
  forPeer: boolean;
  /** The peer may write. */
  writable: boolean;
  /** The peer refuses our events. */
  muted: boolean;
  /** Pages of the peer's run list so far. */
  pages: TimedRun[];
  /** Its pages are over the bound: the rest of them is skipped. */
  overfull: boolean;
  /** What the peer said it has, kept from the node until the peer is granted the log. */
  untold: readonly TimedRun[];
  /** What the peer has: what it said, what it sent, what it was sent. */
  known: Map<ReplicaId, KnownEvent>;
  /** Replicas whose events the peer sent, and how far they were acknowledged to it. */
  acked: Map<ReplicaId, SequenceNumber>;
  /** Missing runs already asked for, by their end. */
  wanted: Map<ReplicaId, SequenceNumber>;
  /** The peer may lack something: read until nothing is left. */
  behind: boolean;
  /** Something changed since the read under way began. */
  stale: boolean;
  reading: number | undefined;
  /** Our description is on its way; with whether an answer is asked for. */
  describing: { readonly answer: boolean } | undefined;
  /** The peer has our description. */
  described: boolean;
  /** One that asked for the peer's: it knows that this node wants the log, and does not only answer. */
  asked: boolean;
  /** Events keep until this time is under the horizon. */
  heldTime: number | undefined;
  /** Our description is to be sent anew, and nothing before: events were refused as early, or had to be dropped. */
  reopen: boolean;
  /** Not before this time is under the horizon. */
  reopenTime: number | undefined;
  /** When the peer refused our `open` for a reason that may pass. */
  refusedAt: number | undefined;
  /** Frames of events that came before the peer was granted the log. */
  waiting: { readonly blocks: readonly Uint8Array[]; readonly bytes: number }[];
  /** Bytes merged that no store request covers yet, their replicas, and whether a request is under way. */
  unstored: { bytes: number; replicas: Set<ReplicaId> };
  storing: number | undefined;
}

/** A channel before the peer has opened it. */
export function freshExchange(): Omit<Channel, 'log' | 'number' | 'attached'> {
  return {
    remote: undefined,
    descriptor: undefined,
    state: 'offered',
    described: false,
    asked: false,
    forPeer: false,
    writable: false,
    muted: false,
    pages: [],
    overfull: false,
    untold: [],
    known: new Map(),
    acked: new Map(),
    wanted: new Map(),
    behind: false,
    stale: false,
    reading: undefined,
    describing: undefined,
    heldTime: undefined,
    reopen: false,
    reopenTime: undefined,
    refusedAt: undefined,
    waiting: [],
    unstored: { bytes: 0, replicas: new Set() },
    storing: undefined,
  };
}
