/** Ties logs, storage and connections together. */
import {
  type CheckpointStore,
  type Connection,
  type ConnectionSource,
  checkOptions,
  type Environment,
  GossipError,
  type GossipStorage,
  jsonCodec,
  limits,
  type PayloadCodec,
  parseLogId,
  type SourceStatus,
  utf8Encoder,
  type WriterId,
  writerIdFromBytes,
} from '@gossip-log/core';
import {
  Listeners,
  type LogDescriptor,
  type Peer,
  type Retention,
  reportUncaught,
  type SessionOptions,
} from '@gossip-log/core/sync';
import { believableOffset, clockOffsetKey, readOffset, writeOffset } from './clock-offset.js';
import { type Feed, type FeedFilter, type FeedOptions, NodeFeeds } from './feeds.js';
import { FoldCheckpoints } from './fold-checkpoints.js';
import { HostedLog, type LogHost } from './hosted-log.js';
import { codecKey, isCodecName } from './log-codec.js';
import type { LogHandle } from './log-handle.js';
import { edgesKey } from './log-reach.js';
import { LogUse } from './log-use.js';
import { checkCatchUp, checkWindow, type LogWindow, UsedWindow } from './log-window.js';
import { ParkedBytes } from './parked-bytes.js';
import type { PeerNotice } from './peer-notice.js';
import { type PeerQuota, Quotas } from './peer-quota.js';
import { relayedKey } from './relayed-runs.js';
import { isRenderingServer } from './rendering-server.js';
import { checkRetention, type RetentionOption, retentionOf } from './retention.js';
import { Scrubbing } from './scrubbing.js';
import { type Grant, type PeerUse, SessionDriver, type SessionHost } from './session-driver.js';
import { readStored } from './stored-value.js';
import { FormerIds } from './successors.js';
import { checkEnvironment, platformEnvironment } from './system-environment.js';
import { Turns } from './turns.js';

/** What a relay or a test may decide about a peer's request. */
export interface AuthorizeRequest {
  readonly token: string | undefined;
  readonly log: string;
  /**
   * `read` and `write` are asked when the peer opens the log. `redact` is asked when it first sends something that would
   * erase a payload which lies here. `vouch` is asked when a node that promises durability, and has dialled this one, opens
   * the log to write: are the events that it has accepted taken, however far they are ahead of the clock? Grant it to your
   * own relays: a device that says it is one could push a log ahead by years.
   */
  readonly action: 'read' | 'write' | 'redact' | 'vouch';
}

export interface GossipNodeOptions {
  /** Where events are kept. Owned by the node from then on: `close` closes it. */
  readonly storage: GossipStorage;
  /** How peers are reached. Default: none, an offline node. */
  readonly connections?: readonly ConnectionSource[];
  /** Shown to peers with every log opened. A function is asked anew for every connection. */
  readonly token?: string | (() => string | undefined | Promise<string | undefined>);
  /**
   * Called with trouble that nobody asked about (a damaged record, a refused block), and with what listeners throw. Default:
   * the platform reports what listeners throw, as it does for its own events; nothing for the rest.
   */
  readonly onError?: (error: Error) => void;
  /** Called when a peer is refused something, or its session ends for a fault: for the logs of whoever runs a relay. */
  readonly onNotice?: (notice: PeerNotice) => void;
  /** Time, randomness and timers. Default: the platform's. */
  readonly environment?: Environment;
  /** This node promises durability: its acknowledgements say so. Relays set it. Default false. */
  readonly durable?: boolean;
  /** Open logs that a peer asks for although nobody here uses them. Relays set it. Default false. */
  readonly openOnDemand?: boolean;
  /** Decides what a peer may do. Default: everything is allowed. */
  readonly authorize?: (request: AuthorizeRequest) => boolean | Promise<boolean>;
  /** Bytes of events in memory, over which those go that no open window shows. Default: 64 MiB. */
  readonly hotBytesMax?: number;
  /**
   * How much of its logs this node keeps: events over these bounds go, the oldest first, by the packed chunk of about a
   * thousand. What this node wrote and no durable node has yet is kept. Peers are told from where on it holds the log. A log
   * is looked at while it is open. Default: all is kept.
   */
  readonly retention?: RetentionOption;
  /** `catchUpEventsMax` of logs that are opened without one. Default: no limit. */
  readonly catchUpEventsMax?: number;
  /** A name for this node in acknowledgements. Default: the id that it drew when it was made. */
  readonly name?: string;
}

