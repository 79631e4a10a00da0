/** Ties logs, storage and connections together. */
import type { ConnectionSource, Environment, GossipStorage, PayloadCodec, SourceStatus } from '@gossip-log/core';
import type { LogHandle } from './log-handle.js';

/** What a relay or a test may decide about a peer's request. */
export interface AuthorizeRequest {
  readonly token: string | undefined;
  readonly log: string;
  readonly action: 'read' | 'write';
}

export interface GossipNodeOptions {
  /** Where events are kept. Owned by the node from then on: `close` closes it. */
  readonly storage: GossipStorage;
  /** How peers are reached. Default: none, an offline node. */
  readonly connections?: readonly ConnectionSource[];
  /** Shown to peers with every log opened. A function is asked anew for every connection. */
  readonly token?: string | (() => string | undefined | Promise<string | undefined>);
  /** Called with trouble that nobody asked about (a damaged record, a refused block). Default: nothing. */
  readonly onError?: (error: Error) => void;
  /** Time, randomness and timers. Default: the platform's. */
  readonly environment?: Environment;
  /** This node promises durability: its acknowledgements say so. Relays set it. Default false. */
  readonly durable?: boolean;
  /** Open logs that a peer asks for although nobody here uses them. Relays set it. Default false. */
  readonly openOnDemand?: boolean;
  /** Decides what a peer may do. Default: everything is allowed. */
  readonly authorize?: (request: AuthorizeRequest) => boolean | Promise<boolean>;
  /** A name for this node in acknowledgements. Default: its replica id. */
  readonly name?: string;
}

export interface OpenOptions<T> {
  /** How payloads become bytes. All users of one log in one node share the codec of the first. Default: JSON. */
  readonly codec?: PayloadCodec<T>;
}

/**
 * The connection as a whole. `offline`: no source, or all stopped or waiting. `connecting`: none open, one is dialling.
 * `online`: at least one session is established (both sides have said hello).
 */
export interface ConnectionState {
  readonly status: 'offline' | 'connecting' | 'online';
  /** When the next try is made, milliseconds since 1970, where one is waited for. */
  readonly retryAt?: number;
  /** Why it is offline, where something said so. */
  readonly reason?: string;
  /** One entry per source, in the order given. */
  readonly sources: readonly SourceStatus[];
}

export interface GossipNode {
  /** Opens a log, or shares it when it is open. Returns at once; see `LogHandle.ready`. */
  open<T = unknown>(id: string, options?: OpenOptions<T>): LogHandle<T>;
  /** The connection's state. Same object until it changes. */
  connection(): ConnectionState;
  /** Calls back after `connection()` changed. Returns the unsubscribe function. */
  subscribe(listener: () => void): () => void;
  /** Removes a log from this node's storage. It must not be in use. Peers keep theirs. */
  forget(id: string): Promise<void>;
  /** Names of the logs kept in storage, sorted. */
  logs(): Promise<readonly string[]>;
  /** Stores what is pending, says goodbye to peers, closes storage. Idempotent. */
  close(): Promise<void>;
}
