/**
 * Drives one of core's sessions over one connection: frames in and out, requests carried out, time told.
 *
 * Inputs are taken one after another, also when carrying out an output makes the next one. Nothing is thrown into the
 * connection: a fault ends this session alone (L6).
 */
import {
  type CloseReason,
  type Connection,
  type ConnectionHandlers,
  type Environment,
  GossipError,
  jsonCodec,
  limits,
  type Run,
  type WriterId,
} from '@gossip-log/core';
import {
  type Answer,
  type Effect,
  type FeedRequest,
  type FeedRows,
  type KeptRun,
  type LogDescriptor,
  type LogEntry,
  type Peer,
  type Range,
  type Reading,
  type Receipt,
  type RedactionSum,
  type ReplicatedLog,
  Session,
  type SessionInput,
  type SessionOptions,
  type SessionOutput,
} from '@gossip-log/core/sync';
import type { HostedLog } from './hosted-log.js';
import type { LogPeer } from './log-peer.js';
import { addressOf } from './peer-address.js';
import { PeerMerges } from './peer-merges.js';
import type { PeerNotice } from './peer-notice.js';
import type { PeerQuota, Quotas } from './peer-quota.js';
import type { PeerTurns, Turns } from './turns.js';

/** What a peer opens a log for. */
export interface PeerUse {
  /** It only reads a feed. */
  readonly feed: boolean;
  /** It says that it promises durability. */
  readonly isDurable: boolean;
}

/** A log granted to a peer. */
export interface Grant {
  readonly writable: boolean;
  /** What it has accepted is taken, however far it is ahead of the clock. */
  readonly vouches: boolean;
  /** Asks whether the peer may redact; absent where everybody may. */
  readonly mayRedact: (() => Promise<boolean>) | undefined;
  readonly release: (() => void) | undefined;
}

/** Ends that say nothing against the peer. */
const quietEnds: ReadonlySet<CloseReason['code']> = new Set(['normal', 'node-closed', 'connection-lost']);

/** Who reads a feed of a session's peer. */
export interface FeedReader {
  readonly request: Omit<FeedRequest, 'token'>;
  /** Rows came; `bytes` is what to `pull` once they are taken. */
  fed(rows: readonly FeedRows[], bytes: number): void;
  /** The peer does not serve the feed any more. */
  refused(error: GossipError): void;
}

/** What a session needs of its node. */
export interface SessionHost {
  readonly environment: Environment;
  readonly turns: Turns;
  readonly quotas: Quotas;
  /** Resolves when the node can introduce itself. */
  introduction(): Promise<{ readonly options: SessionOptions; readonly token: string | undefined }>;
  /** Logs that this node uses, ready ones. */
  attachedLogs(): Iterable<string>;
  /** A ready log. */
  hosted(log: string): HostedLog | undefined;
  /** The codec that this node uses a log with; `undefined` when it only passes it on. */
  codecOf(log: string): string | undefined;
  /** The codec that a peer has opened a log with. */
  codecAskedFor(log: string): string | undefined;
  /** How many nodes away this node is from one, not reached through that peer, that uses the log (S26). */
  distanceToUse(driver: SessionDriver, log: string): number;
  /** The peer has opened the log, and is so many nodes away from one that uses it (S26); infinite: it only answers. */
  peerOpened(driver: SessionDriver, log: string, distance: number): void;
  /** The peer has no more to do with the log. */
  peerLeft(driver: SessionDriver, log: string): void;
  /**
   * May a peer have this log, only to read it with `feed`? Rejects when not. `release` gives back what was opened for the
   * peer alone.
   */
  openForPeer(descriptor: LogDescriptor, token: string | undefined, use: PeerUse, quota: PeerQuota): Promise<Grant>;
  established(driver: SessionDriver, peer: Peer): void;
  /** The peer has told its clock again. */
  clockTold(driver: SessionDriver, peer: Peer): void;
  ended(driver: SessionDriver): void;
  /** For whoever runs this node. */
  noticed(notice: PeerNotice): void;
  onError(error: unknown): void;
}

