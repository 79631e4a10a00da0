/**
 * What moves bytes. A connection carries whole frames, in order, to one peer; a source of connections makes
 * them: it dials and dials again, or accepts.
 *
 * Rules, each proven by the contract suite:
 * - [N1] Frames arrive whole, in the order sent, at most once, until the connection ends.
 * - [N2] `closed` is called exactly once, after the last frame, also when this side closed. Nothing follows it.
 * - [N3] A frame over `frameBytesMax` ends the connection with `frame-too-large`, on the sending or the receiving side.
 * - [N4] `send` never blocks and never throws. Behind `socketBufferBytesMax` the connection ends with `slow-reader`.
 *   After the end it does nothing.
 * - [N5] The code and message given to `close` reach the peer's `closed`, if the connection still carries them.
 * - [N6] No handler runs inside `send` or `close`: they run in a later task or microtask.
 * - [N7] Bytes given to `send` stay as they are, on both sides: one frame may go to many connections. Bytes given to
 *   `frame` are the handler's.
 * - [N8] Between `pause` and `resume` nothing more is read from the peer: it has to wait, once what lies on the way is full.
 *   Frames that were read before may still come. A connection whose peers are trusted need not have the two.
 */
import type { GossipErrorCode } from '../errors.js';

/** Why a connection ended. `normal` is a wish, not trouble. */
export interface CloseReason {
  readonly code: GossipErrorCode | 'normal';
  readonly message: string;
}

/** An open connection to one peer. */
export interface Connection {
  /** Where it leads, for logs and errors: an address without secrets. */
  readonly peer: string;
  /** Bytes handed to `send` that have not left this process. */
  readonly bufferedBytes: number;
  send(frame: Uint8Array): void;
  close(reason: CloseReason): void;
  /** N8. */
  pause?(): void;
  /** N8. */
  resume?(): void;
}

/** What the owner of a connection wants to be told. */
export interface ConnectionHandlers {
  frame(bytes: Uint8Array): void;
  closed(reason: CloseReason): void;
  /** The way to the peer may be gone, although nothing says so: the network changed, or somebody came back to the page. */
  doubted?(): void;
}

/**
 * How a dialling source stands. `waiting` until `retryAt` (milliseconds since 1970; infinite where only somebody else
 * can connect); `stopped` when the last close code says that trying again is of no use, or after `stop`. A source may
 * go from `stopped` to `connecting` again, when the network comes back.
 */
export type SourceStatus =
  | { readonly state: 'connecting' }
  | { readonly state: 'open' }
  | { readonly state: 'waiting'; readonly retryAt: number; readonly reason: CloseReason }
  | { readonly state: 'stopped'; readonly reason: CloseReason };

/** What a source of connections tells its node. */
export interface ConnectionHost {
  /** A connection is open; the node returns what wants to hear from it. */
  connected(connection: Connection): ConnectionHandlers;
  /** The source's state changed. Accepting sources say `open` while they listen. */
  status(status: SourceStatus): void;
}

/** Makes connections: dials and dials again, or accepts. */
export interface ConnectionSource {
  /**
   * It leads to peers that this program has named itself, so that the clocks of durable ones are believed. Default
   * false: whoever may come in.
   */
  readonly dials?: boolean;
  /**
   * It is made for pages, as far as anybody has said: on a server without a window, where pages are only rendered, a node
   * that is given it opens and dials nothing. Default false.
   */
  readonly needsPage?: boolean;
  /** Begins. Called once. The function returned stops it, ends its connections, and resolves when all is closed. */
  start(host: ConnectionHost): () => Promise<void>;
  /**
   * Dials at once instead of waiting for its time, where it waits, and has open connections `doubted`. Sources that only
   * accept have no such thing.
   */
  reconnect?(): void;
}
