/** What goes into a session and what comes out of it. */
import type { LogEdges, Supply } from '../edges.js';
import type { GossipError } from '../errors.js';
import type { FeedFilter, FeedPart, FeedPosition, FeedQuery } from '../feed.js';
import type { WriterId } from '../ids.js';
import type { ReadQuery, ReadResult } from '../log/read-lacking.js';
import type { RedactionsQuery, RedactionsRead } from '../log/redactions-below.js';
import type { LogDescriptor } from '../log-descriptor.js';
import type { CloseReason } from '../ports/connection.js';
import type { Run } from '../ports/storage.js';
import type { Range } from '../range.js';
import type { KeptRun, KnownEvent, LogEntry, TimedRun } from '../runs.js';
import type { FeedRows } from './feed-rows.js';

/**
 * What the driver is asked to do. Answers come back as inputs; a request may be answered at once or later. What an answer
 * says of a log holds when it is handed in: all `stored` of the log before has been handed in before, and none after.
 */
export type Effect =
  /** May this peer have the log? Make it ready and say whether it may write; with `feed` it does not ask to. */
  | {
      readonly kind: 'open';
      readonly log: string;
      readonly descriptor: LogDescriptor;
      readonly token: string | undefined;
      readonly feed: boolean;
    }
  /** What to open the log with: the first turn of a comparison among it. */
  | {
      readonly kind: 'describe';
      readonly log: string;
      /** The peer asks where the last so many events begin: the `cut` of the edges to answer with. */
      readonly last: number | undefined;
    }
  /** Read what the peer says in a comparison, and answer it. */
  | {
      readonly kind: 'compare';
      readonly log: string;
      readonly received: readonly Range[];
      readonly salt: number;
      readonly peer: LogEdges;
      /** The peer promises durability. */
      readonly isDurable: boolean;
      /** By fingerprints and rows alone (C6). */
      readonly thorough: boolean;
    }
  /** What of these runs is here, for a peer that wants nothing before `from`? */
  | { readonly kind: 'supply'; readonly log: string; readonly runs: readonly Run[]; readonly from: number }
  /**
   * The fingerprint of all events before a time that both hold, unless that is much work: then part of it, for the next
   * time.
   */
  | { readonly kind: 'sum'; readonly log: string; readonly upTo: number; readonly peer: LogEdges }
  /** The next part of what the peer lacks. */
  | ({ readonly kind: 'read'; readonly log: string } & ReadQuery)
  /** The next part of redactions below the peer's edge, unless the peer has them (S27). */
  | ({ readonly kind: 'redactions'; readonly log: string } & RedactionsQuery)
  /** The next part of what the reader of a feed lacks. */
  | ({ readonly kind: 'select'; readonly log: string } & FeedQuery)
  /** Merge blocks. Fails with the code of the refusal. */
  | { readonly kind: 'merge'; readonly log: string; readonly blocks: readonly Uint8Array[] }
  /** Answer once everything merged so far is durable; with how far the writers of these runs are. */
  | { readonly kind: 'store'; readonly log: string; readonly runs: readonly Run[] };

/** The answers, by kind of effect. */
export interface Answers {
  /** `forPeer`: opened for this peer alone, and to be given back (`released`). */
  open: { readonly log: string; readonly writable: boolean; readonly forPeer: boolean };
  describe: {
    readonly descriptor: LogDescriptor;
    readonly ranges: readonly Range[];
    readonly token: string | undefined;
    /** Absent: the whole log. */
    readonly edges?: LogEdges;
  };
  compare: {
    readonly lacks: ReadonlyMap<WriterId, KnownEvent>;
    readonly reply: readonly Range[];
    readonly from: number;
    /** Rows that were looked at for it, and rows of the log. */
    readonly walked: number;
    readonly rows: number;
  };
  supply: Supply;
  sum: { readonly fingerprint: { readonly count: number; readonly sum: Uint32Array } | undefined };
  read: ReadResult;
  redactions: RedactionsRead;
  select: FeedPart;
  merge: {
    readonly runs: readonly TimedRun[];
    readonly missing: readonly Run[];
    readonly dropped: number;
    /** Why the rest of the events is not taken (S28). */
    readonly refused?: GossipError | undefined;
  };
  /** `before`: what is stored of these runs before a gap of their writers. */
  store: { readonly stored: ReadonlyMap<WriterId, KeptRun>; readonly before: readonly Run[] };
}

export type Answer = { [K in keyof Answers]: { readonly kind: K } & Answers[K] }[keyof Answers];

