/**
 * Five nodes that gossip in a ring with a chord or two, in memory and by one seed: real logs, real sessions, frames that
 * are delivered in any order of the links. Two of the nodes drop old rows. Links break and come back; whoever is cut off
 * goes on writing. In the end everybody is joined again and nothing is on its way any more: what then still waits for
 * an event waits for ever.
 */
import { GossipError, limits, type WriterId, writerIdFromBytes } from '@gossip-log/core';
import {
  type Answer,
  type Effect,
  type LogEntry,
  ReplicatedLog,
  Session,
  type SessionInput,
  type SessionOutput,
  Suppliers,
} from '@gossip-log/core/sync';
import { readNow } from '../../core/test/read-now.js';
import { Random } from '../src/sim/random.js';

const name = 'gossip';
const nodesOfWorld = 5;
const dropping = 2;
const steps = 160;
/** A round of ticks in which nothing moves is the last one, once this many were made: refusals are tried again by the clock. */
const quietRounds = 6;

/** How a run went. */
export interface Outcome {
  /** Events that wait for ever, over all nodes. */
  readonly parked: number;
  readonly written: number;
  /** Rows that nodes have dropped. */
  readonly dropped: number;
  /** How often an edge rose because nobody had what was missing. */
  readonly raised: number;
  readonly logs: readonly ReplicatedLog<string>[];
  /** Pairs of nodes that are joined. */
  readonly links: readonly (readonly [number, number])[];
}

/** One end of a link, while it is up. */
interface End {
  readonly session: Session;
  /** Frames on their way from here. */
  readonly outbox: Uint8Array[];
  /** Taken one after another, also when what comes out of one makes the next. */
  readonly inputs: SessionInput[];
  busy: boolean;
}

class GossipingNode {
  readonly log: ReplicatedLog<string>;
  readonly ends = new Map<number, End>();
  readonly #suppliers = new Suppliers<number>();
  dropped = 0;
  raised = 0;

  constructor(
    readonly writer: WriterId,
    readonly now: () => number,
    readonly usesEdges: boolean,
  ) {
    this.log = new ReplicatedLog<string>({ id: name, writer, now }, { freshWriter: () => writer });
  }

  join(peer: number): void {
    const options = {
      node: this.writer,
      name: this.writer.slice(0, 4),
      durable: false,
      clockOffsetMs: 0,
      wallClock: this.now,
    };
    this.ends.set(peer, { session: new Session(options), outbox: [], inputs: [], busy: false });
    this.input(peer, { type: 'start', now: this.now() });
    this.input(peer, { type: 'attach', log: name, now: this.now() });
  }

  leave(peer: number): void {
    this.input(peer, { type: 'end', reason: { code: 'connection-lost', message: '' }, now: this.now() });
    this.ends.delete(peer);
    this.#suppliers.left(peer);
    this.#search();
  }

  hasLost(peer: number): boolean {
    return this.ends.get(peer)?.session.state === 'ended';
  }

  tick(): void {
    for (const peer of [...this.ends.keys()]) this.input(peer, { type: 'tick', now: this.now() });
  }

  append(payload: string): void {
    this.log.append(payload);
    this.#store(this.log.takeUnflushed());
  }

  drop(before: number): void {
    if (this.usesEdges) {
      const { wanted, complete } = this.log.edges;
      if (before <= complete) return;
      this.log.want(Math.max(before, wanted));
      this.#store(this.log.raise(before));
    }
    this.dropped += readNow(this.log.drop(before));
    this.#describe();
  }

  #describe(): void {
    for (const peer of [...this.ends.keys()]) this.input(peer, { type: 'describe', log: name, now: this.now() });
  }

  #search(): void {
    if (!this.usesEdges) return;
    for (;;) {
      const { ask, rise } = this.#suppliers.search(this.log.unmet(), this.log.missingBelow());
      for (const [peer, runs] of ask) this.input(peer, { type: 'want', log: name, runs, now: this.now() });
      if (rise === undefined || rise <= this.log.edges.complete) return;
      this.raised++;
      this.#store(this.log.raise(rise));
      this.#describe();
    }
  }

  input(peer: number, input: SessionInput): void {
    const end = this.ends.get(peer);
    end?.inputs.push(input);
    if (end === undefined || end.busy) return;
    end.busy = true;
    for (let next = end.inputs.shift(); next !== undefined; next = end.inputs.shift()) {
      for (const output of end.session.handle(next)) this.#perform(peer, end, output);
    }
    end.busy = false;
  }

  #perform(peer: number, end: End, output: SessionOutput): void {
    if (output.type === 'send') end.outbox.push(output.frame);
    if (output.type === 'end' && output.reason.code !== 'connection-lost') {
      throw new Error(`a session of honest nodes ended: ${output.reason.message}`);
    }
    if (output.type === 'edges') {
      this.#suppliers.opened(peer, output.edges.complete);
      this.#search();
    }
    if (output.type === 'asked') this.#suppliers.asked(peer, output.runs);
    if (output.type === 'absent') {
      this.#suppliers.lacks(peer, output.runs);
      this.#search();
    }
    if (output.type !== 'request') return;
    const { request, effect } = output;
    const stored: LogEntry[] = [];
    const { complete } = this.log.edges;
    try {
      const answer = this.#carryOut(effect, stored);
      this.input(peer, { type: 'answer', request, answer, now: this.now() });
    } catch (error) {
      if (!(error instanceof GossipError)) throw error;
      this.input(peer, { type: 'failed', request, error, now: this.now() });
    }
    this.#store(stored);
    if (this.log.edges.complete < complete) this.#describe();
    if (this.log.parked > 0 && this.#suppliers.isInDoubt) this.#search();
  }

  #store(entries: readonly LogEntry[]): void {
    if (entries.length === 0) return;
    this.log.markStored(entries);
    for (const peer of [...this.ends.keys()]) {
      this.input(peer, { type: 'stored', log: name, entries, now: this.now() });
    }
  }

  #carryOut(effect: Effect, stored: LogEntry[]): Answer {
    const { log } = this;
    switch (effect.kind) {
      case 'open':
        return { kind: 'open', log: name, writable: true, forPeer: false };
      case 'describe':
        return {
          ...{ kind: 'describe', descriptor: log.descriptor, token: undefined },
          ranges: readNow(log.describe()),
          edges: log.edges,
        };
      case 'compare': {
        const { received, salt, thorough, peer: edges } = effect;
        return { kind: 'compare', ...readNow(log.compare(received, salt, thorough, edges)) };
      }
      case 'sum':
        return { kind: 'sum', fingerprint: readNow(log.sum(effect.upTo, effect.peer)) };
      case 'supply':
        return { kind: 'supply', ...log.supply(effect.runs, effect.from) };
      case 'read':
        return { kind: 'read', ...readNow(log.read(effect)) };
      case 'redactions':
        return { kind: 'redactions', ...readNow(log.readRedactions(effect)) };
      case 'select':
        return { kind: 'select', ...readNow(log.select(effect)) };
      case 'merge': {
        const { entries, runs, missing, dropped } = log.receive(effect.blocks);
        stored.push(...entries);
        return { kind: 'merge', runs, missing, dropped };
      }
      case 'store':
        return {
          kind: 'store',
          stored: new Map(effect.runs.map(({ writer }) => [writer, log.keptRun(writer)])),
          before: log.keptBefore(effect.runs),
        };
    }
  }
}

