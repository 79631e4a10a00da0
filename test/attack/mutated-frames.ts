/**
 * Recorded sessions, replayed to nodes with frames changed and invented ones among them. Whatever comes, only that session
 * may end (L6): nothing is thrown, no fault of the node's own is reported, another session of the node goes on, a log that the
 * peer does not know stays as it is, and no event of a known one is lost.
 */
import {
  type CloseReason,
  type ConnectionHandlers,
  type ConnectionHost,
  type ConnectionSource,
  GossipError,
} from '@gossip-log/core';
import { memoryStorage } from '@gossip-log/storage/memory';
import { createGossipNode, type GossipNode, type LogHandle } from '@gossip-log/transport';
import { encodeMessage } from '../../packages/core/src/codec/message.js';
import { mulberry32 } from '../../packages/core/test/message-generator.js';
import { Mutator } from './mutation.js';
import { newWriter } from './raw-peer.js';
import { type Recording, recordedLogs, recordSessions, SeededEnvironment } from './recording.js';

export interface MutatedFrames {
  /** Frames that were changed or invented. */
  readonly mutated: number;
  readonly sessions: number;
  /** How sessions ended that did not come to their recording's end, by code. */
  readonly ended: Readonly<Record<string, number>>;
  /** What must not happen, with what replays it. */
  readonly broken: readonly string[];
}

/** Sessions that one node sees: its logs must not grow for ever. */
const sessionsOfNode = 250;
/** Broken rules after which it makes no sense to go on. */
const brokenMax = 10;
const bystander = 'a log that no recording names';

export async function feedMutatedFrames(
  seed: number,
  count: number,
  /** Called before each session. */
  progress: (mutated: number, session: number) => void = () => undefined,
): Promise<MutatedFrames> {
  const random = mulberry32(seed);
  const environment = new SeededEnvironment(random);
  const mutator = new Mutator(random);
  const recordings = await recordSessions(environment);
  const ended: Record<string, number> = {};
  const broken: string[] = [];
  let mutated = 0;
  let sessions = 0;
  let victims: Record<Recording['at'], Victim> | undefined;
  const note = (what: string) => broken.push(`${what} (seed ${seed}, session ${sessions}, frame ${mutated})`);
  const onRejection = (error: unknown) => note(`a promise was rejected and nobody heard: ${error}`);
  process.on('unhandledRejection', onRejection);
  try {
    while (mutated < count && broken.length < brokenMax) {
      if (sessions % sessionsOfNode === 0) {
        for (const victim of Object.values(victims ?? {})) await victim.close();
        victims = {
          relay: await Victim.make('relay', environment, note),
          client: await Victim.make('client', environment, note),
        };
      }
      progress(mutated, ++sessions);
      const recording = recordings[mutator.below(recordings.length)] as Recording;
      const victim = (victims as Record<Recording['at'], Victim>)[recording.at];
      const peer = await victim.connect();
      // Up to here the peer is honest: what is changed meets each state of a session.
      const from = mutator.below(recording.frames.length);
      for (const [i, frame] of recording.frames.entries()) {
        if (peer.ended !== undefined) break;
        const isChanged = i >= from && mutator.below(2) === 0;
        if (isChanged) mutated++;
        peer.frame(isChanged ? mutator.changed(frame) : frame);
        if (i >= from && mutator.below(2) === 0) {
          mutated++;
          peer.frame(mutator.invented());
        }
        if (i % 4 === 3) await victim.turn();
      }
      await victim.turn();
      const { code } = peer.ended ?? { code: 'none' };
      ended[code] = (ended[code] ?? 0) + 1;
      peer.leave();
      await victim.turn();
      victim.look();
    }
    for (const victim of Object.values(victims ?? {})) await victim.close();
  } finally {
    process.off('unhandledRejection', onRejection);
  }
  return { mutated, sessions, ended, broken };
}

/** One end of a connection, by hand. */
interface Peer {
  readonly ended: CloseReason | undefined;
  frame(bytes: Uint8Array): void;
  leave(): void;
}

/** A node that mutated frames come to, and what must stay of it. */
class Victim {
  readonly #environment: SeededEnvironment;
  readonly #note: (what: string) => void;
  readonly #node: GossipNode;
  readonly #hand: HandSource;
  readonly #untouched: LogHandle<string>;
  #before: unknown;
  #honest!: Peer;
  #turns = 0;
  /** Ids of the events of known logs that were there. */
  readonly #held = new Map<LogHandle<unknown>, number>();

