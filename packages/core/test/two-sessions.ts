/**
 * Two nodes over one wire, driven by hand: real logs, real sessions, a store that keeps blocks in a list. Frames wait
 * until they are delivered, answers until they are given, and nothing happens by itself.
 */
import { decodeMessage } from '../src/codec/message.js';
import { GossipError, type SequenceNumber, type WriterId, writerIdFromBytes } from '../src/index.js';
import { creditBytesMax, frameBytesMax } from '../src/limits.js';
import {
  type Answer,
  type Effect,
  type LogEntry,
  type Peer,
  ReplicatedLog,
  Session,
  type SessionInput,
  type SessionOutput,
} from '../src/sync/index.js';

import { readNow } from './read-now.js';

/** A log of a node, and what its store still has to write. */
interface Hosted {
  readonly log: ReplicatedLog;
  /** Received entries that are merged but not stored. */
  queue: LogEntry[];
  /** Blocks in the order stored. */
  readonly journal: Uint8Array[];
}

interface Asked {
  readonly request: number;
  readonly effect: Effect;
}

export interface TestNodeOptions {
  readonly writer: WriterId;
  readonly durable: boolean;
  /** Milliseconds that this node's clock is ahead. */
  readonly offsetMs?: number;
  /** At most so many of the events that it lacks it wants. */
  readonly catchUpEventsMax?: number;
  /** Opens logs for peers that it does not use itself. Default true. */
  readonly opensForPeers?: boolean;
}

/** One node: logs, a store, and a session to one peer at a time. */
export class TestNode {
  readonly hosted = new Map<string, Hosted>();
  readonly attached = new Set<string>();
  readonly outputs: SessionOutput[] = [];
  /** Frames on their way to the peer, oldest first. */
  outbox: Uint8Array[] = [];
  asked: Asked[] = [];
  session: Session | undefined;
  peer: Peer | undefined;
  /** Logs opened for the peer less those released. */
  readonly openForPeer = new Map<string, number>();
  /** Writer → how far a durable peer has acknowledged. */
  readonly acknowledged = new Map<WriterId, SequenceNumber>();
  mayWrite = true;
  /** May its peers redact? */
  mayRedact = true;
  /** Its disk is full: no log is opened for the peer. */
  mayOpen = true;
  /** Bytes of events sent less those granted; above 0 they are overspent. */
  spent = 0;
  spentMax = 0;
  #fresh = 0;

  constructor(
    readonly options: TestNodeOptions,
    readonly trueNow: () => number,
  ) {}

  now(): number {
    return this.trueNow() + (this.options.offsetMs ?? 0);
  }

  host(log: string): Hosted {
    let hosted = this.hosted.get(log);
    if (hosted === undefined) {
      const options = { id: log, writer: this.options.writer, now: () => this.now() };
      const freshWriter = () => writerIdFromBytes(new Uint8Array(16).fill(200 + this.#fresh++));
      hosted = { log: new ReplicatedLog(options, { freshWriter }), queue: [], journal: [] };
      this.hosted.set(log, hosted);
    }
    return hosted;
  }

  connect(): void {
    const { writer, durable } = this.options;
    this.session = new Session({
      node: writer,
      name: writer.slice(0, 4),
      durable,
      clockOffsetMs: 0,
      wallClock: () => this.now(),
    });
    this.outbox = [];
    this.asked = [];
    this.spent = -creditBytesMax;
    this.input({ type: 'start', now: this.trueNow() });
    for (const log of this.attached) this.input({ type: 'attach', log, now: this.trueNow() });
  }

  /** Requests not answered by now are answered to nobody: what they would open is never opened. */
  cut(): void {
    this.input({ type: 'end', reason: { code: 'connection-lost', message: '' }, now: this.trueNow() });
    this.session = undefined;
  }

  attach(log: string): void {
    this.host(log);
    if (this.attached.has(log)) return;
    this.attached.add(log);
    this.input({ type: 'attach', log, now: this.trueNow() });
  }

  detach(log: string): void {
    if (this.attached.delete(log)) this.input({ type: 'detach', log, now: this.trueNow() });
  }

  append(log: string, payload: unknown): void {
    this.host(log).log.append(payload);
  }

  /** Writes what waits, received events first, then tells the session. */
  store(log: string): void {
    const hosted = this.host(log);
    const entries = [...hosted.queue, ...hosted.log.takeUnflushed()];
    hosted.queue = [];
    if (entries.length === 0) return;
    hosted.journal.push(...entries.map(({ block }) => block));
    hosted.log.markStored(entries);
    this.input({ type: 'stored', log, entries, now: this.trueNow() });
  }

  tick(): void {
    this.input({ type: 'tick', now: this.trueNow() });
  }

  receive(bytes: Uint8Array): void {
    const message = decodeMessage(bytes);
    if (message.kind === 'credit') this.spent -= message.bytes;
    this.input({ type: 'frame', bytes, now: this.trueNow() });
  }

  /** Carries out the i-th request that waits. */
  answer(index: number): void {
    const [asked] = this.asked.splice(index, 1);
    if (asked === undefined) return;
    const { request, effect } = asked;
    try {
      this.input({ type: 'answer', request, answer: this.#carryOut(effect), now: this.trueNow() });
    } catch (error) {
      if (!(error instanceof GossipError)) throw error;
      this.input({ type: 'failed', request, error, now: this.trueNow() });
    }
  }

  input(input: SessionInput): void {
    for (const output of this.session?.handle(input) ?? []) {
      this.outputs.push(output);
      this.#perform(output);
    }
  }

  #perform(output: SessionOutput): void {
    switch (output.type) {
      case 'send':
        this.outbox.push(output.frame);
        if (decodeMessage(output.frame).kind === 'events') {
          this.spent += output.frame.length;
          this.spentMax = Math.max(this.spentMax, this.spent);
        }
        break;
      case 'request':
        this.asked.push(output);
        break;
      case 'established':
        this.peer = output.peer;
        break;
      case 'compared':
        for (const [writer, last] of this.host(output.log).log.storedVersion()) {
          this.#acknowledged(writer, output.lacks.get(writer)?.seq ?? last);
        }
        break;
      case 'acknowledged':
        for (const { writer, last } of output.runs) {
          this.#acknowledged(writer, last);
        }
        break;
      case 'cut': {
        const hosted = this.host(output.log);
        if (output.time <= hosted.log.edges.complete) break;
        hosted.log.want(output.time);
        hosted.queue.push(...hosted.log.raise(output.time));
        this.input({ type: 'tell', log: output.log, now: this.trueNow() });
        break;
      }
      case 'released':
        this.#release(output.log);
        break;
    }
  }

  #acknowledged(writer: WriterId, last: SequenceNumber): void {
    this.acknowledged.set(writer, Math.max(last, this.acknowledged.get(writer) ?? 0));
  }

  #grant(log: string): boolean {
    const forPeer = this.options.opensForPeers ?? true;
    if (forPeer) this.openForPeer.set(log, (this.openForPeer.get(log) ?? 0) + 1);
    return forPeer;
  }

  #release(log: string): void {
    this.openForPeer.set(log, (this.openForPeer.get(log) ?? 0) - 1);
  }

