/** One log in one session: what is known of the peer's part, and what is under way. */
import type {
  CutMessage,
  EventsMessage,
  FirstTurn,
  RangesMessage,
  SumsMessage,
  WantMessage,
} from '../codec/message.js';
import { type LogEdges, type RedactionSum, wholeLog } from '../edges.js';
import type { GossipError } from '../errors.js';
import type { SequenceNumber, WriterId } from '../ids.js';
import { idleCompareMs } from '../limits.js';
import type { LogDescriptor } from '../log-descriptor.js';
import type { Run } from '../ports/storage.js';
import type { KeptRun, KnownEvent } from '../runs.js';
import type { Comparison } from './comparison.js';
import type { Progress } from './session-io.js';

export type ChannelState = 'offered' | 'opening' | 'live';

/** One log in this session. */
export interface Channel {
  readonly log: string;
  /** Our number for it, which the peer's frames carry. */
  number: number;
  /** The number has served for an exchange that is over, of which the peer may not know: the next `open` takes another one. */
  isSpent: boolean;
  /** The peer's number for it, once it has opened it. */
  remote: number | undefined;
  /** How far back the peer holds the log. */
  edges: LogEdges;
  /** The peer has asked where the last events begin, and is not told yet (S21). */
  cutting: boolean;
  /** Where they begin: a comparison with it speaks of nothing before. */
  cut: number | undefined;
  /** The peer is to be told when all that it lacks of them has been sent. */
  tellsEnd: boolean;
  /** The peer has sent all of them; said once what came is merged. */
  isThrough: boolean;
  /** What the peer asked for and is here; read before the rest of what it lacks. */
  supplies: Map<WriterId, KnownEvent>;
  /** Of that, what is not due yet (S8). */
  heldSupplies: Map<WriterId, KnownEvent>;
  /** What the peer asked for and is not here, as far as it was told so. */
  owed: readonly Run[];
  /** The peer was told how many of the events that are missing here are wanted at most: it may leave some out (S22). */
  limited: boolean;
  /** What it opened the log with. */
  descriptor: LogDescriptor | undefined;
  state: ChannelState;
  /** A comparison of ours may be lost, since the peer has begun afresh: another one begins with our answer. */
  lost: boolean;
  /** How many nodes away this one is from one that uses the log (S26): 0 where it does so itself, infinite where it only answers. */
  distance: number;
  /** As the peer was told. */
  toldDistance: number;
  /** How far the peer is. */
  peerDistance: number;
  /** The driver opened it for the peer alone and waits for `released`. */
  forPeer: boolean;
  /** The peer may write. */
  writable: boolean;
  /** Why no more events of the peer are taken, until it opens the log anew: it may not redact and did. Told once what came before is stored. */
  refusal: { readonly error: GossipError; told: boolean } | undefined;
  /** The peer refuses our events. */
  muted: boolean;
  /** Comparisons under way: the one that this node began, the one that the peer began. The first to end serves for both. */
  ours: Comparison | undefined;
  theirs: Comparison | undefined;
  /** A thorough comparison under way, and whether this node began it. Nothing waits for it. */
  healing: { readonly comparison: Comparison; readonly own: boolean } | undefined;
  /** When something was last sent or received, how long it is to be quiet, and whether sums differed since they were last sent. */
  quiet: { since: number; forMs: number; differed: boolean };
  /** When the last sums came that were looked at. */
  summedAt: number;
  /** Our sum is being taken: to hold it against the peer's, or to send it. */
  summing: { readonly upTo: number; readonly theirs: SumsMessage | undefined } | undefined;
  /** The peer was told how much is coming. */
  announced: boolean;
  /** What the peer has said is coming, and how much of it came. */
  catchUp: Progress | undefined;
  /** A comparison has ended: what the peer lacks is known. */
  compared: boolean;
  /** How the peer's comparison begins, kept until the peer is granted the log. */
  first: FirstTurn | undefined;
  /** It came in the first `open` of the peer, so that one of ours may cross it. */
  meets: boolean;
  /** What the peer lacks: of these writers all events behind those given, of others none. */
  lacks: Map<WriterId, KnownEvent>;
  /** S22. The next read of these is to leave out all but the newest so many. */
  newest: number | undefined;
  /** Events that the peer sent and that are not stored here yet, by their last. */
  ahead: Map<WriterId, SequenceNumber>;
  /** Writers whose events the peer sent, and what of them was acknowledged to it. */
  acked: Map<WriterId, KeptRun>;
  /** Missing runs already asked for, by their end. */
  wanted: Map<WriterId, SequenceNumber>;
  /** The peer may lack something: read until nothing is left. */
  behind: boolean;
  /** Something changed since the read under way began. */
  stale: boolean;
  reading: number | undefined;
  /** Redactions below the peer's edge that it may lack, with what it has of them (S27). */
  redactions:
    | {
        readonly from: number;
        readonly to: number;
        readonly known: RedactionSum | undefined;
        /** A read is under way. */
        isRead: boolean;
      }
    | undefined;
  /** Our `open` is being made; with whether one is asked for in return, and of how many last events it tells. */
  describing: { readonly answer: boolean; readonly last: number | undefined } | undefined;
  /** The peer has our `open`. */
  described: boolean;
  /** One that asked for the peer's: it knows that this node wants the log, and does not only answer. */
  asked: boolean;
  /** Events keep until this time is under the horizon. */
  heldTime: number | undefined;
  /**
   * The log is to be opened and compared anew, and nothing sent before: events were refused as early.
   */
  reopen: boolean;
  /** Rows that the peer may have were dropped here: the log is compared anew at the next tick (S11). */
  dropped: boolean;
  /** When the peer refused our `open` for a reason that may pass. */
  refusedAt: number | undefined;
  /** Frames that came before the peer was granted the log. Those of events hold credit. */
  waiting: { readonly message: CutMessage | EventsMessage | RangesMessage | WantMessage; readonly bytes: number }[];
  /** What they take in memory, but for events. */
  waitingBytes: number;
  /** To be asked for once the peer has our `open`. */
  toAsk: Run[];
  /** Bytes merged that no store request covers yet, what is in them, and whether a request is under way. */
  unstored: { bytes: number; runs: Run[] };
  storing: number | undefined;
}