/** @internal */
export class SessionDriver implements ConnectionHandlers, LogPeer {
  /** This node chose the peer. */
  readonly dialled: boolean;
  readonly #host: SessionHost;
  readonly #connection: Connection;
  /** What the peer asks for is done in turn with what others do. */
  readonly #turns: PeerTurns;
  readonly #quota: PeerQuota;
  readonly #inputs: SessionInput[] = [];
  /** Logs that tell this session what becomes stored. */
  readonly #joined = new Map<string, HostedLog>();
  /** Gives back a log that was opened for this peer. */
  readonly #grants = new Map<string, (() => void)[]>();
  readonly #merges: PeerMerges;
  /** What the peer opened logs with. A log that is only passed on is described to each peer as it described it itself. */
  readonly #descriptors = new Map<string, LogDescriptor>();
  #session: Session | undefined;
  /** Logs that found no room in the session: they come in when others leave. */
  readonly #crowdedOut = new Set<string>();
  /** Feeds that are read from the peer. */
  readonly #feeds = new Map<number, FeedReader>();
  #nextFeed = 1;
  #token: string | undefined;
  /** Logs that a durable peer, which has dialled this node, may vouch for. */
  readonly #vouching = new Set<string>();
  /** The peer promises durability. */
  #isDurable = false;
  #busy = false;
  #ended = false;
  #cancelTick: (() => void) | undefined;