export interface OpenOptions<T> {
  /** How payloads become bytes. A log has one codec: another one is refused. Default: JSON. */
  readonly codec?: PayloadCodec<T>;
  /** How far back the log is read into memory; `LogHandle.loadOlder` reads more. Default: all of it. */
  readonly window?: LogWindow;
  /**
   * When a connection comes up, a peer is to send at most about so many of the events that are missing here: the newest.
   * Of a room in which half a million messages were written meanwhile, a device that was away then fetches the last
   * thousand. Events that were here stay, and what was written here still goes out; between the two there is a gap
   * (`LogHandle.hasGap`), which `loadOlder` fills step by step. Opening the log without a limit fills all of it. Of several
   * uses of a log the one with the highest limit counts. A durable node keeps all, and takes none.
   *
   * A whole number, or `Infinity` for no limit. Default: that of the node, which has none unless it is told.
   *
   * @example
   * ```ts
   * import { memoryStorage } from '@gossip-log/storage/memory';
   * import { createGossipNode } from '@gossip-log/transport';
   *
   * const node = createGossipNode({ storage: memoryStorage() });
   * const log = node.open<string>('tea', { window: { last: 200 }, catchUpEventsMax: 1000 });
   * await log.ready;
   * if (log.hasGap) await log.loadOlder(500);
   * await node.close();
   * ```
   */
  readonly catchUpEventsMax?: number;
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
  /**
   * Opens a log, or shares it when it is open. Returns at once; see `LogHandle.ready`.
   *
   * @throws RangeError for an `id` that is not 1 to `logIdBytesMax` bytes, or a number that is none; TypeError for a `window` or a
   *   `codec` that is none, or whose name is not 1 to 32 printable ASCII characters, and for a `catchUpEventsMax` at a durable
   *   node; GossipError `node-closed`, `limit-exceeded`
   *   when `openLogsMax` logs are open, `descriptor-mismatch` when the log is open with another codec. Where it was only
   *   stored with another one, `ready` rejects.
   */
  open<T = unknown>(id: string, options?: OpenOptions<T>): LogHandle<T>;
  /**
   * A feed: the events of a log that match `filter`, of which nothing else is sent over the connection. Nothing is asked
   * for before the first `next`; see `Feed`.
   *
   * @throws RangeError, TypeError for an `id`, a filter, a cursor or a codec that is none; GossipError `node-closed`.
   */
  feed<T = unknown>(id: string, filter?: FeedFilter, options?: FeedOptions<T>): Feed<T>;
  /**
   * Where folds of a log are saved (`fold` of `@gossip-log/core/view`), beside the log in this node's storage. Names take
   * 1 to `foldNameBytesMax` bytes. `forget` removes it all.
   *
   * @throws RangeError when `id` is not a log's name.
   */
  checkpoints(id: string): CheckpointStore;
  /** The connection's state. Same object until it changes. */
  connection(): ConnectionState;
  /** Calls back after `connection()` changed. Returns the unsubscribe function. */
  subscribe(listener: () => void): () => void;
  /**
   * Dials at once wherever a pause is waited for, and probes connections that are open: one without a sign of life ends
   * after `limits.probeMsMax`. For a button; coming back to the page or the network does it by itself.
   */
  reconnect(): void;
  /** Removes a log from this node's storage. It must not be in use. Peers keep theirs. */
  forget(id: string): Promise<void>;
  /** Names of the logs kept in storage, sorted. */
  logs(): Promise<readonly string[]>;
  /**
   * Stores what was appended so far, says goodbye to peers, closes storage. From the call on logs take nothing more: `append`
   * throws `log-closed`. Idempotent.
   */
  close(): Promise<void>;
}

/** A log in this node, and who uses it. */
interface Entry {
  /** Another one once it had failed and was opened anew. */
  hosted: HostedLog;
  /** The sessions have been offered it since it was opened. */
  offered: boolean;
  /** Uses by this node's app. While there are any, every session is offered the log. */
  uses: number;
  /** What peers were granted of it: their sessions' logs and feeds. */
  peerUses: number;
  /** Sessions that have it open, by how many nodes away the peer is from one that uses it (S26); infinite: it only answers. */
  readonly distances: Map<SessionDriver, number>;
  /** As the peer that opened it first has described it. */
  codecAskedFor: string | undefined;
  cancelClose: (() => void) | undefined;
  closing: Promise<void> | undefined;
}

/** A difference that the network alone may cause is not taken for a wrong clock. */
const clockOffsetMsMin = 500;