/** `now` is in milliseconds, by a monotonic clock (`Environment.elapsed`). */
export type SessionInput =
  | { readonly type: 'start'; readonly now: number }
  | { readonly type: 'frame'; readonly bytes: Uint8Array; readonly now: number }
  /** This node uses the log, or one does that is so many nodes away from it (S26): offer it. */
  | { readonly type: 'attach'; readonly log: string; readonly distance?: number; readonly now: number }
  /** This node does not want the log any more. */
  | { readonly type: 'detach'; readonly log: string; readonly now: number }
  /** The log is not what was last said of it: compare it anew. */
  | { readonly type: 'describe'; readonly log: string; readonly now: number }
  /** The log's edges are others. Nothing need be compared for that. */
  | { readonly type: 'tell'; readonly log: string; readonly now: number }
  /** Redactions came to the log from another peer (S28). */
  | { readonly type: 'redacted'; readonly log: string; readonly now: number }
  /** Rows were dropped that the peer may have: compare it anew, but not at once (S11). */
  | { readonly type: 'dropped'; readonly log: string; readonly now: number }
  /** The effective log grew by these entries, in causal order. */
  | {
      readonly type: 'stored';
      readonly log: string;
      readonly entries: readonly LogEntry[];
      /** What of these writers is kept without a gap, where that may be less than all up to what the entries end with. */
      readonly kept?: ReadonlyMap<WriterId, KeptRun> | undefined;
      readonly now: number;
    }
  /** Asks the peer for runs, whether they were asked for before or not. */
  | { readonly type: 'want'; readonly log: string; readonly runs: readonly Run[]; readonly now: number }
  | { readonly type: 'answer'; readonly request: number; readonly answer: Answer; readonly now: number }
  | { readonly type: 'failed'; readonly request: number; readonly error: GossipError; readonly now: number }
  /** Read a feed from the peer, under a number that was never used in this session. Outputs about it carry the number. */
  | { readonly type: 'subscribe'; readonly feed: number; readonly request: FeedRequest; readonly now: number }
  /** So many bytes of a feed were taken. */
  | { readonly type: 'pull'; readonly feed: number; readonly bytes: number; readonly now: number }
  | { readonly type: 'unsubscribe'; readonly feed: number; readonly now: number }
  /** At least each `sessionTickMs`; more often while the session `isProbing`. */
  | { readonly type: 'tick'; readonly now: number }
  /** The way to the peer may be gone: ask for a sign of life (S24). */
  | { readonly type: 'probe'; readonly now: number }
  /** The connection is gone, or this node ends it. */
  | { readonly type: 'end'; readonly reason: CloseReason; readonly now: number };

/** What a feed is asked for with. */
export interface FeedRequest {
  readonly descriptor: LogDescriptor;
  readonly filter: FeedFilter;
  readonly after: FeedPosition;
  readonly token: string | undefined;
}

/** Who is at the other end. */
export interface Peer {
  readonly node: WriterId;
  readonly name: string;
  readonly durable: boolean;
  /** It opens the logs that are asked of it. Absent: it does not. */
  readonly onDemand?: boolean;
  /** Its clock less our wall clock when it last told it, milliseconds. */
  readonly clockOffsetMs: number;
}

/** How far a peer is with sending what was lacking here, in events: about, since what is new meanwhile counts too. */
export interface Progress {
  readonly received: number;
  readonly expected: number;
}

export type SessionOutput =
  /** `refusal`: what the frame tells the peer that it may not, or cannot have. */
  | { readonly type: 'send'; readonly frame: Uint8Array; readonly refusal?: GossipError }
  | { readonly type: 'request'; readonly request: number; readonly effect: Effect }
  | { readonly type: 'established'; readonly peer: Peer }
  /** The peer has told its clock again. */
  | { readonly type: 'clock'; readonly peer: Peer }
  /**
   * The named node, which is durable, has all that is stored here from that time on, except what is behind the events in
   * `lacks`.
   */
  | {
      readonly type: 'compared';
      readonly log: string;
      readonly node: string;
      readonly from: number;
      readonly lacks: ReadonlyMap<WriterId, KnownEvent>;
    }
  /** Durable at the named node, up to each run's `last`. */
  | { readonly type: 'acknowledged'; readonly log: string; readonly node: string; readonly runs: readonly Run[] }
  /** How far back the peer holds the log, and how far it is from a node that uses it (S26). It was opened, maybe anew. */
  | { readonly type: 'edges'; readonly log: string; readonly edges: LogEdges; readonly distance: number }
  /** The peer, which had opened the log, has no more to do with it: what it was asked for does not come. */
  | { readonly type: 'left'; readonly log: string }
  /** The peer was asked for these. */
  | { readonly type: 'asked'; readonly log: string; readonly runs: readonly Run[] }
  /** The peer does not have these of the events that it was asked for. */
  | { readonly type: 'absent'; readonly log: string; readonly runs: readonly Run[] }
  /** Of the events that are lacking here the peer sends only those from that time on (S22). */
  | { readonly type: 'cut'; readonly log: string; readonly time: number }
  /** All that the peer was asked for of the last events (S21) has come and is merged. */
  | { readonly type: 'through'; readonly log: string }
  /** Events wait for a clock: they are sent once that has come to this time; `undefined` when none do any more. */
  | { readonly type: 'held'; readonly log: string; readonly time: number | undefined }
  /** The peer sends many events of the log; `undefined` when it does not, or no longer. */
  | { readonly type: 'progress'; readonly log: string; readonly progress: Progress | undefined }
  /** The peer refuses something about the log. */
  | { readonly type: 'refused'; readonly log: string; readonly error: GossipError }
  /** A log that was opened for the peer is not needed by it any more. */
  | { readonly type: 'released'; readonly log: string }
  /** Rows of a feed, in the order of its blocks. `bytes` is what to `pull` again once they are taken. */
  | { readonly type: 'fed'; readonly feed: number; readonly rows: readonly FeedRows[]; readonly bytes: number }
  /** The feed is over, and why. */
  | { readonly type: 'feed-refused'; readonly feed: number; readonly error: GossipError }
  /** Close the connection. Nothing follows. */
  | { readonly type: 'end'; readonly reason: CloseReason };

/** This node, as it introduces itself. */
export interface SessionOptions {
  readonly node: WriterId;
  readonly name: string;
  readonly durable: boolean;
  /** It opens the logs that a peer asks for. Default false. */
  readonly onDemand?: boolean;
  /** This node's wall clock, milliseconds since 1970. May be set at any time. */
  readonly wallClock: () => number;
  /** What this node adds to its wall clock, milliseconds. A node that is not durable corrects it by a durable peer's. */
  readonly clockOffsetMs: number;
}