  private constructor(at: Recording['at'], environment: SeededEnvironment, note: (what: string) => void) {
    this.#environment = environment;
    this.#note = note;
    this.#hand = new HandSource(at === 'client');
    this.#node = createGossipNode({
      ...{ storage: memoryStorage(), environment, connections: [this.#hand] },
      ...(at === 'relay' ? { durable: true, openOnDemand: true } : {}),
      onError: (error) => {
        // A refusal is to be told; a fault of the node's own is not to be.
        if (!(error instanceof GossipError)) note(`a fault: ${error instanceof Error ? error.stack : error}`);
      },
    });
    this.#untouched = this.#node.open<string>(bystander);
    for (const log of recordedLogs) this.#held.set(this.#node.open(log), 0);
  }

  static async make(at: Recording['at'], environment: SeededEnvironment, note: (what: string) => void) {
    const victim = new Victim(at, environment, note);
    const { ready } = victim.#untouched;
    for (let turns = 0; turns < 10; turns++) await victim.turn();
    await ready;
    victim.#untouched.append('This stays.');
    for (let turns = 0; turns < 10; turns++) await victim.turn();
    victim.#before = victim.#shown();
    victim.#honest = await victim.connect();
    victim.#honest.frame(
      encodeMessage({ kind: 'hello', node: newWriter(), name: 'honest', durable: false, now: environment.now() }),
    );
    return victim;
  }

  /**
   * What the other log shows: the same object. A node that has dialled believes the clock of a durable peer, and by another clock it
   * appends again what no peer was sent: there the texts are the same.
   */
  #shown(): unknown {
    const snapshot = this.#untouched.snapshot();
    return this.#hand.dials ? snapshot.map(({ payload }) => payload).join() : snapshot;
  }

  async connect(): Promise<Peer> {
    const peer = this.#hand.connect((error) => this.#note(`a frame threw: ${error}`));
    // It introduces itself once it knows who it is.
    await this.turn();
    return peer;
  }

  /** Timers that are due, and what promises lead to. */
  async turn(): Promise<void> {
    this.#environment.advance(5);
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#turns++ % 100 === 0) {
      this.#honest?.frame(encodeMessage({ kind: 'ping', asks: false, now: this.#environment.now() }));
    }
  }

  /** What must hold after each session. */
  look(): void {
    if (this.#shown() !== this.#before) this.#note('another log has changed');
    if (this.#honest.ended !== undefined) this.#note(`another session has ended: ${this.#honest.ended.code}`);
    for (const [handle, held] of this.#held) {
      const { length } = handle.snapshot();
      if (length < held) this.#note(`${held - length} events of "${handle.id}" are gone`);
      this.#held.set(handle, length);
    }
  }

  async close(): Promise<void> {
    const closed = this.#node.close();
    for (let turns = 0; turns < 10; turns++) await this.turn();
    await closed;
  }
}

class HandSource implements ConnectionSource {
  readonly dials: boolean;
  #host: ConnectionHost | undefined;
  #connections = 0;
  readonly #open = new Set<() => void>();

  constructor(dials: boolean) {
    this.dials = dials;
  }

  start(host: ConnectionHost): () => Promise<void> {
    this.#host = host;
    host.status({ state: 'open' });
    return async () => {
      for (const end of [...this.#open]) end();
    };
  }

  connect(threw: (error: unknown) => void): Peer {
    let ended: CloseReason | undefined;
    const end = (reason: CloseReason) => {
      if (ended !== undefined) return;
      ended = reason;
      this.#open.delete(stop);
      queueMicrotask(() => handlers.closed(reason));
    };
    const stop = () => end({ code: 'normal', message: 'stopped' });
    this.#open.add(stop);
    const handlers: ConnectionHandlers = (this.#host as ConnectionHost).connected({
      // Each has an address of its own: what an address may cost is bounded elsewhere.
      peer: `10.0.${(this.#connections >> 8) & 255}.${this.#connections++ & 255}:1`,
      ...{ bufferedBytes: 0, send: () => undefined, close: end },
    });
    return {
      get ended() {
        return ended;
      },
      frame(bytes) {
        if (ended !== undefined) return;
        try {
          handlers.frame(bytes.slice());
        } catch (error) {
          threw(error);
        }
      },
      leave: () => end({ code: 'connection-lost', message: 'the peer has gone' }),
    };
  }
}
