/**
 * How far back a log reaches in this node: the edges that its windows ask for, kept beside the log, and who of its peers
 * is asked for what lies below.
 *
 *     nothing held ── a peer says where the last n begin (`cut`) ──▶ wanted = complete = cut
 *     wanted moves down ── peers are asked for what is missing ──▶ complete falls to it, or there is a gap
 *     more is missing than is to be caught up with ── a peer says from where on it sends (`cut`) ──▶ wanted = complete = cut
 *
 * - [M1] The deepest window that was ever asked for counts. A log that is opened for the first time, by windows alone, begins
 *   where they begin; one that peers ask for, or that held events before, is whole unless its kept edges say otherwise.
 * - [M2] Edges are kept before what rests on them is stored, `complete` as high as any that the journal was written under,
 *   by whichever tab: what is missing is found again when it is read.
 * - [M3] Where the last n events begin is asked of every peer, once, until one answers whose own edge does not end them.
 * - [M4] What comes because it was asked for below the edge is not pushed to other peers: they compare it once it is whole.
 *   What is stored only when the edge has fallen is pushed: the comparison may have begun before.
 * - [M5] While every use of the log has a `catchUpEventsMax`, peers send no more than that of what is missing (S22), and no
 *   window asks for more. Where both edges have risen for it, what lies before as far as windows wanted it is *skipped*: a
 *   gap, until `older` has come to its end. There the edges fall on to what was here before.
 */
import {
  type Environment,
  type GossipStorage,
  horizon,
  limits,
  type Run,
  tick,
  utf8Decoder,
  utf8Encoder,
} from '@gossip-log/core';
import { type LogEdges, type LogEntry, type Receipt, type ReplicatedLog, Suppliers } from '@gossip-log/core/sync';
import type { LogPeer } from './log-peer.js';
import type { LogWindow } from './log-window.js';
import { changeStored, isCount, readStored } from './stored-value.js';

/** The log, as far as it matters here. */
export interface ReachingLog {
  readonly id: string;
  readonly storage: GossipStorage;
  readonly environment: Environment;
  onError(error: unknown): void;
  /** Sessions that have the log open. */
  readonly peers: ReadonlySet<LogPeer>;
  /** Somebody is being dialled or greeted. */
  isConnecting(): boolean;
  /** At most so many of the missing events are to be fetched; infinite for all of them. */
  catchUpEventsMax(): number;
  /** `undefined` until it is read. */
  log(): ReplicatedLog<unknown> | undefined;
  /** Milliseconds since 1970 by the corrected clock. */
  now(): number;
  /** These waited for an edge that has risen. */
  store(entries: readonly LogEntry[]): void;
  /** There is a gap now, or none any more; or older events may be had, or none. */
  changed(): void;
}

/** What is kept of a log's edges. */
export interface KeptEdges {
  readonly wanted: number;
  readonly complete: number;
  /** So many of the last events are asked for. */
  readonly last?: number | undefined;
  /** M5. Where `wanted` was. */
  readonly skipped?: number | undefined;
  /** The log begins where those begin. */
  readonly isNew?: boolean | undefined;
}

const whole: KeptEdges = { wanted: 0, complete: 0 };

/** As JSON. What is absent or false is left out. */
export function writeEdges({ wanted, complete, last, skipped, isNew }: KeptEdges): Uint8Array {
  return utf8Encoder.encode(JSON.stringify({ wanted, complete, last, skipped, isNew: isNew || undefined }));
}

/** `undefined` for bytes that are no edges. */
export function readEdges(bytes: Uint8Array): KeptEdges | undefined {
  const edges = JSON.parse(utf8Decoder().decode(bytes)) as Partial<Record<keyof KeptEdges, unknown>>;
  const { wanted, complete, last = 0, skipped = 0, isNew = false } = edges;
  const isRead = [wanted, complete, last, skipped].every(isCount) && typeof isNew === 'boolean';
  return isRead ? (edges as unknown as KeptEdges) : undefined;
}