/**
 * Makes a node: it opens logs, keeps them in storage, and exchanges them with peers over its connections. It returns at
 * once; reading and connecting go on by themselves.
 *
 * On a server that renders pages (Node or an edge runtime, without a window) a node that was given what only pages have,
 * `indexedDbStorage` or a `webSocketClient` without a `WebSocket` class, stays asleep: it opens and dials nothing, its logs
 * stay `opening`, and it says so once, to `onError` or on the console (`no-window`).
 *
 * @example
 * ```ts
 * import { memoryStorage } from '@gossip-log/storage/memory';
 * import { createGossipNode, memoryPair } from '@gossip-log/transport';
 *
 * const pair = memoryPair();
 * const ada = createGossipNode({ storage: memoryStorage(), connections: [pair.left] });
 * const bob = createGossipNode({ storage: memoryStorage(), connections: [pair.right] });
 * const notes = ada.open<string>('notes');
 * await notes.ready;
 * await notes.delivered(notes.append('hello'));
 * const theirs = bob.open<string>('notes');
 * await theirs.ready; // 'hello' arrives shortly: theirs.subscribe tells
 * await Promise.all([ada.close(), bob.close()]);
 * ```
 */
export function createGossipNode(options: GossipNodeOptions): GossipNode {
  return new Node(options);
}

class Node implements GossipNode, LogHost, SessionHost {
  readonly storage: GossipStorage;
  readonly environment: Environment;
  readonly durable: boolean;
  readonly catchUpEventsMax: number;
  readonly #options: GossipNodeOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #drivers = new Set<SessionDriver>();
  readonly #established = new Set<SessionDriver>();
  /** Those of them to durable nodes that were dialled, by whose clocks this node goes. */
  readonly #clockFrom = new Set<SessionDriver>();
  /** Those of them to nodes that open logs on demand, if this node does so too. */
  readonly #bridges = new Set<SessionDriver>();
  readonly #listeners = new Listeners((error) => this.onListenerError(error));
  readonly #checkpoints: FoldCheckpoints;
  readonly #feeds: NodeFeeds;
  readonly #sources: SourceStatus[];
  readonly #stops: (() => Promise<void>)[];
  /** Why nothing is opened or dialled: pages are rendered here, and what the node was given is made for pages. */
  readonly #asleep: GossipError | undefined;
  readonly #forgetting = new Map<string, Promise<void>>();
  /** Names this node in sessions. */
  readonly #id: WriterId;
  readonly scrubbing: Scrubbing;
  readonly parkedBytes = new ParkedBytes();
  readonly turns: Turns;
  readonly quotas: Quotas;
  /** What this node knows of its clock; `undefined` after the storage could not be opened: whoever needs it next asks again. */
  #clockRead: Promise<void> | undefined;
  /** By log; of most there are none. */
  readonly #formerIds = new Map<string, FormerIds>();
  #stopWaiting = () => {};
  #clockOffsetMs = 0;
  #state: ConnectionState = { status: 'offline', sources: [] };
  #closed: Promise<void> | undefined;