  constructor(host: SessionHost, connection: Connection, dialled: boolean) {
    this.dialled = dialled;
    this.#host = host;
    this.#connection = connection;
    this.#turns = host.turns.join(connection);
    this.#quota = host.quotas.join(addressOf(connection.peer));
    this.#merges = new PeerMerges({
      hosted: (log) => this.#joined.get(log),
      isTrusted: (log) => this.#isDurable && (dialled || this.#vouching.has(log)),
      onError: (error) => host.onError(error),
    });
    host.introduction().then(
      ({ options, token }) => this.#start(options, token),
      (error) => this.#abort(error),
    );
  }

  frame(bytes: Uint8Array): void {
    this.#turns.run(() => this.#input({ type: 'frame', bytes, now: this.#now() }));
  }

  closed(reason: CloseReason): void {
    if (!this.#ended && !quietEnds.has(reason.code)) this.#notice('ended', reason);
    // Whatever the reason was, nobody can be told of it any more.
    this.#input({ type: 'end', reason: { code: 'connection-lost', message: reason.message }, now: this.#now() });
  }

  /** The peer is asked for a sign of life, and has `probeMsMax` to give one (S24). */
  doubted(): void {
    this.#input({ type: 'probe', now: this.#now() });
    if (this.#session !== undefined) this.#scheduleTick();
  }

  get sendsUpTo(): number {
    return this.#session?.sendsUpTo ?? 0;
  }

  /** `distance`: how many nodes away this node is from one that uses the log. */
  attach(log: string, distance = 0): void {
    this.#join(log);
    this.#input({ type: 'attach', log, distance, now: this.#now() });
  }

  detach(log: string): void {
    this.#crowdedOut.delete(log);
    this.#input({ type: 'detach', log, now: this.#now() });
    this.#leaveUnlessOpen(log);
    this.#attachNext();
  }

  failed(log: string): void {
    this.detach(log);
  }

  /** The log failed and was read anew: it may hold what nobody was told of. */
  reopened(log: string): void {
    if (this.#session?.uses(log) !== true) return;
    this.#join(log);
    this.describe(log);
  }

  stored(log: string, entries: readonly LogEntry[], kept?: ReadonlyMap<WriterId, KeptRun>): void {
    this.#input({ type: 'stored', log, entries, kept, now: this.#now() });
  }

  describe(log: string): void {
    this.#input({ type: 'describe', log, now: this.#now() });
  }

  tell(log: string): void {
    this.#input({ type: 'tell', log, now: this.#now() });
  }

  dropped(log: string): void {
    this.#input({ type: 'dropped', log, now: this.#now() });
  }

  redacted(log: string): void {
    this.#input({ type: 'redacted', log, now: this.#now() });
  }

  want(log: string, runs: readonly Run[]): void {
    this.#input({ type: 'want', log, runs, now: this.#now() });
  }

  /** Asks the peer for a feed. Returns its number, for `pull` and `unsubscribe`. The session must be established. */
  subscribe(reader: FeedReader): number {
    const feed = this.#nextFeed++;
    this.#feeds.set(feed, reader);
    const request = { ...reader.request, token: this.#token };
    this.#input({ type: 'subscribe', feed, request, now: this.#now() });
    return feed;
  }

  pull(feed: number, bytes: number): void {
    this.#input({ type: 'pull', feed, bytes, now: this.#now() });
  }

  unsubscribe(feed: number): void {
    this.#feeds.delete(feed);
    this.#input({ type: 'unsubscribe', feed, now: this.#now() });
  }

  end(reason: CloseReason): void {
    this.#input({ type: 'end', reason, now: this.#now() });
  }

  #now(): number {
    return this.#host.environment.elapsed();
  }

  #start(options: SessionOptions, token: string | undefined): void {
    if (this.#ended) return;
    this.#token = token;
    this.#session = new Session(options);
    this.#inputs.unshift({ type: 'start', now: this.#now() });
    this.#scheduleTick();
    for (const log of this.#host.attachedLogs()) this.attach(log);
    this.#drain();
  }

  #scheduleTick(): void {
    if (this.#ended) return;
    this.#cancelTick?.();
    const ms = this.#session?.isProbing ? limits.probeMsMax / 4 : limits.sessionTickMs;
    this.#cancelTick = this.#host.environment.setTimer(ms, () => {
      this.#input({ type: 'tick', now: this.#now() });
      this.#scheduleTick();
    });
  }

  #input(input: SessionInput): void {
    if (this.#ended) return;
    this.#inputs.push(input);
    this.#drain();
  }

  #drain(): void {
    if (this.#busy) return;
    if (this.#session === undefined) {
      // Not introduced yet: an end need not wait for that.
      const end = this.#inputs.find((input) => input.type === 'end');
      if (end?.type === 'end') this.#finish(end.reason);
      return;
    }
    this.#busy = true;
    try {
      for (let input = this.#inputs.shift(); input !== undefined && !this.#ended; input = this.#inputs.shift()) {
        for (const output of this.#session.handle(input)) this.#perform(output);
      }
    } catch (error) {
      this.#abort(error);
    } finally {
      this.#busy = false;
    }
  }

  #perform(output: SessionOutput): void {
    switch (output.type) {
      case 'send':
        this.#connection.send(output.frame);
        if (output.refusal !== undefined) this.#notice('refused', output.refusal);
        break;
      case 'request':
        this.#carryOut(output.request, output.effect);
        break;
      case 'established':
        this.#isDurable = output.peer.durable;
        this.#host.established(this, output.peer);
        break;
      case 'clock':
        this.#host.clockTold(this, output.peer);
        break;
      case 'compared':
        this.#joined.get(output.log)?.compared(output.node, output.from, output.lacks);
        break;
      case 'acknowledged':
        this.#joined.get(output.log)?.acknowledged(output.node, output.runs);
        break;
      case 'edges':
        this.#joined.get(output.log)?.peerOpened(this, output.edges);
        this.#host.peerOpened(this, output.log, output.distance);
        break;
      case 'left':
        this.#joined.get(output.log)?.reach.left(this);
        this.#host.peerLeft(this, output.log);
        break;
      case 'asked':
        this.#joined.get(output.log)?.reach.asked(this, output.runs);
        break;
      case 'absent':
        this.#joined.get(output.log)?.reach.absent(this, output.runs);
        break;
      case 'cut':
        this.#joined.get(output.log)?.reach.leftOut(this, output.time);
        break;
      case 'through':
        this.#joined.get(output.log)?.reach.through(this);
        break;
      case 'held':
        this.#joined.get(output.log)?.held(this, output.time);
        break;
      case 'progress':
        this.#joined.get(output.log)?.progressed(this, output.progress);
        break;
      case 'refused':
        if (output.error.code === 'limit-exceeded' && this.#session?.channelState(output.log) === 'absent') {
          this.#crowdedOut.add(output.log);
        }
        this.#refused(output.log, output.error);
        break;
      case 'released':
        this.#leaveUnlessOpen(output.log);
        this.#grants.get(output.log)?.pop()?.();
        this.#attachNext();
        break;
      case 'fed':
        this.#feeds.get(output.feed)?.fed(output.rows, output.bytes);
        break;
      case 'feed-refused': {
        const reader = this.#feeds.get(output.feed);
        this.#feeds.delete(output.feed);
        reader?.refused(output.error);
        break;
      }
      case 'end':
        this.#finish(output.reason);
        break;
    }
  }

  /** Y6. */
  #refused(log: string, error: GossipError): void {
    const { isDue, unsaid } = this.#quota.report();
    if (unsaid > 0) {
      const message = `${unsaid} more refusals of ${this.#connection.peer} were not reported`;
      this.#host.onError(new GossipError('limit-exceeded', message));
    }
    this.#joined.get(log)?.refused(this, error, isDue);
  }

  #notice(type: PeerNotice['type'], { code, message }: Pick<CloseReason, 'code' | 'message'>): void {
    this.#host.noticed({ type, peer: this.#connection.peer, code, message });
  }

  #carryOut(request: number, effect: Effect): void {
    const answer = (value: Answer) => {
      if (!this.#ended) this.#inputs.push({ type: 'answer', request, answer: value, now: this.#now() });
    };
    const fail = (error: unknown) => {
      if (!(error instanceof GossipError)) this.#host.onError(error);
      // What went wrong here is for this node's owner to know, not for the peer.
      let known =
        error instanceof GossipError ? error : new GossipError('request-timeout', 'this node could not answer now');
      if (known.code === 'storage-corrupt') known = new GossipError('log-closed', 'this node reads the log anew');
      if (!this.#ended) this.#inputs.push({ type: 'failed', request, error: known, now: this.#now() });
    };
    if (effect.kind === 'open') {
      this.#openForPeer(effect, answer, fail);
      return;
    }
    const hosted = this.#joined.get(effect.log);
    if (hosted?.log === undefined) {
      fail(new GossipError('log-closed', `log "${effect.log}" is closed here`));
      return;
    }
    /** An answer that comes later, since chunks had to be read for it, is handed on when it does. */
    const read = (reading: undefined | Promise<void> | void) => {
      reading?.catch(fail).then(() => this.#turns.measure(() => this.#drain()));
    };
    // A session asks and tells about any writer: which ones are packed is read before the first effect, and effects keep their order.
    const unread = hosted.readWriters();
    if (unread !== undefined) {
      const carryOn = () => {
        if (!this.#ended) this.#carryOut(request, effect);
      };
      read(unread.then(carryOn));
      return;
    }
    try {
      const { log } = hosted;
      switch (effect.kind) {
        case 'describe':
          read(
            hosted.reading(describing(log, effect.last), (it) => answer(this.#description(hosted, it)), this.#turns),
          );
          break;
        case 'compare': {
          const { received, salt, thorough, peer, isDurable } = effect;
          const comparing = log.compare(received, salt, thorough, peer, hosted.deliveries.ownRuns, isDurable);
          read(hosted.reading(comparing, (it) => answer({ kind: 'compare', ...it }), this.#turns));
          break;
        }
        case 'supply':
          answer({ kind: 'supply', ...log.supply(effect.runs, effect.from) });
          break;
        case 'sum':
          read(
            hosted.reading(
              log.sum(effect.upTo, effect.peer),
              (fingerprint) => answer({ kind: 'sum', fingerprint }),
              this.#turns,
            ),
          );
          break;
        case 'read':
          read(
            this.#readToSend(
              hosted,
              () => log.read(effect),
              (part) => answer({ kind: 'read', ...part }),
            ),
          );
          break;
        case 'redactions':
          read(
            this.#readToSend(
              hosted,
              () => log.readRedactions(effect),
              (part) => answer({ kind: 'redactions', ...part }),
            ),
          );
          break;
        case 'select':
          read(
            this.#readToSend(
              hosted,
              () => log.select(effect),
              (part) => answer({ kind: 'select', ...part }),
            ),
          );
          break;
        case 'merge': {
          const take = (receipt: Receipt | undefined) => {
            // What comes while the node closes is not answered: the peer keeps it, and the session is about to end.
            if (receipt === undefined) return;
            const { runs, missing, dropped, refused } = receipt;
            answer({ kind: 'merge', runs, missing, dropped, refused });
          };
          const merged = this.#merges.merge(effect.log, effect.blocks);
          if (merged instanceof Promise) read(merged.then(take));
          else take(merged);
          break;
        }
        case 'store':
          this.#later(hosted.whenStored(), answer, fail, () => ({
            kind: 'store',
            stored: new Map(effect.runs.map(({ writer }) => [writer, log.keptRun(writer)])),
            before: log.keptBefore(effect.runs),
          }));
          break;
      }
    } catch (error) {
      fail(error);
    }
  }

  /** H11. What may not be sent yet is read again. */
  #readToSend<P extends { readonly entries: readonly LogEntry[] }>(
    hosted: HostedLog,
    reading: () => Reading<P>,
    send: (part: P) => void,
  ): Promise<void> | void {
    const take = (part: P) => {
      const waiting = hosted.beforeSending(part.entries);
      if (waiting === undefined) return send(part);
      return waiting.then(() => this.#readToSend(hosted, reading, send));
    };
    return hosted.reading(reading(), take, this.#turns) as Promise<void> | void;
  }

  #description({ id, reach }: HostedLog, { ranges, cut, redactions }: Described): Answer {
    const edges = { ...reach.told(this, cut), ...(redactions && { redactions }) };
    const about = { descriptor: this.#descriptorOf(id), token: this.#token, edges };
    return { kind: 'describe', ...about, ranges };
  }

  #openForPeer(
    effect: Effect & { kind: 'open' },
    answer: (value: Answer) => void,
    fail: (error: unknown) => void,
  ): void {
    const { log, descriptor, token, feed } = effect;
    const use = { feed, isDurable: this.#isDurable };
    const opening = this.#quota.ask(() => this.#host.openForPeer(descriptor, token, use, this.#quota));
    this.#later(opening, answer, fail, (grant) => {
      const { writable, mayRedact, vouches, release } = grant;
      if (this.#ended) {
        release?.();
      } else {
        if (!feed) {
          this.#descriptors.set(log, descriptor);
          this.#merges.granted(log, mayRedact);
          if (vouches) this.#vouching.add(log);
          else this.#vouching.delete(log);
        }
        if (release !== undefined) this.#grants.set(log, [...(this.#grants.get(log) ?? []), release]);
        this.#join(log);
      }
      return { kind: 'open', log, writable, forPeer: release !== undefined };
    });
  }

  #descriptorOf(id: string): LogDescriptor {
    const passedOn = this.#descriptors.get(id)?.codec ?? this.#host.codecAskedFor(id) ?? jsonCodec.name;
    const codec = this.#host.codecOf(id) ?? passedOn;
    return { id, policy: 'unsigned', codec };
  }

  /** Hands on the outcome of a promise as an input. */
  #later<V>(
    promise: Promise<V>,
    answer: (value: Answer) => void,
    fail: (error: unknown) => void,
    make: (value: V) => Answer,
  ): void {
    promise.then((value) => answer(make(value)), fail).then(() => this.#turns.measure(() => this.#drain()));
  }

  #join(log: string): void {
    const hosted = this.#host.hosted(log);
    const joined = this.#joined.get(log);
    if (hosted === undefined || hosted === joined || this.#ended) return;
    joined?.left(this);
    hosted.peers.add(this);
    this.#joined.set(log, hosted);
  }

  #attachNext(): void {
    const [log] = this.#crowdedOut;
    if (log === undefined) return;
    this.#crowdedOut.delete(log);
    this.attach(log, this.#host.distanceToUse(this, log));
  }

  #leaveUnlessOpen(log: string): void {
    if (this.#session?.uses(log)) return;
    this.#joined.get(log)?.left(this);
    this.#host.peerLeft(this, log);
    this.#joined.delete(log);
    this.#descriptors.delete(log);
    this.#merges.left(log);
  }

  /** A fault of this node's own: the session ends, the process goes on. */
  #abort(error: unknown): void {
    this.#host.onError(error);
    const code = error instanceof GossipError ? error.code : 'protocol';
    const reason: CloseReason = { code, message: 'internal fault' };
    for (const output of this.#session?.handle({ type: 'end', reason, now: this.#now() }) ?? []) this.#perform(output);
    this.#finish(reason);
  }

  #finish(reason: CloseReason): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelTick?.();
    this.#inputs.length = 0;
    this.#turns.leave();
    this.#quota.end();
    if (!quietEnds.has(reason.code)) this.#notice('ended', reason);
    this.#feeds.clear();
    for (const [log, hosted] of this.#joined) {
      hosted.left(this);
      this.#host.peerLeft(this, log);
    }
    this.#joined.clear();
    this.#host.ended(this);
    this.#connection.close(reason);
  }
}

/** A log as a peer is told of it, with where the last events begin that it has asked for. */
interface Described {
  readonly ranges: readonly Range[];
  readonly cut: number | undefined;
  readonly redactions: RedactionSum | undefined;
}

function* describing(log: ReplicatedLog<unknown>, last: number | undefined): Reading<Described> {
  const cut = last === undefined ? undefined : yield* log.startOfLast(last);
  const redactions = yield* log.redactionsBelow();
  return { ranges: yield* log.describe(), cut, redactions };
}