/** Metadata key under which a log's edges are kept. */
export function edgesKey(log: string): string {
  return `edges:${log}`;
}

/** @internal */
export class LogReach {
  readonly #of: ReachingLog;
  readonly #suppliers = new Suppliers<LogPeer>();
  /** As they lie in storage; `undefined` when none do. */
  #kept: KeptEdges | undefined;
  /** H12. What lay in storage was damaged, and windows alone decide what is wanted. */
  #isLost = false;
  /** M3. How many of the last events are asked for. */
  #last: number | undefined;
  /** M5. `wanted` was there before it rose. */
  #skipped: number | undefined;
  /** Where the log begins is not known yet. */
  #isNew = false;
  /** Someone may have what is missing below the edge: it was asked for. */
  #isFilling = false;
  #floor = 0;
  /** The `complete` edge when it was last looked at. */
  #complete = 0;
  /** How far back each peer reaches. */
  readonly #depths = new Map<LogPeer, number>();
  readonly #fills = new WeakSet<LogEntry>();
  /** Peers that have not said yet where the last events begin. */
  readonly #unanswered = new Set<LogPeer>();
  /** Those that have, though their own edge ends them. */
  readonly #answered = new Set<LogPeer>();
  /** Peers that have said where the last events begin, and still send them. */
  readonly #sending = new Set<LogPeer>();
  /** Peers that have no more to do with the log. */
  readonly #gone = new WeakSet<LogPeer>();
  #waiters: (() => void)[] = [];
  /** What the app was told last. */
  #shown = { hasGap: false, mayReachFurther: false };

  constructor(of: ReachingLog) {
    this.#of = of;
  }

  // Kept with the log.

