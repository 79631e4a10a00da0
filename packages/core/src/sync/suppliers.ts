/**
 * Who of a log's peers may have what is missing (K3, K4). The session that brought an event asks its peer for what the
 * event refers to (S11). Here the others come in turn, once that one says that it does not have it: the deepest first.
 * When all have said so, the log's edge is to rise, to where a peer's begins: an event that nobody let go of is on its way.
 */
import type { UnmetRun } from '../edges.js';
import type { SequenceNumber, WriterId } from '../ids.js';
import { absentRunsMax, edgesHeardMax } from '../limits.js';
import type { Run } from '../ports/storage.js';

interface Supplier {
  readonly complete: number;
  /** Asked for up to this event of a writer. */
  readonly asked: Map<WriterId, SequenceNumber>;
  readonly absent: Map<WriterId, Run[]>;
}

/** What is to be done. */
export interface Search<Peer> {
  readonly ask: ReadonlyMap<Peer, readonly Run[]>;
  /** The edge is to rise to this time, since nobody has what lies before. */
  readonly rise: number | undefined;
  /** Some of what lies below the edge was asked for, and may still come. */
  readonly isPending: boolean;
}

/** @internal */
export class Suppliers<Peer> {
  readonly #peers = new Map<Peer, Supplier>();
  /** Edges that peers have told of, also of such that have left: what they sent may still wait for what lies below. */
  readonly #heard: number[] = [];
  /** Peers that were told of the log anew: what they are asked for and say since counts when they answer that. */
  readonly #answering = new Set<Peer>();

  /** All peers are told of the log anew. */
  tellsAnew(): void {
    for (const [peer, { complete }] of this.#peers) {
      this.#peers.set(peer, { complete, asked: new Map(), absent: new Map() });
      this.#answering.add(peer);
    }
  }

  /** A peer has opened the log, maybe anew: what it said before counts no more. */
  opened(peer: Peer, complete: number): void {
    if (complete > 0 && !this.#heard.includes(complete)) this.#heard.push(complete);
    if (this.#heard.length > edgesHeardMax) this.#heard.shift();
    const known = this.#answering.delete(peer) ? this.#peers.get(peer) : undefined;
    this.#peers.set(peer, { asked: new Map(), absent: new Map(), ...known, complete });
  }

  left(peer: Peer): void {
    this.#peers.delete(peer);
    this.#answering.delete(peer);
  }

  asked(peer: Peer, runs: readonly Run[]): void {
    const supplier = this.#peers.get(peer);
    for (const { writer, last } of runs) {
      supplier?.asked.set(writer, Math.max(last, supplier.asked.get(writer) ?? 0));
    }
  }

  /** The peer does not have these. Of what it was not asked for it need not speak. Has it said anything new? */
  lacks(peer: Peer, runs: readonly Run[]): boolean {
    const supplier = this.#peers.get(peer);
    let isNews = false;
    for (const run of runs) {
      if (supplier === undefined || run.first > (supplier.asked.get(run.writer) ?? 0)) continue;
      const known = supplier.absent.get(run.writer) ?? [];
      if (known.some(({ first, last }) => first <= run.first && run.last <= last)) continue;
      isNews = true;
      const others = known.filter(({ first, last }) => first < run.first || last > run.last);
      supplier.absent.set(run.writer, [...others, run].slice(-absentRunsMax));
    }
    return isNews;
  }

  /** Some peer did not have what it was asked for: what comes from others may change what is to be done. */
  get isInDoubt(): boolean {
    for (const { absent } of this.#peers.values()) if (absent.size > 0) return true;
    return false;
  }

  /** `unmet` keeps events waiting; `below` is missing below the edge: each of several may hold a part of it, as residue (K2). */
  search(unmet: readonly UnmetRun[], below: readonly UnmetRun[]): Search<Peer> {
    const ask = new Map<Peer, Run[]>();
    let hopeless: UnmetRun | undefined;
    for (const event of unmet) {
      if (this.#askNext(event, ask) || this.#edgeAbove(event.time) === undefined) continue;
      if (hopeless === undefined || event.time < hopeless.time) hopeless = event;
    }
    let isPending = false;
    for (const event of below) {
      const isAsked = this.#askNext(event, ask);
      isPending ||= isAsked && this.#peers.size > 0;
    }
    for (const [peer, runs] of ask) this.asked(peer, runs);
    return { ask, rise: hopeless && this.#edgeAbove(hopeless.time), isPending };
  }

  /** Asks the next peer for an event, unless one that was asked may still have it. False: nobody is left. */
  #askNext(event: UnmetRun, ask: Map<Peer, Run[]>): boolean {
    if (this.#peers.size === 0) return true;
    let next: Peer | undefined;
    let deepest = Number.POSITIVE_INFINITY;
    for (const [peer, supplier] of this.#peers) {
      if (isAbsent(supplier, event)) continue;
      if ((supplier.asked.get(event.writer) ?? 0) >= event.last) return true;
      if (supplier.complete >= deepest) continue;
      next = peer;
      deepest = supplier.complete;
    }
    if (next === undefined) return false;
    const { writer, first, last } = event;
    ask.set(next, [...(ask.get(next) ?? []), { writer, first, last }]);
    return true;
  }

  /** The lowest edge of a peer above a time. */
  #edgeAbove(time: number): number | undefined {
    const above = this.#heard.filter((edge) => edge > time);
    return above.length === 0 ? undefined : Math.min(...above);
  }
}

function isAbsent({ absent }: Supplier, { writer, last }: UnmetRun): boolean {
  return absent.get(writer)?.some((run) => run.first <= last && last <= run.last) ?? false;
}