  #carryOut(effect: Effect): Answer {
    if (effect.kind === 'open') {
      if (!this.mayOpen) throw new GossipError('storage-failed', 'the disk is full');
      if (!(this.options.opensForPeers ?? true) && !this.attached.has(effect.log)) {
        throw new GossipError('not-found', 'not open here');
      }
      const { descriptor } = this.host(effect.log).log;
      if (descriptor.codec !== effect.descriptor.codec) throw new GossipError('descriptor-mismatch', 'another codec');
      return { kind: 'open', log: effect.log, writable: this.mayWrite, forPeer: this.#grant(effect.log) };
    }
    const hosted = this.host(effect.log);
    const { catchUpEventsMax } = this.options;
    switch (effect.kind) {
      case 'describe': {
        const redactions = readNow(hosted.log.redactionsBelow());
        return {
          ...{ kind: 'describe', descriptor: hosted.log.descriptor, token: undefined },
          ranges: readNow(hosted.log.describe()),
          edges: {
            ...hosted.log.edges,
            ...(catchUpEventsMax !== undefined && { catchUpEventsMax }),
            ...(redactions && { redactions }),
          },
        };
      }
      case 'compare': {
        const { received, salt, thorough, peer } = effect;
        return { kind: 'compare', ...readNow(hosted.log.compare(received, salt, thorough, peer)) };
      }
      case 'supply':
        return { kind: 'supply', ...hosted.log.supply(effect.runs, effect.from) };
      case 'sum':
        return { kind: 'sum', fingerprint: readNow(hosted.log.sum(effect.upTo, effect.peer)) };
      case 'read':
        return { kind: 'read', ...readNow(hosted.log.read(effect)) };
      case 'redactions':
        return { kind: 'redactions', ...readNow(hosted.log.readRedactions(effect)) };
      case 'select':
        return { kind: 'select', ...readNow(hosted.log.select(effect)) };
      case 'merge': {
        const { entries, runs, missing, dropped, refused } = hosted.log.receive(
          effect.blocks,
          false,
          this.mayRedact ? undefined : new Set(),
        );
        hosted.queue.push(...entries);
        return { kind: 'merge', runs, missing, dropped, refused };
      }
      case 'store': {
        this.store(effect.log);
        const stored = hosted.log.storedVersion();
        return {
          kind: 'store',
          stored: new Map(effect.runs.map(({ writer }) => [writer, { first: 1, last: stored.get(writer) ?? 0 }])),
          before: hosted.log.keptBefore(effect.runs),
        };
      }
    }
  }
}

/** A node at either end of a wire. */
export class Wire {
  constructor(
    readonly left: TestNode,
    readonly right: TestNode,
  ) {}

  get nodes(): readonly [TestNode, TestNode] {
    return [this.left, this.right];
  }

  connect(): void {
    this.left.connect();
    this.right.connect();
  }

  /** Frames on their way are lost, both sides learn of it. */
  cut(): void {
    this.left.cut();
    this.right.cut();
  }

  /** Delivers the oldest frame that `from` sent. */
  deliver(from: TestNode): boolean {
    const frame = from.outbox.shift();
    if (frame === undefined) return false;
    (from === this.left ? this.right : this.left).receive(frame);
    return true;
  }

  /** Answers the oldest request of a node or, when there is none, delivers a frame. False: nothing moves. */
  step(): boolean {
    for (const node of this.nodes) {
      if (node.asked.length === 0) continue;
      node.answer(0);
      return true;
    }
    return this.deliver(this.left) || this.deliver(this.right);
  }

  /** Answers every request and delivers every frame until nothing moves. Returns frames delivered, by sender. */
  settle(): { left: number; right: number } {
    const frames = { left: 0, right: 0 };
    for (let steps = 0; ; steps++) {
      if (steps > 100_000) throw new Error('two sessions do not come to rest');
      let moved = false;
      for (const node of this.nodes) {
        if (node.asked.length > 0) {
          node.answer(0);
          moved = true;
        }
      }
      if (moved) continue;
      if (this.deliver(this.left)) frames.left++;
      else if (this.deliver(this.right)) frames.right++;
      else return frames;
    }
  }
}

/** No sender may be further over its credit than this (S10). */
export const overspentMax = frameBytesMax;