  async recall(): Promise<void> {
    this.#isLost = false;
    const { id, storage, onError } = this.#of;
    const kept = await readStored(storage, edgesKey(id), readEdges, onError, writeEdges(this.#unknownEdges));
    this.#isLost = kept === 'damaged';
    this.#kept = kept === 'damaged' ? this.#unknownEdges : kept;
  }

  /**
   * H12. Edges that hold wherever the lost ones were: with them all that is stored shows. Once it is read, `complete` falls to
   * the last event that is known to be missing. Rejected: the edges of a whole log. Then nothing shows that refers to what
   * lies below, until all of the log has been fetched.
   */
  get #unknownEdges(): KeptEdges {
    return { wanted: 0, complete: this.#latest };
  }

  /** M1. Sets the edges of a log that is about to be read. `isEmpty`: nothing is stored of it. */
  begin(log: ReplicatedLog<unknown>, isEmpty: boolean, windows: readonly LogWindow[]): void {
    if (this.#isLost && isEmpty) this.#kept = undefined;
    this.#isLost &&= windows.length > 0 && !windows.includes('all');
    const { wanted, complete, last, skipped, isNew = false } = this.#kept ?? this.#firstEdges(isEmpty ? windows : []);
    this.#last = last;
    this.#skipped = skipped;
    this.#isNew = isNew;
    this.#complete = complete;
    log.resumeEdges({ wanted, complete });
  }

  #firstEdges(windows: readonly LogWindow[]): KeptEdges {
    let since = Number.POSITIVE_INFINITY;
    let last: number | undefined;
    for (const window of windows) {
      if (window === 'all') return whole;
      if ('since' in window) since = Math.min(since, window.since);
      else last = Math.max(last ?? 0, window.last);
    }
    if (since < Number.POSITIVE_INFINITY) {
      const edge = this.#timeOf(since);
      return { wanted: edge, complete: edge, last };
    }
    return last === undefined ? whole : { ...whole, last: Math.min(last, this.#of.catchUpEventsMax()), isNew: true };
  }

  /** The first time of a millisecond, as far as it has begun. */
  #timeOf(ms: number): number {
    return tick(0, Math.max(0, Math.min(ms, this.#of.now())));
  }

  /** M2. Must be done before anything is stored. */
  async keep(log: ReplicatedLog<unknown>): Promise<void> {
    const { wanted, complete } = log.edges;
    const high = Math.max(complete, this.#kept?.complete ?? 0);
    const edges = { ...this.#asked, wanted, complete: high };
    if (this.#isKept(edges)) return;
    // Tabs share the store: what another one has written rests on its edge. One that does not know yet where the log begins has
    // nothing that rests on an edge.
    await this.#keep((read) => {
      const there = read === 'damaged' ? this.#unknownEdges : read;
      if (edges.isNew && there !== undefined && !there.isNew) return undefined;
      return { ...edges, complete: Math.max(high, there?.complete ?? 0) };
    });
  }

  /** Nothing that this tab knows of lies in the journal any more. */
  async packed(log: ReplicatedLog<unknown>): Promise<void> {
    const edges = { ...this.#asked, ...log.edges };
    const kept = this.#kept;
    if (kept === undefined || this.#isKept(edges)) return;
    const { records } = await this.#of.storage.load(this.#of.id);
    if (records.length > 0) return;
    // What another tab has put there is the edge of what it is about to write.
    await this.#keep((there) =>
      there !== undefined && there !== 'damaged' && isSame(there, kept) ? edges : undefined,
    );
  }

  get #asked(): Pick<KeptEdges, 'last' | 'skipped' | 'isNew'> {
    return { last: this.#last, skipped: this.#skipped, isNew: this.#isNew };
  }

  #isKept(edges: KeptEdges): boolean {
    return isSame(this.#kept ?? whole, edges);
  }

  async #keep(change: (there: KeptEdges | undefined | 'damaged') => KeptEdges | undefined): Promise<void> {
    const { id, storage, onError } = this.#of;
    const instead = writeEdges(this.#unknownEdges);
    const format = { key: edgesKey(id), parse: readEdges, write: writeEdges, instead };
    this.#kept = (await changeStored(storage, format, change, onError)) ?? this.#kept;
  }

  get #edges(): LogEdges {
    return this.#of.log()?.edges ?? { wanted: 0, complete: 0 };
  }

  /** As a peer is to be told of them, where its last events begin among them when it has asked. */
  told(peer: LogPeer, cut: number | undefined): LogEdges {
    const last = this.#last === undefined || this.#answered.has(peer) ? {} : { last: this.#last };
    const most = this.#isLimited ? { catchUpEventsMax: this.#of.catchUpEventsMax() } : {};
    return { ...this.#edges, ...last, ...(cut === undefined ? {} : { cut }), ...most };
  }

  // Further back.

  /** M1. A window is to be reached, which may lie deeper than those before. */
  deepen(window: LogWindow): void {
    const log = this.#of.log();
    if (log === undefined) return;
    const { complete } = log.edges;
    if (window === 'all' || 'since' in window) {
      const time = window === 'all' ? 0 : this.#timeOf(window.since);
      if (this.#isNew || !this.#isLimited) {
        if (time === 0) this.#last = undefined;
        this.#moveTo(time);
        return;
      }
      if (complete <= time) return;
    }
    this.#askForNewest(log, typeof window === 'object' && 'last' in window ? window.last : limits.seqMax);
  }

  /** So many of the last events are to be here, though no more than `catchUpEventsMax`. */
  #askForNewest(log: ReplicatedLog<unknown>, count: number): void {
    const { complete } = log.edges;
    const last = Math.min(count, this.#of.catchUpEventsMax());
    if (this.#isNew || (complete > 0 && log.lengthFrom(complete) < last)) this.#askForLast(last);
  }

  /** Events before that time are to go. */
  letGo(log: ReplicatedLog<unknown>, time: number): void {
    this.#floor = time;
    if (this.#skipped !== undefined) this.#skipped = Math.max(this.#skipped, time);
    log.want(Math.max(log.edges.wanted, time));
    this.#raise(log, time);
    this.#tellAnew();
  }

  /** `wanted` moves down, or it is where the log begins. What was let go of is not wanted again. */
  #moveTo(to: number): void {
    const log = this.#of.log();
    const time = Math.max(to, this.floor);
    if (log === undefined || (!this.#isNew && time >= log.edges.wanted)) return;
    if (time <= (this.#skipped ?? 0)) this.#skipped = undefined;
    if (this.#isNew) this.#rise(log, time);
    else log.want(time);
    this.#tellAnew();
  }

  #askForLast(count: number): void {
    if (count <= (this.#last ?? -1)) return;
    this.#last = count;
    this.#answered.clear();
    this.#unanswered.clear();
    for (const peer of this.#depths.keys()) this.#unanswered.add(peer);
    this.#tellAnew();
  }

  /** Peers learn of the edges, and are asked for what is missing now; one that was about to be told answers nothing more. */
  #tellAnew(): void {
    for (const peer of [...this.#of.peers]) peer.describe(this.#of.id);
    this.#suppliers.tellsAnew();
    this.#search();
  }

  /**
   * Asks the peers for about `count` more events; one that is being connected is waited for. Resolves when they came, nobody
   * has them, or it takes too long.
   */
  async older(count: number): Promise<void> {
    if (this.#expectsPeer && this.mayReachFurther) await this.#whileAsking();
    const log = this.#of.log();
    if (log === undefined || this.#depths.size === 0 || !this.mayReachFurther) return;
    const windows = this.#last;
    this.#last = undefined;
    this.#askForLast(Math.min(limits.seqMax, Math.ceil(count) + log.lengthFrom(log.edges.complete)));
    await this.#whileAsking();
    // What nobody could tell now is not asked of whoever comes later, but for what a window is open for.
    if (this.#last !== undefined) this.#last = windows;
  }

  #whileAsking(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#of.environment.setTimer(limits.requestMsMax, resolve);
      this.#waiters.push(() => {
        cancel();
        resolve();
      });
    });
  }

  /** Some peer may still answer, or send what it was asked for. */
  get #isAsking(): boolean {
    return this.#unanswered.size > 0 || this.#sending.size > 0 || this.#isFilling;
  }

  /** There is no peer yet, but somebody is being dialled, or has not said how far back it holds the log. */
  get #expectsPeer(): boolean {
    if (this.#depths.size > 0) return false;
    return this.#of.isConnecting() || [...this.#of.peers].some((peer) => !this.#gone.has(peer));
  }

  /** A connection came, or none comes. */
  connectionChanged(): void {
    this.#look();
  }

  /** All that this peer was asked for of the last events has come. */
  through(peer: LogPeer): void {
    this.#sending.delete(peer);
    this.#look();
  }

  /** What lies before was let go of, or is about to be. */
  get floor(): number {
    return Math.max(this.#floor, this.#of.log()?.droppedBefore ?? 0);
  }

  /** There may be events below the edge: nobody is there to ask, or a peer reaches further back. */
  get mayReachFurther(): boolean {
    const { complete } = this.#edges;
    if (complete <= this.floor) return false;
    return this.#depths.size === 0 || Math.min(...this.#depths.values()) < complete;
  }

  /** What is wanted is not all here, and no connected peer can supply it; or some of it was skipped. */
  get hasGap(): boolean {
    const { wanted, complete } = this.#edges;
    return this.isSkipping || (complete > wanted && !this.#isAsking);
  }

  /** M5. Peers may have what lies before the edge, and it was left out. */
  get isSkipping(): boolean {
    return this.#skipped !== undefined;
  }

  // What peers say.

  /** A peer has opened the log, maybe anew: so far back it holds it. */
  opened(peer: LogPeer, edges: LogEdges): void {
    const { complete, cut } = edges;
    // It reaches further back than when it was asked.
    if (complete < (this.#depths.get(peer) ?? 0)) this.#answered.delete(peer);
    this.#gone.delete(peer);
    this.#depths.set(peer, complete);
    this.#suppliers.opened(peer, complete);
    if (cut !== undefined) this.#learn(peer, cut, complete);
    this.#search();
  }

  /** M3. A peer says where the last events begin. Of what lies before, its comparison says nothing (S21). */
  #learn(peer: LogPeer, told: number, depth: number): void {
    const log = this.#of.log();
    const latest = this.#latest;
    const cut = Math.max(Math.min(told, latest), this.floor);
    this.#unanswered.delete(peer);
    this.#answered.add(peer);
    this.#sending.add(peer);
    if (log === undefined) return;
    const isAsked = this.#last !== undefined;
    if (cut > depth || depth === 0) this.#last = undefined;
    if (isAsked && this.#isNew) {
      this.#rise(log, cut);
    } else if (isAsked && cut < log.edges.wanted) {
      log.want(cut);
      this.#reachOn(log);
    }
    // Where the peer holds no more, nothing is left out (K5).
    if (!this.#isNew && cut > Math.max(depth, log.edges.complete)) {
      if (!isAsked || !this.#isLimited || told > latest) {
        // It is not asked for its last events again: all from the edge on is compared.
        peer.describe(this.#of.id);
        return;
      }
      this.#skipTo(log, cut);
    }
    if (isAsked) this.#tellOfCut(peer);
  }

  /** The peer sends its events from there on by what it told: it only learns that this is the edge now. */
  #tellOfCut(peer: LogPeer): void {
    for (const other of [...this.#of.peers]) {
      if (other === peer) other.tell(this.#of.id);
      else other.describe(this.#of.id);
    }
  }

  /** M5. Of what is missing here a peer sends only what lies from that time on. */
  leftOut(peer: LogPeer, told: number): void {
    const log = this.#of.log();
    if (log === undefined || told <= log.edges.complete) return;
    // By this clock, which may have been set back, all of it is still to come: it is compared again when it is due. An edge
    // at the horizon would rise with every look at the clock, and be told to all peers each time.
    if (told > this.#latest) return;
    if (!this.#isLimited) {
      // Meanwhile somebody wants all of it.
      peer.describe(this.#of.id);
      return;
    }
    this.#skipTo(log, told);
    this.#tellOfCut(peer);
    this.#look();
  }

  /** M5. The log was read. What is missing between its edges is not asked for by itself. */
  async loaded(log: ReplicatedLog<unknown>): Promise<void> {
    if (this.#isLost) {
      // H12. From there on windows ask for what they need.
      log.want(log.edges.complete);
      await this.keep(log).catch(this.#of.onError);
    }
    const { wanted, complete } = log.edges;
    if (this.#isLimited && complete > wanted) {
      this.#skip(wanted);
      log.want(complete);
    }
    this.#reachOn(log);
  }

  #skipTo(log: ReplicatedLog<unknown>, time: number): void {
    this.#skip(log.edges.wanted);
    this.#rise(log, time);
  }

  #skip(wanted: number): void {
    this.#skipped = Math.min(this.#skipped ?? wanted, wanted);
  }

  get #isLimited(): boolean {
    return this.#of.catchUpEventsMax() < Number.POSITIVE_INFINITY;
  }

  /** M5. The edge has fallen: it goes on falling to what was skipped as long as nothing is known to be missing. */
  fell(): void {
    const log = this.#of.log();
    if (log !== undefined) this.#reachOn(log);
    this.#look();
  }

  #reachOn(log: ReplicatedLog<unknown>): void {
    const { wanted, complete } = log.edges;
    if (this.#skipped === undefined || complete > wanted) return;
    log.want(this.#skipped);
    log.want(log.edges.complete);
    if (log.edges.complete <= this.#skipped) this.#skipped = undefined;
  }

  /** No event here can lie behind that time. */
  get #latest(): number {
    return this.#of.log()?.horizon ?? horizon(this.#of.now());
  }

  /** Both edges are at that time from now on. */
  #rise(log: ReplicatedLog<unknown>, time: number): void {
    this.#isNew = false;
    log.want(time);
    this.#raise(log, time);
  }

  #raise(log: ReplicatedLog<unknown>, time: number): void {
    this.#of.store(log.raise(time));
  }

  asked(peer: LogPeer, runs: readonly Run[]): void {
    this.#suppliers.asked(peer, runs);
  }

  /** Of what a peer was asked for it does not have these. */
  absent(peer: LogPeer, runs: readonly Run[]): void {
    if (this.#suppliers.lacks(peer, runs)) this.#search();
  }

  left(peer: LogPeer): void {
    this.#gone.add(peer);
    this.#depths.delete(peer);
    this.#unanswered.delete(peer);
    this.#sending.delete(peer);
    this.#answered.delete(peer);
    this.#suppliers.left(peer);
    this.#search();
  }

  /** Events came: some may have been asked for, others may wait for what is missing, or follow on it. */
  received({ entries, parked, foundMissing }: Pick<Receipt, 'entries' | 'parked' | 'foundMissing'>): void {
    if (this.#isFilling) {
      for (const entry of entries) if (isBelow(entry, this.#complete)) this.#fills.add(entry);
    }
    const { wanted, complete } = this.#edges;
    if ((foundMissing && complete > wanted) || (parked > 0 && this.#suppliers.isInDoubt)) this.#search();
    else this.#look();
  }

  /** M4. */
  isFill(entry: LogEntry): boolean {
    return this.#fills.has(entry) && isBelow(entry, this.#edges.complete);
  }

  /** K3, K4: asks who may have what is missing. When nobody has it, the edge rises. */
  #search(): void {
    for (;;) {
      const log = this.#of.log();
      if (log === undefined) return;
      const latest = this.#latest;
      // What lies behind a horizon that was set back is sent once that has passed it: no edge has to rise for it.
      const unmet = log.unmet().filter(({ time }) => time < latest);
      const { ask, rise, isPending } = this.#suppliers.search(unmet, log.missingBelow());
      this.#isFilling = isPending;
      for (const [peer, runs] of ask) peer.want(this.#of.id, runs);
      // Of a peer's edge in the future nothing can be true, and what waits here lies before.
      const edge = Math.min(rise ?? 0, latest);
      if (edge <= log.edges.complete) break;
      if (this.#isLimited && !this.#isNew) this.#skipTo(log, edge);
      else this.#raise(log, edge);
      for (const peer of [...this.#of.peers]) peer.describe(this.#of.id);
      if (this.#isLimited) this.#askForNewest(log, limits.seqMax);
    }
    this.#look();
  }

  /** Something may have changed for those who wait or look. */
  #look(): void {
    const { wanted, complete } = this.#edges;
    this.#complete = complete;
    if (complete <= wanted) this.#isFilling = false;
    if (!this.#isAsking && !this.#expectsPeer) for (const wake of this.#waiters.splice(0)) wake();
    const { hasGap, mayReachFurther } = this;
    if (this.#shown.hasGap === hasGap && this.#shown.mayReachFurther === mayReachFurther) return;
    this.#shown = { hasGap, mayReachFurther };
    this.#of.changed();
  }

  /** The log has ended: nobody waits any more. */
  end(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }
}

function isSame(one: KeptEdges, other: KeptEdges): boolean {
  const { wanted, complete, last, skipped, isNew } = other;
  const isThere = one.wanted === wanted && one.complete === complete && one.skipped === skipped;
  return isThere && one.last === last && !one.isNew === !isNew;
}

function isBelow({ runs }: LogEntry, time: number): boolean {
  return runs.every(({ lastTime }) => lastTime < time);
}