  constructor(options: GossipNodeOptions) {
    checkOptions('createGossipNode', options, {
      ...{ storage: 'any', connections: 'array', token: 'any', onError: 'function', environment: 'object' },
      onNotice: 'function',
      ...{ durable: 'boolean', openOnDemand: 'boolean', authorize: 'function', hotBytesMax: 'number' },
      ...{ retention: 'any', catchUpEventsMax: 'any', name: 'string' },
    });
    if (typeof options.storage?.load !== 'function') {
      throw new TypeError('createGossipNode: expected { storage }, for example memoryStorage()');
    }
    options.connections?.forEach((source, i) => {
      if (typeof source?.start === 'function') return;
      throw new TypeError(
        `createGossipNode: connections[${i}]: expected a connection source, for example webSocketClient()`,
      );
    });
    const { token } = options;
    if (token !== undefined && typeof token !== 'string' && typeof token !== 'function') {
      throw new TypeError(`createGossipNode: token: expected a text or a function, got ${typeof token}`);
    }
    if (options.name === '') throw new RangeError('createGossipNode: name: expected a text that is not empty');
    if (options.environment !== undefined) checkEnvironment(options.environment);
    if (options.retention !== undefined && typeof options.retention !== 'function') checkRetention(options.retention);
    this.#options = options;
    this.storage = options.storage;
    this.#checkpoints = new FoldCheckpoints(options.storage, (error) => this.onError(error));
    this.environment = options.environment ?? platformEnvironment();
    this.turns = new Turns(this.environment);
    this.quotas = new Quotas(this.environment);
    this.scrubbing = new Scrubbing(options.storage, this.environment, (error) => this.onError(error));
    this.durable = options.durable ?? false;
    this.catchUpEventsMax = options.catchUpEventsMax ?? Number.POSITIVE_INFINITY;
    this.#checkCatchUp(this.catchUpEventsMax);
    const connections: readonly ConnectionSource[] = options.connections ?? [];
    const needsPage = [options.storage, ...connections].some((part) => part.needsPage === true);
    this.#asleep = needsPage && isRenderingServer() ? noWindow() : undefined;
    this.#feeds = new NodeFeeds(this.environment, this.#established);
    this.#id = this.freshWriter();
    this.#whenClockRead().catch(() => undefined);
    const reason = this.#asleep;
    this.#sources = connections.map(() =>
      reason === undefined ? { state: 'connecting' } : { state: 'stopped', reason },
    );
    if (reason !== undefined) this.#sayAsleep(reason);
    this.#stops = (reason === undefined ? connections : []).map((source, i) =>
      source.start({
        connected: (connection) => this.#connected(connection, source.dials ?? false),
        status: (status) => {
          this.#sources[i] = status;
          this.#updateState();
        },
      }),
    );
    this.#updateState();
  }

  // What users call.

  open<T = unknown>(id: string, options: OpenOptions<T> = {}): LogHandle<T> {
    this.#assertOpen();
    checkOptions('open', options, { codec: 'object', window: 'any', catchUpEventsMax: 'any' });
    const codec = (options.codec as PayloadCodec<unknown> | undefined) ?? jsonCodec;
    checkCodec(codec);
    const { window = 'all', catchUpEventsMax = this.catchUpEventsMax } = options;
    checkWindow(window);
    this.#checkCatchUp(catchUpEventsMax);
    const entry = this.#entry(id);
    entry.hosted.bindCodec(codec);
    this.#keep(entry);
    if (++entry.uses === 1 || !entry.offered) this.#offer(entry);
    const giveBack = () => {
      if (--entry.uses === 0) this.#offerToPeersAlone(entry);
      this.#giveBackMemory();
      this.#closeWhenIdle(entry);
    };
    return new LogUse<T>(entry.hosted as unknown as HostedLog<T>, new UsedWindow(window, catchUpEventsMax), giveBack);
  }

  feed<T = unknown>(id: string, filter: FeedFilter = {}, options: FeedOptions<T> = {}): Feed<T> {
    this.#assertOpen();
    checkOptions('feed', options, { after: 'object', codec: 'object' });
    const codec = options.codec ?? (jsonCodec as PayloadCodec<T>);
    checkCodec(codec as PayloadCodec<unknown>);
    return this.#feeds.open(parseLogId(id), filter, codec, options.after);
  }

  checkpoints(id: string): CheckpointStore {
    return this.#checkpoints.of(parseLogId(id));
  }

  /** Those may be made of events that were redacted. */
  forgetFolds(log: string): Promise<void> {
    return this.#checkpoints.forget(log);
  }

  connection(): ConnectionState {
    return this.#state;
  }

  subscribe(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  reconnect(): void {
    if (this.#asleep !== undefined) return;
    for (const source of this.#options.connections ?? []) source.reconnect?.();
  }

  async forget(id: string): Promise<void> {
    this.#assertOpen();
    if (this.#asleep !== undefined) throw this.#asleep;
    const entry = this.#entries.get(id);
    if (entry !== undefined && isIdle(entry)) await this.#closeEntry(entry);
    // It closes once all of it is stored, unless it is used again before.
    if (this.#entries.has(id)) throw new GossipError('log-in-use', `log "${id}" is in use`, { context: { log: id } });
    const forgetting = this.#remove(id);
    this.#forgetting.set(id, forgetting);
    try {
      await forgetting;
    } finally {
      this.#forgetting.delete(id);
    }
  }

  async #remove(id: string): Promise<void> {
    await this.storage.forget(id);
    await this.storage.setMetadata(codecKey(id), undefined);
    await this.storage.setMetadata(edgesKey(id), undefined);
    await this.#checkpoints.forget(id);
    this.#formerIds.delete(id);
    await this.storage.setMetadata(relayedKey(id), undefined);
  }

  async logs(): Promise<readonly string[]> {
    if (this.#asleep !== undefined) throw this.#asleep;
    return this.storage.logs();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  // What hosted logs need.

  now(): number {
    return this.environment.now() + this.#offset();
  }

  formerIdsOf(log: string): FormerIds {
    let ids = this.#formerIds.get(log);
    if (ids === undefined) {
      ids = new FormerIds();
      this.#formerIds.set(log, ids);
    }
    return ids;
  }

  get isClockTold(): boolean {
    return this.#clockFrom.size > 0;
  }

  isConnecting(): boolean {
    return this.#sources.some(({ state }) => state === 'connecting') || this.#drivers.size > this.#established.size;
  }

  retentionOf(log: string): Retention | undefined {
    return retentionOf(this.#options.retention, log);
  }

  async mayOpen(log: string): Promise<void> {
    // A log that is opened while it is forgotten begins when it is gone.
    await this.#forgetting.get(log)?.catch(() => undefined);
    await this.#whenClockRead();
  }

  freshWriter(): WriterId {
    return writerIdFromBytes(this.environment.randomBytes(limits.writerIdBytes));
  }

  onError(error: unknown): void {
    try {
      this.#options.onError?.(error instanceof Error ? error : new Error(String(error)));
    } catch {
      // Whoever is told of trouble must not make more of it.
    }
  }

  onListenerError(error: unknown): void {
    if (this.#options.onError === undefined) reportUncaught(error);
    else this.onError(error);
  }

  // What sessions need.

  async introduction(): Promise<{ options: SessionOptions; token: string | undefined }> {
    const { token, name } = this.#options;
    // Without storage the clock goes uncorrected.
    const clockRead = this.#whenClockRead().catch(() => undefined);
    const [resolved] = await Promise.all([typeof token === 'function' ? token() : token, clockRead]);
    if (resolved !== undefined && typeof resolved !== 'string') {
      throw new TypeError(`token: expected a text or undefined, got ${resolved === null ? 'null' : typeof resolved}`);
    }
    if (resolved !== undefined && utf8Encoder.encode(resolved).length > limits.tokenBytesMax) {
      throw new RangeError(`token: expected at most ${limits.tokenBytesMax} bytes of UTF-8`);
    }
    const { durable } = this;
    const { openOnDemand: onDemand = false } = this.#options;
    return {
      options: {
        ...{ node: this.#id, name: name ?? this.#id, durable, onDemand, clockOffsetMs: this.#offset() },
        wallClock: () => this.environment.now(),
      },
      token: resolved,
    };
  }

  *attachedLogs(): Iterable<string> {
    for (const [id, { hosted, uses }] of this.#entries) if (uses > 0 && hosted.log !== undefined) yield id;
  }

  hosted(log: string): HostedLog | undefined {
    return this.#entries.get(log)?.hosted;
  }

  codecOf(log: string): string | undefined {
    const entry = this.#entries.get(log);
    return entry !== undefined && entry.uses > 0 ? entry.hosted.codec : undefined;
  }

  codecAskedFor(log: string): string | undefined {
    return this.#entries.get(log)?.codecAskedFor;
  }

  distanceToUse(driver: SessionDriver, log: string): number {
    const entry = this.#entries.get(log);
    if (entry === undefined || entry.uses > 0) return 0;
    let nearest = Number.POSITIVE_INFINITY;
    for (const [other, distance] of entry.distances) {
      if (other !== driver && distance < nearest) nearest = distance;
      if (nearest === 0) break;
    }
    return nearest < limits.bridgedNodesMax ? nearest + 1 : Number.POSITIVE_INFINITY;
  }

  peerOpened(driver: SessionDriver, log: string, distance: number): void {
    const entry = this.#entries.get(log);
    if (entry === undefined || entry.distances.get(driver) === distance) return;
    entry.distances.set(driver, distance);
    this.#peersChanged(entry);
  }

  peerLeft(driver: SessionDriver, log: string): void {
    const entry = this.#entries.get(log);
    if (entry?.distances.delete(driver)) this.#peersChanged(entry);
  }

  async openForPeer(
    descriptor: LogDescriptor,
    token: string | undefined,
    { feed, isDurable }: PeerUse,
    quota: PeerQuota,
  ): Promise<Grant> {
    const { authorize, openOnDemand } = this.#options;
    const { id, codec } = descriptor;
    const may = async (action: AuthorizeRequest['action']) =>
      authorize === undefined || isGranted(await authorize({ token, log: id, action }));
    if (!(await may('read'))) throw new GossipError('forbidden', `log "${id}" is not open to this peer`);
    const writable = !feed && (await may('write'));
    const vouches = writable && isDurable && (await may('vouch'));
    const used = this.#entries.get(id);
    if (this.#closed !== undefined || (!openOnDemand && (used === undefined || used.uses === 0))) {
      throw new GossipError('not-found', `log "${id}" is not open here`);
    }
    const release = openOnDemand ? this.#openOnDemand(id, quota) : undefined;
    const entry = this.#entry(id);
    entry.codecAskedFor ??= codec;
    try {
      await entry.hosted.ready;
      const ours = this.codecOf(id) ?? codec;
      if (ours !== codec) {
        throw new GossipError('descriptor-mismatch', `log "${id}" has codec ${ours} here, ${codec} there`);
      }
    } catch (error) {
      release?.();
      throw error;
    }
    return { writable, vouches, mayRedact: authorize && (() => quota.ask(() => may('redact'))), release };
  }

  established(driver: SessionDriver, peer: Peer): void {
    this.#established.add(driver);
    this.clockTold(driver, peer);
    if (peer.onDemand && this.#options.openOnDemand) {
      this.#bridges.add(driver);
      for (const entry of this.#entries.values()) this.#bridge(entry);
    }
    this.#feeds.look();
    this.#updateState();
  }

  clockTold(driver: SessionDriver, peer: Peer): void {
    if (!driver.dialled || !peer.durable || this.durable) return;
    if (this.#correctClock(peer)) this.#clockFrom.add(driver);
    else this.#clockFrom.delete(driver);
    if (this.#clockFrom.has(driver)) for (const { hosted } of this.#entries.values()) hosted.clockTold();
  }

  ended(driver: SessionDriver): void {
    this.#drivers.delete(driver);
    this.#bridges.delete(driver);
    this.#clockFrom.delete(driver);
    if (this.#established.delete(driver)) this.#feeds.ended(driver);
    this.#updateState();
  }

  // How it works inside.

  #whenClockRead(): Promise<void> {
    if (this.#clockRead === undefined) {
      const clockRead = this.#readClock();
      this.#clockRead = clockRead;
      // Logs report it.
      clockRead.catch(() => {
        if (this.#closed === undefined) this.#clockRead = undefined;
      });
    }
    return this.#clockRead;
  }

  #sayAsleep(reason: GossipError): void {
    if (this.#options.onError !== undefined) this.onError(reason);
    // biome-ignore lint/suspicious/noConsole: nobody else would tell the app's author.
    else console.warn(`gossip-log: ${reason.message}`);
  }

  /**
   * A store that fails for a while is asked again: without its clock the node could not say when anything is written. One
   * that cannot be opened says so with a `reason`, and that is for the app to know.
   */
  async #readClock(): Promise<void> {
    if (this.#asleep !== undefined) {
      // Logs stay `opening`, as they are on the page before it has read anything.
      await new Promise<void>((resolve) => {
        this.#stopWaiting = resolve;
      });
      throw new GossipError('node-closed', 'the node is closed');
    }
    for (let pauseMs = limits.storageRetryMsMax / 10; ; pauseMs = Math.min(2 * pauseMs, limits.storageRetryMsMax)) {
      try {
        const offsetMs = await readStored(this.storage, clockOffsetKey, readOffset, (error) => this.onError(error));
        // A damaged one is learned again from the next durable peer (H12).
        if (offsetMs !== 'damaged') this.#clockOffsetMs = offsetMs ?? 0;
        this.scrubbing.resume().catch((error) => this.onError(error));
        return;
      } catch (error) {
        const passing =
          error instanceof GossipError && error.code === 'storage-failed' && error.context['reason'] === undefined;
        if (!passing || this.#closed !== undefined) throw error;
        this.onError(error);
        await new Promise<void>((resolve) => {
          const cancel = this.environment.setTimer(pauseMs, resolve);
          this.#stopWaiting = () => {
            cancel();
            resolve();
          };
        });
      }
    }
  }

  /** Does this node go by the peer's clock now? */
  #correctClock({ name, clockOffsetMs }: Peer): boolean {
    if (Math.abs(clockOffsetMs - this.#offset()) < clockOffsetMsMin) return true;
    const offsetMs = believableOffset(this.environment.now(), clockOffsetMs);
    if (offsetMs === undefined) {
      const hours = Math.round(clockOffsetMs / 3_600_000);
      this.onError(
        new GossipError('clock-offset', `the clock of ${name} is ${hours} hours ahead of this node's`, {
          context: { peer: name, clockOffsetMs },
        }),
      );
      return false;
    }
    this.#clockOffsetMs = offsetMs;
    this.storage.setMetadata(clockOffsetKey, writeOffset(offsetMs)).catch((error) => this.onError(error));
    return true;
  }

  /** A wall clock may have been set since the correction was learned. */
  #offset(): number {
    return believableOffset(this.environment.now(), this.#clockOffsetMs) ?? 0;
  }

  #checkCatchUp(eventsMax: number): void {
    checkCatchUp(eventsMax);
    if (this.durable && eventsMax < Number.POSITIVE_INFINITY) {
      throw new TypeError('catchUpEventsMax: a durable node keeps all that it is sent');
    }
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) throw new GossipError('node-closed', 'the node is closed');
  }

  #connected(connection: Connection, dialled: boolean): SessionDriver {
    const driver = new SessionDriver(this, connection, dialled);
    this.#drivers.add(driver);
    return driver;
  }

  #entry(id: string): Entry {
    const known = this.#entries.get(id);
    if (known !== undefined) {
      if (known.hosted.status === 'failed') this.#openAnew(known);
      return known;
    }
    if (this.#entries.size >= limits.openLogsMax) {
      throw new GossipError('limit-exceeded', `a node has at most ${limits.openLogsMax} logs open`);
    }
    const hosted = new HostedLog(this, parseLogId(id));
    const entry: Entry = {
      ...{ hosted, offered: false, uses: 0, peerUses: 0, distances: new Map(), codecAskedFor: undefined },
      ...{ cancelClose: undefined, closing: undefined },
    };
    this.#entries.set(id, entry);
    return entry;
  }

  /** A log that failed is opened anew: what was wrong may be mended. Sessions that still have it are told. */
  #openAnew(entry: Entry): void {
    const hosted = new HostedLog(this, entry.hosted.id);
    entry.hosted = hosted;
    entry.offered = false;
    const tell = () => {
      for (const driver of this.#drivers) driver.reopened(hosted.id);
    };
    hosted.ready.then(tell, () => undefined);
  }

  /** Y4. Opens a log for a peer, or shares it. */
  #openOnDemand(id: string, quota: PeerQuota): () => void {
    const free = this.#entries.has(id) ? Number.POSITIVE_INFINITY : limits.openLogsMax - this.#entries.size;
    const giveBack = quota.takePlace(free);
    const release = this.#usedByPeer(this.#entry(id));
    return () => {
      giveBack();
      release();
    };
  }

  noticed(notice: PeerNotice): void {
    try {
      this.#options.onNotice?.(notice);
    } catch (error) {
      this.onError(error);
    }
  }

  /** Counts a use by a peer; the function returned takes it back. */
  #usedByPeer(entry: Entry): () => void {
    this.#keep(entry);
    entry.peerUses++;
    return () => {
      entry.peerUses--;
      this.#closeWhenIdle(entry);
    };
  }

  /** Over the bound, logs give back what nobody shows: those first that were opened first. */
  #giveBackMemory(): void {
    const { hotBytesMax = limits.hotBytesMax } = this.#options;
    let bytes = 0;
    for (const { hosted } of this.#entries.values()) bytes += hosted.residentBytes;
    for (const { hosted } of this.#entries.values()) {
      if (bytes <= hotBytesMax) return;
      bytes -= hosted.residentBytes;
      hosted.trim();
      bytes += hosted.residentBytes;
    }
  }

  #keep(entry: Entry): void {
    entry.cancelClose?.();
    entry.cancelClose = undefined;
  }

  /** Offers a log to every session, now or when it is ready. */
  #offer(entry: Entry): void {
    entry.offered = true;
    const offer = () => {
      if (entry.uses > 0 && entry.hosted.log !== undefined)
        for (const driver of this.#drivers) driver.attach(entry.hosted.id);
    };
    if (entry.hosted.log !== undefined) offer();
    else entry.hosted.ready.then(offer, () => undefined);
  }

  /** Nobody here uses the log any more, though peers may. */
  #offerToPeersAlone(entry: Entry): void {
    if (!this.#options.openOnDemand || isIdle(entry)) return;
    for (const driver of this.#drivers) if (!this.#bridges.has(driver)) driver.detach(entry.hosted.id);
    this.#bridge(entry);
  }

  #peersChanged(entry: Entry): void {
    if (isIdle(entry)) {
      this.#closeWhenIdle(entry);
    } else {
      this.#keep(entry);
      this.#bridge(entry);
    }
  }

  /** S26. What peers ask of this node it asks of other nodes on demand, but of such that are nearer to where it is used. */
  #bridge(entry: Entry): void {
    const { hosted, uses, distances } = entry;
    if (uses > 0 || isIdle(entry) || hosted.log === undefined) return;
    for (const driver of [...this.#bridges]) {
      const distance = this.distanceToUse(driver, hosted.id);
      const isNearer = (distances.get(driver) ?? Number.POSITIVE_INFINITY) < distance;
      if (isNearer || distance === Number.POSITIVE_INFINITY) driver.detach(hosted.id);
      else driver.attach(hosted.id, distance);
    }
  }

  #closeWhenIdle(entry: Entry): void {
    if (!isIdle(entry) || this.#closed !== undefined) return;
    this.#keep(entry);
    entry.cancelClose = this.environment.setTimer(limits.releaseDelayMs, () => {
      this.#closeEntry(entry).catch((error) => this.onError(error));
    });
  }

  /** Closes a log once all of it is stored, unless it is used again meanwhile. */
  #closeEntry(entry: Entry): Promise<void> {
    this.#keep(entry);
    entry.closing ??= (async () => {
      const { hosted } = entry;
      await hosted.whenIdle();
      entry.closing = undefined;
      if (!isIdle(entry) || entry.hosted !== hosted) return;
      // Used and given back meanwhile: by then another one may be open under the same id.
      this.#keep(entry);
      for (const driver of this.#drivers) driver.detach(hosted.id);
      // What peers were granted has been given back by that.
      this.#keep(entry);
      hosted.close();
      this.#entries.delete(hosted.id);
    })();
    return entry.closing;
  }

  async #close(): Promise<void> {
    this.#stopWaiting();
    this.#feeds.close();
    for (const entry of this.#entries.values()) this.#keep(entry);
    // Stored first, so that what was just written still goes to the peers.
    await Promise.all(Array.from(this.#entries.values(), (entry) => entry.hosted.settle()));
    for (const driver of [...this.#drivers]) driver.end({ code: 'node-closed', message: '' });
    for (const entry of this.#entries.values()) entry.hosted.close();
    this.turns.close();
    await this.scrubbing.settle();
    await Promise.all(this.#stops.map((stop) => stop()));
    this.#entries.clear();
    await this.storage.close();
    this.#listeners.clear();
  }

  #updateState(): void {
    for (const { hosted } of this.#entries.values()) hosted.reach.connectionChanged();
    const state = connectionState(this.#sources, this.#established.size > 0);
    if (sameState(state, this.#state)) return;
    this.#state = state;
    this.#listeners.tell();
  }
}

function noWindow(): GossipError {
  return new GossipError(
    'no-window',
    'there is no window here, as on a server that renders pages: this node opens and dials nothing. Make the node on the page, ' +
      "with GossipProvider or behind typeof window !== 'undefined'. A Node program gives webSocketClient a WebSocket class, " +
      'and a storage that Node has',
  );
}

/** Nobody wants the log: those who have it open only answer. */
function isIdle({ uses, peerUses, distances }: Entry): boolean {
  let answering = 0;
  for (const distance of distances.values()) if (distance === Number.POSITIVE_INFINITY) answering++;
  return uses === 0 && peerUses <= answering;
}

function checkCodec({ name, encode, decode }: PayloadCodec<unknown>): void {
  if (!isCodecName(name)) {
    throw new TypeError(`codec.name: expected 1 to 32 printable ASCII characters, got ${JSON.stringify(name)}`);
  }
  if (typeof encode !== 'function' || typeof decode !== 'function') {
    throw new TypeError('codec: expected the functions encode and decode');
  }
}

/** Anything but yes and no, as a response of a server that refuses, would count as yes. */
function isGranted(answer: unknown): boolean {
  if (typeof answer === 'boolean') return answer;
  throw new TypeError(`authorize: expected true or false, got ${answer === null ? 'null' : typeof answer}`);
}

function connectionState(sources: readonly SourceStatus[], online: boolean): ConnectionState {
  if (online) return { status: 'online', sources: [...sources] };
  if (sources.some(({ state }) => state === 'connecting' || state === 'open')) {
    return { status: 'connecting', sources: [...sources] };
  }
  const retries = sources
    .flatMap((source) => (source.state === 'waiting' ? [source.retryAt] : []))
    .filter(Number.isFinite);
  const reason = sources
    .map((source) => ('reason' in source ? source.reason.message : ''))
    .find((message) => message !== '');
  return {
    status: 'offline',
    ...(retries.length > 0 && { retryAt: Math.min(...retries) }),
    ...(reason !== undefined && { reason }),
    sources: [...sources],
  };
}

function sameState(a: ConnectionState, b: ConnectionState): boolean {
  return (
    a.status === b.status &&
    a.retryAt === b.retryAt &&
    a.reason === b.reason &&
    a.sources.length === b.sources.length &&
    a.sources.every((source, i) => source === b.sources[i])
  );
}