/** One run. Without edges nodes do not say what they have dropped, and wait for all that they hear of. */
export function gossip(seed: number, { usesEdges }: { readonly usesEdges: boolean }): Outcome {
  const random = new Random(seed);
  let nowMs = 1_700_000_000_000;
  const nodes = Array.from(
    { length: nodesOfWorld },
    () => new GossipingNode(writerIdFromBytes(random.bytes(16)), () => nowMs, usesEdges),
  );
  const at = (index: number) => nodes[index] as GossipingNode;
  const links = linksOf(random);
  const isUp = ([a, b]: readonly [number, number]) => at(a).ends.has(b);
  const set = ([a, b]: readonly [number, number], up: boolean) => {
    if (isUp([a, b]) === up) return;
    if (up) {
      at(a).join(b);
      at(b).join(a);
    } else {
      at(a).leave(b);
      at(b).leave(a);
    }
  };
  const deliver = (from: number, to: number): boolean => {
    const frame = at(from).ends.get(to)?.outbox.shift();
    if (frame === undefined) return false;
    at(to).input(from, { type: 'frame', bytes: frame, now: nowMs });
    return true;
  };
  const ways = links.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]);
  const deliverSome = (count: number) => {
    for (let i = 0; i < count; i++) deliver(...random.pick(ways));
  };
  const tick = () => {
    nowMs += limits.heartbeatMs / 3;
    for (const node of nodes) node.tick();
    // Who hears nothing for long takes the other for gone.
    for (const [a, b] of links) if (at(a).hasLost(b) || at(b).hasLost(a)) set([a, b], false);
  };

  let written = 0;
  for (const link of links) set(link, random.chance(0.5));
  for (let step = 0; step < steps; step++) {
    const dice = random.next();
    if (dice < 0.45) {
      const writer = at(random.below(nodesOfWorld));
      for (let burst = random.between(1, 4); burst > 0; burst--) writer.append(`${++written}`);
    } else if (dice < 0.55) {
      set(random.pick(links), random.chance(0.4));
    } else if (dice < 0.62) {
      const dropper = at(random.below(dropping));
      dropper.drop((nowMs - random.between(0, 20_000)) * 2048);
    } else if (dice < 0.7) {
      tick();
    } else {
      deliverSome(random.between(1, 40));
    }
    nowMs += random.below(1_000);
  }

  for (let quiet = 0, rounds = 0; quiet < quietRounds; rounds++) {
    if (rounds > 2_000) throw new Error('the nodes do not come to rest');
    for (const link of links) set(link, true);
    let moved = 0;
    const before = nodes.map(({ log }) => `${log.length} ${log.parked}`).join();
    for (let round = 1; round > 0; moved += round) {
      round = 0;
      for (const way of ways) while (deliver(...way)) round++;
      if (moved > 100_000) throw new Error('the nodes never stop talking');
    }
    const isQuiet = before === nodes.map(({ log }) => `${log.length} ${log.parked}`).join();
    quiet = isQuiet ? quiet + 1 : 0;
    tick();
  }
  return {
    parked: nodes.reduce((sum, { log }) => sum + log.parked, 0),
    written,
    dropped: nodes.reduce((sum, node) => sum + node.dropped, 0),
    raised: nodes.reduce((sum, node) => sum + node.raised, 0),
    logs: nodes.map(({ log }) => log),
    links,
  };
}

/** A ring, and one chord or two. */
function linksOf(random: Random): (readonly [number, number])[] {
  const links = Array.from({ length: nodesOfWorld }, (_, i) => [i, (i + 1) % nodesOfWorld] as const);
  const from = random.below(nodesOfWorld);
  return [...links, [from, (from + 2) % nodesOfWorld] as const];
}