/** The peer's edges, as far as a comparison goes (S21). */
export function comparedEdges({ edges, cut }: Channel): LogEdges {
  if (cut === undefined) return edges;
  return { wanted: cut, complete: Math.max(edges.complete, cut), cut };
}

/** May events go to the peer? What it lacks is known, it can take them, and nothing is to be settled first. */
export function mayRead({ state, described, cutting, compared, ours, theirs, muted, reopen }: Channel): boolean {
  return state === 'live' && described && !cutting && compared && !ours && !theirs && !muted && !reopen;
}

/** A channel before the peer has opened it. */
export function freshExchange(now: number): Omit<Channel, 'log' | 'number' | 'distance'> {
  return {
    remote: undefined,
    toldDistance: Number.POSITIVE_INFINITY,
    peerDistance: Number.POSITIVE_INFINITY,
    edges: wholeLog,
    cutting: false,
    cut: undefined,
    tellsEnd: false,
    isThrough: false,
    supplies: new Map(),
    heldSupplies: new Map(),
    owed: [],
    limited: false,
    descriptor: undefined,
    state: 'offered',
    isSpent: true,
    lost: false,
    described: false,
    asked: false,
    forPeer: false,
    writable: false,
    refusal: undefined,
    muted: false,
    ours: undefined,
    theirs: undefined,
    healing: undefined,
    quiet: { since: now, forMs: idleCompareMs, differed: false },
    summedAt: Number.NEGATIVE_INFINITY,
    summing: undefined,
    announced: false,
    catchUp: undefined,
    compared: false,
    first: undefined,
    meets: false,
    lacks: new Map(),
    newest: undefined,
    ahead: new Map(),
    acked: new Map(),
    wanted: new Map(),
    behind: false,
    stale: false,
    reading: undefined,
    redactions: undefined,
    describing: undefined,
    heldTime: undefined,
    reopen: false,
    dropped: false,
    refusedAt: undefined,
    waiting: [],
    waitingBytes: 0,
    toAsk: [],
    unstored: { bytes: 0, runs: [] },
    storing: undefined,
  };
}
